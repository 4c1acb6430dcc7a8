"""Counts folders: the same bytes however counted, merged as if in one run, refused when damaged."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_texts import LETTERS, NUMBERS, PICTURES, SIGNS
from hypothesis import given, settings
from hypothesis import strategies as st

import tokkit
from tokkit.corpus import merging, parts, shards
from tokkit.corpus.feed import CorpusFile, CorpusOptions, plan
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.runtime.byte_table import StringCounts
from tokkit.sources.formats import TableFormat

CUT = ("bert-uncased", "gpt2", "llama")
"""Recipes whose cutting rules differ."""
UNCUT = {"pre_tokenizer": ["digits"], "normalizer": ["nfc"]}
"""Blocks that may not be cut: the pieces are words."""


def text_of(size, seed=1):
    chosen = random.Random(seed)
    words = (*LETTERS, *NUMBERS, *SIGNS, *PICTURES)
    lines = [" ".join(chosen.choices(words, k=chosen.randint(1, 30))) for _ in range(size // 100)]
    return "\n".join(lines) + "\n"


def contents_of(folder):
    """The bytes of every part."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def result(folder):
    return json.loads((folder / "tokkit.json").read_text("utf-8"))["result"]


def table(folder):
    """Every piece and its count, in the order of the parts."""
    both = [pq.read_table(path).to_pydict() for path in sorted(folder.glob("part-*.parquet"))]
    return [pair for parquet in both for pair in zip(parquet["piece"], parquet["count"], strict=True)]


@settings(deadline=None)
@given(st.lists(st.text("ab\0é中", max_size=20), max_size=40, unique=True))
def test_order_of_pieces_is_that_of_their_bytes(texts):
    strings = [text.encode() for text in texts]
    pieces = StringCounts.of(strings, [1] * len(strings)).strings
    assert [strings[i] for i in parts.sorted_order(pieces)] == sorted(strings)


def _partition(piece):
    """The same, a piece at a time."""
    whole = (1 << 64) - 1
    first, last = int.from_bytes(piece[:8], "little"), int.from_bytes(piece[-8:], "little")
    mixed = (first * 0x9E3779B97F4A7C15 ^ last * 0xC2B2AE3D27D4EB4F ^ len(piece) * 0xD6E8FEB86659FD93) & whole
    mixed ^= mixed >> 32
    return (mixed * 0x9E3779B97F4A7C15 & whole) >> 60


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), max_size=40))
def test_partition_is_a_matter_of_the_piece_alone(texts):
    strings = [text.encode() for text in texts]
    assert list(parts.partitions_of(StringCounts.of(strings, [1] * len(strings)).strings)) == [
        _partition(s) for s in strings
    ]


def test_partitions_are_of_like_size():
    strings = [word.encode() for word in {f" {word}" for word in text_of(200_000).split()}]
    strings += [f" {number}".encode() for number in range(20_000)]
    sizes = np.bincount(
        parts.partitions_of(StringCounts.of(strings, [1] * len(strings)).strings), minlength=parts.PARTITIONS
    )
    assert sizes.min() > 0.8 * sizes.mean()
    assert sizes.max() < 1.2 * sizes.mean()


@pytest.mark.parametrize("recipe", CUT)
def test_counts_are_the_same_bytes_for_any_threads_memory_and_shards(write, tmp_path, monkeypatch, recipe):
    text = text_of(300_000) + "one line of several blocks " * 50_000 + "\n" + text_of(10_000, 2)
    paths = [write("a.txt", "\ufeff" + text), write("b.txt", text_of(50_000, 3))]
    rows = tmp_path / "c.parquet"
    pl.DataFrame({"text": ["two\nlines", None, "a\0b", *text.split("\n")[:2000]]}).write_parquet(rows)
    written = []
    for number, (threads, memory, shard) in enumerate(
        [(1, None, 1 << 28), (2, None, 1 << 20), (3, "1B", 1 << 14), (8, "1MB", 1 << 17)]
    ):
        monkeypatch.setattr(shards, "SHARD", shard)
        out = tmp_path / f"counts-{number}"
        summary = tokkit.count([*paths, rows], out, recipe=recipe, threads=threads, memory=memory)
        written.append(contents_of(out))
        assert {**result(out), "settings": None} == {**result(tmp_path / "counts-0"), "settings": None}
    assert all(parquet == written[0] for parquet in written)
    counted = table(out)
    assert len(written[0]) == parts.PARTITIONS
    assert summary.pieces == sum(count for _, count in counted)
    assert summary.distinct_pieces == len({piece for piece, _ in counted}) == len(counted)
    texts = [path.read_text("utf-8-sig") for path in paths] + pl.read_parquet(rows)[
        "text"
    ].drop_nulls().to_list()
    assert sum(len(piece.encode()) * count for piece, count in counted) == sum(len(t.encode()) for t in texts)
    letters: Counter[str] = Counter()
    for piece, count in counted:
        for letter in piece:
            letters[letter] += count
    assert letters == Counter("".join(texts))
    assert not list(tmp_path.glob(".*"))


