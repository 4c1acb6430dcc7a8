"""`tokkit encode` from text to files, net of the same command on one line, next to two peers in memory.

    python -m tests.benchmarks.encode_files CORPUS.txt [...] --megabytes 60 --peers GIGATOKEN_FOLDER

For byte-level BPE and WordPiece, with 30,000 tokens trained on the same text. The first run may compile
the kernels.
Peers: `encode_batch_fast` of `tokenizers`, ids as lists; and `gigatoken` (from the folder that it is
installed in), which has byte-level BPE alone. Neither writes files. All ids are compared with those of
`tokenizers`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import Timed, timed

_TOKENIZERS = """
import sys
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
rows = open(sys.argv[2], encoding="utf-8").read().split("\\n")[:-1]
for start in range(0, len(rows), 1000):
    [encoding.ids for encoding in tokenizer.encode_batch_fast(rows[start : start + 1000])]
"""
_GIGATOKEN = """
import sys
sys.path.insert(0, sys.argv[3])
import gigatoken
rows = open(sys.argv[2], encoding="utf-8").read().split("\\n")[:-1]
gigatoken.Tokenizer(sys.argv[1] + "/tokenizer.json").encode_batch(rows)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--vocab-size", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="the folder that gigatoken is installed in")
    arguments = parser.parse_args()
    for corpus in arguments.corpora:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with open(corpus, "rb") as file:
                text = file.read(int(arguments.megabytes * 1e6))
            text = text[: text.rindex(b"\n") + 1]
            (folder / "rows.txt").write_bytes(text)
            (folder / "line.txt").write_bytes(text[: text.index(b"\n") + 1])
            for kind in ("bpe", "wordpiece"):
                words = ["rows.txt", "-o", kind, "--vocab-size", str(arguments.vocab_size), "-q"]
                run(folder, f"train-{kind}", *words)
                compare(folder, kind, corpus.name, len(text) / 1e6, arguments)


def compare(folder: Path, kind: str, name: str, size: float, arguments: argparse.Namespace) -> None:
    """The rates of every round, and whether all ids are equal."""
    print(f"\n{name}, {size:.1f} MB, {kind}: MB per CPU second, net of one line (MB per second of wall time)")
    print(f"  tokkit encode, first run (kernels to compile): {encode(folder, kind, 'rows.txt')}")
    peers = {"tokenizers": _TOKENIZERS}
    if arguments.peers and kind == "bpe":
        peers["gigatoken"] = _GIGATOKEN
    rates: dict[str, list[tuple[float, float]]] = {}
    for _ in range(arguments.rounds):
        pairs = {"tokkit encode": [encode(folder, kind, name) for name in ("rows.txt", "line.txt")]}
        for peer, code in peers.items():
            pairs[peer] = [
                timed(
                    [sys.executable, "-c", code, *map(str, (folder / kind, folder / text, arguments.peers))]
                )
                for text in ("rows.txt", "line.txt")
            ]
        for way, (whole, line) in pairs.items():
            rates.setdefault(way, []).append((size / (whole.cpu - line.cpu), size / (whole.wall - line.wall)))
    for way, values in rates.items():
        each = ", ".join(f"{cpu:.1f} ({wall:.1f})" for cpu, wall in values)
        print(f"  {way:15} {each}; median {statistics.median(cpu for cpu, _ in values):.1f}")
    encode(folder, kind, "rows.txt")
    print(f"  {'equal to the last id' if is_equal(folder, kind) else 'DIFFERENT'}", flush=True)


def encode(folder: Path, kind: str, text: str) -> Timed:
    return run(folder, "encode", text, "--tokenizer", kind, "-o", "ids", "--force", "-q", "--threads", "1")


def run(folder: Path, *words: str) -> Timed:
    code = f"import os; os.chdir({str(folder)!r}); from tokkit.cli.start import main; main()"
    return timed([sys.executable, "-c", code, *words])


def is_equal(folder: Path, kind: str) -> bool:
    """Whether every row has the ids of `tokenizers`; an empty row has none."""
    import polars as pl
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / kind / "tokenizer.json"))
    # Bytes, since text mode would end a row at a carriage return too.
    rows = (folder / "rows.txt").read_bytes().decode().split("\n")[:-1]
    ids = pl.read_parquet(folder / "ids" / "train-*.parquet", columns=["input_ids"])["input_ids"]
    for start in range(0, len(rows), 1_000):
        some = [row.rstrip("\r") for row in rows[start : start + 1_000]]
        expected = [encoding.ids for encoding in tokenizer.encode_batch_fast(some)]
        if [want if row else None for row, want in zip(some, expected, strict=True)] != ids[
            start : start + 1_000
        ].to_list():
            return False
    return len(ids) == len(rows)


if __name__ == "__main__":
    main()
