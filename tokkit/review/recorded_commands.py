"""Commands as receipts record them: their options and sources, read back with their types.

A new command is one entry of `COMMANDS`, and where it can be repeated one of `reproduce.FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tokkit.corpus.feed import CorpusOptions
from tokkit.data.cleaning.clean_options import CleanOptions
from tokkit.data.encoding.encode_options import EncodeOptions
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.errors import InputError, UsageError
from tokkit.files import Fields
from tokkit.options import Options
from tokkit.tokenizer.training.trainer_options import (
    BpeOptions,
    CharOptions,
    CountOptions,
    UnigramOptions,
    WordOptions,
    WordPieceOptions,
)
from tokkit.views.cards.commands import command_line


@dataclass(frozen=True)
class RecordedCommand:
    """groups      groups of its options
    arguments   those of its sources that are no flags
    out         what its output is called in a command
    """

    groups: tuple[type[Options], ...]
    arguments: tuple[str, ...]
    out: str


def _training(options: type[Options]) -> RecordedCommand:
    return RecordedCommand((options, CorpusOptions), ("corpus",), "out")


COMMANDS: Mapping[str, RecordedCommand] = {
    "train-wordpiece": _training(WordPieceOptions),
    "train-bpe": _training(BpeOptions),
    "train-unigram": _training(UnigramOptions),
    "train-word": _training(WordOptions),
    "train-char": _training(CharOptions),
    "count": RecordedCommand((CountOptions, CorpusOptions), ("corpus",), "counts"),
    "clean": RecordedCommand((CleanOptions, DatasetOptions), ("dataset",), "clean"),
    "split": RecordedCommand((SplitOptions, DatasetOptions), ("dataset",), "data"),
    "rebalance": RecordedCommand((RebalanceOptions, DatasetOptions), ("dataset",), "balanced"),
    "encode": RecordedCommand((EncodeOptions, DatasetOptions), ("dataset",), "ids"),
}


def recorded_options(receipt: Fields, command: RecordedCommand) -> list[Options]:
    """The options of a receipt by group; raises `InputError` for a value that an option does not take."""
    settings = receipt.fields("result").fields("settings").content
    options = []
    for group in command.groups:
        known = {item.name for item in fields(group)}
        try:
            options.append(group(**{name: value for name, value in settings.items() if name in known}))
        except UsageError as error:
            raise InputError(f"{receipt.path}: {error.message}", receipt.hint) from error
    return options


def typed_command(receipt: Fields) -> str | None:
    """The command that writes it again, with names of files; None for another command or an old receipt."""
    name = receipt.text("command")
    sources = receipt.fields("result").fields("sources", default=None)
    if name not in COMMANDS or sources is None:
        return None
    command = COMMANDS[name]
    # An option that is a source as well has its name there, and would be typed twice.
    options: Sequence[Options] = recorded_options(receipt, command)
    named: dict[str, Any] = {key: value for key, value in sources.content.items() if not _has(options, key)}
    return command_line(name, named, command.arguments, options, command.out)


def _has(options: Sequence[Options], name: str) -> bool:
    return any(name in {item.name for item in fields(group)} for group in options)
