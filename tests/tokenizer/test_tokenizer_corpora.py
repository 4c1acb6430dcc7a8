"""What a corpus may be, through the real command: pipes, archives, folders, globs, and bad input."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest
from tokenizer_texts import cut, finished, model_of, published, write

import tokkit
from tokkit.errors import InputError


@pytest.fixture(scope="module")
def text():
    return cut("korean", 10_000) + cut("english", 10_000)


@pytest.fixture(scope="module")
def expected(text, tmp_path_factory):
    home = tmp_path_factory.mktemp("expected")
    tokkit.train_bpe(write(home / "c.txt", text), home / "out", vocab_size=800)
    return model_of(home / "out")


def run(*arguments, **settings):
    return finished("train-bpe", *arguments, "--vocab-size", "800", **settings)


def test_corpora_standard_input(tmp_path, text, expected):
    for out in ("a", "b"):
        code, stdout, err = run("-", "-o", tmp_path / out, "--json", input=text)
        assert code == 0, err
        assert json.loads(stdout)["vocab_size"] == 800
    assert model_of(tmp_path / "a") == expected
    assert published(tmp_path / "a")["tokenizer.json"] == published(tmp_path / "b")["tokenizer.json"]


def test_corpora_gz_folder_glob_and_several_files(tmp_path, text, expected):
    lines = text.splitlines(keepends=True)
    parts = tmp_path / "parts"
    (parts / "deeper").mkdir(parents=True)
    write(parts / "1.txt", "".join(lines[:40]))
    (parts / "deeper" / "2.txt.gz").write_bytes(gzip.compress("".join(lines[40:]).encode()))
    write(tmp_path / "whole.txt", text)
    (tmp_path / "whole.txt.gz").write_bytes(gzip.compress(text.encode()))
    corpora = {
        "gz": [tmp_path / "whole.txt.gz"],
        "folder": [parts],
        "glob": [parts / "**" / "*.*"],
        "several": [parts / "1.txt", parts / "deeper" / "2.txt.gz"],
        "twice": [tmp_path / "whole.txt", tmp_path / "whole.txt"],
        "other order": [parts / "deeper" / "2.txt.gz", parts / "1.txt"],
    }
    for name, corpus in corpora.items():
        tokkit.train_bpe(corpus, tmp_path / name, vocab_size=800)
        assert model_of(tmp_path / name) == expected, name


@pytest.mark.parametrize("family", ["train-bpe", "train-wordpiece"])
def test_corpora_threads_give_the_same_bytes(tmp_path, text, family):
    corpus = write(tmp_path / "c.txt", text)
    for threads in ("1", "2"):
        code, _, err = finished(family, corpus, "-o", tmp_path / threads, "--threads", threads)
        assert code == 0, err
    assert published(tmp_path / "1") == published(tmp_path / "2")


@pytest.mark.parametrize("content", [" \n\n\t\n", "\n" * 50, "\u00a0 \u3000\n"])
@pytest.mark.parametrize("family", ["train-bpe", "train-wordpiece"])
def test_corpora_without_words_are_refused(tmp_path, content, family):
    corpus = write(tmp_path / "c.txt", content)
    code, _, err = finished(family, corpus, "-o", tmp_path / "out", "--recipe", "korean")
    assert code == 3
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


@pytest.mark.parametrize("family", [tokkit.train_bpe, tokkit.train_wordpiece])
def test_corpora_whose_words_no_block_lets_through_are_refused(tmp_path, family):
    blocks = {"recipe": "korean", "pre_tokenizer": [r"split:pattern=[\s\S]+,behavior=removed"]}
    with pytest.raises(InputError, match="the corpus holds no word that the pre-tokenizer lets through"):
        family(write(tmp_path / "c.txt", "some words\n"), tmp_path / "out", **blocks)
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


def test_corpora_empty_files_are_refused(tmp_path):
    with pytest.raises(InputError):
        tokkit.train_bpe(write(tmp_path / "c.txt", ""), tmp_path / "out")
    assert run("-", "-o", tmp_path / "out", input="")[0] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


@pytest.mark.parametrize("family", [tokkit.train_bpe, tokkit.train_wordpiece])
def test_corpora_bad_bytes_are_named_and_nothing_is_written(tmp_path, family):
    (tmp_path / "good.txt").write_bytes(b"good\n" * 1000)
    (tmp_path / "c.txt").write_bytes(b"good\n" * 700_000 + b"na\xefve\n" + b"good\n")
    with pytest.raises(InputError, match=r"c\.txt:700001: byte 3 \(0xef\) is not UTF-8"):
        family([tmp_path / "good.txt", tmp_path / "c.txt"], tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.txt", "good.txt"]


def test_corpora_work_in_a_folder_with_files_named_like_modules(tmp_path, text):
    """The child must import what its parent does, not what lies in the working folder."""
    for name in ("tokenizers", "json", "random", "numpy"):
        write(tmp_path / f"{name}.py", "raise SystemExit('imported from the working folder')\n")
    corpus = write(tmp_path / "c.txt", text)
    program = (
        f"import sys; sys.path.pop(0); import tokkit; tokkit.train_bpe({str(corpus)!r}, 'o', vocab_size=300)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "tokenizer.json").exists()


def test_corpora_child_that_dies_is_no_success(tmp_path, text, monkeypatch):
    """`digits` may cut anywhere, so that the reference counts in a process of its own."""
    monkeypatch.setattr("sys.executable", "/bin/false")
    corpus = write(tmp_path / "c.txt", text)
    with pytest.raises(tokkit.TokkitError, match="ended without a result"):
        tokkit.train_bpe(corpus, tmp_path / "out", pre_tokenizer=["digits"])
    assert not (tmp_path / "out").exists()
