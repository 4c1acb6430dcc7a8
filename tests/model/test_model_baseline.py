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
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transformers import BartConfig, FunnelConfig, XLNetConfig

import tokkit
from tests.conftest import Heard
from tests.model.conftest import write_csv
from tests.model.features_models import copy_tokenizer, encoder
from tests.model.test_model_folds import StopsIn
from tokkit.data.dataset import Rows
from tokkit.errors import InputError, Interrupted, UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training import baseline as baselines
from tokkit.model.training.baseline import baseline
from tokkit.model.training.linear_model import LinearModel, best_learner
from tokkit.model.training.setup import EncodedRows
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.views.cards.model_card import ModelRecord, Scores, model_card
from tokkit.views.cards.sections import Origin
from tokkit.views.reports.finetuning import finetuning

FAST = {"size": "tiny", "epochs": 1, "threads": 1}


@pytest.fixture(scope="module")
def bert(tmp_path_factory, tokenizer):
    return encoder("bert", tmp_path_factory.mktemp("bert") / "bert", tokenizer)


@pytest.fixture(scope="module")
def from_scratch(dataset, tokenizer, tmp_path_factory):
    """A fine-tuning with the baseline that it has by default, its folder, and what was said."""
    out, heard = tmp_path_factory.mktemp("scratch") / "m", Heard()
    return tokkit.finetune(dataset, tokenizer, out=out, progress=heard, **FAST), out, heard


def test_from_scratch_it_is_the_bag_of_words_of_scikit_learn(dataset, from_scratch):
    result, _, heard = from_scratch
    train, validation = (pl.read_csv(dataset / f"{name}.csv") for name in ("train", "validation"))
    words = tfidf()
    beside = result.metrics["baseline"]
    regression = LogisticRegression(C=beside["C"], max_iter=2000)
    regression.fit(words.fit_transform(train["text"]), train["label"])
    truth, predictions = validation["label"], regression.predict(words.transform(validation["text"]))
    assert (beside["kind"], beside["rows"]) == ("bag-of-words", 240)
    scores = accuracy_score(truth, predictions), f1_score(truth, predictions, average="macro")
    assert (beside["accuracy"], beside["macro_f1"]) == pytest.approx(scores, abs=1e-6)
    assert f"baseline (TF-IDF + logistic regression, C = {beside['C']:g}): accuracy" in heard
    assert "is below the baseline's" in heard  # an epoch of a tiny encoder is not much


def test_of_a_checkpoint_it_is_what_features_probe_says(dataset, tokenizer, bert, tmp_path):
    result = tokkit.finetune(dataset, model=bert, out=tmp_path / "m", head="mean", **FAST)
    features = tokkit.features(bert, dataset, tmp_path / "f.parquet", probe=True, threads=1)
    beside = result.metrics["baseline"]
    assert beside["kind"] == "probe"
    for score in ("C", "standardized", "accuracy", "macro_f1", "weighted_f1"):
        assert beside[score] == pytest.approx(features.probe[score], abs=1e-4)
    # with little regularization, rounding of the vectors moves the loss
    assert beside["loss"] == pytest.approx(features.probe["loss"], abs=1e-3)


def test_it_stands_in_metrics_card_and_table(from_scratch):
    result, out, _ = from_scratch
    beside = result.metrics["baseline"]
    assert json.loads((out / "metrics.json").read_text("utf-8"))["baseline"] == beside
    card = (out / "README.md").read_text("utf-8")
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


@pytest.mark.long
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
    assert caught.value.hint.endswith('baseline="bag-of-words")')
    conll = tmp_path / "t.conll"
    conll.write_text("\n\n".join(f"at O\nhome{n} B-place" for n in range(60)), encoding="utf-8")
    with pytest.raises(UsageError, match="predicts per row, but tags needs it per token"):
        tokkit.finetune(conll, tokenizer, out=tmp_path / "m", baseline="probe", **FAST)


def test_a_tagger_has_the_majority_tag_of_each_word_and_a_linear_tagger(tokenizer, tmp_path, heard):
    """A place is what follows "at"."""
    words, before = [f"home{n % 7}" for n in range(120)], ["at", "no"] * 60
    rows = [f"{a} O\n{w} {'B-place' if a == 'at' else 'O'}" for a, w in zip(before, words, strict=True)]
    data = tmp_path / "places"
    data.mkdir()
    for name, part in (("train", rows[:90]), ("validation", rows[90:])):
        (data / f"{name}.conll").write_text("\n\n".join(part), encoding="utf-8")
    settings = {"out": tmp_path / "m", "progress": heard, **FAST}
    result = tokkit.finetune(data, tokenizer, **settings)
    beside = result.metrics["baseline"]
    assert (beside["kind"], beside["rows"]) == ("linear-tagger", 90)
    assert (beside["span_f1"], beside["accuracy"]) == (1.0, 1.0), "it reads the word before"
    tags = {word: [row.split()[-1] for row in rows[:90] if f"\n{word} " in row] for word in words}
    majority = {word: max("B-place", "O", key=of_word.count) for word, of_word in tags.items()}
    hits = sum(majority[word] == row.split()[-1] for word, row in zip(words[90:], rows[90:], strict=True))
    assert beside["word_majority"]["accuracy"] == pytest.approx((hits + 30) / 60, abs=1e-6)
    assert "baseline (majority tag per word): accuracy" in heard
    assert "baseline (linear tagger): accuracy 1.0000, span F1 1.0000" in heard
    overall = finetuning(result.as_dict())[1]
    assert tuple(overall.columns[2:4]) == ("linear tagger", "majority tag per word")
    card = (tmp_path / "m" / "README.md").read_text("utf-8")
    assert '| | this model | linear tagger | majority tag per word | majority class ("O") |' in card
    folds = tokkit.finetune(data / "train.conll", tokenizer, folds=2, force=True, **settings)
    assert "word_majority" in folds.mean["baseline"]


