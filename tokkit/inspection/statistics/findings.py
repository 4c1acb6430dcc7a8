"""Findings: what a person should look at, each with its rule, how grave it is, and how to fix it."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.data import label_spellings
from tokkit.data.dataset import ONE, first_names
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import counted
from tokkit.inspection.statistics.scripts import RECIPES_OF
from tokkit.options import typed
from tokkit.sources.formats import full_suffix

ERROR, WARNING = "error", "warning"

_IMBALANCE = 10  # times the rows of the smallest class
_FEWEST_ROWS = 100  # of a data set; below it everything is small
_FEWEST_OF_A_CLASS = 10
_NAMED = 20  # labels in a message
_ID_LABELS = 0.5  # distinct labels a row; above it they are no classes
_OF_A_SCRIPT = 0.05  # rows in a script, of all; below it are names and quotations
UNKNOWN_RATE = 0.01
TRUNCATED = 0.05

# how natural language inference data and hidden test labels are written
_NO_LABEL = "-1"

_WHOLE = re.compile(r"[-+]?\d+(\.0*)?")
_FRACTION = re.compile(r"[-+]?\d*\.\d*[1-9]\d*([eE][-+]?\d+)?")

_CLEAN = "tokkit clean {source} -o {output}"
_WITHOUT_LEAKS = f"drop them from train:\n{_CLEAN}"
_SPLIT_AGAIN = "join the files and split again (the command split)"
_ONE_NAME = "give them one name (--label-names)"
_OTHER_LABELS = "name another column (--label-column)"

# Rule id -> severity, and the fix; the ids are what `stats --fail-on` takes.
RULES: dict[str, tuple[str, str]] = {
    "leaks": (ERROR, _SPLIT_AGAIN),
    "missing-labels": (ERROR, _SPLIT_AGAIN),
    "conflicts": (
        WARNING,
        f"keep the rows of the majority label, and none in a tie:\n{_CLEAN} --conflicts majority",
    ),
    "duplicates": (WARNING, f"drop them; the command split keeps them in one split:\n{_CLEAN}"),
    "near-duplicates": (WARNING, f"drop them:\n{_CLEAN} --duplicates near"),
    "missing": (WARNING, "training and evaluation skip such rows and report them"),
    "one-class": (ERROR, _OTHER_LABELS),
    "label-ids": (ERROR, _OTHER_LABELS),
    "missing-label": (
        WARNING,
        f"take it as none, in every command:\ntokkit stats {{source}} --missing-label={_NO_LABEL}",
    ),
    "fractional-labels": (
        WARNING,
        "train a regression, not classes, when fine-tuning (--task)",
    ),
    "label-spellings": (WARNING, f"make them one:\n{_CLEAN} --labels merge"),
    "imbalance": (WARNING, "weigh the classes first, when fine-tuning (--class-weights)"),
    "small-class": (
        WARNING,
        f"collect {_FEWEST_OF_A_CLASS} or more of each, or join classes (--label-names)",
    ),
    "html": (WARNING, f"strip and decode it:\n{_CLEAN} --rules default,tags"),
    "controls": (WARNING, f"remove them:\n{_CLEAN}"),
    "mojibake": (WARNING, f"decode it again:\n{_CLEAN} --rules default,ftfy"),
    "truncation": (WARNING, "cut long texts into parts, or use a model that takes more"),
    "unknown-rate": (WARNING, "train one on this text:\ntokkit train-wordpiece {corpus}{recipe} -o trained/"),
}
# Rules for rows that hold something `clean` repairs, and what that is.
_UNCLEAN = {
    "html": "HTML: tags or character references",
    "controls": "control or invisible characters",
    "mojibake": "text that was decoded wrongly",
}


@dataclass(frozen=True)
class Finding:
    """rule      an id that scripts may rely on
    severity  ``error`` where going on gives wrong results, else ``warning``
    fix       what to do, and the commands that do it, each on a line of its own
    """

    rule: str
    severity: str
    message: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def findings(
    source: str,
    splits: Mapping[str, Mapping[str, Any]],
    across: Mapping[str, Any],
    label_kind: str = ONE,
    options: DatasetOptions | None = None,
) -> list[Finding]:
    """What every rule finds in the statistics of a data set, in the order of the rules.

    options   as it was read: the commands of the fixes read it so, too
    """
    problems = [*_across_splits(across)]
    rows_of = Counter[str]()
    for split in splits.values():
        rows_of.update(split["classes"])
    if spellings := label_spellings.alike(rows_of):
        fix = RULES["label-spellings"][1] if label_kind == ONE else _ONE_NAME
        problems.append(("label-spellings", label_spellings.sentence(spellings), fix))
    for name, split in splits.items():
        in_split = [*_in_split(split), *(_in_classes(split["classes"]) if name == "train" else ())]
        problems += [(rule, f"{name}: {message}", RULES[rule][1]) for rule, message in in_split]
    options, path = options or DatasetOptions(), Path(source)
    column = "" if options.text_column is None else f" --text-column {shlex.quote(options.text_column)}"
    written = {
        "source": f"{shlex.quote(source)}{typed(options)}",
        "corpus": f"{shlex.quote(source)}{column}",
        "output": f"cleaned{full_suffix(path) or '.jsonl' if not path.is_dir() else '/'}",
    }
    scripts = Counter[str]()
    for split in splits.values():
        scripts.update(split.get("scripts", {}))
    least = _OF_A_SCRIPT * scripts.total()
    recipes = (f" --recipe {recipe}" for script, recipe in RECIPES_OF.items() if scripts[script] > least)
    written["recipe"] = next(recipes, "")
    order = list(RULES)
    return [
        Finding(
            rule,
            severity=RULES[rule][0],
            message=message,
            fix=fix.format(**written),
        )
        for rule, message, fix in sorted(problems, key=lambda problem: order.index(problem[0]))
    ]


def _across_splits(across: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Rule, message and fix of what is wrong between splits."""
    for pair, rows in across["leaks"].items():
        first, second = pair.split("/")
        if rows:
            fix = _WITHOUT_LEAKS if first == "train" else RULES["leaks"][1]
            yield (
                "leaks",
                f"{counted(rows, 'row')} of {second} hold{'s' * (rows == 1)} a text that is also in {first}",
                fix,
            )
    for split, labels in across["missing_labels"].items():
        yield (
            "missing-labels",
            f"{split} has no row of: {first_names(labels, _NAMED)}",
            RULES["missing-labels"][1],
        )