def test_counts_of_blocks_that_may_not_be_cut_are_words(write, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1000)
    text = "one  two 12 three \n  four\n" * 200
    summary = tokkit.count([write("a.txt", text), write("b.txt", text)], tmp_path / "counts", **UNCUT)
    assert summary.unit == result(tmp_path / "counts")["unit"] == "word"
    assert dict(table(tmp_path / "counts"))["  four\n"] == 400
    assert summary.bytes == 2 * len(text)


@pytest.mark.parametrize(
    "blocks", [{"recipe": "gpt2"}, {"recipe": "korean"}, UNCUT], ids=["gpt2", "korean", "uncut"]
)
def test_counts_of_shards_merge_to_the_single_run(write, tmp_path, blocks):
    paths = [write(f"{name}.txt", text_of(40_000, number)) for number, name in enumerate("abc")]
    for path in paths:
        tokkit.count(path, tmp_path / path.stem, **blocks)
    single = tokkit.count(paths, tmp_path / "single", **blocks)
    first = tokkit.merge_counts([tmp_path / "a", tmp_path / "b"], tmp_path / "ab")
    merged = tokkit.merge_counts([tmp_path / "ab", tmp_path / "c"], tmp_path / "abc", threads=1)
    assert contents_of(tmp_path / "abc") == contents_of(tmp_path / "single")
    of_single, of_merged = result(tmp_path / "single"), result(tmp_path / "abc")
    # What was read: files there, counts folders here.
    del of_single["sources"], of_merged["sources"], of_merged["merged"]
    assert of_merged == of_single
    assert first.pieces < merged.pieces == single.pieces
    assert (merged.distinct_pieces, merged.bytes) == (single.distinct_pieces, single.bytes)
    assert merged.fingerprint == single.fingerprint


