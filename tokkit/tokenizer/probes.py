"""What a text is after each block of a tokenizer: the library runs its own pipeline, and probes record it.

A copy of the tokenizer gets a probe after each of its normalizers and pre-tokenizers. A probe changes nothing
and records its input, so the record is what happens: also that added tokens are matched first, and that each
part between them is normalized by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from tokkit.corpus.cutting import Block, Pipeline, unrolled

_NO_BLOCKS: Mapping[str, Any] = dict.fromkeys(
    ("truncation", "padding", "post_processor", "decoder", "normalizer", "pre_tokenizer")
)


@dataclass(frozen=True)
class PreToken:
    """A piece of text; start, end: characters of the original text; added: whether it is an added token."""

    text: str
    start: int
    end: int
    added: bool


@dataclass(frozen=True)
class PipelineTrace:
    """What the probes recorded of one text.

    pieces         before the first pre-tokenizer: added tokens, and the normalized parts between them
    normalized     after each normalizer the parts between the added tokens that match in raw text
    pre_tokenized  after each pre-tokenizer the pieces
    encoding       output of the model, a `tokenizers.Encoding` before any post-processor
    """

    pieces: Sequence[PreToken]
    normalized: Sequence[Sequence[str]]
    pre_tokenized: Sequence[Sequence[PreToken]]
    encoding: Any

    @property
    def model_input(self) -> Sequence[PreToken]:
        """The pieces that the model gets."""
        return self.pre_tokenized[-1] if self.pre_tokenized else self.pieces


@dataclass(frozen=True)
class ProbedTokenizer:
    """A tokenizer with probes; normalizers, pre_tokenizers, post_processors: its blocks as JSON, in order."""

    normalizers: Sequence[Block]
    pre_tokenizers: Sequence[Block]
    post_processors: Sequence[Block]
    _tokenizer: Tokenizer
    _post_processing: Sequence[Tokenizer]
    _normalizer_probes: Sequence[_Probe]
    _pre_tokenizer_probes: Sequence[_Probe]

    def trace(self, text: str) -> PipelineTrace:
        """The text after each block, without special tokens."""
        for probe in (*self._normalizer_probes, *self._pre_tokenizer_probes):
            probe.record.clear()
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        pieces, *pre_tokenized = (list(probe.record) for probe in self._pre_tokenizer_probes)
        normalized = [list(probe.record) for probe in self._normalizer_probes]
        return PipelineTrace(pieces, normalized, pre_tokenized, encoding)

    def post_process(self, encoding: Any, pair: Any | None = None, *, special: bool) -> Iterator[Any]:
        """The encoding after each post-processor in turn."""
        for tokenizer in self._post_processing:
            yield tokenizer.post_process(encoding, pair, special)


@dataclass(frozen=True)
class _Probe:
    """A normalizer that records texts, and a pre-tokenizer that records pieces."""

    record: list[Any] = field(default_factory=list)

    def normalize(self, text: Any) -> None:
        self.record.append(text.normalized)

    def pre_tokenize(self, text: Any) -> None:
        # a split that has tokens already is an added token: later blocks leave it alone
        for part, (start, end), tokens in text.get_splits("original", "char"):
            self.record.append(PreToken(part, start, end, added=tokens is not None))


def add_probes(tokenizer: Tokenizer) -> ProbedTokenizer:
    """A copy of the tokenizer that records what its blocks do."""
    content = json.loads(tokenizer.to_str())
    pipeline = Pipeline.of(json.dumps(content))
    post_processors = unrolled(content["post_processor"], "processors")
    # the copy keeps the model and the added tokens, and gets its blocks back with probes between them
    copy = Tokenizer.from_str(json.dumps({**content, **_NO_BLOCKS}))
    normalizer_probes = [_Probe() for _ in pipeline.normalizers]
    if normalizer_probes:
        blocks = _build_blocks(pipeline.normalizers, "normalizer")
        probes = map(normalizers.Normalizer.custom, normalizer_probes)
        copy.normalizer = normalizers.Sequence(_alternate(blocks, probes))
    # one more probe than blocks: the first records the pieces before any pre-tokenizer
    pre_tokenizer_probes = [_Probe() for _ in (None, *pipeline.pre_tokenizers)]
    first, *others = map(pre_tokenizers.PreTokenizer.custom, pre_tokenizer_probes)
    blocks = _build_blocks(pipeline.pre_tokenizers, "pre_tokenizer")
    copy.pre_tokenizer = pre_tokenizers.Sequence([first, *_alternate(blocks, others)])
    # a post-processor has no custom blocks: one tokenizer for each beginning of the sequence
    post_processing = [
        _only(post_processor={"type": "Sequence", "processors": post_processors[:count]})
        for count in range(1, len(post_processors) + 1)
    ]
    return ProbedTokenizer(
        normalizers=pipeline.normalizers,
        pre_tokenizers=pipeline.pre_tokenizers,
        post_processors=post_processors,
        _tokenizer=copy,
        _post_processing=post_processing,
        _normalizer_probes=normalizer_probes,
        _pre_tokenizer_probes=pre_tokenizer_probes,
    )


def _only(**blocks: Any) -> Tokenizer:
    """A tokenizer of nothing but these blocks."""
    content = json.loads(Tokenizer(models.WordLevel()).to_str())
    return Tokenizer.from_str(json.dumps({**content, **blocks}))


def _build_blocks(blocks: Sequence[Block], kind: str) -> list[Any]:
    """The objects of `tokenizers` for blocks in JSON; only a whole tokenizer can be parsed."""
    return [getattr(_only(**{kind: block}), kind) for block in blocks]


def _alternate(blocks: Iterable[Any], probes: Iterable[Any]) -> list[Any]:
    return [item for pair in zip(blocks, probes, strict=True) for item in pair]
