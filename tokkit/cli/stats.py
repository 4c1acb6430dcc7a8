"""`tokkit stats`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit import files
from tokkit.cli.options import common_options, fail_on_option, named_rules, options_from, show
from tokkit.cli.pages import page_path
from tokkit.cli.pictures import picture_path, write_picture
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import EXIT_FINDINGS
from tokkit.inspection.findings import RULES
from tokkit.progress import Progress
from tokkit.views import dataset_plot, html
from tokkit.views.reports import data as reports

if TYPE_CHECKING:
    from tokkit.inspection.stats import StatsResult


@click.command(
    "stats",
    short_help="See what a data set really is.",
    epilog="Example: tokkit stats reviews/ --tokenizer out/ --html reviews.html",
)
@click.argument("dataset")
@click.option("--tokenizer", metavar="TOKENIZER", help="Measure in its tokens too.")
@click.option("--near", is_flag=True, help="Count near duplicates too, which takes longer.")
@click.option("--languages", is_flag=True, help="Tell languages of 5,000 rows a split (extra: languages).")
@click.option("--plot", metavar="FILE", help="Picture of class counts and lengths per class (.png, .svg).")
@click.option("--html", "page", metavar="FILE", help="All tables as a page that needs no network (.html).")
@fail_on_option
@click.option("--force", is_flag=True, help="Replace an earlier picture or page.")
@options_from(DatasetOptions, "options", but=["label_sep"])
@common_options
def stats_command(
    dataset: str,
    plot: str | None,
    page: str | None,
    fail_on: str | None,
    force: bool,
    json_wanted: bool,
    progress: Progress,
    **options: Any,
) -> int:
    """Classes, missing values, duplicates, conflicts, leaks and lengths of a data set."""
    from tokkit.inspection.stats import stats

    picture = picture_path(plot, force)
    path = page_path(page, force)
    rules = named_rules(fail_on, RULES)
    result = stats(dataset, progress=progress, **options)
    if picture is not None:
        _draw(result, picture, force, progress)
    if path is not None:
        files.write_file(path, _page(result), force=force)
        progress.say(f"written: {path}")
    show("stats", result.as_dict(), reports.stats, json_wanted)
    return EXIT_FINDINGS if any(finding.rule in rules for finding in result.findings) else 0


def _draw(result: StatsResult, path: Path, force: bool, progress: Progress) -> None:
    counts = {name: split["classes"] or {"": split["rows"]} for name, split in result.splits.items()}
    labels = list(dict.fromkeys(label for split in counts.values() for label in split))
    lengths = {
        name: {label: (each.lengths, each.rows) for label, each in by_label.items()}
        for name, by_label in result.histograms.items()
    }
    write_picture(
        path,
        labels,
        lambda format: dataset_plot.dataset(counts, lengths, result.unit, result.limits, format),
        force,
        progress,
    )


def _page(result: StatsResult) -> bytes:
    *tables, last = reports.stats(result.as_dict())
    first = [last] if result.findings else []
    drawn = [
        html.Histogram(f"Lengths of {name}", result.unit, result.rows_by_length(name), result.limits)
        for name in result.splits
    ]
    columns = f'texts: "{result.text_column}", labels: "{result.label_column}"'
    return html.page(
        f"tokkit stats {result.source}", columns, [*first, *tables, *([] if first else [last]), *drawn]
    )
