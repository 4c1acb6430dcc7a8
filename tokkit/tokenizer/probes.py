"""What a text is after each block of a tokenizer: the library runs its own pipeline, and is looked at.

A copy of the tokenizer gets a probe behind each of its normalizers and pre-tokenizers. A probe changes
nothing and writes down what it is handed, so what is shown is what happens: also how added tokens are cut
out first, and that each part between them is normalized by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tokkit.corpus.cutting import Block, Pipeline, unrolled

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Piece:
    """A piece of text; start, end: characters of the original text; added: cut out as an added token"""

    text: str
    start: int
    end: int
    added: bool


@dataclass(frozen=True)
class Seen:
    """What the probes saw of one text.

    pieces         before the first pre-tokenizer: added tokens, and the normalized parts between them
    normalized     after each normalizer the parts between added tokens that are cut out of raw text
    pre_tokenized  after each pre-tokenizer the pieces
    encoding       what the model makes of them, a `tokenizers.Encoding` before any post-processor
    """

    pieces: Sequence[Piece]
    normalized: Sequence[Sequence[str]]
    pre_tokenized: Sequence[Sequence[Piece]]
    encoding: Any


@dataclass(frozen=True)
class Probed:
    """A tokenizer with probes; normalizers, pre_tokenizers, post_processors: its blocks as JSON, in order."""

    normalizers: Sequence[Block]
    pre_tokenizers: Sequence[Block]
    post_processors: Sequence[Block]
    _tokenizer: Tokenizer
    _framing: Sequence[Tokenizer]
    _normalized: Sequence[_NormalizerProbe]
    _split: Sequence[_PreTokenizerProbe]

    def see(self, text: str) -> Seen:
        """What the text is after each block, special tokens not yet around it."""
        for normalized in self._normalized:
            normalized.seen.clear()
        for split in self._split:
            split.seen.clear()
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        first, *later = (list(probe.seen) for probe in self._split)
        return Seen(first, [list(probe.seen) for probe in self._normalized], later, encoding)

    def framed(self, encoding: Any, pair: Any | None, special: bool) -> Iterator[Any]:
        """The encoding after each post-processor in turn."""
        for tokenizer in self._framing:
            yield tokenizer.post_process(encoding, pair, special)


@dataclass(frozen=True)
class _NormalizerProbe:
    seen: list[str] = field(default_factory=list)

    def normalize(self, text: Any) -> None:
        self.seen.append(text.normalized)


@dataclass(frozen=True)
class _PreTokenizerProbe:
    seen: list[Piece] = field(default_factory=list)

    def pre_tokenize(self, text: Any) -> None:
        splits = text.get_splits("original", "char")
        for part, (start, end), tokens in splits:
            self.seen.append(Piece(part, start, end, tokens is not None))


def probed(tokenizer: Tokenizer) -> Probed:
    """A copy of the tokenizer that tells what its blocks do."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers

    content = json.loads(tokenizer.to_str())
    pipeline = Pipeline.of(json.dumps(content))
    post_processors = unrolled(content["post_processor"], "processors")
    copy = Tokenizer.from_str(json.dumps({**content, **_BARE}))
    between = [_NormalizerProbe() for _ in pipeline.normalizers]
    around = [_PreTokenizerProbe() for _ in (None, *pipeline.pre_tokenizers)]
    normalize = normalizers.Normalizer.custom
    split = pre_tokenizers.PreTokenizer.custom
    if between:
        copy.normalizer = normalizers.Sequence(
            _alternating(_built(pipeline.normalizers, "normalizer"), map(normalize, between))
        )
    copy.pre_tokenizer = pre_tokenizers.Sequence(
        [
            split(around[0]),
            *_alternating(_built(pipeline.pre_tokenizers, "pre_tokenizer"), map(split, around[1:])),
        ]
    )
    framing = [
        _bare(post_processor={"type": "Sequence", "processors": post_processors[: number + 1]})
        for number in range(len(post_processors))
    ]
    return Probed(
        pipeline.normalizers, pipeline.pre_tokenizers, post_processors, copy, framing, between, around
    )


_BARE: Mapping[str, Any] = {
    **{"truncation": None, "padding": None, "post_processor": None, "decoder": None},
    **{"normalizer": None, "pre_tokenizer": None},
}


def _bare(**blocks: Any) -> Tokenizer:
    """A tokenizer of nothing but these blocks."""
    from tokenizers import Tokenizer, models

    content = json.loads(Tokenizer(models.WordLevel()).to_str())
    return Tokenizer.from_str(json.dumps({**content, **blocks}))


def _built(blocks: Sequence[Block], kind: str) -> list[Any]:
    """The objects of the library that its JSON describes."""
    return [getattr(_bare(**{kind: block}), kind) for block in blocks]


def _alternating(blocks: Iterable[Any], probes: Iterable[Any]) -> list[Any]:
    return [each for pair in zip(blocks, probes, strict=True) for each in pair]
