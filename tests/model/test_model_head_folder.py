"""Folders of classifiers with a head of ours: whole, in part, mistaken for others, and trained further."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.encoders import body_folder
from tokkit.errors import InputError, UsageError
from tokkit.model.folder import model_folder as folders
from tokkit.model.network import pretrained
from tokkit.model.network.classifier import predict_logits
from tokkit.model.network.heads import HEADS
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.folder.load import load

LABELS = ("joy", "sadness", "anger")
TEXTS = ["at home i feel glad", "", "슬프다 " * 30, "🙂 שלום"]
CPU = torch.device("cpu")
FAST = {"epochs": 1, "threads": 1, "size": "tiny", "baseline": "none"}


def logits_of(classifier):
    encoded = encode(TEXTS, classifier.tokenizer, classifier.limits.max_length)
    return predict_logits(classifier, encoded, CPU, budget=64)


@pytest.fixture(scope="module")
def headed(tmp_path_factory, dataset, tokenizer):
    out = tmp_path_factory.mktemp("headed") / "model"
    tokkit.finetune(dataset, tokenizer, out=out, head="attention", lr=2e-3, batch_size=16, **FAST)
    return out


@pytest.fixture
def copied(headed, tmp_path):
    return shutil.copytree(headed, tmp_path / "copied")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("task", ["single-label", "multi-label", "regression"])
def test_every_head_is_read_back_as_it_was_written(tokenizer, tmp_path, head, task):
    labels = LABELS if task != "regression" else ("value",)
    options = FinetuneOptions(size="tiny", head=head, dropout=0.25)
    classifier = pretrained.new_classifier(load(tokenizer), labels, options, TASKS[task])
    expected = logits_of(classifier)
    assert expected.shape == (len(TEXTS), len(labels))
    folders.write_classifier(tmp_path, classifier)
    again = folders.load_classifier(tmp_path)
    assert (logits_of(again) == expected).all()
    assert (again.labels, again.task.name, again.model.head) == (labels, task, head)
    assert again.model.dropout.p == 0.25
    assert not again.model.training


def test_a_folder_is_not_mistaken_for_a_whole_model(headed):
    from transformers import AutoModelForSequenceClassification, pipeline

    with pytest.raises((OSError, ValueError)):
        AutoModelForSequenceClassification.from_pretrained(headed)
    with pytest.raises((OSError, ValueError)):
        pipeline("text-classification", model=str(headed))


def test_its_body_loads_with_auto_model_and_has_the_same_states(headed):
    from transformers import AutoModel, AutoTokenizer

    body = AutoModel.from_pretrained(headed / "body").eval()
    tokenizer = AutoTokenizer.from_pretrained(headed)
    inputs = tokenizer(TEXTS[0], return_tensors="pt")
    classifier = folders.load_classifier(headed)
    with torch.inference_mode():
        theirs = body(**inputs).last_hidden_state
        ours = classifier.model.body(**inputs).last_hidden_state
    assert torch.equal(theirs, ours)
    assert {body.config.id2label[i] for i in range(3)} == set(LABELS)


def test_predict_and_evaluate_take_it_as_any_other(headed, dataset):
    scores = tokkit.evaluate(headed, dataset / "validation.csv").as_dict()
    metrics = json.loads((headed / "metrics.json").read_text("utf-8"))
    assert scores["accuracy"] == metrics["accuracy"]
    rows = tokkit.predict(headed, TEXTS[:1]).predictions
    assert set(rows[0]["probabilities"]) == set(LABELS)


def test_the_card_says_what_loads_it(headed, model):
    custom, stock = ((folder / "README.md").read_text("utf-8") for folder in (headed, model))
    assert "library_name: tokkit\n" in custom
    assert "its `AutoModel.from_pretrained` loads the `body/` alone" in custom
    [call] = re.findall(r"^result = (tokkit\.predict\(.*\))$", custom, re.MULTILINE)
    predicted = eval(call.replace("THIS_FOLDER", str(headed)))
    assert predicted.predictions[0]["label"] in LABELS
    assert "library_name: transformers\n" in stock
    assert "`AutoModelForSequenceClassification.from_pretrained`" in stock
    assert "tokkit.predict(" not in stock


@pytest.mark.parametrize("part", ["head.json", "head.safetensors", "body/config.json"])
def test_a_folder_that_lacks_a_part_is_refused(copied, part):
    (copied / part).unlink()
    with pytest.raises(InputError, match=f"{part} is missing: the model is incomplete"):
        folders.load_classifier(copied)


def test_a_body_that_lacks_weights_is_refused(copied):
    file = copied / "body" / "model.safetensors"
    weights = load_file(file)
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"body: 1 weight is missing \(encoder\.layer\.0\.output"):
        folders.load_classifier(copied)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"head": "mean"}, r"layers\.key\.bias: \(128,\), but .* need no such weight"),
        ({"labels": ["a", "b"]}, r"output\.bias: \(3,\), but .* need \(2,\)"),
        ({"labels": ["a", "a", "b"]}, "labels that differ"),
        ({"head": "heart"}, 'has head "heart"'),
        ({"task": "guess"}, 'invalid task "guess": choose from single-label'),
        ({"dropout": "much"}, "\"dropout\" is 'much', expected a number from 0 to 1"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(copied, changed, message):
    path = copied / "head.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changed}), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        folders.load_classifier(copied)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "holds no JSON object"),
        ("{", "is not valid JSON"),
        ("[" * 99_999, "is not valid JSON"),
        ("{}", r"head\.json: "),
    ],
)
def test_a_description_that_is_none_is_refused(copied, content, message):
    (copied / "head.json").write_text(content)
    with pytest.raises(InputError, match=message):
        folders.load_classifier(copied)


def test_weights_that_are_cut_short_are_refused(copied):
    file = copied / "head.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a safetensors file"):
        folders.load_classifier(copied)


def unsaid(tokenizer, name, labels, heard, **settings):
    """A classifier made of the checkpoint, and what was said."""
    options = FinetuneOptions(**settings)
    classifier = pretrained.load_pretrained(name, load(tokenizer), labels, options, heard)
    return classifier, heard.sentences


def test_training_goes_on_with_its_own_head_and_its_order_of_labels(headed, heard):
    again, said = unsaid(headed, headed, LABELS, heard, head="attention", dropout=0.0)
    before = folders.load_classifier(headed)
    assert again.labels == before.labels == ("anger", "joy", "sadness")
    assert (logits_of(again) == logits_of(before)).all()
    assert again.model.dropout.p == 0.0
    assert said == []


def test_another_head_on_its_body_is_new_and_the_old_one_is_said_to_be_dropped(headed, heard):
    stock, said = unsaid(headed, headed, LABELS, heard)
    assert (
        'its head "attention" for anger, joy, sadness is dropped; --head attention would keep it' in said[0]
    )
    assert "2 weights are new: classifier.bias, classifier.weight" in said[1]
    before = folders.load_classifier(headed).model.body.state_dict()
    after = stock.model.base_model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_its_head_is_drawn_anew_for_other_labels(headed, heard):
    other, said = unsaid(headed, headed, ("yes", "no"), heard, head="attention")
    assert 'its head "attention" for anger, joy, sadness is dropped' in said[0]
    assert "weights are new: " in said[1]
    assert other.labels == ("yes", "no")


def test_a_head_of_ours_on_a_stock_classifier_says_what_is_new_and_what_is_dropped(model, heard):
    headed, said = unsaid(model, model, LABELS, heard, head="weighted")
    assert said == [
        f"{model}: 3 weights are new: layers.score.weight, output.weight, output.bias",
        f"{model}: 2 weights are not used: classifier.bias, classifier.weight",
    ]
    assert headed.labels == ("anger", "joy", "sadness")


def test_a_body_without_a_pooler_says_that_one_is_drawn(tokenizer, tmp_path, heard):
    """A checkpoint of masked language modelling has none, though `AutoModel` makes one."""
    import transformers

    from tests.model.encoders import config_of

    transformers.AutoModelForMaskedLM.from_config(config_of("bert")).save_pretrained(tmp_path / "mlm")
    _, said = unsaid(tokenizer, tmp_path / "mlm", LABELS, heard, head="pooler")
    assert any(
        "4 weights are new: pooler.dense.bias, pooler.dense.weight, output.weight, ..." in s for s in said
    )
    assert any("weights are not used: cls.predictions" in s for s in said)


def test_weights_are_drawn_anew_where_only_the_shape_is_wanted(model, heard):
    one, said = unsaid(model, model, LABELS, heard, head="mean", random_init=True)
    assert "weights are initialized anew" in said[0]
    before = folders.load_classifier(model).model.base_model.state_dict()
    after = one.model.body.state_dict()
    name = "encoder.layer.0.output.dense.weight"
    assert before[name].shape == after[name].shape
    assert not torch.equal(before[name], after[name])


@pytest.mark.parametrize("setting", [{"random_init": True}, {"reset_embeddings": True}])
def test_what_needs_a_model_is_refused_without_one(tokenizer, setting):
    with pytest.raises(UsageError, match="is about the weights of a --model"):
        pretrained.new_classifier(load(tokenizer), LABELS, FinetuneOptions(**setting))


def test_a_head_that_pools_is_refused_for_tags(tokenizer):
    with pytest.raises(UsageError, match="--head mean: pools a row into one vector, but tags needs"):
        pretrained.new_classifier(load(tokenizer), LABELS, FinetuneOptions(head="mean"), TASKS["tags"])


def test_finetune_names_cls_where_a_body_has_no_pooler(dataset, tokenizer, tmp_path):
    base = body_folder("distilbert", tmp_path / "distilbert")
    with pytest.raises(InputError, match="DistilBertModel has no pooler") as caught:
        tokkit.finetune(dataset, tokenizer, base, tmp_path / "m", head="pooler", epochs=1)
    assert 'head="cls"' in caught.value.hint
    assert not (tmp_path / "m").exists()


def test_finetune_twice_with_a_head_gives_the_same_bytes(tokenizer, tmp_path):
    data = write_csv(tmp_path / "train.csv", sentences(60, seed=1))
    for name in ("one", "two"):
        tokkit.finetune(data, tokenizer, out=tmp_path / name, head="lstm", loss="focal", **FAST)
    for part in ("head.safetensors", "head.json", "body/model.safetensors", "body/config.json"):
        assert (tmp_path / "one" / part).read_bytes() == (tmp_path / "two" / part).read_bytes(), part


def test_segments_go_to_bodies_that_have_them_alone(tokenizer, tmp_path, heard):
    """RoBERTa has one segment, DistilBERT none: a second one would crash them."""
    encoded = encode(["a glad", "b"], load(tokenizer), pairs=["sad", "blue at home"])
    assert encoded.segments.max() == 1
    for family, takes in (("bert", True), ("roberta", False), ("distilbert", False)):
        base = body_folder(family, tmp_path / family)
        classifier, _ = unsaid(tokenizer, base, LABELS, heard, head="cls")
        assert classifier.limits.segments is takes
        assert predict_logits(classifier, encoded, CPU, budget=64).shape == (2, 3)


@pytest.mark.parametrize("head", ["stock", "mean", "lstm"])
def test_a_row_without_tokens_has_an_answer_of_its_own(dataset, tmp_path, head):
    """A tokenizer without special tokens gives an empty text no token at all."""
    tokkit.train_word(dataset / "train.csv", tmp_path / "words", recipe="gpt2", vocab_size=100)
    options = FinetuneOptions(size="tiny", head=head)
    classifier = pretrained.new_classifier(load(tmp_path / "words"), LABELS, options)
    encoded = encode(["", "i feel glad at home", ""], classifier.tokenizer)
    assert encoded.lengths[0] == 0
    in_batches = predict_logits(classifier, encoded, CPU, budget=1000)
    alone = predict_logits(classifier, encode([""], classifier.tokenizer), CPU, budget=1000)
    assert in_batches[0] == pytest.approx(alone[0], abs=1e-5)


def test_who_takes_encoders_only_is_told_where_the_encoder_is(headed, tmp_path):
    with pytest.raises(InputError, match="a classifier with a head that only tokkit") as caught:
        tokkit.add_tokens(headed, token=["frabjous"], model=headed, out=tmp_path / "m")
    assert caught.value.hint == f"its encoder is {headed / 'body'}"
