"""What a fine-tuned model is shown beside, against scikit-learn and `features --probe`."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from transformers import BartConfig, FunnelConfig, XLNetConfig

import tokkit
from tests.model.conftest import write_csv
from tests.model.features_models import copy_tokenizer, encoder
from tests.model.test_finetune import FAST
from tests.model.test_model_folds import StopsIn
from tokkit.data.dataset import Rows
from tokkit.errors import InputError, Interrupted, UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training import baseline as baselines
from tokkit.model.training.baseline import baseline
from tokkit.model.training.report import write_card
from tokkit.model.training.setup import EncodedRows
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.views.reports.finetuning import finetuning


@pytest.fixture(scope="module")
def bert(tmp_path_factory, tokenizer):
    return encoder("bert", tmp_path_factory.mktemp("bert") / "bert", tokenizer)


def test_from_scratch_it_is_the_bag_of_words_of_scikit_learn(dataset, tokenizer, tmp_path, heard):
    result = tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    train, validation = (pl.read_csv(dataset / f"{name}.csv") for name in ("train", "validation"))
    words = tfidf()
    regression = LogisticRegression(C=10.0, max_iter=2000)
    regression.fit(words.fit_transform(train["text"]), train["label"])
    truth, predictions = validation["label"], regression.predict(words.transform(validation["text"]))
    beside = result.metrics["baseline"]
    assert (beside["kind"], beside["rows"]) == ("bag-of-words", 240)
    scores = accuracy_score(truth, predictions), f1_score(truth, predictions, average="macro")
    assert (beside["accuracy"], beside["macro_f1"]) == pytest.approx(scores, abs=1e-6)
    assert "baseline (TF-IDF + logistic regression): accuracy" in heard
    assert "is below the baseline's" in heard  # an epoch of a tiny encoder is not much


def test_of_a_checkpoint_it_is_what_features_probe_says(dataset, tokenizer, bert, tmp_path):
    result = tokkit.finetune(dataset, model=bert, out=tmp_path / "m", head="mean", **FAST)
    features = tokkit.features(bert, dataset, tmp_path / "f.parquet", probe=True, threads=1)
    beside = result.metrics["baseline"]
    assert beside["kind"] == "probe"
    for score in ("loss", "accuracy", "macro_f1", "weighted_f1"):
        assert beside[score] == pytest.approx(features.probe[score], abs=1e-4)


def test_it_stands_in_metrics_card_and_table(dataset, tokenizer, tmp_path):
    result = tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", **FAST)
    beside = result.metrics["baseline"]
    assert json.loads((tmp_path / "m" / "metrics.json").read_text("utf-8"))["baseline"] == beside
    card = (tmp_path / "m" / "README.md").read_text("utf-8")
    assert '| | this model | TF-IDF baseline | majority class ("joy") |' in card
    assert f"| {beside['accuracy']:.4f} |" in card
    overall = finetuning(result.as_dict())[1]
    assert "TF-IDF baseline" in overall.columns
    column = overall.columns.index("TF-IDF baseline")
    assert [row[column] for row in overall.rows if row[0] == "accuracy"] == [beside["accuracy"]]


def test_it_changes_no_weight_and_none_leaves_it_out(dataset, tokenizer, bert, tmp_path):
    """It is computed before the first step, on the model that is trained then."""
    for name in ("probe", "none"):
        tokkit.finetune(dataset, model=bert, out=tmp_path / name, baseline=name, **FAST)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("probe", "none")]
    assert weights[0] == weights[1]
    assert "baseline" not in json.loads((tmp_path / "none" / "metrics.json").read_text("utf-8"))


def test_folds_have_one_each_and_their_mean(dataset, tokenizer, tmp_path):
    result = tokkit.finetune(dataset / "train.csv", tokenizer, out=tmp_path / "m", folds=2, **FAST)
    accuracies = [fold["metrics"]["baseline"]["accuracy"] for fold in result.folds]
    assert result.mean["baseline"]["accuracy"] == pytest.approx(np.mean(accuracies), abs=1e-6)


def test_finished_folds_without_one_are_not_taken_for_folds_with_one(dataset, tokenizer, tmp_path):
    inputs = (dataset / "train.csv", tokenizer)
    settings = {"out": tmp_path / "m", "folds": 2, **FAST}
    with pytest.raises(Interrupted):
        tokkit.finetune(*inputs, baseline="none", progress=StopsIn(2), **settings)
    result = tokkit.finetune(*inputs, **settings)
    assert "baseline" in result.mean


def test_one_that_cannot_be_had_is_refused(dataset, tokenizer, tmp_path):
    with pytest.raises(UsageError, match="hidden states of an encoder with new weights are random") as caught:
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", baseline="probe", **FAST)
    assert caught.value.hint == "--baseline bag-of-words"
    conll = tmp_path / "t.conll"
    conll.write_text("\n\n".join(f"at O\nhome{n} B-place" for n in range(60)), encoding="utf-8")
    with pytest.raises(UsageError, match="predicts per row, but tags needs it per token"):
        tokkit.finetune(conll, tokenizer, out=tmp_path / "m", baseline="bag-of-words", **FAST)
    assert "baseline" not in tokkit.finetune(conll, tokenizer, out=tmp_path / "m", **FAST).metrics


def tfidf():
    return TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")


def test_several_labels_have_a_regression_each(tokenizer, tmp_path):
    rows = [(f"{'glad ' * (n % 2)}{'sad ' * (n % 3 == 0)}{n}", n % 2, int(n % 3 == 0)) for n in range(90)]
    for name, part in (("train", rows[:60]), ("validation", rows[60:])):
        lines = ["text,joy,sorrow", *(",".join(map(str, row)) for row in part)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    result = tokkit.finetune(
        tmp_path, tokenizer, out=tmp_path / "m", label_column="joy,sorrow", text_column="text", **FAST
    )
    texts, truth = [row[0] for row in rows], np.array([row[1:] for row in rows])
    words = tfidf().fit(texts[:60])
    regression = OneVsRestClassifier(LogisticRegression(C=10.0, max_iter=2000))
    regression.fit(words.transform(texts[:60]), truth[:60])
    said = regression.predict(words.transform(texts[60:]))
    beside = result.metrics["baseline"]
    assert beside["macro_f1"] == pytest.approx(f1_score(truth[60:], said, average="macro"), abs=1e-6)
    assert beside["accuracy"] == pytest.approx(accuracy_score(truth[60:], said), abs=1e-6)


def test_numbers_have_a_ridge_regression(tokenizer, tmp_path):
    rows = [(f"{'very ' * (n % 5)}good {n}", str(n % 5)) for n in range(90)]
    write_csv(tmp_path / "train.csv", rows[:60])
    write_csv(tmp_path / "validation.csv", rows[60:])
    result = tokkit.finetune(tmp_path, tokenizer, out=tmp_path / "m", task="regression", **FAST)
    texts, truth = [row[0] for row in rows], np.array([float(row[1]) for row in rows])
    words = tfidf().fit(texts[:60])
    said = Ridge(alpha=0.1).fit(words.transform(texts[:60]), truth[:60]).predict(words.transform(texts[60:]))
    beside = result.metrics["baseline"]
    assert beside["loss"] == pytest.approx(((said - truth[60:]) ** 2).mean(), abs=1e-5)
    assert beside["pearson"] == pytest.approx(np.corrcoef(said, truth[60:])[0, 1], abs=1e-5)


def part(texts, targets, pairs=()):
    rows = Rows(texts=texts, labels=[], positions=[], left_out={}, pairs=list(pairs))
    encoded = Encoded(np.arange(len(texts)), np.arange(len(texts) + 1), 0)
    return EncodedRows(rows, encoded, RowTargets(np.array(targets)))


def words(training, held_out, progress=SILENT):
    classifier = SimpleNamespace(labels=("joy", "sadness"), task=DEFAULT)
    options = FinetuneOptions(seed=1)
    setup = SimpleNamespace(classifier=classifier, training=training, validation=held_out, options=options)
    return baseline("bag-of-words", setup, threads=1, progress=progress)


def test_of_many_rows_the_same_are_drawn_again(monkeypatch):
    monkeypatch.setattr(baselines, "MAX_ROWS", 20)
    training = part([f"{'glad' if n % 2 else 'gloomy'} {n}" for n in range(60)], [n % 2 for n in range(60)])
    scores = [words(training, part(["glad", "gloomy"], [1, 0])) for _ in range(2)]
    assert scores[0] == scores[1]
    assert (scores[0]["rows"], scores[0]["accuracy"]) == (20, 1.0)


def test_of_pairs_both_texts_count():
    training = part(["a", "a"] * 9, [0, 1] * 9, ["glad", "gloomy"] * 9)
    assert words(training, part(["a", "a"], [1, 0], ["gloomy", "glad"]))["accuracy"] == 1.0


def test_texts_without_words_have_none_which_is_said(heard):
    blank = part([" ", "\t"] * 4, [0, 1] * 4)
    assert words(blank, blank, heard) is None
    assert "no baseline: the texts have no words" in heard


def stock(config, folder, tokenizer):
    """A classifier of that configuration with the tests' tokenizer."""
    from transformers import AutoModelForSequenceClassification

    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    copy_tokenizer(tokenizer, folder)
    return folder


