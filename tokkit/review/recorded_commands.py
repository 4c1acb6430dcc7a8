"""Commands as receipts record them: their options and sources, read back with their types.

A new command is one entry of `COMMANDS`, and where it can be repeated one of `reproduce.FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tokkit.corpus.feed import CorpusOptions, ReadingOptions
from tokkit.data.cleaning.clean_options import CleanOptions
from tokkit.data.encoding.encode_options import EncodeOptions
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.errors import InputError, UsageError
from tokkit.files import Fields
from tokkit.inspection.suggestion.suggest_options import SuggestOptions
from tokkit.model.options.export_options import ExportOptions
from tokkit.model.options.inference_options import EvaluateOptions, FeaturesOptions, PredictOptions
from tokkit.options import Options
from tokkit.review.audit_options import AuditOptions
from tokkit.review.suggest_rows_options import SuggestRowsOptions
from tokkit.tokenizer.editing.options import AddTokensOptions, TrimOptions, WrapOptions
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
    keywords    arguments of its function that settings have next to the options
    inputs      where its receipt describes what it read
    threads     whether sums, and so rounding, depend on their number
    """

    groups: tuple[type[Options], ...]
    arguments: tuple[str, ...]
    out: str
    keywords: tuple[str, ...] = ()
    inputs: str = "inputs"
    threads: bool = False


def _training(options: type[Options]) -> RecordedCommand:
    return RecordedCommand((options, CorpusOptions), ("corpus",), "out")


def _of_rows(options: type[Options], out: str) -> RecordedCommand:
    return RecordedCommand((options, DatasetOptions), ("dataset",), out)


COMMANDS: Mapping[str, RecordedCommand] = {
    "train-wordpiece": _training(WordPieceOptions),
    "train-bpe": _training(BpeOptions),
    "train-unigram": _training(UnigramOptions),
    "train-word": _training(WordOptions),
    "train-char": _training(CharOptions),
    "count": RecordedCommand((CountOptions, CorpusOptions), ("corpus",), "counts"),
    "merge-counts": RecordedCommand((), ("folders",), "counts", inputs="merged"),
    "wrap": RecordedCommand((WrapOptions, ReadingOptions), ("tokenizer",), "out"),
    "add-tokens": RecordedCommand((AddTokensOptions,), ("tokenizer",), "extended"),
    "trim": RecordedCommand((TrimOptions, ReadingOptions), ("tokenizer",), "trimmed"),
    "suggest-tokens": RecordedCommand((SuggestOptions, CorpusOptions), ("tokenizer", "corpus"), "tokens.txt"),
    "clean": _of_rows(CleanOptions, "clean"),
    "split": _of_rows(SplitOptions, "data"),
    "rebalance": _of_rows(RebalanceOptions, "balanced"),
    "encode": _of_rows(EncodeOptions, "ids"),
    "evaluate": RecordedCommand(
        (EvaluateOptions, DatasetOptions), ("models", "dataset"), "evaluation", ("split",), threads=True
    ),
    "predict": RecordedCommand(
        (PredictOptions, DatasetOptions), ("model", "texts"), "predictions.csv", ("raw",), threads=True
    ),
    "features": RecordedCommand(
        (FeaturesOptions, DatasetOptions), ("model", "dataset"), "features.parquet", threads=True
    ),
    "export": RecordedCommand((ExportOptions, DatasetOptions), ("model",), "exported", threads=True),
    "audit": _of_rows(AuditOptions, "suspects.jsonl"),
    "suggest-rows": _of_rows(SuggestRowsOptions, "rows.jsonl"),
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
