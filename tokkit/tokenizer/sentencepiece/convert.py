"""A tokenizer of the `tokenizers` package that gives the ids a SentencePiece model gives.

Texts are normalized and cut as a whole there, and so they are here: nothing but tokens with a role is cut out
of a text beforehand. What is asked of the two families so that they agree:

    Unigram   a user-defined piece gets the score SentencePiece gives it while it cuts (`unigram_model.cc`)
    BPE       merges are rebuilt: every way to put a piece together out of two others, pieces by their scores;
              a user-defined piece is split off before anything is merged (`bpe_model.cc`)

Where they differ, and nothing can be done: a text that spells a token with a role (``<s>``), or, with a
Unigram byte fallback, a byte's token (``<0x41>``); BPE where two ways to build the same piece overlap, in the
order they are tried; Unigram where two cuts are as good to six digits, in which SentencePiece counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.tokenizer.sentencepiece.model_file import (
    BYTE,
    CONTROL,
    NORMAL,
    SPACE,
    UNKNOWN,
    USER_DEFINED,
    SentencePieceModel,
)
from tokkit.tokenizer.sentencepiece.normalizer import normalizer_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODEL, FAIRSEQ = "model", "fairseq"

_FAIRSEQ_FIRST = ("<s>", "<pad>", "</s>", "<unk>")
_FAIRSEQ_LAST = "<mask>"


@dataclass(frozen=True)
class Layout:
    """How ids are numbered: the pieces by id, and the id of each of the model's own ids.

    pieces   the tokens by their new ids, with their scores
    unknown  the id of the unknown token
    id_of    the model's id -> the id here
    """

    pieces: Sequence[tuple[str, float]]
    unknown: int
    id_of: Callable[[int], int]


def layout_of(model: SentencePieceModel, name: str) -> Layout:
    """The numbering of that name: the model's own, or that of fairseq's models (XLM-R).

    fairseq puts ``<s> <pad> </s> <unk>`` first, every piece but the model's first three one later, and
    ``<mask>`` last. Raises `ValueError` for a model that does not begin with three special pieces.
    """
    scored = [(piece.text, score) for piece, score in zip(model.pieces, _scores(model), strict=True)]
    if name == MODEL:
        return Layout(scored, model.unknown, lambda id_: id_)
    own = [piece.text for piece in model.pieces[:3]]
    if sorted(own) != ["</s>", "<s>", "<unk>"]:
        raise ValueError(f"its first three pieces are not <unk>, <s> and </s>, but {', '.join(own)}")
    twice = [piece.text for piece in model.pieces[3:] if piece.text in (*_FAIRSEQ_FIRST, _FAIRSEQ_LAST)]
    if twice:
        raise ValueError(f'"{twice[0]}" is a piece of the model already')
    pieces = [(token, 0.0) for token in _FAIRSEQ_FIRST] + scored[3:] + [(_FAIRSEQ_LAST, 0.0)]
    unknown = _FAIRSEQ_FIRST.index("<unk>")
    return Layout(pieces, unknown, lambda id_: unknown if id_ == model.unknown else id_ + 1)


def tokenizer_of(model: SentencePieceModel, layout: Layout) -> Tokenizer:
    """The tokenizer; its control pieces and the unknown one are special tokens."""
    from tokenizers import AddedToken, Tokenizer

    family = _unigram if model.family == "Unigram" else _bpe
    tokenizer = Tokenizer(family(model, layout))
    tokenizer.normalizer = normalizer_of(model)
    tokenizer.pre_tokenizer = _pre_tokenizer(model)
    tokenizer.decoder = _decoder(model)
    own = {*model.of_type(UNKNOWN, CONTROL)}
    if layout.unknown != model.unknown or layout.id_of(model.unknown) != model.unknown:
        own |= {*_FAIRSEQ_FIRST, _FAIRSEQ_LAST}
    special = [token for token, _ in layout.pieces if token in own]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def _scores(model: SentencePieceModel) -> list[float]:
    """Of each piece, while a text is cut."""
    best = max((piece.score for piece in model.pieces if piece.type == NORMAL), default=0.0)
    return [
        len(piece.text.encode("utf-8")) * best - 0.1 if piece.type == USER_DEFINED else piece.score
        for piece in model.pieces
    ]


def _unigram(model: SentencePieceModel, layout: Layout) -> Any:
    from tokenizers.models import Unigram

    return Unigram(list(layout.pieces), layout.unknown, byte_fallback=model.byte_fallback)


def _bpe(model: SentencePieceModel, layout: Layout) -> Any:
    from tokenizers.models import BPE

    vocabulary = {text: id_ for id_, (text, _) in enumerate(layout.pieces)}
    return BPE(
        vocab=vocabulary,
        merges=merges_of(model),
        unk_token=layout.pieces[layout.unknown][0],
        fuse_unk=True,
        byte_fallback=model.byte_fallback,
        ignore_merges=bool(model.of_type(USER_DEFINED)),
    )


def merges_of(model: SentencePieceModel) -> list[tuple[str, str]]:
    """Every pair of pieces that makes a third, the best score first; of one piece, the longest left part.

    SentencePiece takes of equal pairs the leftmost in the text. Runs of one character (``ㅋㅋㅋㅋㅋ``) are
    paired from the left, so that the longer part stands left.
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
    """User-defined pieces by themselves (BPE), and words, where no piece reaches across two."""
    from tokenizers import Regex, pre_tokenizers

    steps: list[Any] = []
    defined = sorted(model.of_type(USER_DEFINED), key=lambda text: (-len(text), text))
    if defined and model.family == "BPE":
        steps.append(pre_tokenizers.Split(Regex("|".join(map(_escaped, defined))), "isolated"))
    within_words = all(SPACE not in piece.text[1:] for piece in model.pieces)
    if within_words and SPACE in model.of_type(NORMAL):
        steps.append(pre_tokenizers.Split(SPACE, "merged_with_next"))
    return pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0] if steps else None


def _escaped(text: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)


def _decoder(model: SentencePieceModel) -> Any:
    from tokenizers import decoders

    steps: list[Any] = [decoders.Replace(SPACE, " ")]
    if model.of_type(BYTE):
        steps.append(decoders.ByteFallback())
    steps.append(decoders.Fuse())
    if model.dummy_prefix:
        steps.append(decoders.Strip(" ", 1, 0))
    return decoders.Sequence(steps)


def unreachable(tokenizer: Tokenizer, model: SentencePieceModel) -> list[str]:
    """Pieces of a BPE model that its merges do not give, where pieces are looked up whole before merging.

    With user-defined pieces whole words are looked up first: right only where merging gives the same.
    """
    if model.family != "BPE" or not model.of_type(USER_DEFINED):
        return []
    merging = tokenizer.model
    merging.ignore_merges = False
    try:
        found = {text: [token.value for token in merging.tokenize(text)] for text in model.of_type(NORMAL)}
    finally:
        merging.ignore_merges = True
    return [text for text, tokens in found.items() if tokens != [text]]
