"""Near duplicates: candidates by MinHash, verified by the exact Jaccard similarity of shingles.

Texts are compared as `text_keys.normalized` writes them. A shingle is five words in a row; a character of a
script written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) counts as a word. A text of fewer
than five words has shingles of five characters in a row instead, spaces included, and a text shorter than
that is one shingle.

MinHash with banding: Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.duplicates import near_kernels, text_keys
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.runtime import threads
from tokkit.runtime.kernel_cache import say_if_compiling

# Jaccard similarity from which on two texts are near duplicates.
THRESHOLD = 0.7

# A pair of similarity s is compared with a probability of 1 - (1 - s^4)^32: 0.9998 at 0.7, 0.003 at 0.1.
PERMUTATIONS, BANDS = 128, 32

# Characters a thread sketches at a time, about 50 ms.
_BLOCK = 1 << 20
# Shingles compared between two checks for Ctrl-C, about 50 ms.
_BUDGET = 1 << 24
_UNSPACED = re.compile(
    "(["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
    "])"
)


def clusters(
    texts: Sequence[str], threshold: float = THRESHOLD, *, progress: Progress = SILENT
) -> NDArray[np.int64]:
    """The cluster of each text, (rows,), numbered from 0 in the order of their first texts.

    Two texts are in one cluster if a chain of pairs connects them, each of a Jaccard similarity of
    ``threshold`` or more; texts that are the same when normalized always are. No pair below the threshold is
    ever united; one in 5,000 of those right at it may be missed, fewer above it (see `BANDS`). The same texts
    give the same clusters, at any number of threads. Pairs of texts, as `text_keys.join_pairs` writes them,
    are in one cluster if their first texts are and their second texts are.

    Takes 256 bytes per distinct text and 8 bytes per word. Raises `Interrupted`.

    >>> clusters(["a b c d e f g h", "x", "A, b c d e f g h!", "a b c d e f g h i", "y"])
    array([0, 1, 0, 0, 2])
    """
    sides = [text.split(text_keys.SEPARATOR) for text in texts]
    cluster = np.zeros(len(texts), np.int64)
    for side in range(max(map(len, sides), default=1)):
        roots = _roots(["".join(parts[side : side + 1]) for parts in sides], threshold, progress)
        # one number for each pair (cluster by the sides before, root by this side)
        cluster = _renumbered(cluster * (len(texts) + 1) + roots)
    return cluster


def _roots(texts: Sequence[str], threshold: float, progress: Progress) -> NDArray[np.int64]:
    """For each text the number of a distinct text, the same throughout its cluster, (rows,)."""
    keys = text_keys.normalized(pl.Series(texts, dtype=pl.String)).to_list()
    # copies share a number, so only distinct texts are compared
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    parents = _united(list(number), threshold, progress)
    return parents[np.fromiter((number[key] for key in keys), np.int64, len(keys))]


def _renumbered(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Equal values as equal numbers from 0, in the order of their first rows, (rows,)."""
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], np.int64)


def _united(keys: list[str], threshold: float, progress: Progress) -> NDArray[np.int64]:
    """For each distinct text the first one of its cluster, (n,)."""
    say_if_compiling("near_kernels", progress)
    bands, shingles, lengths = _sketches(keys, progress)
    stop_if_cancelled(progress)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    parents = np.arange(len(keys), dtype=np.int64)

    def unite(tasks: threads.Tasks[int]) -> None:
        for band in tasks:
            column = np.ascontiguousarray(bands[:, band])
            order, pair = np.argsort(column, kind="stable"), np.array([0, 1], np.int64)
            while not tasks.stopped and not near_kernels.unite(
                column, order, offsets, shingles, threshold, parents, pair, _BUDGET
            ):
                pass
            tasks.done(1)

    # one thread: all bands change the same forest
    with stage(progress, "comparing", BANDS, "bands"):
        threads.run(unite, threads.Tasks(iter(range(BANDS))), 1, progress)
    # path halving leaves chains; following parents once more each time flattens them
    while not np.array_equal(parents, parents[parents]):
        parents = parents[parents]
    return parents


def _sketches(
    keys: list[str], progress: Progress
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """Bands (n, 32), shingles of all texts one after another, and how many each text has, (n,)."""
    # a fixed seed: the same texts give the same clusters on every machine
    random = np.random.default_rng(128)
    factors = random.integers(0, 1 << 64, PERMUTATIONS, np.uint64, endpoint=False) | np.uint64(1)
    terms = random.integers(0, 1 << 64, PERMUTATIONS, np.uint64, endpoint=False)
    bands = np.empty((len(keys), BANDS), np.uint64)
    lengths = np.empty(len(keys), np.int64)
    shingles: dict[int, NDArray[np.uint64]] = {}

    def sketch(tasks: threads.Tasks[tuple[int, int]]) -> None:
        for first, last in tasks:
            texts, by_character = _units(keys[first:last])
            offsets = np.zeros(len(texts) + 1, np.int64)
            np.cumsum([len(text) for text in texts], out=offsets[1:])
            data = np.frombuffer(b"".join(texts), np.uint8)
            out = np.empty(len(data) + len(texts), np.uint64)
            rows = slice(first, last)
            near_kernels.sketch(data, offsets, by_character, factors, terms, bands[rows], out, lengths[rows])
            # a copy, so that the scratch array of the block is freed
            shingles[first] = out[: lengths[rows].sum()].copy()
            tasks.done(last - first)

    with stage(progress, "shingling", len(keys), "texts"):
        threads.run(sketch, threads.Tasks(_blocks(keys)), threads.threads_to_use(None), progress)
    in_order = [shingles[first] for first in sorted(shingles)]
    return bands, np.concatenate(in_order or [np.empty(0, np.uint64)]), lengths


def _units(keys: Sequence[str]) -> tuple[list[bytes], NDArray[np.bool_]]:
    """The texts to shingle, as UTF-8, and whether by character; words are between single spaces."""
    texts, by_character = [], []
    for key in keys:
        words = key if key.isascii() else " ".join(_UNSPACED.sub(r" \1 ", key).split())
        short = words.count(" ") + 1 < near_kernels.SHINGLE
        texts.append((key if short else words).encode())
        by_character.append(short)
    return texts, np.array(by_character, np.bool_)


def _blocks(keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The numbers of the first text of each block and of the next block."""
    first, size = 0, 0
    for number, key in enumerate(keys, 1):
        size += len(key)
        if size >= _BLOCK or number == len(keys):
            yield first, number
            first, size = number, 0
