"""A tokenizer from a folder, a `tokenizer.json` or the hub, with what a model needs to know of it.

`tokenizer.json` is read as it is. `AutoTokenizer` rebuilds the pipeline of some classes and silently gives a
custom tokenizer other ids, so it is used only where there is no `tokenizer.json`.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.errors import InputError
from tokkit.files import Fields
from tokkit.progress import SILENT, Progress, stop_if_cancelled
from tokkit.runtime.panics import guarded, reason_of
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.cost_limits import check_cost
from tokkit.tokenizer.folder.hub_downloads import TOKENIZER_PATTERNS, from_hub

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# A text; a text and its pair; or a list of words, each of which goes through the pipeline by itself.
Row = str | tuple[str, str] | list[str]

ROLES_FILE = "special_tokens_map.json"
ROLES = ("unk", "pad", "cls", "sep", "mask", "bos", "eos")
_BATCH = 1_000
# transformers writes 1e30 where no limit is known; anything this long counts as none.
_UNLIMITED = 1_000_000

# `TokenizersBackend` is the name of `PreTrainedTokenizerFast` from transformers 5 on.
_GENERIC_CLASSES = ("PreTrainedTokenizer", "PreTrainedTokenizerFast", "TokenizersBackend")

# Special tokens without a role: the key of transformers 5, and that of earlier versions.
EXTRA_TOKENS = ("extra_special_tokens", "additional_special_tokens")
_CORRECT = "correct it there, or copy the tokenizer again"


@dataclass(frozen=True)
class TokenizerConfig:
    """What the files next to a `tokenizer.json` say about it.

    settings    of `tokenizer_config.json`, and of the older `special_tokens_map.json` what the newer lacks
    model_type  from the `config.json` next to it, by which `AutoTokenizer` chooses a class
    """

    settings: Mapping[str, Any]
    model_type: str | None = None

    @classmethod
    def read(cls, folder: Path) -> TokenizerConfig:
        """The settings in a folder, none where it has no such file.

        Raises `InputError` as `read_json`, and for a setting of a type on which transformers would fail.
        """
        newer = read_json(folder / tokenizer_folder.CONFIG_FILE)
        older = read_json(folder / ROLES_FILE)
        _check_settings(Fields(folder / tokenizer_folder.CONFIG_FILE, newer, _CORRECT))
        _check_settings(Fields(folder / ROLES_FILE, older, _CORRECT))
        return cls({**older, **newer}, read_json(folder / "config.json").get("model_type"))

    @property
    def has_own_class(self) -> bool:
        """Whether transformers picks a class for it that brings special tokens and inputs of its own."""
        class_name = self.settings.get("tokenizer_class")
        return class_name not in _GENERIC_CLASSES if class_name else self.model_type is not None

    @property
    def roles(self) -> dict[str, str]:
        """Role -> token, of the roles that are named."""
        named = {role: token_text(self.settings.get(f"{role}_token")) for role in ROLES}
        return {role: token for role, token in named.items() if token is not None}

    @property
    def max_length(self) -> int | None:
        """Tokens that the model takes."""
        longest = self.settings.get("model_max_length")
        return int(longest) if isinstance(longest, int | float) and 0 < longest < _UNLIMITED else None

    @property
    def input_names(self) -> tuple[str, ...] | None:
        """Inputs of the model."""
        names = self.settings.get("model_input_names")
        return tuple(map(str, names)) if isinstance(names, list) and names else None


@dataclass(frozen=True)
class LoadedTokenizer:
    """A tokenizer and its configuration.

    backend       the `tokenizers.Tokenizer`, truncation and padding off
    special       role -> token, ``{"pad": "[PAD]", ...}``, from the configuration
    max_length    tokens its model takes, special tokens included; None where unknown
    config        what the files next to it say
    folder, file  the folder of its files, and its `tokenizer.json`
    """

    backend: Tokenizer
    special: dict[str, str]
    max_length: int | None
    config: TokenizerConfig
    folder: Path
    file: Path

    @property
    def location(self) -> Path:
        """The path by which another process loads it."""
        return (self.file if self.file.is_file() else self.folder).absolute()

    @property
    def sha256(self) -> str:
        """The hash of its `tokenizer.json`, or of what that would be."""
        if self.file.is_file():
            return files.sha256_of(self.file)
        return hashlib.sha256(self.backend.to_str().encode()).hexdigest()

    @property
    def vocab_size(self) -> int:
        """Rows of the embedding table that it needs: the highest id plus one."""
        return 1 + max(self.backend.get_vocab(with_added_tokens=True).values(), default=-1)

    def id_of(self, role: str) -> int | None:
        """Id of the pad, unk, ... token; None where there is none."""
        token = self.special.get(role)
        return None if token is None else self.backend.token_to_id(token)

    def encodings(
        self,
        rows: Sequence[Row],
        max_length: int | None = None,
        *,
        special: bool = True,
        offsets: bool = False,
        progress: Progress = SILENT,
    ) -> Iterator[Any]:
        """The `tokenizers.Encoding` of each row, truncated at ``max_length`` tokens.

        special  whether the post-processor adds special tokens
        offsets  whether the encodings of texts have them; those of other rows always do

        Threads may share this without ``max_length``. Raises `InputError` where the tokenizer fails on a row.
        """
        backend = self.backend
        words = bool(rows) and isinstance(rows[0], list)
        # encode_batch_fast gives no segments for a pair without a post-processor
        is_text = bool(rows) and isinstance(rows[0], str)
        encode_batch = backend.encode_batch_fast if is_text and not offsets else backend.encode_batch
        if max_length is not None:
            backend.enable_truncation(max_length)
        try:
            for start in range(0, len(rows), _BATCH):
                stop_if_cancelled(progress)
                batch = list(rows[start : start + _BATCH])
                with guarded(
                    f"{self.folder}: the tokenizer fails on one of these {'words' if words else 'texts'}",
                    hint="it may lack an unknown token; train one on such text",
                ):
                    encodings = encode_batch(batch, is_pretokenized=words, add_special_tokens=special)
                yield from encodings
                progress.advance(len(batch))
        finally:
            # the tokenizer is shared by its users: truncation that stayed on would cut their texts
            if max_length is not None:
                backend.no_truncation()

    def bare_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, without special tokens around it; raises `InputError` as `encodings`."""
        return [encoding.ids for encoding in self.encodings(texts, special=False)]


