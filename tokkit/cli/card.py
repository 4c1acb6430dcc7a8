"""`tokkit card`."""

from __future__ import annotations

import click

from tokkit.cli.options import Show, command, shared_options
from tokkit.errors import EXIT_FINDINGS
from tokkit.hub.card_options import CardOptions
from tokkit.progress import Progress
from tokkit.views.reports import hub as reports


@command("card", "model/ --license mit --language en")
@click.argument("folder", metavar="DIR")
@click.option("--check", is_flag=True, help="Write nothing; compare the card with the receipts.")
@click.option("--force", is_flag=True, help="Replace a card that tokkit did not write.")
@shared_options(options=CardOptions)
def card_command(
    folder: str, check: bool, force: bool, options: CardOptions, show: Show, progress: Progress
) -> int:
    """Write the card of a model, a tokenizer or a data set from its receipts.

    README.md says what it is, from which data, how it was trained, how well it does, with intervals and a
    baseline, and its limits; its metadata is what the hub reads. Sections of your own stay.
    """
    if check:
        from tokkit.hub.card_check import check_card

        checked = check_card(folder, progress=progress)
        show(checked.as_dict(), reports.card_check)
        return EXIT_FINDINGS if checked.has_errors else 0
    from tokkit.hub.card import card

    show(card(folder, options, force=force, progress=progress).as_dict(), reports.card)
    return 0
