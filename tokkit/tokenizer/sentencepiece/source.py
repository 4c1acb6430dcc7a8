"""A `.model` as a tokenizer, beside the SentencePiece package's own encoder, which it must equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, UsageError
from tokkit.tokenizer.blocks.charsmap import is_charsmap
from tokkit.tokenizer.folder.tokenizer_folder import guarded
from tokkit.tokenizer.sentencepiece.charsmap import rules
from tokkit.tokenizer.sentencepiece.convert import Layout, layout_of, tokenizer_of, unreachable
from tokkit.tokenizer.sentencepiece.model_file import read

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Converted:
    """backend   the tokenizer of the `tokenizers` package
    unknown      its unknown token
    layout       how the model's ids are numbered in it
    encoder      the SentencePiece package's own
    """

    backend: Tokenizer
    unknown: str
    layout: Layout
    encoder: Any

    def expected(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids that SentencePiece gives texts, numbered as the layout does, with nothing around them."""
        return [[self.layout.id_of(id_) for id_ in ids] for ids in self.encoder.encode(list(texts))]


def convert(path: Path, layout: str) -> Converted:
    """The tokenizer of a `.model`; nothing is proven yet.

    Raises `InputError` for a file that is no such model or one that cannot be converted, `UsageError` where
    the package `sentencepiece` is missing, or the layout does not fit the model.
    """
    model = read(path)
    if model.charsmap and not _is_sound(model.charsmap):
        raise InputError(f"{path}: its character map is broken", hint="copy the model again")
    encoder = _encoder(path)
    try:
        numbered = layout_of(model, layout)
    except ValueError as error:
        raise UsageError(f"--layout {layout}: {path}: {error}", hint="leave --layout out") from error
    with guarded(f"{path}: cannot be converted"):
        backend = tokenizer_of(model, numbered)
        lost = unreachable(backend, model)
    if lost:
        raise InputError(
            f'{path}: beside user-defined pieces it has {len(lost)} that no merges give ("{lost[0]}"), '
            "which no tokenizer.json can do to the same ids",
            hint="train it again without --user_defined_symbols, or as a Unigram model",
        )
    return Converted(backend, numbered.pieces[numbered.unknown][0], numbered, encoder)


def _is_sound(charsmap: bytes) -> bool:
    try:
        return is_charsmap(charsmap) and bool(rules(charsmap))
    except (ValueError, IndexError):
        return False


def _encoder(path: Path) -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise UsageError(
            f"{path}: the package sentencepiece, which ids are proven against, is not installed",
            hint="pip install sentencepiece",
        ) from error
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
    except (RuntimeError, OSError, ValueError) as error:
        raise InputError(f"{path}: SentencePiece does not load it: {error}") from error
