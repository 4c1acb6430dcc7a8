"""Charsmaps: what the library reads of a good one, and that no wrong one gets as far as the library."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

import tokkit
from tokkit.tokenizer.blocks import build, charsmap
from tokkit.tokenizer.folder.load import load

GOOD = charsmap.pack_charsmap({"ﬁ": "fi"})


@pytest.mark.parametrize(("character", "text"), [("ﬁ", "fi"), ("a", ""), ("한", "HAN"), ("\U0001f600", ":)")])
def test_charsmap_of_one_character_maps_it_and_no_other(character, text):
    content = charsmap.pack_charsmap({character: text})
    assert charsmap.is_charsmap(content)
    given = f"b{character}é글{character}"
    assert normalizers.Precompiled(content).normalize_str(given) == given.replace(character, text)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"abc", b"\x00\0\0\0", b"\x04\0\0\0abcd", b"\xff\xff\0\0ab"),
        *(GOOD[:100], GOOD[:-3] + b"\xff\xff\0", GOOD[:-3], b"\xe2\xab" + GOOD[2:]),
    ],
)
def test_charsmap_wrong_is_refused(content, tmp_path):
    assert not charsmap.is_charsmap(content)
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(tokkit.UsageError, match=r"precompiled: .*/c: not a precompiled charsmap"):
        build.sequence("normalizer", [f"precompiled:file={tmp_path / 'c'}"])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.text())
def test_charsmap_taken_never_makes_the_library_panic(position, byte, text):
    content = GOOD[:position] + bytes([byte]) + GOOD[position + 1 :]
    if charsmap.is_charsmap(content):
        normalizers.Precompiled(content).normalize_str(f"ﬁ{text}")


def test_charsmap_works_in_a_trained_tokenizer(tmp_path):
    (tmp_path / "c").write_bytes(GOOD)
    (tmp_path / "t.txt").write_text("ﬁne ﬁne fish\n" * 5, encoding="utf-8")
    settings = {"normalizer": f"precompiled:file={tmp_path / 'c'}", "vocab_size": 30}
    tokkit.train_wordpiece(tmp_path / "t.txt", tmp_path / "out", **settings)
    (tmp_path / "c").unlink()
    assert load(tmp_path / "out").backend.encode("ﬁne").tokens == ["[CLS]", "fine", "[SEP]"]
