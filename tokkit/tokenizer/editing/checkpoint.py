"""A checkpoint of any class of transformers: loaded, saved, and compared with what it was.

Its class is the one that its `config.json` names, so that no head is lost, and its weights keep the type they
are stored in.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel

from tokkit.errors import InputError, TokkitError, counted
from tokkit.files import RECEIPT, copy_inner
from tokkit.progress import Progress
from tokkit.runtime.panics import reason_of
from tokkit.tokenizer.folder.checkpoints import LOADING, loading, quiet, takes_tokens
from tokkit.tokenizer.folder.load import read_json
from tokkit.tokenizer.folder.weight_headers import weight_files

_FLOAT_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

# Files of the old tokenizer and of the old weights in every format.
_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "tekken.json"),
)
_STALE_SUFFIXES = (
    *(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf", ".ot", ".model"),
    ".safetensors.index.json",
    ".bin.index.json",
)

_MAX_FORWARD_TOKENS = 64

# Absolute tolerance of outputs by bytes per number: rounding differs with the shape of a matrix product.
_TOLERANCE = {2: 5e-2, 4: 1e-4, 8: 1e-6}


def load_model(folder: Path, name: str, progress: Progress) -> PreTrainedModel:
    """The model in evaluation mode, of the class that its configuration names, weights in their stored type.

    Raises `InputError` where weights are missing, which would be initialized at random, and where no class is
    named and `AutoModel` would drop some.
    """
    with loading(name):
        model_class = _class_of(folder)
        options = {**LOADING, "dtype": _load_type(folder), "local_files_only": True}
        model, info = model_class.from_pretrained(str(folder), **options, output_loading_info=True)
    unused = sorted(info.get("unexpected_keys", ()))
    if missing := [*info.get("missing_keys", ()), *info.get("mismatched_keys", ())]:
        # transformers would only warn, and initialize these weights at random
        keys = ", ".join(sorted(str(key) for key in missing)[:3])
        raise InputError(
            f"{name}: {model_class.__name__}, which its config.json names, needs weights that are missing or "
            f"of another shape: {keys}",
            hint='correct "architectures" in config.json',
        )
    if unused and model_class is transformers.AutoModel:
        raise InputError(
            f"{name}: its config.json names no class that transformers knows, and AutoModel would lose "
            f"{counted(len(unused), 'weight')}: {', '.join(unused[:3])}",
            hint='name the class in config.json: "architectures": ["BertForSequenceClassification"]',
        )
    if unused:
        progress.say(
            f"{name}: skipped {counted(len(unused), 'weight')} that {model_class.__name__} does not use"
        )
    return model.eval()


def _class_of(folder: Path) -> Any:
    """The class that the configuration names, or `AutoModel`."""
    for name in read_json(folder / "config.json").get("architectures") or ():
        model_class = getattr(transformers, name, None) if isinstance(name, str) else None
        if isinstance(model_class, type) and issubclass(model_class, PreTrainedModel):
            return model_class
    return transformers.AutoModel


def _load_type(folder: Path) -> torch.dtype:
    """The stored type of the weights; for several types one that represents them all exactly."""
    types = set(stored_types(folder).values())
    if len(types) == 1:
        return types.pop()
    return torch.float64 if torch.float64 in types else torch.float32


def stored_types(folder: Path) -> dict[str, torch.dtype]:
    """Tensor name -> type, of every floating-point tensor."""
    with ExitStack() as stack:
        stored = {name: file.get_slice(name).get_dtype() for name, file in _open(folder, stack).items()}
    return {name: _FLOAT_TYPES[code] for name, code in stored.items() if code in _FLOAT_TYPES}


def _open(folder: Path, stack: ExitStack) -> dict[str, Any]:
    """Tensor name -> the open file that holds it."""
    files = {}
    for path in weight_files(folder):
        file = stack.enter_context(safe_open(str(path), framework="pt"))
        files.update(dict.fromkeys(file.keys(), file))
    return files


def save_model(model: PreTrainedModel, source: Path, folder: Path) -> None:
    """Write the model, in the types its weights are stored in, and copy the other files of its folder.

    Not copied: the old tokenizer, weights in other formats, receipts, hidden files, and folders that tokkit
    wrote inside it. Raises `InputError` for a link that leads out of the folder.
    """
    for path in sorted(source.rglob("*")):
        inner = path.relative_to(source)
        if path.is_file() and not _is_stale(inner) and not _is_output(source, inner):
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            copy_inner(path, folder / inner, source)
    types, state = stored_types(source), None
    # `load_model` widened weights of several types to one: store each in its own again
    if len(set(types.values())) > 1:
        state = model.state_dict()
        state = {name: tensor.to(types.get(name, tensor.dtype)) for name, tensor in state.items()}
    with quiet():
        model.save_pretrained(str(folder), state_dict=state)


def _is_output(source: Path, inner: Path) -> bool:
    return any((source / folder / RECEIPT).exists() for folder in inner.parents[:-1])


def _is_stale(inner: Path) -> bool:
    if any(part.startswith((".", "checkpoint-")) for part in inner.parts):
        return True
    top_level = len(inner.parts) == 1
    if inner.name in (*_TOKENIZER_FILES, RECEIPT):
        return top_level
    # modules of sentence-transformers (2_Dense/model.safetensors) are no copies of the model's weights
    return inner.name.endswith(_STALE_SUFFIXES) and (top_level or inner.parts[0] in ("onnx", "openvino"))


def check_untouched(source: Path, written: Path, tables: frozenset[str]) -> None:
    """Raise `TokkitError` where a tensor other than the embedding tables is not bit by bit what it was."""
    with ExitStack() as stack:
        old, new = _open(source, stack), _open(written, stack)
        for name in sorted(old.keys() & new.keys() - tables):
            if not same_bits(old[name].get_tensor(name), new[name].get_tensor(name)):
                raise TokkitError(
                    f"internal error: {name} changed; this is a bug in tokkit, please report it"
                )


def same_bits(first: Tensor | None, second: Tensor | None) -> bool:
    """Whether two tensors (or none) agree in type, shape and every bit."""
    if first is None or second is None:
        return first is second
    same_type = first.dtype == second.dtype and first.shape == second.shape
    return same_type and torch.equal(_bytes(first), _bytes(second))


def _bytes(tensor: Tensor) -> Tensor:
    # as bytes: NaN equals NaN, and 0.0 differs from -0.0
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def model_outputs(
    model: PreTrainedModel, ids: Sequence[int], name: str, vocabulary: tuple[int, Tensor] | None = None
) -> dict[str, Tensor]:
    """Every floating-point output of the model for a text of these ids, by its name.

    vocabulary  (number of embedding rows, rows of interest): logits over the vocabulary are reduced to these

    Raises `InputError` where the forward pass fails, or gives NaN or infinity.
    """
    config = model.config.get_text_config()
    positions = int(getattr(config, "max_position_embeddings", None) or _MAX_FORWARD_TOKENS)
    longest = takes_tokens(config.model_type, positions, getattr(config, "pad_token_id", None) or 0)
    tokens = torch.tensor([list(ids)[: min(_MAX_FORWARD_TOKENS, longest)]])
    inputs: dict[str, Any] = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    # such a model expects (texts, choices, tokens)
    if type(model).__name__.endswith("ForMultipleChoice"):
        inputs = {key: value[None] for key, value in inputs.items()}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = inputs["input_ids"]
    try:
        with quiet(), torch.no_grad():
            output = model(**inputs, return_dict=True)
    except Exception as error:
        raise InputError(f"{name}: a forward pass fails: {reason_of(error)}") from error
    tensors = {
        key: value for key, value in output.items() if isinstance(value, Tensor) and value.is_floating_point()
    }
    if not tensors or not all(torch.isfinite(value).all() for value in tensors.values()):
        raise InputError(f"{name}: a forward pass gives NaN or infinity")
    if vocabulary is not None and model.get_output_embeddings() is not None:
        rows, kept_ids = vocabulary
        for key, value in tensors.items():
            if key.endswith("logits") and value.shape[-1] == rows:
                tensors[key] = value.index_select(-1, kept_ids)
    return tensors


def check_same_outputs(before: dict[str, Tensor], after: dict[str, Tensor], name: str) -> None:
    """Raise `InputError` where the outputs of two models for the same text differ by more than rounding."""
    for key, expected in before.items():
        tolerance = _TOLERANCE[expected.dtype.itemsize]
        if not torch.allclose(expected.float(), after[key].float(), rtol=1e-3, atol=tolerance):
            raise InputError(f"{name}: the written model gives other {key} than the model before")
