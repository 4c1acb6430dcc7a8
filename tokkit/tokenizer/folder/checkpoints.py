"""Checkpoints and tokenizers as transformers loads them: found, loaded without running code, compared.

For some classes (`BertTokenizer`, `RobertaTokenizer` and others, named in `tokenizer_config.json` or implied
by the `config.json` next to it) `AutoTokenizer` builds a pipeline of its own around the vocabulary, and
silently gives a tokenizer of another kind other ids; `rebuild_difference` finds that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, counted
from tokkit.progress import Progress
from tokkit.runtime.panics import reason_of
from tokkit.tokenizer.folder.hub_downloads import from_hub
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.tokenizer_folder import parse, self_test

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Arguments of every `from_pretrained`: nothing that can run code, weights in full precision.
LOADING: dict[str, Any] = {"trust_remote_code": False, "use_safetensors": True, "dtype": "float32"}

# The files of a model on the hub: everything but weights in other formats than safetensors.
MODEL_PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.jinja", "*.model", "*.md")

# Text models of transformers whose positions start at the padding id + 1, so that they take fewer tokens.
# Their modules define `create_position_ids_from_input_ids`.
POSITIONS_BEHIND_PADDING = (
    *("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod", "camembert"),
    *("data2vec-text", "esm", "ibert", "lilt", "longformer", "luke", "mpnet"),
)

# Model types that tell segments apart without the embedding table of `type_vocab_size` rows.
_SEGMENTS_WITHOUT_TABLE = ("deberta", "deberta-v2", "tapas", "xlnet")


def segment_count(config: Mapping[str, Any]) -> int | None:
    """Number of segments that a model with this `config.json` tells apart, 0 for none; None where unknown.

    >>> segment_count({"model_type": "roberta", "type_vocab_size": 1})
    1
    """
    stated, model_type = config.get("type_vocab_size"), config.get("model_type")
    if isinstance(stated, int) and (stated or model_type not in _SEGMENTS_WITHOUT_TABLE):
        return int(stated)
    if not isinstance(model_type, str) or model_type in _SEGMENTS_WITHOUT_TABLE:
        return None
    # the default of its class, which a file need not state
    from transformers import CONFIG_MAPPING

    return (
        getattr(CONFIG_MAPPING[model_type](), "type_vocab_size", 0) if model_type in CONFIG_MAPPING else None
    )


def takes_tokens(model_type: str | None, positions: int, pad_id: int) -> int:
    """Maximum number of tokens of a model with that many position embeddings.

    >>> takes_tokens("roberta", 514, pad_id=1)
    512
    """
    return positions - (pad_id + 1) if model_type in POSITIONS_BEHIND_PADDING else positions


def checkpoint_path(name: str | Path, progress: Progress, patterns: Sequence[str] = MODEL_PATTERNS) -> str:
    """The folder, or that of the files of the hub that match; raises `InputError` where there is neither."""
    path = Path(name)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: a model is a folder, not a file")
    if not path.exists():
        path = from_hub(str(name), progress, "model", patterns)
    if not (path / "config.json").exists():
        # transformers has no class for these heads, so only the encoder inside is a checkpoint to it
        if (path / "body" / "config.json").exists():
            raise InputError(
                f"{path}: a classifier with a head that only tokkit finetune, evaluate and predict load",
                hint=f"its encoder is {path / 'body'}",
            )
        raise InputError(
            f"{path}: not a model folder: it has no config.json",
            hint="name a folder that finetune wrote, or a checkpoint",
        )
    return str(path)


@contextmanager
def quiet() -> Iterator[None]:
    """Turn off the progress bars and warnings of transformers inside; tokkit reports what matters itself."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def loading(name: str | Path) -> Iterator[None]:
    """Turn the many kinds of errors of a failed load into one `InputError`."""
    try:
        with quiet():
            yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{name}: cannot be loaded as a model: {reason_of(error)}",
            hint="a model folder has config.json and model.safetensors",
        ) from error


def check_fit(name: str | Path, config: Any, tokenizer: LoadedTokenizer, hint: str) -> None:
    """Raise `InputError` where the ids of the tokenizer are not those the embeddings were trained on."""
    rows = config.get_text_config().vocab_size
    if tokenizer.vocab_size > rows:
        raise InputError(
            f"{tokenizer.folder}: the tokenizer has ids up to {tokenizer.vocab_size - 1}, "
            f"but {name} has {rows} embedding rows",
            hint=hint,
        )
    file = Path(name) / "tokenizer.json"
    if not file.exists() or (tokenizer.file.exists() and file.samefile(tokenizer.file)):
        return
    model_ids = parse(file).get_vocab(with_added_tokens=True)
    ids = tokenizer.backend.get_vocab(with_added_tokens=True)
    # an equal size is not enough: a tokenizer retrained to it has the same number of rows and other tokens
    moved = sum(1 for token, id_ in ids.items() if model_ids.get(token) != id_)
    if moved:
        raise InputError(
            f"{tokenizer.folder}: {moved} of its {counted(len(ids), 'token', 'have')} another id "
            f"in the tokenizer of {name}, so its embeddings would belong to other tokens",
            hint=hint,
        )


def rebuild_difference(folder: Path, backend: Tokenizer) -> str | None:
    """How `AutoTokenizer` differs from this tokenizer on the texts of the self-test; None where it does not.

    Raises `InputError` where the tokenizer panics on one.
    """
    samples = self_test(backend)
    try:
        rebuilt = load_with_transformers(folder, "AutoTokenizer")
        for sample in samples:
            ids = rebuilt(sample["text"], sample.get("pair"))["input_ids"]
            if ids != sample["ids"]:
                name = type(rebuilt).__name__
                return f"AutoTokenizer rebuilds it as {name}, which gives other ids for {sample['text']!r}"
    except Exception as error:
        return f"AutoTokenizer cannot load it: {type(error).__name__}: {str(error)[:200]}"
    return None


def load_with_transformers(folder: Path, class_name: str) -> Any:
    """The tokenizer that a class of transformers makes of a folder, without network and remote code."""
    import transformers

    with quiet():
        return getattr(transformers, class_name).from_pretrained(
            str(folder), trust_remote_code=False, local_files_only=True
        )
