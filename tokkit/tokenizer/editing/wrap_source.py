"""The tokenizer to wrap, from any of the files it may come in, and the settings of its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.sources.paths import is_path, missing
from tokkit.tokenizer.editing.folders import OLDER_FILES, token_text
from tokkit.tokenizer.editing.options import WrapOptions
from tokkit.tokenizer.editing.round_trip import Reference, backend_reference
from tokkit.tokenizer.folder.checkpoints import rebuild_difference
from tokkit.tokenizer.folder.load import (
    ROLES,
    check_distinct_ids,
    check_receipt,
    load_unchecked,
    missing_unknown,
    read_json,
)
from tokkit.tokenizer.folder.tokenizer_folder import CONFIG_FILE, TOKENIZER_FILE, guarded, self_test
from tokkit.tokenizer.sentencepiece.convert import FAIRSEQ, MODEL, ConvertedModel, convert

_MODEL_CONFIG = "config.json"
_MAP_FILE = "special_tokens_map.json"
_FAIRSEQ_ROLES = {"cls": "<s>", "sep": "</s>"}
_UNLIMITED = 1_000_000  # transformers writes 1e30 where it knows no maximum length


@dataclass(frozen=True)
class WrapSource:
    """A tokenizer to wrap.

    name          as the user named it
    backend       the tokenizer, without truncation and padding
    folder, file  where it is; the file it was read from, or would be
    read          all files read
    config        the settings of its `tokenizer_config.json` and `special_tokens_map.json`
    truncated_at  number of tokens it was set to truncate at, None where it was not
    layout        how ids are numbered
    converted     set where it was converted from a `.model`
    """

    name: str
    backend: Tokenizer
    folder: Path
    file: Path
    read: Sequence[Path]
    config: Mapping[str, Any]
    truncated_at: int | None = None
    layout: str = MODEL
    converted: ConvertedModel | None = None

    @property
    def unknown(self) -> str | None:
        """The unknown token of its model."""
        if self.converted is not None:
            return self.converted.unknown
        unknown: str | None = getattr(self.backend.model, "unk_token", None)
        return unknown

    @property
    def roles(self) -> dict[str, str]:
        """Role -> token, from its configuration."""
        roles = dict(_FAIRSEQ_ROLES) if self.layout == FAIRSEQ else {}
        named = {role: token_text(self.config.get(f"{role}_token")) for role in ROLES}
        return roles | {role: token for role, token in named.items() if token is not None}

    @property
    def max_length(self) -> int | None:
        """Maximum number of tokens of its model, from its configuration."""
        longest = self.config.get("model_max_length")
        return int(longest) if isinstance(longest, int | float) and 0 < longest < _UNLIMITED else None

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """Inputs of its model, from its configuration."""
        names = self.config.get("model_input_names")
        return tuple(map(str, names)) if isinstance(names, list) and names else None

    @property
    def reference(self) -> Reference:
        """What its ids are verified against."""
        if self.converted is None:
            return backend_reference(self.backend)
        return Reference("SentencePiece", self.converted.expected_ids)

    def rebuild_difference(self) -> str | None:
        """How `AutoTokenizer` reads its folder other than its `tokenizer.json`; None where it does not."""
        described = any((self.folder / file).is_file() for file in (CONFIG_FILE, _MODEL_CONFIG))
        if self.file.name != TOKENIZER_FILE or not self.file.is_file() or not described:
            return None
        return rebuild_difference(self.folder, self.backend)


def load_wrap_source(name: str, options: WrapOptions, progress: Progress) -> WrapSource:
    """The tokenizer of that path, or of that name on the hub.

    Raises `InputError` for what is not a tokenizer, also where the library panics on it; `UsageError` where
    ``options`` do not fit it.
    """
    path = Path(name)
    is_folder = is_path(path) and path.is_dir()
    if path.suffix == ".model" and not is_folder:
        return _load_sentencepiece(name, path, options, progress)
    if is_folder and not any((path / file).exists() for file in (TOKENIZER_FILE, *OLDER_FILES)):
        models = sorted(file for file in path.iterdir() if file.suffix == ".model" and file.is_file())
        if len(models) > 1:
            raise UsageError(
                f"{name}: holds {len(models)} models: {', '.join(file.name for file in models)}",
                hint=f"name one: tokkit wrap {models[0]}",
            )
        if models:
            return _load_sentencepiece(name, models[0], options, progress)
    if options.layout is not None:
        raise UsageError(f"--layout: {name} is not a .model of SentencePiece", hint="leave --layout out")
    return _load_tokenizer(name, options, progress)


def _load_tokenizer(name: str, options: WrapOptions, progress: Progress) -> WrapSource:
    loaded = load_unchecked(name, progress)
    _set_unknown(loaded.backend, options.unk_token, name)
    check_distinct_ids(loaded.backend, name)
    check_receipt(loaded)
    # a tokenizer on which the library panics must fail here, before anything is written
    with guarded(name):
        self_test(loaded.backend)
    # `load_unchecked` turned these off; the file still says whether they were set
    stored = read_json(loaded.file)
    truncation = stored.get("truncation")
    for setting in (setting for setting in ("truncation", "padding") if stored.get(setting)):
        progress.say(f"{name}: dropped the {setting} stored in it: callers request it themselves")
    candidates = (*OLDER_FILES, CONFIG_FILE, _MAP_FILE)
    return WrapSource(
        name=name,
        backend=loaded.backend,
        folder=loaded.folder,
        file=loaded.file,
        read=_existing(loaded.file, *(loaded.folder / file for file in candidates)),
        config=_read_configuration(loaded.folder),
        truncated_at=truncation.get("max_length") if isinstance(truncation, dict) else None,
    )


def _set_unknown(backend: Tokenizer, requested: str | None, name: str) -> None:
    """Set the model's unknown token to the requested one where its own is not in its vocabulary."""
    absent = missing_unknown(backend)
    if absent is not None:
        if requested is None or backend.token_to_id(requested) is None:
            raise InputError(
                f'{name}: its unknown token "{absent}" is not in its vocabulary',
                hint="name one that is: --unk-token TOKEN",
            )
        backend.model.unk_token = requested
    own = getattr(backend.model, "unk_token", None)
    if None not in (own, requested) and own != requested:
        raise UsageError(
            f'--unk-token: {name}: its model knows "{own}" as the unknown token, not "{requested}"',
            hint="leave --unk-token out",
        )


