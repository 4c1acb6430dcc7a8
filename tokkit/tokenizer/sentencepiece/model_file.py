"""Read a SentencePiece `.model`: its pieces, and the trainer and normalizer settings that change ids.

The file is one message of protocol buffers (`sentencepiece_model.proto`). It is parsed here field by field,
because the package `sentencepiece` does not expose the types of pieces and the normalizer.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import InputError
from tokkit.runtime.panics import reason_of

# Types of pieces (`ModelProto.SentencePiece.Type`), and kinds of models (`TrainerSpec.ModelType`).
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
FAMILIES = {1: "Unigram", 2: "BPE", 3: "word", 4: "character"}

SPACE = "▁"

# Field numbers of `ModelProto`, and wire types of protocol buffers.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


@dataclass(frozen=True)
class SentencePiece:
    """A piece: its text, its score (a log probability, or minus the rank of its merge) and its type."""

    text: str
    score: float
    type: int


@dataclass(frozen=True)
class SentencePieceModel:
    """The content of a `.model` file.

    pieces                    by id
    family                    one of `FAMILIES`
    byte_fallback             whether an unknown character becomes its bytes
    whitespace_as_suffix      whether a space belongs to the word before it
    charsmap                  the normalization rules (see `blocks.charsmap`); empty where there are none
    dummy_prefix              whether a space is put before each text
    remove_extra_whitespaces  whether spaces around a text are removed, and several become one
    escape_whitespaces        whether a space is written as `SPACE`
    """

    pieces: tuple[SentencePiece, ...]
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
        return next(id_ for id_, piece in enumerate(self.pieces) if piece.type == UNKNOWN)


def read_model(path: Path) -> SentencePieceModel:
    """The model in a file; raises `InputError` where it is unreadable, truncated or something else."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        model = _parse_model(content)
    except (ValueError, IndexError, KeyError, TypeError, struct.error) as error:
        raise InputError(
            f"{path}: not a SentencePiece model, or truncated ({reason_of(error)})",
            hint="copy it again; spm_train writes one as NAME.model",
        ) from error
    _check_convertible(model, path)
    return model


def _parse_model(content: bytes) -> SentencePieceModel:
    pieces: list[SentencePiece] = []
    settings: dict[int, Mapping[int, Any]] = {_TRAINER: {}, _NORMALIZER: {}}
    for number, value in _fields(content):
        if number == _PIECES:
            piece = dict(_fields(value))
            text, score = _bytes(piece, 1).decode("utf-8"), _float(piece.get(2))
            pieces.append(SentencePiece(text, score, _integer(piece, 3, NORMAL)))
        # a message may come in several parts; of a repeated setting the last one holds (protobuf)
        elif number in settings:
            settings[number] = {**settings[number], **dict(_fields(value))}
    if not pieces or not settings[_NORMALIZER]:
        raise ValueError("no pieces or no normalizer")
    # numbers and defaults below are those of TrainerSpec and NormalizerSpec in the .proto
    trainer, normalizer = settings[_TRAINER], settings[_NORMALIZER]
    return SentencePieceModel(
        pieces=tuple(pieces),
        family=FAMILIES[_integer(trainer, 3, 1)],
        byte_fallback=bool(_integer(trainer, 35, False)),
        whitespace_as_suffix=bool(_integer(trainer, 24, False)),
        charsmap=_bytes(normalizer, 2, b""),
        dummy_prefix=bool(_integer(normalizer, 3, True)),
        remove_extra_whitespaces=bool(_integer(normalizer, 4, True)),
        escape_whitespaces=bool(_integer(normalizer, 5, True)),
    )


def _bytes(fields: Mapping[int, Any], number: int, default: bytes | None = None) -> bytes:
    """A field of bytes; raises `ValueError` for another: of a number, `bytes` makes as many zeros."""
    value = fields.get(number, default)
    if not isinstance(value, bytes):
        raise ValueError(f"field {number} holds no bytes")
    return value


def _integer(fields: Mapping[int, Any], number: int, default: int) -> int:
    """A field of a number; raises `ValueError` for another."""
    value = fields.get(number, default)
    if not isinstance(value, int):
        raise ValueError(f"field {number} holds no number")
    return value


def _fields(content: Any) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field, the value an integer or bytes. https://protobuf.dev/programming-guides/encoding

    Raises `ValueError` for what is no message: bytes that end within a field, or a number.
    """
    if not isinstance(content, bytes):
        raise ValueError("a number where a message belongs")
    position = 0
    while position < len(content):
        key, position = _varint(content, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(content, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(content, position)
        elif wire_type in (_FOUR_BYTES, _EIGHT_BYTES):
            length = 4 if wire_type == _FOUR_BYTES else 8
        else:
            raise ValueError(f"no field begins at byte {position}")
        if position + length > len(content):
            raise ValueError(f"a field of {length} bytes begins at byte {position} of {len(content)}")
        yield number, content[position : position + length]
        position += length


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """An integer in groups of seven bits, lowest first, and the position after it."""
    number = 0
    # at most 10 bytes: 64 bits in groups of 7
    for shift in range(0, 70, 7):
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise ValueError(f"no integer ends at byte {position}")


def _float(value: bytes | None) -> float:
    return struct.unpack("<f", value)[0] if value is not None else 0.0


def _check_convertible(model: SentencePieceModel, path: Path) -> None:
    """Raise `InputError` for what no tokenizer of the `tokenizers` package does."""
    texts = [piece.text for piece in model.pieces]
    if len(model.of_type(UNKNOWN)) != 1:
        raise InputError(f"{path}: has {len(model.of_type(UNKNOWN))} unknown pieces, expected one")
    if len(set(texts)) < len(texts):
        doubled = next(text for text, count in Counter(texts).items() if count > 1)
        raise InputError(f'{path}: has the piece "{doubled}" twice')
    unsupported = (
        (
            model.family not in ("Unigram", "BPE"),
            f"it is a {model.family} model",
            "train a Unigram or BPE model",
        ),
        (
            model.whitespace_as_suffix,
            "a space belongs to the word before it (treat_whitespace_as_suffix)",
            "train it again without that option",
        ),
        (
            not model.escape_whitespaces,
            "spaces are not written as ▁ (escape_whitespaces)",
            "train it again with escape_whitespaces, the default",
        ),
        (
            bool(model.of_type(UNUSED)),
            "it has disabled pieces (type UNUSED)",
            "wrap the model as it was before its vocabulary was restricted (set_vocabulary)",
        ),
    )
    for applies, reason, hint in unsupported:
        if applies:
            raise InputError(f"{path}: {reason}, so no tokenizer.json gives the same ids", hint=hint)