def test_merge_adds_counts_past_32_bits(write, tmp_path):
    tokkit.count(write("a.txt", "word"), tmp_path / "a")
    (part,) = [path for path in (tmp_path / "a").glob("part-*") if pq.read_metadata(path).num_rows]
    pq.write_table(pq.read_table(part).set_column(1, parts.SCHEMA.field(1), pa.array([3 << 40])), part)
    _receipt('"pieces": 1,', f'"pieces": {3 << 40},')(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert tokkit.merge_counts([tmp_path / "a", tmp_path / "b"], tmp_path / "c").pieces == 6 << 40
    assert table(tmp_path / "c") == [("word", 6 << 40)]


def test_merge_says_when_a_file_was_counted_in_two_folders(write, tmp_path, heard):
    both = write("both.txt", "in both\n")
    tokkit.count(both, tmp_path / "a")
    tokkit.count([both, write("one.txt", "in one\n")], tmp_path / "b")
    tokkit.merge_counts([tmp_path / "a", tmp_path / "b"], tmp_path / "c", progress=heard)
    assert "in more than one of the folders, and counted as often: both.txt" in heard


def test_merge_refuses_what_does_not_belong_together(write, tmp_path):
    text = write("a.txt", "some text\n")
    tokkit.count(text, tmp_path / "bert")
    tokkit.count(text, tmp_path / "gpt2", recipe="gpt2")
    tokkit.train_wordpiece(text, tmp_path / "tokenizer")
    (tmp_path / "link").symlink_to(tmp_path / "bert")
    for folders, message in (
        (
            ["bert", "gpt2"],
            r"gpt2: has other normalizers and pre-tokenizers than .*bert .*--recipe gpt2, the other",
        ),
        (["bert", "gpt2", "bert"], "gpt2: has other"),
        (["bert", "link"], "link: is named twice, and would count double"),
        (["bert", "tokenizer"], "tokenizer: is no counts folder"),
        (["bert", "none"], "none: does not exist"),
        (["bert", "a.txt"], "has no a.txt.tokkit.json"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            tokkit.merge_counts([tmp_path / name for name in folders], tmp_path / "out")
        assert "\n" not in caught.value.message
    with pytest.raises(UsageError, match="name the counts folders"):
        tokkit.merge_counts([], tmp_path / "out")
    with pytest.raises(OutputError, match="is an input"):
        tokkit.merge_counts([tmp_path / "bert"], tmp_path / "bert", force=True)
    assert not (tmp_path / "out").exists()


def _exchanged(folder):
    part = max(folder.glob("part-*"), key=lambda path: pq.read_metadata(path).num_rows)
    content = pq.read_table(part)
    pq.write_table(content.slice(1), part)


def _other_columns(folder):
    pq.write_table(pa.table({"piece": ["a"], "count": ["b"]}), folder / "part-03.parquet")


def _negative(folder):
    pq.write_table(pa.table({"piece": ["a"], "count": [-1]}, schema=parts.SCHEMA), folder / "part-03.parquet")


def _bytes(old, new):
    def damage(folder):
        part = folder / "part-03.parquet"
        part.write_bytes(part.read_bytes().replace(old, new))

    return damage


def _receipt(old, new):
    def damage(folder):
        path = folder / "tokkit.json"
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "part-03.parquet").unlink(), "is not whole: part-03.parquet is missing"),
        (lambda folder: (folder / "part-03.parquet").write_bytes(b"PAR1"), "part-03.parquet: cannot be read"),
        (_exchanged, "the parts have .* pieces, the receipts"),
        (_other_columns, "part-03.parquet: its columns are not piece"),
        (_negative, "part-03.parquet: holds a piece without a count"),
        (_receipt('"cuts": "', '"cuts": "x'), "its fingerprint does not fit"),
        (_receipt('"bytes": ', '"bites": '), r'tokkit.json: has no "result.*bytes"'),
        (_receipt('"sha256": "', '"sha": "'), r'tokkit.json: has no "result.inputs.0.sha256"'),
        (_receipt('"normalizers": [', '"normalizers": [3, '), "normalizers.* a list of objects"),
        (_receipt('"pieces": ', '"pieces": -'), '"result.pieces" is -[0-9]+, expected a whole number'),
        (_receipt('"schema": 1', '"schema": 2'), "has schema 2, expected 1"),
    ],
)
def test_merge_refuses_a_damaged_folder(write, tmp_path, damage, message):
    tokkit.count(write("a.txt", text_of(20_000)), tmp_path / "a")
    damage(tmp_path / "a")
    with pytest.raises(InputError, match=message) as caught:
        tokkit.merge_counts([tmp_path / "a"], tmp_path / "b")
    assert "\n" not in caught.value.message
    assert not (tmp_path / "b").exists()


def test_shards_part_text_at_line_ends_and_keep_the_rest_whole(write, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 100)
    text = write(
        "a.txt", "".join(f"line {i}\n" for i in range(60)) + "x" * 500 + "\nthe end without a newline"
    )
    small = [write(f"{i}.txt", "small\n" * 5) for i in range(5)]
    rows = write("t.csv", "text,label\n" + "row,a\n" * 40)
    written = shards.shards_of(plan([text, *small, rows], CorpusOptions()), within_files=True)
    ranges = [(part.start, part.end) for shard in written for part in shard if part.file.path == text]
    content = text.read_bytes()
    assert [start for start, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, len(content))
    assert all(content[end - 1 : end] == b"\n" for _, end in ranges[:-1])
    assert max(end - start for start, end in ranges) < 100 + 501
    assert [len(shard) for shard in written[-2:]] == [4, 3]
    assert written[-1][-1].whole
    assert all(
        part.whole for s in shards.shards_of([CorpusFile(text, TableFormat("text"))], False) for part in s
    )


