"""The tokenizer folder: `tokenizer.json`, `tokenizer_config.json`, and a self-test in `tokkit.json`.

The configuration is written by template: `save_pretrained` would name another class, and training
need not load transformers. `AutoTokenizer.from_pretrained` loads the folder to the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, TokkitError
from tokkit.tokenizer.panics import quiet_panics
from tokkit.tokenizer.training.blueprint import Untrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"

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
"""Texts (and one pair) whose ids a folder's receipt holds, so that whoever loads it can check."""


def write(folder: Path, tokenizer: Tokenizer, blueprint: Untrained) -> None:
    """Writes `tokenizer.json` and `tokenizer_config.json` into a folder that exists."""
    roles = blueprint.roles
    extra = [token for token in blueprint.special_tokens if token not in roles.values()]
    write_tokenizer(folder, tokenizer)
    write_config(folder, roles, blueprint.model_max_length, blueprint.model_input_names, extra)


def write_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """Writes `tokenizer.json`."""
    (folder / TOKENIZER_FILE).write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")


def write_config(
    folder: Path,
    special: Mapping[str, str],
    max_length: int | None,
    input_names: Sequence[str],
    extra: Sequence[str] = (),
    kept: Mapping[str, Any] | None = None,
) -> None:
    """Writes `tokenizer_config.json`: special tokens by role, further ones, and what a model takes.

    kept  what stands in it beside these, such as ``chat_template``
    """
    config = {
        "clean_up_tokenization_spaces": False,
        **(kept or {}),
        **{f"{role}_token": token for role, token in sorted(special.items())},
        **({"extra_special_tokens": list(extra)} if extra else {}),
        "model_input_names": list(input_names),
        **({} if max_length is None else {"model_max_length": max_length}),
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    text = json.dumps(config, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def self_test(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """The samples with the ids they have now, without those it cannot encode for want of an unknown token.

    Raises `InputError` where the library panics on one.
    """
    test = []
    for sample in SAMPLES:
        text, pair = (sample, None) if isinstance(sample, str) else sample
        try:
            with guarded(f"the tokenizer fails on the text {text!r}"):
                ids = tokenizer.encode(text, pair).ids
        except InputError as error:
            if isinstance(error.__cause__, Exception):
                continue
            raise
        test.append({"text": text, **({} if pair is None else {"pair": pair}), "ids": ids})
    return test


def check_self_test(tokenizer: Tokenizer, test: Sequence[Mapping[str, Any]], where: Path) -> None:
    """Raises `InputError` if a sample is cut into other ids than its receipt says, or into none."""
    for sample in test:
        with guarded(f"{where}: the tokenizer fails on the text {sample['text']!r}"):
            ids = tokenizer.encode(sample["text"], sample.get("pair")).ids
        if ids != sample["ids"]:
            raise InputError(
                f"{where}: the tokenizer cuts {sample['text']!r} into other ids than when it was made: "
                f"{TOKENIZER_FILE} was changed, or the tokenizers package differs",
                hint="train it again, or compare the versions in tokkit.json",
            )


@contextmanager
def guarded(message: str, hint: str | None = None) -> Iterator[None]:
    """Turns what the library raises inside, its panics too, into an `InputError` with that message."""
    try:
        with quiet_panics():
            yield
    except (KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        raise InputError(f"{message}: {error}", hint) from error


def verify(folder: Path, test: Sequence[Mapping[str, Any]]) -> None:
    """Reads a folder just written back and runs its self-test; a failure is a bug of ours."""
    try:
        check_self_test(parse(folder / TOKENIZER_FILE), test, folder)
    except InputError as error:
        raise TokkitError(f"the tokenizer written does not read back as it was: {error.message}") from error


def parse(path: Path) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`.

    Raises `InputError` for a file that is none, also where the library panics on it.
    """
    from tokenizers import Tokenizer

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: no tokenizer: {error}") from error
    with guarded(
        f"{path}: no tokenizer that this version of tokenizers can read",
        hint="tokkit train-wordpiece corpus.txt -o out/ makes one",
    ):
        return Tokenizer.from_str(text)
