"""The model of a tokenizer as arrays, and the kernels that encode words with them.

Settings that no kernel implements: a model with one of them is left to `tokenizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.cutting import byte_of_character
from tokkit.tokenizer.encoding import bpe_kernels, trie_kernels, wordpiece_kernels

# A model as `tokenizers` writes it to JSON.
Settings = Mapping[str, Any]

_CODE_POINTS = 0x110000


@dataclass(frozen=True)
class Trie:
    """Strings and the number of each (`trie_kernels`)."""

    edges: NDArray[np.uint64]
    values: NDArray[np.int32]


@dataclass(frozen=True)
class WordModel:
    """A model as arguments of ``kernels.encode_words``; threads may share it.

    kernels  the module, `bpe_kernels` or `wordpiece_kernels`
    """

    kernels: ModuleType
    arguments: Mapping[str, Any]


def word_model(settings: Settings, raw: bool) -> WordModel | None:
    """The model for words of characters or (``raw``) of bytes; None where no kernel encodes it.

    A model that the reference refuses is left to it, too.
    """
    build = _BUILDERS.get(settings["type"])
    return build(settings, raw) if build else None


def _wordpiece(settings: Settings, raw: bool) -> WordModel | None:
    vocabulary: Mapping[str, int] = settings["vocab"]
    unknown = vocabulary.get(settings["unk_token"])
    # `tokenizers` fails on an unknown word without such a token, with a message that a kernel lacks
    if raw or unknown is None:
        return None
    prefix = settings["continuing_subword_prefix"]
    inner = {token[len(prefix) :]: number for token, number in vocabulary.items() if token.startswith(prefix)}
    pieces = trie({trie_kernels.START: vocabulary, trie_kernels.CONTINUATION: inner})
    if pieces is None:
        return None
    longest = settings["max_input_chars_per_word"]
    arguments = {"edges": pieces.edges, "values": pieces.values, "longest": longest, "unknown": unknown}
    return WordModel(wordpiece_kernels, arguments)


def _bpe(settings: Settings, raw: bool) -> WordModel | None:
    prefix, suffix = settings["continuing_subword_prefix"] or "", settings["end_of_word_suffix"] or ""
    if settings["dropout"] or (raw and (prefix or suffix)):
        return None
    vocabulary: Mapping[str, int] = settings["vocab"]
    whole = trie({trie_kernels.START: vocabulary} if settings["ignore_merges"] else {}, raw)
    if whole is None:
        return None
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in settings["merges"]]
    left = np.array([vocabulary[left] for left, _ in merges], np.int64)
    right = np.array([vocabulary[right] for _, right in merges], np.int64)
    merged = [vocabulary[left + right[len(prefix) :]] for left, right in merges]
    pairs = np.zeros((_table_size(len(merges)), 2), np.uint64)
    marks = np.zeros(_table_size(len(merges) // 8), np.uint64)  # 16 to 32 bits for each merge
    bpe_kernels.add_pairs(left, right, np.array(merged, np.int64), pairs, marks)
    first = _first_raw(vocabulary) if raw else _first_of_characters(vocabulary, prefix, suffix)
    arguments = {"raw": raw, "first": first, "pairs": pairs, "marks": marks}
    return WordModel(bpe_kernels, {**arguments, "edges": whole.edges, "values": whole.values})


def _first_raw(vocabulary: Mapping[str, int]) -> NDArray[np.int32]:
    first = np.zeros((4, 256), np.int32)
    for character, byte in byte_of_character().items():
        first[:, byte] = vocabulary.get(character, -1) + 1
    return first


def _first_of_characters(vocabulary: Mapping[str, int], prefix: str, suffix: str) -> NDArray[np.int32]:
    first = np.zeros((4, _CODE_POINTS), np.int32)
    # in the order of the rows of `first`: in the middle, at the start, at the end, alone
    decorations = ((prefix, ""), ("", ""), (prefix, suffix), ("", suffix))
    for token, number in vocabulary.items():
        if len(token) <= 1 + len(prefix) + len(suffix):
            for row, (before, after) in enumerate(decorations):
                bare = token[len(before) : len(token) - len(after)]
                if len(bare) == 1 and token == before + bare + after:
                    first[row, ord(bare)] = number + 1
    return first


_BUILDERS: Mapping[str, Callable[[Settings, bool], WordModel | None]] = {"WordPiece": _wordpiece, "BPE": _bpe}


def trie(strings: Mapping[int, Mapping[str, int]], raw: bool = False) -> Trie | None:
    """Strings with their numbers, under each root; None where they are too many.

    raw  the strings are in ByteLevel's characters, and their symbols are the bytes of those; a string with
         another character is skipped
    """
    symbols_of = {root: _symbols(numbers, raw) for root, numbers in strings.items()}
    total = sum(len(symbols) for symbols, _, _ in symbols_of.values())
    # an edge has 21 bits for a node; node 0 and the two roots take three numbers
    if total + 3 >= 1 << trie_kernels.BITS:
        return None
    edges, values = np.zeros(_table_size(total), np.uint64), np.zeros(total + 3, np.int32)
    nodes = 3
    for root, (symbols, offsets, given) in symbols_of.items():
        nodes = trie_kernels.add_strings(symbols, offsets, given, root, edges, values, nodes)
    # the first table is sized for strings that share no prefix; a smaller one fits better into caches
    small = np.zeros(_table_size(nodes), np.uint64)
    trie_kernels.move_edges(edges, small)
    return Trie(small, values[:nodes].copy())


def _symbols(
    numbers: Mapping[str, int], raw: bool
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int32]]:
    """Symbols of all strings that have any, end to end, where each starts, and their numbers."""
    if raw:
        bytes_of = byte_of_character()
        strings = [(s, n) for s, n in numbers.items() if s and all(c in bytes_of for c in s)]
        text = "".join(chr(bytes_of[character]) for string, _ in strings for character in string)
    else:
        strings = [(string, number) for string, number in numbers.items() if string]
        text = "".join(string for string, _ in strings)
    symbols = np.array(memoryview(text.encode("utf-32-le")).cast("I"), np.uint32)
    offsets = np.zeros(len(strings) + 1, np.int64)
    np.cumsum([len(string) for string, _ in strings], out=offsets[1:])
    return symbols, offsets, np.array([number for _, number in strings], np.int32)


def _table_size(entries: int) -> int:
    """A power of two, at least twice the entries."""
    return 1 << max(4, (2 * entries).bit_length())
