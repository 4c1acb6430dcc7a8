"""Training and prediction in rows per second, beside the stock `Trainer` with its example script's defaults.

    python -m tests.benchmarks.finetune_speed DATASET CHECKPOINT --rows 640

The stock script (`run_glue.py`, `run_classification.py`) pads every row to 128 tokens and takes batches of
8. Both train the same checkpoint on the same rows at the same rate; model loading is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Any

import numpy as np
import torch

from tokkit.data.dataset import sort_labels
from tokkit.data.loading.load import read_dataset
from tokkit.model import classifier as classifiers
from tokkit.model.inference import CPU_BUDGET, predict_logits
from tokkit.model.losses.cross_entropy import CrossEntropy
from tokkit.model.spec import FinetuneSpec
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training.loop import TrainingRows, train
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.load import load

CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("checkpoint")
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=2, help="both are measured in turn this often")
    arguments = parser.parse_args()
    rows = read_dataset(arguments.dataset).complete("train")
    texts, labels = rows.texts[: arguments.rows], rows.labels[: arguments.rows]
    for number in range(arguments.rounds):
        stock = measure_stock(arguments.checkpoint, texts, labels)
        ours = measure_tokkit(arguments.checkpoint, texts, labels)
        for what in ("training", "prediction"):
            print(
                f"round {number + 1}: {what:10} tokkit {ours[what]:6.1f} rows/s, "
                f"stock (128 tokens, batches of 8) {stock[what]:6.1f} rows/s: "
                f"{ours[what] / stock[what]:.2f} times",
                flush=True,
            )


def measure_tokkit(checkpoint: str, texts: list[str], labels: list[str]) -> dict[str, float]:
    """Rows per second, encoding included."""
    names = sort_labels(labels)
    tokenizer = load(checkpoint)
    spec = FinetuneSpec(epochs=1, lr=5e-5)
    torch.manual_seed(spec.seed)
    classifier = classifiers.load_pretrained(checkpoint, tokenizer, names, spec, SILENT)
    targets = np.array([names.index(label) for label in labels])
    started = time.perf_counter()
    encoded = encode(texts, tokenizer, classifier.max_length)
    rows = TrainingRows(encoded, RowTargets(targets), CrossEntropy())
    for _ in train(classifier, rows, spec, 5e-5, CPU, CPU_BUDGET, SILENT):
        pass
    trained = time.perf_counter()
    predict_logits(classifier, encode(texts, tokenizer, classifier.max_length), CPU, CPU_BUDGET)
    done = time.perf_counter()
    return {"training": len(texts) / (trained - started), "prediction": len(texts) / (done - trained)}


def measure_stock(checkpoint: str, texts: list[str], labels: list[str]) -> dict[str, float]:
    """Rows per second of the `Trainer`, tokenizing included."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

    names = sort_labels(labels)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, num_labels=len(names), dtype=torch.float32
    )

    def rows() -> list[dict[str, Any]]:
        encoded = tokenizer(texts, padding="max_length", max_length=128, truncation=True)
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
        trainer = Trainer(model=model, args=arguments, train_dataset=rows())
        trainer.train()
        trained = time.perf_counter()
        trainer.predict(rows())
        done = time.perf_counter()
    return {"training": len(texts) / (trained - started), "prediction": len(texts) / (done - trained)}


if __name__ == "__main__":
    main()
