"""The special tokens of a tokenizer to wrap: which token has which role, and their repair in its pipeline."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from tokenizers import Tokenizer

from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.blocks.post_processors import single, tokens_in, with_ids
from tokkit.tokenizer.editing.options import WrapOptions
from tokkit.tokenizer.editing.token_requests import TokenRequest
from tokkit.tokenizer.editing.wrap_source import WrapSource
from tokkit.tokenizer.folder.load import ROLES

# Names of tokens of a role, the most usual first.
_USUAL_NAMES = {
    "unk": ("[UNK]", "<unk>"),
    "pad": ("[PAD]", "<pad>"),
    "cls": ("[CLS]",),
    "sep": ("[SEP]",),
    "mask": ("[MASK]", "<mask>"),
    "bos": ("[BOS]", "<s>", "<|endoftext|>"),
    "eos": ("[EOS]", "</s>", "<|endoftext|>"),
}
# Where a role comes from, by precedence.
_OPTION, _MODEL, _CONFIGURATION, _TEMPLATE, _NAME = "option", "model", "configuration", "template", "name"


def resolve_roles(
    source: WrapSource,
    options: WrapOptions,
    processor: Mapping[str, Any] | None,
    vocabulary: Mapping[str, int],
    progress: Progress,
) -> dict[str, str]:
    """Role -> token, each from the first origin that names it; reports conflicts and guesses.

    processor   the post-processor as in `tokenizer.json`, None for one that says nothing about roles

    Raises `UsageError` for an option, `InputError` for a configuration that names a missing token.
    """
    requested = dict(options.roles())
    for role, token in requested.items():
        _check_known([token], vocabulary, f"--{role}-token: names", source.name, UsageError)
    extra = options.extra_special_token
    _check_known(extra, vocabulary, "--extra-special-token: names", source.name, UsageError)
    named_by: dict[str, Mapping[str, str]] = {
        _OPTION: requested,
        _MODEL: {} if source.unknown is None else {"unk": source.unknown},
        _CONFIGURATION: source.roles,
        _TEMPLATE: _template_roles(processor),
        # reversed: of several matching names the last one stays in the dict, and that must be the usual one
        _NAME: {role: token for role in ROLES for token in _USUAL_NAMES[role][::-1] if token in vocabulary},
    }
    tokens: dict[str, str] = {}
    origins: dict[str, str] = {}
    for origin, named in named_by.items():
        for role, token in named.items():
            if role not in tokens:
                tokens[role], origins[role] = token, origin
            # templates and names are only guesses: no conflict with what is stated
            elif tokens[role] != token and origin in (_CONFIGURATION, _MODEL):
                progress.say(
                    f'{source.name}: the {origin} names "{token}" as {role} token; using "{tokens[role]}", '
                    f"as the {origins[role]} says"
                )
    for role, token in tokens.items():
        if origins[role] == _CONFIGURATION:
            subject = f"{source.name}: its configuration names as {role} token"
            _check_known([token], vocabulary, subject, source.name, InputError)
    for origin, description in ((_TEMPLATE, "its template"), (_NAME, "their names")):
        if guessed := [f"{role} {token}" for role, token in tokens.items() if origins[role] == origin]:
            progress.say(f"inferred from {description}: {', '.join(guessed)}")
    if "pad" not in tokens:
        progress.say("no padding token: texts of different lengths cannot be batched; --pad-token names one")
    return tokens


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
    tokens = processor.get("special_tokens", {})
    before: list[str] = []
    after: list[str] = []
    side = before
    for piece in processor.get("single") or ():
        if "Sequence" in piece:
            side = after
        else:
            side += tokens.get(piece["SpecialToken"]["id"], {}).get("tokens", ())
    return before, after


def repair(backend: Tokenizer, special: Iterable[str], name: str, progress: Progress) -> Tokenizer:
    """The tokenizer with ``special`` registered and the ids of its template looked up; reports each change.

    Raises `InputError` where the template names a token that is not in the vocabulary.
    """
    content = json.loads(backend.to_str())
    ids = backend.get_vocab(with_added_tokens=True)
    processor = content["post_processor"]
    template_tokens = list(tokens_in(processor))
    _check_known(template_tokens, ids, f"{name}: its template names", name, InputError)
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
            registered[token] = TokenRequest(token).added_token(ids[token])
        registered[token]["special"] = True
    content["added_tokens"] = sorted(registered.values(), key=lambda entry: entry["id"])
    with guarded(f"{name}: cannot be repaired"):
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def _check_known(
    tokens: Iterable[str],
    vocabulary: Mapping[str, int],
    source: str,
    name: str,
    error: type[InputError] | type[UsageError],
) -> None:
    """Raise ``error`` for the first token that the vocabulary lacks; ``source`` says who names it."""
    for token in tokens:
        if token not in vocabulary:
            is_model = name.endswith(".model")
            convert = f"tokkit wrap {shlex.quote(name)} -o wrapped/\n" if is_model else ""
            folder = "wrapped/" if is_model else shlex.quote(name)
            command = f"{convert}tokkit add-tokens {folder} --special {shlex.quote(token)} -o more/"
            raise error(f'{source} "{token}", which is not in the vocabulary', hint=f"add it:\n{command}")
