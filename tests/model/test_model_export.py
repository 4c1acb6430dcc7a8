"""`export`: the folder predicts as the model it was exported from, in processes that cannot load torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

import tokkit
from tests.model.conftest import sentences
from tests.model.encoders import FAMILIES, VOCABULARY, body_folder
from tests.model.features_models import copy_tokenizer
from tests.model.test_model_tasks_contract import jsonl
from tokkit.cli.main import run
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.files import read_receipt
from tokkit.model.export.first_token import compute_first_token_alone
from tokkit.model.export.onnx_graph import write_onnx
from tokkit.model.export.quantization import quantized_rows
from tokkit.model.folder import model_folder as folders
from tokkit.model.network import pretrained
from tokkit.model.network.heads import HEADS
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS
from tokkit.progress import SILENT
from tokkit.tokenizer.folder.load import load

TEXTS = ["at home i feel glad", "", "i feel sad in town", "슬프다 " * 200, "🙂 שלום", "glad"]
# Imports of these fail, as where they are not installed. The last ones take long.
WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "onnx", "onnxscript", "scipy", "numba", "sklearn", "pyarrow", "pandas"):
    sys.modules[name] = None
"""
RUN = "from tokkit.cli.main import main; main()"


def without_torch(code, *arguments, given=None):
    """What a process prints that cannot import torch."""
    command = [sys.executable, "-c", WITHOUT_TORCH + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", input=given, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def same_predictions(left, right, tolerance=0.02):
    """Whether rows of `predict` agree: labels, per cent to two decimals, values to four."""
    for one, other in zip(left, right, strict=True):
        assert one.keys() == other.keys()
        if one.get("value") is None:
            assert one["label"] == other["label"]
        else:  # a difference in the seventh decimal may round its label the other way
            assert one["value"] == pytest.approx(other["value"], abs=1e-4)
        if one["probabilities"] is not None:
            assert one["probabilities"].keys() == other["probabilities"].keys()
            for label, share in one["probabilities"].items():
                assert share == pytest.approx(other["probabilities"][label], abs=tolerance)


def test_logits_and_scores_are_those_of_torch(model, exported, dataset):
    result, out = exported
    # These keys of --json stay; others may be added.
    assert result.as_dict().keys() >= {"output", "format", "precision", "size", "checks", "files"}
    checks = result.as_dict()["checks"]
    assert checks.keys() >= {"rows", "source", "max_difference", "label_agreement", "macro_f1"}
    assert checks["rows"] == 60
    assert checks["max_difference"] <= 1e-4
    assert checks["label_agreement"] == 1
    assert checks["macro_f1"]["before"] == checks["macro_f1"]["after"]
    for settings in ({}, {"calibrated": True}, {"raw": True}):
        ours, theirs = (tokkit.predict(folder, TEXTS, **settings).predictions for folder in (out, model))
        same_predictions(ours, theirs)
    scores = [tokkit.evaluate(folder, dataset / "test.csv").metrics[str(folder)] for folder in (out, model)]
    for name in ("macro_f1", "accuracy", "validation", "confusion"):
        assert scores[0][name] == scores[1][name], name
    assert scores[0]["loss"] == pytest.approx(scores[1]["loss"], abs=1e-4)


def test_the_folder_names_no_paths_and_holds_no_rows(model, exported):
    result, out = exported
    assert {file["path"] for file in result.files} == {path.name for path in out.iterdir()} - {"tokkit.json"}
    assert result.size == sum(file["size"] for file in result.files)
    graph = onnx.load(out / "model.onnx")
    assert not any(node.metadata_props or node.doc_string for node in graph.graph.node)
    assert [item.name for item in graph.graph.input] == ["input_ids", "attention_mask", "token_type_ids"]
    texts = pl.read_parquet(model / "predictions.parquet")["text"].to_list()
    written = "".join(path.read_text("utf-8", "replace") for path in out.iterdir())
    assert not [text for text in texts if text in written]
    receipt = read_receipt(out)["result"]
    assert receipt["checks"] == result.as_dict()["checks"]
    assert receipt["columns"] == read_receipt(model)["result"]["columns"]


def test_a_head_on_the_first_token_computes_the_last_layer_for_it_alone(exported):
    _, out = exported
    graph = onnx.shape_inference.infer_shapes(onnx.load(out / "model.onnx")).graph
    ranks = {value.name: len(value.type.tensor_type.shape.dim) for value in graph.value_info}
    activations = [ranks[node.output[0]] for node in graph.node if node.op_type == "Gelu"]
    assert activations == [3] * (len(activations) - 1) + [2]


def test_first_tokens_that_are_read_more_than_once_stay_the_same():
    draw = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(draw.normal(size=(4, 4)).astype(np.float32), "W"),
        numpy_helper.from_array(np.array(0), "first"),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["a"]),
        helper.make_node("Tanh", ["x"], ["b"]),
        *(
            helper.make_node("Gather", [name, "first"], [f"{name}{n}"], axis=1)
            for name in "axb"
            for n in "12"
        ),
        helper.make_node("Sum", ["a1", "a2", "x1", "x2", "b1", "b2"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", "tokens", 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 4])
    graph = helper.make_graph(nodes, "graph", [given], [result], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    rows = {"x": draw.normal(size=(3, 5, 4)).astype(np.float32)}
    before = onnxruntime.InferenceSession(model.SerializeToString()).run(None, rows)[0]
    compute_first_token_alone(model)
    onnx.checker.check_model(model)
    after = onnxruntime.InferenceSession(model.SerializeToString()).run(None, rows)[0]
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_nothing_but_the_runtime_is_needed(model, exported, tmp_path):
    _, out = exported
    expected = tokkit.predict(model, TEXTS).predictions
    printed = json.loads(without_torch(RUN, "predict", out, *TEXTS, "--json", "--threads", "1"))
    same_predictions(printed["predictions"], expected)
    # By itself it needs tokkit no more than torch.
    folder = shutil.copytree(out, tmp_path / "alone")
    alone = f"sys.modules['tokkit'] = None; sys.argv[0] = ''; sys.path.insert(0, {str(folder)!r})\n"
    run = "import runpy; runpy.run_module('predict', run_name='__main__')"
    lines = without_torch(alone + run, *TEXTS).splitlines()
    same_predictions([json.loads(line) for line in lines], expected)
    # Flags that the model has nothing for are refused, and what is no flag is a text.
    (folder / "metrics.json").write_text("{}")
    alone_in = [sys.executable, folder / "predict.py", "--calibrated", TEXTS[0]]
    refused = subprocess.run(alone_in, capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "--calibrated: the model was exported without calibration\n"
    code = (out / "predict.py").read_text("utf-8").partition('"""\n\nimport')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 42, "a page that everybody can read"


@pytest.mark.long
def test_a_graph_is_the_same_bytes_again(model, exported, tmp_path):
    _, out = exported
    tokkit.export(model, tmp_path / "again", threads=1)
    for path in out.iterdir():
        if path.name != "tokkit.json":
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_a_backend_is_never_another_than_requested(model, exported, tmp_path, dataset):
    _, out = exported
    for folder, settings, error, message in (
        (model, {"backend": "onnxruntime"}, InputError, "is no exported model"),
        (out, {"backend": "torch"}, InputError, "torch does not load"),
        (out, {"device": "cuda"}, InputError, "onnxruntime here computes on cpu only"),
        (out, {"device": "mps"}, InputError, "onnxruntime here computes on cpu only"),
    ):
        for call in (
            lambda folder, settings: tokkit.predict(folder, "glad", **settings),
            lambda folder, settings: tokkit.evaluate(folder, dataset / "test.csv", **settings),
        ):
            with pytest.raises(error, match=message):
                call(folder, settings)


def damaged_graph(folder):
    (folder / "model.onnx").write_bytes(b"no graph")


def missing_graph(folder):
    (folder / "model.onnx").unlink()


def other_task(folder):
    (folder / "export.json").write_text(
        (folder / "export.json").read_text("utf-8").replace("single-label", "translation"), encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged_graph, "onnxruntime cannot load it"),
        (missing_graph, "model.onnx is missing"),
        (other_task, "expected one of single-label"),
    ],
)
def test_a_damaged_folder_is_named(exported, tmp_path, damage, message):
    folder = shutil.copytree(exported[1], tmp_path / "damaged")
    damage(folder)
    with pytest.raises(InputError, match=message):
        tokkit.predict(folder, "glad")


def test_what_cannot_be_exported_is_said_before_anything_is_written(model, exported, tokenizer, tmp_path):
    out = tmp_path / "out"
    folds = tmp_path / "folds"
    shutil.copytree(model, folds / "fold-1")
    (folds / "tokkit.json").write_text('{"schema": 1, "result": {"folds": [{}]}}', encoding="utf-8")
    rows_gone = shutil.copytree(model, tmp_path / "rows-gone")
    (rows_gone / "predictions.parquet").unlink()
    for folder, settings, error, message in (
        (exported[1], {}, InputError, "is an exported model already"),
        (folds, {}, InputError, "has 1 fold, but one model is exported"),
        (tokenizer, {}, InputError, "not a model folder"),
        (rows_gone, {}, InputError, "has no rows held out in training"),
        (
            model,
            {"int8": "static", "calibration_rows": 60},
            InputError,
            "60 rows to check the exported model",
        ),
        (model, {"openvino": True, "int8": "dynamic"}, UsageError, "openvino.* writes float32"),
        (model, {"on": tmp_path / "nowhere.csv"}, InputError, "nowhere.csv"),
    ):
        with pytest.raises(error, match=message):
            tokkit.export(folder, out, **settings)
        assert not out.exists()
    with pytest.raises(OutputError, match="already exists"):
        tokkit.export(model, exported[1])


class Bessel(torch.nn.Module):
    """A layer whose operator ONNX does not have."""

    def forward(self, states):
        return torch.special.bessel_j0(states)


@pytest.mark.long
def test_an_operator_that_onnx_lacks_is_named(tokenizer, tmp_path):
    options, labels = FinetuneOptions(size="tiny"), ("anger", "joy", "sadness")
    classifier = pretrained.new_classifier(load(tokenizer), labels, options, TASKS["single-label"])
    classifier.model.classifier = torch.nn.Sequential(Bessel(), classifier.model.classifier)
    message = r"its head on a model of the type bert cannot be exported: .*bessel_j0"
    with pytest.raises(InputError, match=message):
        write_onnx(classifier, tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "longformer",
            {"attention_window": 8},
            "its head on a model of the type longformer cannot be exported",
        ),
        # It reads padding, which a row has in one batch and not in another.
        ("fnet", {}, "the exported model computes other logits"),
    ],
)
def test_a_type_that_cannot_be_exported_is_named(
    tokenizer, dataset, tmp_path, capsys, kind, settings, message
):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    labels = {"id2label": dict(enumerate(("anger", "joy", "sadness"))), "pad_token_id": 0}
    vocabulary = load(tokenizer).backend.get_vocab_size()
    config = AutoConfig.for_model(kind, vocab_size=vocabulary, **sizes, **labels, **settings)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "model")
    copy_tokenizer(tokenizer, tmp_path / "model")
    arguments = [str(tmp_path / "model"), "-o", str(tmp_path / "out"), "--on", str(dataset / "test.csv")]
    assert run(["export", *arguments]) == 3
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_rows_of_a_table_are_int8_and_a_scale():
    table = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)
    table[7] = 0
    rows, scales = quantized_rows(table)
    assert rows.dtype == np.int8
    assert np.abs(rows * scales - table).max() <= np.abs(table).max() / 254 + 1e-6
    assert not (rows[7] * scales[7]).any()


