"""Convert a SentencePiece `.model` to a tokenizer of the `tokenizers` package that gives the same ids.

SentencePiece normalizes and segments a text as a whole, and so does the converted tokenizer: only tokens with
a role are matched beforehand. What makes the two model families agree:

    Unigram   a user-defined piece gets the score SentencePiece computes while segmenting (`unigram_model.cc`)
    BPE       merges are rebuilt: every way to join two pieces into a third, ordered by its score;
              a user-defined piece is split off before any merge (`bpe_model.cc`)

Known differences, without a remedy: a text that spells a token with a role (``<s>``), or, with the byte
fallback of Unigram, the token of a byte (``<0x41>``); BPE where two ways to build the same piece overlap, in
the order they are tried; Unigram where two segmentations are equally likely, most often the same pieces in
another order (``...`` ``..``). There SentencePiece decides by the rounding of its 32-bit sums, which depends
on all of the text before; `tokenizers` adds in 64 bits and takes the first one, and no score of a piece
changes that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from tokkit.errors import InputError, UsageError, counted
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.blocks.charsmap import charsmap_rules, is_charsmap
from tokkit.tokenizer.blocks.recipes import BYTE_FALLBACK_TOKENS
from tokkit.tokenizer.sentencepiece.model_file import (
    BYTE,
    CONTROL,
    NORMAL,
    SPACE,
    UNKNOWN,
    USER_DEFINED,
    SentencePieceModel,
    read_model,
)
from tokkit.tokenizer.sentencepiece.normalizer import normalizer_of

# Layouts: ids as in the `.model` file, or as fairseq's models (XLM-R) number them.
MODEL, FAIRSEQ = "model", "fairseq"

_FAIRSEQ_FIRST = ("<s>", "<pad>", "</s>", "<unk>")
_FAIRSEQ_LAST = "<mask>"


@dataclass(frozen=True)
class ConvertedModel:
    """A `.model` converted to a tokenizer.

    backend   the tokenizer of the `tokenizers` package
    unknown   its unknown token
    layout    how its ids are numbered
    encoder   SentencePiece's own `SentencePieceProcessor`, the reference
    is_unigram
    """

    backend: Tokenizer
    unknown: str
    layout: Layout
    encoder: Any
    is_unigram: bool

    def expected_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """SentencePiece's ids of texts, numbered by the layout, without special tokens."""
        return [[self.layout.new_id(id_) for id_ in ids] for ids in self.encoder.encode(list(texts))]

    def is_tie(self, ids: Sequence[int], other_ids: Sequence[int]) -> bool:
        """Whether two segmentations of a text are equally likely in the 32-bit sums of SentencePiece."""
        total, other_total = (math.fsum(map(self._scores.__getitem__, row)) for row in (ids, other_ids))
        # a sum of n terms is rounded n times, each time by at most 2**-24 of it
        most = max(len(ids), len(other_ids)) * 2**-23 * abs(total)
        return self.is_unigram and abs(total - other_total) <= most

    @cached_property
    def _scores(self) -> list[float]:
        """The score of each piece by id; of an unknown character, or its bytes, 10 below the worst."""
        unknown = min(score for _, score in self.layout.pieces) - 10
        special = {self.unknown, *BYTE_FALLBACK_TOKENS}
        return [unknown if piece in special else score for piece, score in self.layout.pieces]


@dataclass(frozen=True)
class Layout:
    """How ids are numbered.

    pieces   (token, score) by new id
    unknown  new id of the unknown token
    new_id   id in the `.model` file -> new id
    """

    pieces: Sequence[tuple[str, float]]
    unknown: int
    new_id: Callable[[int], int]


