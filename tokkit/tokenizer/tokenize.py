"""`tokenize`: what each stage of a tokenizer does to a text, its tokens, ids, offsets and unknown ones.

"Hello wrld"  normalizer bert      hello wrld
              pre-tokenizer bert   hello|wrld
              model WordPiece      hello|w|##r|##ld
              post-processor bert  [CLS]|hello|w|##r|##ld|[SEP]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.blocks.catalogue import name_of
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.load import LoadedTokenizer, load, read_json

if TYPE_CHECKING:
    from tokkit.tokenizer.probes import Piece, Probed, Seen


@dataclass(frozen=True)
class StageShown:
    """A text after one stage.

    stage    ``added_tokens`` (those cut out before all else), ``normalizer``, ``pre_tokenizer``, ``model`` or
             ``post_processor``
    block    the block's name in the registry, or the model's type; empty for ``added_tokens``
    of       ``text`` or ``pair``, or ``both`` after a post-processor
    pieces   parts of the text, or tokens
    offsets  of each its first character of the original text and the one after its last; after a normalizer
             None
    """

    stage: str
    block: str
    of: str
    pieces: Sequence[str]
    offsets: Sequence[tuple[int, int]] | None = None


@dataclass(frozen=True)
class TextShown:
    """One text, or a text and its pair, as tokens.

    offsets  of each token its first character of the original text (or pair) and the one after its last
    unknown  positions of tokens that are the unknown token
    special  positions of tokens that the post-processor puts in
    words    of each token which piece of the last pre-tokenizer it is of; None for special ones
    sequences  of each token 0 in the text, 1 in its pair; None for special ones
    type_ids of each token its segment
    lost     pieces of the last pre-tokenizer of which the model drops something, for want of an unknown token
    decoded  what the decoder makes of the ids, special tokens left out
    """

    text: str
    pair: str | None
    tokens: Sequence[str]
    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]
    unknown: Sequence[int]
    special: Sequence[int]
    words: Sequence[int | None]
    sequences: Sequence[int | None]
    type_ids: Sequence[int]
    lost: Sequence[str]
    decoded: str
    stages: Sequence[StageShown]


@dataclass(frozen=True)
class TokenizeResult:
    """tokenizer: where it lies"""

    tokenizer: str
    texts: Sequence[TextShown]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def tokenize(
    tokenizer: str | Path,
    texts: str | Sequence[str],
    *,
    pair: str | None = None,
    special: bool = True,
    progress: Progress = SILENT,
) -> TokenizeResult:
    """Shows what a tokenizer (a folder, a `tokenizer.json` or a name on the hub) does to texts.

    pair     a second text, put beside each
    special  whether special tokens are put around

    Nothing is cut off, padded or left to chance; where the tokenizer's file asks for that, it is said.
    Raises `UsageError` for what is no text, `InputError` for what is no tokenizer, and where it fails.
    """
    from tokkit.tokenizer.probes import probed

    given = [texts] if isinstance(texts, str) else list(texts)
    for text in given if pair is None else [*given, pair]:
        _check(text)
    loaded = load(tokenizer, progress)
    _leave_out(loaded, progress)
    probes = probed(loaded.backend)
    shower = _Shower(loaded, probes, _model(loaded), special)
    shown = []
    with stage(progress, "tokenizing", len(given), "texts"):
        for text in given:
            stop_if_cancelled(progress)
            with tokenizer_folder.guarded(
                f"{loaded.folder}: the tokenizer fails on {_shortened(text)!r}",
                hint="it may lack an unknown token; train one on such text: tokkit train-wordpiece",
            ):
                shown.append(shower.show(text, pair))
            progress.advance(1)
    return TokenizeResult(str(tokenizer), shown)


def _check(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(
            f"{_shortened(text)!r} is not UTF-8", hint="put it into a file that is, and pipe it in"
        )


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _leave_out(loaded: LoadedTokenizer, progress: Progress) -> None:
    """Says what the tokenizer's file asks for that is not done to the texts."""
    content = read_json(loaded.file) if loaded.file.is_file() else {}
    if truncation := content.get("truncation"):
        limit = truncation.get("max_length")
        progress.say(f"{loaded.file}: it asks to cut texts at {limit} tokens; here they are shown whole")
    if content.get("padding"):
        progress.say(f"{loaded.file}: it asks to pad texts; here they are shown without padding")
    if dropout := getattr(loaded.backend.model, "dropout", None):
        loaded.backend.model.dropout = None
        progress.say(
            f"{loaded.file}: it leaves out merges at random (dropout {dropout:.2g}); here it does not"
        )


