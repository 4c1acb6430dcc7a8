"""Processor seconds and peak memory of `predict` with ``-o`` and without, each in a process of its own.

    python -m tests.benchmarks.predict_file --rows 100000

The model is a tiny one with random weights, so that what is measured is reading, writing and the table, of
which a real model would hide most. Without ``-o`` the predictions are kept in memory, as `predict` returns
them, and printed as JSON to nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import tokkit

_WORDS = ("the", "film", "was", "good", "bad", "long", "영화", "정말", "재미있다", "지루하다")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--data", type=Path, help="rows of your own")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        rows = home / "rows.jsonl"
        if arguments.data is None:
            _write_rows(rows, arguments.rows)
        else:
            sample = tokkit.load_dataset(arguments.data, sample=str(arguments.rows))
            sample["train"].to_json(rows, force_ascii=False)
        _train(home)
        totals: dict[str, float] = {}
        for number in range(arguments.rounds):
            out = home / f"out{number}.parquet"
            for label, options in (("stdout", ["--json"]), ("-o parquet", ["-o", str(out)])):
                seconds, memory = _measure([str(home / "model"), str(rows), *options])
                print(
                    f"round {number + 1}: {label:12} {seconds:7.1f} s {memory / 2**20:7.0f} MiB", flush=True
                )
                totals[label] = totals.get(label, 0) + seconds
        without, written = totals.values()
        print(f"-o parquet takes {written / without - 1:+.1%} of the processor's time")


def _write_rows(path: Path, rows: int) -> None:
    rng = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = " ".join(rng.choices(_WORDS, k=rng.randint(4, 30)))
            row = {"id": f"r{number}", "text": text, "label": rng.choice(("good", "bad"))}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _train(home: Path) -> None:
    few = home / "few.jsonl"
    _write_rows(few, 200)
    tokkit.train_wordpiece(few, home / "tokenizer", vocab_size=300)
    tokkit.finetune(few, home / "tokenizer", out=home / "model", size="tiny", epochs=1, baseline="none")


def _measure(arguments: list[str]) -> tuple[float, int]:
    """Seconds of the processor and peak memory in bytes of one command."""
    command = [sys.executable, "-m", "tokkit", "predict", *arguments, "-q"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"predict ended with status {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
