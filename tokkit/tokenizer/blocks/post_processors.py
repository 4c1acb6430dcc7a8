"""Post-processors by name: what puts special tokens around a text or a pair, and numbers its segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.tokenizer.blocks import registry as blocks

_BERT = ("{cls} $A {sep}", "{cls} $A {sep} $B:1 {sep}:1")
_POST_PROCESSORS = ("bert", "roberta", "byte-level", "template", blocks.NONE)


def post_processor(text: str, ids: Mapping[str, int], roles: Mapping[str, str]) -> Any | None:
    """The post-processor of that name, its special tokens looked up in the vocabulary.

    Raises `UsageError` for one that does not exist, and for a template that means nothing.
    """
    from tokenizers import processors

    name, _, parameters = text.partition(":")
    if name not in _POST_PROCESSORS:
        raise UsageError(
            f'--post-processor: no block "{name}"{did_you_mean(name, _POST_PROCESSORS)}; '
            f"there are: {', '.join(_POST_PROCESSORS)}"
        )
    if name == "byte-level":
        if parameters not in ("", "trim_offsets=true", "trim_offsets=false"):
            raise UsageError(
                f'--post-processor byte-level: "{parameters}" is not trim_offsets=true or =false'
            )
        return processors.ByteLevel(trim_offsets=parameters != "trim_offsets=false")
    if parameters and name != "template":
        raise UsageError(f'--post-processor {name}: takes no parameters, not "{parameters}"')
    if name == blocks.NONE:
        return None
    if name == "roberta":
        sep, cls = _role("sep", roles, name), _role("cls", roles, name)
        return processors.RobertaProcessing((sep, ids[sep]), (cls, ids[cls]), True, False)
    if name == "bert":
        marks = {"cls": _role("cls", roles, name), "sep": _role("sep", roles, name)}
        single, pair = (template.format(**marks) for template in _BERT)
    else:
        single, pair = _parse_template(parameters)
    pieces = [_without_type(piece) for piece in f"{single} {pair}".split()]
    tokens = list(dict.fromkeys(piece for piece in pieces if not piece.startswith("$")))
    lacking = [token for token in tokens if token not in ids]
    if lacking:
        raise UsageError(
            f'--post-processor: the template names "{lacking[0]}", which is no special token',
            hint=f"add it: --special-token '{lacking[0]}'",
        )
    try:
        return processors.TemplateProcessing(
            single=single, pair=pair, special_tokens=[(token, ids[token]) for token in tokens]
        )
    except ValueError as error:
        raise UsageError(f"--post-processor template: {error}") from error


def _without_type(piece: str) -> str:
    """A piece of a template without its segment number: ``[SEP]:1`` -> ``[SEP]``."""
    token, colon, segment = piece.rpartition(":")
    return token if colon and segment.isdigit() else piece


def _role(role: str, roles: Mapping[str, str], name: str) -> str:
    if role not in roles:
        raise UsageError(
            f"--post-processor {name}: the recipe has no {role} token",
            hint="write it out: --post-processor 'template:single=[CLS] $A [SEP]' with --special-token",
        )
    return roles[role]


def _parse_template(parameters: str) -> tuple[str, str]:
    single, _, pair = parameters.partition(",pair=")
    single = single.removeprefix("single=").strip()
    if "$" not in single:
        raise UsageError("--post-processor template: write template:single=[CLS] $A [SEP],pair=...")
    return single, pair.strip() or f"{single} $B:1"
