"""The tokenizer folder: `tokenizer.json`, `tokenizer_config.json`, and a self-test in `tokkit.json`.

The configuration is written from a template: `save_pretrained` writes another class, and training does not
need transformers. `AutoTokenizer.from_pretrained` loads the folder to the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, TokkitError
from tokkit.runtime.panics import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"

# Texts (and one pair) whose ids are stored in the receipt of a folder, so that loading can verify them:
# scripts, spacing and emoji on which pipelines differ. Order and texts are part of every receipt.
SAMPLES: tuple[str | tuple[str, str], ...] = (
    "The quick brown fox jumps over the lazy dog.",
    "don't stop, it's 3:45 p.m. -- 1,234.5 km!",
    "나는 오늘 학교에 갔다. 정말 재미있었다!",
    "한글 자모",
    "Übergrößenträger naïve café",
    "שלום עולם مرحبا بالعالم",
    "東京で寿司を食べる",
    "👩‍👩‍👧 🇰🇷 ok",
    "  two  spaces\tand a tab\n",
    "",
    ("a first sentence", "and its pair"),
)


def write_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Write `tokenizer.json`."""
    (folder / TOKENIZER_FILE).write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")


def write_config(folder: Path, max_length: int | None, settings: Mapping[str, Any]) -> None:
    """Write `tokenizer_config.json`.

    max_length   tokens a model takes, special tokens included; None where unknown
    settings     the other keys of the file, such as ``pad_token`` and ``model_input_names``
    """
    config = {
        **settings,
        # left out where unknown: transformers then assumes 1e30 tokens and truncates nothing
        **({} if max_length is None else {"model_max_length": max_length}),
        # transformers 5 writes `TokenizersBackend`, which version 4 refuses; both load this class
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def self_test(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """The samples with their ids; a sample that fails for lack of an unknown token is left out.

    Raises `InputError` where the library panics on one.
    """
    test = []
    for sample in SAMPLES:
        text, pair = (sample, None) if isinstance(sample, str) else sample
        if (ids := ids_if_possible(tokenizer, text, pair)) is not None:
            test.append({"text": text, **({} if pair is None else {"pair": pair}), "ids": ids})
    return test


def ids_if_possible(tokenizer: Tokenizer, text: str, pair: str | None = None) -> list[int] | None:
    """The ids of a text, None where it fails for lack of an unknown token.

    Raises `InputError` where the library panics.
    """
    try:
        with guarded(f"the tokenizer fails on the text {text[:80]!r}"):
            return tokenizer.encode(text, pair).ids
    except InputError as error:
        # An ordinary exception is the missing unknown token; a panic does not derive from Exception.
        if isinstance(error.__cause__, Exception):
            return None
        raise


def check_self_test(tokenizer: Tokenizer, test: Sequence[Mapping[str, Any]], where: Path) -> None:
    """Raise `InputError` if a sample has other ids than in the receipt, or the tokenizer fails on it."""
    for sample in test:
        with guarded(f"{where}: the tokenizer fails on the text {sample['text']!r}"):
            ids = tokenizer.encode(sample["text"], sample.get("pair")).ids
        if ids != sample["ids"]:
            raise InputError(
                f"{where}: the tokenizer gives other ids for {sample['text']!r} than its receipt: "
                f"{TOKENIZER_FILE} was changed, or the version of tokenizers differs",
                hint="train it again, or compare the versions in tokkit.json",
            )


def verify(folder: Path, test: Sequence[Mapping[str, Any]]) -> None:
    """Read a written folder back and run its self-test; raises `TokkitError`, as a failure is a bug."""
    try:
        check_self_test(parse(folder / TOKENIZER_FILE), test, folder)
    except InputError as error:
        raise TokkitError(f"the tokenizer does not read back as written: {error.message}") from error


def parse(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`.

    Raises `InputError` for a file that is not a tokenizer, also where the library panics on it.
    """
    from tokenizers import Tokenizer

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not a tokenizer: {error}") from error
    with guarded(
        f"{path}: not a tokenizer that this version of tokenizers can read",
        hint="train one (the command train-wordpiece)",
    ):
        return Tokenizer.from_str(text)
