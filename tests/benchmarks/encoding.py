"""Token counts and ids per row next to `encode_batch_fast` of `tokenizers`, and the memory of short rows.

    python -m tests.benchmarks.encoding CORPUS.txt [...] --megabytes 60

Each line of a corpus is a row. For WordPiece and byte-level BPE, with 30,000 tokens trained on the same
text, each round runs in turn: `tokenizers` over all rows, once for counts and once for ids; `token_counts`
and `encode` of tokkit. The results must be equal. The first call in a process of its own is timed with
kernels to compile and with compiled kernels. The memory of 1,000,000 short rows is measured above an
interpreter that has loaded the rows and the tokenizer's libraries, and without the result. `gigatoken`
(byte-level BPE only) takes part if ``--gigatoken PYTHON`` names an interpreter that has it, in a process of
its own: its first call, and a second one that finds all words in its cache.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_GIGATOKEN = """
import hashlib, sys, time
import awkward, gigatoken, numpy
corpus, tokenizer, size = sys.argv[1:]
with open(corpus, "rb") as file:
    text = file.read(int(size))
rows = text[: text.rindex(b"\\n")].decode().split("\\n")
tokenizer = gigatoken.Tokenizer(tokenizer)
for call in ("first call", "second call"):
    wall, cpu = time.perf_counter(), time.process_time()
    ids = tokenizer.encode_batch(rows)
    print(f"  gigatoken, {call}: {time.perf_counter() - wall:.2f} ({time.process_time() - cpu:.2f})")
