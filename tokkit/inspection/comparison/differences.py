"""Which differences between tokenizers are no chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tokkit.inspection.comparison import resampling
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.inspection.comparison.row_counts import TokenizerCounts
from tokkit.inspection.comparison.tokenizer_measures import rounded, rounded_interval
from tokkit.inspection.comparison.tokenizer_metrics import ratio
from tokkit.progress import Progress, stage

# What two tokenizers are tested to differ in -> what is counted for it in every row.
CLAIMS = {"tokens": "tokens", "continued_words": "continued", "unknown_words": "unknown_words"}

SIGNIFICANT = 0.05  # the chance of even one false claim among all of them

# Share of words with an unknown token above which few tokens are no saving: one [UNK] for a word of four
# tokens looks like three tokens saved.
LOSSY = 0.01


def comparisons(
    counts: Mapping[str, TokenizerCounts], options: CompareOptions, progress: Progress
) -> list[dict[str, Any]]:
    """Of every pair and claim the totals, how far they lie apart, and whether that may be chance.

    The p-values of all of them are adjusted together (`resampling.holm`).
    """
    pairs = list(itertools.combinations(counts, 2))
    column = {key: i for i, key in enumerate(itertools.product(CLAIMS, counts))}
    by_row = np.stack([getattr(counts[name], CLAIMS[claim]) for claim, name in column], axis=1)
    # One tokenizer alone has no differences.
    resamples = options.resamples if pairs else 0
    tests: list[dict[str, Any]] = []
    with stage(progress, "testing", resamples + len(pairs) * len(CLAIMS), "steps"):
        # The same samples for all tokenizers: what rows have in common, as their lengths, cancels.
        resampled = resampling.resampled_sums(by_row.astype(np.float64), resamples, options.seed, progress)
        for claim, (first, second) in itertools.product(CLAIMS, pairs):
            one, other = column[claim, first], column[claim, second]
            differences = by_row[:, one] - by_row[:, other]
            difference, total = int(differences.sum()), int(by_row[:, other].sum())
            # 0.1 is 10 % more than the second; NaN where that has none.
            change = ratio(resampled[:, one] - resampled[:, other], resampled[:, other])
            tests.append(
                {
                    "claim": claim,
                    "first": first,
                    "second": second,
                    "difference": difference,
                    "relative": rounded(difference / total) if total else None,
                    "interval": rounded_interval(change),
                    "p_value": resampling.sign_flip(differences, options.seed),
                }
            )
            progress.advance(1)
    # Together, because each claim of the table could be the false one.
    adjusted = resampling.holm([test["p_value"] for test in tests])
    for test, p_value in zip(tests, adjusted, strict=True):
        test |= {"p_value_holm": p_value, "significant": p_value < SIGNIFICANT}
    return tests


def fewest(
    claim: str, measured: Mapping[str, Mapping[str, Any]], tests: Sequence[Mapping[str, Any]]
) -> str | None:
    """The tokenizer that has significantly fewer than each of the others.

    One that loses words to the unknown token (`LOSSY`) is never said to have the fewest of anything else.
    """
    below = dict.fromkeys(measured, 0)
    for test in tests:
        if test["claim"] == claim and test["significant"]:
            below[test["first"] if test["difference"] < 0 else test["second"]] += 1
    # `times` is 0 of 0 for a single tokenizer, which is compared with nothing.
    best = next((name for name, times in below.items() if times and times == len(measured) - 1), None)
    if best is None or claim == "unknown_words":
        return best
    return None if (measured[best]["unknown_words"] or 0) > LOSSY else best
