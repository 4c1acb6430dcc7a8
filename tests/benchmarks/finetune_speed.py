"""Training and prediction in rows per second, next to the stock `Trainer` in two settings.

    python -m tests.benchmarks.finetune_speed DATASET CHECKPOINT --rows 640
    python -m tests.benchmarks.finetune_speed DATASET CHECKPOINT --rows 320 --distilbert
    python -m tests.benchmarks.finetune_speed DATASET CHECKPOINT --rows 640 --bf16

The stock script (`run_glue.py`, `run_classification.py`) pads every row to 128 tokens and uses batches of
8; with a collator that pads to the longest row of a batch, the same batches are "dynamic". All train the
same checkpoint on the same rows with the same learning rate; loading the model is not counted.
``--distilbert`` uses only the tokenizer of the checkpoint, and an encoder of DistilBERT's size with random
weights. ``--bf16`` compares tokkit in fp32 and in bf16 instead.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tokkit.data.dataset import Rows, sort_labels
from tokkit.data.loading.load import read_dataset
from tokkit.model.network import pretrained
from tokkit.model.network.batches import CPU_BUDGET
from tokkit.model.network.classifier import CPU_TRAINING_BUDGET, predict_logits
from tokkit.model.network.losses import CrossEntropy
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training.setup import EncodedRows, TrainingSetup
from tokkit.model.training.steps import Steps
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.folder.load import load

CPU = torch.device("cpu")
STOCK = {"padded to 128": "max_length", "dynamic": False}
"""Settings of the stock script, batches of 8 in both -> how its rows are padded while they are tokenized."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("checkpoint")
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=2, help="both are measured in turn this often")
    parser.add_argument("--distilbert", action="store_true", help="an encoder of DistilBERT's size")
    parser.add_argument("--bf16", action="store_true", help="tokkit in fp32 and bf16")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.distilbert:
            arguments.checkpoint = distilbert_sized(arguments.checkpoint, Path(folder))
        (compare_precisions if arguments.bf16 else compare)(arguments)


def compare_precisions(arguments: argparse.Namespace) -> None:
    """Prints the training rates of every round."""
    rows = read_dataset(arguments.dataset).complete("train")
    texts, labels = rows.texts[: arguments.rows], rows.labels[: arguments.rows]
    for number in range(arguments.rounds):
        rates = {
            precision: measure_tokkit(arguments.checkpoint, texts, labels, precision)["training"]
            for precision in ("fp32", "bf16")
        }
        print(f"round {number + 1}: {', '.join(f'{name} {rate:.1f} rows/s' for name, rate in rates.items())}")


def compare(arguments: argparse.Namespace) -> None:
    """Prints the rates of every round, and how many times as fast tokkit is."""
    rows = read_dataset(arguments.dataset).complete("train")
    texts, labels = rows.texts[: arguments.rows], rows.labels[: arguments.rows]
    for number in range(arguments.rounds):
        stock = {name: measure_stock(arguments.checkpoint, texts, labels, name) for name in STOCK}
        ours = measure_tokkit(arguments.checkpoint, texts, labels)
        for what in ("training", "prediction"):
            ratios = [
                f"{name} {rates[what]:.1f}: {ours[what] / rates[what]:.2f} times"
                for name, rates in stock.items()
            ]
            print(
                f"round {number + 1}: {what:10} tokkit {ours[what]:.1f} rows/s, stock {', '.join(ratios)}",
                flush=True,
            )


def distilbert_sized(checkpoint: str, folder: Path) -> str:
    """A checkpoint of DistilBERT's shape for the tokenizer of another; gives its folder."""
    from transformers import AutoTokenizer, DistilBertConfig, DistilBertModel

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    torch.manual_seed(42)
    DistilBertModel(DistilBertConfig(vocab_size=len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def measure_tokkit(
    checkpoint: str, texts: list[str], labels: list[str], precision: str = "fp32"
) -> dict[str, float]:
    """Rows per second, encoding included."""
    names = sort_labels(labels)
    tokenizer = load(checkpoint)
    options = FinetuneOptions(epochs=1, lr=5e-5)
    torch.manual_seed(options.seed)
    classifier = pretrained.load_pretrained(checkpoint, tokenizer, names, options, SILENT)
    targets = np.array([names.index(label) for label in labels])
    started = time.perf_counter()
    encoded = encode(texts, tokenizer, classifier.limits.max_length)
    rows = EncodedRows(Rows(texts, labels, list(range(len(texts))), {}), encoded, RowTargets(targets))
    setup = TrainingSetup(classifier, rows, rows, CrossEntropy(), options, 5e-5, CPU, CPU_TRAINING_BUDGET)
    for _ in Steps(setup, precision).run(SILENT):
        pass
    trained = time.perf_counter()
    predict_logits(classifier, encode(texts, tokenizer, classifier.limits.max_length), CPU, CPU_BUDGET)
    done = time.perf_counter()
    return {"training": len(texts) / (trained - started), "prediction": len(texts) / (done - trained)}


def measure_stock(checkpoint: str, texts: list[str], labels: list[str], padding: str) -> dict[str, float]:
    """Rows per second of the `Trainer`, tokenizing included; ``padding`` is one of `STOCK`."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    names = sort_labels(labels)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, num_labels=len(names), dtype=torch.float32
    )

    def rows() -> list[dict[str, Any]]:
        encoded = tokenizer(texts, padding=STOCK[padding], max_length=128, truncation=True)
        return [
            {**{name: values[i] for name, values in encoded.items()}, "labels": names.index(labels[i])}
            for i in range(len(texts))
        ]

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=8,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        )
        started = time.perf_counter()
        collator = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(model=model, args=arguments, train_dataset=rows(), data_collator=collator)
        trainer.train()
        trained = time.perf_counter()
        trainer.predict(rows())
        done = time.perf_counter()
    return {"training": len(texts) / (trained - started), "prediction": len(texts) / (done - trained)}


if __name__ == "__main__":
    main()
