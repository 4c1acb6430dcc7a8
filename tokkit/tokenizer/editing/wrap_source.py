"""A tokenizer as it came, whatever it came as, and what the files beside it say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, UsageError
from tokkit.progress import Progress
from tokkit.sources.paths import is_path, missing
from tokkit.tokenizer.editing.proof import Reference, of_backend
from tokkit.tokenizer.editing.wrap_options import WrapOptions
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

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODEL_CONFIG = "config.json"
_MAP_FILE = "special_tokens_map.json"
_OLDER_FILES = ("vocab.txt", "vocab.json", "merges.txt")
_FAIRSEQ_ROLES = {"cls": "<s>", "sep": "</s>"}
_UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Source:
    """name       what the user calls it
    backend       the tokenizer, without truncation and padding
    folder        where it stands; file: the one it was read from, or would be
    read          its files
    config        of its `tokenizer_config.json` and `special_tokens_map.json`
    cut_at        tokens it was set to cut texts at, None where it was not
    layout        how ids are numbered
    converted     where it was made of a `.model`
    """

    name: str
    backend: Tokenizer
    folder: Path
    file: Path
    read: Sequence[Path]
    config: Mapping[str, Any]
    cut_at: int | None = None
    layout: str = MODEL
    converted: ConvertedModel | None = None

    @property
    def unknown(self) -> str | None:
        """The unknown token of its model."""
        if self.converted is not None:
            return self.converted.unknown
        named: str | None = getattr(self.backend.model, "unk_token", None)
        return named

    @property
    def roles(self) -> dict[str, str]:
        """role -> token, as its configuration names them."""
        found = dict(_FAIRSEQ_ROLES) if self.layout == FAIRSEQ else {}
        for role in ROLES:
            token = self.config.get(f"{role}_token")
            token = token.get("content") if isinstance(token, Mapping) else token
            if isinstance(token, str):
                found[role] = token
        return found

    @property
    def max_length(self) -> int | None:
        """Tokens a model of it takes, as its configuration says."""
        longest = self.config.get("model_max_length")
        known = isinstance(longest, int | float) and 0 < longest < _UNLIMITED
        return int(longest) if known else None  # type: ignore[arg-type]

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """What its model is fed with, as its configuration says."""
        names = self.config.get("model_input_names")
        return tuple(map(str, names)) if isinstance(names, list) and names else None

    @property
    def reference(self) -> Reference:
        """What its ids are proven against."""
        if self.converted is None:
            return of_backend(self.backend)
        return Reference("SentencePiece", self.converted.expected_ids)

    def rebuilt(self) -> str | None:
        """How `AutoTokenizer` reads its folder otherwise than its `tokenizer.json` says; None where not."""
        described = any((self.folder / each).is_file() for each in (CONFIG_FILE, MODEL_CONFIG))
        if self.file.name != TOKENIZER_FILE or not self.file.is_file() or not described:
            return None
        return rebuild_difference(self.folder, self.backend)


def source_of(name: str, spec: WrapOptions, progress: Progress) -> Source:
    """The tokenizer of that path, or of that name on the hub.

    Raises `InputError` for what is none, also where the library panics on it; `UsageError` where ``spec``
    asks of it what cannot be.
    """
    path = Path(name)
    if path.suffix == ".model" and not (is_path(path) and path.is_dir()):
        return _of_model(name, path, spec, progress)
    if is_path(path) and path.is_dir() and not _holds_tokenizer(path):
        models = sorted(each for each in path.iterdir() if each.suffix == ".model" and each.is_file())
        if len(models) > 1:
            raise UsageError(
                f"{name}: holds {len(models)} models: {', '.join(each.name for each in models)}",
                hint=f"name one: tokkit wrap {models[0]}",
            )
        if models:
            return _of_model(name, models[0], spec, progress)
    if spec.layout is not None:
        raise UsageError(f"--layout: {name} is no .model of SentencePiece", hint="leave --layout out")
    return _of_tokenizer(name, spec, progress)


def _holds_tokenizer(folder: Path) -> bool:
    return any((folder / each).exists() for each in (TOKENIZER_FILE, *_OLDER_FILES))


def _of_tokenizer(name: str, spec: WrapOptions, progress: Progress) -> Source:
    loaded = load_unchecked(name, progress)
    _set_unknown(loaded.backend, spec.unk_token, name)
    check_distinct_ids(loaded.backend, name)
    check_receipt(loaded)
    with guarded(name):
        self_test(loaded.backend)
    stored = read_json(loaded.file)
    cut_at = stored.get("truncation")
    for setting in (setting for setting in ("truncation", "padding") if stored.get(setting)):
        progress.say(f"{name}: its {setting} was stored in it and is left out: callers ask for it themselves")
    beside = (*_OLDER_FILES, CONFIG_FILE, _MAP_FILE)
    held = (loaded.file, *(loaded.folder / each for each in beside))
    return Source(
        name,
        loaded.backend,
        loaded.folder,
        loaded.file,
        [path for path in held if path.is_file()],
        _configuration(loaded.folder),
        cut_at.get("max_length") if isinstance(cut_at, dict) else None,
    )


def _set_unknown(backend: Tokenizer, asked: str | None, name: str) -> None:
    """The model's unknown token is the one asked for, where its own is not in its vocabulary."""
    lacking = missing_unknown(backend)
    if lacking is not None:
        if asked is None or backend.token_to_id(asked) is None:
            raise InputError(
                f'{name}: its unknown token "{lacking}" is not in its vocabulary',
                hint="name one that is: --unk-token TOKEN",
            )
        backend.model.unk_token = asked
    own = getattr(backend.model, "unk_token", None)
    if None not in (own, asked) and own != asked:
        raise UsageError(
            f'--unk-token: {name}: its model knows "{own}" as the unknown token, not "{asked}"',
            hint="leave --unk-token out",
        )


def _of_model(name: str, path: Path, spec: WrapOptions, progress: Progress) -> Source:
    if not is_path(path):
        raise missing(path)
    if not path.is_file():
        raise InputError(f"{name}: is no file")
    config = _configuration(path.parent)
    layout = spec.layout or MODEL
    if spec.layout is None and _is_xlm_roberta(path.parent, config):
        layout = FAIRSEQ
        progress.say(f"{name}: the configuration beside it is XLM-R's: ids are numbered as fairseq does")
    converted = convert(path, layout)
    beside = (path, path.parent / CONFIG_FILE, path.parent / _MAP_FILE)
    return Source(
        name,
        converted.backend,
        path.parent,
        path,
        [each for each in beside if each.is_file()],
        config,
        layout=layout,
        converted=converted,
    )


def _configuration(folder: Path) -> dict[str, Any]:
    return {**read_json(folder / _MAP_FILE), **read_json(folder / CONFIG_FILE)}


def _is_xlm_roberta(folder: Path, config: Mapping[str, Any]) -> bool:
    named = str(config.get("tokenizer_class") or "")
    return (
        named.startswith("XLMRoberta") or read_json(folder / MODEL_CONFIG).get("model_type") == "xlm-roberta"
    )
