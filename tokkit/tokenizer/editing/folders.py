"""The folders that `add-tokens`, `trim` and `wrap` read and write: a tokenizer, and a model with it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tokkit import files
from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.tokenizer.blocks.post_processors import token_ids
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.checkpoints import checkpoint_path, load_with_transformers
from tokkit.tokenizer.folder.class_settings import complete, settings_to_write
from tokkit.tokenizer.folder.load import (
    LoadedTokenizer,
    load,
    read_json,
)
from tokkit.tokenizer.folder.weight_headers import weight_files

# Files of tokenizers without a `tokenizer.json`.
OLDER_FILES = ("vocab.txt", "vocab.json", "merges.txt")

_TEMPLATE_FILE = "chat_template.jinja"

Json = Mapping[str, Any]

# Fields of a result that are paths of the output.
_OUTPUT_PATHS = ("tokenizer", "model", "id_map")


@dataclass(frozen=True)
class EditSource:
    """What an edit starts from.

    checkpoint   folder of the model, None where only a tokenizer is edited
    model_name   the model as the user named it
    files        the files read
    """

    tokenizer: LoadedTokenizer
    checkpoint: Path | None
    model_name: str
    files: list[Path]


def load_source(tokenizer: str | Path | None, model: str | Path | None, progress: Progress) -> EditSource:
    """Load and check the tokenizer to edit, the model's own where none is named, and find the checkpoint.

    Raises `UsageError` where neither is named, and for the folder of a model that is named as a tokenizer
    only; `InputError` for a tokenizer that cannot be edited and for a
    checkpoint that cannot be loaded safely.
    """
    checkpoint = None if model is None else checkpoint_folder(model, progress)
    name = tokenizer if tokenizer is not None else checkpoint
    if name is None:
        raise UsageError("name a tokenizer, or a model to use its own: --model")
    if checkpoint is None and Path(name).is_dir() and weight_files(Path(name)):
        raise UsageError(
            f"{name}: has the weights of a model, which would not fit the edited tokenizer",
            hint="edit both, or name its tokenizer.json to edit that alone:\n"
            f"--model {shlex.quote(str(name))}",
        )
    loaded = complete(load(name, progress))
    _check_template(loaded, name)
    # a tokenizer without tokenizer.json was built from its older files
    read = [loaded.file] if loaded.file.is_file() else [loaded.folder / file for file in OLDER_FILES]
    read = [path for path in (*read, loaded.folder / tokenizer_folder.CONFIG_FILE) if path.is_file()]
    return EditSource(loaded, checkpoint, str(model), read if checkpoint is None else [*read, checkpoint])


def _check_template(loaded: LoadedTokenizer, name: str | Path) -> None:
    """Raise `InputError` where the post-processor gives a special token the id of another one."""
    processor = json.loads(loaded.backend.to_str())["post_processor"]
    for token, id_ in token_ids(processor):
        own_id = loaded.backend.token_to_id(token)
        if own_id != id_:
            reality = "is not in its vocabulary" if own_id is None else f"has the id {own_id}"
            raise InputError(
                f'{loaded.file}: its template adds "{token}" as id {id_}, but that token {reality}',
                hint=f"repair the ids of its template:\ntokkit wrap {shlex.quote(str(name))} -o wrapped/",
            )


def checkpoint_folder(name: str | Path, progress: Progress) -> Path:
    """The folder of a checkpoint that can be loaded without running code; one of the hub is downloaded.

    Raises `InputError` for what is not a checkpoint, for an index that names files outside it, and for
    adapters, quantized weights, and weights that are not safetensors.
    """
    folder = Path(checkpoint_path(name, progress))
    if (folder / "adapter_config.json").exists():
        raise InputError(f"{name}: is an adapter, not a model", hint="merge it into its model first")
    if "quantization_config" in read_json(folder / "config.json"):
        raise InputError(
            f"{name}: its weights are quantized, so its embeddings cannot be resized",
            hint="name the model as it was before it was quantized",
        )
    # pickled weights can run code when they are loaded
    if not weight_files(folder):
        raise InputError(
            f"{name}: has no model.safetensors, and tokkit reads no pickled weights",
            hint="save the model again with save_pretrained of a recent transformers",
        )
    return folder


def write_tokenizer(
    staging: Path, tokenizer: LoadedTokenizer, extra_special: Sequence[str] = (), texts: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Write the tokenizer with the settings it came with, read it back, and return its self-test.

    extra_special  special tokens without a role, in addition to those of its configuration
    texts          for which `AutoTokenizer` must give the same ids too, where a model is in the folder

    Raises `InputError` where it does not.
    """
    tokenizer_folder.write_tokenizer(staging, tokenizer.backend)
    settings = settings_to_write(tokenizer.config, tokenizer.special, extra_special)
    tokenizer_folder.write_config(staging, tokenizer.max_length, settings)
    if (template := tokenizer.folder / _TEMPLATE_FILE).is_file():
        files.copy_inner(template, staging / _TEMPLATE_FILE, tokenizer.folder)
    self_test = tokenizer_folder.self_test(tokenizer.backend)
    tokenizer_folder.verify(staging, self_test)
    if (staging / "config.json").exists():
        plain_texts = [sample["text"] for sample in self_test if "pair" not in sample]
        _check_loads(staging, tokenizer.backend, [*texts, *plain_texts])
    return self_test


def _check_loads(staging: Path, backend: Tokenizer, texts: Sequence[str]) -> None:
    """Raise `InputError` where `AutoTokenizer` gives a text other ids than the tokenizer itself.

    For some classes that a `config.json` implies, it rebuilds the pipeline from the vocabulary alone.
    """
    loaded = load_with_transformers(staging, "AutoTokenizer")
    for text in texts:
        if loaded(text)["input_ids"] != backend.encode(text).ids:
            raise InputError(
                f"AutoTokenizer gives {text!r} other ids than tokenizer.json: it rebuilds the tokenizer from "
                "the model's configuration"
            )


def write_receipt(
    staging: Path,
    command: str,
    result: Json,
    settings: Json,
    *,
    inputs: Sequence[Path],
    packages: Sequence[str],
    sources: Json,
) -> None:
    """Write the receipt of an edit, without the paths of its output: the same work gives the same receipt.

    sources   argument or option -> the files that it names; settings have them by their names alone
    """
    files.write_receipt(
        staging,
        command=command,
        settings=settings,
        inputs=inputs,
        packages=packages,
        sources=sources,
        result={name: value for name, value in result.items() if name not in _OUTPUT_PATHS},
        run={},
    )
