"""`add_tokens` with a model: rows for the new tokens, and nothing else that changes."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import torch
from extension_models import MODELS, add_tokens, build, load, load_tokenizer, same, tokenizers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

import tokkit
from tokkit.errors import InputError, UsageError


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return tokenizers(tmp_path_factory.mktemp("extension"))


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MODELS)
def test_add_tokens_leaves_every_old_weight_of_any_class_as_it_is(name, folders, tmp_path):
    source = build(name, folders[MODELS[name][0]], tmp_path / "model")
    before_files = tree(source)
    before, size = load(source), len(load_tokenizer(source))

    result = add_tokens(
        None, tmp_path / "out", model=source, special="[S1]", token=["COVID", "백신"], init="mean"
    )
    after, tokenizer = load(tmp_path / "out"), load_tokenizer(tmp_path / "out")

    assert tree(source) == before_files
    assert result.model_class == name.split()[0]
    assert (result.embedding_rows_before, result.embedding_rows_after) == (size, size + 3)
    assert tokenizer.convert_tokens_to_ids(["[S1]", "COVID", "백신"]) == [size, size + 1, size + 2]
    assert after.config.get_text_config().vocab_size == size + 3
    old, new = before.state_dict(), after.state_dict()
    assert old.keys() == new.keys()
    grown = [key for key in old if old[key].shape != new[key].shape]
    for key in old:
        if key not in grown:
            assert same(old[key], new[key]), key
        elif old[key].shape[0] == 1:  # BART's final_logits_bias
            assert same(old[key], new[key][:, :size]), key
        elif name == "BertForMaskedLM untied" and key == "cls.predictions.bias":  # read by no forward pass
            assert same(new[key], new["cls.predictions.decoder.bias"])
        else:
            assert same(old[key], new[key][:size]), key
    table = after.get_input_embeddings().weight
    output = after.get_output_embeddings()
    if output is not None:
        tied = (
            before.get_output_embeddings().weight.data_ptr()
            == before.get_input_embeddings().weight.data_ptr()
        )
        assert (output.weight.data_ptr() == table.data_ptr()) is tied
        assert len(output.weight) == size + 3
    assert not torch.equal(table[size], table[size + 1])


def test_add_tokens_starts_from_the_mean_of_the_old_pieces(folders, tmp_path):
    source = build("LlamaForCausalLM", folders["bpe"], tmp_path / "model")
    old = load_tokenizer(source)
    add_tokens(None, tmp_path / "out", model=source, token="COVID")
    before, after = load(source), load(tmp_path / "out")
    pieces = old("COVID", add_special_tokens=False)["input_ids"]
    for table in ("get_input_embeddings", "get_output_embeddings"):
        expected = getattr(before, table)().weight[pieces].mean(dim=0)
        assert torch.allclose(getattr(after, table)().weight[-1], expected)


def test_add_tokens_starts_from_a_description(folders, tmp_path):
    source = build("BertForMaskedLM", folders["wordpiece"], tmp_path / "model")
    old = load_tokenizer(source)
    add_tokens(
        None,
        tmp_path / "out",
        model=source,
        token=["COVID", "other"],
        native=True,
        init="description",
        description={"COVID": "a disease of the lungs"},
    )
    before, after = load(source), load(tmp_path / "out")
    pieces = old("a disease of the lungs", add_special_tokens=False)["input_ids"]
    row = load_tokenizer(tmp_path / "out").convert_tokens_to_ids("covid")
    expected = before.get_input_embeddings().weight[pieces].mean(dim=0)
    assert torch.allclose(after.get_input_embeddings().weight[row], expected)
    bias = before.cls.predictions.bias[pieces].mean()
    assert torch.allclose(after.cls.predictions.bias[row], bias)
    assert after.cls.predictions.bias.data_ptr() == after.cls.predictions.decoder.bias.data_ptr()


def test_add_tokens_never_shrinks_and_takes_rows_that_were_unused(folders, tmp_path):
    source = build("BertForMaskedLM", folders["wordpiece"], tmp_path / "model", rows=640)
    size = len(load_tokenizer(source))
    result = add_tokens(None, tmp_path / "out", model=source, token=["COVID", "SARS"])
    after = load(tmp_path / "out")
    assert (result.embedding_rows_before, result.embedding_rows_after, result.unused_rows_taken) == (
        640,
        640,
        2,
    )
    before = load(source).get_input_embeddings().weight
    table = after.get_input_embeddings().weight
    assert same(before[:size], table[:size])
    assert same(before[size + 2 :], table[size + 2 :])
    assert not torch.equal(before[size], table[size])


def test_add_tokens_pads_to_a_multiple(folders, tmp_path):
    source = build("GPT2LMHeadModel", folders["bpe"], tmp_path / "model")
    result = add_tokens(None, tmp_path / "out", model=source, token="COVID", pad_to_multiple_of=64)
    assert result.embedding_rows_after == 512
    assert load(tmp_path / "out").config.vocab_size == 512
    only = add_tokens(None, tmp_path / "only", model=source, pad_to_multiple_of=128)
    assert (only.added, only.embedding_rows_after) == ((), 512)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_add_tokens_keeps_the_type_of_number(dtype, folders, tmp_path):
    source = build("BertForSequenceClassification", folders["wordpiece"], tmp_path / "model", dtype=dtype)
    add_tokens(None, tmp_path / "out", model=source, token="COVID")
    before, after = (load_file(tmp_path / folder / "model.safetensors") for folder in ("model", "out"))
    assert {tensor.dtype for tensor in after.values()} == {getattr(torch, dtype)}
    assert same(before["classifier.weight"], after["classifier.weight"])
    rows = before["bert.embeddings.word_embeddings.weight"]
    assert same(rows, after["bert.embeddings.word_embeddings.weight"][: len(rows)])


def test_add_tokens_keeps_several_types_of_number_apart(folders, tmp_path):
    source = build("BertForMaskedLM", folders["wordpiece"], tmp_path / "model", dtype="bfloat16")
    weights = load_file(source / "model.safetensors")
    weights["bert.embeddings.LayerNorm.weight"] = weights["bert.embeddings.LayerNorm.weight"].float() + 1e-5
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    add_tokens(None, tmp_path / "out", model=source, token="COVID")
    after = load_file(tmp_path / "out" / "model.safetensors")
    for name in ("bert.embeddings.LayerNorm.weight", "cls.predictions.transform.dense.weight"):
        assert same(weights[name], after[name])


def test_add_tokens_reads_shards_and_takes_over_what_belongs_to_the_model(folders, tmp_path):
    source = build("GPT2LMHeadModel", folders["bpe"], tmp_path / "model")
    model = load(source)
    (source / "model.safetensors").unlink()
    model.save_pretrained(source, max_shard_size="20KB")
    assert (source / "model.safetensors.index.json").exists()
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text("{}")
    (source / "vocab.txt").write_text("stale")
    (source / "pytorch_model.bin").write_bytes(b"stale")
    add_tokens(None, tmp_path / "out", model=source, token="COVID")
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")}
    assert {"1_Pooling/config.json", "generation_config.json", "model.safetensors"} <= names
    assert not {"vocab.txt", "pytorch_model.bin", "model.safetensors.index.json"} & names
    add_tokens(None, source / "inner", model=source, token="COVID")
    add_tokens(None, source / "inner", model=source, token="COVID", force=True)
    assert not (source / "inner" / "inner").exists()
    assert same(
        model.transformer.h[0].mlp.c_fc.weight, load(tmp_path / "out").transformer.h[0].mlp.c_fc.weight
    )


def test_add_tokens_gives_a_role_to_tokenizer_and_configuration(folders, tmp_path):
    tokkit.train_bpe(
        folders["bpe"].parent / "corpus.txt", tmp_path / "tok", vocab_size=400, post_processor="none"
    )
    config = json.loads((tmp_path / "tok" / "tokenizer_config.json").read_text("utf-8"))
    config["chat_template"] = "{{ messages }}"
    config.pop("pad_token")
    (tmp_path / "tok" / "tokenizer_config.json").write_text(json.dumps(config))
    source = build("GPT2LMHeadModel", tmp_path / "tok", tmp_path / "model")
    add_tokens(None, tmp_path / "out", model=source, role="pad=[PAD]")
    tokenizer, model = load_tokenizer(tmp_path / "out"), load(tmp_path / "out")
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("[PAD]", 400)
    assert model.config.pad_token_id == 400
    assert tokenizer.chat_template == "{{ messages }}"
    with pytest.raises(UsageError, match="has a eos token already"):
        add_tokens(None, tmp_path / "more", model=source, role="eos=[END]")


def test_add_tokens_draws_the_same_rows_again(folders, tmp_path):
    source = build("BertModel", folders["wordpiece"], tmp_path / "model")
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        add_tokens(None, tmp_path / out, model=source, token="COVID", init="random", seed=seed)
    weights = {out: (tmp_path / out / "model.safetensors").read_bytes() for out in "abc"}
    assert weights["a"] == weights["b"] != weights["c"]


def refused(source, tmp_path, match, error=InputError, **settings):
    before = tree(tmp_path)
    with pytest.raises(error, match=match):
        add_tokens(None, tmp_path / "out", model=source, **{"token": "COVID", **settings})
    assert tree(tmp_path) == before


def test_add_tokens_refuses_an_index_that_points_elsewhere(folders, tmp_path):
    source = build("BertModel", folders["wordpiece"], tmp_path / "model")
    shutil.move(source / "model.safetensors", tmp_path / "x.safetensors")
    for name in ("../x.safetensors", "/etc/passwd", "..\\x.safetensors"):
        index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": name}}
        (source / "model.safetensors.index.json").write_text(json.dumps(index))
        refused(source, tmp_path, "not in its own folder")


def test_add_tokens_refuses_models_it_would_harm(folders, tmp_path):
    source = build("BertForSequenceClassification", folders["wordpiece"], tmp_path / "model")
    config = json.loads((source / "config.json").read_text("utf-8"))

    def with_config(**changes):
        (source / "config.json").write_text(json.dumps({**config, **changes}))

    with_config(architectures=["SomebodysOwnModel"])
    refused(source, tmp_path, "AutoModel would lose 2 weights: classifier")
    with_config(architectures=["BertForMaskedLM"])
    refused(source, tmp_path, "needs weights that are missing")
    with_config(quantization_config={"quant_method": "bitsandbytes"})
    refused(source, tmp_path, "quantized")
    with_config(vocab_size=7)
    refused(source, tmp_path, "cannot be loaded as a model")
    with_config(id2label={"x": "joy"})
    refused(source, tmp_path, "cannot be loaded as a model: a value in it is missing, or is of another type")
    (source / "config.json").write_text("[1]")
    refused(source, tmp_path, "cannot be loaded as a model")
    with_config()
    weights = source / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused(source, tmp_path, "no safetensors file|cannot be loaded")
    weights.unlink()
    refused(source, tmp_path, "has no model.safetensors")


def test_add_tokens_refuses_weights_that_are_no_numbers(folders, tmp_path):
    source = build("BertModel", folders["wordpiece"], tmp_path / "model")
    weights = load_file(source / "model.safetensors")
    weights["encoder.layer.0.output.dense.weight"][:] = float("nan")
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    refused(source, tmp_path, "forward pass gives NaN or infinity")


def test_add_tokens_refuses_a_tokenizer_of_another_model(folders, tmp_path):
    source = build("BertModel", folders["wordpiece"], tmp_path / "model")
    before = tree(tmp_path)
    with pytest.raises(InputError, match="have another id"):
        add_tokens(folders["bpe"], tmp_path / "out", model=source, token="COVID")
    assert tree(tmp_path) == before
    small = build("BertModel", folders["wordpiece"], tmp_path / "small", rows=500)
    with pytest.raises(InputError, match="500 embedding rows"):
        add_tokens(None, tmp_path / "out", model=small, token="COVID")


def test_add_tokens_gives_the_ids_of_its_tokenizer_json(folders, tmp_path):
    """A bert `config.json` with a tokenizer that lower-cases nothing: no class rebuilds it."""
    tokkit.train_wordpiece(
        folders["bpe"].parent / "corpus.txt", tmp_path / "tok", vocab_size=600, recipe="korean"
    )
    source = build("BertModel", tmp_path / "tok", tmp_path / "model")
    add_tokens(None, tmp_path / "out", model=source, token=["COVID"], native=True)
    plain = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    theirs = load_tokenizer(tmp_path / "out")
    for text in ("The COVID Übung 오늘 학교에", "COVID", ""):
        assert theirs(text)["input_ids"] == plain.encode(text).ids


@pytest.mark.parametrize("name", ["notes.txt", "modules/config.json", "chat_template.jinja"])
def test_add_tokens_follows_no_link_out_of_the_model_into_the_output(folders, tmp_path, name):
    kind = next(iter(MODELS))
    source = build(kind, folders[MODELS[kind][0]], tmp_path / "model")
    (tmp_path / "secret").write_text('{"key": "of the user"}')
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="is a link out of its folder") as caught:
        add_tokens(None, tmp_path / "out", model=source, token=["COVID"])
    assert not (tmp_path / "out").exists()
    command = caught.value.hint.removeprefix("if it belongs to it:\n")
    subprocess.run(command, shell=True, check=True)
    add_tokens(None, tmp_path / "out", model=source, token=["COVID"])
    assert (tmp_path / "out" / name).read_text() == (tmp_path / "secret").read_text()


def test_add_tokens_copies_the_blobs_of_the_hubs_cache(folders, tmp_path):
    kind = next(iter(MODELS))
    source = build(kind, folders[MODELS[kind][0]], tmp_path / "models--a--b" / "snapshots" / "0")
    (tmp_path / "models--a--b" / "blobs").mkdir()
    (tmp_path / "models--a--b" / "blobs" / "1f").write_text("# Model")
    (source / "README.md").symlink_to("../../blobs/1f")
    add_tokens(None, tmp_path / "out", model=source, token=["COVID"])
    assert (tmp_path / "out" / "README.md").read_text() == "# Model"
