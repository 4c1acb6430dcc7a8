"""`tokkit export`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.model.options.export_options import ExportOptions
from tokkit.views.reports import exports as reports


@command("export", "model/ -o exported/ --int8 dynamic")
@click.argument("model")
@output_option(None, "Folder to write.", required=True)
@click.option(
    "--on",
    metavar="DATASET",
    help="Labeled rows to check the exported model on.  [default: those held out in training]",
)
@shared_options(options=ExportOptions, read_options=DatasetOptions, threads=True)
def export_command(show: Show, **options: Any) -> None:
    """Write a classifier as a folder that predicts without torch: ONNX, or OpenVINO.

    predict and evaluate take the folder as they take MODEL. Before it is written, it is compared with MODEL
    on labeled rows.
    """
    from tokkit.model.requests.checks import check_export

    check_export(*(options[name] for name in ("model", "out", "on", "options", "force")))

    from tokkit.model.export.export import export

    show(export(**options).as_dict(), reports.exported)
