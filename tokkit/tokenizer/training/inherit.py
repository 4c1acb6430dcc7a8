"""A new vocabulary for an old tokenizer: its blocks, special tokens and settings, as `train-bpe --from` asks.

What stays: normalizer, pre-tokenizer, post-processor, decoder, special tokens with their flags, and the
settings of the model. What is new: vocabulary, merges, and therefore every id, also those that the
post-processor holds. Special tokens come first, in the order of their old ids. Added tokens that are not
special are left out, as by transformers' ``train_new_from_iterator``: they were words of another corpus.

    GPT-2: <|endoftext|> is 50256    ->    <|endoftext|> is 0, then 256 bytes, then what is learned
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.corpus.cutting import Pipeline
from tokkit.errors import UsageError
from tokkit.options import flag
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder import tokenizer_folder as folder
from tokkit.tokenizer.folder.load import LoadedTokenizer, load
from tokkit.tokenizer.training.blueprint import (
    BYTE_FALLBACK_TOKENS,
    byte_characters,
    check_alphabet,
    check_tokens,
    with_trained,
)
from tokkit.tokenizer.training.trainer_options import TrainerOptions

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Content = Mapping[str, Any]

BROUGHT = (
    *("recipe", "normalizer", "pre_tokenizer", "post_processor", "decoder"),
    *("unk_token", "prefix", "suffix", "max_word_characters"),
)
"""Settings that the old tokenizer brings, so that they cannot be asked for beside it."""

_TRAINED_BY = {
    "BPE": "tokkit train-bpe",
    "Unigram": "tokkit train-unigram",
    "WordLevel": "tokkit train-word",
    "WordPiece": "tokkit train-wordpiece",
}
_TAKES_FROM = ("BPE", "WordPiece")
_FILES = (folder.TOKENIZER_FILE, "vocab.json", "vocab.txt")


@dataclass(frozen=True)
class Inherited:
    """What an old tokenizer leaves to a new one (`blueprint.Untrained`).

    content   the old tokenizer as JSON, its model without vocabulary, merges and dropout
    added     special tokens in the order of their new ids, each as `tokenizers` writes it to JSON
    """

    content: Content
    added: Sequence[Content]
    roles: Mapping[str, str]
    model_max_length: int | None
    model_input_names: tuple[str, ...]
    origin: Mapping[str, Any]

    @property
    def family(self) -> str:
        return str(self.content["model"]["type"])

    @property
    def prefix(self) -> str | None:
        return self.content["model"].get("continuing_subword_prefix")

    @property
    def suffix(self) -> str | None:
        return self.content["model"].get("end_of_word_suffix")

    @property
    def special_tokens(self) -> tuple[str, ...]:
        return tuple(token["content"] for token in self.added)

    @property
    def reserved(self) -> tuple[str, ...]:
        fallback = BYTE_FALLBACK_TOKENS if self.content["model"].get("byte_fallback") else ()
        return tuple(dict.fromkeys((*self.special_tokens, *fallback)))

    @property
    def byte_level(self) -> bool:
        pipeline = Pipeline.of(json.dumps(self.content))
        blocks = (*pipeline.normalizers, *pipeline.pre_tokenizers)
        return any(block["type"] == "ByteLevel" for block in blocks)

    @property
    def alphabet(self) -> tuple[str, ...]:
        return byte_characters() if self.byte_level else ()

    def skeleton(self) -> Tokenizer:
        from tokenizers import Tokenizer

        bare: Content = {"added_tokens": [], "post_processor": None, "decoder": None}
        return Tokenizer.from_str(json.dumps({**self.content, **bare}))

    def finish(self, trained: Content) -> Tokenizer:
        from tokenizers import Tokenizer

        ids = trained["vocab"]
        content = {
            **self.content,
            "added_tokens": [{**token, "id": ids[token["content"]]} for token in self.added],
            "post_processor": with_ids(self.content["post_processor"], ids),
            "model": with_trained(self.content["model"], trained),
        }
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def inherit(
    name: str | Path, spec: TrainerOptions, progress: Progress = SILENT
) -> tuple[Inherited, list[Path]]:
    """What the tokenizer at a path (or on the hub) leaves to the one ``spec`` asks for, and its files.

    Raises `UsageError` for a tokenizer of another family and for settings that it brings itself,
    `InputError` for what is no tokenizer.
    """
    _check_settings(spec)
    source = load(name, progress)
    content = json.loads(source.backend.to_str())
    _check_family(str(name), content["model"]["type"], spec.family)
    added = _special_tokens(source, content, spec.special_token)
    kept = {token["content"] for token in added}
    if left_out := [each["content"] for each in content["added_tokens"] if each["content"] not in kept]:
        some = ", ".join(left_out[:5]) + (" ..." if left_out[5:] else "")
        progress.say(f"{name}: {len(left_out)} added tokens that are not special are left out: {some}")
    held = [path for path in (Path(name), *(source.folder / each for each in _FILES)) if path.is_file()]
    inherited = Inherited(
        content={**content, "model": _emptied(content["model"])},
        added=added,
        roles=source.special,
        model_max_length=spec.max_length or source.max_length,
        model_input_names=source.input_names,
        origin={"from": files.describe_input(held[0])} if held else {},
    )
    check_alphabet(spec, inherited)
    return inherited, held[:1]


def _check_settings(spec: TrainerOptions) -> None:
    check_tokens("--special-token", spec.special_token)
    for name in BROUGHT:
        if getattr(spec, name, None) != getattr(type(spec), name, None):
            raise UsageError(
                f"{flag(name)}: cannot stand beside --from, which takes it over from the old tokenizer",
                hint=f"leave out one of the two: {flag(name)} or --from",
            )


def _check_family(name: str, found: str, wanted: str) -> None:
    if found != wanted:
        fitting = _TRAINED_BY[found] + (f" --from {name}" if found in _TAKES_FROM else "")
        raise UsageError(
            f"{name}: its model is {found}, not {wanted}; the command that fits is {fitting}",
            hint=f"{fitting} corpus.txt",
        )


def _emptied(model: Content) -> dict[str, Any]:
    empty: Content = {"vocab": {}, "merges": [], "dropout": None}
    return {name: empty.get(name, value) for name, value in model.items()}


def _special_tokens(source: LoadedTokenizer, content: Content, further: Sequence[str]) -> list[Content]:
    """Special tokens by their old ids, those without one after them, ``further`` last.

    What a role, the model or the post-processor names is special, whether or not it was added as such.
    """
    added = {token["content"]: token for token in content["added_tokens"]}
    named = [token for token, entry in added.items() if entry["special"]]
    named += [*source.special.values(), *tokens_in(content["post_processor"])]
    if (unknown := content["model"].get("unk_token")) is not None:
        named.append(unknown)
    ids = {token: source.backend.token_to_id(token) for token in named}
    ordered = sorted(ids, key=lambda token: (ids[token] is None, ids[token] or 0))
    return [_as_special(token, added.get(token)) for token in dict.fromkeys((*ordered, *further))]


def _as_special(token: str, entry: Content | None) -> Content:
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    kept = entry or dict.fromkeys(flags, False)
    return {"content": token, **{name: kept[name] for name in flags}, "special": True}


def tokens_in(processor: Content | None) -> Iterator[str]:
    """The special tokens that a post-processor puts around texts."""
    for each in single(processor):
        for entry in each.get("special_tokens", {}).values():
            yield from entry["tokens"]
        yield from (each[name][0] for name in ("cls", "sep") if name in each)


def with_ids(processor: Content | None, ids: Mapping[str, int]) -> Content | None:
    """The post-processor with the ids that its special tokens have now."""
    if processor is None:
        return None
    renewed = dict(processor)
    if "processors" in renewed:
        renewed["processors"] = [with_ids(each, ids) for each in renewed["processors"]]
    if "special_tokens" in renewed:
        renewed["special_tokens"] = {
            name: {**entry, "ids": [ids[token] for token in entry["tokens"]]}
            for name, entry in renewed["special_tokens"].items()
        }
    for name in ("cls", "sep"):
        if name in renewed:
            token = renewed[name][0]
            renewed[name] = [token, ids[token]]
    return renewed


def single(processor: Content | None) -> Iterator[Content]:
    if processor is not None:
        yield processor
        for each in processor.get("processors", ()):
            yield from single(each)
