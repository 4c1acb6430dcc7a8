"""`tokkit push`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, shared_options
from tokkit.hub.push_options import PushOptions
from tokkit.views.reports import hub as reports


@command("push", "model/ ada/moods --private --dry-run")
@click.argument("folder", metavar="DIR")
@click.argument("repo")
@click.option(
    "--dry-run", is_flag=True, help="Send nothing; list what would be sent. Needs neither network nor token."
)
@shared_options(options=PushOptions)
def push_command(show: Show, **options: Any) -> None:
    """Upload a model, a tokenizer or a data set to the hub, in one commit.

    The folder is verified first, and nothing with a pickle in it is sent. Rows of yours, and the paths in
    receipts, stay behind unless --with-rows is given. REPO is OWNER/NAME. HF_TOKEN, HF_ENDPOINT and
    HF_HUB_OFFLINE mean what they mean to the hub's own tools.
    """
    from tokkit.hub.push import push

    show(push(**options).as_dict(), reports.pushed)
