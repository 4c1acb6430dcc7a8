"""What matters most of `stats`: ten lines, on a terminal a table and on a page tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tokkit.errors import counted
from tokkit.views.reports.inspection import examples, findings, languages
from tokkit.views.tables import Headline, Result, Table
from tokkit.views.tables import headlines as as_table
from tokkit.views.text import shorten

# Characters of the name of a class.
_NAME = 24
# Splits, or pairs of them, that are named.
_NAMED = 4
# Of several maximum lengths without a recommended one: the positions of BERT and most encoders after it.
_POSITIONS = "512"
_CONFLICTS = {
    "one": "texts with several labels",
    "several": "texts with several sets of labels",
    "tags": "texts with several sequences of tags",
}
_NO_TOKENIZER, _NO_TEXTS = "add --tokenizer to count them", "no texts"


def headlines(result: Result) -> list[Headline]:
    """The ten lines; what a finding is about has its severity."""
    splits: Mapping[str, Result] = result["splits"]
    severity = {finding["rule"]: finding["severity"] for finding in reversed(result["findings"])}
    lines = [
        _rows(splits, severity),
        Headline("splits", str(len(splits)), _listed((name, s["rows"]) for name, s in splits.items())),
        _classes(splits, severity, result["label_kind"] == "several"),
        _lengths(result),
        *_of_tokens(result, severity),
        *_copies(result, severity),
    ]
    levels = Counter(finding["severity"] for finding in result["findings"])
    worst = "error" if levels["error"] else "warning" if levels else ""
    counts = [f"{n} {level}{'s' * (n != 1)}" for level in ("error", "warning") if (n := levels[level])]
    return [*lines, Headline("findings", ", ".join(counts) or "none", "", worst)]


def brief(result: Result, elsewhere: str = "all tables: -v, or --html FILE") -> list[Table]:
    """The ten lines, languages, examples and findings; all other tables are those of `inspection.stats`."""
    *lines, last = headlines(result)
    last = replace(last, detail=elsewhere)
    summary = as_table(str(result["dataset"]), [*lines, last])
    return [summary, *languages(result), *examples(result), *findings(result)]


def _rows(splits: Mapping[str, Result], severity: Mapping[str, str]) -> Headline:
    missing = Counter[str]()
    for split in splits.values():
        missing.update(split["missing"])
    without = _listed((f"no {name}:", n) for name, n in missing.items() if n)
    total = sum(split["rows"] for split in splits.values())
    return Headline("rows", f"{total:,}", without, severity.get("missing", ""))


def _classes(splits: Mapping[str, Result], severity: Mapping[str, str], several: bool) -> Headline:
    """Classes, the shares of the largest and the smallest; of tagged rows entities, or else tags, by type.

    several   whether a row may have several labels: shares are of all rows then
    """
    counts = {key: Counter[str]() for key in ("entities", "tags", "classes")}
    for split in splits.values():
        for key, counter in counts.items():
            counter.update(split.get(key, {}))
    rows = counts["classes"]
    if tags := counts["tags"]:
        name = "entities" if counts["entities"] else "tags"
        listed = _listed(counts[name].most_common())
        return Headline(name, f"{counts[name].total():,}", f"{listed}; different tags: {len(tags):,}")
    if not rows:
        return Headline("classes", "none", "no column of labels")
    rules = ("one-class", "label-ids", "imbalance", "small-class")
    grave = next((severity[rule] for rule in rules if rule in severity), "")
    ranked = rows.most_common()
    total = sum(split["rows"] for split in splits.values()) if several else rows.total()
    (most, first), (least, last) = ranked[0], ranked[-1]
    detail = f"most {_share(most, first, total)}, least {_share(least, last, total)}"
    if several:
        detail += f" of the rows; {rows.total() / total:.1f} labels a row"
    return Headline("classes", f"{len(rows):,}", detail if len(rows) > 1 else shorten(most, _NAME), grave)


def _share(label: str, rows: int, total: int) -> str:
    return f"{shorten(label, _NAME)} {rows / total:.1%}"


def _lengths(result: Result) -> Headline:
    first = next(iter(result["splits"].values()))
    unit = "tokens" if "tokens" in first["lengths"] else "words"
    measured = result["splits"].get("train", first)["lengths"][unit]
    if measured["p50"] is None:
        return Headline("length", "-", _NO_TEXTS)
    detail = f"median; 99 % up to {measured['p99']:,.0f}, longest {measured['max']:,}"
    if advised := result["recommended_max_length"]:
        detail += f"; recommended --max-length {advised['tokens']:,}"
    median = f"{measured['p50']:,.0f}"
    return Headline("length", f"{median} {unit.removesuffix('s') if median == '1' else unit}", detail)


def _of_tokens(result: Result, severity: Mapping[str, str]) -> list[Headline]:
    """Unknown tokens and truncated rows."""
    advised = result["recommended_max_length"]
    if advised is None:
        measured = all("tokens" in split["lengths"] for split in result["splits"].values())
        why = _NO_TEXTS if measured else _NO_TOKENIZER
        return [Headline(name, "-", why) for name in ("unknown tokens", "truncated rows")]
    tokens = [split["lengths"]["tokens"] for split in result["splits"].values()]
    total = sum(measured["total"] for measured in tokens)
    unknown = sum(measured["unknown_rate"] * measured["total"] for measured in tokens) / max(total, 1)
    rows = [split["rows"] for split in result["splits"].values()]
    longer = sum(m["truncated"][_POSITIONS] * n for m, n in zip(tokens, rows, strict=True)) / max(
        sum(rows), 1
    )
    detail = f"at {counted(advised['tokens'], 'token', style=',')}; {longer:.2%} at {_POSITIONS}"
    return [
        Headline("unknown tokens", f"{unknown:.2%}", "", severity.get("unknown-rate", "")),
        Headline("truncated rows", f"{advised['truncated']:.2%}", detail, severity.get("truncation", "")),
    ]


def _copies(result: Result, severity: Mapping[str, str]) -> list[Headline]:
    """Duplicates, conflicts and leaks."""
    splits = result["splits"].values()
    copies = {
        kind: sum(split["duplicates"][kind] for split in splits)
        for kind in ("exact", "normalized", "near")
        if all(split["duplicates"][kind] is not None for split in splits)
    }
    exact = copies.pop("exact")
    further = _listed((kind, n) for kind, n in copies.items())
    conflicts = result["across"]["conflicting_labels"]
    alike = result["across"]["conflicting_labels_normalized"]
    what = _CONFLICTS[result["label_kind"]] + (f"; normalized {alike:,}" if alike > conflicts else "")
    leaks = {pair: n for pair, n in result["across"]["leaks"].items() if n}
    grave = severity.get("duplicates", "") or severity.get("near-duplicates", "")
    return [
        Headline("duplicates", f"{exact:,}", f"exact; {further}", grave),
        Headline("conflicts", f"{conflicts:,}", what, severity.get("conflicts", "")),
        Headline("leaks", f"{sum(leaks.values()):,}", _listed(leaks.items()), severity.get("leaks", "")),
    ]


def _listed(items: Iterable[tuple[str, Any]]) -> str:
    """The first names, each with its number."""
    named = [f"{name} {number:,}" for name, number in items]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f", {more} more" if more > 0 else "")
