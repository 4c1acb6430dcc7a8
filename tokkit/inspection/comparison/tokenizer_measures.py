"""A tokenizer's figures over all rows, and over the rows of each class or group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tokkit.inspection.comparison import resampling
from tokkit.inspection.comparison import tokenizer_metrics as metrics
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.inspection.comparison.round_trip import round_trip
from tokkit.inspection.comparison.row_counts import TextCounts, TokenizerCounts
from tokkit.progress import Progress, stage
from tokkit.tokenizer.folder.load import LoadedTokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIMITS = (128, 256, 512)
"""Maximum lengths, in tokens, whose truncated share is reported."""


def measured(
    counted: TextCounts,
    counts: Mapping[str, TokenizerCounts],
    loaded: Mapping[str, LoadedTokenizer],
    partitions: Mapping[str, Mapping[str, NDArray[np.int64]]],
    spec: CompareOptions,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Every tokenizer's metrics over all rows, and of each partition's parts."""
    everything = np.arange(len(counted.texts))
    with stage(progress, "resampling", spec.resamples * (1 + sum(map(len, partitions.values()))), "samples"):
        overall = _ratios(counted, counts, loaded, everything, spec, progress)
        parts = {
            partition: {
                label: _ratios(counted, counts, loaded, rows, spec, progress) for label, rows in found.items()
            }
            for partition, found in partitions.items()
        }
    measures = {}
    for name, tokenizer in loaded.items():
        found = {
            partition: {label: every[name] for label, every in labels.items()}
            for partition, labels in parts.items()
        }
        measures[name] = {
            "vocab_size": tokenizer.vocab_size,
            "max_length": tokenizer.max_length,
            **overall[name],
            **_of_the_whole(counted, counts[name], tokenizer, spec, progress),
            "classes": found.get("classes", {}),
            **({"groups": found["groups"], **_between(found["groups"])} if "groups" in found else {}),
        }
    return measures


def _ratios(
    counted: TextCounts,
    counts: Mapping[str, TokenizerCounts],
    loaded: Mapping[str, LoadedTokenizer],
    rows: NDArray[np.int64],
    spec: CompareOptions,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Every tokenizer's ratios over some rows, with intervals from the same bootstrap samples for all."""
    columns = [*_text_columns(counted, rows)]
    for each in counts.values():
        columns += _token_columns(each, rows)
    # Columns of the text first, then those of each tokenizer in the order of `counts`: in one table, all are
    # resampled by the same samples.
    table = np.stack(columns, axis=1).astype(np.float64)
    sums = table.sum(axis=0)
    resampled = resampling.resampled_sums(table, spec.resamples, spec.seed, progress)
    found = {}
    for number, (name, each) in enumerate(counts.items()):
        start = len(_TEXT_COLUMNS) + number * len(_TOKEN_COLUMNS)
        place = {name: i for i, name in enumerate(_TEXT_COLUMNS)}
        place |= {name: start + i for i, name in enumerate(_TOKEN_COLUMNS)}
        ratios, intervals = {}, {}
        for metric, (above, below) in metrics.RATIOS.items():
            value = float(metrics.ratio(sums[place[above]], sums[place[below]]))
            ratios[metric] = None if np.isnan(value) else rounded(value)
            resampled_ratios = metrics.ratio(resampled[:, place[above]], resampled[:, place[below]])
            bounds = resampling.interval(resampled_ratios)
            intervals[metric] = None if bounds is None else [rounded(bound) for bound in bounds]
        longest = loaded[name].max_length
        limits = (*LIMITS, *((longest,) if longest else ()))
        found[name] = {
            "rows": len(rows),
            "words": int(sums[place["words"]]),
            "tokens": int(sums[place["tokens"]]),
            **ratios,
            "intervals": intervals if spec.resamples else {},
            "truncated": {
                limit: rounded(share)
                for limit, share in metrics.truncated(each.tokens[rows] + each.special_tokens, limits).items()
            },
        }
    return found


_TEXT_COLUMNS = ("rows", "words", "bytes", "characters")
_TOKEN_COLUMNS = ("tokens", "continued", "unknown", "unknown_words", "unknown_rows")


def _text_columns(counted: TextCounts, rows: NDArray[np.int64]) -> list[NDArray[Any]]:
    return [
        np.ones(len(rows), np.int64),
        counted.words[rows],
        counted.bytes[rows],
        counted.characters[rows],
    ]


def _token_columns(counts: TokenizerCounts, rows: NDArray[np.int64]) -> list[NDArray[Any]]:
    unknown = counts.unknown[rows]
    return [counts.tokens[rows], counts.continued[rows], unknown, counts.unknown_words[rows], unknown > 0]


def _of_the_whole(
    counted: TextCounts,
    counts: TokenizerCounts,
    tokenizer: LoadedTokenizer,
    spec: CompareOptions,
    progress: Progress,
) -> dict[str, Any]:
    """Measures of all rows together only: vocabulary use and the round trip of texts."""
    frequencies = np.bincount(counts.encoded.ids, minlength=tokenizer.vocab_size)
    efficiency = metrics.renyi_efficiency(frequencies, tokenizer.vocab_size)
    whole = metrics.whole_words(counts.pieces, counted.word_counts, spec.frequent_words)
    back = round_trip(counted.texts, counts.encoded, tokenizer, progress)
    return {
        "vocabulary_used": rounded(metrics.vocabulary_used(frequencies, tokenizer.vocab_size)),
        "renyi_efficiency": None if efficiency is None else rounded(efficiency),
        "frequent_words_whole": None if whole is None else rounded(whole),
        "round_trip": {name: rounded(share) for name, share in back.items()},
    }


def _between(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Parity and Gini coefficient of groups that have equally many rows, as parallel text has.

    parity  tokens of each group over those of the first
    gini    of the groups' tokens

    None of groups of different sizes, whose tokens say nothing of the same content.
    """
    tokens = {label: group["tokens"] for label, group in groups.items()}
    # Equal numbers of rows are the only sign of parallel text that counts give.
    parallel = len({group["rows"] for group in groups.values()}) == 1
    if not parallel or not all(tokens.values()):
        return {"parity": None, "gini": None}
    first = next(iter(tokens.values()))
    unequal = metrics.gini(list(tokens.values()))
    return {
        "parity": {label: rounded(count / first) for label, count in tokens.items()},
        "gini": None if unequal is None else rounded(unequal),
    }


def rounded(value: float) -> float:
    """Rounded to six decimals, as all measures are."""
    return round(value, 6)
