"""`audit` on folds with known errors: what is found, how it is written, votes of neighbors, bad input."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score

import tokkit
from tokkit.cli.main import run
from tokkit.data.row_hash import row_hash
from tokkit.errors import InputError, UsageError
from tokkit.model.features.nearest_rows import nearest_rows
from tokkit.review.neighbor_votes import neighbor_votes
from tokkit.review.suspects import SeveralLabels, SingleLabels, TokenTags

LABELS = ("anger", "joy", "sad")


def planted(rows, noise, seed=0, sharpness=4.0):
    """True and given ids, and shares of a model that knows the true ones rather well."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, rows)
    given = np.where(rng.random(rows) < noise, (true + rng.integers(1, 3, rows)) % 3, true)
    logits = rng.normal(size=(rows, 3))
    logits[np.arange(rows), true] += sharpness
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return true, given, shares


def folds_folder(folder, texts, labels, shares=None, names=LABELS, **columns):
    """What `finetune --folds 2` leaves for `audit`: its receipt and out-of-fold predictions."""
    folder.mkdir()
    result = {"settings": {"max_length": 32}, "folds": [{}, {}]}
    receipt = {"schema": 1, "command": "finetune", "result": result, "run": {}}
    (folder / "tokkit.json").write_text(json.dumps(receipt), "utf-8")
    percent = {} if shares is None else {f"% {name}": 100 * shares[:, i] for i, name in enumerate(names)}
    rows = range(len(texts))
    table = {"id": rows, "text": texts, "label": labels, "fold": [1 + i % 2 for i in rows]}
    pl.DataFrame({**table, **columns, **percent}).write_parquet(folder / "predictions.parquet")
    return folder


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory):
    """A data set of 600 rows, of which some are spoiled, its folds, and the rows that are."""
    home = tmp_path_factory.mktemp("spoiled")
    true, given, shares = planted(600, 0.1)
    texts = [f"text number {i}" for i in range(600)]
    labels = [LABELS[i] for i in given]
    (home / "data").mkdir()
    pl.DataFrame({"text": texts, "label": labels}).write_csv(home / "data" / "train.csv")
    (home / "data" / "test.csv").write_text("text,label\nanother,joy\n", "utf-8")
    folds_folder(home / "folds", texts, labels, shares)
    return home, set(np.flatnonzero(true != given).tolist()), true


