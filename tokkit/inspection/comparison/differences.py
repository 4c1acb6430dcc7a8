"""Which differences between tokenizers are no chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tokkit.inspection.comparison import resampling
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.inspection.comparison.row_counts import TokenizerCounts
from tokkit.inspection.comparison.tokenizer_measures import rounded
from tokkit.progress import Progress, stage

CLAIMS = {"tokens": "tokens", "continued_words": "continued", "unknown_words": "unknown_words"}
"""What two tokenizers are tested to differ in -> what is counted for it in every row."""

SIGNIFICANT = 0.05
"""The chance of even one false claim among all that are made."""

# One [UNK] for a word of four tokens looks like three tokens saved.
LOSSY = 0.01
"""Share of words with an unknown token above which few tokens are no saving: one replaces a whole word."""


def comparisons(
    counts: Mapping[str, TokenizerCounts], spec: CompareOptions, progress: Progress
) -> list[dict[str, Any]]:
    """Of every pair and claim the totals, how far they lie apart, and whether that may be chance.

    The p-values of all of them are adjusted together (`resampling.holm`).
    """
    pairs = list(itertools.combinations(counts, 2))
    place = {each: i for i, each in enumerate(itertools.product(CLAIMS, counts))}
    by_row = np.stack([getattr(counts[name], CLAIMS[claim]) for claim, name in place], axis=1)
    # One tokenizer alone has no differences.
    resamples = spec.resamples if pairs else 0
    found: list[dict[str, Any]] = []
    with stage(progress, "testing", resamples + len(pairs) * len(CLAIMS), "steps"):
        # The same samples for all tokenizers: what rows have in common, their lengths for instance, cancels
        # in the differences.
        resampled = resampling.resampled_sums(by_row.astype(np.float64), resamples, spec.seed, progress)
        for claim, (first, second) in itertools.product(CLAIMS, pairs):
            one, other = place[claim, first], place[claim, second]
            difference = by_row[:, one] - by_row[:, other]
            total = int(by_row[:, other].sum())
            bounds = resampling.interval(resampling.relative_change(resampled[:, one], resampled[:, other]))
            found.append(
                {
                    "claim": claim,
                    "first": first,
                    "second": second,
                    "difference": int(difference.sum()),
                    "relative": rounded(int(difference.sum()) / total) if total else None,
                    "interval": None if bounds is None else [rounded(bound) for bound in bounds],
                    "p_value": resampling.sign_flip(difference, spec.seed),
                }
            )
            progress.advance(1)
    # Together, because each claim of the table could be the false one.
    adjusted = resampling.holm([each["p_value"] for each in found])
    for each, p_value in zip(found, adjusted, strict=True):
        each |= {"p_value_holm": p_value, "significant": p_value < SIGNIFICANT}
    return found


def fewest(
    claim: str, measured: Mapping[str, Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> str | None:
    """The tokenizer that has significantly fewer than each of the others.

    One that loses words to the unknown token (`LOSSY`) is never said to have the fewest of anything else.
    """
    below = dict.fromkeys(measured, 0)
    for each in found:
        if each["claim"] == claim and each["significant"]:
            below[each["first"] if each["difference"] < 0 else each["second"]] += 1
    # `times` is 0 of 0 for a single tokenizer, which is compared with nothing.
    best = next((name for name, times in below.items() if times and times == len(measured) - 1), None)
    if best is None or claim == "unknown_words":
        return best
    return None if (measured[best]["unknown_words"] or 0) > LOSSY else best
