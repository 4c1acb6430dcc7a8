"""`blocks`: every block and recipe with what it does, each shown by running it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tokkit.corpus import cutting
from tokkit.errors import UsageError, did_you_mean
from tokkit.tokenizer.blocks.calls import Parameter
from tokkit.tokenizer.blocks.post_processors import SpecialTokens
from tokkit.tokenizer.blocks.recipes import RECIPES, Recipe
from tokkit.tokenizer.blocks.registry import KINDS, REGISTRY, sequence
from tokkit.tokenizer.blocks.table import Entry


@dataclass(frozen=True)
class Example:
    """block   as written
    text    a text, for a decoder its tokens, for a post-processor a text and its pair
    result  what the block makes of it: a text, or pieces or tokens
    """

    block: str
    text: str | Sequence[str]
    result: str | Sequence[str]


@dataclass(frozen=True)
class BlockShown:
    """A block of the registry.

    cut  what it means for cutting text that is counted (`corpus.cutting`); None for what comes after words
    """

    kind: str
    name: str
    summary: str
    parameters: Sequence[Parameter]
    example: Example
    cut: str | None


@dataclass(frozen=True)
class RecipeShown:
    """A recipe; cut: where counting may cut its text."""

    name: str
    recipe: Recipe
    cut: str

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, **asdict(self.recipe), "cut": self.cut}


@dataclass(frozen=True)
class BlocksResult:
    """Blocks in the order they work, and recipes."""

    blocks: Sequence[BlockShown]
    recipes: Sequence[RecipeShown]

    def as_dict(self) -> dict[str, Any]:
        return {
            "blocks": [asdict(block) for block in self.blocks],
            "recipes": [recipe.as_dict() for recipe in self.recipes],
        }


def blocks(names: str | Sequence[str] = (), *, kind: str | None = None) -> BlocksResult:
    """All blocks and recipes, or those of these names: ``blocks("bert")``, ``blocks(kind="decoder")``.

    kind  ``normalizer``, ``pre-tokenizer``, ``post-processor``, ``decoder`` or ``recipe``

    Raises `UsageError` for a name that nothing has, or nothing of that kind.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    kind = None if kind is None else _kind(kind)
    found = [(each, name) for each in KINDS for name in REGISTRY[each] if kind in (None, each)]
    recipes = list(RECIPES) if kind in (None, "recipe") else []
    _check_names(wanted, [*(name for _, name in found), *recipes], kind)
    return BlocksResult(
        [_shown(each, name) for each, name in found if not wanted or name in wanted],
        [_recipe(name, RECIPES[name]) for name in recipes if not wanted or name in wanted],
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
        raise UsageError(f'--kind: "{text}" is none of {", ".join(choices)}{did_you_mean(text, choices)}')
    return kind


def _check_names(wanted: Iterable[str], known: Sequence[str], kind: str | None) -> None:
    for name in wanted:
        if name not in known:
            of = f" among the {kind.replace('_', '-')}s" if kind else " or recipe"
            raise UsageError(
                f'no block{of} is named "{name}"{did_you_mean(name, known)}', hint="tokkit blocks lists them"
            )


def _shown(kind: str, name: str) -> BlockShown:
    entry = REGISTRY[kind][name]
    text, block = _example(kind, name)
    example = Example(text, entry.shows, _RUN[kind](block, entry))
    return BlockShown(kind, name, entry.summary, entry.parameters, example, _cut(kind, block))


def _example(kind: str, name: str) -> tuple[str, Any]:
    """The block of the example as written, and as an object of `tokenizers`."""
    entry = REGISTRY[kind][name]
    text = f"{name}:{entry.written}" if entry.written else name
    return text, entry.made() if entry.made else sequence(kind, [text], _TOKENS)


def _cut(kind: str, block: Any) -> str | None:
    told = {"normalizer": cutting.of_normalizer, "pre_tokenizer": cutting.of_pre_tokenizer}
    return told[kind](_as_json(block)) if kind in told else None


def _recipe(name: str, recipe: Recipe) -> RecipeShown:
    normalizers, pre_tokenizers = (
        tuple(_as_json(sequence(kind, [text])) for text in texts)
        for kind, texts in (("normalizer", recipe.normalizers), ("pre_tokenizer", recipe.pre_tokenizers))
    )
    return RecipeShown(name, recipe, cutting.Pipeline(normalizers, pre_tokenizers).describe_cuts())


_WORDS = ("[CLS]", "[SEP]", "one", "two", "Ġtwo")
_TOKENS = SpecialTokens(
    {token: number for number, token in enumerate(_WORDS)}, {"cls": "[CLS]", "sep": "[SEP]"}
)
"""The small vocabulary that post-processors are shown with."""


def _normalized(block: Any, entry: Entry) -> str:
    return str(block.normalize_str(entry.shows))


def _split(block: Any, entry: Entry) -> list[str]:
    return [piece for piece, _ in block.pre_tokenize_str(entry.shows)]


def _decoded(block: Any, entry: Entry) -> str:
    return str(block.decode(list(entry.shows)))


def _framed(block: Any, entry: Entry) -> list[str]:
    """The tokens, or of a text alone what stands in it at their offsets."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(dict(_TOKENS.ids), unk_token="one"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = block
    encoding = tokenizer.encode(*entry.shows)
    if len(entry.shows) == 1:
        return [entry.shows[0][start:end] for start, end in encoding.offsets]
    return list(encoding.tokens)


_RUN: Mapping[str, Callable[[Any, Entry], str | list[str]]] = {
    "normalizer": _normalized,
    "pre_tokenizer": _split,
    "post_processor": _framed,
    "decoder": _decoded,
}
