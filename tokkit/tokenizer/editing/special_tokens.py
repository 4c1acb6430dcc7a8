"""The special tokens of a tokenizer to wrap: which token has which role, and their repair in its pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.tokenizer.blocks.post_processors import single, tokens_in, with_ids
from tokkit.tokenizer.folder.load import ROLES
from tokkit.tokenizer.folder.tokenizer_folder import guarded

_USUAL_NAMES = {
    "unk": ("[UNK]", "<unk>"),
    "pad": ("[PAD]", "<pad>"),
    "cls": ("[CLS]",),
    "sep": ("[SEP]",),
    "mask": ("[MASK]", "<mask>"),
    "bos": ("[BOS]", "<s>", "<|endoftext|>"),
    "eos": ("[EOS]", "</s>", "<|endoftext|>"),
}
"""Names of tokens of a role, the most usual first."""

OPTION, MODEL, CONFIGURATION, TEMPLATE, NAME = "option", "model", "configuration", "template", "name"
"""Where a role comes from, by precedence."""

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


@dataclass(frozen=True)
class Roles:
    """The roles of special tokens.

    tokens     role -> token
    origins    role -> where that comes from
    conflicts  sentences about sources that name another token
    """

    tokens: dict[str, str]
    origins: dict[str, str]
    conflicts: tuple[str, ...]


def resolve_roles(
    requested: Mapping[str, str],
    configured: Mapping[str, str],
    unknown: str | None,
    processor: Mapping[str, Any] | None,
    vocabulary: Mapping[str, int],
) -> Roles:
    """The roles, each from the first source that names it.

    requested   role -> token, by the user
    configured  the same, in the configuration files of the tokenizer
    unknown     the unknown token of its model
    processor   its post-processor, as in `tokenizer.json`
    """
    sources: dict[str, Mapping[str, str]] = {
        OPTION: requested,
        MODEL: {} if unknown is None else {"unk": unknown},
        CONFIGURATION: configured,
        TEMPLATE: _template_roles(processor),
        # reversed: of several matching names the last one stays in the dict, and that must be the usual one
        NAME: {role: token for role in ROLES for token in _USUAL_NAMES[role][::-1] if token in vocabulary},
    }
    tokens: dict[str, str] = {}
    origins: dict[str, str] = {}
    conflicts = []
    for origin, named in sources.items():
        for role, token in named.items():
            if role not in tokens:
                tokens[role], origins[role] = token, origin
            # templates and names are only guesses: no conflict with what is stated
            elif tokens[role] != token and origin in (CONFIGURATION, MODEL):
                conflicts.append(
                    f'the {origin} names "{token}" as {role} token; using "{tokens[role]}", as the '
                    f"{origins[role]} says"
                )
    return Roles(tokens, origins, tuple(conflicts))


def _template_roles(processor: Mapping[str, Any] | None) -> dict[str, str]:
    """cls and sep where tokens are on both sides of a text, else bos or eos."""
    roles: dict[str, str] = {}
    for step in single(processor):
        if "cls" in step:
            roles |= {"cls": step["cls"][0], "sep": step["sep"][0]}
        before, after = _template_sides(step)
        both = bool(before and after)
        roles |= {"cls" if both else "bos": before[-1]} if before else {}
        roles |= {"sep" if both else "eos": after[0]} if after else {}
    return roles


def _template_sides(processor: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The special tokens before and after the text, in a template for one text."""
    sides: tuple[list[str], list[str]] = ([], [])
    side = 0
    for piece in processor.get("single") or ():
        if "Sequence" in piece:
            side = 1
        else:
            sides[side].extend(_template_tokens(processor, piece["SpecialToken"]["id"]))
    return sides


def _template_tokens(processor: Mapping[str, Any], name: str) -> Iterator[str]:
    entry = processor.get("special_tokens", {}).get(name)
    yield from entry["tokens"] if entry else ()


def repair(backend: Tokenizer, special: Iterable[str], name: str, progress: Progress) -> Tokenizer:
    """The tokenizer with ``special`` registered and the ids of its template looked up; reports each change.

    Raises `InputError` where the template names a token that is not in the vocabulary.
    """
    content = json.loads(backend.to_str())
    ids = backend.get_vocab(with_added_tokens=True)
    processor = content["post_processor"]
    template_tokens = list(tokens_in(processor))
    check_known(template_tokens, ids, f"{name}: its template names", name, InputError)
    # a vocabulary retrained under an old template leaves stale ids in it (transformers issue 30752)
    if (renumbered := with_ids(processor, ids)) != processor:
        content["post_processor"] = renumbered
        progress.say(f"{name}: its template added ids of other tokens; repaired: each token has its own id")
    registered = {token["content"]: token for token in content["added_tokens"]}
    for token in dict.fromkeys((*special, *template_tokens)):
        if token not in registered:
            progress.say(
                f'"{token}" was an ordinary token; now it is special: texts that spell it get its id'
            )
            registered[token] = {"id": ids[token], "content": token, **dict.fromkeys(_FLAGS, False)}
        registered[token]["special"] = True
    content["added_tokens"] = sorted(registered.values(), key=lambda entry: entry["id"])
    with guarded(f"{name}: cannot be repaired"):
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def check_known(
    tokens: Iterable[str],
    vocabulary: Mapping[str, int],
    source: str,
    name: str,
    error: type[InputError] | type[UsageError],
) -> None:
    """Raise ``error`` for the first token that the vocabulary lacks; ``source`` says who names it."""
    for token in tokens:
        if token not in vocabulary:
            command = f"tokkit add-tokens {name} --special '{token}' -o DIR"
            if name.endswith(".model"):
                command = (
                    f"tokkit wrap {name} -o out/ and then tokkit add-tokens out/ --special '{token}' -o DIR"
                )
            raise error(f'{source} "{token}", which is not in the vocabulary', hint=f"add it: {command}")
