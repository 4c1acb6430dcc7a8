"""Decisions of a review file applied to a data set: rows relabeled, dropped or kept, before anything else.

A decision is about the row of its split and number, and holds only where that row still has the hash that it
had when it was reviewed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tokkit.data.cleaning.clean_options import REFUSE, CleanOptions
from tokkit.data.cleaning.new_labels import held_labels, with_label_column, with_new_labels
from tokkit.data.cleaning.repairing import excerpt
from tokkit.data.dataset import ONE, SEVERAL, TAGS, Dataset, class_names, first_names, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.review_file import DECISIONS, DROP, RELABEL, Decision, first_rows, read_decisions
from tokkit.data.row_hash import Label, label_value, row_hashes, row_labels, written_label
from tokkit.data.tag_schemes import TagScheme
from tokkit.errors import InputError, counted, did_you_mean
from tokkit.progress import Progress

# Decided rows that the result, and so the receipt, lists one by one.
MOST_ROWS = 1000
# Labels of a data set that a message names.
_NAMED = 10
UNDECIDED, CHANGED = "undecided", "changed_since"


@dataclass(frozen=True)
class AppliedDecisions:
    """dataset   with the new labels
    dropped   split -> rows to drop, from 0
    summary   ``{keep, drop, relabel, undecided, changed_since, labels, rows}``: rows by decision, the new
              labels by the old ones, and `MOST_ROWS` of the decided rows with their reason
    """

    dataset: Dataset
    dropped: Mapping[str, Sequence[int]] = field(default_factory=dict)
    summary: Mapping[str, Any] | None = None


def apply_decisions(
    dataset: Dataset, options: CleanOptions, read_options: DatasetOptions, progress: Progress
) -> AppliedDecisions:
    """The decisions of the file that ``options.apply`` names, checked as a whole before any is applied.

    Raises `InputError` as `read_decisions`, for a row that is not there or has changed since, and for a label
    that no row of the data set has.
    """
    if options.apply is None:
        return AppliedDecisions(dataset)
    path = Path(options.apply)
    decisions = read_decisions(path)
    decisions, changed = _unchanged(dataset, path, decisions, options, progress)
    decided = [decision for decision in decisions if decision.decision is not None]
    relabeled = [decision for decision in decided if decision.decision == RELABEL]
    if dataset.label_column is None and relabeled:
        kind = _kind(dataset, relabeled)
        dataset = with_label_column(dataset, read_options.label_column, kind)
    labels = {decision.line: _new_label(dataset, path, decision) for decision in relabeled}
    if not options.new_labels:
        _check_known(dataset, path, labels)
    old = {name: row_labels(dataset, name) for name in dataset.splits}
    splits = {}
    for name, split in dataset.splits.items():
        new = {decision.row: labels[decision.line] for decision in relabeled if decision.split == name}
        splits[name] = with_new_labels(dataset, split, new, read_options) if new else split
    dropped = {
        name: [d.row for d in decided if d.split == name and d.decision == DROP] for name in dataset.splits
    }
    undecided = len(decisions) - len(decided)
    if undecided:
        progress.say(f"{path}: left {counted(undecided, 'undecided row', style=',')} as they are")
    changes = [
        (decision, old[decision.split][decision.row], labels.get(decision.line)) for decision in decided
    ]
    counts = Counter(decision.decision for decision in decided)
    summary = {
        **{decision: counts[decision] for decision in DECISIONS},
        UNDECIDED: undecided,
        CHANGED: changed,
        "labels": _label_counts(changes, dataset.label_kind),
        "rows": [_record(*change, dataset.label_kind) for change in changes[:MOST_ROWS]],
    }
    return AppliedDecisions(replace(dataset, splits=splits), dropped, summary)


def _unchanged(
    dataset: Dataset, path: Path, decisions: Sequence[Decision], options: CleanOptions, progress: Progress
) -> tuple[list[Decision], int]:
    """The decisions about rows that are still as they were, and the number of the others."""
    hashes: dict[str, list[str]] = {}
    for decision in decisions:
        if decision.split not in dataset.splits:
            raise InputError(
                f"{path}:{decision.line}: is about a row of {decision.split}, and {dataset.source} has "
                f"{', '.join(dataset.splits)}",
                hint="name the data set that was reviewed",
            )
        if decision.split not in hashes:
            hashes[decision.split] = row_hashes(dataset, decision.split)
    same, changed = list[Decision](), list[Decision]()
    for decision in decisions:
        of_split = hashes[decision.split]
        is_same = decision.row < len(of_split) and of_split[decision.row] == decision.hash
        (same if is_same else changed).append(decision)
    if changed:
        of = f"{counted(len(changed), 'row', 'have', style=',')} changed since the review"
        named = f"{path}: {of}, of {len(decisions):,}: {first_rows(changed)}"
        if options.changed_rows == REFUSE:
            raise InputError(
                named,
                hint="name the data set as it was reviewed, read with the same options, or apply the "
                "others:\n--changed-rows skip",
            )
        progress.say(f"{named}; skipped")
    return same, len(changed)


def _kind(dataset: Dataset, relabeled: Iterable[Decision]) -> str:
    """What a label is in a data set without any, by the new ones."""
    if dataset.tokens_column is not None:
        return TAGS
    return SEVERAL if any(isinstance(decision.new_label, list) for decision in relabeled) else ONE


def _new_label(dataset: Dataset, path: Path, decision: Decision) -> Label:
    """The new label as the data set has labels; raises `InputError` where it is no label for the row."""
    kind, label = dataset.label_kind, decision.new_label
    if isinstance(label, str) and kind != ONE:
        label = label_value(label, kind)
    if isinstance(label, list):
        if kind == ONE:
            raise InputError(
                f"{path}:{decision.line}: {counted(len(label), 'new label')} for a row that has one",
                hint="write one label, not a list",
            )
        if kind == SEVERAL:
            return sort_labels(label)
        assert dataset.tokens_column is not None
        tokens = dataset.split(decision.split).frame[dataset.tokens_column][decision.row]
        if len(label) != len(tokens):
            raise InputError(
                f"{path}:{decision.line}: {counted(len(label), 'tag')} for {counted(len(tokens), 'token')}",
                hint="write one tag for each token",
            )
    return label


def _check_known(dataset: Dataset, path: Path, labels: Mapping[int, Label]) -> None:
    """Raises `InputError` for a label that no row of the data set has; any is new where there are none.

    labels   line of the review file -> new label
    """
    if not labels:
        return
    kind = dataset.label_kind
    written = {label for name in dataset.splits for label in dataset.labels(name).drop_nulls().unique()}
    known = {name for label in written for name in class_names(label, kind)} | held_labels(dataset)
    if not known:
        return
    allowed = TagScheme.of(known).complete(known) if kind == TAGS else known
    for line, label in labels.items():
        names = label if isinstance(label, list) else [str(label)]
        if unknown := [name for name in names if name not in allowed]:
            raise InputError(
                f'{path}:{line}: unknown label "{unknown[0]}"'
                f"{did_you_mean(unknown[0], sort_labels(known))}: {dataset.source} has "
                f"{first_names(sort_labels(known), _NAMED)}",
                hint="correct that line, or make it a class of its own:\n--new-labels",
            )


def _record(decision: Decision, old: Label, new: Label, kind: str) -> dict[str, Any]:
    """A decided row without its text, every value of bounded length."""
    return {
        "split": decision.split,
        "row": decision.row,
        "decision": decision.decision,
        "label": _short(written_label(old, kind)),
        "new_label": _short(written_label(new, kind)),
        "reason": _short(decision.reason),
    }


def _short(text: str | None) -> str | None:
    return None if text is None else excerpt(text)


def _label_counts(changes: Iterable[tuple[Decision, Label, Label]], kind: str) -> dict[str, dict[str, int]]:
    """Old label -> new label -> rows, the most frequent first; of tags, tokens. "" is no label."""
    pairs: Counter[tuple[str, str]] = Counter()
    for decision, old, new in changes:
        if decision.decision != RELABEL:
            continue
        if kind == TAGS:
            before = old or [""] * len(new or ())
            pairs.update((a, b) for a, b in zip(before, new or (), strict=True) if a != b)
        else:
            pairs[written_label(old, kind) or "", written_label(new, kind) or ""] += 1
    counts: dict[str, dict[str, int]] = {}
    for (before_label, after), n in pairs.most_common(MOST_ROWS):
        counts.setdefault(before_label, {})[after] = n
    return counts
