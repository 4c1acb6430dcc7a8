"""The proof: texts cut by the tokenizer as it came and by what transformers loads from the folder written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.tokenizer.folder.checkpoints import load_with_transformers
from tokkit.tokenizer.folder.tokenizer_folder import SAMPLES, guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LOADERS = ("AutoTokenizer", "PreTrainedTokenizerFast")
_BATCH = 1_000

PAIRS = tuple(sample for sample in SAMPLES if not isinstance(sample, str))


def texts_for(special: Iterable[str]) -> Iterator[str]:
    """The texts of a self-test, and each special token inside a word and between words."""
    yield from (sample for sample in SAMPLES if isinstance(sample, str))
    for token in special:
        yield from (f"a{token}b", f"a {token} b", f" {token}")


@dataclass(frozen=True)
class Reference:
    """What cuts texts as the tokenizer as it came did: by its name, and the ids with nothing around them."""

    name: str
    ids: Callable[[Sequence[str]], list[list[int]]]


def of_backend(backend: Tokenizer) -> Reference:
    """A tokenizer as reference."""
    return Reference(
        "the tokenizer as it came",
        lambda texts: [e.ids for e in backend.encode_batch(list(texts), add_special_tokens=False)],
    )


def prove(
    backend: Tokenizer, folder: Path, texts: Iterable[str], reference: Reference, progress: Progress
) -> int:
    """The number of texts and pairs that all loaders cut as ``backend`` does, and it as the reference.

    The reference is not asked of texts that spell a special token: what it cuts apart may be one token now.

    Raises `InputError` with the first text that is cut otherwise, and where ``backend`` panics on one.
    """
    loaded = {name: load_with_transformers(folder, name) for name in _LOADERS}
    special = [token.content for token in backend.get_added_tokens_decoder().values() if token.special]
    proven = 0
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        stop_if_cancelled(progress)
        batch = [text for text in batch if _can_be_cut(backend, text)]
        if not batch:
            continue
        plain = [text for text in batch if not any(token in text for token in special)]
        _compare(plain, reference.ids(plain), of_backend(backend).ids(plain), reference.name, "wrapped")
        wanted = [encoding.ids for encoding in backend.encode_batch(batch)]
        for name, theirs in loaded.items():
            _compare(batch, wanted, theirs(batch, verbose=False)["input_ids"], "tokenizer.json", name)
        proven += len(batch)
    for first, second in (pair for pair in PAIRS if all(_can_be_cut(backend, text) for text in pair)):
        wanted = [backend.encode(first, second).ids]
        for name, theirs in loaded.items():
            found = [theirs(first, second)["input_ids"]]
            _compare([f"{first} / {second}"], wanted, found, "tokenizer.json", name)
        proven += 1
    return proven


def _can_be_cut(backend: Tokenizer, text: str) -> bool:
    """False for a text the tokenizer has no unknown token for; `InputError` where the library panics."""
    try:
        with guarded(f"the tokenizer fails on the text {text[:80]!r}"):
            backend.encode(text)
    except InputError as error:
        if isinstance(error.__cause__, Exception):
            return False
        raise
    return True


def _compare(
    texts: Sequence[str], wanted: Sequence[list[int]], found: Sequence[list[int]], one: str, other: str
) -> None:
    for text, expected, given in zip(texts, wanted, found, strict=True):
        if expected != given:
            pairs = enumerate(zip(expected, given, strict=False))
            place = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(given)))
            there = slice(place, place + 5)
            raise InputError(
                f"{text[:80]!r} gets other ids: at token {place}, {expected[there]} by {one}, "
                f"{given[there]} by {other}; nothing was written",
                hint="a line of --sample can be left out, if texts like it do not matter",
            )
