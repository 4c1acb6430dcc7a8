"""Files in encodings other than UTF-8: the same text, and errors that name the line."""

from __future__ import annotations

import gzip
import io
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.errors import InputError, UsageError
from tokkit.sources import formats, streams
from tokkit.sources.encoding_guess import likely_encodings, wide_encoding
from tokkit.sources.encodings import Recoded, encoding_named


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


SENTENCES = {
    "cp1252": "Die Tür ist zu, über der Straße scheint später die Sonne; schöne Grüße, für fünf € – so",
    "mac_roman": "L’été dernier, nous avons été très heureux à la plage, même après la tempête",
    "cp437": "El niño comió después; la acción está aquí y mañana también",
    "cp1250": "Następnego dnia wyszła z domu późno i źle się czuła, że aż strach",
    "iso8859-2": "Příliš žluťoučký kůň úpěl ďábelské ódy, řekl otec večer",
    "cp852": "Az őszi estéken gyönyörű a kertünk, és a fák között sétálunk",
    "cp1251": "Этот фильм мне очень понравился, смотрите обязательно",
    "koi8-r": "Этот фильм мне очень понравился, смотрите обязательно",
    "cp866": "Этот фильм мне очень понравился, смотрите обязательно",
    "iso8859-5": "Този филм много ми хареса и го препоръчвам на всички",
    "koi8-u": "Цей фільм мені дуже сподобався, її варто подивитися",
    "cp1253": "Η ταινία ήταν πολύ καλή και μου άρεσε πάρα πολύ",
    "cp1254": "Bu filmi çok beğendim, oyuncular gerçekten şahane ve görüntüler güzeldi",
    "cp1255": "הסרט הזה היה טוב מאוד ואני ממליץ עליו לכולם",
    "cp1256": "هذا الفيلم جيد جدا وأنصح الجميع بمشاهدته في السينما",
    "cp1257": "Šis filmas man labai patiko, žiūrėjome jį su šeima, ačiū už viską",
    "cp874": "หนังเรื่องนี้สนุกมากและนักแสดงเล่นได้ดี",
    "cp949": "이 영화 정말 재미있어요, 10점!",
    "cp932": "この映画はとても良かったです",
    "euc_jp": "この映画はとても良かったです、ありがとう",
    "gb18030": "这部电影很好看，我们都喜欢",
    "big5": "這部電影很好看，我們都喜歡",
}


@pytest.mark.parametrize("encoding", SENTENCES)
def test_encodings_the_likeliest_gives_the_text(encoding):
    content = SENTENCES[encoding].encode(encoding)
    assert content.decode(next(iter(likely_encodings(content)))) == SENTENCES[encoding]


@pytest.mark.parametrize("text", ["text,label\ngrün,1\n", "문장,라벨\n좋다,1\n", "文,类\n好,1\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16", "utf-32"])
def test_encodings_of_two_and_four_bytes_are_named_with_and_without_mark(text, encoding):
    assert wide_encoding(text.encode(encoding)) == encoding
    assert wide_encoding(text.encode()) is None
    assert wide_encoding(text.encode().replace(b"1", b"\0", 1)) is None


def error_of(path: Path, content: bytes, encoding: str | None = None) -> InputError:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(streams.lines(path, encoding=encoding))
    return caught.value


def test_encodings_only_those_that_decode_the_whole_file_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK", 1 << 12)
    # the byte 0x98 is none of cp1251, and far behind the sample
    content = "Этот фильм мне очень понравился\n".encode("cp1251") * 2000
    assert error_of(tmp_path / "a.txt", content).hint == "most likely cp1251:\n--encoding cp1251"
    error = error_of(tmp_path / "a.txt", content + b"\x98\n")
    assert error.message.endswith("a.txt:1: byte 1 (0xdd) is not UTF-8")
    assert "cp1251" not in error.hint


def test_encodings_a_cut_off_file_of_utf8_is_not_called_another(tmp_path):
    error = error_of(tmp_path / "a.txt", "좋은 영화였다\n나쁜 영화였다".encode()[:-1])
    assert error.message.endswith("a.txt:2: byte 17 (0xeb) is not UTF-8")
    assert f"iconv -c -f UTF-8 -t UTF-8 < {tmp_path}/a.txt > clean.txt" in error.hint


def test_encodings_a_wrong_option_is_answered_with_the_right_one(tmp_path):
    korean = ("좋은 영화였다\n" * 3).encode("cp949")
    assert error_of(tmp_path / "a.txt", korean, "ascii").hint == "most likely cp949:\n--encoding cp949"
    utf8 = "좋은 영화였다\n".encode()
    assert error_of(tmp_path / "b.txt", utf8, "cp949").hint == "it is UTF-8: leave --encoding out"


@pytest.mark.parametrize(
    ("text", "written", "read", "likelier"),
    [
        ("좋은 영화였다, 또 보고 싶다\n", "cp949", "cp1252", "cp949"),
        ("좋은 영화였다, 또 보고 싶다\n", "cp949", "cp949", None),
        ("eine schöne Tür für Übergrößen\n", "utf-8", "cp1252", "utf-8"),
        ("eine schöne Tür für Übergrößen\n", "cp1252", "cp1250", None),  # the same text
    ],
)
def test_encodings_that_read_nonsense_are_said(tmp_path, text, written, read, likelier):
    (tmp_path / "a.txt").write_bytes(text.encode(written))
    said: list[str] = []
    formats.recognize(tmp_path / "a.txt", say=said.append, encoding=encoding_named(read))
    assert [line.rpartition("--encoding ")[2] for line in said] == ([likelier] if likelier else [])


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


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("これは良い日です", "iso2022_jp"),
        ("오늘은 좋은 날이다", "iso2022_kr"),
        ("für große Übung, 오늘은 좋은 날이다", "utf-7"),
    ],
)
def test_encodings_in_seven_bits_are_named(tmp_path, text, encoding):
    path = tmp_path / "rows.csv"
    rows = "text,label\n" + "".join(f"{text} {number},a\n" for number in range(9))
    path.write_bytes(rows.encode(encoding))
    standard = encoding.upper().replace("ISO2022_", "ISO-2022-")
    with pytest.raises(InputError, match=f"rows.csv: is {standard}, not UTF-8") as caught:
        list(streams.lines(path))
    assert caught.value.hint == f"--encoding {encoding}"
    assert "".join(chain.from_iterable(streams.lines(path, encoding=encoding))) == rows


@pytest.mark.parametrize(
    "text", ["call +82-10-1234-5678 or +491511234567-", "\x1b[31mred\x1b[0m $", "1+1-2 a+bcd-e +Vector- +-"]
)
def test_encodings_plain_text_with_their_signs_is_plain(tmp_path, text):
    path = tmp_path / "text.txt"
    path.write_text(f"{text}\n" * 50, encoding="utf-8")
    assert "".join(chain.from_iterable(streams.lines(path))) == f"{text}\n" * 50
