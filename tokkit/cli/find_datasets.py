"""`tokkit find-datasets`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, shared_options
from tokkit.hub.find_options import FindOptions
from tokkit.views.reports import hub as reports


@command("find-datasets", "emotion --language ko")
@click.argument("query", required=False)
@shared_options(options=FindOptions)
def find_datasets_command(show: Show, **options: Any) -> None:
    """Search data sets of the hub; without a QUERY, list the most used.

    Every command that takes a DATASET reads one as hub:OWNER/NAME, or of one revision as
    hub:OWNER/NAME@REVISION.
    """
    from tokkit.hub.find import find_datasets

    show(find_datasets(**options).as_dict(), reports.found_datasets)