def _in_split(split: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Rule and message of what is wrong within a split."""
    copies, classes, tokens = split["duplicates"], split["classes"], split["lengths"].get("tokens", {})
    if rows := split["conflicting_labels"]:
        normalized = split["conflicting_labels_normalized"]
        further = f" ({normalized} as --duplicates normalized compares them)" if normalized > rows else ""
        yield "conflicts", f"{counted(rows, 'text', 'have')} conflicting labels{further}"
    if rows := copies["exact"]:
        yield "duplicates", f"{counted(rows, 'row', 'duplicate')} an earlier text"
    # Near copies include the exact and normalized ones, which `duplicates` reports.
    if (copies.get("near") or 0) > copies.get("normalized", 0):
        yield "near-duplicates", f"{counted(copies['near'], 'row', 'are')} nearly or exactly an earlier text"
    for column, rows in split["missing"].items():
        if rows:
            empty = counted(rows, "row")
            yield "missing", f'column "{column}" is empty in {empty}'
    if len(classes) == 1:
        yield "one-class", f'one class only, "{next(iter(classes))}": there is nothing to learn'
    # next to -1, 0 and 1, or 1 alone, -1 is a class like any other: negative
    others = set(classes) - {_NO_LABEL, "1"}
    if _NO_LABEL in classes and (len(classes) == 1 or others - {"0"}) and all(map(str.isdecimal, others)):
        yield (
            "missing-label",
            f'label "{_NO_LABEL}" in {counted(classes[_NO_LABEL], "row")} usually means no label',
        )
    fractions = [label for label in classes if _FRACTION.fullmatch(label)]
    if fractions and all(label in fractions or _WHOLE.fullmatch(label) for label in classes):
        message = (
            f'labels are numbers, "{fractions[0]}" say, and are read as {counted(len(classes), "class")}'
        )
        yield "fractional-labels", message
    rows = sum(classes.values())
    if rows >= _FEWEST_ROWS and len(classes) > _ID_LABELS * rows:
        yield "label-ids", f"{len(classes)} labels in {rows} rows look like ids or texts, not classes"
    for rule, content in _UNCLEAN.items():
        if rows := split.get(rule):
            yield rule, f"{counted(rows, 'row', 'hold')} {content}"
    # 512 tokens are the positions of BERT and of most encoders after it.
    if (share := tokens.get("truncated", {}).get("512", 0)) > TRUNCATED:
        yield "truncation", f"{share:.1%} of the rows are longer than 512 tokens"
    if (rate := tokens.get("unknown_rate", 0)) > UNKNOWN_RATE:
        yield "unknown-rate", f"{rate:.1%} of the tokens are unknown to this tokenizer"


def _in_classes(classes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Rule and message of what is wrong with the sizes of the classes, label -> rows."""
    smallest, largest = min(classes.values(), default=0), max(classes.values(), default=0)
    if len(classes) > 1 and largest >= _IMBALANCE * smallest:
        label = min(classes, key=lambda label: classes[label])
        yield "imbalance", f'the largest class has {largest / smallest:.0f} times the rows of "{label}"'
    small = [f'"{label}" ({rows})' for label, rows in classes.items() if rows < _FEWEST_OF_A_CLASS]
    # Where most classes are small, the data set is small: a list of nearly all classes would not help.
    if small and sum(classes.values()) >= _FEWEST_ROWS and 2 * len(small) <= len(classes):
        named = f"{', '.join(small[:5])}{' ...' if len(small) > 5 else ''}"
        yield "small-class", f"too few rows to learn from or to repeat: {named}"
