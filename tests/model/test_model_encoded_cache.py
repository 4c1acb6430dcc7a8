"""Encoded rows kept between runs: found by all that decides them, and never taken where they were damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tokkit.data.dataset import Rows
from tokkit.model.network.batches import RowLimits
from tokkit.model.network.classifier import Classifier
from tokkit.model.tasks import TASKS
from tokkit.model.training import encoded_rows
from tokkit.progress import SILENT
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.load import LoadedTokenizer, load

TASK = TASKS["single-label"]
TEXTS = ["i feel glad", "오늘 i feel 슬프다", "", "👩‍👩‍👧 ok", "glad " * 40]


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoded"


@pytest.fixture
def calls(monkeypatch):
    """The texts that were encoded, call by call, by the real encoding."""
    texts: list[list[str]] = []
    encode = Classifier.encode

    def counting(classifier, rows, *arguments):
        texts.append(rows.texts)
        return encode(classifier, rows, *arguments)

    monkeypatch.setattr(Classifier, "encode", counting)
    return texts


def classifier_of(tokenizer: LoadedTokenizer, max_length: int | None = 16) -> Classifier:
    """What of a classifier decides the ids; it has no model."""
    return Classifier(None, tokenizer, (), TASK, RowLimits(max_length, pad_id=0, segments=True))


def cached(tokenizer, rows, max_length=16, progress=SILENT):
    return encoded_rows.cached(classifier_of(tokenizer, max_length), rows, None, progress)


def rows_of(texts, pairs=()):
    return Rows(list(texts), [], [], {}, pairs=list(pairs))


def same(one: Encoded, other: Encoded) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("ids", "offsets")
    )
    segments = [rows.segments is not None and rows.segments.tolist() for rows in (one, other)]
    return arrays and one.truncated == other.truncated and segments[0] == segments[1]


@pytest.mark.parametrize("pairs", [(), ("b", "", "오늘", "d", "e")])
def test_the_second_run_reads_what_the_first_one_kept(cache, calls, tokenizer, pairs):
    rows, loaded = rows_of(TEXTS, pairs), load(tokenizer)
    first = cached(loaded, rows)
    second = cached(load(tokenizer), rows)
    assert calls == [TEXTS]
    assert same(first, second)
    assert same(first, TASK.encode(rows, loaded, 16))
    assert len(list(cache.iterdir())) == 1


def test_another_length_text_order_pair_or_tokenizer_is_another_entry(cache, calls, tokenizer, tmp_path):
    import tokkit

    loaded = load(tokenizer)
    cached(loaded, rows_of(TEXTS))
    other = tmp_path / "other"
    tokkit.train_wordpiece([str(tokenizer / "tokenizer.json")], other, vocab_size=120)
    requests = [
        (rows_of(TEXTS), loaded, 17),
        (rows_of(TEXTS), loaded, None),
        (rows_of(reversed(TEXTS)), loaded, 16),
        (rows_of(["".join(TEXTS[:2]), *TEXTS[2:]]), loaded, 16),
        (rows_of(TEXTS, ["x"] * 5), loaded, 16),
        (rows_of(TEXTS), load(other), 16),
    ]
    for number, (rows, tokens, length) in enumerate(requests, 2):
        assert same(cached(tokens, rows, length), TASK.encode(rows, tokens, length)), number
        assert len(calls) == number


def test_texts_are_told_apart_however_they_are_cut(cache, calls, tokenizer):
    loaded = load(tokenizer)
    for texts in (["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc"]):
        cached(loaded, rows_of(texts))
    assert len(calls) == 5


@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty", "no arrays", "a folder"])
def test_a_damaged_entry_is_passed_over_and_mended(cache, calls, tokenizer, damage):
    rows, loaded = rows_of(TEXTS), load(tokenizer)
    first = cached(loaded, rows)
    [entry] = cache.iterdir()
    content = entry.read_bytes()
    if damage == "cut short":
        entry.write_bytes(content[:-3])
    elif damage == "one bit":
        entry.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "empty":
        entry.write_bytes(b"")
    elif damage == "no arrays":
        import hashlib

        entry.write_bytes(hashlib.sha256(b"pickle").digest() + b"pickle")
    else:
        entry.unlink()
        entry.mkdir()
    assert same(cached(loaded, rows), first)
    assert len(calls) == 2
    if damage != "a folder":
        assert entry.read_bytes() == content


def test_a_cache_that_cannot_be_written_is_said_and_nothing_more(tmp_path, monkeypatch, tokenizer, heard):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "file"))
    encoded = cached(load(tokenizer), rows_of(TEXTS), progress=heard)
    assert same(encoded, TASK.encode(rows_of(TEXTS), load(tokenizer), 16))
    assert "encoded rows are not cached" in heard


def test_those_used_longest_ago_are_removed_first(cache, calls, tokenizer, monkeypatch):
    loaded = load(tokenizer)
    entries = []
    for number in range(3):
        cached(loaded, rows_of([f"text {number}"]))
        entries += [path for path in cache.iterdir() if path not in entries]
        os.utime(entries[-1], (number, number))
    cached(loaded, rows_of(["text 0"]))  # used again
    size = entries[0].stat().st_size
    monkeypatch.setattr(encoded_rows, "CACHE_BYTES", 3 * size)
    cached(loaded, rows_of(["text 9"]))
    assert entries[0].exists()
    assert not entries[1].exists()
    assert entries[2].exists()


def test_rows_larger_than_the_whole_cache_are_not_kept(cache, calls, tokenizer, monkeypatch):
    monkeypatch.setattr(encoded_rows, "CACHE_BYTES", 10)
    cached(load(tokenizer), rows_of(TEXTS))
    assert not cache.exists()