def checkpoint(folder, tokenizer, task, head, model=None):
    """A classifier with new weights, which differ more than usual, and its folder."""
    labels = {"regression": ("value",), "tags": ("O", "B-x", "I-x")}.get(task, ("anger", "joy", "sadness"))
    options = FinetuneOptions(size="tiny", head=head)
    loaded = load(tokenizer)
    if model is None:
        classifier = pretrained.new_classifier(loaded, labels, options, TASKS[task])
    else:
        classifier = pretrained.load_pretrained(model, loaded, labels, options, SILENT, TASKS[task])
    if model is None:
        for weight in classifier.model.parameters():
            weight.data.mul_(3)
    folder.mkdir()
    folders.write_classifier(folder, classifier)
    return folder


@pytest.mark.long
@pytest.mark.parametrize("head", ["stock", *HEADS])
@pytest.mark.parametrize("task", TASKS)
def test_every_head_and_task(tokenizer, tmp_path, head, task):
    if task == "tags" and head != "stock":
        pytest.skip("tags have the stock head alone")
    model = checkpoint(tmp_path / "model", tokenizer, task, head)
    rows = jsonl(tmp_path / "test.jsonl", "single-label" if task == "multi-label" else task, 30, 3)
    out = tmp_path / "out"
    checks = tokkit.export(model, out, on=rows).as_dict()["checks"]
    assert checks["max_difference"] <= 1e-4
    assert checks["label_agreement"] == (None if task == "regression" else 1)
    ours, theirs = (tokkit.predict(folder, TEXTS).predictions for folder in (out, model))
    same_predictions(ours, theirs)
    alone = without_torch(
        f"sys.path.insert(0, {str(out)!r})\nimport json, predict\n"
        "print(json.dumps([predict.predict(text) for text in sys.argv[1:]]))",
        *TEXTS,
    )
    assert [row["label"] for row in json.loads(alone)] == [row["label"] for row in theirs]


