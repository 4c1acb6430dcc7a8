"""The optimizer, its learning rate at every step, and the order of the rows in every epoch.

The rate is a function of the step alone, the order of the rows a function of the seed and the number of the
epoch: a resumed training has neither to restore. The curves of the rate are those of
`transformers.get_scheduler`. A new sampler is an entry of `SAMPLERS` and its name among the choices of
`FinetuneOptions.sampler`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.errors import UsageError, counted
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import RowTargets

# Share of the peak rate by the share of the steps after the warmup that are done; the default first.
SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "linear": lambda done: max(0.0, 1.0 - done),
    "cosine": lambda done: max(0.0, 0.5 * (1.0 + math.cos(math.pi * done))),
    "constant": lambda done: 1.0,
}

_LAYER = re.compile(r"(?:^|[._])layers?\.(\d+)\.")


def steps_per_epoch(rows: int, options: FinetuneOptions) -> int:
    """Steps of an epoch; the last one has the remaining rows, so that every row is used once."""
    return -(-rows // options.batch_size)


def rate(schedule: str, step: int, steps: int, warmup: int) -> float:
    """Share of the peak rate at ``step``, counted from 0, of ``steps``; it rises in the first ``warmup``.

    >>> [round(rate("linear", step, steps=6, warmup=2), 2) for step in range(6)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """
    if step < warmup:
        return step / warmup
    return SCHEDULES[schedule]((step - warmup) / max(1, steps - warmup))


def adamw(model: Any, options: FinetuneOptions, lr: float, device: torch.device) -> torch.optim.AdamW:
    """The optimizer of the weights that ``--freeze`` leaves; each group's ``peak`` is its highest rate.

    Raises `UsageError` for more layers to freeze than there are.
    """
    freeze(model, options.freeze)
    groups = parameter_groups(model, lr, options.weight_decay, options.layer_decay)
    # One fused kernel per step where there is one: 1.2 times as fast on a CPU.
    return torch.optim.AdamW(groups, lr=lr, fused=device.type != "mps")


def freeze(model: Any, which: str) -> None:
    """Freeze nothing (``none``), the embeddings and the first N layers, or the whole ``body``."""
    if which == "none":
        return
    depths, layers = depths_of(model)
    frozen = layers if which == "body" else int(which)
    if frozen > layers:
        raise UsageError(
            f"--freeze {which}: the model has {counted(layers, 'layer')}", hint="freeze all:\n--freeze body"
        )
    for name, parameter in model.named_parameters():
        if depths[name] <= frozen:
            parameter.requires_grad_(False)


def parameter_groups(
    model: Any, lr: float, weight_decay: float, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """The trainable weights grouped by rate and weight decay.

    layer_decay  rate of a layer as a share of that of the layer above; the head has the full rate (ELECTRA,
                 Clark et al. 2020)
    """
    depths, layers = depths_of(model)
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            # As in BERT, biases and norms do not decay; both have one dimension.
            decays = parameter.ndim >= 2 and not name.endswith("bias")
            peak = lr * layer_decay ** (layers + 1 - depths[name])
            # One group per (rate, decay): AdamW runs one fused kernel per group.
            groups.setdefault((peak, weight_decay if decays else 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": peak, "peak": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]


def depths_of(model: Any) -> tuple[dict[str, int], int]:
    """Depth of each weight by name, and the number of layers.

    0 are the embeddings, 1 the first layer, layers + 1 the head and the pooler. Weights of the body after its
    layers, such as a last norm, are as deep as the last layer.
    """
    # By identity: the prefix of names differs between families.
    body = {id(parameter) for parameter in model.base_model.parameters()}
    in_body = {name: id(parameter) in body for name, parameter in model.named_parameters()}
    # Layers are counted from the names, encoder.layer.3 and transformer.layers.3 alike.
    numbers = {name: int(match[1]) for name in in_body if in_body[name] and (match := _LAYER.search(name))}
    layers = 1 + max(numbers.values(), default=-1)

    def depth(name: str) -> int:
        if not in_body[name] or "pooler" in name:
            return layers + 1
        if name in numbers:
            return numbers[name] + 1
        return 0 if "embed" in name else layers

    return {name: depth(name) for name in in_body}, layers


# Share of a class in an epoch: its number of rows to this power; the default first.
SAMPLERS: Mapping[str, float] = {"plain": 1.0, "sqrt": 0.5, "balanced": 0.0}


def classes_of(sampler: str, targets: Any) -> NDArray[np.int64] | None:
    """(rows,) class of every row; None for ``plain``, which needs none.

    Raises `UsageError` where rows do not have one class each.
    """
    if sampler == "plain":
        return None
    values = targets.values if isinstance(targets, RowTargets) else None
    if values is None or values.ndim != 1 or values.dtype.kind != "i":
        raise UsageError(
            f"--sampler {sampler}: it balances rows that have one label each",
            "take rows as they are:\n--sampler plain",
        )
    classes: NDArray[np.int64] = values
    return classes


def order(
    sampler: str, classes: NDArray[np.int64] | None, rows: int, seed: int, epoch: int
) -> NDArray[np.int64]:
    """(rows,) shuffled row numbers of an epoch; where classes are balanced, rows may repeat or be absent."""
    # A generator of its own: the order must not depend on what else draws random numbers.
    rng = np.random.default_rng((seed, epoch))
    if classes is None:
        return rng.permutation(rows)
    sampled = []
    for number, quota in enumerate(quotas(np.bincount(classes), SAMPLERS[sampler])):
        members = np.flatnonzero(classes == number)
        # Whole permutations one after another: no row comes a second time before all have come once.
        rounds = -(-quota // len(members)) if quota else 0
        repeated = np.concatenate([members[:0], *(rng.permutation(members) for _ in range(rounds))])
        sampled.append(repeated[:quota])
    # Shuffled across classes, or steps would have one class each.
    return rng.permutation(np.concatenate(sampled))


def quotas(counts: NDArray[np.int64], power: float) -> NDArray[np.int64]:
    """(classes,) rows of each class in an epoch of ``counts.sum()`` rows, rounded by largest remainder.

    >>> quotas(np.array([90, 10]), power=0.5)
    array([75, 25])
    """
    # 0 to the power of 0 is 1: a class without rows must get no quota.
    weights = np.where(counts > 0, counts.astype(np.float64) ** power, 0.0)
    exact = weights / weights.sum() * counts.sum()
    # The quotas add up exactly, so an epoch has as many steps with every sampler.
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(whole - exact, kind="stable")[: counts.sum() - whole.sum()]
    whole[largest] += 1
    return whole