def test_a_model_with_a_decoder_is_probed_at_its_encoder(dataset, tokenizer, tmp_path):
    small = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 64}
    layers = {
        f"{part}_{what}": 1 for part in ("encoder", "decoder") for what in ("layers", "attention_heads")
    }
    ids = {"vocab_size": 300, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    starts = {"decoder_start_token_id": 3, "forced_eos_token_id": None}
    model = stock(BartConfig(**small, **layers, **ids, **starts), tmp_path / "bart", tokenizer)
    result = tokkit.finetune(dataset, model=model, out=tmp_path / "m", **FAST)
    assert result.metrics["baseline"]["kind"] == "probe"


def test_words_stand_in_where_a_body_gives_no_hidden_states(dataset, tokenizer, tmp_path, heard):
    """Funnel pools its tokens: it has fewer states than tokens, and none for one token alone."""
    small = {"d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 16, "num_decoder_layers": 1}
    config = FunnelConfig(vocab_size=300, block_sizes=[1, 1], **small)
    model = stock(config, tmp_path / "funnel", tokenizer)
    result = tokkit.finetune(dataset, model=model, out=tmp_path / "m", progress=heard, **FAST)
    assert result.metrics["baseline"]["kind"] == "bag-of-words"
    assert "TF-IDF is the baseline instead" in heard


def test_a_model_that_reads_padding_is_refused_before_anything_is_trained(dataset, tokenizer, tmp_path):
    config = XLNetConfig(vocab_size=300, d_model=16, n_layer=1, n_head=2, d_inner=16, pad_token_id=0)
    model = stock(config, tmp_path / "xlnet", tokenizer)
    with pytest.raises(InputError, match="its prediction for a text changes with the padding behind it"):
        tokkit.finetune(dataset, model=model, out=tmp_path / "m", **FAST)
    assert not (tmp_path / "m").exists()


def test_a_card_shows_markup_of_labels_and_names_as_it_is(tmp_path):
    label = "<img src=x onerror=alert(1)>|*a*_b_ [c](d)\x1b[31m\u202e"
    scores = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    metrics = {
        "rows": 1,
        "accuracy": 1.0,
        "majority": {"label": label, "accuracy": 1.0},
        "classes": {label: scores},
    }
    path = tmp_path / "README.md"
    write_card(path, DEFAULT, metrics, {"head": "stock", "label_names": label}, base=label)
    card = path.read_text("utf-8")
    shown = r"\<img src=x onerror=alert(1)\>\|\*a\*\_b\_ \[c\](d)\\x1b\[31m\\u202e"
    assert card.count(shown) == 5
    assert "<" not in card.replace(r"\<", "")
