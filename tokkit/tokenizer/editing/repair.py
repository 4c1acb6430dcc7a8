"""The tokenizer as it is to be written: its template's ids right, its special tokens registered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.tokenizer.folder.tokenizer_folder import guarded
from tokkit.tokenizer.training.inherit import tokens_in, with_ids

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


def mended(backend: Tokenizer, special: Iterable[str], name: str, progress: Progress) -> Tokenizer:
    """The tokenizer with ``special`` registered and ids looked up in its template; each change is said.

    Raises `InputError` where the template names a token that is not in the vocabulary.
    """
    from tokenizers import Tokenizer

    content = json.loads(backend.to_str())
    ids = backend.get_vocab(with_added_tokens=True)
    processor = content["post_processor"]
    around = list(tokens_in(processor))
    check_known(around, ids, f"{name}: its template names", name, InputError)
    if (renewed := with_ids(processor, ids)) != processor:
        content["post_processor"] = renewed
        progress.say(
            f"{name}: its template put ids that belong to other tokens; mended: each token gets its own"
        )
    registered = {token["content"]: token for token in content["added_tokens"]}
    for token in dict.fromkeys((*special, *around)):
        entry = registered.get(token)
        if entry is None:
            progress.say(
                f'"{token}" was a token like others; now it is special: texts that spell it get its id'
            )
            registered[token] = {"id": ids[token], "content": token, **dict.fromkeys(_FLAGS, False)}
        registered[token]["special"] = True
    content["added_tokens"] = sorted(registered.values(), key=lambda entry: entry["id"])
    with guarded(f"{name}: cannot be mended"):
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def check_known(
    tokens: Iterable[str],
    vocabulary: Mapping[str, int],
    told: str,
    name: str,
    error: type[InputError] | type[UsageError],
) -> None:
    """Raises ``error`` for the first token that the vocabulary lacks."""
    for token in tokens:
        if token not in vocabulary:
            add = f"tokkit add-tokens {name} --special '{token}' -o DIR"
            if name.endswith(".model"):
                add = f"tokkit wrap {name} -o out/ and then tokkit add-tokens out/ --special '{token}' -o DIR"
            raise error(f'{told} "{token}", which is not in the vocabulary', hint=f"add it: {add}")