@dataclass(frozen=True)
class _Model:
    """type: ``WordPiece``, ...; unknown: the id of its unknown token, if it has one"""

    type: str
    unknown: int | None


def _model(loaded: LoadedTokenizer) -> _Model:
    content: Mapping[str, Any] = json.loads(loaded.backend.to_str())["model"]
    unknown = content.get("unk_id")
    return _Model(content["type"], loaded.id_of("unk") if unknown is None else unknown)


@dataclass(frozen=True)
class _Shower:
    """What all texts share."""

    loaded: LoadedTokenizer
    probes: Probed
    model: _Model
    special: bool

    def show(self, text: str, pair: str | None) -> TextShown:
        backend = self.loaded.backend
        encoding = backend.encode(text, pair, add_special_tokens=self.special)
        seen = [(of, self.probes.see(t)) for of, t in (("text", text), ("pair", pair)) if t is not None]
        stages = [shown for of, each in seen for shown in self._stages(of, each)]
        encodings = [each.encoding for _, each in seen]
        framed = self.probes.framed(encodings[0], encodings[1] if pair is not None else None, self.special)
        for block, after in zip(self.probes.post_processors, framed, strict=True):
            name = name_of("post_processor", block)
            stages.append(StageShown("post_processor", name, "both", after.tokens, after.offsets))
        return TextShown(
            text=text,
            pair=pair,
            tokens=encoding.tokens,
            ids=encoding.ids,
            offsets=encoding.offsets,
            unknown=[place for place, id in enumerate(encoding.ids) if id == self.model.unknown],
            special=[place for place, flag in enumerate(encoding.special_tokens_mask) if flag],
            words=encoding.word_ids,
            sequences=encoding.sequence_ids,
            type_ids=encoding.type_ids,
            lost=[piece.text for _, each in seen for piece in _last(each) if self._drops(piece)],
            decoded=backend.decode(encoding.ids, skip_special_tokens=True),
            stages=stages,
        )

    def _stages(self, of: str, seen: Seen) -> Iterator[StageShown]:
        if added := [piece for piece in seen.pieces if piece.added]:
            yield _split("added_tokens", "", of, added)
        for block, texts in zip(self.probes.normalizers, seen.normalized, strict=True):
            yield StageShown("normalizer", name_of("normalizer", block), of, texts)
        for block, pieces in zip(self.probes.pre_tokenizers, seen.pre_tokenized, strict=True):
            yield _split("pre_tokenizer", name_of("pre_tokenizer", block), of, pieces)
        yield StageShown("model", self.model.type, of, seen.encoding.tokens, seen.encoding.offsets)

    def _drops(self, piece: Piece) -> bool:
        """Whether the model has no token for a part of the piece, and no unknown token to say so."""
        if piece.added or self.model.type != "BPE":
            return False
        covered = {
            place
            for token in self.loaded.backend.model.tokenize(piece.text)
            for place in range(*token.offsets)
        }
        return len(covered) < len(piece.text.encode("utf-8"))


def _split(stage: str, block: str, of: str, pieces: Sequence[Piece]) -> StageShown:
    offsets = [(piece.start, piece.end) for piece in pieces]
    return StageShown(stage, block, of, [piece.text for piece in pieces], offsets)


def _last(seen: Seen) -> Sequence[Piece]:
    """The pieces that the model is given."""
    return seen.pre_tokenized[-1] if seen.pre_tokenized else seen.pieces
