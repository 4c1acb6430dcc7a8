"""Cards: what they say, that the hub's library reads their metadata, what is kept, and `--check`."""

from __future__ import annotations

import json
import re
import shlex

import polars as pl
import pytest
from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.repocard_data import eval_results_to_model_index

import tokkit
from tokkit.cli.main import run
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.hub.card_kinds import KINDS


def sections(text):
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def rules(folder):
    return {finding.rule for finding in tokkit.check_card(folder).findings}


def test_the_card_that_finetune_writes_is_that_of_the_command(copied):
    model = copied("model")
    before = (model / "README.md").read_text("utf-8")
    assert rules(model) == {"license", "language"}, "nothing else is left to do"
    (model / "README.md").unlink()
    (model / "tokkit.json").write_text(
        json.dumps({**json.loads((model / "tokkit.json").read_text("utf-8")), "run": {}}), "utf-8"
    )
    result = tokkit.card(model)
    assert (model / "README.md").read_text("utf-8") == before, "nothing of the run is in it"
    assert (result.kind, result.own) == ("model", [])
    assert sections(before) == ["Use", "Data", "Training", "Evaluation", "Calibration", "Limits"]


def test_its_metadata_is_what_the_library_of_the_hub_reads(copied):
    model = copied("model")
    tokkit.card(model, license="MIT", language="en,ko", trained_on="ada/moods", name="Moods")
    data = ModelCard.load(model / "README.md").data
    assert (data.license, data.language, data.datasets) == ("mit", ["en", "ko"], ["ada/moods"])
    assert (data.library_name, data.pipeline_tag) == ("transformers", "text-classification")
    metrics = json.loads((model / "metrics.json").read_text("utf-8"))
    by_name = {result.metric_name: result for result in data.eval_results}
    macro = by_name["Macro F1"]
    assert (macro.metric_type, macro.metric_value) == ("f1", metrics["macro_f1"])
    assert (macro.dataset_name, macro.dataset_split, data.model_name) == ("reviews", "validation", "Moods")
    assert by_name["Accuracy"].metric_value == metrics["accuracy"]
    [entry] = eval_results_to_model_index(data.model_name, data.eval_results)
    assert len(entry["results"]) == 1, "all of them are scores of one task on one data set"
    assert rules(model) == set()


def test_what_the_user_set_and_wrote_is_kept(copied):
    model = copied("model")
    tokkit.card(model, license="cc-by-4.0", language="ko")
    path = model / "README.md"
    text = path.read_text("utf-8").replace("license: cc-by-4.0\n", "license: cc-by-4.0\nthumbnail: a.png\n")
    path.write_text(f"{text}\n## Thanks\n\n```sh\n## no heading\n```\n", "utf-8")
    result = tokkit.card(model, language="en")
    again = path.read_text("utf-8")
    assert result.own == ["Thanks"]
    assert again.endswith("## Thanks\n\n```sh\n## no heading\n```\n")
    assert "license: cc-by-4.0\nthumbnail: a.png\n" in again
    assert "language:\n- en\n" in again
    assert rules(model) == set()


def test_figures_have_intervals_and_code_that_runs(copied, capsys):
    model = copied("model")
    text = (model / "README.md").read_text("utf-8")
    metrics = json.loads((model / "metrics.json").read_text("utf-8"))
    joy = metrics["classes"]["joy"]
    row = next(line for line in text.splitlines() if line.startswith("| joy |") and "[" in line)
    assert f"{joy['f1']:.3f} [" in row
    assert row.endswith(f"| {joy['support']} |")
    assert re.search(rf"\| macro F1 \| {metrics['macro_f1']:.4f} \[0\.\d+, [01]\.\d+\] \|", text)
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(code.splitlines()) == 3
    exec(code.replace("THIS_FOLDER", str(model)), {})
    assert "label" in capsys.readouterr().out
    assert "tokkit finetune reviews --tokenizer tokenizer" in text
    assert str(model.parent) not in text, "no path of this machine"


def test_faults_of_the_training_data_are_listed_where_it_is_there(outputs, heard):
    model = outputs / "model"
    before = (model / "README.md").read_bytes()
    tokkit.card(model, progress=heard)
    text = (model / "README.md").read_text("utf-8")
    assert "## Known faults of the data" in text
    assert rules(model) == {"license", "language"}
    with (outputs / "reviews" / "train.csv").open("r+b") as file:
        content = file.read()
        file.write(b"one more,joy\n")
    try:
        tokkit.card(model, progress=heard)
        assert "train.csv: changed since the model was trained" in heard
        assert (model / "README.md").read_text("utf-8") == text, "what was found then stays"
    finally:
        (outputs / "reviews" / "train.csv").write_bytes(content)
        (model / "README.md").write_bytes(before)


