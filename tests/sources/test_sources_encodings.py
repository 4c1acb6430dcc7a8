"""Files in encodings other than UTF-8: the same text, and errors that name the line."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.errors import InputError, UsageError
from tokkit.sources import streams
from tokkit.sources.encodings import Recoded, encoding_named, likely_encoding


@given(st.text(st.sampled_from("aé가漢\n\r😀\ufeff"), min_size=1), st.integers(1, 9))
@pytest.mark.parametrize("encoding", ["utf_16", "utf_16_le", "gb18030", "utf_32"])
def test_encodings_the_text_is_the_same_however_it_is_cut(encoding, text, size):
    file = Recoded(io.BytesIO(text.encode(encoding)), Path("a.txt"), encoding)
    blocks = iter(lambda: file.read(size), b"")
    assert b"".join(blocks).decode() == text


def test_encodings_bytes_that_are_none_are_named_by_line_beyond_the_first_block(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 16)
    (tmp_path / "a.txt").write_bytes("좋다\n".encode("euc-kr") * 30 + b"\x8c\x63\n")
    with pytest.raises(InputError, match=r"a\.txt:31: 0x8c is not euc_kr"):
        list(streams.lines(tmp_path / "a.txt", encoding="euc_kr"))


def test_encodings_a_file_that_ends_within_a_character_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes("가나".encode("cp949")[:-1])
    with pytest.raises(InputError, match=r"a\.txt:1: .* is not cp949"):
        list(streams.lines(tmp_path / "a.txt", encoding="cp949"))


def test_encodings_compressed_files_and_nul(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("좋다\n나".encode("cp949")))
    batches = streams.lines(tmp_path / "a.txt.gz", encoding="cp949")
    assert [line for batch in batches for line in batch] == ["좋다\n", "나"]
    (tmp_path / "b.txt").write_bytes("a\nb\0".encode("utf-16"))
    with pytest.raises(InputError, match=r"b\.txt:2: holds a NUL byte"):
        list(streams.lines(tmp_path / "b.txt", encoding="utf_16"))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("이 영화 정말 재미있어요, 10점!", "cp949"),
        ("この映画はとても良かったです", "cp932"),
        ("这部电影很好看", "gb18030"),
        ("schön, naïve, café; über dem Fluß", "cp1252"),
        ("ein “Zitat” für fünf € – so", "cp1252"),
    ],
)
def test_encodings_what_a_file_may_be(text, encoding):
    assert likely_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    ("name", "python_name"),
    [("UTF8", None), ("utf-8-sig", None), ("EUC-KR", "euc_kr"), ("Latin-1", "iso8859-1")],
)
def test_encodings_have_the_names_that_python_knows(name, python_name):
    assert encoding_named(name) == python_name


@pytest.mark.parametrize("name", ["hangul", "base64", "", "a\0b"])
def test_encodings_what_is_none_is_refused(name):
    with pytest.raises(UsageError, match="is no encoding") as caught:
        encoding_named(name)
    assert "cp949" in caught.value.hint
