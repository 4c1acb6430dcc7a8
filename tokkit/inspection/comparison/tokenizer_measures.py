"""A tokenizer's figures over all rows, and over the rows of each class or group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.inspection.comparison import resampling
from tokkit.inspection.comparison import tokenizer_metrics as metrics
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.inspection.comparison.round_trip import round_trip
from tokkit.inspection.comparison.row_counts import TextCounts, TokenizerCounts
from tokkit.inspection.statistics import lengths
from tokkit.inspection.statistics.lengths import Histogram
from tokkit.progress import Progress, stage

LIMITS = (128, 256, 512)  # maximum lengths, in tokens, whose truncated share is reported

_TEXT_COLUMNS = ("rows", "words", "bytes", "characters")
_TOKEN_COLUMNS = ("tokens", "continued", "unknown", "unknown_words", "unknown_rows")


def measured(
    counted: TextCounts,
    counts: Mapping[str, TokenizerCounts],
    partitions: Mapping[str, Mapping[str, NDArray[np.int64]]],
    options: CompareOptions,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Every tokenizer's metrics over all rows, and of each partition's parts."""
    everything = np.arange(len(counted.texts))
    samples = options.resamples * (1 + sum(map(len, partitions.values())))
    with stage(progress, "resampling", samples, "samples"):
        overall = _ratios(counted, counts, everything, options, progress)
        parts = {
            partition: {
                label: _ratios(counted, counts, rows, options, progress) for label, rows in by_label.items()
            }
            for partition, by_label in partitions.items()
        }
    measures = {}
    for name, row_counts in counts.items():
        own = {
            partition: {label: ratios[name] for label, ratios in by_label.items()}
            for partition, by_label in parts.items()
        }
        measures[name] = {
            "vocab_size": row_counts.tokenizer.vocab_size,
            "max_length": row_counts.tokenizer.max_length,
            **overall[name],
            **_of_the_whole(counted, row_counts, options, progress),
            "classes": own.get("classes", {}),
            **({"groups": own["groups"], **_between(own["groups"])} if "groups" in own else {}),
        }
    return measures


def _ratios(
    counted: TextCounts,
    counts: Mapping[str, TokenizerCounts],
    rows: NDArray[np.int64],
    options: CompareOptions,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Every tokenizer's ratios over some rows, with intervals from the same bootstrap samples for all."""
    columns: list[NDArray[Any]] = [
        np.ones(len(counted.texts)),
        counted.words,
        counted.bytes,
        counted.characters,
    ]
    for row_counts in counts.values():
        columns += [row_counts.tokens, row_counts.continued, row_counts.unknown]
        columns += [row_counts.unknown_words, row_counts.unknown > 0]
    # Columns of the text, then those of each tokenizer: in one table, all have the same samples.
    table = np.stack([column[rows] for column in columns], axis=1).astype(np.float64)
    sums = table.sum(axis=0)
    resampled = resampling.resampled_sums(table, options.resamples, options.seed, progress)
    measures = {}
    for number, (name, row_counts) in enumerate(counts.items()):
        start = len(_TEXT_COLUMNS) + number * len(_TOKEN_COLUMNS)
        index = {column: i for i, column in enumerate(_TEXT_COLUMNS)}
        index |= {column: start + i for i, column in enumerate(_TOKEN_COLUMNS)}
        ratios, intervals = {}, {}
        for metric, (above, below) in metrics.RATIOS.items():
            value = float(metrics.ratio(sums[index[above]], sums[index[below]]))
            ratios[metric] = None if np.isnan(value) else rounded(value)
            intervals[metric] = rounded_interval(
                metrics.ratio(resampled[:, index[above]], resampled[:, index[below]])
            )
        row_lengths = Histogram.of(row_counts.lengths[rows])
        measures[name] = {
            "rows": len(rows),
            "words": int(sums[index["words"]]),
            "tokens": int(sums[index["tokens"]]),
            **ratios,
            "intervals": intervals if options.resamples else {},
            "truncated": lengths.truncated(row_lengths, row_counts.tokenizer.max_length, LIMITS),
        }
    return measures


def _of_the_whole(
    counted: TextCounts, counts: TokenizerCounts, options: CompareOptions, progress: Progress
) -> dict[str, Any]:
    """Measures of all rows together only: vocabulary use and the round trip of texts."""
    vocab_size = counts.tokenizer.vocab_size
    frequencies = np.bincount(counts.encoded.ids, minlength=vocab_size)
    shares = round_trip(counted.texts, counts.encoded, counts.tokenizer, progress)
    return {
        "vocabulary_used": rounded(metrics.vocabulary_used(frequencies, vocab_size)),
        "renyi_efficiency": rounded(metrics.renyi_efficiency(frequencies, vocab_size)),
        "frequent_words_whole": rounded(
            metrics.whole_words(counts.pieces, counted.word_counts, options.frequent_words)
        ),
        "round_trip": {name: rounded(share) for name, share in shares.items()},
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
    return {
        "parity": {label: rounded(count / first) for label, count in tokens.items()},
        "gini": rounded(metrics.gini(list(tokens.values()))),
    }


def rounded(value: float | None) -> float | None:
    """Rounded to six decimals, as all measures are."""
    return None if value is None else round(value, 6)


def rounded_interval(values: NDArray[np.float64]) -> list[float] | None:
    """The interval of resampled values (`resampling.interval`), rounded."""
    bounds = resampling.interval(values)
    return None if bounds is None else [round(bound, 6) for bound in bounds]