def convert(path: Path, layout: str) -> ConvertedModel:
    """Convert the `.model` at a path; whether ids agree is for the caller to verify.

    Raises `InputError` for a file that is not such a model or cannot be converted, `UsageError` where the
    package `sentencepiece` is missing or the layout does not fit the model.
    """
    model = read_model(path)
    if model.charsmap and not _is_valid_charsmap(model.charsmap):
        raise InputError(f"{path}: its character map is broken", hint="copy the model again")
    # loaded first: without it nothing can be verified, and conversion takes seconds
    encoder = _load_encoder(path)
    try:
        numbering = layout_of(model, layout)
    except ValueError as error:
        raise UsageError(f"--layout {layout}: {path}: {error}", hint="leave --layout out") from error
    with guarded(f"{path}: cannot be converted"):
        backend = build_tokenizer(model, numbering)
        unreachable = _unreachable_pieces(backend, model)
    if unreachable:
        raise InputError(
            f"{path}: has user-defined pieces, and {counted(len(unreachable), 'other piece')} that no "
            f'merges produce ("{unreachable[0]}"), so no tokenizer.json gives the same ids',
            hint="train it again without user-defined symbols, or as a Unigram model",
        )
    unknown = numbering.pieces[numbering.unknown][0]
    return ConvertedModel(backend, unknown, numbering, encoder, model.family == "Unigram")


def _is_valid_charsmap(charsmap: bytes) -> bool:
    try:
        return is_charsmap(charsmap) and bool(charsmap_rules(charsmap))
    except (ValueError, IndexError):
        return False


def _load_encoder(path: Path) -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise UsageError(
            f"{path}: the package sentencepiece is not installed; ids are verified against it",
            hint="pip install sentencepiece",
        ) from error
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
    except (RuntimeError, OSError, ValueError) as error:
        raise InputError(f"{path}: SentencePiece does not load it: {error}") from error


def layout_of(model: SentencePieceModel, name: str) -> Layout:
    """The numbering of that name: the model's own, or that of fairseq's models (XLM-R).

    fairseq puts ``<s> <pad> </s> <unk>`` first, shifts every piece after the model's first three by one, and
    adds ``<mask>`` at the end. Raises `ValueError` for a model that does not begin with three special pieces.
    """
    scored = [
        (piece.text, score) for piece, score in zip(model.pieces, _segmentation_scores(model), strict=True)
    ]
    if name == MODEL:
        return Layout(scored, model.unknown, lambda id_: id_)
    first = [piece.text for piece in model.pieces[:3]]
    if sorted(first) != ["</s>", "<s>", "<unk>"]:
        raise ValueError(f"its first three pieces are not <unk>, <s> and </s>, but {', '.join(first)}")
    twice = [piece.text for piece in model.pieces[3:] if piece.text in (*_FAIRSEQ_FIRST, _FAIRSEQ_LAST)]
    if twice:
        raise ValueError(f'"{twice[0]}" is a piece of the model already')
    pieces = [(token, 0.0) for token in _FAIRSEQ_FIRST] + scored[3:] + [(_FAIRSEQ_LAST, 0.0)]
    unknown = _FAIRSEQ_FIRST.index("<unk>")
    return Layout(pieces, unknown, lambda id_: unknown if id_ == model.unknown else id_ + 1)


def _segmentation_scores(model: SentencePieceModel) -> list[float]:
    """The score of each piece, by id, that SentencePiece uses while segmenting."""
    best = max((piece.score for piece in model.pieces if piece.type == NORMAL), default=0.0)
    # unigram_model.cc: a user-defined piece must beat every segmentation of its text, so its score is that of
    # one best piece per byte, less a constant
    return [
        len(piece.text.encode("utf-8")) * best - 0.1 if piece.type == USER_DEFINED else piece.score
        for piece in model.pieces
    ]