def test_count_refuses_a_corpus_without_text(tmp_path):
    pl.DataFrame({"text": ["", None, ""]}, schema={"text": str}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError):
        tokkit.count(tmp_path / "a.parquet", tmp_path / "counts", text_column="text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_count_names_the_line_of_bad_text_in_a_later_shard(write, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1000)
    path = write("a.txt", b"fine line\n" * 1000 + b"bad \xff line\n")
    with pytest.raises(InputError, match=r"a.txt:1001: byte 5 \(0xff\) is not UTF-8"):
        tokkit.count(path, tmp_path / "counts")
    assert list(tmp_path.iterdir()) == [path]


def test_count_refuses_an_output_that_is_an_input_or_there(write, tmp_path):
    text = write("corpus/a.txt", "some text\n")
    with pytest.raises(OutputError, match="contains the input"):
        tokkit.count(text, tmp_path / "corpus", force=True)
    tokkit.count(text, tmp_path / "counts")
    with pytest.raises(OutputError, match="already exists"):
        tokkit.count(text, tmp_path / "counts")
    tokkit.count(text, tmp_path / "counts", recipe="gpt2", force=True)
    assert result(tmp_path / "counts")["recipe"] == "gpt2"


@pytest.mark.parametrize("recipe", ["gpt2", "bert-uncased"])
def test_counts_are_the_same_bytes_added_up_in_ranges(write, tmp_path, monkeypatch, recipe):
    files = [write(f"{name}.txt", text_of(20_000, seed)) for seed, name in enumerate("abc")]
    files.append(write("long.txt", "a" * 300 + "\n" + "b" * 700 + " c" * 9 + "\n"))
    monkeypatch.setattr(parts, "ROWS", 7)
    monkeypatch.setattr(parts, "BYTES", 90)
    whole = tokkit.count(files, tmp_path / "whole", recipe=recipe)
    monkeypatch.setattr(merging, "LEAST_MEMORY", 1000)
    monkeypatch.setattr(parts, "_SAMPLE_EVERY", 2)
    ranges = Counter()
    original = parts.bounds_of

    def bounds(*arguments):
        found = original(*arguments)
        ranges[len(found)] += 1
        return found

    monkeypatch.setattr(parts, "bounds_of", bounds)
    little = tokkit.count(files, tmp_path / "little", recipe=recipe, memory="1KB", threads=2)
    assert max(ranges) > 5
    assert (little.pieces, little.distinct_pieces) == (whole.pieces, whole.distinct_pieces)
    assert contents_of(tmp_path / "little") == contents_of(tmp_path / "whole")
    monkeypatch.setattr(merging, "MERGING_MEMORY", 1000)
    again = tokkit.merge_counts([tmp_path / "little"], tmp_path / "again")
    assert again.distinct_pieces == whole.distinct_pieces
    assert contents_of(tmp_path / "again") == contents_of(tmp_path / "whole")


def test_a_run_has_one_row_group_for_each_partition_however_large(tmp_path):
    # one length and the same first and last eight bytes: all are of one partition
    strings = StringCounts.of([b"abcdefgh%07dabcdefgh" % n for n in range(1_100_000)], [2] * 1_100_000)
    run = tmp_path / "run.parquet"
    parts.write_run(run, strings, lambda: False)
    assert pq.read_metadata(run).num_row_groups == parts.PARTITIONS
    [partition] = set(parts.partitions_of(strings.strings))
    task = merging.MergeTask(tmp_path / "part.parquet", [(run, [int(partition)])], tmp_path, 1 << 30)
    assert merging.merge_part(task) == (2_200_000, 1_100_000)


def test_a_run_of_another_layout_is_refused(tmp_path):
    pq.write_table(pa.table({"piece": ["a"], "count": [1]}, schema=parts.SCHEMA), tmp_path / "run.parquet")
    with pytest.raises(InputError, match="has 1 row groups instead of 16"):
        parts.size_of(tmp_path / "run.parquet", [0])


@pytest.mark.long
def test_counting_words_that_never_repeat_stays_within_its_memory(tmp_path):
    """12 million distinct words: 800 MB without ranges, 400 MB with them."""
    with open(tmp_path / "a.txt", "w", encoding="utf-8") as file:
        for start in range(0, 12_000_000, 20):
            file.write(
                " ".join(f"w{number * 7919 % 99_999_989:08}" for number in range(start, start + 20)) + "\n"
            )
    command = [
        sys.executable,
        "-m",
        "tokkit",
        "count",
        "a.txt",
        "-o",
        "c",
        "--memory",
        "64MB",
        "--threads",
        "4",
        "-q",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    assert usage.ru_maxrss * 1024 < 600e6
