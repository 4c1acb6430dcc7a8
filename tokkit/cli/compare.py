"""`tokkit compare`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, shared_options
from tokkit.cli.output import format_of, output_path, write_page, write_plot
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.progress import Progress
from tokkit.views import comparison_plot
from tokkit.views.html import Part
from tokkit.views.reports import compare as reports


@command("compare", "out/ distilbert-base-uncased --on reviews/ --plot tokenizers.png")
@click.argument("tokenizers", nargs=-1, required=True, metavar="TOKENIZER...")
@click.option("--on", required=True, metavar="DATA", help="Data set or text file to measure on.")
@click.option("--plot", metavar="FILE", help="Plot of fertility and row lengths (.png, .svg).")
@click.option("--html", "page", metavar="FILE", help="Everything as a self-contained page (.html).")
@click.option("--force", is_flag=True, help="Replace an earlier plot or page.")
@shared_options(options=CompareOptions, read_options=DatasetOptions, exclude=["pair_column"])
def compare_command(
    tokenizers: tuple[str, ...],
    on: str,
    plot: str | None,
    page: str | None,
    force: bool,
    show: Show,
    progress: Progress,
    **options: Any,
) -> None:
    """Fertility, bytes per token, continued and unknown words, truncation: overall and per class.

    A difference between tokenizers is marked if a paired test finds it significant. Fewer tokens are
    cheaper, not better by themselves.
    """
    from tokkit.inspection.compare import compare

    path, page_path = output_path(plot, force, "--plot"), output_path(page, force, "--html")
    result = compare(tokenizers, on, progress=progress, **options)
    record = result.as_dict()
    if path is not None:
        labels = [*record["tokenizers"], *comparison_plot.parts_of(record)]
        image = comparison_plot.comparison(record, result.lengths, format_of(path))
        write_plot(path, labels, image, force, progress)
    if page_path is not None:
        parts: list[Part] = [*reports.histograms(result.lengths), *reports.comparison(record)]
        about, heads = {"data": record["dataset"]}, reports.headlines(record)
        write_page(page_path, "tokkit compare", parts, heads, about, result.inputs, force, progress)
    show(record, reports.comparison)
