"""A tokenizer that does not belong to a body: refused by `doctor`'s rules, or given new embeddings."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import tokkit
from tests.model.encoders import FAMILIES, body_folder
from tokkit.errors import InputError
from tokkit.model.folder import model_folder as folders
from tokkit.model.network import pretrained
from tokkit.model.network.classifier import predict_logits
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.folder.load import load

LABELS = ("anger", "joy", "sadness")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def other(tmp_path_factory, dataset):
    """A tokenizer of another vocabulary, no larger than the model's."""
    out = tmp_path_factory.mktemp("other") / "out"
    tokkit.train_wordpiece(dataset / "validation.csv", out, vocab_size=250, recipe="bert-cased")
    return out


def built(name, tokenizer, heard, **settings):
    options = FinetuneOptions(**settings)
    return pretrained.load_pretrained(name, load(tokenizer), LABELS, options, heard)


def test_another_vocabulary_is_refused_and_the_ways_out_are_named(model, other, heard):
    with pytest.raises(
        InputError, match=r"does not belong to .*tokens have another id in .*own tokenizer"
    ) as caught:
        built(model, other, heard)
    for way in ("leave --tokenizer out", "add-tokens", "--reset-embeddings"):
        assert way in caught.value.hint
    assert heard.sentences == [], "an error comes without a tail of notes"


def test_a_larger_vocabulary_is_refused_where_the_body_has_no_tokenizer_of_its_own(
    tokenizer, tmp_path, heard
):
    rows = load(tokenizer).vocab_size - 1
    base = body_folder("bert", tmp_path / "bert", vocab_size=rows)
    with pytest.raises(
        InputError, match=rf"does not belong to .*ids go up to {rows}, .* has {rows} embedding rows"
    ):
        built(base, tokenizer, heard)


def test_one_that_fits_in_size_is_taken_where_the_body_has_none_and_special_ids_are_said(
    tokenizer, tmp_path, heard
):
    base = body_folder("roberta", tmp_path / "roberta", pad_token_id=1)
    assert built(base, tokenizer, heard).limits.pad_id == load(tokenizer).id_of("pad") == 0
    assert 'its pad token "[PAD]" has the id 0, but 1 in' in heard


def test_a_tokenizer_extended_by_tokkit_belongs_to_its_own_model_alone(model, tmp_path, heard):
    longer = tmp_path / "longer"
    tokkit.add_tokens(model, token=["frabjous"], model=model, out=longer)
    assert built(longer, longer, heard).model.config.vocab_size == load(longer).vocab_size
    with pytest.raises(InputError, match="does not belong to"):
        built(model, longer, heard)


