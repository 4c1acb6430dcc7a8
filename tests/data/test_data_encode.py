"""`encode`: ids equal to those of `tokenizers` on every row, packed sequences, resuming, and bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

import tokkit
from tests.conftest import Heard
from tokkit.data.encoding import parts
from tokkit.data.encoding.packing import pack
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources.formats import text as text_format
from tokkit.tokenizer.encoding import encode as small

TEXTS = [
    "low lower lowest",
    "영화가 정말 재미있었다 ㅋㅋ",
    "",
    "Straße, naïve café \N{COMBINING ACUTE ACCENT}e",
    "שלום עולם مرحبا",
    "👩‍👩‍👧 🇰🇷 emoji",
    "今日は良い天気ですね",
    "  two  spaces \t and <|endoftext|> [SEP] [MASK]",
    "a" * 300,
]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizers")
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(TEXTS * 3), "utf-8")
    tokkit.train_wordpiece(corpus, folder / "wordpiece", vocab_size=300)
    tokkit.train_bpe(corpus, folder / "bpe", vocab_size=400)
    tokkit.train_bpe(corpus, folder / "llama", recipe="llama", vocab_size=500)
    tokkit.train_unigram(corpus, folder / "unigram", vocab_size=200)
    return folder


@pytest.fixture
def by_chunks(monkeypatch):
    """Small data take the way of large ones, in several parts."""
    monkeypatch.setattr(small, "SMALL", 0)
    monkeypatch.setattr(text_format, "SMALL", 0)
    monkeypatch.setattr(parts, "ROWS", 16)
    monkeypatch.setattr("tokkit.sources.formats.batch.ROWS", 8)
    monkeypatch.setattr("tokkit.sources.formats.text.ROWS", 8)


def lines(write, texts=TEXTS, times=5):
    return write("data/train.txt", "\n".join(texts * times) + "\n")


def expected(folder: Path, texts, **settings):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    if settings:
        tokenizer.enable_truncation(**settings)
    return [tokenizer.encode(text).ids if text else None for text in texts]


def read(folder: Path, split: str = "train", suffix: str = "parquet") -> pl.DataFrame:
    files = sorted(folder.glob(f"{split}-*.{suffix}"))
    assert files == sorted(folder.glob(f"{split}-[0-9][0-9][0-9][0-9][0-9].{suffix}"))
    if suffix == "arrow":
        tables = [pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in files]
    else:
        tables = [pq.read_table(file) for file in files]
    return pl.from_arrow(pa.concat_tables(tables))


@pytest.mark.parametrize("name", ["wordpiece", "bpe", "llama", "unigram"])
@pytest.mark.parametrize("large", [False, True])
def test_ids_are_those_of_tokenizers(name, large, tokenizers, write, tmp_path, request):
    if large:
        request.getfixturevalue("by_chunks")
    result = tokkit.encode(lines(write), tokenizers / name, tmp_path / "ids", threads=2)
    rows = read(tmp_path / "ids")
    assert rows["input_ids"].to_list() == expected(tokenizers / name, TEXTS * 5)
    assert rows["length"].to_list() == [len(ids or ()) for ids in rows["input_ids"].to_list()]
    assert (result.rows, result.without_text) == (45, 5)
    assert result.tokens == rows["length"].sum()
    assert result.bytes == sum(len(text.encode()) for text in TEXTS) * 5
    assert len(list((tmp_path / "ids").glob("*.parquet"))) == (3 if large else 1)


def test_arrow_holds_the_same_rows(tokenizers, write, tmp_path):
    data = lines(write)
    tokkit.encode(data, tokenizers / "bpe", tmp_path / "parquet")
    tokkit.encode(data, tokenizers / "bpe", tmp_path / "arrow", output_format="arrow")
    assert read(tmp_path / "parquet").equals(read(tmp_path / "arrow", suffix="arrow"))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_labels_and_splits_stay_in_their_place(suffix, tokenizers, tmp_path, by_chunks):
    frame = pl.DataFrame(
        {"text": [text or None for text in TEXTS] * 3, "label": ["a", "b", None] * 9, "id": range(27)}
    )
    data = tmp_path / "data"
    data.mkdir()
    for split in ("train", "test"):
        writer = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}
        writer[suffix](data / f"{split}.{suffix}")
    result = tokkit.encode(data, tokenizers / "wordpiece", tmp_path / "ids")
    assert result.splits == {"train": 27, "test": 27}
    for split in result.splits:
        rows = read(tmp_path / "ids", split)
        assert rows["input_ids"].to_list() == expected(tokenizers / "wordpiece", TEXTS * 3)
        assert rows["label"].to_list() == frame["label"].to_list()


def test_a_type_that_changes_later_is_that_of_all_rows(tokenizers, write, tmp_path, by_chunks):
    values = [*range(20), 20.5]
    data = write("data/train.jsonl", "".join(json.dumps({"text": value}) + "\n" for value in values))
    tokkit.encode(data, tokenizers / "bpe", tmp_path / "ids", text_column="text")
    texts = [str(float(value)) for value in values]
    assert read(tmp_path / "ids")["input_ids"].to_list() == expected(tokenizers / "bpe", texts)


def test_pairs_have_segments(tokenizers, write, tmp_path, by_chunks):
    rows = [(first, second) for first in TEXTS if first for second in TEXTS[:2]]
    data = write("data/train.jsonl", "".join(json.dumps({"text": a, "b": b}) + "\n" for a, b in rows))
    tokkit.encode(data, tokenizers / "wordpiece", tmp_path / "ids", pair_column="b", max_length=24)
    tokenizer = Tokenizer.from_file(str(tokenizers / "wordpiece/tokenizer.json"))
    tokenizer.enable_truncation(24)
    encodings = tokenizer.encode_batch(rows)
    written = read(tmp_path / "ids")
    assert written["input_ids"].to_list() == [encoding.ids for encoding in encodings]
    assert written["token_type_ids"].to_list() == [encoding.type_ids for encoding in encodings]


def test_max_length_truncates_and_counts(tokenizers, write, tmp_path):
    result = tokkit.encode(lines(write, times=1), tokenizers / "wordpiece", tmp_path / "ids", max_length=8)
    want = expected(tokenizers / "wordpiece", TEXTS, max_length=8)
    assert read(tmp_path / "ids")["input_ids"].to_list() == want
    whole = expected(tokenizers / "wordpiece", TEXTS)
    assert result.truncated == sum(len(ids or ()) > 8 for ids in whole) > 0


def test_a_frame_a_path_and_any_number_of_threads_give_the_same(tokenizers, write, tmp_path, by_chunks):
    data = lines(write)
    results = [
        tokkit.encode(data, tokenizers / "bpe", tmp_path / f"ids-{threads}", threads=threads)
        for threads in (1, 2, 8)
    ]
    assert len({result.sha256 for result in results}) == 1
    frame = pd.DataFrame({"text": TEXTS * 5})
    tokkit.encode(frame, tokenizers / "bpe", tmp_path / "frame")
    assert read(tmp_path / "frame").equals(read(tmp_path / "ids-1"))


def documents(folder: Path, raw, capacity: int):
    """The documents of packed NumPy files, put together again, by number."""
    pieces: dict[int, list[list[int]]] = {}
    for file in sorted(folder.glob("train-*.tokens.npy")):
        tokens = np.load(file, mmap_mode="r")
        assert tokens.shape[1] == capacity
        assert tokens.dtype == np.uint16
        for row, start, length, document in np.load(str(file).replace("tokens", "index")).tolist():
            assert start + length <= capacity
            pieces.setdefault(document, []).append(tokens[row, start : start + length].tolist())
    return pieces


@pytest.mark.parametrize("capacity", [16, 64, 512])
def test_packed_sequences_hold_every_document(capacity, tokenizers, write, tmp_path, monkeypatch):
    monkeypatch.setattr("tokkit.data.encoding.packing._FILE", 256)
    heard = Heard()
    data = lines(write, times=20)
    result = tokkit.encode(data, tokenizers / "bpe", tmp_path / "ids", pack=capacity, progress=heard)
    end = Tokenizer.from_file(str(tokenizers / "bpe/tokenizer.json")).token_to_id("<|endoftext|>")
    want = {i: [*ids, end] for i, ids in enumerate(expected(tokenizers / "bpe", TEXTS * 20)) if ids}
    found = documents(tmp_path / "ids", want, capacity)
    assert found.keys() == want.keys()
    for number, ids in want.items():
        # only what is longer than a sequence is parted
        assert len(found[number]) == -(-len(ids) // capacity)
        assert sorted(found[number]) == sorted(
            ids[start : start + capacity] for start in range(0, len(ids), capacity)
        )
    assert result.tokens == sum(map(len, want.values()))
    assert result.pack["full"] == result.tokens / (result.pack["rows"] * capacity)
    assert "each document ends with" in heard
    again = tokkit.encode(data, tokenizers / "bpe", tmp_path / "other", pack=capacity, seed=1)
    assert again.sha256 != result.sha256
    assert again.pack == result.pack


def test_best_fit_fills_sequences():
    lengths = np.random.default_rng(0).lognormal(4, 1, 20_000).astype(np.int64)
    packed = pack(lengths, 2048, seed=42)
    assert packed.tokens == lengths.sum()
    assert packed.tokens / (packed.rows * 2048) > 0.995
    used = np.bincount(packed.sequences, packed.lengths)
    assert used.max() <= 2048
    assert (packed.at() + packed.lengths <= 2048).all()


def best_fit_in_python(lengths, capacity):
    """The sequences of pieces of decreasing length, by looking at every sequence."""
    left: list[int] = []
    members: list[list[int]] = []
    for i, length in enumerate(lengths):
        fitting = [space for space in left if space >= length]
        if fitting:
            which = left.index(min(fitting))
        else:
            which = len(left)
            left.append(capacity)
            members.append([])
        left[which] -= length
        members[which].append(i)
    return left


@pytest.mark.parametrize("capacity", [7, 64, 130])
def test_best_fit_leaves_as_much_space_as_the_plain_search(capacity):
    lengths = np.sort(np.random.default_rng(1).integers(1, capacity + 1, 400))[::-1]
    packed = pack(lengths, capacity, seed=0)
    spaces = capacity - np.bincount(packed.sequences, packed.lengths)
    assert sorted(spaces.tolist()) == sorted(best_fit_in_python(lengths.tolist(), capacity))


@pytest.mark.long
def test_megatron_reads_the_same_documents(tokenizers, write, tmp_path):
    pytest.importorskip("megatron.core", reason="megatron-core is not installed")
    data = lines(write, times=20)
    for name in ("numpy", "megatron"):
        tokkit.encode(data, tokenizers / "bpe", tmp_path / name, pack=64, output_format=name)
    code = (
        "from megatron.core.datasets.indexed_dataset import IndexedDataset\n"
        f"data = IndexedDataset({str(tmp_path / 'megatron/train')!r})\n"
        "import json\n"
        "print(json.dumps([[data[i].tolist() for i in range(len(data))], data.document_indices.tolist()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pieces, bounds = json.loads(done.stdout.splitlines()[-1])
    tokens, index = (np.load(tmp_path / f"numpy/train-00000.{name}.npy") for name in ("tokens", "index"))
    assert pieces == [tokens[row, start : start + length].tolist() for row, start, length, _ in index]
    assert bounds == np.searchsorted(index[:, 0], np.arange(len(tokens) + 1)).tolist()


def run(folder: Path, *words: str, small_parts: bool = False) -> subprocess.Popen[str]:
    code = (
        "from tokkit.data.encoding import parts\n"
        f"parts.ROWS = {200 if small_parts else parts.ROWS}\n"
        "from tokkit.sources.formats import text\n"
        "text.ROWS = 100\n"
        "from tokkit.cli.start import main\n"
        "main()"
    )
    words = (sys.executable, "-c", code, "encode", *words)
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ends", [pytest.param(signal.SIGKILL, marks=pytest.mark.long), signal.SIGINT])
def test_a_run_that_ended_early_is_continued(ends, tokenizers, tmp_path):
    (tmp_path / "data").mkdir()
    texts = [text for text in TEXTS if text]
    (tmp_path / "data/train.txt").write_text("\n".join(" ".join(texts) for _ in range(12_000)), "utf-8")
    words = ["data", "--tokenizer", str(tokenizers / "wordpiece"), "-o", "ids", "--threads", "1"]
    process = run(tmp_path, *words, small_parts=True)
    work = tmp_path / ".ids.tokkit-encoding"
    until = time.monotonic() + 180
    while len(list(work.glob("*.done"))) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(ends)
    _, err = process.communicate(timeout=240)
    assert process.returncode in (-9, 130)
    assert not (tmp_path / "ids").exists()
    done = {path.name: path.stat().st_mtime_ns for path in work.glob("*.done")}
    assert len(done) >= 3
    if ends == signal.SIGINT:
        assert "the same command continues from there" in err
    again = run(tmp_path, *words, small_parts=True)
    _, err = again.communicate(timeout=240)
    assert again.returncode == 0, err
    assert f"continuing: {len(done)} parts are encoded already" in err
    assert not work.exists()
    rows = read(tmp_path / "ids")
    assert rows.height == 12_000
    (ids,) = expected(tokenizers / "wordpiece", [" ".join(texts)])
    assert rows["input_ids"].n_unique() == 1
    assert rows["input_ids"][0].to_list() == ids


def test_the_receipt_names_tokenizer_and_inputs(tokenizers, write, tmp_path):
    data = lines(write)
    result = tokkit.encode(data, tokenizers / "bpe", tmp_path / "ids")
    receipt = json.loads((tmp_path / "ids/tokkit.json").read_text())
    names = {item["name"] for item in receipt["result"]["inputs"]}
    assert names == {"train.txt", "bpe"}
    for key in ("sha256", "tokenizer_sha256", "rows", "tokens", "format", "splits"):
        assert receipt["result"][key] == getattr(result, key)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"output_format": "numpy"}, "say how long they are:"),
        ({"output_format": "parquet", "pack": 64}, 'output_format="numpy")'),
        ({"pack": 1}, "pack: 1 is below 2"),
        ({"max_length": 0}, "max_length: 0 is below 1"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(settings, part, tokenizers, write, tmp_path):
    with pytest.raises(UsageError) as caught:
        tokkit.encode(lines(write), tokenizers / "bpe", tmp_path / "ids", **settings)
    assert part in f"{caught.value.message} {caught.value.hint}"
    assert not (tmp_path / "ids").exists()


def test_sequences_hold_no_pairs(tokenizers, write, tmp_path):
    data = write("data/train.jsonl", '{"a": "x", "b": "y"}\n' * 3)
    with pytest.raises(UsageError, match="hold no pairs"):
        tokkit.encode(data, tokenizers / "bpe", tmp_path / "ids", pack=8, text_column="a", pair_column="b")


def test_bad_input_leaves_nothing_behind(tokenizers, write, tmp_path):
    empty = write("data/train.csv", "text,label\n,a\n,b\n")
    with pytest.raises(InputError, match="no row has a text"):
        tokkit.encode(empty, tokenizers / "bpe", tmp_path / "ids", text_column="text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    with pytest.raises(InputError):
        tokkit.encode(empty, tmp_path / "none", tmp_path / "ids")
    data = lines(write)
    tokkit.encode(data, tokenizers / "bpe", tmp_path / "ids")
    with pytest.raises(OutputError):
        tokkit.encode(data, tokenizers / "bpe", tmp_path / "ids")


def test_a_wrong_kernel_is_noticed(tokenizers, write, tmp_path, by_chunks, monkeypatch, heard):
    from tokkit.tokenizer.encoding import batch_encoder

    right = batch_encoder.framed

    def wrong(*arguments):
        encoded = right(*arguments)
        encoded.ids[:] += 1
        return encoded

    monkeypatch.setattr(batch_encoder, "framed", wrong)
    tokkit.encode(lines(write), tokenizers / "bpe", tmp_path / "ids", progress=heard)
    assert "internal error" in heard
    assert read(tmp_path / "ids")["input_ids"].to_list() == expected(tokenizers / "bpe", TEXTS * 5)