ids = numpy.asarray(awkward.flatten(ids)).astype(numpy.int32)
print(f"  gigatoken, SHA-256 of its ids: {hashlib.sha256(ids.tobytes()).hexdigest()[:16]}")
"""

_BATCH = 1_000
_SHORT_ROWS = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--vocab-size", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokenizer", type=Path, help="measure this one, trained elsewhere, alone")
    parser.add_argument("--gigatoken", metavar="PYTHON", help="interpreter that has gigatoken")
    parser.add_argument("--alone", choices=["first", "memory"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        {"first": _first, "memory": _memory}[arguments.alone](arguments)
        return
    with tempfile.TemporaryDirectory() as name:
        for corpus in arguments.corpora:
            tokenizers = (
                [arguments.tokenizer] if arguments.tokenizer else _trained(corpus, arguments, Path(name))
            )
            for tokenizer in tokenizers:
                compare(corpus, tokenizer, arguments)
                alone = [str(corpus), "--tokenizer", str(tokenizer), "--megabytes", str(arguments.megabytes)]
                kernels = str(Path(name) / f"kernels-{tokenizer.name}")
                for state in ("to compile", "compiled"):
                    print(f"  first call, kernels {state}: {_in_a_process('first', alone, kernels)}")
                print(f"  {_in_a_process('memory', alone, kernels)}", flush=True)


def compare(corpus: Path, tokenizer: Path, arguments: argparse.Namespace) -> None:
    """Seconds of every round, ratios of the medians, and whether the results are equal."""
    from tokkit.tokenizer.encoding.encode import encode, token_counts
    from tokkit.tokenizer.folder.load import load

    rows, loaded = _rows(corpus, arguments.megabytes), load(tokenizer)
    size = sum(len(row.encode()) for row in rows) / 1e6
    print(f"\n{corpus.name}, {tokenizer.name}: {size:.1f} MB, {len(rows):,} rows")
    ways: dict[str, Callable[[], Any]] = {
        "tokenizers, counts": lambda: _reference_counts(rows, loaded.backend),
        "tokkit, counts": lambda: token_counts(rows, loaded),
        "tokenizers, ids": lambda: _reference_ids(rows, loaded.backend),
        "tokkit, ids": lambda: encode(rows, loaded),
    }
    token_counts(rows, loaded)  # compiles
    durations: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(arguments.rounds):
        results = {}
        for way, work in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            results[way] = work()
            durations[way].append((time.perf_counter() - wall, time.process_time() - cpu))
        counts, ids = results["tokkit, counts"].tokens, results["tokkit, ids"]
        equal = np.array_equal(counts, results["tokenizers, counts"])
        equal &= np.array_equal(ids.ids, np.concatenate(results["tokenizers, ids"]))
        equal &= np.array_equal(ids.lengths, counts)
        print(f"  {'equal to the last id' if equal else 'DIFFERENT'}")
    for way, times in durations.items():
        seconds = ", ".join(f"{wall:.2f} ({cpu:.2f})" for wall, cpu in times)
        print(f"  {way:20} s wall (s CPU): {seconds}")
    seconds = [cpu for _, cpu in durations["tokkit, ids"]]
    print(
        f"  tokkit, ids: {size / statistics.median(seconds):.1f} MB per CPU second (median), "
        f"{size / min(seconds):.1f} at most"
    )
    if arguments.gigatoken and loaded.backend.to_str().find('"type":"ByteLevel"') >= 0:
        print(f"  tokkit, SHA-256 of its ids: {hashlib.sha256(ids.ids.tobytes()).hexdigest()[:16]}")
        told = [str(corpus), str(tokenizer / "tokenizer.json"), str(int(arguments.megabytes * 1e6))]
        print(subprocess.check_output([arguments.gigatoken, "-c", _GIGATOKEN, *told], text=True), end="")
    for what in ("counts", "ids"):
        theirs, ours = (
            [statistics.median(column) for column in zip(*durations[f"{name}, {what}"], strict=True)]
            for name in ("tokenizers", "tokkit")
        )
        print(
            f"  {what}: {theirs[0] / ours[0]:.1f} times as fast (wall), "
            f"{theirs[1] / ours[1]:.1f} (CPU); medians"
        )


def _reference_counts(rows: Sequence[str], backend: Any) -> np.ndarray:
    lengths: list[int] = []
    for start in range(0, len(rows), _BATCH):
        lengths += map(len, backend.encode_batch_fast(rows[start : start + _BATCH]))
    return np.array(lengths)


def _reference_ids(rows: Sequence[str], backend: Any) -> list[np.ndarray]:
    ids: list[np.ndarray] = []
    for start in range(0, len(rows), _BATCH):
        encodings = backend.encode_batch_fast(rows[start : start + _BATCH])
        ids += [np.array(encoding.ids, np.int32) for encoding in encodings]
    return ids


def _rows(corpus: Path, megabytes: float) -> list[str]:
    with open(corpus, "rb") as file:
        text = file.read(int(megabytes * 1e6))
    return text[: text.rindex(b"\n")].decode().split("\n")


def _trained(corpus: Path, arguments: argparse.Namespace, folder: Path) -> list[Path]:
    import tokkit

    text = folder / f"{corpus.stem}.txt"
    text.write_text("\n".join(_rows(corpus, arguments.megabytes)), "utf-8", newline="")
    folders = []
    for name, train in {"wordpiece": tokkit.train_wordpiece, "bpe": tokkit.train_bpe}.items():
        folders.append(folder / f"{corpus.stem}-{name}")
        train(text, folders[-1], vocab_size=arguments.vocab_size)
    return folders


def _in_a_process(what: str, arguments: Sequence[str], kernels: str) -> str:
    command = [sys.executable, "-m", "tests.benchmarks.encoding", *arguments, "--alone", what]
    environment = {**os.environ, "NUMBA_CACHE_DIR": kernels}
    return subprocess.check_output(command, text=True, env=environment).strip()


def _first(arguments: argparse.Namespace) -> None:
    from tokkit.tokenizer.encoding.encode import token_counts
    from tokkit.tokenizer.folder.load import load

    rows, loaded = _rows(arguments.corpora[0], arguments.megabytes), load(arguments.tokenizer)
    begun = time.perf_counter()
    token_counts(rows, loaded)
    print(f"{time.perf_counter() - begun:.2f} s")


def _memory(arguments: argparse.Namespace) -> None:
    from tokkit.tokenizer.encoding.encode import encode
    from tokkit.tokenizer.folder.load import load

    words = " ".join(_rows(arguments.corpora[0], arguments.megabytes)).split(" ")[: 8 * _SHORT_ROWS]
    size = max(1, len(words) // _SHORT_ROWS)
    rows = [" ".join(words[i * size : (i + 1) * size]) for i in range(len(words) // size)][:_SHORT_ROWS]
    del words
    loaded = load(arguments.tokenizer)
    before = _peak()
    _reset_peak()
    start = _peak()
    encoded = encode(rows, loaded)
    result = (encoded.ids.nbytes + encoded.offsets.nbytes) / 1e6
    print(
        f"{len(rows):,} rows of {size} words: {_peak() - start:.0f} MB at most, "
        f"{result:.0f} MB of them the result (interpreter with rows: {start:.0f} MB, {before:.0f} before)"
    )


def _reset_peak() -> None:
    """Lets Linux count the peak anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Megabytes (10^6 bytes) at the most since the peak was forgotten."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
