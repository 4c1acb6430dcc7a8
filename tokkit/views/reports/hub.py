"""Tables of cards, uploads, data sets of the hub, and of outputs that were written again."""

from __future__ import annotations

from tokkit.errors import counted
from tokkit.views.reports.inspection import findings
from tokkit.views.tables import Result, Table, facts
from tokkit.views.text import in_bytes

# Languages of a data set that are displayed.
_LANGUAGES = 5


def card(result: Result) -> list[Table]:
    """The card, its sections and the files that were written with it."""
    rows = [
        ("card", result["output"]),
        ("of a", result["kind"]),
        ("sections", ", ".join(result["sections"])),
        ("your own", ", ".join(result["own"]) or None),
    ]
    written = [(file["path"], in_bytes(file["size"])) for file in result["files"]]
    return [facts("Card", rows), Table("Written", ("file", "size"), written)]


def card_check(result: Result) -> list[Table]:
    """What is wrong with a card, or that nothing is."""
    return findings(result) or [facts("Card", [("card", result["output"]), ("findings", 0)])]


def pushed(result: Result) -> list[Table]:
    """What went to the hub, or would go, and what stays behind."""
    files = [(file["path"], in_bytes(file["size"])) for file in result["files"]]
    kept_back = [(part["path"], part["reason"]) for part in result["kept_back"]]
    rows = [
        ("repository", f"{result['repo']} ({result['repo_type']})"),
        ("branch", result["branch"]),
        ("commit", result["revision"]),
        ("private", "yes" if result["private"] else None),
        ("size", in_bytes(result["size"])),
    ]
    title, verb = ("Dry run", "Would be sent") if result["dry_run"] else ("Pushed", "Sent")
    tables = [facts(title, rows), Table(verb, ("file", "size"), files)]
    return [*tables, Table("Stays behind", ("file", "because"), kept_back)] if kept_back else tables


def found_datasets(result: Result) -> list[Table]:
    """The data sets, a line each."""
    rows = [
        (
            f"hub:{dataset['name']}",
            dataset["downloads"],
            dataset["size"],
            _some(dataset["languages"]),
            dataset["licence"],
            "yes" if dataset["gated"] else None,
        )
        for dataset in result["datasets"]
    ]
    title = "Most used data sets" if result["query"] is None else f'Data sets for "{result["query"]}"'
    columns = ("data set", "downloads", "rows", "languages", "licence", "gated")
    return [Table(title if rows else f"{title}: none", columns, rows)]


def _some(languages: list[str]) -> str:
    more = len(languages) - _LANGUAGES
    return ", ".join(languages[:_LANGUAGES]) + (f" and {more} more" if more > 0 else "")


def reproduced(result: Result) -> list[Table]:
    """Every file, and whether the same command writes it again."""
    rows = [
        (file["path"], "same" if file["same"] else "differs", _short(file["sha256"]), _short(file["again"]))
        for file in result["files"]
    ]
    count = sum(file["same"] for file in result["files"])
    title = f"{count} of {counted(len(rows), 'file')} are what tokkit {result['written_by']} writes again"
    return [Table(title, ("file", "", "sha256", "again"), rows)]


def _short(sha256: str | None) -> str:
    return "none" if sha256 is None else sha256[:12]
