"""A tokenizer from a folder, a `tokenizer.json` or the hub, with what a model needs to know of it.

`tokenizer.json` is read as it stands. `AutoTokenizer` rebuilds the pipeline for some classes and gives
other ids for a custom tokenizer without a word; it is asked only where there is no `tokenizer.json`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress
from tokkit.sources.paths import missing
from tokkit.tokenizer import folder as tokenizer_folder
from tokkit.tokenizer.blocks.recipes import BERT_INPUTS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ROLES = ("unk", "pad", "cls", "sep", "mask", "bos", "eos")
_BATCH = 1_000
_UNLIMITED = 1_000_000
"""transformers writes 1e30 where no limit is known; anything this long counts as none."""


@dataclass(frozen=True)
class LoadedTokenizer:
    """backend      the `tokenizers.Tokenizer`, without truncation and padding
    special         role -> token: ``{"pad": "[PAD]", ...}``, as the configuration names them
    max_length      tokens a model of it takes, None where it does not say
    input_names     what its model is fed with
    folder, file    where its files lie, and the `tokenizer.json` among them
    """

    backend: Tokenizer
    special: dict[str, str]
    max_length: int | None
    input_names: tuple[str, ...]
    folder: Path
    file: Path

    @property
    def vocab_size(self) -> int:
        """Rows an embedding table needs for it: the highest id plus one."""
        return 1 + max(self.backend.get_vocab(with_added_tokens=True).values(), default=-1)

    def id_of(self, role: str) -> int | None:
        """The id of the pad, unk, ... token; None where there is none."""
        token = self.special.get(role)
        return None if token is None else self.backend.token_to_id(token)

    def encodings(
        self, texts: Sequence[str], max_length: int | None = None, special: bool = True
    ) -> Iterator[list[Any]]:
        """The `tokenizers.Encoding` of each text, in lists of a thousand, cut at ``max_length`` tokens.

        special  whether the post-processor puts its special tokens around each

        Raises `InputError` where the tokenizer fails on a text (one without an unknown token may).
        """
        if max_length is not None:
            self.backend.enable_truncation(max_length)
        try:
            for start in range(0, len(texts), _BATCH):
                batch = list(texts[start : start + _BATCH])
                with tokenizer_folder.guarded(
                    f"{self.folder}: the tokenizer fails on one of these texts",
                    hint="it may lack an unknown token; train one on such text: tokkit train-wordpiece",
                ):
                    encodings = self.backend.encode_batch(batch, add_special_tokens=special)
                yield encodings
        finally:
            self.backend.no_truncation()


def load(name: str | Path, progress: Progress = SILENT) -> LoadedTokenizer:
    """The tokenizer at a path; a name that is no path is looked up on the hub, and it is said.

    Raises `InputError` for what is no tokenizer, and where the self-test of its receipt fails.
    """
    loaded = opened(name, progress)
    unknown = missing_unknown(loaded.backend)
    if unknown is not None:
        raise InputError(f'{loaded.file}: its unknown token "{unknown}" is not in its vocabulary')
    check_receipt(loaded)
    with tokenizer_folder.guarded(str(loaded.file)):
        tokenizer_folder.self_test(loaded.backend)
    return loaded


def opened(name: str | Path, progress: Progress = SILENT) -> LoadedTokenizer:
    """As `load`, but a tokenizer as it stands: nothing is encoded yet, and its receipt is not asked."""
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
            f"{path}: no tokenizer folder: it holds no {tokenizer_folder.TOKENIZER_FILE}",
            hint=f"tokkit train-wordpiece corpus.txt -o {path}-tokenizer makes one",
        )
    backend.no_truncation()
    backend.no_padding()
    config = read_json(file.parent / tokenizer_folder.CONFIG_FILE)
    longest = config.get("model_max_length")
    inputs = config.get("model_input_names")
    return LoadedTokenizer(
        backend=backend,
        special=_special_tokens(config, file.parent, backend),
        max_length=int(longest) if isinstance(longest, int | float) and 0 < longest < _UNLIMITED else None,
        input_names=tuple(inputs) if inputs and isinstance(inputs, list) else BERT_INPUTS,
        folder=file.parent,
        file=file,
    )


def missing_unknown(backend: Tokenizer) -> str | None:
    """The unknown token that its model names but its vocabulary lacks, so that a strange word raises."""
    unknown: str | None = getattr(backend.model, "unk_token", None)
    return unknown if unknown is not None and backend.token_to_id(unknown) is None else None


def check_distinct_ids(backend: Tokenizer, name: str | Path) -> None:
    """Raises `InputError` where two tokens share an id: written anew, the vocabulary would lose one."""
    holders: dict[int, str] = {}
    for token, id_ in sorted(backend.get_vocab(with_added_tokens=True).items()):
        if (other := holders.setdefault(id_, token)) != token:
            raise InputError(
                f'{name}: its tokens "{other}" and "{token}" share the id {id_}',
                hint=f"tokkit doctor {shlex.quote(str(name))} lists them all, and says how to make it anew",
            )


def check_receipt(loaded: LoadedTokenizer) -> None:
    """Raises `InputError` where it gives other ids than when it was made, as its receipt tells."""
    folder = loaded.folder
    result = read_json(folder / "tokkit.json").get("result", {})
    if isinstance(result, dict) and isinstance(test := result.get("self_test"), list):
        try:
            tokenizer_folder.check_self_test(loaded.backend, test, folder)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{folder / 'tokkit.json'}: its self_test cannot be read: {error!r}") from error


def _special_tokens(config: dict[str, Any], folder: Path, backend: Tokenizer) -> dict[str, str]:
    """From the configuration, the older `special_tokens_map.json`, or BERT's usual names."""
    named = {**read_json(folder / "special_tokens_map.json"), **config}
    own = getattr(backend.model, "unk_token", None)
    special = {"unk": own} if own and backend.token_to_id(own) is not None else {}
    for role in ROLES:
        token = named.get(f"{role}_token")
        token = token.get("content") if isinstance(token, dict) else token
        if isinstance(token, str):
            special[role] = token
        elif backend.token_to_id(f"[{role.upper()}]") is not None:
            special[role] = f"[{role.upper()}]"
    return special


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is no file, or no object in it.

    Raises `InputError` for a file that is no JSON.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: no JSON: {error}") from error
    return content if isinstance(content, dict) else {}


