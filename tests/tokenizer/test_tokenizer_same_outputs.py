"""Ten families of models: `add-tokens`, `trim` and `wrap` change no logit and keep the settings."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import torch
import transformers
from extension_models import add_tokens, corpus, tokenizers
from tokenizer_texts import write

import tokkit
from tokkit.errors import InputError
from tokkit.tokenizer.folder.load import read_json

SIZES = {
    **{"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24},
    **{"max_position_embeddings": 62, "num_labels": 3},
}
DISTILBERT = {**{"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24}, "num_labels": 3}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "num_labels": 3, "pad_token_id": 1}
ENDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
FAMILIES = {
    "Bert": ("wordpiece", "BertTokenizer", SIZES),
    "DistilBert": ("wordpiece", "DistilBertTokenizer", DISTILBERT),
    "Electra": ("wordpiece", "ElectraTokenizerFast", SIZES),
    "MobileBert": ("wordpiece", None, {**SIZES, "embedding_size": 8, "intra_bottleneck_size": 8}),
    "MPNet": ("mpnet", "MPNetTokenizer", {**SIZES, "pad_token_id": 1}),
    "DebertaV2": ("wordpiece", "PreTrainedTokenizerFast", SIZES),
    "ModernBert": ("wordpiece", "PreTrainedTokenizerFast", {**SIZES, **ENDS, "pad_token_id": 0}),
    "Roberta": ("bpe", "RobertaTokenizer", {**SIZES, **ENDS}),
    "Camembert": ("bpe", "TokenizersBackend", {**SIZES, **ENDS}),
    "GPT2": ("bpe", "GPT2Tokenizer", GPT2),
}
"""Family -> its tokenizer, the class named in `tokenizer_config.json`, and its configuration."""

TEXTS = ["the day", "a longer text about the house, and more of it"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = tmp_path_factory.mktemp("trained")
    folders = tokenizers(home)
    tokens = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]")
    roberta = "template:single=<s> $A </s>,pair=<s> $A </s> </s> $B </s>"
    tokkit.train_wordpiece(
        home / "corpus.txt",
        home / "mpnet",
        vocab_size=600,
        special_token=tokens,
        post_processor=(roberta,),
    )
    return folders | {"mpnet": home / "mpnet"}


@pytest.fixture(scope="module", params=FAMILIES)
def checkpoint(request, trained, tmp_path_factory):
    """A model of a family with random weights, its tokenizer as transformers wrote it years ago."""
    kind, tokenizer_class, settings = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(3)
    backend = json.loads((trained[kind] / "tokenizer.json").read_text("utf-8"))
    size = 1 + max(backend["model"]["vocab"].values())
    config = getattr(transformers, f"{request.param}Config")(vocab_size=size, **settings)
    model = getattr(transformers, f"{request.param}ForSequenceClassification")(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    shutil.copyfile(trained[kind] / "tokenizer.json", folder / "tokenizer.json")
    content = {"model_max_length": 60, "unheard_of": {"kept": 1}}
    if tokenizer_class is not None:
        content |= {"tokenizer_class": tokenizer_class}
    if tokenizer_class in ("PreTrainedTokenizerFast", "TokenizersBackend"):
        content |= {"pad_token": "<pad>" if kind == "bpe" else "[PAD]"}
    if request.param == "GPT2":
        content |= {"pad_token": "<pad>"}
    write(folder / "tokenizer_config.json", json.dumps(content))
    return folder


def inputs(folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    encoded = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    return tokenizer, dict(encoded)


def logits(model, folder):
    encoded = inputs(folder)[1]
    network = transformers.AutoModelForSequenceClassification.from_pretrained(str(model)).eval()
    with torch.inference_mode():
        return network(**encoded).logits


def errors(tokenizer, model):
    """The rules of doctor that are broken; some of these models have the ids of another vocabulary."""
    return {
        found.rule for found in tokkit.doctor(tokenizer, model=model).findings if found.severity == "error"
    }


@pytest.fixture(scope="module")
def original_errors(checkpoint):
    """Those of the checkpoint as it came."""
    return errors(checkpoint, checkpoint)


@pytest.fixture(scope="module")
def original_rules(checkpoint):
    """The rules of all findings of doctor in the checkpoint as it came."""
    return {finding.rule for finding in tokkit.doctor(checkpoint).findings}


def check_settings(before, after):
    """The same inputs and sides, and no new setting but what the class of the folder implied."""
    (old, old_inputs), (new, new_inputs) = inputs(before), inputs(after)
    assert new_inputs.keys() == old_inputs.keys()
    for name in ("padding_side", "truncation_side", "model_max_length", "clean_up_tokenization_spaces"):
        assert getattr(new, name) == getattr(old, name), name
    roles = {f"{role}_token" for role in ("unk", "pad", "cls", "sep", "mask", "bos", "eos")}
    vocabulary = new.get_vocab()
    for role in roles:
        token = getattr(old, role)
        assert token not in vocabulary or getattr(new, role) == token, role
    written = read_json(after / "tokenizer_config.json")
    found = read_json(before / "tokenizer_config.json")
    generic = found.get("tokenizer_class") in ("PreTrainedTokenizerFast", "TokenizersBackend")
    implied = set() if generic else {"model_input_names", "padding_side", "tokenizer_class"}
    assert written.keys() - found.keys() - roles <= implied
    assert found.keys() - written.keys() == set()
    assert written["unheard_of"] == {"kept": 1}


def test_ten_families_keep_their_logits(checkpoint, original_errors, tmp_path):
    expected = logits(checkpoint, checkpoint)
    source = tmp_path / "corpus"
    source.mkdir()
    text = write(source / "c.txt", corpus(source).read_text("utf-8") + "\n".join(TEXTS))
    add_tokens(model=checkpoint, out=tmp_path / "added", token=["zyzzyva"])
    tokkit.trim(model=checkpoint, out=tmp_path / "trimmed", to=str(text))
    tokkit.wrap(checkpoint, tmp_path / "wrapped")
    for name in ("added", "trimmed", "wrapped"):
        check_settings(checkpoint, tmp_path / name)
        model = checkpoint if name == "wrapped" else tmp_path / name
        assert errors(tmp_path / name, model) <= original_errors
        torch.testing.assert_close(logits(model, tmp_path / name), expected, rtol=1e-4, atol=1e-5)


def test_ten_families_keep_their_inputs_with_a_new_vocabulary(checkpoint, tmp_path):
    text = corpus(tmp_path)
    kind = json.loads((checkpoint / "tokenizer.json").read_text("utf-8"))["model"]["type"]
    train = tokkit.train_bpe if kind == "BPE" else tokkit.train_wordpiece
    train(text, tmp_path / "new", like=checkpoint, vocab_size=400)
    check_settings(checkpoint, tmp_path / "new")


def test_doctor_finds_segment_ids_that_a_model_lacks(checkpoint, original_errors, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "model")
    content = read_json(folder / "tokenizer_config.json")
    content["tokenizer_class"] = "PreTrainedTokenizerFast"
    content["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    write(folder / "tokenizer_config.json", json.dumps(content))
    messages = [f.message for f in tokkit.doctor(folder).findings if f.rule == "segment-ids"]
    model_type = read_json(folder / "config.json")["model_type"]
    assert ["has no segments" in message for message in messages] == (
        [True] if model_type in ("gpt2", "distilbert", "mpnet", "modernbert") else []
    )
    tokkit.wrap(folder, tmp_path / "wrapped", token_type_ids="no")
    assert errors(tmp_path / "wrapped", folder) <= original_errors


LAYERS = {"distilbert": "n_layers", "gpt2": "n_layer"}
WIDTHS = {"distilbert": "dim", "gpt2": "n_embd"}


@pytest.mark.parametrize("change", [1, -1, "width"])
def test_layers_and_widths_that_are_not_stored_are_refused(checkpoint, original_rules, tmp_path, change):
    assert "stored-weights" not in original_rules
    folder = shutil.copytree(checkpoint, tmp_path / "model")
    content = read_json(folder / "config.json")
    if change == "width":
        content[WIDTHS.get(content["model_type"], "hidden_size")] *= 2
        expected = r"weights are stored in another shape than config\.json describes"
    else:
        field = LAYERS.get(content["model_type"], "num_hidden_layers")
        content[field] += change
        layer = content[field] - 1 if change == 1 else content[field]
        expected = rf"config\.json has {field} {content[field]}, but .*weights are stored for layer {layer}"
    content.pop("layer_types", None)
    write(folder / "config.json", json.dumps(content))
    found = [finding for finding in tokkit.doctor(folder).findings if finding.rule == "stored-weights"]
    assert [finding.severity for finding in found] == ["error"]
    assert re.search(expected, found[0].message)
    rows = write(tmp_path / "rows.csv", "text,label\n" + "".join(f"the day {n},{n % 2}\n" for n in range(40)))
    for settings in ({}, {"head": "mean"}):
        with pytest.raises(InputError, match=expected):
            tokkit.finetune(rows, model=folder, out=tmp_path / "out", epochs=1, baseline="none", **settings)


def test_what_finetune_writes_passes_its_own_doctor(checkpoint, original_errors, tmp_path):
    """Also with a tokenizer that states no length, or a longer one, and gives segment ids."""
    rows = write(tmp_path / "rows.csv", "text,label\n" + "".join(f"the day {n},{n % 2}\n" for n in range(40)))
    for name, length in {"none": None, "long": 9999}.items():
        folder = shutil.copytree(checkpoint, tmp_path / f"from-{name}")
        content = read_json(folder / "tokenizer_config.json") | {"model_max_length": length}
        if name == "long":
            content["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
        write(
            folder / "tokenizer_config.json", json.dumps({k: v for k, v in content.items() if v is not None})
        )
        tokkit.finetune(rows, model=folder, out=tmp_path / name, epochs=1, baseline="none")
        assert errors(tmp_path / name, None) <= original_errors - {"max-length", "segment-ids"}
        encoded = inputs(tmp_path / name)[1]
        network = transformers.AutoModelForSequenceClassification.from_pretrained(str(tmp_path / name))
        assert network(**encoded).logits.shape == (2, 2)
