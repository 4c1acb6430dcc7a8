"""From rows and a tokenizer to a folder that the field's own tools load and agree with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import load_file

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.encoders import body_folder
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.model.training.training_rows import training_and_validation
from tokkit.tokenizer.folder.load import load

FROM_WEIGHTS = {"epochs": 1, "threads": 1, "baseline": "none"}
FAST = {"size": "tiny", **FROM_WEIGHTS}


def file_hashes(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, the receipt without its ``run``."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "tokkit.json"}
    receipt = json.loads((folder / "tokkit.json").read_text("utf-8"))
    return {**contents, "tokkit.json": json.dumps(receipt["result"]).encode()}


def test_finetune_learns_more_than_the_majority_guess(model):
    metrics = json.loads((model / "metrics.json").read_text("utf-8"))
    assert metrics["accuracy"] > metrics["majority"]["accuracy"] + 0.2
    assert metrics["macro_f1"] > 0.6


def test_finetune_writes_what_transformers_loads_to_the_same_answers(model):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    loaded = AutoModelForSequenceClassification.from_pretrained(model)
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert loaded.config.id2label == {0: "anger", 1: "joy", 2: "sadness"}
    classify = pipeline("text-classification", model=loaded, tokenizer=tokenizer, top_k=None)
    texts = ["at home i feel glad", "어제 학교에서 i feel 슬프다"]
    ours = tokkit.predict(model, texts, raw=True).predictions
    for prediction, theirs in zip(ours, classify(texts), strict=True):
        assert prediction["label"] == theirs[0]["label"]
        for score in theirs:
            assert prediction["probabilities"][score["label"]] == pytest.approx(score["score"], abs=1e-5)


def test_finetune_keeps_the_tokenizer_as_it_was(model, tokenizer):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (model / name).read_bytes() == (tokenizer / name).read_bytes()


def test_finetune_follows_no_link_out_of_the_tokenizer_into_the_output(dataset, tokenizer, tmp_path):
    (tmp_path / "secret").write_text("of the user")
    linked = shutil.copytree(tokenizer, tmp_path / "tokenizer")
    (linked / "vocab.txt").unlink(missing_ok=True)
    (linked / "vocab.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"vocab.txt: is a link out of its folder"):
        tokkit.finetune(dataset, linked, out=tmp_path / "model", **FAST)
    assert not (tmp_path / "model").exists()


def test_finetune_twice_gives_the_same_bytes(dataset, tokenizer, tmp_path):
    for name in ("one", "two"):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / name, **FAST)
    assert file_hashes(tmp_path / "one") == file_hashes(tmp_path / "two")


def test_finetune_keeps_the_best_epoch(model):
    history = pl.read_csv(model / "history.csv")
    metrics = json.loads((model / "metrics.json").read_text("utf-8"))
    assert history.height == 10
    assert metrics["macro_f1"] == history["validation_macro_f1"].max()
    rows = pl.read_parquet(model / "predictions.parquet")
    again = tokkit.predict(model, rows["text"].to_list()).predictions
    assert [row["label"] for row in again] == rows["predicted"].to_list()
    assert rows["id"].to_list() == list(range(60))
    right = (rows["label"] == rows["predicted"]).mean()
    assert right == pytest.approx(metrics["accuracy"], abs=1e-6)


def test_finetune_splits_validation_off_and_says_so(tokenizer, tmp_path, heard):
    data = write_csv(tmp_path / "all.csv", sentences(200, seed=1))
    result = tokkit.finetune(data, tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    assert result.metrics["rows"] == pytest.approx(20, abs=2)
    assert "no validation split" in heard


def test_finetune_takes_a_separate_validation_file(dataset, tokenizer, tmp_path):
    only_train = tmp_path / "train.csv"
    shutil.copy(dataset / "train.csv", only_train)
    result = tokkit.finetune(
        only_train, tokenizer, out=tmp_path / "m", validation_data=dataset / "test.csv", **FAST
    )
    assert result.metrics["rows"] == 60


def test_finetune_leaves_incomplete_rows_out_and_counts_them(tokenizer, tmp_path, heard):
    data = tmp_path / "data"
    data.mkdir()
    write_csv(data / "train.csv", [*sentences(150, seed=1), ("no label here", ""), ("", "joy")])
    write_csv(data / "validation.csv", sentences(40, seed=2))
    result = tokkit.finetune(data, tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    assert result.left_out["train"] == {"no text": 1, "no label": 1}
    assert "skipped 1 row of train: no label" in heard


def test_what_a_number_leaves_out_is_said_before_it(tmp_path, heard):
    rows = write_csv(tmp_path / "rows.csv", [*sentences(60, seed=1), ("no label here", "")])
    training_and_validation(read_dataset(rows), None, DatasetOptions(), 1, heard)
    skipped, split_off = ("skipped" in sentence for sentence in heard.sentences)
    assert (skipped, split_off) == (True, False)
    assert "6 of 60 rows are split off" in heard


@pytest.mark.parametrize("which", ["balanced", "file"])
def test_finetune_weighs_classes(dataset, tokenizer, tmp_path, which):
    if which == "file":
        tokkit.rebalance(dataset / "train.csv", tmp_path / "same.csv", strategy="weights")
        which = str(tmp_path / "same.csv.weights.json")
    weighted = tokkit.finetune(dataset, tokenizer, out=tmp_path / "w", class_weights=which, **FAST)
    plain = tokkit.finetune(dataset, tokenizer, out=tmp_path / "p", **FAST)
    assert weighted.metrics["loss"] != plain.metrics["loss"]


def test_finetune_stops_when_patience_is_over(dataset, tokenizer, tmp_path, heard):
    settings = {**FAST, "epochs": 6, "lr": 0.0, "patience": 2}
    result = tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", progress=heard, **settings)
    assert result.epochs == 3
    assert result.best_epoch == 1
    assert "stopped" in heard


def checkpoint(kind: str, folder: Path, vocab_size: int) -> Path:
    """A tiny checkpoint of another architecture, encoder only, without a tokenizer."""
    import transformers

    shapes = {
        "bert": (transformers.BertConfig, transformers.BertModel),
        "roberta": (transformers.RobertaConfig, transformers.RobertaModel),
        "electra": (transformers.ElectraConfig, transformers.ElectraModel),
    }
    small = {
        **{"num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
        **{"max_position_embeddings": 40, "vocab_size": vocab_size},
    }
    if kind == "distilbert":
        config = transformers.DistilBertConfig(
            n_layers=1, dim=32, n_heads=2, hidden_dim=64, max_position_embeddings=40, vocab_size=vocab_size
        )
        model = transformers.DistilBertModel(config)
    else:
        config_class, model_class = shapes[kind]
        model = model_class(config_class(**small))
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert"])
def test_finetune_takes_other_encoders_and_cuts_at_their_positions(kind, dataset, tokenizer, tmp_path, heard):
    base = checkpoint(kind, tmp_path / kind, vocab_size=300)
    out = tmp_path / "m"
    tokkit.finetune(dataset, tokenizer, base, out, progress=heard, **FROM_WEIGHTS)
    assert "weights are new" in heard
    [row] = tokkit.predict(out, ["i feel sad " * 100]).predictions
    assert row["label"] in ("joy", "sadness", "anger")


def test_finetune_refuses_a_vocabulary_larger_than_the_embeddings(dataset, tokenizer, tmp_path):
    rows = load(tokenizer).vocab_size - 1
    base = checkpoint("bert", tmp_path / "bert", vocab_size=rows)
    with pytest.raises(InputError, match=rf"ids go up to {rows}, but .* has {rows} embedding rows"):
        tokkit.finetune(dataset, tokenizer, base, tmp_path / "m", **FAST)
    assert not (tmp_path / "m").exists()


def test_finetune_refuses_a_tokenizer_that_is_not_the_model_s(dataset, tokenizer, model, tmp_path):
    other = tmp_path / "other"
    tokkit.train_wordpiece(dataset / "validation.csv", other, vocab_size=250, recipe="bert-cased")
    with pytest.raises(InputError, match="have another id"):
        tokkit.finetune(dataset, other, model, tmp_path / "m", **FAST)


def test_finetune_goes_on_from_its_own_model_with_its_own_tokenizer(dataset, model, tmp_path):
    result = tokkit.finetune(dataset, model=model, out=tmp_path / "m", **FROM_WEIGHTS)
    before = json.loads((model / "metrics.json").read_text("utf-8"))
    assert result.metrics["accuracy"] >= before["accuracy"] - 0.1


def test_finetune_refuses_a_label_that_validation_lacks(tokenizer, tmp_path):
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "train.csv", sentences(100, seed=1))
    write_csv(tmp_path / "data" / "valid.csv", [row for row in sentences(40, seed=2) if row[1] != "sadness"])
    with pytest.raises(InputError, match=r'"sadness" .* is missing in validation') as caught:
        tokkit.finetune(tmp_path / "data", tokenizer, out=tmp_path / "m", **FAST)
    assert "the command split" in caught.value.hint


def test_finetune_refuses_a_label_never_seen_in_training(tokenizer, tmp_path):
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "train.csv", sentences(100, seed=1))
    write_csv(tmp_path / "data" / "valid.csv", [*sentences(40, seed=2), ("i feel odd", "surprise")])
    with pytest.raises(InputError, match='"surprise" is in validation but in no training row'):
        tokkit.finetune(tmp_path / "data", tokenizer, out=tmp_path / "m", **FAST)


def test_finetune_only_says_when_a_class_is_too_rare_for_validation(tokenizer, tmp_path, heard):
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "train.csv", [*sentences(100, seed=1), ("i feel odd", "surprise")])
    write_csv(tmp_path / "data" / "valid.csv", sentences(40, seed=2))
    tokkit.finetune(tmp_path / "data", tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    assert "too rare to be in validation" in heard


def test_finetune_refuses_an_output_that_exists_before_any_work(dataset, tokenizer, model, heard):
    with pytest.raises(OutputError, match="already exists"):
        tokkit.finetune(dataset, tokenizer, out=model, progress=heard, **FAST)
    assert "weights, on" not in heard


def test_finetune_never_replaces_the_model_it_reads(dataset, model):
    with pytest.raises(OutputError, match="input"):
        tokkit.finetune(dataset, model=model, out=model, force=True, **FAST)


def test_finetune_needs_a_tokenizer_or_a_model(dataset, tmp_path):
    with pytest.raises(UsageError, match="name a tokenizer"):
        tokkit.finetune(dataset, out=tmp_path / "m")


def test_finetune_refuses_a_setting_it_does_not_know(dataset, tokenizer, tmp_path):
    with pytest.raises(UsageError, match=r'finetune: no parameter "epoch" \(did you mean "epochs"\?\)'):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", epoch=3)


def test_finetune_says_when_there_are_few_steps_to_learn_from_nothing(
    dataset, tokenizer, model, tmp_path, heard
):
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    assert "8 steps are few for an encoder with new weights" in heard
    heard.sentences.clear()
    tokkit.finetune(dataset, model=model, out=tmp_path / "n", progress=heard, **FROM_WEIGHTS)
    assert "steps are few" not in heard


def test_finetune_keeps_a_trained_head_with_the_labels_it_was_trained_for(dataset, model, tmp_path):
    """The head's rows stand in the checkpoint's order of the labels, whatever order ours would be."""
    from transformers import AutoModelForSequenceClassification

    turned = tmp_path / "turned"
    shutil.copytree(model, turned)
    loaded = AutoModelForSequenceClassification.from_pretrained(model)
    names = [loaded.config.id2label[i] for i in range(3)][::-1]
    loaded.config.id2label = dict(enumerate(names))
    loaded.config.label2id = {name: i for i, name in enumerate(names)}
    loaded.config.problem_type = "multi_label_classification"
    loaded.classifier.weight.data = loaded.classifier.weight.data.flip(0)
    loaded.classifier.bias.data = loaded.classifier.bias.data.flip(0)
    loaded.save_pretrained(turned)
    before = tokkit.evaluate(model, dataset).as_dict()["accuracy"]
    result = tokkit.finetune(dataset, model=turned, out=tmp_path / "m", lr=0.0, **FROM_WEIGHTS)
    assert tokkit.evaluate(tmp_path / "m", dataset).as_dict()["accuracy"] == before
    assert list(result.metrics["classes"]) == names
    config = json.loads((tmp_path / "m" / "config.json").read_text("utf-8"))
    assert config["problem_type"] == "single_label_classification"


@pytest.mark.parametrize(
    ("family", "width", "rate"),
    [
        ("bert", {"hidden_size": 384}, 2e-4),
        ("distilbert", {"dim": 384}, 2e-4),
        ("bert", {"hidden_size": 32}, 3e-4),
        ("bert", {"hidden_size": 1792, "num_hidden_layers": 1, "intermediate_size": 8}, 1e-5),
    ],
)
def test_finetune_trains_wider_checkpoints_at_lower_rates(family, width, rate, tokenizer, tmp_path):
    data = write_csv(tmp_path / "train.csv", sentences(12, seed=1))
    vocab_size = load(tokenizer).vocab_size
    body_folder(family, tmp_path / "body", vocab_size=vocab_size, **width)
    settings = {"epochs": 1, "save_every": "never", "baseline": "none"}
    tokkit.finetune(data, tokenizer, tmp_path / "body", tmp_path / "m", **settings)
    receipt = json.loads((tmp_path / "m" / "tokkit.json").read_text("utf-8"))
    assert receipt["result"]["settings"]["lr"] == pytest.approx(rate)


def test_finetune_trains_a_checkpoint_at_a_lower_rate_for_many_steps(tokenizer, tmp_path):
    data = write_csv(tmp_path / "train.csv", sentences(12, seed=1))
    body_folder("bert", tmp_path / "body", vocab_size=load(tokenizer).vocab_size, hidden_size=384)
    steps = {"epochs": 125, "batch_size": 1, "patience": 1}
    settings = {**steps, "validation_data": data, "save_every": "never", "baseline": "none"}
    tokkit.finetune(data, tokenizer, tmp_path / "body", tmp_path / "m", **settings)
    receipt = json.loads((tmp_path / "m" / "tokkit.json").read_text("utf-8"))
    # of the 1,500 steps it would take, though it ends long before
    assert receipt["result"]["settings"]["lr"] == 1.5e-4


@pytest.mark.parametrize(
    ("lr", "remedy"),
    [
        (2e-3, "the training loss hardly fell: a lower rate may help (--lr 0.001)"),
        (1e-7, "more --epochs or a higher --lr may help"),
    ],
)
def test_a_model_that_learns_nothing_is_told_another_rate(lr, remedy, tokenizer, tmp_path, heard):
    # labels that no text tells: the loss stays that of the class frequencies
    rows = [("the same words", "good" if number % 4 else "bad") for number in range(400)]
    data = write_csv(tmp_path / "train.csv", rows)
    settings = {**FAST, "epochs": 2, "batch_size": 10, "lr": lr, "validation_data": data, "progress": heard}
    result = tokkit.finetune(data, tokenizer, out=tmp_path / "m", **settings)
    assert "predicts_only" in result.metrics
    assert f'predicts only "{result.metrics["predicts_only"]}": {remedy}' in heard


def test_finetune_draws_a_new_head_for_other_labels(model, tmp_path, heard):
    renamed = [(text, f"{label}!") for text, label in sentences(120, seed=1)]
    data = write_csv(tmp_path / "d.csv", renamed)
    tokkit.finetune(data, model=model, out=tmp_path / "m", lr=0.0, progress=heard, **FROM_WEIGHTS)
    assert "its head was trained for other labels (anger, joy, sadness); a new one is initialized" in heard
    old, new = (load_file(folder / "model.safetensors") for folder in (model, tmp_path / "m"))
    same = {name for name in old if (old[name] == new[name]).all()}
    assert set(old) - same == {"classifier.weight", "classifier.bias"}, "the head is new, the body stays"


def test_finetune_validates_on_the_validation_split_of_another_folder(dataset, tokenizer, tmp_path):
    data = write_csv(tmp_path / "train.csv", sentences(120, seed=11))
    tokkit.finetune(data, tokenizer, out=tmp_path / "m", validation_data=dataset, **FAST)
    validated = pl.read_parquet(tmp_path / "m" / "predictions.parquet")["text"].to_list()
    assert validated == pl.read_csv(dataset / "validation.csv")["text"].to_list()


def test_finetune_says_when_validation_rows_stand_in_train(dataset, tokenizer, tmp_path, heard):
    folder = tmp_path / "leaky"
    folder.mkdir()
    rows = sentences(120, seed=1)
    write_csv(folder / "train.csv", rows)
    write_csv(folder / "validation.csv", [*rows[:50], *rows[:10]])
    tokkit.finetune(folder, tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    assert "60 validation rows have a text that is in train too" in heard


def test_finetune_with_a_bare_tokenizer_file_gives_a_folder_transformers_can_use(dataset, tmp_path, heard):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import pipeline

    bare = Tokenizer(models.WordPiece(unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["<unk>"], show_progress=False)
    bare.train([str(dataset / "train.csv")], trainer)
    bare.enable_truncation(4)
    bare.enable_padding(length=16)
    bare.save(str(tmp_path / "tokenizer.json"))
    out = tmp_path / "m"
    tokkit.finetune(dataset, tmp_path / "tokenizer.json", out=out, progress=heard, **FAST)
    text = "슬프다 i feel 東 sad and a good deal more than that"
    [prediction] = tokkit.predict(out, [text], raw=True).predictions
    [theirs] = pipeline("text-classification", model=str(out))([text])
    assert theirs["label"] == prediction["label"]
    assert theirs["score"] == pytest.approx(prediction["probabilities"][prediction["label"]], abs=1e-5)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"lr": float("nan")}, "^lr: nan is not a finite number"),
        ({"epochs": "1"}, "^epochs: '1' is not a whole number"),
        ({"epochs": 1.5}, "^epochs: 1.5 is not a whole number"),
        ({"seed": 2**40}, "^seed: .* is above"),
    ],
)
def test_finetune_refuses_values_that_cannot_be(dataset, tokenizer, tmp_path, setting, message):
    with pytest.raises(UsageError, match=message):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", **setting)


def test_too_few_rows_to_split_off_name_the_option_of_finetune(tokenizer, tmp_path):
    source = write_csv(tmp_path / "copies.csv", [("glad", "joy"), ("sad", "sadness")] * 20)
    with pytest.raises(InputError, match="too small to split") as caught:
        tokkit.finetune(source, tokenizer, out=tmp_path / "m", threads=1)
    assert "(validation_data)" in str(caught.value.hint)