@pytest.mark.long
def test_scores_on_other_rows_come_from_evaluate(copied, outputs, tmp_path):
    model = copied("model")
    evaluation = tmp_path / "evaluation"
    tokkit.evaluate(model, outputs / "reviews" / "validation.csv", evaluation, split="validation")
    result = tokkit.card(model, evaluation=str(evaluation))
    assert next(file["path"] for file in result.files) == "evaluation.json"
    assert (model / "confusion.png").exists()
    scores = json.loads((model / "evaluation.json").read_text("utf-8"))
    assert scores["name"] == "validation"
    assert "worst" not in scores["metrics"], "no rows"
    assert "## Evaluation on other rows" in (model / "README.md").read_text("utf-8")
    splits = [result.dataset_name for result in ModelCard.load(model / "README.md").data.eval_results]
    assert set(splits) == {"reviews", "validation"}
    assert rules(model) == {"license", "language"}
    (model / "model.safetensors").write_bytes(b"another")
    with pytest.raises(InputError, match="evaluates another model"):
        tokkit.card(model, evaluation=str(evaluation))


def test_a_tokenizer_and_a_data_set_have_cards(copied):
    tokenizer, data = copied("tokenizer"), copied("data")
    assert tokkit.card(tokenizer, license="mit", language="ko").kind == "tokenizer"
    text = (tokenizer / "README.md").read_text("utf-8")
    size = len(json.loads((tokenizer / "tokenizer.json").read_text("utf-8"))["model"]["vocab"])
    assert f"# WordPiece tokenizer, {size} tokens" in text
    assert "tokkit train-wordpiece train.csv --recipe korean --vocab-size 300 -o out" in text
    assert ModelCard.load(tokenizer / "README.md").data.library_name == "transformers"
    assert rules(tokenizer) == set()
    assert tokkit.card(data, license="mit", language="ko").kind == "data set"
    card = DatasetCard.load(data / "README.md")
    assert card.data.size_categories == ["n<1K"]
    assert card.data.configs[0]["data_files"][0] == {"split": "train", "path": ["train.csv"]}
    assert "## Known faults of the data" in card.text
    assert "| joy |" in card.text
    assert rules(data) == set()


def test_a_tokenizer_that_was_edited_has_a_card_that_says_how(outputs, tmp_path):
    tokenizer, corpus = outputs / "tokenizer", str(outputs / "reviews" / "train.csv")
    tokkit.wrap(tokenizer / "tokenizer.json", tmp_path / "wrapped", pad_token="[PAD]", check=[corpus])
    tokkit.add_tokens(tokenizer, tmp_path / "longer", token=["quokka"], sample=[corpus])
    tokkit.trim(tokenizer, tmp_path / "shorter", to=[corpus], keep_token=["[MASK]"])
    for name, command in (
        ("wrapped", "tokkit wrap tokenizer.json --pad-token '[PAD]' --check train.csv -o out"),
        ("longer", "tokkit add-tokens tokenizer --token quokka --sample train.csv -o extended"),
        ("shorter", "tokkit trim tokenizer --to train.csv --keep-token '[MASK]' -o trimmed"),
    ):
        tokkit.card(tmp_path / name, license="mit", language="en")
        assert f"\n{command}\n" in (tmp_path / name / "README.md").read_text("utf-8")
        assert rules(tmp_path / name) == set()


@pytest.mark.long
def test_files_that_datasets_does_not_read_as_tables_are_loaded_by_tokkit(
    tmp_path, write, capsys, monkeypatch
):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    rows = "".join(f"row {i};{'ab'[i % 2]}\n" for i in range(40))
    for name in ("plain.txt", "semicolons.csv"):
        path = write(name, f"text;label\n{rows}")
        tokkit.split(path, tmp_path / name[:3], validation=0.2, test=0)
        tokkit.card(tmp_path / name[:3])
    plain, table = (DatasetCard.load(tmp_path / name / "README.md") for name in ("pla", "sem"))
    assert "configs" not in plain.data.to_dict()
    [code] = re.findall(r"```python\n(.*?)```", plain.text, re.DOTALL)
    exec(code.replace("THIS_FOLDER", str(tmp_path / "pla")), {})
    assert "'text': 'row " in capsys.readouterr().out
    assert table.data.configs[0]["sep"] == ";"
    [code] = re.findall(r"```python\n(.*?)```", table.text, re.DOTALL)
    exec(code.replace("THIS_FOLDER", str(tmp_path / "sem")), {})
    assert "'text': 'row " in capsys.readouterr().out


