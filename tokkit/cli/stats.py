"""`tokkit stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokkit.cli.options import Show, command, fail_on_option, parse_rules, shared_options
from tokkit.cli.output import format_of, output_path, write, write_plot
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import EXIT_FINDINGS
from tokkit.progress import Progress
from tokkit.views import dataset_plot, html
from tokkit.views.reports import inspection as reports

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
@shared_options(options=DatasetOptions)
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
        image = dataset_plot.dataset(counts, lengths, result.unit, result.limits, format_of(plot_file))
        write_plot(plot_file, labels, image, force, progress)
    if page_file is not None:
        write(page_file, _page(result), force, progress)
    show(result.as_dict(), reports.stats)
    return EXIT_FINDINGS if any(finding.rule in rules for finding in result.findings) else 0


def _page(result: StatsResult) -> bytes:
    *tables, last = reports.stats(result.as_dict())
    # The last table is that of the findings, which come first on a page; without any it says that.
    tables = [last, *tables] if result.findings else [*tables, last]
    histograms = [
        html.Histogram(f"Lengths of {name}", result.unit, result.rows_by_length(name), result.limits)
        for name in result.splits
    ]
    columns = f'texts: "{result.text_column}", labels: "{result.label_column}"'
    return html.page(f"tokkit stats {result.source}", columns, [*tables, *histograms])
