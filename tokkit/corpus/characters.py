"""What the blocks do to each character: the reference is queried once for every character that occurs.

Most characters are normalized independently of their neighbors, and the usual pre-tokenizers look at classes
of characters. Where that is so, kernels normalize and split a chunk from tables (`split_kernels`), and the
tables agree with whichever version of `tokenizers` is installed. Where it may not be so (combining marks
under NFC, characters newer than this Python), the character stays unknown, and `tokenizers` itself splits the
chunks that have one.

NFD reorders marks, NFC composes them besides. Whose form does not depend on its neighbors:

             e, 中, 가    ा (a mark of combining class 0)    U+0301 (another mark)    U+1161 (vowel of Hangul)
    NFD      known       known                              unless it vanishes       known
    NFC      known       unknown                            unknown                  unknown
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import split_kernels as kernels
from tokkit.corpus.cutting import Pipeline
from tokkit.runtime.strings import Strings

_ALL = 0x110000
_COMPOSING = ("NFC", "NFKC")
_ORDERING = ("NFD", "NFKD")
_BY_RUNS = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
_BATCH = 4096

# bytes of the normal forms whose words `Characters.split` gives at a time
BUFFER = 1 << 19


@dataclass(frozen=True)
class WordsOfChunks:
    """Words in the order of their chunks; owners (words,) int64: the index of each word's chunk."""

    words: Strings
    owners: NDArray[np.int64]