def _load_sentencepiece(name: str, path: Path, options: WrapOptions, progress: Progress) -> WrapSource:
    if not is_path(path):
        raise missing(path)
    if not path.is_file():
        raise InputError(f"{name}: not a file")
    config = _read_configuration(path.parent)
    layout = options.layout or MODEL
    if options.layout is None and _is_xlm_roberta(path.parent, config):
        layout = FAIRSEQ
        progress.say(f"{name}: the configuration next to it is of XLM-R: ids are numbered as fairseq does")
    converted = convert(path, layout)
    return WrapSource(
        name=name,
        backend=converted.backend,
        folder=path.parent,
        file=path,
        read=_existing(path, path.parent / CONFIG_FILE, path.parent / _MAP_FILE),
        config=config,
        layout=layout,
        converted=converted,
    )


def _existing(*paths: Path) -> list[Path]:
    return [path for path in paths if path.is_file()]


def _read_configuration(folder: Path) -> dict[str, Any]:
    return {**read_json(folder / _MAP_FILE), **read_json(folder / CONFIG_FILE)}


def _is_xlm_roberta(folder: Path, config: Mapping[str, Any]) -> bool:
    tokenizer_class = str(config.get("tokenizer_class") or "")
    model_type = read_json(folder / _MODEL_CONFIG).get("model_type")
    return tokenizer_class.startswith("XLMRoberta") or model_type == "xlm-roberta"
