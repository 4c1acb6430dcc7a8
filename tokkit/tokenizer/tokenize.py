"""`tokenize`: each stage of a tokenizer on a text, and its tokens, ids, offsets and unknown tokens.

"Hello wrld"  normalizer bert      hello wrld
              pre-tokenizer bert   hello|wrld
              model WordPiece      hello|w|##r|##ld
              post-processor bert  [CLS]|hello|w|##r|##ld|[SEP]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import UsageError, counted
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.blocks.catalogue import name_of
from tokkit.tokenizer.folder.load import LoadedTokenizer, load, read_json
from tokkit.tokenizer.probes import PipelineTrace, PreToken, ProbedTokenizer, add_probes

# Characters of a text that a message quotes.
_MAX_QUOTED = 60


@dataclass(frozen=True)
class PipelineStage:
    """A text after one stage.

    stage    ``added_tokens`` (those matched before all else), ``normalizer``, ``pre_tokenizer``, ``model`` or
             ``post_processor``
    block    the block's name in the registry, or the model's type; empty for ``added_tokens``
    of       ``text`` or ``pair``, or ``both`` after a post-processor
    pieces   parts of the text, or tokens
    offsets  (start, end) of each piece in characters of the original text, end exclusive; None after a
             normalizer
    """

    stage: str
    block: str
    of: str
    pieces: Sequence[str]
    offsets: Sequence[tuple[int, int]] | None = None


@dataclass(frozen=True)
class TokenizedText:
    """One text, or a text and its pair, as tokens.

    offsets    (start, end) of each token in characters of the original text (or pair), end exclusive
    unknown    positions of tokens that are the unknown token
    special    positions of tokens that the post-processor adds
    words      of each token the index of its piece after the last pre-tokenizer; None for special ones
    sequences  of each token 0 in the text, 1 in its pair; None for special ones
    type_ids   of each token its segment
    lost       pieces of the last pre-tokenizer of which the model drops a part, having no unknown token
    decoded    the ids decoded, special tokens skipped
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
    stages: Sequence[PipelineStage]


@dataclass(frozen=True)
class TokenizeResult:
    """The texts as tokens; tokenizer: where it is."""

    tokenizer: str
    texts: Sequence[TokenizedText]

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
    """Return what a tokenizer (a folder, a `tokenizer.json` or a name on the hub) does to texts.

    pair     a second text for each
    special  whether to add special tokens

    Truncation, padding and dropout that the tokenizer's file sets are not applied, and reported.
    Raises `UsageError` for a text that is not Unicode, `InputError` for what is not a tokenizer, and where it
    fails.
    """
    inputs = [texts] if isinstance(texts, str) else list(texts)
    for text in inputs if pair is None else [*inputs, pair]:
        _check_unicode(text)
    loaded = load(tokenizer, progress)
    # before the probes copy the tokenizer: the copy must be without dropout too
    _disable_settings(loaded, progress)
    tracer = _Tracer(loaded, add_probes(loaded.backend), *_model_of(loaded), special=special)
    results = []
    with stage(progress, "tokenizing", len(inputs), "texts"):
        for text in inputs:
            stop_if_cancelled(progress)
            with guarded(
                f"{loaded.folder}: the tokenizer fails on {_shorten(text)!r}",
                hint="it may lack an unknown token; train one on such text",
            ):
                results.append(tracer.tokenize(text, pair))
            progress.advance(1)
    return TokenizeResult(str(tokenizer), results)


def _check_unicode(text: str) -> None:
    # bytes of a command line that are not UTF-8 arrive as lone surrogates
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(
            f"{_shorten(text)!r} is not UTF-8", hint="put it into a file that is, and pipe it in"
        )


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else text[: _MAX_QUOTED - 1] + "…"


