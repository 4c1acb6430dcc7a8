"""The training loop of `finetune` next to a plain one of torch and transformers, same settings and rows.

    python -m tests.benchmarks.finetune_loops TRAIN VALIDATION CHECKPOINT --runs RUNS --seeds 5
    python -m tests.benchmarks.finetune_loops TRAIN VALIDATION CHECKPOINT --runs RUNS --seeds 2 --sample 2000

The plain loop shuffles, pads each batch to its longest row, and divides the loss by the rows of the batch.
Both keep the epoch with the best macro F1 on the validation rows. Each run writes its predictions to RUNS; a
run that is there is not repeated.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from sklearn.metrics import f1_score

import tokkit
from tests.benchmarks.paired import counts_of, print_differences
from tokkit.data.dataset import Rows, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset

PLAIN = "plain"
SYSTEMS = ("tokkit", PLAIN)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("checkpoint")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sample", type=int, help="rows of each file")
    parser.add_argument("--lr", type=float, default=2e-4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[Path]] = {name: [] for name in SYSTEMS}
    for seed in range(1, arguments.seeds + 1):
        for name in SYSTEMS:
            file = arguments.runs / f"{name}-{arguments.precision}-{seed}.parquet"
            if not file.exists():
                started = time.perf_counter()
                (run_plain if name == PLAIN else run_tokkit)(arguments, seed, file)
                print(f"{file.stem}: {time.perf_counter() - started:.0f} s", flush=True)
            files[name].append(file)
    print_differences(
        {name: [counts_of(file, tags=False) for file in each] for name, each in files.items()}, PLAIN
    )


def run_tokkit(arguments: argparse.Namespace, seed: int, file: Path) -> None:
    """One training by `finetune`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        tokkit.finetune(
            *(arguments.train, None, arguments.checkpoint, out),
            validation_data=arguments.validation,
            **{name: getattr(arguments, name) for name in ("lr", "epochs", "precision", "threads")},
            **{"seed": seed, "baseline": "none", "save_every": "never", "sample": sample_of(arguments)},
        )
        (out / "predictions.parquet").rename(file)


def run_plain(arguments: argparse.Namespace, seed: int, file: Path) -> None:
    """One training by the plain loop."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    training, validation = (rows_of(path, arguments) for path in (arguments.train, arguments.validation))
    labels = sort_labels(training.labels)
    torch.manual_seed(seed)
    model: Any = AutoModelForSequenceClassification.from_pretrained(
        arguments.checkpoint, num_labels=len(labels), dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(arguments.checkpoint)
    best, kept = -1.0, np.array([])
    for _ in epochs(model, tokenizer, training, labels, arguments):
        predicted = np.array(labels)[predict(model, tokenizer, validation.texts)]
        macro_f1 = f1_score(validation.labels, predicted, average="macro", labels=labels, zero_division=0)
        if macro_f1 > best:
            best, kept = float(macro_f1), predicted
    pl.DataFrame({"label": validation.labels, "predicted": kept}).write_parquet(file)


def rows_of(path: str, arguments: argparse.Namespace) -> Rows:
    """The rows of a file with one split, those that `finetune` reads."""
    dataset = read_dataset(path, DatasetOptions(sample=sample_of(arguments)))
    [name] = dataset.splits
    return dataset.complete(name)


def epochs(
    model: Any, tokenizer: Any, rows: Rows, labels: list[str], arguments: argparse.Namespace
) -> Iterator[None]:
    """Train; one item after each epoch."""
    from transformers import get_linear_schedule_with_warmup

    batch_size, targets = 32, torch.tensor([labels.index(label) for label in rows.labels])
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=arguments.lr
    )
    steps = -(-len(rows.texts) // batch_size) * arguments.epochs
    schedule = get_linear_schedule_with_warmup(optimizer, round(0.1 * steps), steps)
    for _ in range(arguments.epochs):
        model.train()
        for batch in torch.randperm(len(rows.texts)).split(batch_size):
            encoded = tokenizer(
                [rows.texts[i] for i in batch], padding=True, truncation=True, return_tensors="pt"
            )
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=arguments.precision == "bf16"):
                logits = model(**encoded).logits
            torch.nn.functional.cross_entropy(logits.float(), targets[batch]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        yield


@torch.inference_mode()
def predict(model: Any, tokenizer: Any, texts: list[str]) -> np.ndarray:
    """(rows,) class of each text."""
    model.eval()
    classes = []
    for start in range(0, len(texts), 64):
        encoded = tokenizer(texts[start : start + 64], padding=True, truncation=True, return_tensors="pt")
        classes.append(model(**encoded).logits.argmax(dim=-1))
    return torch.cat(classes).numpy()


def sample_of(arguments: argparse.Namespace) -> str | None:
    return f"{arguments.sample}:1" if arguments.sample else None


if __name__ == "__main__":
    main()