@pytest.mark.parametrize("rows", [4, 30])
def test_the_probe_is_that_of_the_c_it_names_and_lets_no_warning_out(rows, recwarn):
    vectors = np.random.default_rng(0).normal(size=(rows + 200, 40)).astype(np.float32)
    classes = (vectors[:, 0] > 0).astype(np.int64)
    classes[0] = 2  # a class of one row: no fold can have it on both sides
    scores = LinearModel(classes[:rows], classes[rows:], ("a", "b", "c")).probe(
        vectors[:rows], vectors[rows:]
    )
    assert not recwarn.list
    scaler = StandardScaler() if scores["standardized"] else "passthrough"
    regression = make_pipeline(scaler, LogisticRegression(C=scores["C"], max_iter=2000))
    regression.fit(vectors[:rows], classes[:rows])
    assert scores["accuracy"] == pytest.approx(regression.score(vectors[rows:], classes[rows:]), abs=1e-6)


def test_c_is_the_best_in_cross_validation():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 30))
    classes = (vectors[:, 0] + rng.normal(size=60) / 2 > 0).astype(np.int64)
    learners = [LogisticRegression(C=strength) for strength in (1e-6, 0.3, 1e6)]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for order in (learners, learners[::-1]):
        scores = [
            np.mean(cross_val_score(learner, vectors, classes, cv=folds, scoring="accuracy"))
            + np.mean(cross_val_score(learner, vectors, classes, cv=folds, scoring="f1_macro"))
            for learner in order
        ]
        assert best_learner(order, vectors, classes, by_class=True) == int(np.argmax(scores))


def tfidf():
    return TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")


def test_several_labels_have_a_regression_each(tokenizer, tmp_path):
    rows = [(f"{'glad ' * (n % 2)}{'sad ' * (n % 3 == 0)}{n}", n % 2, int(n % 3 == 0)) for n in range(90)]
    for name, part in (("train", rows[:60]), ("validation", rows[60:])):
        lines = ["text,joy,sorrow", *(",".join(map(str, row)) for row in part)]
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    result = tokkit.finetune(
        tmp_path / "data",
        tokenizer,
        out=tmp_path / "m",
        label_column="joy,sorrow",
        text_column="text",
        **FAST,
    )
    texts, truth = [row[0] for row in rows], np.array([row[1:] for row in rows])
    words = tfidf().fit(texts[:60])
    beside = result.metrics["baseline"]
    regression = OneVsRestClassifier(LogisticRegression(C=beside["C"], max_iter=2000))
    regression.fit(words.transform(texts[:60]), truth[:60])
    said = regression.predict(words.transform(texts[60:]))
    assert beside["macro_f1"] == pytest.approx(f1_score(truth[60:], said, average="macro"), abs=1e-6)
    assert beside["accuracy"] == pytest.approx(accuracy_score(truth[60:], said), abs=1e-6)


def test_numbers_have_a_ridge_regression(tokenizer, tmp_path):
    rows = [(f"{'very ' * (n % 5)}good {n}", str(n % 5)) for n in range(90)]
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "train.csv", rows[:60])
    write_csv(tmp_path / "data" / "validation.csv", rows[60:])
    result = tokkit.finetune(tmp_path / "data", tokenizer, out=tmp_path / "m", task="regression", **FAST)
    texts, truth = [row[0] for row in rows], np.array([float(row[1]) for row in rows])
    words = tfidf().fit(texts[:60])
    beside = result.metrics["baseline"]
    ridge = Ridge(alpha=1 / beside["C"]).fit(words.transform(texts[:60]), truth[:60])
    said = ridge.predict(words.transform(texts[60:]))
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


def test_a_card_shows_markup_of_labels_and_names_as_it_is():
    label = "<img src=x onerror=alert(1)>|*a*_b_ [c](d)\x1b[31m\u202e"
    scores = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    metrics = {
        "rows": 1,
        "accuracy": 1.0,
        "majority": {"label": label, "accuracy": 1.0},
        "classes": {label: scores},
    }
    record = ModelRecord(
        title="Text classifier",
        by_token=False,
        stock="AutoModelForSequenceClassification",
        head="stock",
        base=label,
        origin=Origin(settings={"label_names": label}),
        validation=Scores("rows", "validation", metrics),
        labels=[label],
    )
    card = model_card(record).text
    shown = r"\<img src=x onerror=alert(1)\>\|\*a\*\_b\_ \[c\](d)\\x1b\[31m\\u202e"
    assert card.count(shown) == 6
    assert "<" not in card.replace(r"\<", "")