FURTHER = {
    "albert": {"embedding_size": 16},
    "camembert": {"type_vocab_size": 1},
    "layoutlm": {},
}
"""Families besides those of `encoders`, and what of their configuration is not as BERT's."""


def further_body(family, folder):
    torch.manual_seed(1)
    config = AutoConfig.for_model(family, **{**FAMILIES["bert"], "vocab_size": VOCABULARY, **FURTHER[family]})
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.long
@pytest.mark.parametrize("family", [*FAMILIES, *FURTHER])
def test_every_family(tokenizer, tmp_path, family):
    make = body_folder if family in FAMILIES else further_body
    body = make(family, tmp_path / "body")
    copy_tokenizer(tokenizer, body)
    for task, int8 in (("single-label", None), ("single-label", "dynamic"), ("tags", None)):
        home = tmp_path / f"{task}-{int8}"
        home.mkdir()
        model = checkpoint(home / "model", tokenizer, task, "stock", body)
        rows = jsonl(home / "test.jsonl", task, 30, 3)
        tokkit.export(model, home / "out", on=rows, int8=int8)
        ours, theirs = (tokkit.predict(folder, TEXTS).predictions for folder in (home / "out", model))
        if int8 is None:
            same_predictions(ours, theirs)


@pytest.mark.long
@pytest.mark.parametrize("int8", ["dynamic", "static"])
def test_int8_keeps_labels(model, tmp_path, int8):
    settings = {"calibration_rows": 20} if int8 == "static" else {}
    result = tokkit.export(model, tmp_path / "out", int8=int8, **settings)
    checks = result.as_dict()["checks"]
    assert checks["rows"] == 60 - settings.get("calibration_rows", 0)
    assert checks["label_agreement"] >= 0.95
    assert abs(checks["macro_f1"]["after"] - checks["macro_f1"]["before"]) <= 0.05
    assert 0 < checks["max_difference"] < 1


