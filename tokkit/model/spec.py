"""What the user may ask of a fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tokkit.options import LARGEST_SEED, Options, option

SIZES: Mapping[str, tuple[int, int, int]] = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "base": (12, 768, 12),
}
"""Layers, width and attention heads of the encoders built from scratch (Turc et al. 2019, BERT's base)."""

LR_PRETRAINED = 5e-5
_LR_FROM_SCRATCH, _AT_WIDTH = 1e-3, 128


def default_lr(size: str, pretrained: bool) -> float:
    """The peak rate where none is named: from scratch it falls with the width (Yang et al. 2022).

    >>> default_lr("tiny", pretrained=False), default_lr("mini", pretrained=False)
    (0.001, 0.0005)
    """
    return LR_PRETRAINED if pretrained else _LR_FROM_SCRATCH * _AT_WIDTH / SIZES[size][1]


METRICS = ("macro_f1", "accuracy", "loss")


@dataclass(frozen=True)
class FinetuneSpec(Options):
    """Settings of `finetune`; what is learned depends on these and on no hardware setting."""

    size: str = option("tiny", "encoder built where no --model is given", choices=tuple(SIZES))
    epochs: int = option(3, "passes over the training rows", minimum=1)
    lr: float | None = option(
        None,
        "peak learning rate",
        minimum=0.0,
        shown_default="5e-5; from scratch 1e-3, less for wider encoders",
    )
    schedule: str = option(
        "linear", "how the rate falls after the warmup", choices=("linear", "cosine", "constant")
    )
    warmup_ratio: float = option(0.1, "share of the steps in which the rate rises", minimum=0.0, maximum=1.0)
    batch_size: int = option(32, "rows per optimizer step", minimum=1)
    tokens_per_batch: int | None = option(
        None,
        "tokens, padding included, computed at once: changes speed and memory, not the result",
        minimum=1,
        metavar="N",
        shown_default="chosen for the device",
    )
    max_length: int | None = option(
        None, "tokens per row", minimum=3, metavar="N", shown_default="the tokenizer's, at most the model's"
    )
    weight_decay: float = option(0.01, "AdamW's, not on biases and norms", minimum=0.0)
    max_grad_norm: float = option(1.0, "gradients are clipped to this norm; 0 for never", minimum=0.0)
    dropout: float | None = option(
        None, "dropout of the whole model", minimum=0.0, maximum=0.99, shown_default="the model's"
    )
    label_smoothing: float = option(
        0.0, "share of the target spread over all classes", minimum=0.0, maximum=0.99
    )
    class_weights: str = option(
        "none", "none, balanced, or a weights.json that rebalance wrote", metavar="WHICH"
    )
    metric: str = option("macro_f1", "the best epoch by this is kept", choices=METRICS)
    patience: int | None = option(
        None, "stop after N epochs without a better one", minimum=1, metavar="N", shown_default="never"
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps")
    seed: int = option(42, "seed of initialization, order and dropout", minimum=0, maximum=LARGEST_SEED)
