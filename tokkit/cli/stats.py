"""`tokkit stats`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokkit.cli.options import Show, command, fail_on_option, parse_rules, shared_options
from tokkit.cli.output import format_of, output_path, write_page, write_plot
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import EXIT_FINDINGS
from tokkit.progress import Progress
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.views import dataset_plot
from tokkit.views.histogram import Histogram
from tokkit.views.html import Part
from tokkit.views.reports import inspection as reports
from tokkit.views.reports.summary import brief, headlines

if TYPE_CHECKING:
    from tokkit.inspection.stats import StatsResult


@command("stats", "reviews/ --tokenizer out/ --html reviews.html")
@click.argument("dataset")
@click.option("--tokenizer", metavar="TOKENIZER", help="Measure lengths in its tokens as well.")
@click.option("--near", is_flag=True, help="Count near duplicates as well, which takes longer.")
@click.option("--languages", is_flag=True, help="Identify the languages of 5,000 rows per split.")
@click.option("--plot", metavar="FILE", help="Plot of class counts and lengths per class (.png, .svg).")
@click.option("--html", "page", metavar="FILE", help="All tables as a self-contained page (.html).")
@fail_on_option
@click.option("--force", is_flag=True, help="Replace an earlier plot or page.")
@shared_options(options=DatasetOptions, engine_options=EngineOptions, threads=True)
def stats_command(
    dataset: str,
    plot: str | None,
    page: str | None,
    fail_on: str | None,
    force: bool,
    show: Show,
    progress: Progress,
    **options: Any,
) -> int:
    """Classes, missing values, duplicates, conflicts, leaks and lengths of a data set."""
    from tokkit.inspection.statistics.findings import RULES
    from tokkit.inspection.stats import stats

    plot_file, page_file = output_path(plot, force, "--plot"), output_path(page, force, "--html")
    rules = parse_rules(fail_on, RULES)
    result = stats(dataset, progress=progress, **options)
    if plot_file is not None:
        # of very many classes those that have lengths, which are the most frequent
        counts = {
            name: {label: split["classes"][label] for label in split["by_class"]} or {"": split["rows"]}
            for name, split in result.splits.items()
        }
        labels = list(dict.fromkeys(label for split in counts.values() for label in split))
        lengths = {
            name: {label: (histogram.lengths, histogram.rows) for label, histogram in by_label.items()}
            for name, by_label in result.histograms.items()
        }
        of_rows = {
            name: (histogram.lengths, histogram.rows) for name, histogram in result.row_lengths.items()
        }
        advised = (result.recommended_max_length or {}).get("tokens")
        limits = {limit: " (recommended)" if limit == advised else "" for limit in result.limits}
        image = dataset_plot.dataset(
            Path(result.source).name, counts, lengths, of_rows, result.unit, limits, format_of(plot_file)
        )
        write_plot(plot_file, labels, image, force, progress)
    if page_file is not None:
        _write_page(page_file, result, force, progress)
    show(result.as_dict(), reports.stats, brief)
    return EXIT_FINDINGS if any(finding.rule in rules for finding in result.findings) else 0


def _write_page(path: Path, result: StatsResult, force: bool, progress: Progress) -> None:
    record, advised = result.as_dict(), result.recommended_max_length
    histograms = [
        Histogram(
            f"Lengths of {name}",
            result.unit,
            result.rows_by_length(name),
            result.limits,
            advised["tokens"] if advised else None,
        )
        for name in result.splits
    ]
    columns = {"texts": result.text_column, "second": result.pair_column, "labels": result.label_column}
    named = ", ".join(f'{kind} "{name}"' for kind, name in columns.items() if name)
    first: list[Part] = [*reports.findings(record), *histograms, *reports.examples(record)]
    write_page(
        path,
        f"tokkit stats {result.source}",
        [*first, *reports.entities(record), *reports.details(record)],
        headlines(record),
        {"data": result.source, "columns": named},
        result.inputs,
        force,
        progress,
    )
