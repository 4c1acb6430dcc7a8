"""`clean`: texts repaired by named rules, and rows dropped, each with its reason."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.cleaning import cleaning_rules
from tokkit.data.cleaning.clean_options import MAJORITY_LABEL, REPORT, CleanOptions
from tokkit.data.cleaning.cleaned import Cleaned, decide, described, publish
from tokkit.data.cleaning.repairing import EXAMPLES, Costs, Repaired, excerpt, repair_all
from tokkit.data.dataset import Dataset
from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.errors import InputError, UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder.load import load


@dataclass(frozen=True)
class CleanResult:
    """What was repaired and dropped.

    dropped, repaired        reason -> rows; rule -> rows that it changed, those that go later among them
    splits                   name -> {rows_before, rows_after, dropped}
    conflicts                {texts, rows}: texts with two or more labels, counted in each split
    replacement_characters   rows with U+FFFD, where a character was lost before; they are left alone
    examples                 {repaired: {rule: [{before, after}]}, dropped: {reason: [{split, row, reason,
                             kept_split, kept_row, text}]}}, three at most; rows count from 1
    tokens                   {before, repaired, after: {tokens, unknown}, saved: {rule: {tokens, unknown}}}:
                             of the rows with a text, the same rows repaired, and those kept; None without a
                             tokenizer
    output                   None where it was a dry run
    """

    rows_before: int
    rows_after: int
    dropped: dict[str, int]
    repaired: dict[str, int]
    splits: dict[str, dict[str, Any]]
    conflicts: dict[str, int]
    replacement_characters: int
    examples: dict[str, Any]
    tokens: dict[str, Any] | None
    dry_run: bool
    output: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def clean(
    dataset: str | Path,
    out: str | Path | None = None,
    plan: CleanOptions | None = None,
    *,
    tokenizer: str | Path | None = None,
    options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> CleanResult:
    """Writes the data set with its texts repaired, and without the rows that the plan drops.

    A file gives a file, with ``OUT.dropped.jsonl`` (where a row was dropped) and ``OUT.tokkit.json``; a
    folder gives a folder of the same splits, with ``dropped.jsonl`` and `tokkit.json` in it. What is kept
    keeps its order, its label and its other columns. Dropped rows stand as they were read, each with
    ``split``, ``row``, ``reason``, and of a duplicate or leak the row it was dropped for, ``kept_split`` and
    ``kept_row``; rows count from 1.

    Duplicates and conflicts are looked for within each split; a training row whose text stands in another
    split goes (``leaks``), rows of validation and test never do for that. With a tokenizer it is told what
    the repairs save.

    Raises `UsageError` for an unknown rule or limits that leave nothing, `InputError` for what cannot be
    read and for a split of which no row is left.
    """
    plan, options = apply_to_both(CleanOptions, plan, DatasetOptions, options, settings)
    rules = cleaning_rules.chosen(plan.rules)
    plan.check(tokenizer is not None)
    if plan.dry_run:
        out = None
    elif out is None:
        raise UsageError("nowhere to write to", hint="name it: -o OUT, or look first: --dry-run")
    else:
        plan.check_name(Path(out))
        files.check_output(Path(out), force=force)
    loaded_tokenizer = load(tokenizer, progress) if tokenizer is not None else None
    loaded = read_dataset(dataset, options, progress)
    if plan.keep == MAJORITY_LABEL or plan.conflicts != REPORT:
        loaded.require_labels()
    texts = _texts(loaded)
    repaired = repair_all(texts, rules, keep_changes=tokenizer is not None, progress=progress)
    _check_sentences(loaded, repaired)
    costs = None
    if loaded_tokenizer is not None:
        changed = [text for change in repaired.changes for text in (change.before, change.after)]
        costs = Costs([*texts, *changed], loaded_tokenizer, progress, pairs=loaded.pair_column is not None)
    cleaned = decide(loaded, repaired, plan, costs, progress)
    result = _result(cleaned, texts, costs, out)
    _say(loaded.source, result, plan, progress)
    if out is not None:
        told = {name: value for name, value in result.as_dict().items() if name not in ("output", "examples")}
        receipt = {
            "command": "clean",
            "settings": {**asdict(plan), **asdict(options), "tokenizer": tokenizer and Path(tokenizer).name},
            "packages": ("polars", *(["ftfy"] if "ftfy" in rules else [])),
            "result": told,
            "run": {"output": str(out)},
        }
        publish(cleaned, Path(out), plan, receipt, force)
    return result


def _texts(dataset: Dataset) -> Counter[str]:
    """How often each text stands in the data set, those of pairs that lack one of theirs aside."""
    found: Counter[str] = Counter()
    for name in dataset.splits:
        whole = dataset.contents(name).is_not_null()
        for texts in (dataset.texts(name), dataset.pairs(name)):
            if texts is not None:
                found.update(texts.filter(whole).to_list())
    return found


def _check_sentences(dataset: Dataset, repaired: Repaired) -> None:
    """Raises `InputError` where a repair would part a text from the tokens it is made of."""
    for split in dataset.splits.values():
        if split.format.name == "conll" and repaired.texts:
            raise InputError(
                f"{split.where}: its texts are made of tokens, which no rule repairs",
                hint="--rules none only drops rows",
            )


def _result(
    cleaned: Cleaned, texts: Mapping[str, int], costs: Costs | None, out: str | Path | None
) -> CleanResult:
    splits = {name: _split_counts(cleaned, name) for name in cleaned.rows}
    repaired, (conflicting, rows) = cleaned.repaired, cleaned.conflicting
    return CleanResult(
        rows_before=sum(split["rows_before"] for split in splits.values()),
        rows_after=sum(split["rows_after"] for split in splits.values()),
        dropped=dict(sum((Counter(split["dropped"]) for split in splits.values()), Counter())),
        repaired=repaired.rows,
        splits=splits,
        conflicts={"texts": conflicting, "rows": rows},
        replacement_characters=sum(n for text, n in texts.items() if "\ufffd" in text),
        examples={"repaired": repaired.examples, "dropped": _dropped_examples(cleaned)},
        tokens=None if costs is None else _tokens(cleaned, texts, costs),
        dry_run=out is None,
        output=None if out is None else str(out),
    )


def _split_counts(cleaned: Cleaned, split: str) -> dict[str, Any]:
    """``{rows_before, rows_after, dropped}``; raises `InputError` where no row is left."""
    rows, left = len(cleaned.rows[split]), len(cleaned.left(split))
    dropped = Counter(drop.reason for _, drop in sorted(cleaned.drops[split].items()))
    if not left:
        reasons = ", ".join(f"{n} {reason}" for reason, n in dropped.items())
        source = shlex.quote(cleaned.dataset.source)
        raise InputError(
            f"{cleaned.dataset.split(split).where}: no row is left of {rows}: {reasons}",
            hint=f"look at the rows first: tokkit stats {source}, or ask for less to be dropped",
        )
    return {"rows_before": rows, "rows_after": left, "dropped": dict(dropped)}


def _tokens(cleaned: Cleaned, texts: Mapping[str, int], costs: Costs) -> dict[str, Any]:
    repaired = cleaned.repaired
    kept = [row for name in cleaned.rows for row in cleaned.left(name)]
    rows = sum(texts.values()) // (1 if cleaned.dataset.pair_column is None else 2)
    saved = costs.saved(repaired.changes, tuple(repaired.rows))
    return {
        "before": asdict(costs.of(texts.items(), rows)),
        "repaired": asdict(
            costs.of(((repaired.texts.get(text, text), n) for text, n in texts.items()), rows)
        ),
        "after": asdict(costs.of(((text, 1) for row in kept for text in row.texts), len(kept))),
        "saved": {rule: asdict(cost) for rule, cost in saved.items()},
    }


def _dropped_examples(cleaned: Cleaned) -> dict[str, list[dict[str, Any]]]:
    examples: dict[str, list[dict[str, Any]]] = {}
    for name, drops in cleaned.drops.items():
        texts = cleaned.dataset.texts(name)
        for row, drop in sorted(drops.items()):
            shown = examples.setdefault(drop.reason, [])
            if len(shown) < EXAMPLES:
                text = texts[row]
                text = None if text is None else excerpt(text)
                shown.append({"split": name, **described(row, drop), "text": text})
    return examples


def _say(source: str, result: CleanResult, plan: CleanOptions, progress: Progress) -> None:
    if result.replacement_characters:
        progress.say(
            f"{source}: {result.replacement_characters} rows hold U+FFFD, where a character was lost before"
        )
    if result.conflicts["texts"] and plan.conflicts == REPORT:
        progress.say(
            f"{source}: {result.conflicts['texts']} texts stand with two or more labels, in "
            f"{result.conflicts['rows']} rows; --conflicts drop or majority settles it"
        )
