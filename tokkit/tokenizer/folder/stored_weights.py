"""Whether the stored weights of a checkpoint are those that its `config.json` describes.

transformers only warns where they differ, initializes at random what is missing, and drops what is left over:

    "num_hidden_layers": 3, two layers stored   ->   the third one is random
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokkit.errors import counted
from tokkit.tokenizer.folder.checkpoints import quiet
from tokkit.tokenizer.folder.load import read_json
from tokkit.tokenizer.folder.weight_headers import INPUT_EMBEDDINGS, POSITION_EMBEDDINGS, Shape, rows_of

_AGAIN = "bring config.json back as it was, or download the checkpoint again"

_LAYER = re.compile(r"^((?:.*?\.)?)(\d+)\.")


# Names that configurations have for the number of layers, and for sizes of weights.
_LAYER_COUNTS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
_WIDTHS = ("hidden_size", "dim", "n_embd", "d_model", "embedding_size")
HEAD_COUNTS = ("num_attention_heads", "n_heads", "n_head")
_INNER_WIDTHS = ("intermediate_size", "hidden_dim", "n_inner", "d_ff")
_TABLES = (
    (("max_position_embeddings", "n_positions"), POSITION_EMBEDDINGS),
    (("type_vocab_size",), ("token_type_embeddings.weight",)),
)


def are_plausible(config: Mapping[str, Any], shapes: Mapping[str, Shape]) -> bool:
    """Whether the names and shapes alone show that the configuration describes them; False where unclear.

    So no model has to be built for a common sound checkpoint: as many layers as it says, no dimension in them
    that is not a width of it, all of its widths in them, and tables of its sizes.
    """
    numbers = defaultdict(set)
    for match in filter(None, map(_LAYER.match, shapes)):
        numbers[match[1]].add(int(match[2]))
    layers = max(numbers, key=lambda name: len(numbers[name]), default=None)
    if layers is None or numbers[layers] != set(range(first_number(config, _LAYER_COUNTS) or 0)):
        return False
    widths, inner = (
        {value for name in names if isinstance(value := config.get(name), int)}
        for names in (_WIDTHS, _INNER_WIDTHS)
    )
    width = first_number(config, _WIDTHS) or 0
    inner = inner or {4 * width}
    stored = {size for name, shape in shapes.items() if name.startswith(layers) for size in shape}
    tables = [
        (first_number(config, names), rows)
        for names, endings in _TABLES
        if (rows := rows_of(shapes, endings)) is not None
    ]
    columns = {
        shape[1] for name, shape in shapes.items() if name.endswith(INPUT_EMBEDDINGS) and len(shape) == 2
    }
    heads = first_number(config, HEAD_COUNTS) or 1
    # a bias of each head, (distances, heads), is the one weight with their number in its shape
    biases = {shape[1] for name, shape in shapes.items() if name.endswith("relative_attention_bias.weight")}
    return (
        stored <= {*widths, *inner, 3 * width}
        and {width, *inner} <= stored
        and columns <= widths
        and all(size == rows for size, rows in tables)
        and width % heads == 0
        and biases <= {heads}
    )


def first_number(config: Mapping[str, Any], names: Iterable[str]) -> int | None:
    """The first of these fields that is a number."""
    return next((value for name in names if isinstance(value := config.get(name), int)), None)


def load_without_weights(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The model of the class that `config.json` names, its weights without values, and what loading found.

    Raises the many kinds of errors of a configuration that no model can be built from.
    """
    import transformers

    names = read_json(folder / "config.json").get("architectures") or ()
    classes = (getattr(transformers, name, None) for name in names if isinstance(name, str))
    named: Any = next(
        (c for c in classes if isinstance(c, type) and issubclass(c, transformers.PreTrainedModel)), None
    )
    with quiet():
        model, info = (named or transformers.AutoModel).from_pretrained(
            str(folder),
            device_map="meta",
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    return model, info


def differences(model: Any, info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the body differs from the stored weights, each with what to do; heads and poolers aside.

    model, info   of `from_pretrained` with ``output_loading_info``
    """
    config = model.config.get_text_config()
    field = config.attribute_map.get("num_hidden_layers", "num_hidden_layers")
    layers = f"config.json has {field} {getattr(config, 'num_hidden_layers', '?')}"
    body = "" if model is model.base_model else f"{model.base_model_prefix}."
    missing = [name for name in info["missing_keys"] if name.startswith(body) and "pooler." not in name]
    # only those of a list of layers that the model has: a head for another task is no layer
    lists = {match[1] for name in model.state_dict() if (match := _LAYER.match(name))}
    # a bare body is loaded from names with the prefix that it has in a classifier
    left_over = [
        name.removeprefix("" if body else f"{model.base_model_prefix}.") for name in info["unexpected_keys"]
    ]
    extra = [name for name in left_over if (match := _LAYER.match(name)) and match[1] in lists]
    problems = []
    if absent := _layers(missing):
        message = f"{layers}, but no weights are stored for layer {_numbers(absent)}, which would be random"
        problems.append((message, f'write "{field}": {absent[0]} into config.json'))
    elif tables := [name for name in missing if name.endswith(INPUT_EMBEDDINGS)]:
        problems.append((f"no weights are stored for {tables[0]}, which would be random", _AGAIN))
    if left := _layers(extra):
        message = f"{layers}, but weights are stored for layer {_numbers(left)} too, which would be dropped"
        problems.append((message, f'write "{field}": {left[-1] + 1} into config.json'))
    if reshaped := sorted(key for key in info["mismatched_keys"] if key[0].startswith(body)):
        name, stored, expected = reshaped[0]
        message = (
            f"{counted(len(reshaped), 'weight', 'are')} stored in another shape than config.json describes, "
            f"and would be random: {name} is {tuple(stored)}, not {tuple(expected)}"
        )
        problems.append((message, _AGAIN))
    return problems


def _layers(names: Iterable[str]) -> list[int]:
    return sorted({int(match[2]) for name in names if (match := _LAYER.match(name))})


def _numbers(numbers: list[int]) -> str:
    """The numbers, of many the first and the last."""
    return ", ".join(map(str, numbers)) if len(numbers) < 4 else f"{numbers[0]} to {numbers[-1]}"