def _disable_settings(loaded: LoadedTokenizer, progress: Progress) -> None:
    """Report the settings of the tokenizer's file that are not applied; `load` drops all but dropout."""
    content = read_json(loaded.file) if loaded.file.is_file() else {}
    if truncation := content.get("truncation"):
        limit = truncation.get("max_length")
        progress.say(f"{loaded.file}: sets truncation at {counted(limit, 'token')}; not applied here")
    if content.get("padding"):
        progress.say(f"{loaded.file}: sets padding; not applied here")
    if dropout := getattr(loaded.backend.model, "dropout", None):
        loaded.backend.model.dropout = None
        progress.say(f"{loaded.file}: skips merges at random (dropout {dropout:.2g}); not applied here")


def _model_of(loaded: LoadedTokenizer) -> tuple[str, int | None]:
    """Type of the model, ``WordPiece``, ..., and id of its unknown token, None where it has none."""
    model = json.loads(loaded.backend.to_str())["model"]
    unknown = model.get("unk_id")
    return model["type"], loaded.id_of("unk") if unknown is None else unknown


@dataclass(frozen=True)
class _Tracer:
    """What all texts share; unknown: id of the unknown token."""

    loaded: LoadedTokenizer
    probed: ProbedTokenizer
    model_type: str
    unknown: int | None
    special: bool

    def tokenize(self, text: str, pair: str | None) -> TokenizedText:
        backend = self.loaded.backend
        encoding = backend.encode(text, pair, add_special_tokens=self.special)
        texts = {"text": text} if pair is None else {"text": text, "pair": pair}
        traces = {of: self.probed.trace(content) for of, content in texts.items()}
        stages = [item for of, trace in traces.items() for item in self._stages(of, trace)]
        encodings = [trace.encoding for trace in traces.values()]
        processed = self.probed.post_process(*encodings, special=self.special)
        for block, after in zip(self.probed.post_processors, processed, strict=True):
            name = name_of("post_processor", block)
            stages.append(PipelineStage("post_processor", name, "both", after.tokens, after.offsets))
        pieces = [piece for trace in traces.values() for piece in trace.model_input]
        return TokenizedText(
            text=text,
            pair=pair,
            tokens=encoding.tokens,
            ids=encoding.ids,
            offsets=encoding.offsets,
            unknown=[position for position, id_ in enumerate(encoding.ids) if id_ == self.unknown],
            special=[position for position, flag in enumerate(encoding.special_tokens_mask) if flag],
            words=encoding.word_ids,
            sequences=encoding.sequence_ids,
            type_ids=encoding.type_ids,
            lost=[piece.text for piece in pieces if self._loses_text(piece)],
            decoded=backend.decode(encoding.ids, skip_special_tokens=True),
            stages=stages,
        )

    def _stages(self, of: str, trace: PipelineTrace) -> Iterator[PipelineStage]:
        if added := [piece for piece in trace.pieces if piece.added]:
            yield _stage("added_tokens", "", of, added)
        for block, texts in zip(self.probed.normalizers, trace.normalized, strict=True):
            yield PipelineStage("normalizer", name_of("normalizer", block), of, texts)
        for block, pieces in zip(self.probed.pre_tokenizers, trace.pre_tokenized, strict=True):
            yield _stage("pre_tokenizer", name_of("pre_tokenizer", block), of, pieces)
        yield PipelineStage("model", self.model_type, of, trace.encoding.tokens, trace.encoding.offsets)

    def _loses_text(self, piece: PreToken) -> bool:
        """Whether the model has neither a token nor an unknown token for a part of the piece."""
        # only BPE without an unknown token drops characters; offsets of its tokens are in bytes
        if piece.added or self.model_type != "BPE":
            return False
        tokens = self.loaded.backend.model.tokenize(piece.text)
        covered = {position for token in tokens for position in range(*token.offsets)}
        return len(covered) < len(piece.text.encode("utf-8"))


def _stage(stage: str, block: str, of: str, pieces: Sequence[PreToken]) -> PipelineStage:
    offsets = [(piece.start, piece.end) for piece in pieces]
    return PipelineStage(stage, block, of, [piece.text for piece in pieces], offsets)
