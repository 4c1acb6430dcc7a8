"""Lines and bytes of files: decompressed, decoded strictly, cut at newlines only."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokkit.errors import InputError
from tokkit.sources import streams


def _zst(data: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": _zst}


def _lines(path):
    return [line for batch in streams.lines(path) for line in batch]


def _reference(text: str) -> list[str]:
    r"""Lines as `tokenizers` reads a file: only ``\n`` ends one, and it is kept."""
    return [line for line in text.replace("\n", "\n\0").split("\0") if line]


PIECES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\x85", "\u2028", "\x0b"])
TEXTS = st.lists(PIECES | ENDS).map("".join).filter(lambda text: not text.startswith("\ufeff"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_streams_lines_end_at_newlines_only(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    assert _lines(path) == _reference(text)


def test_streams_lines_are_those_the_reference_trainer_reads(write):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    path = write("a.txt", "a\x85b c\u2028d\r\ne\rf\n g")
    tokenizer = Tokenizer(models.WordLevel())
    tokenizer.pre_tokenizer = pre_tokenizers.Split("никогда", "removed")  # a line stays one word
    tokenizer.train([str(path)], trainers.WordLevelTrainer(show_progress=False, special_tokens=[]))
    assert set(tokenizer.get_vocab()) == set(_lines(path))


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_streams_lines_do_not_depend_on_the_block_size(write, monkeypatch, block):
    text = "가나다\nb\n\n\r\nlong line without end 😀 \u2028 x\nlast"
    path = write("a.txt", "\ufeff" + text)
    monkeypatch.setattr(streams, "BLOCK", block)
    assert _lines(path) == _reference(text)


@pytest.mark.parametrize("ending", COMPRESS)
class TestCompressed:
    def test_streams_reads_it_whatever_its_name(self, write, ending):
        path = write("a.txt", COMPRESS[ending]("하나\ntwo\n".encode()))
        assert _lines(path) == ["하나\n", "two\n"]

    def test_streams_reads_parts_written_one_after_the_other(self, write, ending):
        path = write(f"a.txt.{ending}", COMPRESS[ending](b"one\n") + COMPRESS[ending](b"two\n"))
        assert _lines(path) == ["one\n", "two\n"]

    def test_streams_reads_an_empty_one(self, write, ending):
        assert _lines(write(f"a.txt.{ending}", COMPRESS[ending](b""))) == []

    def test_streams_refuses_one_cut_short(self, write, ending):
        whole = COMPRESS[ending](os.urandom(200_000).hex().encode())
        path = write(f"a.txt.{ending}", whole[: len(whole) // 2])
        with pytest.raises(InputError, match=r"a\.txt\.\w+: "):
            _lines(path)

    def test_streams_refuses_a_bomb(self, write, ending, monkeypatch):
        monkeypatch.setattr(streams, "FREE", 1 << 20)
        path = write(f"a.txt.{ending}", COMPRESS[ending](b"0" * (8 << 20)))
        with pytest.raises(InputError, match="more than 200 times its size"):
            _lines(path)


def test_streams_takes_text_that_begins_like_bzip2_for_text(write):
    assert _lines(write("a.txt", "BZh9 is how bzip2 begins\n")) == ["BZh9 is how bzip2 begins\n"]


def test_streams_reads_a_plain_file_named_gz(write):
    assert _lines(write("a.txt.gz", "plain\n")) == ["plain\n"]


def test_streams_names_line_and_byte_of_bad_utf8(write):
    path = write("a.txt", "하나\nab".encode() + b"\xffc\n")
    with pytest.raises(InputError, match=r"a\.txt:2: byte 3 \(0xff\) is not UTF-8") as caught:
        _lines(path)
    assert "iconv" in caught.value.hint


def test_streams_names_the_line_far_into_a_file(write, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 64)
    path = write("a.txt", b"0123456789\n" * 100 + b"01\xc3(\n")
    with pytest.raises(InputError, match=r"a\.txt:101: byte 3 "):
        _lines(path)


def test_streams_names_the_byte_of_a_character_cut_off_at_the_end(write):
    with pytest.raises(InputError, match=r":1: byte 3 \(0xea\)"):
        _lines(write("a.txt", b"ab" + "가".encode()[:2]))


@pytest.mark.parametrize("ending", ["txt", *COMPRESS])
def test_streams_a_hint_without_nul_bytes_works_in_a_shell(tmp_path, ending):
    path = tmp_path / f"a file.{ending}"
    path.write_bytes(COMPRESS.get(ending, bytes)(b"ab\nc\0d\n"))
    with pytest.raises(InputError) as caught:
        _lines(path)
    command = caught.value.hint.splitlines()[-1]
    if ending == "zst" and not shutil.which("zstd"):
        assert command.startswith("zstd -dc ")
    else:
        subprocess.run(command, shell=True, cwd=tmp_path, check=True)
        assert (tmp_path / "clean.txt").read_bytes() == b"ab\ncd\n"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_streams_refuses_utf16(write, codec):
    with pytest.raises(InputError, match="UTF-16") as caught:
        _lines(write("a.txt", "text\n".encode(codec)))
    assert caught.value.hint


def test_streams_refuses_nul_with_its_line(write):
    with pytest.raises(InputError, match=r"a\.txt:2: holds a NUL byte"):
        _lines(write("a.txt", b"ab\nc\0d\n"))


def test_streams_strips_one_bom_and_only_at_the_start(write):
    assert _lines(write("a.txt", "\ufeffa\ufeff\n\ufeffb")) == ["a\ufeff\n", "\ufeffb"]


def test_streams_tells_the_bytes_it_read(write):
    sizes = []
    path = write("a.txt", "\ufeff하나\nx\n" * 1000)
    list(streams.lines(path, sizes.append))
    assert sum(sizes) == path.stat().st_size


def test_streams_reads_one_line_of_many_megabytes(write):
    path = write("a.txt", b"x" * (5 << 20) + b"\ny")
    assert [len(line) for line in _lines(path)] == [(5 << 20) + 1, 1]


def test_streams_says_what_cannot_be_opened(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        streams.open_binary(tmp_path)
