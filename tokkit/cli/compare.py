"""`tokkit compare`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, show
from tokkit.cli.pictures import picture_path, write_picture
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.progress import Progress
from tokkit.views import comparison_plot
from tokkit.views.reports import compare as reports


@click.command(
    "compare",
    short_help="Measure tokenizers on the same rows.",
    epilog="Example: tokkit compare out/ distilbert-base-uncased --on reviews/ --plot tokenizers.png",
)
@click.argument("tokenizers", nargs=-1, required=True, metavar="TOKENIZER...")
@click.option("--on", required=True, metavar="DATA", help="Data set or text file to measure on.")
@click.option("--plot", metavar="FILE", help="Picture of fertility and row lengths (.png, .svg).")
@click.option("--force", is_flag=True, help="Replace an earlier picture.")
@options_from(CompareOptions, "spec")
@options_from(DatasetOptions, "options", but=["label_sep", "pair_column"])
@common_options
def compare_command(
    tokenizers: tuple[str, ...],
    on: str,
    plot: str | None,
    force: bool,
    json_wanted: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Fertility, bytes per token, continued and unknown words, truncation: overall and per class.

    A difference between tokenizers is marked where a paired test says it is no chance. Fewer tokens are
    cheaper, not better by themselves.
    """
    from tokkit.inspection.comparison.compare import compare

    picture = picture_path(plot, force)
    result = compare(tokenizers, on, progress=progress, **options)
    told = result.as_dict()
    if picture is not None:
        labels = [*told["tokenizers"], *comparison_plot.parts_of(told)]
        write_picture(
            *(picture, labels, lambda format: comparison_plot.comparison(told, result.lengths, format)),
            *(force, progress),
        )
    show("compare", told, reports.comparison, json_wanted)
