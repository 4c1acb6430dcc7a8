"""`blocks`: every block and recipe with what it does, each with an example that is really run."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers

from tokkit.corpus import cutting
from tokkit.errors import UsageError, did_you_mean
from tokkit.tokenizer.blocks.build import Parameter, parameters_of, sequence
from tokkit.tokenizer.blocks.recipes import KINDS, RECIPES, Recipe
from tokkit.tokenizer.blocks.registry import REGISTRY, Entry, SpecialTokens


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
    known = [(each, name) for each in KINDS for name in REGISTRY[each] if kind in (None, each)]
    recipes = list(RECIPES) if kind in (None, "recipe") else []
    _check_names(requested, [*(name for _, name in known), *recipes], kind)
    return BlocksResult(
        [_describe_block(each, name) for each, name in known if not requested or name in requested],
        [_describe_recipe(name, RECIPES[name]) for name in recipes if not requested or name in requested],
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
        choices = [each.replace("_", "-") for each in kinds]
        raise UsageError(
            f'--kind: invalid value "{text}": choose from {", ".join(choices)}{did_you_mean(text, choices)}'
        )
    return kind


def _check_names(names: Iterable[str], known: Sequence[str], kind: str | None) -> None:
    for name in names:
        if name not in known:
            what = kind.replace("_", "-") if kind else "block or recipe"
            raise UsageError(
                f'no {what} is named "{name}"{did_you_mean(name, known)}', hint="tokkit blocks lists them"
            )


def _describe_block(kind: str, name: str) -> BlockDescription:
    entry = REGISTRY[kind][name]
    text, block = _example(kind, name)
    example = Example(text, entry.shows, _RUN[kind](block, entry))
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
    normalizers, pre_tokenizers = (
        tuple(_as_json(sequence(kind, [text])) for text in texts)
        for kind, texts in (("normalizer", recipe.normalizers), ("pre_tokenizer", recipe.pre_tokenizers))
    )
    return RecipeDescription(name, recipe, cutting.Pipeline(normalizers, pre_tokenizers).describe_cuts())


_WORDS = ("[CLS]", "[SEP]", "one", "two", "Ġtwo")
_TOKENS = SpecialTokens(
    {token: number for number, token in enumerate(_WORDS)}, {"cls": "[CLS]", "sep": "[SEP]"}
)
"""The small vocabulary of the examples of post-processors."""


def _normalize(block: Any, entry: Entry) -> str:
    return str(block.normalize_str(entry.shows))


def _split(block: Any, entry: Entry) -> list[str]:
    return [piece for piece, _ in block.pre_tokenize_str(entry.shows)]


def _decode(block: Any, entry: Entry) -> str:
    return str(block.decode(list(entry.shows)))


def _post_process(block: Any, entry: Entry) -> list[str]:
    """The tokens; where there is no pair, the text at their offsets, which is what the block changes."""
    tokenizer = Tokenizer(models.WordLevel(dict(_TOKENS.ids), unk_token="one"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = block
    encoding = tokenizer.encode(*entry.shows)
    if len(entry.shows) == 1:
        return [entry.shows[0][start:end] for start, end in encoding.offsets]
    return list(encoding.tokens)


_RUN: Mapping[str, Callable[[Any, Entry], str | list[str]]] = {
    "normalizer": _normalize,
    "pre_tokenizer": _split,
    "post_processor": _post_process,
    "decoder": _decode,
}
