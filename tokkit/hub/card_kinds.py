"""What can have a card, by the command that wrote it: how its card is built, and what the hub calls it.

A new kind is one entry of `KINDS`: the command that writes such folders -> its `CardKind`.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError
from tokkit.hub.data_folder import build_data_card
from tokkit.hub.exported_folder import build_exported_card
from tokkit.hub.faults import training_faults
from tokkit.hub.tokenizer_folder import build_tokenizer_card
from tokkit.hub.verify import verify_model, verify_tokenizer
from tokkit.model.folder.card import build_card
from tokkit.options import typed
from tokkit.progress import Progress
from tokkit.sources.formats import format_of
from tokkit.views.cards import data_card, exported_card, model_card, tokenizer_card
from tokkit.views.cards.markdown import Card

_HINT = "name a folder that finetune, train-wordpiece, clean or split wrote"


@dataclass(frozen=True)
class CardKind:
    """name        in messages: "model"
    repository  its type on the hub
    headings    of all sections that such a card may have; others are the user's own
    build       the card of a folder, from its receipts alone
    verify      raises `InputError` for a folder that is not as it was written
    faults      sentences about the data it was made from; None where these cannot be examined any more
    has_rows    whether its files are rows of the user
    """

    name: str
    repository: str
    headings: tuple[str, ...]
    build: Callable[[Path, Progress], Card]
    verify: Callable[[Path, Progress], None]
    faults: Callable[[Path, Progress], list[str] | None] | None = None
    has_rows: bool = False


MODEL = CardKind(
    "model",
    "model",
    model_card.HEADINGS,
    lambda folder, progress: build_card(folder),
    verify_model,
    faults=training_faults,
)
EXPORTED = CardKind("exported model", "model", exported_card.HEADINGS, build_exported_card, verify_model)
TOKENIZER = CardKind(
    "tokenizer",
    "model",
    tokenizer_card.HEADINGS,
    build_tokenizer_card,
    verify_tokenizer,
)
# Examining its rows for the card reads all of them.
DATA = CardKind(
    "data set", "dataset", data_card.HEADINGS, build_data_card, lambda folder, progress: None, has_rows=True
)

KINDS: Mapping[str, CardKind] = {
    "finetune": MODEL,
    "export": EXPORTED,
    **dict.fromkeys(("train-wordpiece", "train-bpe", "train-unigram", "train-word", "train-char"), TOKENIZER),
    **dict.fromkeys(("wrap", "add-tokens", "trim"), TOKENIZER),
    **dict.fromkeys(("clean", "split", "rebalance", "encode"), DATA),
}


def kind_of(folder: Path) -> CardKind:
    """The kind of a folder; raises `InputError` for a file, and for a folder that has no card."""
    if folder.is_file():
        raise InputError(
            f"{folder}: is a file, and only folders have cards and become repositories", _folder_of(folder)
        )
    command = files.receipt_fields(folder, _HINT).text("command")
    if command not in KINDS:
        raise InputError(f"{folder}: what tokkit {command} writes has no card", hint=_HINT)
    return KINDS[command]


def _folder_of(file: Path) -> str:
    """The hint for a file: the command that writes a folder of its rows, where it has rows."""
    command = None
    settings: Mapping[str, Any] = {}
    if files.receipt_path(file).exists():
        receipt = files.receipt_fields(file, _HINT)
        command, settings = receipt.text("command"), receipt.fields("result").fields("settings").content
    is_receipt = file.name.endswith(files.RECEIPT)
    if is_receipt or format_of(file) is None or KINDS.get(command or "clean") is not DATA:
        return _HINT
    columns = DatasetOptions(
        text_column=settings.get("text_column"),
        pair_column=settings.get("pair_column"),
        label_column=settings.get("label_column"),
    )
    folder = file.with_name(file.name.partition(".")[0] or "data")
    out = shlex.quote(f"{folder}/" if not folder.exists() else f"{folder}-rows/")
    split = f"tokkit split {shlex.quote(str(file))}{typed(columns)} --validation 0 --test 0 -o {out}"
    return f"write its rows into a folder:\n{split}"