def _through_transformers(folder: Path) -> Tokenizer:
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
        return loaded.backend_tokenizer
    except Exception as error:
        raise InputError(f"{folder}: no tokenizer that transformers can load: {error}") from error


def is_hub_name(name: str) -> bool:
    """Whether a name that is no path may be one on the hub: ``owner/name`` or ``name``, no file's ending."""
    bare = name.removeprefix("hub:")
    looks_like_path = bare.startswith((".", "/", "~")) or bare.endswith(("/", ".json", ".model", ".txt"))
    return bool(bare) and not looks_like_path and bare.count("/") <= 1


TOKENIZER_PATTERNS = ("tokenizer*", "vocab*", "merges*", "special_tokens_map.json")
"""The files of a tokenizer on the hub."""


def from_hub(name: str, progress: Progress, kind: str, patterns: Sequence[str]) -> Path:
    """The folder of a snapshot of files that match; raises `InputError` where the name cannot be one.

    kind  what is asked for, in words: ``tokenizer``
    """
    if not is_hub_name(name):
        raise missing(Path(name))
    from huggingface_hub import constants, snapshot_download

    bare = name.removeprefix("hub:")
    progress.say(f"{bare}: no such path here; asking the hub for a {kind} of that name")
    try:
        return Path(snapshot_download(bare, allow_patterns=list(patterns)))
    except Exception as error:
        if constants.HF_HUB_OFFLINE:
            told = "and the hub may not be asked: HF_HUB_OFFLINE is set, and no copy was kept"
        else:
            told = f"and the hub gave none ({type(error).__name__})"
        raise InputError(
            f"{name}: no such folder here, {told}",
            hint="check the path; a folder made by tokkit train-wordpiece is named with its -o",
        ) from error