def load(name: str | Path, progress: Progress = SILENT, *, distinct_ids: bool = True) -> LoadedTokenizer:
    """The tokenizer at a path; a name that is not a path is looked up on the hub, which is reported.

    distinct_ids  whether every token needs an id of its own; what only takes over blocks does not

    Raises `InputError` for what is not a tokenizer, for one whose tokens share an id, and where the self-test
    of its receipt fails.
    """
    loaded = load_unchecked(name, progress)
    unknown = missing_unknown(loaded.backend)
    if unknown is not None:
        raise InputError(f'{loaded.file}: its unknown token "{unknown}" is missing from its vocabulary')
    # the library writes one token per id: what is built from its JSON would lack the other, or not be parsed
    if distinct_ids:
        check_distinct_ids(loaded.backend, name)
    check_receipt(loaded)
    # a file may parse and still panic on a text: that has to happen here, not after long work
    with guarded(str(loaded.file)):
        tokenizer_folder.self_test(loaded.backend)
    return loaded


def load_unchecked(name: str | Path, progress: Progress = SILENT) -> LoadedTokenizer:
    """As `load`, without encoding anything and without the self-test of the receipt."""
    path = Path(name)
    if not path.exists():
        path = from_hub(str(name), progress, "tokenizer", TOKENIZER_PATTERNS)
    file = path / tokenizer_folder.TOKENIZER_FILE if path.is_dir() else path
    if file.exists():
        backend = tokenizer_folder.parse(file)
    elif (path / "vocab.txt").exists() or (path / "vocab.json").exists():
        backend = _through_transformers(path)
    else:
        raise InputError(
            f"{path}: not a tokenizer folder: it has no {tokenizer_folder.TOKENIZER_FILE}",
            hint="train one on it (the command train-wordpiece)",
        )
    # A tokenizer.json may hold the truncation and padding of whoever saved it; lengths must be exact.
    backend.no_truncation()
    backend.no_padding()
    check_cost(backend, file, progress)
    config = TokenizerConfig.read(file.parent)
    return LoadedTokenizer(
        backend=backend,
        special=special_tokens(config, backend),
        max_length=config.max_length,
        config=config,
        folder=file.parent,
        file=file,
    )


