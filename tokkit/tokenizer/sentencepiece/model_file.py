"""What stands in a SentencePiece `.model`: its pieces, and how it was told to train and to normalize.

The file is one message of protocol buffers (`sentencepiece_model.proto`). It is read here field by field,
since the package that wrote it does not give the scores and types of pieces and its normalizer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import InputError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Types of pieces."""

FAMILIES = {1: "Unigram", 2: "BPE", 3: "word", 4: "character"}
"""Kinds of models, by their number in the file."""

SPACE = "▁"

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


@dataclass(frozen=True)
class Piece:
    """A piece by its text, its score (a logarithm, or minus the rank of its merge) and its type."""

    text: str
    score: float
    type: int


@dataclass(frozen=True)
class SentencePieceModel:
    """pieces                  by id
    family                     of `FAMILIES`
    byte_fallback              whether an unknown character becomes its bytes
    whitespace_as_suffix       whether spaces belong to the word before them
    charsmap                   what characters become, as `charsmap` packs it; empty where nothing changes
    dummy_prefix               whether a space is put in front of each text
    remove_extra_whitespaces   whether spaces around a text are dropped, and several become one
    escape_whitespaces         whether a space is written as `SPACE`
    """

    pieces: tuple[Piece, ...]
    family: str
    byte_fallback: bool
    whitespace_as_suffix: bool
    charsmap: bytes
    dummy_prefix: bool
    remove_extra_whitespaces: bool
    escape_whitespaces: bool

    def of_type(self, *types: int) -> list[str]:
        """The texts of the pieces of these types, by id."""
        return [piece.text for piece in self.pieces if piece.type in types]

    @property
    def unknown(self) -> int:
        """The id of the unknown token."""
        return next(i for i, piece in enumerate(self.pieces) if piece.type == UNKNOWN)


def read(path: Path) -> SentencePieceModel:
    """The model in a file; `InputError` for one that cannot be read, is cut short or is something else."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        model = _model(content)
    except (ValueError, IndexError, KeyError, TypeError, struct.error) as error:
        raise InputError(
            f"{path}: no SentencePiece model, or cut short ({error})",
            hint="copy it again; spm_train --model_prefix NAME writes one as NAME.model",
        ) from error
    _check(model, path)
    return model


def _model(content: bytes) -> SentencePieceModel:
    pieces: list[Piece] = []
    specs: dict[int, Mapping[int, Any]] = {_TRAINER: {}, _NORMALIZER: {}}
    for number, value in _fields(content):
        if number == _PIECES:
            held = dict(_fields(value))
            pieces.append(Piece(held[1].decode("utf-8"), _float(held.get(2)), held.get(3, NORMAL)))
        elif number in specs:
            specs[number] = {**specs[number], **dict(_fields(value))}
    if not pieces or not specs[_NORMALIZER]:
        raise ValueError("it holds no pieces, or says nothing of normalization")
    trainer, normalizer = specs[_TRAINER], specs[_NORMALIZER]
    return SentencePieceModel(
        pieces=tuple(pieces),
        family=FAMILIES[trainer.get(3, 1)],
        byte_fallback=bool(trainer.get(35, False)),
        whitespace_as_suffix=bool(trainer.get(24, False)),
        charsmap=bytes(normalizer.get(2, b"")),
        dummy_prefix=bool(normalizer.get(3, True)),
        remove_extra_whitespaces=bool(normalizer.get(4, True)),
        escape_whitespaces=bool(normalizer.get(5, True)),
    )


def _fields(content: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field: an integer, or the bytes it holds. https://protobuf.dev/programming-guides/encoding"""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _varint(content, place)
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            length = 4 if kind == _FOUR_BYTES else 8
        else:
            raise ValueError(f"byte {place} begins no field")
        if place + length > len(content):
            raise ValueError(f"a field of {length} bytes begins at byte {place} of {len(content)}")
        yield number, content[place : place + length]
        place += length


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and the place behind it."""
    number = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError(f"no number ends at byte {place}")


def _float(value: bytes | None) -> float:
    return struct.unpack("<f", value)[0] if value is not None else 0.0


def _check(model: SentencePieceModel, path: Path) -> None:
    """Raises `InputError` for what no tokenizer of the `tokenizers` package does."""
    texts = [piece.text for piece in model.pieces]
    if len(model.of_type(UNKNOWN)) != 1:
        raise InputError(f"{path}: has {len(model.of_type(UNKNOWN))} unknown pieces, where one is expected")
    if len(set(texts)) < len(texts):
        doubled = next(text for i, text in enumerate(texts) if text in texts[:i])
        raise InputError(f'{path}: the piece "{doubled}" stands in it twice')
    unfit = {
        f"it is a {model.family} model": model.family not in ("Unigram", "BPE"),
        "spaces belong to the word before them (treat_whitespace_as_suffix)": model.whitespace_as_suffix,
        "spaces are not written as ▁ (escape_whitespaces)": not model.escape_whitespaces,
        "it has pieces that are switched off (type UNUSED)": bool(model.of_type(UNUSED)),
    }
    for reason in (reason for reason, found in unfit.items() if found):
        raise InputError(
            f"{path}: {reason}, which no tokenizer.json can do to the same ids",
            hint="Unigram and BPE models can be wrapped: spm_train --model_type unigram",
        )
