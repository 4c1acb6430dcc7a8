"""A checkpoint of any class of transformers: checked, loaded, saved, and compared with what it was.

The class is the one its config.json names, so that no head is lost, and the weights keep the type of number
they are stored in.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, TokkitError
from tokkit.files import RECEIPT
from tokkit.progress import Progress
from tokkit.sources.paths import is_path
from tokkit.tokenizer.folder.checkpoints import LOADING, checkpoint_path, loading, quiet
from tokkit.tokenizer.folder.load import from_hub, read_json
from tokkit.tokenizer.folder.weight_headers import weight_files

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

_ON_THE_HUB = ("*.json", "*.safetensors", "*.txt", "*.jinja", "*.model", "*.md")
_FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_STALE_SUFFIXES = (
    *(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf", ".ot", ".model"),
    ".safetensors.index.json",
    ".bin.index.json",
)
_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "tekken.json"),
)


def checkpoint_folder(name: str | Path, progress: Progress) -> Path:
    """The folder of a checkpoint whose files can be loaded without harm; one of the hub is fetched.

    Raises `InputError` for what is none, for an index that names files outside it, for weights that are not
    safetensors, quantized ones and adapters.
    """
    if is_path(Path(name)):
        folder = Path(checkpoint_path(name, progress))
    else:
        folder = from_hub(str(name), progress, "model", _ON_THE_HUB)
    if (folder / "adapter_config.json").exists():
        raise InputError(f"{name}: is an adapter, not a model", hint="merge it into its model first")
    if "quantization_config" in read_json(folder / "config.json"):
        raise InputError(
            f"{name}: its weights are quantized, and so its embeddings cannot be changed",
            hint="name the model as it was before it was quantized",
        )
    if not weight_files(folder):
        raise InputError(
            f"{name}: holds no model.safetensors, and tokkit reads no pickled weights",
            hint="save the model again with save_pretrained of a recent transformers",
        )
    return folder


def load_model(folder: Path, name: str | Path, progress: Progress) -> PreTrainedModel:
    """The model in evaluation mode, of the class its configuration names, its weights as they are stored.

    Raises `InputError` where weights are missing, which would be drawn at random, and where no class is named
    and `AutoModel` has no place for some of them.
    """
    with loading(name):
        kind, named = _class_of(folder)
        options = {**LOADING, "dtype": _number_type(folder), "local_files_only": True}
        model, info = kind.from_pretrained(str(folder), **options, output_loading_info=True)
    unused = sorted(info.get("unexpected_keys", ()))
    if lacking := [*info.get("missing_keys", ()), *info.get("mismatched_keys", ())]:
        told = ", ".join(sorted(str(key) for key in lacking)[:3])
        raise InputError(
            f"{name}: {kind.__name__}, which its config.json names, needs weights that are not there or of "
            f"another shape: {told}",
            hint='correct "architectures" in config.json',
        )
    if unused and not named:
        raise InputError(
            f"{name}: its config.json names no class that transformers knows, and AutoModel would lose "
            f"{len(unused)} weights: {', '.join(unused[:3])}",
            hint='name the class in config.json: "architectures": ["BertForSequenceClassification"]',
        )
    if unused:
        progress.say(f"{name}: {len(unused)} weights that {kind.__name__} does not use are left out")
    model.eval()
    return model


def save_model(model: PreTrainedModel, source: Path, folder: Path) -> None:
    """Writes configuration and weights, each tensor in its own type, and what else belongs to it.

    Not taken over: the old tokenizer, weights in other formats, receipts, hidden files, and what tokkit wrote
    into folders below.
    """
    for path in sorted(source.rglob("*")):
        inner = path.relative_to(source)
        if path.is_file() and not _is_stale(inner) and not _is_output(source, inner):
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / inner)
    types = stored_types(source)
    with quiet():
        if len(set(types.values())) > 1:
            state = model.state_dict()
            state = {name: each.to(types.get(name, each.dtype)) for name, each in state.items()}
            model.save_pretrained(str(folder), state_dict=state)
        else:
            model.save_pretrained(str(folder))


def _is_output(source: Path, inner: Path) -> bool:
    return any((source / folder / RECEIPT).exists() for folder in inner.parents[:-1])


def _is_stale(inner: Path) -> bool:
    if any(part.startswith(".") or part.startswith("checkpoint-") for part in inner.parts):
        return True
    at_the_top = len(inner.parts) == 1
    if inner.name in (*_TOKENIZER_FILES, RECEIPT):
        return at_the_top
    return inner.name.endswith(_STALE_SUFFIXES) and (at_the_top or inner.parts[0] in ("onnx", "openvino"))


def check_untouched(source: Path, written: Path, tables: frozenset[str]) -> None:
    """Raises `TokkitError` where a tensor that is no embedding table is not, bit by bit, what it was."""
    import torch

    with ExitStack() as stack:
        old, new = _opened(source, stack), _opened(written, stack)
        for name in sorted(old.keys() & new.keys() - tables):
            before, after = old[name].get_tensor(name), new[name].get_tensor(name)
            same = before.dtype == after.dtype and before.shape == after.shape
            if not same or not torch.equal(_bits(before), _bits(after)):
                raise TokkitError(f"{name} was written otherwise than it was: a bug")


def same_bits(first: Tensor | None, second: Tensor | None) -> bool:
    """Whether two tensors (or none) agree in type, shape and every bit."""
    import torch

    if first is None or second is None:
        return first is second
    return (
        first.dtype == second.dtype
        and first.shape == second.shape
        and torch.equal(_bits(first), _bits(second))
    )


def _bits(tensor: Tensor) -> Tensor:
    import torch

    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def _opened(folder: Path, stack: ExitStack) -> dict[str, Any]:
    """Tensor name -> the open file that holds it."""
    from safetensors import safe_open

    found = {}
    for path in weight_files(folder):
        file = stack.enter_context(safe_open(str(path), framework="pt"))
        found.update(dict.fromkeys(file.keys(), file))
    return found


def stored_types(folder: Path) -> dict[str, Any]:
    """Tensor name -> type, of every tensor of floating-point numbers."""
    import torch

    with ExitStack() as stack:
        found = {name: file.get_slice(name).get_dtype() for name, file in _opened(folder, stack).items()}
    return {name: getattr(torch, _FLOATS[kind]) for name, kind in found.items() if kind in _FLOATS}


def _number_type(folder: Path) -> Any:
    """What the weights are loaded in: their own type; of several types one that holds them all exactly."""
    import torch

    types = set(stored_types(folder).values())
    if len(types) == 1:
        return types.pop()
    return torch.float64 if torch.float64 in types else torch.float32


def _class_of(folder: Path) -> tuple[Any, bool]:
    """The class that the configuration names, or `AutoModel`; whether it was named."""
    import transformers

    for name in read_json(folder / "config.json").get("architectures") or ():
        kind = getattr(transformers, name, None) if isinstance(name, str) else None
        if isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel):
            return kind, True
    return transformers.AutoModel, False
