"""Accuracy of a bag of words on a data set, next to a model that `finetune` trained.

    python -m tests.benchmarks.bag_of_words TRAIN TEST --model model/

The bag of words is TF-IDF of words and word pairs and a logistic regression (scikit-learn), trained on the
train file, with C chosen by cross-validation. Both are scored on the test file.
"""

from __future__ import annotations

import argparse

import tokkit
from tokkit.data.dataset import sort_labels
from tokkit.data.loading.load import read_dataset
from tokkit.model.tasks.task import class_ids
from tokkit.model.training.linear_model import LinearModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--model")
    arguments = parser.parse_args()
    train, test = (_rows(path) for path in (arguments.train, arguments.test))
    labels = sort_labels(train.labels)
    linear = LinearModel(
        targets=class_ids(train.labels, labels, arguments.train),
        truth=class_ids(test.labels, labels, arguments.test),
        labels=labels,
    )
    scores = linear.bag_of_words(train.texts, test.texts)
    _tell(f"bag of words, C = {scores['C']:g}", scores["accuracy"], scores["macro_f1"])
    if arguments.model:
        scores = tokkit.evaluate(arguments.model, arguments.test).as_dict()
        majority = scores["majority"]
        _tell(f'majority class ("{majority["label"]}")', majority["accuracy"], majority["macro_f1"])
        _tell(arguments.model, scores["accuracy"], scores["macro_f1"])


def _rows(path: str):
    dataset = read_dataset(path)
    return dataset.complete(next(iter(dataset.splits)))


def _tell(name: str, accuracy: float, macro_f1: float) -> None:
    print(f"{name:24} accuracy {accuracy:.4f}, macro F1 {macro_f1:.4f}")


if __name__ == "__main__":
    main()
