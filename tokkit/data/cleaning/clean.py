"""`clean`: texts repaired by named rules, and rows dropped, each with its reason.

decisions of a review file (`decisions`) -> labels merged -> texts repaired -> rows dropped, in the order of
`dropping` -> files and receipt
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.data import label_spellings, output, save
from tokkit.data.cleaning import repair_rules
from tokkit.data.cleaning.clean_options import MAJORITY_LABEL, MERGE, REPORT, CleanOptions
from tokkit.data.cleaning.cleaned import CleanedDataset, decide
from tokkit.data.cleaning.decisions import AppliedDecisions, apply_decisions
from tokkit.data.cleaning.repairing import EXAMPLES, TokenCosts, excerpt, repair_texts
from tokkit.data.dataset import Dataset
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, counted
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder.load import load


@dataclass(frozen=True)
class CleanResult:
    """What was repaired and dropped.

    dropped, repaired        reason -> rows; rule -> rows that it changed, including those dropped later
    splits                   name -> {rows_before, rows_after, dropped}
    merged_labels            label -> {spelling: rows} that it was read as; none unless requested
    conflicts                {texts, rows}: texts with two or more labels, counted in each split
    replacement_characters   rows with U+FFFD, where a character was lost before; they are not changed
    examples                 {repaired: {rule: [{before, after}]}, dropped: {reason: [{split, row, reason,
                             kept_split, kept_row, text}]}}, three at most; rows count from 1
    tokens                   {before, repaired, after: {tokens, unknown}, saved: {rule: {tokens, unknown}}}:
                             of the rows with a text, the same rows repaired, and those kept; None without a
                             tokenizer
    applied                  decisions of a review file, as `AppliedDecisions.summary`; None without one
    output                   None for a dry run
    """

    rows_before: int
    rows_after: int
    dropped: dict[str, int]
    repaired: dict[str, int]
    splits: dict[str, dict[str, Any]]
    merged_labels: dict[str, dict[str, int]]
    conflicts: dict[str, int]
    replacement_characters: int
    examples: dict[str, Any]
    tokens: dict[str, Any] | None
    applied: Mapping[str, Any] | None
    dry_run: bool
    output: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def clean(
    dataset: str | Path,
    out: str | Path | None = None,
    options: CleanOptions | None = None,
    *,
    tokenizer: str | Path | None = None,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> CleanResult:
    """Writes the data set with its texts repaired, and without the rows that the options drop.

    A file gives a file, with ``OUT.dropped.jsonl`` (if a row was dropped) and ``OUT.tokkit.json``; a folder
    gives a folder of the same splits, with ``dropped.jsonl`` and `tokkit.json` in it. The other rows keep
    their order, label and other columns. Dropped rows are written as they were read, each with ``split``,
    ``row``, ``reason``, and for a duplicate or leak the row it duplicates, ``kept_split`` and ``kept_row``;
    rows count from 1.

    Decisions of a review file (``apply``) come first: a row that is relabeled or dropped by them is so for
    everything that follows.

    Duplicates and conflicts are searched within each split. A training row whose text is in another split
    is dropped (``leaks``), rows of validation and test never are for that reason. With a tokenizer the result
    says how many tokens the repairs save.

    Raises `UsageError` for an unknown rule or limits that leave nothing, `InputError` for what cannot be
    read, for decisions that do not fit (`apply_decisions`), and for a split of which no row is left.
    """
    options, read_options = apply_to_both(CleanOptions, options, DatasetOptions, read_options, settings)
    rules = repair_rules.selected_rules(options.rules)
    options.check(tokenizer is not None)
    output.check_output(out, options, force=force, dry_run=options.dry_run, source=dataset)
    out = None if options.dry_run else out
    loaded_tokenizer = load(tokenizer, progress) if tokenizer is not None else None
    loaded = read_dataset(dataset, read_options, progress)
    applied = apply_decisions(loaded, options, read_options, progress)
    loaded = applied.dataset
    # both compare labels, so a data set without them is an error before any work
    if options.keep == MAJORITY_LABEL or options.conflicts != REPORT:
        loaded.require_labels()
    loaded, merged = label_spellings.merged(loaded) if options.labels == MERGE else (loaded, {})
    texts = _text_counts(loaded)
    repairs = repair_texts(texts, rules, record_changes=tokenizer is not None, progress=progress)
    if loaded.tokens_column is not None and repairs.texts:
        raise InputError(
            f"{next(iter(loaded.splits.values())).where}: its texts consist of tokens, which no rule repairs",
            hint="only drop rows:\n--rules none",
        )
    costs = None
    if loaded_tokenizer is not None:
        # a rule sees the text as earlier rules left it, so each step needs its own count
        changed = [text for change in repairs.changes for text in (change.before, change.after)]
        pairs = loaded.pair_column is not None
        costs = TokenCosts([*texts, *changed], loaded_tokenizer, progress, pairs=pairs)
    cleaned = decide(loaded, repairs, options, costs, progress, merged, applied.dropped)
    result = _result(cleaned, texts, costs, applied, out)
    _say_findings(loaded, result, options, progress)
    if out is not None:
        dropped = cleaned.dropped_frame()
        jsonl = save.plain_format("jsonl")
        write_dropped = None if dropped is None else partial(save.write, dropped, table_format=jsonl)
        output.publish(
            {name: cleaned.kept_frame(split) for name, split in loaded.splits.items()},
            Path(out),
            loaded,
            options,
            command="clean",
            sources={"dataset": dataset, "tokenizer": tokenizer, "apply": options.apply},
            read_options=read_options,
            result=result.as_dict(),
            packages=("polars", *(["ftfy"] if "ftfy" in rules else [])),
            force=force,
            progress=progress,
            settings={
                "tokenizer": None if tokenizer is None else Path(tokenizer).name,
                "apply": None if options.apply is None else Path(options.apply).name,
            },
            other_inputs=[] if options.apply is None else [Path(options.apply)],
            sidecars={"dropped.jsonl": write_dropped},
        )
    return result


def _text_counts(dataset: Dataset) -> Counter[str]:
    """How many rows have each text, without pairs that lack one of theirs."""
    counts: Counter[str] = Counter()
    for name in dataset.splits:
        # a pair that lacks a text is dropped whole, so its other text needs no repair
        complete = dataset.contents(name).is_not_null()
        for texts in (dataset.texts(name), dataset.pairs(name)):
            if texts is not None:
                counts.update(texts.filter(complete).to_list())
    return counts


def _result(
    cleaned: CleanedDataset,
    texts: Mapping[str, int],
    costs: TokenCosts | None,
    applied: AppliedDecisions,
    out: str | Path | None,
) -> CleanResult:
    splits = {name: _split_counts(cleaned, name) for name in cleaned.rows}
    repairs, (conflicting, rows) = cleaned.repairs, cleaned.conflicting
    return CleanResult(
        rows_before=sum(split["rows_before"] for split in splits.values()),
        rows_after=sum(split["rows_after"] for split in splits.values()),
        dropped=dict(sum((Counter(split["dropped"]) for split in splits.values()), Counter())),
        repaired=repairs.rows,
        splits=splits,
        merged_labels={name: dict(spellings) for name, spellings in cleaned.merged.items()},
        conflicts={"texts": conflicting, "rows": rows},
        replacement_characters=sum(n for text, n in texts.items() if "\ufffd" in text),
        examples={"repaired": repairs.examples, "dropped": _dropped_examples(cleaned)},
        tokens=None if costs is None else _token_counts(cleaned, texts, costs),
        applied=applied.summary,
        dry_run=out is None,
        output=None if out is None else str(out),
    )


def _split_counts(cleaned: CleanedDataset, split: str) -> dict[str, Any]:
    """``{rows_before, rows_after, dropped}``; raises `InputError` where no row is left."""
    rows, left = cleaned.rows[split].height, cleaned.kept_rows(split).height
    dropped = Counter(cleaned.dropped_rows(split)["reason"])
    if not left:
        reasons = ", ".join(f"{n} {reason}" for reason, n in dropped.items())
        source = shlex.quote(cleaned.dataset.source)
        raise InputError(
            f"{cleaned.dataset.split(split).where}: no row is left of {rows}: {reasons}",
            hint=f"drop fewer, or look at the rows first:\ntokkit stats {source}",
        )
    return {"rows_before": rows, "rows_after": left, "dropped": dict(dropped)}


def _token_counts(cleaned: CleanedDataset, texts: Mapping[str, int], costs: TokenCosts) -> dict[str, Any]:
    repairs = cleaned.repairs
    kept_rows = pl.concat([cleaned.kept_rows(name) for name in cleaned.rows])
    kept_texts = pl.concat([kept_rows["text"], kept_rows["pair"].drop_nulls()])
    # each row of pairs has two texts, and one set of special tokens
    rows = sum(texts.values()) // (1 if cleaned.dataset.pair_column is None else 2)
    repaired_texts = ((repairs.texts.get(text, text), n) for text, n in texts.items())
    return {
        "before": costs.of(texts.items(), rows),
        "repaired": costs.of(repaired_texts, rows),
        "after": costs.of(((text, 1) for text in kept_texts), kept_rows.height),
        "saved": costs.saved(repairs.changes, tuple(repairs.rows)),
    }


def _dropped_examples(cleaned: CleanedDataset) -> dict[str, list[dict[str, Any]]]:
    examples: dict[str, list[dict[str, Any]]] = {}
    for name in cleaned.rows:
        texts = cleaned.dataset.texts(name)
        for record in cleaned.dropped_rows(name).iter_rows(named=True):
            of_reason = examples.setdefault(record["reason"], [])
            if len(of_reason) < EXAMPLES:
                text = texts[record["row"] - 1]
                of_reason.append({**record, "text": None if text is None else excerpt(text)})
    return examples


def _say_findings(loaded: Dataset, result: CleanResult, options: CleanOptions, progress: Progress) -> None:
    source = loaded.source
    if spellings := label_spellings.alike(label_spellings.counts(loaded)):
        progress.say(f"{source}: {label_spellings.sentence(spellings)}; --labels merge makes them one")
    if result.replacement_characters:
        progress.say(
            f"{source}: {counted(result.replacement_characters, 'row', 'have')} U+FFFD, where a character "
            "was lost before"
        )
    if result.conflicts["texts"] and options.conflicts == REPORT:
        progress.say(
            f"{source}: {counted(result.conflicts['texts'], 'repaired text', 'have')} conflicting labels, in "
            f"{counted(result.conflicts['rows'], 'row')}; --conflicts drop drops them, majority keeps the "
            "rows of the majority label, and none in a tie"
        )