@pytest.mark.long
def test_openvino(model, exported, tmp_path):
    pytest.importorskip("openvino")
    out = tmp_path / "out"
    result = tokkit.export(model, out, openvino=True)
    assert (result.format, result.checks.max_difference <= 1e-4) == ("openvino", True)
    assert {"model.xml", "model.bin"} <= {path.name for path in out.iterdir()}
    assert not {"model.onnx", "predict.py"} & {path.name for path in out.iterdir()}
    expected = tokkit.predict(model, TEXTS).predictions
    # OpenVINO also reads ONNX; onnxruntime does not read the format of OpenVINO.
    for folder, settings in (
        (out, {}),
        (out, {"backend": "openvino"}),
        (exported[1], {"backend": "openvino"}),
    ):
        same_predictions(tokkit.predict(folder, TEXTS, **settings).predictions, expected)
    with pytest.raises(InputError, match="only OpenVINO loads"):
        tokkit.predict(out, "glad", backend="onnxruntime")
    with pytest.raises(InputError, match="openvino here computes on cpu only"):
        tokkit.predict(out, "glad", device="cuda")


@pytest.mark.long
def test_pairs_are_told_apart(tokenizer, tmp_path):
    pairs = [
        {"text": first, "pair": second, "label": label}
        for (first, label), (second, _) in zip(sentences(90, 1), sentences(90, 2), strict=True)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pairs), encoding="utf-8")
    options = {"pair_column": "pair", "epochs": 2, "lr": 2e-3, "batch_size": 16, "threads": 1}
    tokkit.finetune(path, tokenizer, out=tmp_path / "model", size="tiny", **options)
    tokkit.export(tmp_path / "model", tmp_path / "out")
    ours, theirs = (tokkit.predict(tmp_path / name, path).predictions for name in ("out", "model"))
    same_predictions(ours, theirs)
    with pytest.raises(InputError, match="trained on pairs"):
        tokkit.predict(tmp_path / "out", "one text")