def test_markup_in_names_is_text(tmp_path):
    label = "<img src=x onerror=alert(1)>|*a*_b_ [c](d)\x1b[31m\u202e"
    rows = "".join(json.dumps({"text": f"row {i}", "label": (label, "b")[i % 2]}) + "\n" for i in range(40))
    (tmp_path / "rows.jsonl").write_text(rows, "utf-8")
    tokkit.split(tmp_path / "rows.jsonl", tmp_path / "data", validation=0.2, test=0)
    tokkit.card(tmp_path / "data")
    text = (tmp_path / "data" / "README.md").read_text("utf-8")
    shown = r"\<img src=x onerror=alert(1)\>\|\*a\*\_b\_ \[c\](d)\\x1b\[31m\\u202e"
    assert shown in text
    assert "<img" not in text.replace(r"\<", "")
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda text: text.replace("library_name: transformers", "library_name: keras"), "outdated"),
        (lambda text: re.sub(r"\| accuracy \| 0\.\d+", "| accuracy | 0.9999", text), "outdated"),
        (lambda text: text.replace("curves.png", "other.png"), "outdated"),
        (lambda text: text + "\n## Mine\n\n![a](missing.png)\n", "pictures"),
        (lambda text: text.replace("tags:\n", "tags: [\n", 1), "metadata"),
        (lambda text: text.replace("  results:", "  outcomes:"), "metadata"),
    ],
)
def test_check_finds_what_is_wrong(copied, change, rule):
    model = copied("model")
    path = model / "README.md"
    text = path.read_text("utf-8")
    assert change(text) != text
    path.write_text(change(text), "utf-8")
    result = tokkit.check_card(model)
    assert rule in {finding.rule for finding in result.findings if finding.severity == "error"}
    assert path.read_text("utf-8") == change(text)


def test_check_exits_with_1_where_there_is_an_error(copied, capsys):
    model = copied("model")
    assert run(["card", str(model), "--check", "--json"]) == 0
    assert {finding["rule"] for finding in json.loads(capsys.readouterr().out)["findings"]} == {
        "license",
        "language",
    }
    (model / "README.md").unlink()
    assert run(["card", str(model), "--check"]) == 1
    assert "missing-card" in capsys.readouterr().out
    assert run(["card", str(model), "--license", "apache-2.0", "-q"]) == 0
    assert run(["card", str(model), "--check"]) == 0


def test_the_rows_of_a_file_are_written_into_a_folder_that_has_a_card(outputs, tmp_path, capsys):
    rows = (outputs / "reviews" / "train.csv").read_text("utf-8").replace("text,label", "body,mood")
    (tmp_path / "rows.csv").write_text(rows, "utf-8")
    settings = {"text_column": "body", "label_column": "mood"}
    tokkit.clean(tmp_path / "rows.csv", tmp_path / "clean rows.csv", **settings)
    for command in ("card", "push"):
        repository = ["ada/moods", "--dry-run"] if command == "push" else []
        assert run([command, str(tmp_path / "clean rows.csv"), *repository]) == 3
        said = capsys.readouterr().err.splitlines()
        assert said[0].endswith("is a file, and only folders have cards and become repositories")
    # What the hint says works as it is.
    assert run([*shlex.split(said[-1])[1:], "-q"]) == 0
    folder = capsys.readouterr().out.strip()
    assert folder == f"{tmp_path / 'clean rows'}/"
    assert run(["card", folder, "-q"]) == 0
    assert run(["push", folder, *repository, "--with-rows", "-q"]) == 0


