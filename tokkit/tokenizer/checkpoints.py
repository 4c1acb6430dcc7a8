"""Checkpoints: where one lies, and how it is loaded so that nothing in it can run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.sources.paths import missing
from tokkit.tokenizer.folder import parse
from tokkit.tokenizer.load import LoadedTokenizer, is_hub_name

LOADING: dict[str, Any] = {"trust_remote_code": False, "use_safetensors": True, "dtype": "float32"}
"""How every checkpoint is loaded: nothing that can run code, weights in full precision."""

POSITIONS_BEHIND_PADDING = (
    *("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod", "camembert"),
    *("data2vec-text", "esm", "ibert", "lilt", "longformer", "luke", "mpnet"),
)
"""Models whose first position stands behind the padding id, so that they take fewer tokens.

Those of transformers whose module has `create_position_ids_from_input_ids` and that read texts.
"""


def takes_tokens(model_type: str | None, positions: int, pad_id: int) -> int:
    """Tokens that a model with so many positions takes.

    >>> takes_tokens("roberta", 514, pad_id=1)
    512
    """
    return positions - (pad_id + 1) if model_type in POSITIONS_BEHIND_PADDING else positions


def checkpoint_path(name: str | Path, progress: Progress) -> str:
    """The folder, or the hub's name for it, which is said; raises `InputError` where it can be neither."""
    path = Path(name)
    if path.is_dir():
        if not (path / "config.json").exists():
            if (path / "body" / "config.json").exists():
                raise InputError(
                    f"{path}: a classifier with a head that only tokkit finetune, evaluate and predict know",
                    hint=f"its encoder is {path / 'body'}",
                )
            raise InputError(
                f"{path}: no model folder: it holds no config.json",
                hint="tokkit finetune writes one; a tokenizer folder goes to --tokenizer",
            )
        return str(path)
    if path.exists() or not is_hub_name(str(name)):
        raise missing(path) if not path.exists() else InputError(f"{path}: a model is a folder, not a file")
    progress.say(f"{name}: no such path here; asking the hub for a model of that name")
    return str(name).removeprefix("hub:")


@contextmanager
def quiet() -> Iterator[None]:
    """transformers neither draws bars nor reports inside; tokkit says itself what matters."""
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
    """Turns the many errors of a failed load into one `InputError`."""
    try:
        with quiet():
            yield
    except InputError:
        raise
    except Exception as error:
        told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{name}: cannot be loaded as a model: {told[:200]}",
            hint="a model folder holds config.json and model.safetensors",
        ) from error


def check_fit(name: str | Path, config: Any, tokenizer: LoadedTokenizer, hint: str) -> None:
    """Raises `InputError` where the tokenizer's ids are not those the model's embeddings were trained on."""
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
    theirs = parse(file).get_vocab(with_added_tokens=True)
    ours = tokenizer.backend.get_vocab(with_added_tokens=True)
    moved = sum(1 for token, id_ in ours.items() if theirs.get(token) != id_)
    if moved:
        raise InputError(
            f"{tokenizer.folder}: {moved} of its {len(ours)} tokens have another id "
            f"in {name}'s own tokenizer, so its embeddings would mean other words",
            hint=hint,
        )