def missing_unknown(backend: Tokenizer) -> str | None:
    """The unknown token of the model if it is missing from the vocabulary: an unknown word would raise.

    WordPiece and words look it up in their own vocabulary, in which an added token is not.
    """
    unknown: str | None = getattr(backend.model, "unk_token", None)
    own = type(backend.model).__name__ in ("WordPiece", "WordLevel")
    find = backend.model.token_to_id if own else backend.token_to_id
    return unknown if unknown is not None and find(unknown) is None else None


def check_distinct_ids(backend: Tokenizer, name: str | Path) -> None:
    """Raise `InputError` where two tokens share an id: a rewritten vocabulary would lose one of them."""
    holders: dict[int, str] = {}
    for token, id_ in sorted(backend.get_vocab(with_added_tokens=True).items()):
        if (other := holders.setdefault(id_, token)) != token:
            raise InputError(
                f'{name}: its tokens "{other}" and "{token}" share the id {id_}',
                hint=f"list them all and the fix:\ntokkit doctor {shlex.quote(str(name))}",
            )


def check_receipt(loaded: LoadedTokenizer) -> None:
    """Raise `InputError` where it gives other ids than the self-test in its receipt, or that is damaged."""
    folder = loaded.folder
    if not files.receipt_path(folder).exists():
        return
    result = files.receipt_fields(folder, "copy the folder again, or train it again").fields("result")
    samples = result.objects("self_test", "a list of texts with their ids", default=())
    for sample in samples:
        sample.text("text"), sample.text("pair", default=None)
        sample.list_of("ids", int, "a list of ids")
    tokenizer_folder.check_self_test(loaded.backend, [sample.content for sample in samples], folder)


def special_tokens(config: TokenizerConfig, backend: Tokenizer) -> dict[str, str]:
    """Role -> token, from the configuration or by BERT's names."""
    # the model's own unknown token counts where neither the configuration nor BERT's name gives one
    own = getattr(backend.model, "unk_token", None)
    special = {"unk": own} if own and backend.token_to_id(own) is not None else {}
    named = config.roles
    for role in ROLES:
        token = named.get(role, f"[{role.upper()}]")
        if role in named or backend.token_to_id(token) is not None:
            special[role] = token
    return special


def _check_settings(settings: Fields) -> None:
    settings.text("tokenizer_class", default=None)
    settings.number("model_max_length", -1, 1e300, default=None)
    settings.list_of("model_input_names", str, "a list of names", default=None)
    settings.flag("split_special_tokens", default=None)
    for side in ("padding_side", "truncation_side"):
        if settings.text(side, default="right") not in ("left", "right"):
            raise settings.error(side, '"left" or "right"')
    for role in ROLES:
        token = settings.content.get(f"{role}_token")
        if token is not None and token_text(token) is None:
            raise settings.error(f"{role}_token", "a token")
    for name in EXTRA_TOKENS:
        tokens = settings.content.get(name, [])
        tokens = [] if tokens is None else tokens
        values = tokens.values() if isinstance(tokens, dict) else tokens
        if not isinstance(tokens, list | dict) or None in map(token_text, values):
            raise settings.error(name, "a list of tokens")


def token_text(value: Any) -> str | None:
    """The text of a token in a configuration: a string, or an object with its flags; None for neither."""
    text = value.get("content") if isinstance(value, dict) else value
    return text if isinstance(text, str) else None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is no file, or another value in it.

    Raises `InputError` for a file that is not JSON.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    # JSON that is nested too deeply raises RecursionError, which is no ValueError
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _through_transformers(folder: Path) -> Tokenizer:
    from transformers import AutoTokenizer

    try:
        # local files and no code of the folder: loading neither downloads nor runs anything
        loaded = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
        return loaded.backend_tokenizer
    except Exception as error:
        raise InputError(
            f"{folder}: not a tokenizer that transformers can load: {reason_of(error)}"
        ) from error
