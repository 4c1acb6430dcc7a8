"""Verify a written folder: what transformers loads from it gives the ids of the tokenizer as it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer

from tokkit.corpus.feed import CorpusFile, items
from tokkit.errors import InputError
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.runtime.panics import guarded, reason_of
from tokkit.tokenizer.folder.checkpoints import load_with_transformers
from tokkit.tokenizer.folder.tokenizer_folder import CONFIG_FILE, SAMPLES, ids_if_possible

_LOADERS = ("AutoTokenizer", "PreTrainedTokenizerFast")
_BATCH = 1_000
_PAIRS = tuple(sample for sample in SAMPLES if not isinstance(sample, str))


@dataclass(frozen=True)
class Reference:
    """The tokenizer as it came: its name in messages, and its ids of texts without special tokens.

    is_tie   whether its ids of a text and others are equally likely segmentations, of which it took one
    """

    name: str
    ids: Callable[[Sequence[str]], list[list[int]]]
    is_tie: Callable[[Sequence[int], Sequence[int]], bool] = lambda _, __: False


@dataclass
class Comparison:
    """A tokenizer compared with its reference.

    texts        texts and pairs that were compared
    ties         texts whose ids differ, but are as likely to the reference
    differences  other texts whose ids differ
    first        of both, the first text and what it gets
    """

    texts: int = 0
    ties: int = 0
    differences: int = 0
    first: dict[str, str] = field(default_factory=dict)

    def compare(self, texts: Sequence[str], reference: Reference, backend: Tokenizer) -> None:
        """Count the texts whose ids differ."""
        for text, ids, expected in zip(texts, _plain_ids(backend, texts), reference.ids(texts), strict=True):
            if ids != expected:
                kind = "ties" if reference.is_tie(expected, ids) else "differences"
                setattr(self, kind, getattr(self, kind) + 1)
                message = f"{text[:80]!r} gets {_different_tokens(backend, ids, expected, reference.name)}"
                self.first.setdefault(kind, message)


def reference_of(backend: Tokenizer) -> Reference:
    """A tokenizer of the `tokenizers` package as reference."""
    return Reference("the original tokenizer", partial(_plain_ids, backend))


def _plain_ids(backend: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in backend.encode_batch(list(texts), add_special_tokens=False)]


def sample_texts(special: Iterable[str], corpus: Sequence[CorpusFile]) -> Iterator[str]:
    """The texts of a self-test, each special token inside a word and between words, the texts of a corpus."""
    yield from (sample for sample in SAMPLES if isinstance(sample, str))
    for token in special:
        yield from (f"a{token}b", f"a {token} b", f" {token}")
    for texts in items(corpus):
        yield from (text.removesuffix("\n").removesuffix("\r") for text in texts)


def verify_ids(
    backend: Tokenizer, folder: Path, texts: Iterable[str], reference: Reference, progress: Progress
) -> Comparison:
    """Compare all loaders and the reference with ``backend`` on texts and pairs.

    Raises `InputError` for a text that has other ids, a tie aside, and where ``backend`` panics on one.
    """
    try:
        loaded = {name: load_with_transformers(folder, name) for name in _LOADERS}
    # what settings that were taken over make transformers raise may be of any type
    except Exception as error:
        raise InputError(
            f"transformers cannot load it with the settings in its {CONFIG_FILE}: {reason_of(error)}",
            hint="correct them there, or leave out that file, and state what matters with options",
        ) from error
    special = [token.content for token in backend.get_added_tokens_decoder().values() if token.special]
    comparison = Comparison()
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        stop_if_cancelled(progress)
        batch, expected = _encodable(backend, batch)
        if not batch:
            continue
        # texts that spell a special token are left out: the reference may split what is one token now
        plain = [text for text in batch if not any(token in text for token in special)]
        comparison.compare(plain, reference, backend)
        for name, tokenizer in loaded.items():
            # verbose=False: transformers would warn about texts longer than the model takes
            ids = tokenizer(batch, verbose=False)["input_ids"]
            _check_equal(batch, expected, ids, name)
        comparison.texts += len(batch)
    for first, second in _PAIRS:
        if (expected_ids := ids_if_possible(backend, first, second)) is None:
            continue
        for name, tokenizer in loaded.items():
            ids = tokenizer(first, second)["input_ids"]
            _check_equal([f"{first} / {second}"], [expected_ids], [ids], name)
        comparison.texts += 1
    if comparison.differences:
        raise InputError(
            f"{comparison.differences:,} of {comparison.texts:,} texts get other ids; the first, "
            f"{comparison.first['differences']}; nothing was written",
            hint="leave such texts out of --check, if they do not matter",
        )
    return comparison


def _encodable(backend: Tokenizer, texts: list[str]) -> tuple[list[str], list[list[int]]]:
    """The texts that have ids, and their ids; others fail for lack of an unknown token."""
    with suppress(InputError), guarded("the tokenizer fails on one of these texts"):
        return texts, [encoding.ids for encoding in backend.encode_batch(texts)]
    # One by one, which takes longer, tells which text fails, and raises for a panic.
    rows = [(text, ids) for text in texts if (ids := ids_if_possible(backend, text)) is not None]
    return [text for text, _ in rows], [ids for _, ids in rows]


def _different_tokens(backend: Tokenizer, ids: Sequence[int], expected: Sequence[int], reference: str) -> str:
    """The tokens of a text from the first that differs on, at most five, with their ids."""
    pairs = enumerate(zip(ids, expected, strict=False))
    position = next((i for i, (a, b) in pairs if a != b), min(len(ids), len(expected)))
    nearby = slice(position, position + 5)
    theirs, ours = (
        " ".join(f"{backend.id_to_token(id_)} ({id_})" for id_ in row[nearby]) or "nothing"
        for row in (expected, ids)
    )
    return f"at token {position} {theirs} by {reference}, and {ours} wrapped"


def _check_equal(
    texts: Sequence[str], expected: Sequence[list[int]], actual: Sequence[list[int]], name: str
) -> None:
    for text, ours, theirs in zip(texts, expected, actual, strict=True):
        if ours != theirs:
            raise InputError(
                f"{text[:80]!r} gets other ids from {name}, {theirs[:9]}, than from tokenizer.json, "
                f"{ours[:9]}; nothing was written"
            )
