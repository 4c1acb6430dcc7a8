"""A new vocabulary for an old tokenizer: `train-bpe --from` keeps its blocks, special tokens and settings.

Kept: normalizer, pre-tokenizer, post-processor, decoder, special tokens with their flags, and the settings of
the model. New: vocabulary, merges, and therefore every id, also those in the post-processor. Special tokens
come first, in the order of their old ids. Added tokens that are not special are dropped, as transformers'
``train_new_from_iterator`` does: they are words of another corpus.

    GPT-2: <|endoftext|> is 50256    ->    <|endoftext|> is 0, then 256 bytes, then what is learned
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tokkit import files
from tokkit.corpus.cutting import Pipeline
from tokkit.errors import UsageError, counted
from tokkit.options import flag
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.blocks.post_processors import tokens_in, with_ids
from tokkit.tokenizer.folder import tokenizer_folder as folder
from tokkit.tokenizer.folder.class_settings import complete, settings_to_write
from tokkit.tokenizer.folder.load import LoadedTokenizer, load
from tokkit.tokenizer.training.blueprint import (
    UntrainedTokenizer,
    check_alphabet,
    check_tokens,
    with_trained,
)
from tokkit.tokenizer.training.trainer_options import TrainerOptions

Content = Mapping[str, Any]

# settings that the old tokenizer determines, so that they are refused together with it
INHERITED = (
    *("recipe", "normalizer", "pre_tokenizer", "post_processor", "decoder"),
    *("unk_token", "prefix", "suffix", "max_word_characters"),
)

_TRAINED_BY = {
    "BPE": "tokkit train-bpe",
    "Unigram": "tokkit train-unigram",
    "WordLevel": "tokkit train-word",
    "WordPiece": "tokkit train-wordpiece",
}
_TAKES_FROM = ("BPE", "WordPiece")
_FILES = (folder.TOKENIZER_FILE, "vocab.json", "vocab.txt")


@dataclass(frozen=True, kw_only=True)
class Inherited(UntrainedTokenizer):
    """What a new tokenizer takes over from an old one.

    content   the old tokenizer as JSON, its model without vocabulary, merges and dropout
    added     special tokens in the order of their new ids, each as `tokenizers` writes it to JSON
    """

    content: Content
    added: Sequence[Content]

    def skeleton(self) -> Tokenizer:
        bare: Content = {"added_tokens": [], "post_processor": None, "decoder": None}
        return Tokenizer.from_str(json.dumps({**self.content, **bare}))

    def finish(self, trained: Content) -> Tokenizer:
        # a post-processor names its tokens by id, too: old ids would go stale (transformers issue 30752)
        ids = trained["vocab"]
        content = {
            **self.content,
            "added_tokens": [{**token, "id": ids[token["content"]]} for token in self.added],
            "post_processor": with_ids(self.content["post_processor"], ids),
            "model": with_trained(self.content["model"], trained),
        }
        return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def inherit(
    name: str | Path, options: TrainerOptions, progress: Progress = SILENT
) -> tuple[Inherited, list[Path]]:
    """What is taken over from the tokenizer at a path (or on the hub), and its files.

    Raises `UsageError` for a tokenizer of another family and for settings that it determines,
    `InputError` for what is no tokenizer.
    """
    _check_settings(options)
    source = complete(load(name, progress, distinct_ids=False))
    content = json.loads(source.backend.to_str())
    _check_family(str(name), content["model"]["type"], options.family)
    added = _special_tokens(source, content, options.special_token)
    special = tuple(token["content"] for token in added)
    if dropped := [token["content"] for token in content["added_tokens"] if token["content"] not in special]:
        names = ", ".join(dropped[:5]) + (" ..." if dropped[5:] else "")
        progress.say(f"{name}: dropped {counted(len(dropped), 'added token')}, not special: {names}")
    paths = [path for path in (Path(name), *(source.folder / file for file in _FILES)) if path.is_file()]
    model = content["model"]
    pipeline = Pipeline.in_content(content)
    inherited = Inherited(
        content={**content, "model": _emptied(model)},
        added=added,
        family=model["type"],
        prefix=model.get("continuing_subword_prefix"),
        suffix=model.get("end_of_word_suffix"),
        special_tokens=special,
        roles=source.special,
        byte_level=any(b["type"] == "ByteLevel" for b in (*pipeline.normalizers, *pipeline.pre_tokenizers)),
        byte_fallback=bool(model.get("byte_fallback")),
        model_max_length=options.max_length or source.max_length,
        settings=settings_to_write(source.config, source.special, options.special_token),
        origin={"from": files.describe_input(paths[0])} if paths else {},
    )
    check_alphabet(options, inherited)
    return inherited, paths[:1]


def _check_settings(options: TrainerOptions) -> None:
    check_tokens("--special-token", options.special_token)
    for name in INHERITED:
        if getattr(options, name, None) != getattr(type(options), name, None):
            raise UsageError(
                f"{flag(name)}: cannot be combined with --from, which takes it over from the old tokenizer",
                hint="leave out one of the two",
            )


def _check_family(name: str, family: str, wanted: str) -> None:
    if family != wanted:
        fitting = _TRAINED_BY[family]
        raise UsageError(
            f"{name}: its model is {family}, not {wanted}",
            hint=f"take the command that fits:\n{fitting} ..."
            if family in _TAKES_FROM
            else f"the command that fits takes no --from: {fitting.removeprefix('tokkit ')}",
        )


def _emptied(model: Content) -> dict[str, Any]:
    empty: Content = {"vocab": {}, "merges": [], "dropout": None}
    return {name: empty.get(name, value) for name, value in model.items()}


def _special_tokens(source: LoadedTokenizer, content: Content, further: Sequence[str]) -> list[Content]:
    """Special tokens by their old ids, those without one after them, ``further`` last.

    A token of a role, of the model or of the post-processor is special, whether or not it was added as such.
    """
    added = {token["content"]: token for token in content["added_tokens"]}
    named = [token for token, entry in added.items() if entry["special"]]
    named += [*source.special.values(), *tokens_in(content["post_processor"])]
    if (unknown := content["model"].get("unk_token")) is not None:
        named.append(unknown)
    ids = {token: source.backend.token_to_id(token) for token in named}
    # by their old ids, so that special tokens that came first keep their ids
    ordered = sorted(ids, key=lambda token: (ids[token] is None, ids[token] or 0))
    return [_as_special(token, added.get(token)) for token in dict.fromkeys((*ordered, *further))]


def _as_special(token: str, entry: Content | None) -> Content:
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    return {"content": token, **{name: bool(entry and entry[name]) for name in flags}, "special": True}
