"""What a bag of words reaches on a data set, beside a model that `finetune` made.

    python -m tests.benchmarks.bag_of_words TRAIN TEST --model model/

TF-IDF of words and word pairs and a logistic regression (scikit-learn), at its default strength (C = 1)
and with C = 10, trained on the train file and scored on the test file, as the model is.
"""

from __future__ import annotations

import argparse

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

import tokkit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--model")
    arguments = parser.parse_args()
    train, test = (_rows(path) for path in (arguments.train, arguments.test))
    for strength in (1.0, 10.0):
        classifier = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=strength, max_iter=2000)
        ).fit(train.texts, train.labels)
        predicted = classifier.predict(test.texts)
        _tell(
            f"bag of words, C = {strength:g}",
            accuracy_score(test.labels, predicted),
            f1_score(test.labels, predicted, average="macro"),
        )
    if arguments.model:
        scores = tokkit.evaluate(arguments.model, arguments.test).as_dict()
        majority = scores["majority"]
        _tell(f'always "{majority["label"]}"', majority["accuracy"], majority["macro_f1"])
        _tell(arguments.model, scores["accuracy"], scores["macro_f1"])


def _rows(path: str):
    dataset = tokkit.load_dataset(path)
    return dataset.complete(next(iter(dataset.splits)))


def _tell(name: str, accuracy: float, macro_f1: float) -> None:
    print(f"{name:24} accuracy {accuracy:.4f}, macro F1 {macro_f1:.4f}")


if __name__ == "__main__":
    main()