def test_bad_input(copied, tmp_path, outputs):
    with pytest.raises(InputError, match="has no tokkit"):
        tokkit.card(outputs / "reviews")
    with pytest.raises(InputError, match="does not exist"):
        tokkit.card(tmp_path / "none")
    with pytest.raises(InputError, match="has no tokkit"):
        tokkit.check_card(outputs / "reviews")
    assert run(["card", str(outputs / "reviews"), "--check"]) == 3
    with pytest.raises(InputError, match="is a file"):
        tokkit.card(outputs / "reviews" / "train.csv")
    with pytest.raises(UsageError, match="no code of ISO 639"):
        tokkit.card(outputs / "model", language="English")
    with pytest.raises(UsageError, match="no name of a license"):
        tokkit.card(outputs / "model", license="my own terms")
    with pytest.raises(InputError, match="has no scores"):
        tokkit.card(outputs / "tokenizer", evaluation="evaluation")
    model = copied("model")
    (model / "README.md").write_text("# Mine\n\nby hand\n", "utf-8")
    with pytest.raises(OutputError, match="was not written by tokkit"):
        tokkit.card(model)
    assert (model / "README.md").read_text("utf-8") == "# Mine\n\nby hand\n"
    tokkit.card(model, force=True)
    assert "tags:\n- tokkit" in (model / "README.md").read_text("utf-8")
    (model / "metrics.json").write_text('{"rows": 3, "classes": {"joy": 1}}', "utf-8")
    with pytest.raises(InputError, match="its scores are damaged"):
        tokkit.card(model)
    assert set(KINDS) >= {"finetune", "train-wordpiece", "split"}


LINES = {
    "tags.conll": "Kim{0} B-PER\nis O\nin O\nSeoul B-LOC\n\nshe O\nis O\nglad{0} O\n\n",
    "several.jsonl": '{{"text": "row {0}", "labels": ["x"]}}\n{{"text": "b {0}", "labels": ["y", "x"]}}\n',
    "numbers.csv": "some text {0},0.{0}\nother words {0},1.{0}\n",
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("tags.conll", {}),
        ("several.jsonl", {}),
        ("numbers.csv", {"task": "regression"}),
        ("reviews", {"head": "mean"}),
        ("reviews", {"folds": 2}),
    ],
)
def test_every_kind_of_model_has_a_card_and_can_be_pushed(outputs, hub, tmp_path, name, settings):
    data = outputs / "reviews" / "train.csv"
    if name in LINES:
        data = tmp_path / name
        head = "text,label\n" if name.endswith(".csv") else ""
        data.write_text(head + "".join(LINES[name].format(i) for i in range(20)), "utf-8")
    model = tmp_path / "model"
    settings = {"epochs": 1, "threads": 1, "max_length": 32, **settings}
    tokkit.finetune(data, outputs / "tokenizer", out=model, **settings)
    assert rules(model) == {"license", "language"}
    tokkit.card(model, license="mit", language="en")
    assert rules(model) == set()
    metadata = ModelCard.load(model / "README.md").data
    stock = "head" not in settings and "folds" not in settings
    assert metadata.library_name == ("transformers" if stock else "tokkit")
    assert metadata.eval_results
    result = tokkit.push(model, "ada/moods")
    files = hub.repositories["model", "ada/moods"].files
    assert not any(name.endswith("predictions.parquet") for name in files)
    assert {part.path for part in result.kept_back} >= {"predictions.parquet", "tokkit.json"}
    text = files["README.md"].decode()
    assert ("snapshot_download" in text) == (not stock)


@pytest.mark.long
def test_an_exported_model_has_a_card_and_is_a_repository_too(outputs, hub, tmp_path):
    pytest.importorskip("onnxruntime")
    exported = tmp_path / "exported"
    tokkit.export(outputs / "model", exported)
    tokkit.card(exported, license="mit", language="ko")
    text = (exported / "README.md").read_text("utf-8")
    assert "tokkit export model -o exported" in text
    assert "largest difference of logits from torch" in text
    data = ModelCard.load(exported / "README.md").data
    assert (data.library_name, data.model_name) == ("onnx", "Text classifier, ONNX, fp32")
    assert rules(exported) == set()
    result = tokkit.push(exported, "ada/moods")
    files = hub.repositories["model", "ada/moods"].files
    assert {"README.md", "model.onnx", "export.json", "predict.py", "tokenizer.json"} <= files.keys()
    assert [part.path for part in result.kept_back] == ["tokkit.json"]
    assert "run" not in json.loads(files["tokkit.json"])
    # No row of the user, and no path of this machine, is anywhere.
    written = b"".join(files.values())
    texts = pl.read_parquet(outputs / "model" / "predictions.parquet")["text"]
    assert not [text for text in texts if text.encode() in written]
    assert str(outputs).encode() not in written
    assert b'snapshot_download("ada/moods")' in files["README.md"]