def test_a_tokenizer_whose_template_lies_is_refused_with_any_body(tokenizer, tmp_path, heard):
    broken = shutil.copytree(tokenizer, tmp_path / "broken")
    (broken / "tokkit.json").unlink()
    file = broken / "tokenizer.json"
    content = json.loads(file.read_text("utf-8"))
    content["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [7]
    file.write_text(json.dumps(content), encoding="utf-8")
    base = body_folder("bert", tmp_path / "bert")
    for reset in (False, True):
        with pytest.raises(InputError, match=r"\[CLS\]"):
            built(base, broken, heard, reset_embeddings=reset)


def test_configuration_and_weights_that_disagree_are_refused(model, tmp_path, heard):
    """transformers would draw the whole matrix anew, with a warning."""
    wrong = shutil.copytree(model, tmp_path / "wrong")
    config = json.loads((wrong / "config.json").read_text("utf-8"))
    (wrong / "config.json").write_text(json.dumps({**config, "vocab_size": config["vocab_size"] + 9}))
    with pytest.raises(InputError, match=r"stored in another shape .* bert\.embeddings\.word_embeddings"):
        built(wrong, wrong, heard)
    with pytest.raises(InputError, match=r"stored in another shape .* embeddings\.word_embeddings"):
        built(wrong, wrong, heard, head="mean")


@pytest.mark.parametrize(
    ("family", "head"), [*((family_name, "stock") for family_name in FAMILIES), ("electra", "mean")]
)
def test_new_embeddings_have_the_vocabulary_s_size_and_leave_the_rest(other, tmp_path, heard, family, head):
    base = body_folder(family, tmp_path / family, vocab_size=101)
    classifier = built(base, other, heard, reset_embeddings=True, head=head)
    rows = load(other).vocab_size
    assert f"a new embedding matrix of {rows} rows replaces its 101" in heard
    assert "the body loses what it knew of words" in heard
    assert "the command add-tokens" in heard
    body = classifier.model.base_model
    embedding = body.get_input_embeddings()
    assert embedding.weight.shape[0] == embedding.num_embeddings == body.config.vocab_size == rows
    assert embedding.padding_idx == classifier.limits.pad_id
    assert (embedding.weight[classifier.limits.pad_id] == 0).all()
    assert embedding.weight.detach().std().item() == pytest.approx(body.config.initializer_range, rel=0.1)
    before, after = load_file(base / "model.safetensors"), body.state_dict()
    common = before.keys() & after.keys()
    assert len(before) - len(common) in (0, 2), "a stock head of RoBERTa leaves the pooler out"
    changed = {
        name
        for name in common
        if before[name].shape != after[name].shape or (before[name] != after[name]).any()
    }
    assert len(changed) == 1, changed
    assert "embeddings" in changed.pop()
    encoded = encode(["at home i feel glad", "슬프다"], classifier.tokenizer, classifier.limits.max_length)
    assert predict_logits(classifier, encoded, CPU, budget=64).shape == (2, 3)
    folders.write_classifier(tmp_path / "m", classifier)
    again = folders.load_classifier(tmp_path / "m")
    assert (predict_logits(again, encoded, CPU, 64) == predict_logits(classifier, encoded, CPU, 64)).all()


def test_new_embeddings_are_the_same_for_the_same_seed(model, other, heard):
    matrices = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        classifier = built(model, other, heard, reset_embeddings=True)
        matrices.append(classifier.model.get_input_embeddings().weight)
    assert torch.equal(matrices[0], matrices[1])
    assert not torch.equal(matrices[0], matrices[2])


def test_finetune_learns_with_new_embeddings_on_an_old_body(dataset, model, other, tmp_path, heard):
    result = tokkit.finetune(
        dataset,
        other,
        model,
        tmp_path / "m",
        reset_embeddings=True,
        epochs=6,
        lr=2e-3,
        batch_size=16,
        threads=1,
    )
    assert result.metrics["accuracy"] > result.metrics["majority"]["accuracy"]
    assert (tmp_path / "m" / "tokenizer.json").read_bytes() == (other / "tokenizer.json").read_bytes()


def test_a_tokenizer_beside_a_head_of_ours_is_held_against_the_one_above_the_body(
    tokenizer, other, tmp_path, heard
):
    options = FinetuneOptions(size="tiny", head="mean")
    folders.write_classifier(tmp_path / "m", pretrained.new_classifier(load(tokenizer), LABELS, options))
    assert built(tmp_path / "m", tokenizer, heard, head="mean").labels == LABELS
    with pytest.raises(InputError, match="tokens have another id"):
        built(tmp_path / "m", other, heard, head="mean")


def test_random_weights_take_any_vocabulary(model, other, heard):
    classifier = built(model, other, heard, random_init=True)
    assert classifier.model.config.vocab_size == load(other).vocab_size


def test_a_missing_embedding_row_of_the_model_s_own_tokenizer_is_refused(model, tmp_path, heard):
    """A folder whose parts come from different downloads."""
    cut = shutil.copytree(model, tmp_path / "cut")
    weights = load_file(cut / "model.safetensors")
    name = "bert.embeddings.word_embeddings.weight"
    weights[name] = weights[name][:100].clone()
    save_file(weights, cut / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((cut / "config.json").read_text("utf-8"))
    (cut / "config.json").write_text(json.dumps({**config, "vocab_size": 100}))
    with pytest.raises(InputError, match="has 100 embedding rows"):
        built(cut, cut, heard)
