"""`blocks`: every block and recipe with what it does, each with an example that is really run."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers

from tokkit.corpus import cutting
from tokkit.errors import UsageError, did_you_mean
from tokkit.tokenizer.blocks.build import Parameter, parameters_of, sequence
from tokkit.tokenizer.blocks.recipes import KINDS, RECIPES, Recipe
from tokkit.tokenizer.blocks.registry import REGISTRY, SpecialTokens


@dataclass(frozen=True)
class Example:
    """One run of a block.

    block   the block as it is written
    text    its input: a text; for a decoder tokens; for a post-processor a text and its pair
    result  its output: a text, pieces or tokens
    """

    block: str
    text: str | Sequence[str]
    result: str | Sequence[str]


@dataclass(frozen=True)
class BlockDescription:
    """A block of the registry.

    cut  whether counting may cut text there (`corpus.cutting`); None for post-processors and decoders
    """

    kind: str
    name: str
    summary: str
    parameters: Sequence[Parameter]
    example: Example
    cut: str | None


@dataclass(frozen=True)
class RecipeDescription:
    """A recipe; ``cut`` says where counting may cut text."""

    name: str
    recipe: Recipe
    cut: str

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, **asdict(self.recipe), "cut": self.cut}


@dataclass(frozen=True)
class BlocksResult:
    """Blocks in the order in which they run, and recipes."""

    blocks: Sequence[BlockDescription]
    recipes: Sequence[RecipeDescription]

    def as_dict(self) -> dict[str, Any]:
        return {
            "blocks": [asdict(block) for block in self.blocks],
            "recipes": [recipe.as_dict() for recipe in self.recipes],
        }


def blocks(names: str | Sequence[str] = (), *, kind: str | None = None) -> BlocksResult:
    """Describe all blocks and recipes, or those named: ``blocks("bert")``, ``blocks(kind="decoder")``.

    kind  ``normalizer``, ``pre-tokenizer``, ``post-processor``, ``decoder`` or ``recipe``

    Raises `UsageError` for an unknown name or kind.
    """
    requested = [names] if isinstance(names, str) else list(names)
    kind = None if kind is None else _kind(kind)
    known = {block_kind: REGISTRY[block_kind] for block_kind in KINDS if kind in (None, block_kind)}
    recipes = RECIPES if kind in (None, "recipe") else {}
    every_name = list(chain(*known.values(), recipes))
    _check_names(requested, every_name, kind)
    requested = requested or every_name
    return BlocksResult(
        [_describe_block(kind, name) for kind in known for name in known[kind] if name in requested],
        [_describe_recipe(name, RECIPES[name]) for name in recipes if name in requested],
    )


def name_of(kind: str, block: cutting.Block) -> str:
    """The name in the registry of a block as `tokenizers` writes it to JSON; its type where it has none.

    >>> name_of("decoder", {"type": "WordPiece", "prefix": "##", "cleanup": True})
    'wordpiece'
    """
    return _names(kind).get(block["type"], str(block["type"]))


@functools.cache
def _names(kind: str) -> Mapping[str, str]:
    return {_as_json(_example(kind, name)[1])["type"]: name for name in REGISTRY[kind]}


def _as_json(block: Any) -> cutting.Block:
    content: cutting.Block = json.loads(block.__getstate__())
    return content


def _kind(text: str) -> str:
    kinds = (*KINDS, "recipe")
    if (kind := text.replace("-", "_")) not in kinds:
        choices = [choice.replace("_", "-") for choice in kinds]
        raise UsageError(
            f'--kind: invalid value "{text}": choose from {", ".join(choices)}{did_you_mean(text, choices)}'
        )
    return kind


def _check_names(names: Iterable[str], known: Sequence[str], kind: str | None) -> None:
    for name in names:
        if name not in known:
            what = kind.replace("_", "-") if kind else "block or recipe"
            raise UsageError(
                f'no {what} is named "{name}"{did_you_mean(name, known)}', hint="list them:\ntokkit blocks"
            )


def _describe_block(kind: str, name: str) -> BlockDescription:
    entry = REGISTRY[kind][name]
    text, block = _example(kind, name)
    example = Example(text, entry.shows, _RUN[kind](block, entry.shows))
    return BlockDescription(kind, name, entry.summary, parameters_of(entry), example, _cut(kind, block))


def _example(kind: str, name: str) -> tuple[str, Any]:
    """The block of the example as written, and as an object of `tokenizers`."""
    entry = REGISTRY[kind][name]
    text = f"{name}:{entry.example}" if entry.example else name
    return text, entry.example_block() if entry.example_block else sequence(kind, [text], _TOKENS)


def _cut(kind: str, block: Any) -> str | None:
    rules = {"normalizer": cutting.of_normalizer, "pre_tokenizer": cutting.of_pre_tokenizer}
    return rules[kind](_as_json(block)) if kind in rules else None


def _describe_recipe(name: str, recipe: Recipe) -> RecipeDescription:
    kinds = {"normalizer": recipe.normalizers, "pre_tokenizer": recipe.pre_tokenizers}
    blocks = (tuple(_as_json(sequence(kind, [text])) for text in texts) for kind, texts in kinds.items())
    return RecipeDescription(name, recipe, cutting.Pipeline(*blocks).describe_cuts())


_WORDS = ("[CLS]", "[SEP]", "one", "two", "Ġtwo")
# The small vocabulary of the examples of post-processors.
_TOKENS = SpecialTokens(
    {token: number for number, token in enumerate(_WORDS)}, {"cls": "[CLS]", "sep": "[SEP]"}
)


def _post_process(block: Any, shows: Any) -> list[str]:
    """The tokens; where there is no pair, the text at their offsets, which is what the block changes."""
    tokenizer = Tokenizer(models.WordLevel(dict(_TOKENS.ids), unk_token="one"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = block
    encoding = tokenizer.encode(*shows)
    if len(shows) == 1:
        return [shows[0][start:end] for start, end in encoding.offsets]
    return list(encoding.tokens)


# Kind -> what a block makes of the input of its example.
_RUN: Mapping[str, Callable[[Any, Any], str | list[str]]] = {
    "normalizer": lambda block, text: block.normalize_str(text),
    "pre_tokenizer": lambda block, text: [piece for piece, _ in block.pre_tokenize_str(text)],
    "post_processor": _post_process,
    "decoder": lambda block, tokens: block.decode(list(tokens)),
}