def test_the_spoiled_rows_come_first_and_are_written_to_decide_about(spoiled, tmp_path, heard):
    home, wrong, true = spoiled
    out = tmp_path / "review.jsonl"
    result = tokkit.audit(home / "data", home / "folds", out, progress=heard)
    assert result.rows == 600
    assert result.left_out == {}
    assert "skipped 1 row of test that no fold" in heard
    listed = [suspect["row"] for suspect in result.suspects]
    assert set(listed[: len(wrong) // 2]) <= wrong
    found = len(set(listed) & wrong)
    assert found / len(wrong) > 0.8
    # Rather too low than too high.
    assert 0.3 < result.expected_precision < found / len(listed) + 0.05
    scores = [suspect["score"] for suspect in result.suspects]
    assert scores == sorted(scores, reverse=True)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    first = lines[0]
    assert list(first) == [
        *("id", "split", "row", "hash", "text", "label", "suggested", "score", "reasons"),
        *("decision", "new_label", "reason"),
    ]
    assert first["hash"] == row_hash(first["text"], first["label"])
    assert first["suggested"] == LABELS[true[first["row"]]]
    assert first["reasons"][0].startswith(f"predicted {first['suggested']} ")
    assert {name: first[name] for name in ("decision", "new_label", "reason")} == dict.fromkeys(
        ("decision", "new_label", "reason")
    )
    assert [{**line} for line in result.suspects] == [
        {name: line[name] for name in list(line)[:9]} for line in lines
    ]
    receipt = json.loads((tmp_path / "review.jsonl.tokkit.json").read_text("utf-8"))
    assert receipt["command"] == "audit"
    again = tmp_path / "again.jsonl"
    tokkit.audit(home / "data", home / "folds", again)
    assert again.read_bytes() == out.read_bytes()


def test_accepting_the_suggestions_repairs_the_labels(spoiled, tmp_path):
    home, wrong, true = spoiled
    out = tmp_path / "review.jsonl"
    tokkit.audit(home / "data", home / "folds", out)
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    for record in records:
        agrees = record["suggested"] == LABELS[true[record["row"]]] and record["row"] in wrong
        record |= (
            {"decision": "relabel", "new_label": record["suggested"]} if agrees else {"decision": "keep"}
        )
    out.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    tokkit.clean(home / "data", tmp_path / "clean", apply=out, duplicates="none")
    labels = pl.read_csv(tmp_path / "clean" / "train.csv")["label"].to_list()
    left = sum(label != LABELS[i] for label, i in zip(labels, true, strict=True))
    assert left < 0.25 * len(wrong)


def test_the_command_lists_as_many_rows_as_requested(spoiled, monkeypatch, capsys):
    home, _, _ = spoiled
    monkeypatch.chdir(home)
    assert run(["audit", "data", "--model", "folds", "--rows", "30", "--json", "-q"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["suspects"]) == 30
    assert result["output"] is None
    assert run(["audit", "data", "--model", "folds", "--rows", "30"]) == 0
    assert (
        "# Most suspect labels (first 20 of 30)\nrow\tscore\tlabel\tsuggested\ttext\n"
        in capsys.readouterr().out
    )


def test_of_several_labels_each_is_judged():
    rng = np.random.default_rng(1)
    true = rng.random((500, 3)) < 0.4
    given = true.copy()
    wrong = rng.choice(500, 40, replace=False)
    given[wrong, wrong % 3] ^= True
    logits = rng.normal(size=true.shape) + np.where(true, 3, -3)
    suspects = SeveralLabels(LABELS, 1 / (1 + np.exp(-logits)), given)
    spoiled = np.isin(np.arange(500), wrong)
    assert average_precision_score(spoiled, suspects.scores) > 0.9
    first = int(np.argmax(suspects.scores))
    assert suspects.suggested(first) == [name for name, has in zip(LABELS, true[first], strict=True) if has]
    assert "labeled, but predicted" in suspects.reasons(first)[0]


def test_of_tags_the_worst_token_counts():
    rng = np.random.default_rng(2)
    tokens = [["a", "Bonn", "c", "d"] for _ in range(200)]
    true = rng.integers(0, 3, 800)
    given = true.copy()
    wrong = rng.choice(800, 30, replace=False)
    given[wrong] = (given[wrong] + 1) % 3
    logits = rng.normal(size=(800, 3))
    logits[np.arange(800), true] += 5
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # The last token of the first row was truncated away.
    shares[3] = np.nan
    suspects = TokenTags(("B-LOC", "I-LOC", "O"), tokens, shares, given)
    spoiled = np.isin(np.arange(200), wrong // 4)
    assert average_precision_score(spoiled, suspects.scores) > 0.9
    first = int(np.argmax(suspects.scores))
    names = np.array(["B-LOC", "I-LOC", "O"])
    assert suspects.suggested(first) == names[true[4 * first : 4 * first + 4]].tolist()
    assert suspects.reasons(first)[0].startswith("token ")


def test_neighbors_are_the_nearest_by_cosine_and_vote():
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(80, 5)).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similar = units @ units.T
    np.fill_diagonal(similar, -np.inf)
    nearest = nearest_rows(vectors, 7)
    assert nearest.rows.tolist() == np.argsort(-similar, axis=1, kind="stable")[:, :7].tolist()
    carries = rng.integers(0, 3, 80)[:, None] == np.arange(3)
    counted = [[sum(carries[j, k] for j in row) for k in range(3)] for row in nearest.rows.tolist()]
    votes = neighbor_votes(nearest, carries)
    assert votes.counts.tolist() == counted
    assert votes.shares.sum(axis=1) == pytest.approx(np.ones(80))
    weights = np.exp((nearest.similarity[0] - nearest.similarity[0, 0]) / 0.1)
    expected = [weights[carries[nearest.rows[0], k]].sum() / weights.sum() for k in range(3)]
    assert votes.shares[0] == pytest.approx(expected, abs=1e-5)


def test_votes_of_neighbors_help():
    true, given, shares = planted(900, 0.1, sharpness=1.5)
    rng = np.random.default_rng(4)
    vectors = (np.eye(3)[true] * 3 + rng.normal(size=(900, 3))).astype(np.float32)
    nearest = nearest_rows(vectors, 10)
    counts = neighbor_votes(nearest, given[:, None] == np.arange(3))
    wrong = true != given
    alone, together = (
        average_precision_score(wrong, SingleLabels(LABELS, shares, given, of).scores)
        for of in (None, counts)
    )
    assert together > alone + 0.05


def test_what_is_wrong_with_an_audit_is_one_sentence(spoiled, tmp_path, write):
    home, _, _ = spoiled
    with pytest.raises(
        UsageError, match="is no folder of folds, and a model agrees with wrong labels"
    ) as raised:
        tokkit.audit(home / "data", home / "data")
    assert "folds" in raised.value.hint
    other = write("other.csv", "text,label\nnever seen,joy\nnor this,sad\n")
    with pytest.raises(InputError, match="none of its 2 labeled rows is among those that the folds"):
        tokkit.audit(other, home / "folds")
    unknown = write("unknown.csv", "text,label\ntext number 1,fury\ntext number 2,joy\n")
    with pytest.raises(InputError, match='unknown label "fury"'):
        tokkit.audit(unknown, home / "folds")
    with pytest.raises(UsageError, match="a review file is JSON lines"):
        tokkit.audit(home / "data", home / "folds", tmp_path / "r.csv")
    with pytest.raises(InputError, match="no column of labels found"):
        tokkit.audit(write("plain.txt", "text number 1\n"), home / "folds")
    with pytest.raises(InputError, match=r"features\.parquet: no such file"):
        tokkit.audit(home / "data", home / "folds", features=str(tmp_path / "features.parquet"))
    numbers = folds_folder(tmp_path / "numbers", ["text number 1"], ["joy"])
    with pytest.raises(InputError, match="its predictions have no probabilities of classes"):
        tokkit.audit(home / "data", numbers)
