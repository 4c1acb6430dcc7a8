"""Findings: what a person should look at, each with its rule, how grave it is, and what mends it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """rule      an id that scripts may rely on
    severity  ``error`` where going on gives wrong results, else ``warning``
    fix       the command that mends it, or what to do
    """

    rule: str
    severity: str
    message: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


Splits = Mapping[str, Mapping[str, Any]]
Rule = Callable[[str, Splits, Mapping[str, Any]], Iterator[Finding]]
_IMBALANCE = 10
_FEWEST_ROWS = 100
"""Rows of a data set below which everything is small."""
_FEWEST_OF_A_CLASS = 10
_ID_LABELS = 0.5
"""Distinct labels a row from which on they are no classes."""
UNKNOWN_RATE = 0.01
TRUNCATED = 0.05


def findings(
    source: str, splits: Splits, across: Mapping[str, Any], pair_column: str | None = None
) -> list[Finding]:
    """What every rule finds in the statistics of a data set, in the order of the rules."""
    found = [finding for rule in RULES.values() for finding in rule(source, splits, across)]
    if pair_column is None:
        return found
    # `clean` and `split` have to compare rows by both texts as well.
    both = f" --pair-column {shlex.quote(pair_column)} -o OUT"
    return [replace(each, fix=each.fix.replace(" -o OUT", both)) for each in found]


def _leaks(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for pair, rows in across["leaks"].items():
        if rows:
            first, second = pair.split("/")
            yield Finding(
                "leaks",
                ERROR,
                f"{rows} rows of {second} hold a text that is also in {first}",
                f"tokkit rebalance {shlex.quote(source)} -o OUT --strategy weights leaves them out of train"
                if first == "train"
                else "split again: tokkit split ALL.csv -o split/",
            )


def _missing_labels(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, labels in across["missing_labels"].items():
        yield Finding(
            "missing-labels",
            ERROR,
            f"{split} has no row of: {', '.join(labels)}",
            "join the files and split again: tokkit split ALL.csv -o split/",
        )


def _conflicts(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        if found["conflicting_labels"]:
            yield Finding(
                "conflicts",
                WARNING,
                f"{split}: {found['conflicting_labels']} texts have conflicting labels",
                f"tokkit clean {shlex.quote(source)} -o OUT --conflicts majority keeps the majority label",
            )


def _duplicates(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        if found["duplicates"]["exact"]:
            yield Finding(
                "duplicates",
                WARNING,
                f"{split}: {found['duplicates']['exact']} rows duplicate an earlier text",
                f"tokkit clean {shlex.quote(source)} -o OUT drops them; tokkit split keeps them in one split",
            )


def _near(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        copies = found["duplicates"]
        # Near copies include the exact and normalized ones, which `duplicates` reports.
        if (copies.get("near") or 0) > copies.get("normalized", 0):
            yield Finding(
                "near-duplicates",
                WARNING,
                f"{split}: {copies['near']} rows are nearly or exactly an earlier text",
                f"tokkit clean {shlex.quote(source)} -o OUT --duplicates near",
            )


def _missing(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        for column, rows in found["missing"].items():
            if rows:
                yield Finding(
                    "missing",
                    WARNING,
                    f'{split}: column "{column}" is empty in {rows} rows',
                    "training and evaluation skip such rows and report them",
                )


def _one_class(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        if len(found["classes"]) == 1:
            yield Finding(
                "one-class",
                ERROR,
                f'{split}: one class only, "{next(iter(found["classes"]))}": there is nothing to learn',
                f"name another column: tokkit stats {shlex.quote(source)} --label-column NAME",
            )


def _label_ids(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        rows = sum(found["classes"].values())
        if rows >= _FEWEST_ROWS and len(found["classes"]) > _ID_LABELS * rows:
            yield Finding(
                "label-ids",
                ERROR,
                f"{split}: {len(found['classes'])} labels in {rows} rows look like ids or texts, not classes",
                f"name another column: tokkit stats {shlex.quote(source)} --label-column NAME",
            )


def _small_class(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    counts = splits["train"]["classes"] if "train" in splits else {}
    small = {label: rows for label, rows in counts.items() if rows < _FEWEST_OF_A_CLASS}
    # Where most classes are small, the data set is small: a list of nearly all classes would not help.
    if small and sum(counts.values()) >= _FEWEST_ROWS and 2 * len(small) <= len(counts):
        classes = ", ".join(f'"{label}" ({rows})' for label, rows in list(small.items())[:5])
        yield Finding(
            "small-class",
            WARNING,
            f"train: too few rows to learn from or to repeat: {classes}{' ...' if len(small) > 5 else ''}",
            f"collect {_FEWEST_OF_A_CLASS} or more of each, or join classes: --label-names OLD=NEW",
        )


def _unclean(rule: str, what: str, rules: str) -> Rule:
    """The rule for rows that hold something `clean` repairs."""

    def look(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
        for split, found in splits.items():
            if found.get(rule):
                yield Finding(
                    rule,
                    WARNING,
                    f"{split}: {found[rule]} rows hold {what}",
                    f"tokkit clean {shlex.quote(source)} -o OUT{rules}",
                )

    return look


def _imbalance(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    counts = splits["train"]["classes"] if "train" in splits else {}
    if len(counts) > 1 and max(counts.values()) >= _IMBALANCE * min(counts.values()):
        smallest = min(counts, key=lambda label: counts[label])
        ratio = max(counts.values()) / counts[smallest]
        yield Finding(
            "imbalance",
            WARNING,
            f'train: the largest class has {ratio:.0f} times the rows of "{smallest}"',
            "weigh the classes first: tokkit finetune --class-weights balanced",
        )


def _truncation(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        shares = found["lengths"].get("tokens", {}).get("truncated", {})
        # 512 tokens are the positions of BERT and of most encoders after it.
        if shares.get("512", 0) > TRUNCATED:
            yield Finding(
                "truncation",
                WARNING,
                f"{split}: {shares['512']:.1%} of the rows are longer than 512 tokens",
                "cut long texts into parts, or use a model that takes more",
            )


def _unknown(source: str, splits: Splits, across: Mapping[str, Any]) -> Iterator[Finding]:
    for split, found in splits.items():
        rate = found["lengths"].get("tokens", {}).get("unknown_rate", 0)
        if rate > UNKNOWN_RATE:
            yield Finding(
                "unknown-rate",
                WARNING,
                f"{split}: {rate:.1%} of the tokens are unknown to this tokenizer",
                f"train one on this text: tokkit train-wordpiece {shlex.quote(source)} -o out/",
            )


RULES: dict[str, Rule] = {
    "leaks": _leaks,
    "missing-labels": _missing_labels,
    "conflicts": _conflicts,
    "duplicates": _duplicates,
    "near-duplicates": _near,
    "missing": _missing,
    "one-class": _one_class,
    "label-ids": _label_ids,
    "imbalance": _imbalance,
    "small-class": _small_class,
    "html": _unclean("html", "HTML: tags or character references", " --rules default,tags"),
    "controls": _unclean("controls", "control or invisible characters", ""),
    "mojibake": _unclean("mojibake", "text that was decoded wrongly", " --rules default,ftfy"),
    "truncation": _truncation,
    "unknown-rate": _unknown,
}
"""Rule id -> what looks for it; the ids are what `stats --fail-on` takes."""
