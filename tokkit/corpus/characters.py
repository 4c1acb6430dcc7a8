"""What the blocks do to each character, asked of the reference itself, once for every character met.

Most characters are normalized by what they are alone, and the usual pre-tokenizers see classes of
characters. Where that holds, kernels can normalize and split a chunk from tables (`split_kernels`), and
the tables agree with whichever version of `tokenizers` is installed. Where it may not hold (combining
marks under NFC, characters newer than this Python), the character stays unknown.

NFD orders marks, NFC composes them besides. What each does to a character whatever its neighbours:

            e, 中, 가   ा (a mark of combining class 0)   U+0301 (another mark)   U+1161 (vowel of Hangul)
    orders   known      known                             unless it vanishes      known
    composes known      unknown                           unknown                 unknown
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import split_kernels as kernels
from tokkit.corpus.cutting import Pipeline
from tokkit.runtime.byte_table import Pieces

_ALL = 0x110000
_COMPOSING = ("NFC", "NFKC")
_ORDERING = ("NFD", "NFKD")
_BY_RUNS = ("BertPreTokenizer", "Whitespace", "WhitespaceSplit")
_AT_ONCE = 4096


class Characters:
    """Tables for `split_kernels.split`, filled as text is met; threads may share it.

    forms    (0x110000,) uint8: unknown, same or mapped
    places   (0x110000,) int32: where in ``written`` a mapped character's form stands
    written  (n,) uint8: its bytes, after their number
    classes  (0x110000,) uint8
    gpt2     whether GPT-2's pattern splits; otherwise runs of one class are words
    """

    def __init__(self, pipeline: Pipeline, tokenizer: Any) -> None:
        self.gpt2 = _is_gpt2(pipeline)
        self.forms = np.zeros(_ALL, np.uint8)
        self.places = np.zeros(_ALL, np.int32)
        self.written = np.zeros(1 << 16, np.uint8)
        self.classes = np.zeros(_ALL, np.uint8)
        self._normalizer = tokenizer.normalizer
        self._pre_tokenizer = tokenizer.pre_tokenizer
        self._composes = any(block["type"] in _COMPOSING for block in pipeline.normalizers)
        self._orders = any(_orders(block) for block in pipeline.normalizers)
        self._asked = np.zeros(_ALL, np.bool_)
        self._end = 0
        self._lock = threading.Lock()

    def learn(self, pieces: Pieces) -> None:
        """Asks for every character of the pieces that was not met before."""
        found = np.empty(_AT_ONCE, np.int32)
        with self._lock:
            while number := kernels.new_characters(pieces.data, pieces.offsets[-1], self._asked, found):
                self._ask([chr(character) for character in found[:number]])
                if number < _AT_ONCE:
                    break

    def _ask(self, characters: Sequence[str]) -> None:
        forms = [self._form(character) for character in characters]
        self._classify("".join(dict.fromkeys("".join(form for form in forms if form))))
        for character, form in zip(characters, forms, strict=True):  # last: a form in place is in use
            if form is not None:
                self._keep(ord(character), character, form)

    def _form(self, character: str) -> str | None:
        """The normal form of one character; None where its neighbours may matter."""
        if self._normalizer is None:
            return character
        form: str = self._normalizer.normalize_str(character)
        if not form and not self._composes:
            return form  # whatever its order among marks, nothing of it is left
        if self._composes and not (form and _never_composes(character) and _never_composes(form[0])):
            return None
        if self._orders and not (_keeps_its_place(character) and _keeps_its_place(form[0])):
            return None
        return form if len(form.encode()) <= kernels.GROWTH * len(character.encode()) else None

    def _keep(self, place: int, character: str, form: str) -> None:
        if form == character:
            self.forms[place] = kernels.SAME
            return
        encoded = form.encode()
        if self._end + len(encoded) + 1 > len(self.written):
            self.written = np.concatenate((self.written, np.zeros_like(self.written)))
        self.written[self._end] = len(encoded)
        self.written[self._end + 1 : self._end + 1 + len(encoded)] = np.frombuffer(encoded, np.uint8)
        self.places[place] = self._end
        self._end += len(encoded) + 1
        self.forms[place] = kernels.MAPPED

    def _classify(self, characters: str) -> None:
        """Looks how each stands beside a letter, a digit and a mark: what is joined is of one class."""
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
    """Tables for the pipeline; None where it takes more than classes of characters to split."""
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


def _keeps_its_place(character: str) -> bool:
    """Whether no Unicode normal form ever moves it, or moves another past it."""
    return unicodedata.combining(character) == 0 and unicodedata.category(character) != "Cn"


def _never_composes(character: str) -> bool:
    """Whether no Unicode normal form ever changes it by what stands before it, or moves it."""
    if unicodedata.category(character)[0] == "M" or unicodedata.category(character) == "Cn":
        return False
    point = ord(character)
    hangul = 0x1160 <= point <= 0x11FF or 0xD7B0 <= point <= 0xD7FF  # vowels and finals
    return not (hangul or 0x16D63 <= point <= 0x16D6A)  # vowels of Kirat Rai, which are letters


def _joined(word_of: NDArray[np.int64], first: int) -> NDArray[np.bool_]:
    """Whether each probed character is in the same word as the one before it, which stands at ``first``."""
    joined: NDArray[np.bool_] = (word_of[first::9] == word_of[first + 1 :: 9]) & (word_of[first::9] > 0)
    return joined
