"""Class weights that `rebalance` left beside the training rows: said, never used unasked."""

from __future__ import annotations

from tokkit.data.loading.load import read_dataset
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.model.network.class_weights import class_weights, warn_multiplied, warn_unused
from tokkit.model.tasks.task import class_ids


def test_weights_beside_the_rows_are_said_and_what_is_said_is_what_to_type(write, tmp_path, heard):
    write("d/train.csv", "text,label\na,x\nb,x\nc,y\n")
    result = rebalance(tmp_path / "d", tmp_path / "out", strategy="weights")
    loaded = read_dataset(tmp_path / "out")
    warn_unused("none", loaded, heard)
    (said,) = heard.sentences
    named = said.split("--class-weights ")[1].split()[0]
    ids = class_ids(loaded.complete("train").labels, ["x", "y"], "train")
    assert class_weights(named, ids, ["x", "y"]) == list(result.weights.values())
    warn_unused("balanced", loaded, heard)
    warn_unused("none", read_dataset(tmp_path / "d"), heard)
    assert len(heard.sentences) == 1


def test_equal_weights_are_not_said(write, tmp_path, heard):
    write("d/train.csv", "text,label\na,x\nb,y\n")
    rebalance(tmp_path / "d", tmp_path / "out", strategy="weights")
    warn_unused("none", read_dataset(tmp_path / "out"), heard)
    assert (tmp_path / "out" / "weights.json").is_file()
    assert heard.sentences == []


ROWS = "text,label\n" + "".join(f"a{n},x\n" for n in range(6)) + "b1,y\nb2,y\n"
RARE = {"--class-weights FILE": [0.5, 2.0]}


def test_rows_that_rebalance_repeated_are_not_to_be_weighed_too(write, tmp_path, heard):
    write("train.csv", ROWS)
    plain, repeated, fewer = (tmp_path / name for name in ("train.csv", "repeated.csv", "fewer.csv"))
    rebalance(plain, repeated, strategy="oversample")
    rebalance(plain, fewer, strategy="undersample")
    for rows in (plain, fewer):
        warn_multiplied(RARE, "plain", read_dataset(rows), heard)
    warn_multiplied({"--class-weights balanced": [1.0, 1.0]}, "plain", read_dataset(repeated), heard)
    assert heard.sentences == []
    warn_multiplied(RARE, "plain", read_dataset(repeated), heard)
    (said,) = heard.sentences
    assert said.startswith(
        f"--class-weights FILE and the rows that rebalance repeated in {repeated} each favor"
    )


def test_rows_that_rebalance_repeated_are_seen_in_a_folder_too(write, tmp_path, heard):
    write("d/train.csv", ROWS)
    rebalance(tmp_path / "d", tmp_path / "out", strategy="oversample")
    warn_multiplied({}, "plain", read_dataset(tmp_path / "out"), heard)
    assert heard.sentences == []
    warn_multiplied(RARE, "sqrt", read_dataset(tmp_path / "out"), heard)
    (said,) = heard.sentences
    assert "--class-weights FILE, --sampler sqrt and the rows that rebalance repeated" in said


def test_a_sampler_that_balances_by_itself_is_not_said(write, tmp_path, heard):
    write("train.csv", ROWS)
    dataset = read_dataset(tmp_path / "train.csv")
    warn_multiplied({}, "balanced", dataset, heard)
    assert heard.sentences == []
    warn_multiplied({"--loss logit-adjusted": [6, 2]}, "balanced", dataset, heard)
    assert "--loss logit-adjusted and --sampler balanced each favor rare classes" in heard


def test_a_receipt_or_weights_of_another_run_are_told(write, tmp_path, heard):
    write("train.csv", ROWS)
    repeated = tmp_path / "repeated.csv"
    rebalance(tmp_path / "train.csv", repeated, strategy="oversample")
    repeated.write_text(ROWS)  # as a run leaves it that is killed before it replaces the receipt
    warn_multiplied(RARE, "plain", read_dataset(repeated), heard)
    (said,) = heard.sentences
    assert said == (
        f"{repeated}.tokkit.json: describes another repeated.csv, which was edited, or is of another run"
    )
    weights = tmp_path / "weighted.csv"
    rebalance(tmp_path / "train.csv", weights, strategy="weights")
    warn_unused(f"{weights}.weights.json", read_dataset(tmp_path / "train.csv"), heard)
    assert len(heard.sentences) == 1
    weights.with_name("weighted.csv.weights.json").write_text('{"x": 1, "y": 1}')
    warn_unused(f"{weights}.weights.json", read_dataset(tmp_path / "train.csv"), heard)
    assert "weighted.csv.tokkit.json: describes another weighted.csv.weights.json" in heard.sentences[1]
