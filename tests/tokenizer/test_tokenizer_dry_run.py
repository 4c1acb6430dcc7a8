"""`train-* --dry-run`: forecasts what the training then takes, and leaves nothing."""

from __future__ import annotations

import json
import random

import pytest

import tokkit
from tokkit.cli.main import run
from tokkit.errors import OutputError, UsageError

TRAINERS = {
    "train-wordpiece": tokkit.train_wordpiece,
    "train-bpe": tokkit.train_bpe,
    "train-word": tokkit.train_word,
    "train-char": tokkit.train_char,
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    rng = random.Random(1)
    words = ["low", "lower", "newest", "widest", "한국어", "größte", "👩‍👩‍👧", "말하다"]
    text = "\n".join(" ".join(rng.choices(words, k=9)) for _ in range(300))
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def bytes_in(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", TRAINERS)
def test_a_dry_run_of_a_small_corpus_is_exact(name, corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    assert run([name, str(corpus), "-o", "out", "--vocab-size", "300", "--dry-run", "--json", "-q"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]
    trained = TRAINERS[name](corpus, "out", vocab_size=300)
    assert printed["dry_run"]
    assert printed["work"] == {
        **{"bytes": trained.bytes, "words": trained.words},
        "distinct words": trained.distinct_words,
    }
    # The receipt has times, whose digits vary.
    assert printed["disk"]["output"] == pytest.approx(bytes_in(tmp_path / "out"), rel=0.01)
    assert set(printed["seconds"]) == {stage["stage"] for stage in trained.stages}
    assert printed["measured"]["piece"]["bytes of the corpus"] == trained.bytes


def test_a_dry_run_measures_a_piece_of_a_large_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr("tokkit.tokenizer.training.dry_run._PIECE", 1 << 18)
    rng = random.Random(2)
    words = [f"w{int(rng.paretovariate(0.6)) % 50_000}" for _ in range(200_000)]
    lines = [" ".join(words[i : i + 10]) for i in range(0, len(words), 10)]
    path, table = tmp_path / "corpus.txt", tmp_path / "corpus.csv"
    path.write_text("\n".join(lines) + "\n")
    table.write_text("text,n\n" + "".join(f"{line},1\n" for line in lines))
    trained = tokkit.train_wordpiece(path, tmp_path / "out", vocab_size=800)
    for corpus in (path, table):
        dry = tokkit.train_wordpiece(corpus, tmp_path / "new", vocab_size=800, dry_run=True)
        assert dry.measured["piece"]["bytes of the corpus"] < trained.bytes / 2
        assert dry.work["bytes"] == pytest.approx(trained.bytes, rel=0.05)  # a table has no line ends
        assert dry.work["words"] == pytest.approx(trained.words, rel=0.05)
        assert dry.work["distinct words"] == pytest.approx(trained.distinct_words, rel=0.35)
        assert dry.disk["output"] == pytest.approx(bytes_in(tmp_path / "out"), rel=0.1)


def test_a_dry_run_refuses_what_the_training_would(corpus, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError):
        tokkit.train_bpe(corpus, tmp_path / "out", dry_run=True)
    tokkit.count(corpus, tmp_path / "counts")
    with pytest.raises(UsageError, match="dry_run: measures a piece of a corpus"):
        tokkit.train_bpe(counts=tmp_path / "counts", out=tmp_path / "new", dry_run=True)