def build_tokenizer(model: SentencePieceModel, layout: Layout) -> Tokenizer:
    """The tokenizer of a model; its control pieces and the unknown piece are special tokens."""
    if model.family == "Unigram":
        unigram = models.Unigram(list(layout.pieces), layout.unknown, byte_fallback=model.byte_fallback)
        tokenizer = Tokenizer(unigram)
    else:
        tokenizer = Tokenizer(_bpe(model, layout))
    tokenizer.normalizer = normalizer_of(model)
    tokenizer.pre_tokenizer = _pre_tokenizer(model)
    tokenizer.decoder = _decoder(model)
    special = {*model.of_type(UNKNOWN, CONTROL)}
    if layout.unknown != model.unknown or layout.new_id(model.unknown) != model.unknown:
        special |= {*_FAIRSEQ_FIRST, _FAIRSEQ_LAST}
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token, _ in layout.pieces if token in special]
    )
    return tokenizer


def _bpe(model: SentencePieceModel, layout: Layout) -> models.BPE:
    return models.BPE(
        vocab={text: id_ for id_, (text, _) in enumerate(layout.pieces)},
        merges=merges_of(model),
        unk_token=layout.pieces[layout.unknown][0],
        # SentencePiece gives one unknown token for a run of unknown characters
        fuse_unk=True,
        byte_fallback=model.byte_fallback,
        # user-defined pieces have no merges: they are looked up whole
        ignore_merges=bool(model.of_type(USER_DEFINED)),
    )


def merges_of(model: SentencePieceModel) -> list[tuple[str, str]]:
    """Every pair of pieces that joins into a third, best score first; for one piece, the longest left part.

    Of equal pairs SentencePiece joins the leftmost in the text, so runs of one character (``ㅋㅋㅋㅋㅋ``) are
    joined from the left and the longer part is the left one.
    """
    scores = {piece.text: piece.score for piece in model.pieces if piece.type == NORMAL}
    merges = [
        (-score, -end, piece[:end], piece[end:])
        for piece, score in scores.items()
        for end in range(1, len(piece))
        if piece[:end] in scores and piece[end:] in scores
    ]
    return [(left, right) for _, _, left, right in sorted(merges)]


def _pre_tokenizer(model: SentencePieceModel) -> Any:
    """Split off user-defined pieces (BPE), and split at spaces where no piece spans two words."""
    steps: list[Any] = []
    # the regex takes the first alternative that matches, SentencePiece the longest piece: longest first
    defined = sorted(model.of_type(USER_DEFINED), key=lambda text: (-len(text), text))
    if defined and model.family == "BPE":
        steps.append(pre_tokenizers.Split(Regex("|".join(map(_escape, defined))), "isolated"))
    # no ids change by this split; the library is faster, as it caches words, not whole texts
    within_words = all(SPACE not in piece.text[1:] for piece in model.pieces)
    if within_words and SPACE in model.of_type(NORMAL):
        steps.append(pre_tokenizers.Split(SPACE, "merged_with_next"))
    return pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0] if steps else None


def _escape(text: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)


def _decoder(model: SentencePieceModel) -> decoders.Sequence:
    steps: list[Any] = [decoders.Replace(SPACE, " ")]
    if model.of_type(BYTE):
        steps.append(decoders.ByteFallback())
    steps.append(decoders.Fuse())
    if model.dummy_prefix:
        steps.append(decoders.Strip(" ", 1, 0))
    return decoders.Sequence(steps)


def _unreachable_pieces(tokenizer: Tokenizer, model: SentencePieceModel) -> list[str]:
    """Pieces that merging does not produce, of a BPE model whose words are looked up whole before merging.

    With user-defined pieces (`ignore_merges`) whole words are looked up first, which gives the same ids only
    where merging gives the same piece.
    """
    if model.family != "BPE" or not model.of_type(USER_DEFINED):
        return []
    bpe = tokenizer.model
    bpe.ignore_merges = False
    try:
        merged = {text: [token.value for token in bpe.tokenize(text)] for text in model.of_type(NORMAL)}
    finally:
        bpe.ignore_merges = True
    return [text for text, tokens in merged.items() if tokens != [text]]
