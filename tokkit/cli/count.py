"""`tokkit count`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.corpus.feed import CorpusOptions
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.tokenizer.training.trainer_options import CountOptions
from tokkit.views.reports import training as reports


@command("count", "'texts/*.txt' -o counts/ --recipe gpt2")
@click.argument("corpus", nargs=-1, required=True)
@output_option("counts/", "Folder to write.")
@shared_options(options=CountOptions, read_options=CorpusOptions, engine_options=EngineOptions, threads=True)
def count_command(show: Show, **options: Any) -> None:
    """Count the distinct pieces of text files, folders, globs, addresses or - (standard input).

    After a kill or an interrupt, the same command resumes.
    """
    from tokkit.tokenizer.training.count import count

    show(count(**options).as_dict(), reports.counts)
