"""Options of `finetune`.

Choices are literals, so that `--help` loads no registry; a test compares them with the registries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tokkit.errors import UsageError, did_you_mean
from tokkit.model.options.inference_options import check_device
from tokkit.options import LARGEST_SEED, Options, count_option, flag, option
from tokkit.sources.paths import is_path

# Layers, width and attention heads of the encoders built from scratch (Turc et al. 2019, BERT's base).
SIZES: Mapping[str, tuple[int, int, int]] = {
    "tiny": (2, 128, 2),
    "mini": (4, 256, 4),
    "small": (4, 512, 8),
    "base": (12, 768, 12),
}

# Peak rate and the width it suits.
_FROM_SCRATCH, _PRETRAINED = (1e-3, 128), (5e-5, 768)
_LOWEST, _HIGHEST = 1e-5, 3e-4
# Steps up to which the rate of a checkpoint depends on its width alone.
_SHORT = 500


def default_lr(width: int, steps: int, *, from_scratch: bool) -> float:
    """The default peak rate for an encoder of this width and a training of so many steps.

    The wider the encoder, the lower the rate.

    From scratch the rate that trains best falls with the width (Yang et al. 2022). For a checkpoint it falls
    with the square: 5e-5 at 768 and 2e-5 to 3e-5 at 1,024 are the rates of BERT base and large (Devlin et al.
    2019); 2e-4 at 384 is the rate of MiniLM in docs/results.md. 3e-4 is the highest rate tried for the small
    BERTs (Turc et al. 2019), 1e-5 that of the widest ALBERT (Lan et al. 2020). Beyond 500 steps it falls with
    their fourth root, to two digits, which the measurements of docs/results.md call for.

    >>> default_lr(128, 1000, from_scratch=True), default_lr(256, 1000, from_scratch=True)
    (0.001, 0.0005)
    >>> [default_lr(width, 300, from_scratch=False) for width in (128, 384, 768, 4096)]
    [0.0003, 0.0002, 5e-05, 1e-05]
    >>> [default_lr(384, steps, from_scratch=False) for steps in (500, 1500, 8000)]
    [0.0002, 0.00015, 0.0001]
    """
    if from_scratch:
        rate, suited = _FROM_SCRATCH
        return rate * suited / width
    rate, suited = _PRETRAINED
    of_width = min(max(rate * (suited / width) ** 2, _LOWEST), _HIGHEST)
    if steps <= _SHORT:
        return of_width
    return max(float(f"{of_width * (_SHORT / steps) ** 0.25:.2g}"), _LOWEST)


TRACKERS = ("tensorboard", "trackio", "wandb")

# Class weights that are computed; others are numbers by label, or a file of them.
CLASS_WEIGHTS = ("none", "balanced", "sqrt", "effective")
_BALANCED = ("balanced",)
_RESUME = ("auto", "none")
_N = "epoch|N|never"


@dataclass(frozen=True)
class FinetuneOptions(Options):
    """Settings of `finetune`; the result depends on these and, but for rounding, on no hardware setting."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Task and rows": ("task", "max_length", "folds", "group_column", "sampler"),
        "Model": ("size", "head", "dropout", "reset_embeddings", "random_init", "freeze"),
        "Optimization": (
            *("epochs", "lr", "schedule", "warmup_ratio", "batch_size", "weight_decay", "max_grad_norm"),
            *("layer_decay", "seed"),
        ),
        "Loss": ("loss", "gamma", "alpha", "reduction", "label_smoothing", "class_weights"),
        "Validation and checkpoints": (
            *(
                "metric",
                "baseline",
                "patience",
                "eval_every",
                "save_every",
                "keep",
                "keep_optimizer",
                "resume",
            ),
            *("log_every", "report_to", "eval_batch_size"),
        ),
        "Computing": ("tokens_per_batch", "pad_to_max", "precision", "no_cache", "device"),
    }

    task: str = option(
        "auto",
        "what a row is given: one label, several, a tag per token, or a number",
        choices=("auto", "single-label", "multi-label", "tags", "regression"),
        default_text="auto: tags or multi-label for lists of them, else single-label",
    )
    size: str = option("tiny", "encoder built without a --model", choices=tuple(SIZES))
    epochs: int = option(3, "passes over the training rows", minimum=1)
    lr: float | None = option(
        None,
        "peak learning rate",
        minimum=0.0,
        default_text="by width: 2e-4 at 384, 5e-5 at 768, lower beyond 500 steps; from scratch 1e-3 at 128, "
        "5e-4 at 256",
    )
    schedule: str = option(
        "linear", "how the rate falls after the warmup", choices=("linear", "cosine", "constant")
    )
    warmup_ratio: float = option(0.1, "share of the steps in which the rate rises", minimum=0.0, maximum=1.0)
    batch_size: int = option(32, "rows per optimizer step", minimum=1)
    max_length: int | None = count_option(
        "tokens per row", minimum=3, default_text="the tokenizer's, at most the model's"
    )
    weight_decay: float = option(0.01, "AdamW's, not on biases and norms", minimum=0.0)
    max_grad_norm: float = option(1.0, "gradients are clipped to this norm; 0 for never", minimum=0.0)
    dropout: float | None = option(
        None, "dropout of the whole model", minimum=0.0, maximum=0.99, default_text="the model's"
    )
    head: str = option(
        "stock",
        "how the states of a row's tokens are pooled: stock head of transformers, first token, pooler, mean, "
        "max, learned weighted average, LSTM, attention",
        choices=("stock", "cls", "pooler", "mean", "max", "weighted", "lstm", "attention"),
    )
    reset_embeddings: bool = option(
        False, "initialize new embeddings for a --tokenizer that does not belong to the --model"
    )
    loss: str = option(
        "ce",
        "cross-entropy, focal, or logit-adjusted; with several labels their binary forms, for numbers (ce) "
        "squared error",
        choices=("ce", "focal", "logit-adjusted"),
    )
    gamma: float = option(2.0, "of the focal loss: the larger, the less easy rows count", minimum=0.0)
    alpha: str | None = option(
        None,
        "class weights of the focal loss: balanced, or joy=0.25,anger=0.75",
        metavar="ALPHA",
        default_text="none: all equal",
    )
    reduction: str = option(
        "mean",
        "loss of a step: mean (weighted by class weights), sum, or none: plain mean of weighted losses",
        choices=("mean", "sum", "none"),
    )
    label_smoothing: float = option(
        0.0, "share of the target spread over all classes", minimum=0.0, maximum=0.99
    )
    class_weights: str = option(
        "none",
        "class weights: none, balanced, sqrt, effective, joy=1,anger=3, or a weights.json that rebalance "
        "wrote",
        metavar="WHICH",
    )
    sampler: str = option(
        "plain",
        "rows of an epoch: each once, equally many per class, or by the square root of the class size",
        choices=("plain", "balanced", "sqrt"),
    )
    freeze: str = option(
        "none", "weights that are not trained: embeddings and first N layers, or the body", metavar="N|body"
    )
    layer_decay: float = option(
        1.0, "rate of a layer as a share of the rate of the layer above it", minimum=0.0, maximum=1.0
    )
    random_init: bool = option(False, "use only the configuration of the --model, with new weights")
    metric: str | None = option(
        None,
        "score that picks the best evaluation; that of one class is classes.joy.f1",
        default_text="macro_f1, or the task's own",
        metavar="SCORE",
    )
    baseline: str = option(
        "auto",
        "linear model to compare with: on the mean hidden states of the untrained --model (probe), or on "
        "words; of tags a linear tagger",
        choices=("auto", "probe", "bag-of-words", "none"),
        default_text="auto: probe, from scratch and for tags bag-of-words",
    )
    patience: int | None = count_option("stop after N evaluations without a better one", default_text="never")
    eval_every: str = option(
        "epoch", "validate after each epoch, every N steps, or only at the end", metavar=_N
    )
    save_every: str = option("epoch", "save a checkpoint each epoch, every N steps, or never", metavar=_N)
    keep: int = count_option("number of newest checkpoints to keep", 2)
    keep_optimizer: bool = option(False, "keep the last checkpoint with its optimizer in the model folder")
    resume: str = option(
        "auto",
        "continue from the newest complete checkpoint of an interrupted run, from none, or from this one",
        metavar="auto|none|PATH",
    )
    log_every: int | None = count_option("report the loss every N steps", default_text="each epoch")
    report_to: str | None = option(
        None,
        "report losses, rates and scores to this tracker, where it is installed; tensorboard writes to runs/ "
        "here, wandb to wandb/",
        choices=TRACKERS,
        default_text="none",
    )
    eval_batch_size: int | None = count_option(
        "rows per validation batch", default_text="by --tokens-per-batch"
    )
    tokens_per_batch: int | None = count_option(
        "tokens, padding included, computed at once: changes speed and memory, not the result",
        default_text="chosen for the device",
    )
    pad_to_max: bool = option(False, "pad every row to --max-length: slower, but with fixed shapes")
    precision: str = option(
        "auto",
        "number format of a step; auto: bf16 for models 384 wide or more on a GPU, or a CPU with AVX512_BF16 "
        "and without AMX, else fp32",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    folds: int | None = option(
        None,
        "cross-validation: K models, each scored on the rows it was not trained on; a test split is not used",
        minimum=2,
        metavar="K",
    )
    group_column: str | None = option(
        None, "rows with the same value here, such as an author, stay in one fold", metavar="NAME"
    )
    no_cache: bool = option(False, "do not use the cache of encoded rows")
    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps")
    seed: int = option(42, "seed of initialization, order and dropout", minimum=0, maximum=LARGEST_SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        # Errors that need no data or model come before anything is loaded.
        for name in ("eval_every", "save_every"):
            steps_between(flag(name), getattr(self, name), 1)
        if self.freeze not in ("none", "body") and not self.freeze.isdecimal():
            raise UsageError(
                f'--freeze: invalid value "{self.freeze}": choose none, body or a number of layers'
            )
        by_label = "nor a number for every label, LABEL=0.5,..."
        _check_word("--class-weights", self.class_weights, CLASS_WEIGHTS, f"{by_label}, nor a file")
        _check_word("--resume", self.resume, _RESUME, "nor a checkpoint")
        if self.alpha is not None:
            _check_word("--alpha", self.alpha, _BALANCED, by_label, path=False)
        check_device(self.device)
        # Patience without evaluations would silently never stop.
        if self.patience and self.eval_every == "never":
            raise UsageError("--patience: counts evaluations, but --eval-every never has none")


def _check_word(name: str, value: str, words: Sequence[str], others: str, *, path: bool = True) -> None:
    """Raises `UsageError` for a value that is none of the words, no LABEL=NUMBER and no existing path."""
    if value not in words and "=" not in value and not (path and is_path(Path(value))):
        raise UsageError(
            f'{name}: "{value}" is neither {", ".join(words)} {others}{did_you_mean(value, words)}'
        )


def steps_between(name: str, every: str, per_epoch: int) -> int | None:
    """Steps between two events: ``epoch``, a number, or ``never`` (None); raises `UsageError` for others.

    >>> steps_between("--eval-every", "epoch", per_epoch=120)
    120
    """
    if every == "never":
        return None
    if every == "epoch":
        return per_epoch
    if every.isdecimal() and int(every) > 0:
        return int(every)
    raise UsageError(f'{name}: invalid value "{every}": choose epoch, never or a number of steps')
