"""Verify a written folder: what transformers loads from it gives the ids of the tokenizer as it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer

from tokkit.errors import InputError
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.sources.streams import lines
from tokkit.tokenizer.folder.checkpoints import load_with_transformers
from tokkit.tokenizer.folder.tokenizer_folder import SAMPLES, ids_if_possible

_LOADERS = ("AutoTokenizer", "PreTrainedTokenizerFast")
_BATCH = 1_000
_PAIRS = tuple(sample for sample in SAMPLES if not isinstance(sample, str))


@dataclass(frozen=True)
class Reference:
    """The tokenizer as it came: its name in messages, and its ids of texts without special tokens."""

    name: str
    ids: Callable[[Sequence[str]], list[list[int]]]


def reference_of(backend: Tokenizer) -> Reference:
    """A tokenizer of the `tokenizers` package as reference."""
    return Reference("the original tokenizer", partial(_plain_ids, backend))


def _plain_ids(backend: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in backend.encode_batch(list(texts), add_special_tokens=False)]


def sample_texts(special: Iterable[str], files: Iterable[Path]) -> Iterator[str]:
    """The texts of a self-test, each special token inside a word and between words, the lines of files."""
    yield from (sample for sample in SAMPLES if isinstance(sample, str))
    for token in special:
        yield from (f"a{token}b", f"a {token} b", f" {token}")
    for path in files:
        for block in lines(path):
            yield from (line.removesuffix("\n").removesuffix("\r") for line in block)


def verify_ids(
    backend: Tokenizer, folder: Path, texts: Iterable[str], reference: Reference, progress: Progress
) -> int:
    """The number of texts and pairs that all loaders and the reference encode as ``backend`` does.

    Raises `InputError` with the first text that has other ids, and where ``backend`` panics on one.
    """
    loaded = {name: load_with_transformers(folder, name) for name in _LOADERS}
    special = [token.content for token in backend.get_added_tokens_decoder().values() if token.special]
    verified = 0
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        stop_if_cancelled(progress)
        batch = [text for text in batch if ids_if_possible(backend, text) is not None]
        if not batch:
            continue
        # texts that spell a special token are left out: the reference may split what is one token now
        plain = [text for text in batch if not any(token in text for token in special)]
        _check_equal(plain, reference.ids(plain), _plain_ids(backend, plain), reference.name, "wrapped")
        expected = [encoding.ids for encoding in backend.encode_batch(batch)]
        for name, tokenizer in loaded.items():
            # verbose=False: transformers would warn about texts longer than the model takes
            ids = tokenizer(batch, verbose=False)["input_ids"]
            _check_equal(batch, expected, ids, "tokenizer.json", name)
        verified += len(batch)
    for first, second in _PAIRS:
        if (expected_ids := ids_if_possible(backend, first, second)) is None:
            continue
        for name, tokenizer in loaded.items():
            ids = tokenizer(first, second)["input_ids"]
            _check_equal([f"{first} / {second}"], [expected_ids], [ids], "tokenizer.json", name)
        verified += 1
    return verified


def _check_equal(
    texts: Sequence[str], expected: Sequence[list[int]], actual: Sequence[list[int]], one: str, other: str
) -> None:
    for text, ours, theirs in zip(texts, expected, actual, strict=True):
        if ours != theirs:
            pairs = enumerate(zip(ours, theirs, strict=False))
            position = next((i for i, (a, b) in pairs if a != b), min(len(ours), len(theirs)))
            nearby = slice(position, position + 5)
            raise InputError(
                f"{text[:80]!r} gets other ids: at token {position}, {ours[nearby]} by {one}, "
                f"{theirs[nearby]} by {other}; nothing was written",
                hint="leave that line out of --sample, if texts like it do not matter",
            )
