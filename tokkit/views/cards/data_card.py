"""The card of a data set: its splits, classes and lengths, what was changed, and its known faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.errors import counted
from tokkit.views.cards.markdown import THIS_FOLDER, Card, code, listed, table
from tokkit.views.cards.sections import FAULTS, Origin, faults, joined
from tokkit.views.text import in_markdown

USE, DATA, CHANGES, LIMITS = "Use", "Data", "How it was written", "Limits"
HEADINGS = (USE, DATA, FAULTS, CHANGES, LIMITS)

# Rows below which the hub has a category of that name.
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
)


@dataclass(frozen=True)
class DataRecord:
    """What a data card displays.

    made_by   the command that wrote it
    splits    name -> its statistics as `stats` gives them, or ``{"rows": n}`` alone
    files     split -> its files in the folder, as the hub loads them; empty where it loads none as a table
    separator of its csv files, where it is no comma
    columns   role -> column
    findings  sentences of `stats`; None where the rows were not looked at
    changes   sentences about what the command did
    """

    made_by: str
    splits: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Sequence[str]]
    origin: Origin
    separator: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    label_kind: str | None = None
    findings: Sequence[str] | None = None
    changes: Sequence[str] = ()

    @property
    def rows(self) -> int:
        """Rows of all splits."""
        return sum(split["rows"] for split in self.splits.values())


def data_card(record: DataRecord) -> Card:
    """The card; sections without content are empty, and are not written."""
    return Card(
        metadata=_metadata(record),
        title=f"Data set, {counted(record.rows, 'row', style=',')}",
        lead=_lead(record),
        sections={
            USE: _use(record),
            DATA: _data(record),
            FAULTS: "" if record.findings is None else faults(record.findings),
            CHANGES: joined(listed(map(in_markdown, record.changes)), record.origin.how, record.origin.read),
            LIMITS: listed(_limits(record)),
        },
    )


def _metadata(record: DataRecord) -> dict[str, Any]:
    tasks = {"one": "text-classification", "several": "text-classification", "tags": "token-classification"}
    size = next((name for least, name in _SIZES if record.rows < least), "n>1B")
    has_labels = record.columns.get("label") is not None
    metadata: dict[str, Any] = {
        "task_categories": [tasks[record.label_kind or "one"]] if has_labels else None,
        "size_categories": [size],
        "tags": ["tokkit"],
    }
    if record.files:
        splits = [{"split": split, "path": list(paths)} for split, paths in record.files.items()]
        separated = {"sep": record.separator} if record.separator else {}
        metadata["configs"] = [{"config_name": "default", "data_files": splits, **separated}]
    return {key: value for key, value in metadata.items() if value is not None}


def _lead(record: DataRecord) -> str:
    columns = [f'{role} in column "{in_markdown(name)}"' for role, name in record.columns.items() if name]
    described = f" It has {', '.join(columns)}." if columns else ""
    return f"Written by `tokkit {record.made_by}`.{described}"


def _use(record: DataRecord) -> str:
    by_datasets, by_tokkit = "from datasets import load_dataset", "import tokkit"
    lines = (
        by_datasets if record.files else by_tokkit,
        f'data = {"" if record.files else "tokkit."}load_dataset("{THIS_FOLDER}")',
        'print(data["train"][0])',
    )
    note = f"Every command of tokkit takes it as DATASET: `tokkit stats {THIS_FOLDER}`."
    return joined(code("python", *lines), note)


def _data(record: DataRecord) -> str:
    rows = [(name, f"{split['rows']:,}") for name, split in record.splits.items()]
    lengths = [
        (name, *(f"{split['lengths']['words'][point]:,.0f}" for point in ("p50", "p95", "max")))
        for name, split in record.splits.items()
        if "lengths" in split
    ]
    by_split = {name: split["classes"] for name, split in record.splits.items() if split.get("classes")}
    labels = dict.fromkeys(label for classes in by_split.values() for label in classes)
    classes = [
        (in_markdown(label), *(f"{of_split.get(label, 0):,}" for of_split in by_split.values()))
        for label in labels
    ]
    return joined(
        table(("split", "rows"), rows),
        table(("label", *by_split), classes),
        table(("words of a text", "median", "95th percentile", "longest"), lengths),
    )


def _limits(record: DataRecord) -> Iterator[str]:
    yield "Labels are as they were in the source; nobody has checked them again for this card."
    if record.findings is None:
        yield "Its rows were not examined for this card: duplicates, leaks and conflicts are not known."
    if record.made_by == "rebalance":
        yield "Its training split is resampled: class frequencies are not those of the source."
