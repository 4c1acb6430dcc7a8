"""Which token pads, masks, separates, ...: as the user says, the files, the template, or its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tokkit.tokenizer.folder.load import ROLES
from tokkit.tokenizer.training.inherit import single

_USUAL = {
    "unk": ("[UNK]", "<unk>"),
    "pad": ("[PAD]", "<pad>"),
    "cls": ("[CLS]",),
    "sep": ("[SEP]",),
    "mask": ("[MASK]", "<mask>"),
    "bos": ("[BOS]", "<s>", "<|endoftext|>"),
    "eos": ("[EOS]", "</s>", "<|endoftext|>"),
}
"""What tokens of a role are called where nothing else tells, the most usual first."""

OPTION, CONFIGURATION, MODEL, TEMPLATE, NAME = "option", "configuration", "model", "template", "name"
"""Where a role comes from, the one that counts most first."""


@dataclass(frozen=True)
class Roles:
    """tokens      role -> token
    origins        role -> where that comes from
    contradicted   sentences on what another place says otherwise
    """

    tokens: dict[str, str]
    origins: dict[str, str]
    contradicted: tuple[str, ...]


def roles_of(
    asked: Mapping[str, str],
    configured: Mapping[str, str],
    unknown: str | None,
    processor: Mapping[str, Any] | None,
    vocabulary: Mapping[str, int],
) -> Roles:
    """The roles, each from the first place that names it.

    asked       role -> token, by the user
    configured  the same, in the files beside the tokenizer
    unknown     the unknown token of its model
    processor   its post-processor, as JSON
    """
    places: dict[str, Mapping[str, str]] = {
        OPTION: asked,
        MODEL: {} if unknown is None else {"unk": unknown},
        CONFIGURATION: configured,
        TEMPLATE: _of_template(processor),
        NAME: {role: token for role in ROLES for token in _USUAL[role][::-1] if token in vocabulary},
    }
    tokens: dict[str, str] = {}
    origins: dict[str, str] = {}
    contradicted = []
    for origin, named in places.items():
        for role, token in named.items():
            if role not in tokens:
                tokens[role], origins[role] = token, origin
            elif tokens[role] != token and origin in (CONFIGURATION, MODEL):
                contradicted.append(
                    f'the {origin} names "{token}" as {role} token; "{tokens[role]}" is taken, as the '
                    f"{origins[role]} says"
                )
    return Roles(tokens, origins, tuple(contradicted))


def _of_template(processor: Mapping[str, Any] | None) -> dict[str, str]:
    """cls and sep where tokens stand on both sides of a text, else bos or eos."""
    found: dict[str, str] = {}
    for each in single(processor):
        if "cls" in each:
            found |= {"cls": each["cls"][0], "sep": each["sep"][0]}
        before, after = _around(each)
        both = bool(before and after)
        found |= {"cls" if both else "bos": before[-1]} if before else {}
        found |= {"sep" if both else "eos": after[0]} if after else {}
    return found


def _around(processor: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The special tokens before and after the text, in a template for one."""
    sides: tuple[list[str], list[str]] = ([], [])
    behind = 0
    for piece in processor.get("single") or ():
        if "Sequence" in piece:
            behind = 1
        else:
            sides[behind].extend(_tokens(processor, piece["SpecialToken"]["id"]))
    return sides


def _tokens(processor: Mapping[str, Any], name: str) -> Iterator[str]:
    entry = processor.get("special_tokens", {}).get(name)
    yield from entry["tokens"] if entry else ()