class Characters:
    """Tables for `split_kernels.split`, filled as characters occur; threads may share it.

    forms    (0x110000,) uint8: `UNKNOWN`, `SAME` or `MAPPED`
    offsets  (0x110000,) int32: where in ``written`` the form of a mapped character starts
    written  (n,) uint8: its number of bytes, then the bytes
    classes  (0x110000,) uint8
    gpt2     whether GPT-2's pattern splits; otherwise runs of one class are words
    """

    def __init__(self, pipeline: Pipeline, tokenizer: Any) -> None:
        self.gpt2 = _is_gpt2(pipeline)
        self.forms = np.zeros(_ALL, np.uint8)
        self.offsets = np.zeros(_ALL, np.int32)
        self.written = np.zeros(1 << 16, np.uint8)
        self.classes = np.zeros(_ALL, np.uint8)
        self._normalizer = tokenizer.normalizer
        self._pre_tokenizer = tokenizer.pre_tokenizer
        self._composes = any(block["type"] in _COMPOSING for block in pipeline.normalizers)
        self._orders = any(_orders(block) for block in pipeline.normalizers)
        self._queried = np.zeros(_ALL, np.bool_)
        self._end = 0
        self._lock = threading.Lock()
        self._local = threading.local()

    def split(self, chunks: Strings) -> Iterator[tuple[WordsOfChunks, NDArray[np.int64]]]:
        """The words of some chunks after the other, and the indices of chunks that are left to the reference.

        They are views of buffers that the next words overwrite.
        """
        # before splitting: kernels cannot query the reference, and skip a chunk with an unknown character
        self.learn(chunks)
        # one buffer a thread, kept between batches: the pages of a new one would be mapped anew each time
        if not hasattr(self._local, "text"):
            self._local.text = np.empty(BUFFER, np.uint8)
            self._local.words = np.empty((3, BUFFER // 8), np.int64)
        text, (starts, ends, owners) = self._local.text, self._local.words
        left = np.empty(len(chunks), np.int64)
        tables, first = self.tables, 0
        while first < len(chunks):
            first, words, skipped = kernels.split(
                chunks.data, chunks.starts, chunks.ends, first, tables, text, starts, ends, owners, left
            )
            yield WordsOfChunks(Strings(text, starts[:words], ends[:words]), owners[:words]), left[:skipped]

    @property
    def tables(self) -> kernels.Tables:
        """The tables as far as they are filled."""
        return kernels.Tables(self.forms, self.offsets, self.written, self.classes, self.gpt2)

    def learn(self, strings: Strings) -> None:
        """Fill the tables for every character of the strings that has not occurred before."""
        new = np.empty(_BATCH, np.int32)
        with self._lock:
            while count := kernels.new_characters(
                strings.data, strings.starts, strings.ends, self._queried, new
            ):
                self._query([chr(character) for character in new[:count]])
                if count < _BATCH:
                    break

    def _query(self, characters: Sequence[str]) -> None:
        forms = [self._form(character) for character in characters]
        self._classify("".join(dict.fromkeys("".join(form for form in forms if form))))
        # last: other threads read a form without a lock as soon as it is there
        for character, form in zip(characters, forms, strict=True):
            if form is not None:
                self._write(ord(character), character, form)

    def _form(self, character: str) -> str | None:
        """The normal form of one character; None where its neighbors may matter."""
        if self._normalizer is None:
            return character
        # the installed `tokenizers` decides: its Unicode tables may be newer or older than Python's
        form: str = self._normalizer.normalize_str(character)
        if not form and not self._composes:
            return form  # it vanishes, whatever its order among marks
        if self._composes and not (form and _never_composes(character) and _never_composes(form[0])):
            return None
        if self._orders and not (_keeps_its_position(character) and _keeps_its_position(form[0])):
            return None
        return form if len(form.encode()) <= kernels.GROWTH * len(character.encode()) else None

    def _write(self, point: int, character: str, form: str) -> None:
        if form == character:
            self.forms[point] = kernels.SAME
            return
        encoded = form.encode()
        if self._end + len(encoded) + 1 > len(self.written):
            self.written = np.concatenate((self.written, np.zeros_like(self.written)))
        self.written[self._end] = len(encoded)
        self.written[self._end + 1 : self._end + 1 + len(encoded)] = np.frombuffer(encoded, np.uint8)
        self.offsets[point] = self._end
        self._end += len(encoded) + 1
        self.forms[point] = kernels.MAPPED

    def _classify(self, characters: str) -> None:
        """Find out after which of a letter, a digit and a mark each one continues a word: those of its class.

        Nine characters probe one: ``a? 1? !? ``; the words of all probes are found in one call.
        """
        probes = "".join(f"a{c} 1{c} !{c} " for c in characters)
        word_of = np.zeros(len(probes), np.int64)
        for word, (_, (start, end)) in enumerate(self._pre_tokenizer.pre_tokenize_str(probes), 1):
            word_of[start:end] = word
        letter, number, mark = (_joined(word_of, first) for first in (0, 3, 6))
        classes = np.full(len(characters), kernels.WHITE if self.gpt2 else kernels.ALONE, np.uint8)
        classes[mark] = kernels.OTHER
        classes[number] = kernels.NUMBER
        classes[letter] = kernels.LETTER
        if not self.gpt2:
            classes[number & letter] = kernels.LETTER  # digits and letters are of one class there
            classes[word_of[1::9] == 0] = kernels.WHITE
        self.classes[[ord(character) for character in characters]] = classes


def characters_of(pipeline: Pipeline, tokenizer: Any) -> Characters | None:
    """Tables for the pipeline; None where classes of characters do not suffice to split."""
    if len(pipeline.pre_tokenizers) != 1:
        return None
    by_classes = _is_gpt2(pipeline) or pipeline.pre_tokenizers[0]["type"] in _BY_RUNS
    return Characters(pipeline, tokenizer) if by_classes else None


def _is_gpt2(pipeline: Pipeline) -> bool:
    first = pipeline.pre_tokenizers[0]
    return first["type"] == "ByteLevel" and first["use_regex"] and not first["add_prefix_space"]


def _orders(block: Any) -> bool:
    """Whether a normalizer puts marks in order: BERT's strips accents by way of NFD."""
    if block["type"] == "BertNormalizer":
        return bool(block["lowercase"] if block["strip_accents"] is None else block["strip_accents"])
    return block["type"] in _ORDERING


def _keeps_its_position(character: str) -> bool:
    """Whether no Unicode normal form ever moves it, or moves another past it."""
    return unicodedata.combining(character) == 0 and unicodedata.category(character) != "Cn"


def _never_composes(character: str) -> bool:
    """Whether no Unicode normal form ever changes it by what precedes it, or moves it."""
    if unicodedata.category(character)[0] == "M" or unicodedata.category(character) == "Cn":
        return False
    point = ord(character)
    hangul = 0x1160 <= point <= 0x11FF or 0xD7B0 <= point <= 0xD7FF  # vowels and finals
    return not (hangul or 0x16D63 <= point <= 0x16D6A)  # vowels of Kirat Rai, which are letters


def _joined(word_of: NDArray[np.int64], first: int) -> NDArray[np.bool_]:
    """Whether each probed character is in the same word as the one before it, at ``first`` of nine."""
    joined: NDArray[np.bool_] = (word_of[first::9] == word_of[first + 1 :: 9]) & (word_of[first::9] > 0)
    return joined
