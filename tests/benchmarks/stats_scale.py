"""`tokkit stats` of ten million short rows, without and with a tokenizer, next to a polars script.

    python -m tests.benchmarks.stats_scale [--rows 10000000] [--format csv] [--keep FOLDER]

The rows are generated from a seed: English-like and Korean-like words, one in twenty rows repeated. The
polars script reads the file lazily, with its streaming engine, and counts what it can: rows, labels,
lengths in characters and words, exact duplicates, texts with two labels; no normalized duplicates, scripts
or repairs.

With another ``--format`` the same rows are written in that format too, and only `stats` without a tokenizer
runs, on both files: the time and memory of reading that format in batches, next to csv.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import timed

LABELS = {"joy": 30, "anger": 20, "sadness": 20, "fear": 15, "love": 10, "surprise": 5}
_BATCH, _PART = 100_000, 1_000_000

POLARS = """
import sys, polars as pl
rows = pl.scan_csv(sys.argv[1], schema={"text": pl.String, "label": pl.String})
text = pl.col("text")
words = text.str.extract_all(r"\\S+").list.len()
lengths = [text.str.len_chars().alias("characters"), words.alias("words")]
figures = [pl.len()]
for unit in ("characters", "words"):
    for name in ("mean", "std", "min", "max"):
        figures.append(getattr(pl.col(unit), name)().alias(f"{unit} {name}"))
    for share in (0.5, 0.9, 0.95, 0.99):
        figures.append(pl.col(unit).quantile(share, "linear").alias(f"{unit} {share}"))
by_label = rows.with_columns(lengths).group_by("label").agg(figures)
per_text = rows.group_by("text").agg(pl.len(), pl.col("label").n_unique().alias("labels"))
conflicts = (pl.col("labels") > 1).sum().alias("conflicts")
copies = per_text.select((pl.col("len") - 1).sum().alias("copies"), conflicts)
for each in pl.collect_all([by_label, copies], engine="streaming"):
    print(each)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--format", choices=("csv", *WRITERS), default="csv")
    parser.add_argument("--keep", type=Path, help="folder of the files, kept for the next run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        path = folder / f"rows-{arguments.rows}.csv"
        if not path.exists():
            write_rows(path, arguments.rows)
        if arguments.format != "csv":
            _beside_csv(path, arguments.format)
            return
        tokenizer = folder / "tokenizer"
        if not tokenizer.exists():
            _train(path, tokenizer)
        tokkit = [sys.executable, "-m", "tokkit"]
        timed([*tokkit, "stats", str(folder / "part.csv"), "--tokenizer", str(tokenizer), "-q"])  # compiles
        empty = timed([sys.executable, "-c", ""])
        print(f"{path.stat().st_size / 1e6:.0f} MB, {arguments.rows:,} rows; an empty process: {empty}")
        for name, command in {
            "stats": [*tokkit, "stats", str(path), "-q"],
            "stats --tokenizer": [*tokkit, "stats", str(path), "--tokenizer", str(tokenizer), "-q"],
            "polars": [sys.executable, "-c", POLARS, str(path)],
        }.items():
            print(f"{name:20}{timed(command)}", flush=True)


def _beside_csv(path: Path, format_name: str) -> None:
    """`stats` of the same rows as csv and in another format."""
    other = path.with_suffix(f".{format_name}")
    if not other.exists():
        WRITERS[format_name](path, other)
    timed([sys.executable, "-m", "tokkit", "stats", str(_part(path)), "-q"])  # compiles
    print(f"an empty process: {timed([sys.executable, '-c', ''])}")
    for each in (path, other):
        size = f"{each.suffix[1:]}, {each.stat().st_size / 1e6:.0f} MB"
        print(f"{size:20}{timed([sys.executable, '-m', 'tokkit', 'stats', str(each), '-q'])}", flush=True)


def _columns(path: Path) -> Any:
    import polars as pl

    return pl.scan_csv(path, schema={"text": pl.String, "label": pl.String}, quote_char=None)


WRITERS: dict[str, Callable[[Path, Path], None]] = {
    "jsonl": lambda path, other: _columns(path).sink_ndjson(other),
    "parquet": lambda path, other: _columns(path).sink_parquet(other),
    "arrow": lambda path, other: _columns(path).sink_ipc(other),
    "txt": lambda path, other: _columns(path).select("text").sink_csv(other, include_header=False),
}
"""Format -> what writes the rows of the csv file so."""


def write_rows(path: Path, rows: int, seed: int = 1) -> None:
    """A csv file of texts of 3 to 7 words and six labels; the same bytes for the same arguments."""
    rng = random.Random(seed)
    syllables = [chr(0xAC00 + rng.randrange(11172)) for _ in range(600)]
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 8))) for _ in range(16_000)]
    words += ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(8_000)]
    texts: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("text,label\n")
        for first in range(0, rows, _BATCH):
            repeated = texts[:5_000]
            texts = []
            for _ in range(min(_BATCH, rows - first)):
                text = " ".join(rng.choices(words, k=rng.randint(3, 7)))
                text = f"{text.capitalize()}{rng.choice('.!?')}" if rng.random() < 0.3 else text
                texts.append(rng.choice(repeated) if repeated and rng.random() < 0.05 else text)
            labels = rng.choices(list(LABELS), list(LABELS.values()), k=len(texts))
            file.writelines(f"{text},{label}\n" for text, label in zip(texts, labels, strict=True))


def _part(path: Path) -> Path:
    """The first rows as a file of their own."""
    part = path.with_name("part.csv")
    with path.open("rb") as file, part.open("wb") as shorter:
        shorter.writelines(islice(file, _PART))  # a child's memory is counted from its parent's on
    return part


def _train(path: Path, tokenizer: Path) -> None:
    part = _part(path)
    timed([sys.executable, "-m", "tokkit", "train-wordpiece", str(part), "-o", str(tokenizer), "-q"])


if __name__ == "__main__":
    main()
