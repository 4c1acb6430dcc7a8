"""Pairs of texts: segments reach the model, and its logits are those of ``tokenizer(text, pair)``."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

import tokkit
from tests.model.encoders import body_folder
from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError
from tokkit.model.folder import model_folder as folder
from tokkit.model.network.classifier import predict_logits

FAST = {"size": "tiny", "epochs": 1, "threads": 1, "no_cache": True, "baseline": "none"}
WORDS = ["glad", "sad", "angry", "at home", "어제 학교에서", "🙂"]


def pairs(rows, seed):
    rng = random.Random(seed)
    for number in range(rows):
        same = rng.random() < 0.5
        first = rng.choice(WORDS)
        second = first if same else rng.choice(WORDS)
        yield f"i feel {first} {number}", f"so {second}", "same" if same else "other"


def write(path, rows):
    lines = ["a,b,label", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


COLUMNS = {"text_column": "a", "pair_column": "b", "label_column": "label"}


@pytest.fixture(scope="module", params=["bert", "roberta", "distilbert", "electra"])
def paired(request, tokenizer, tmp_path_factory):
    """A model of pairs, its architecture with segments or without."""
    home = tmp_path_factory.mktemp(request.param)
    base = body_folder(request.param, home / "base")
    data = write(home / "train.csv", pairs(60, 1))
    tokkit.finetune(data, tokenizer, base, home / "model", **COLUMNS, **FAST)
    return home


def test_logits_are_those_of_the_stock_model_on_pairs(paired):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    classifier = folder.load_classifier(paired / "model")
    model = AutoModelForSequenceClassification.from_pretrained(paired / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(paired / "model")
    assert classifier.limits.segments == (getattr(model.config, "type_vocab_size", 0) > 1)
    triples = [*pairs(10, 5), ("i feel " * 100, "so glad", ""), ("glad", "so sad " * 100, "")]
    rows = Rows([a for a, _, _ in triples], [], [], {}, pairs=[b for _, b, _ in triples])
    encoded = classifier.task.encode(rows, classifier.tokenizer, classifier.limits.max_length)
    ours = predict_logits(classifier, encoded, torch.device("cpu"), budget=200)
    assert encoded.truncated == 2
    for row, (first, second, _) in enumerate(triples):
        result = tokenizer(
            *(first, second),
            truncation=True,
            max_length=classifier.limits.max_length,
            return_tensors="pt",
            return_token_type_ids=True,
        )
        segments = result.pop("token_type_ids")[0].numpy()
        held = encoded.segments[encoded.offsets[row] : encoded.offsets[row + 1]]
        assert held.tolist() == segments.tolist()
        assert set(held.tolist()) == {0, 1}
        if classifier.limits.segments:
            result["token_type_ids"] = torch.from_numpy(segments)[None]
        with torch.inference_mode():
            np.testing.assert_allclose(ours[row], model(**result).logits[0].numpy(), atol=1e-4)


def test_segments_make_a_difference_where_the_model_has_them(paired):
    classifier = folder.load_classifier(paired / "model")
    rows = Rows(["i feel glad"], [], [], {}, pairs=["so sad"])
    encoded = classifier.task.encode(rows, classifier.tokenizer, classifier.limits.max_length)
    without = type(encoded)(encoded.ids, encoded.offsets, 0)
    one, other = (predict_logits(classifier, each, torch.device("cpu"), 64) for each in (encoded, without))
    assert np.allclose(one, other) == (not classifier.limits.segments)


def test_predict_and_evaluate_read_the_second_text(paired):
    test = write(paired / "test.csv", [*pairs(20, 3), ("i feel sad", "", "same")])
    rows = tokkit.predict(paired / "model", test, raw=True, **COLUMNS).predictions
    assert rows[-1] == {
        **{"text": "i feel sad", "pair": None, "label": None, "probabilities": None},
        "true_label": "same",
    }
    assert [row["pair"] for row in rows[:-1]] == [b for _, b, _ in pairs(20, 3)]
    result = tokkit.evaluate(paired / "model", test, **COLUMNS)
    assert result.left_out == {"no second text": 1}
    right = sum(row["label"] == row["true_label"] for row in rows[:-1])
    assert result.as_dict()["accuracy"] == pytest.approx(right / 20, abs=1e-6)


def test_columns_are_those_of_the_training_where_a_file_has_them(paired, tmp_path, heard):
    rows = [("1", "x" * 40, *row) for row in pairs(6, 9)]
    lines = ["n,text,b,a,label", *(f"{n},{other},{b},{a},{label}" for n, other, a, b, label in rows)]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    named = tokkit.predict(paired / "model", tmp_path / "new.csv", read_options=_options(COLUMNS))
    as_trained = tokkit.predict(paired / "model", tmp_path / "new.csv", progress=heard)
    assert as_trained.predictions == named.predictions
    assert 'column "a"' in heard
    tokkit.predict(paired / "model", tmp_path / "new.csv", out=tmp_path / "out.csv")
    written = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[-2] for line in written[1:]] == [row["label"] for row in named.predictions]
    scores = tokkit.evaluate(paired / "model", tmp_path / "new.csv").as_dict()
    assert scores["accuracy"] == pytest.approx(
        sum(row["label"] == row["true_label"] for row in named.predictions) / 6, abs=1e-6
    )


def _options(columns):
    return tokkit.DatasetOptions(**columns)


def test_single_texts_together_with_pairs_are_refused(paired):
    test = write(paired / "few.csv", pairs(3, 3))
    with pytest.raises(UsageError, match="single texts and pairs"):
        tokkit.predict(paired / "model", ["i feel glad", test], **COLUMNS)


def test_single_texts_alone_are_refused_by_a_model_of_pairs(paired, model, dataset, heard):
    with pytest.raises(InputError, match="was trained on pairs of texts, but the rows are single texts"):
        tokkit.predict(paired / "model", "i feel glad")
    with pytest.raises(InputError, match="was trained on pairs of texts, but the rows are single texts"):
        tokkit.evaluate(paired / "model", paired / "train.csv", text_column="a", label_column="label")
    data = write(paired / "new.csv", pairs(3, 7))
    result = tokkit.predict(model, data, progress=heard, text_column="a", pair_column="b")
    assert len(result.predictions) == 3
    assert "was trained on single texts, but the rows are pairs" in heard
