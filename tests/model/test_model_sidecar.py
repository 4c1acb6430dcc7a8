"""Class weights that `rebalance` left beside the training rows: said, never used unasked."""

from __future__ import annotations

from tokkit.data.loading.load import load_dataset
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.model.labelled import class_weights, say_unused_weights


def test_weights_beside_the_rows_are_said_and_what_is_said_is_what_to_type(write, tmp_path, heard):
    write("d/train.csv", "text,label\na,x\nb,x\nc,y\n")
    result = rebalance(tmp_path / "d", tmp_path / "out", strategy="weights")
    loaded = load_dataset(tmp_path / "out")
    say_unused_weights("none", loaded, heard)
    (said,) = heard.sentences
    named = said.split("--class-weights ")[1].split()[0]
    assert class_weights(named, loaded.complete("train"), ["x", "y"]) == list(result.weights.values())
    say_unused_weights("balanced", loaded, heard)
    say_unused_weights("none", load_dataset(tmp_path / "d"), heard)
    assert len(heard.sentences) == 1
