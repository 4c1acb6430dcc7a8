"""The tokenizer to wrap, from any of the files it may come in, and the settings of its configuration."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from tokkit.errors import InputError, UsageError, counted
from tokkit.progress import Progress
from tokkit.runtime.panics import guarded
from tokkit.sources.corpora import corpora_path
from tokkit.sources.paths import is_path, missing
from tokkit.tokenizer.editing.folders import OLDER_FILES
from tokkit.tokenizer.editing.options import WrapOptions
from tokkit.tokenizer.editing.round_trip import Reference, reference_of
from tokkit.tokenizer.folder.checkpoints import rebuild_difference
from tokkit.tokenizer.folder.class_settings import complete
from tokkit.tokenizer.folder.load import (
    ROLES_FILE,
    TokenizerConfig,
    check_distinct_ids,
    check_receipt,
    load_unchecked,
    missing_unknown,
    read_json,
)
from tokkit.tokenizer.folder.tokenizer_folder import CONFIG_FILE, TOKENIZER_FILE, self_test
from tokkit.tokenizer.sentencepiece.convert import FAIRSEQ, MODEL, convert

_MODEL_CONFIG = "config.json"


@dataclass(frozen=True)
class WrapSource:
    """A tokenizer to wrap.

    name          as the user named it
    backend       the tokenizer, without truncation and padding
    file          the file it was read from, or would be
    read          all files read
    config        the configuration next to it
    unknown       the unknown token of its model
    reference     what its ids are verified against
    truncated_at  number of tokens it was set to truncate at, None where it was not
    layout        how ids are numbered
    has_ties      whether its reference decides between equally likely segmentations in a way of its own
    """

    name: str
    backend: Tokenizer
    file: Path
    read: Sequence[Path]
    config: TokenizerConfig
    unknown: str | None
    reference: Reference
    truncated_at: int | None = None
    layout: str = MODEL
    has_ties: bool = False

    @property
    def roles(self) -> dict[str, str]:
        """Role -> token, from its configuration."""
        by_layout = {"cls": "<s>", "sep": "</s>"} if self.layout == FAIRSEQ else {}
        return by_layout | self.config.roles

    def default_check(self) -> list[Path]:
        """Texts to verify ids on where none are named: for a converted tokenizer the shipped corpora."""
        return sorted(corpora_path().glob("*.txt")) if self.file.suffix == ".model" else []

    def rebuild_difference(self) -> str | None:
        """How `AutoTokenizer` reads its folder other than its `tokenizer.json`; None where it does not."""
        described = any(self.file.with_name(file).is_file() for file in (CONFIG_FILE, _MODEL_CONFIG))
        if self.file.name != TOKENIZER_FILE or not self.file.is_file() or not described:
            return None
        return rebuild_difference(self.file.parent, self.backend)


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
                f"{name}: holds {counted(len(models), 'model')}: {', '.join(file.name for file in models)}",
                hint=f"name one:\ntokkit wrap {shlex.quote(str(models[0]))} -o wrapped/",
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
    for setting in ("truncation", "padding"):
        if stored.get(setting):
            progress.say(f"{name}: dropped the {setting} stored in it: callers request it themselves")
    return WrapSource(
        name=name,
        backend=loaded.backend,
        file=loaded.file,
        read=_existing(loaded.file, *OLDER_FILES, CONFIG_FILE, ROLES_FILE),
        # a lone file says nothing of inputs: the template that is written decides
        config=complete(loaded).config if loaded.config.has_own_class else loaded.config,
        unknown=getattr(loaded.backend.model, "unk_token", None),
        reference=reference_of(loaded.backend),
        truncated_at=truncation.get("max_length") if isinstance(truncation, dict) else None,
    )


def _set_unknown(backend: Tokenizer, requested: str | None, name: str) -> None:
    """Set the model's unknown token to the requested one where its own is not in its vocabulary."""
    absent = missing_unknown(backend)
    if absent is not None:
        if requested is None or backend.token_to_id(requested) is None:
            raise InputError(
                f'{name}: its unknown token "{absent}" is not in its vocabulary',
                hint="name one that is (--unk-token)",
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
    config = TokenizerConfig.read(path.parent)
    layout = options.layout or MODEL
    if options.layout is None and _is_xlm_roberta(path.parent, config):
        layout = FAIRSEQ
        progress.say(f"{name}: the configuration next to it is of XLM-R: ids are numbered as fairseq does")
    converted = convert(path, layout)
    return WrapSource(
        name=name,
        backend=converted.backend,
        file=path,
        read=_existing(path, CONFIG_FILE, ROLES_FILE),
        config=config,
        unknown=converted.unknown,
        reference=Reference("SentencePiece", converted.expected_ids, converted.is_tie),
        layout=layout,
        has_ties=converted.is_unigram,
    )


def _existing(file: Path, *others: str) -> list[Path]:
    """The file and the others next to it, those that exist."""
    return [path for path in (file, *map(file.with_name, others)) if path.is_file()]


def _is_xlm_roberta(folder: Path, config: TokenizerConfig) -> bool:
    tokenizer_class = str(config.settings.get("tokenizer_class") or "")
    model_type = read_json(folder / _MODEL_CONFIG).get("model_type")
    return tokenizer_class.startswith("XLMRoberta") or model_type == "xlm-roberta"
