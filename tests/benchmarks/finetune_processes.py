"""Training in two processes of one thread each, next to one process of one thread: rows per second.

    python -m tests.benchmarks.finetune_processes DATASET CHECKPOINT --rows 640 --rounds 3

Both are the same command, ``finetune --threads 1 --precision fp32``, with steps of 32 rows. The rate is that
of the receipt: training alone, without loading, evaluation and baseline. CPU seconds are of the whole
command, its processes included. Rounds alternate between the two, so that the load of a machine falls on
both alike; on a busy one, the best rate of each says most.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from tokkit.files import read_receipt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("checkpoint")
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments, Path(folder))


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    """Prints the rates of every round, and the ratio of the best ones."""
    rates: dict[int, list[float]] = {1: [], arguments.processes: []}
    for number in range(arguments.rounds):
        for processes in rates:
            out = folder / f"{processes}-{number}"
            rates[processes].append(run(arguments, processes, out))
    curves = {p: pl.read_csv(folder / f"{p}-0" / "history.csv")["validation_loss"].to_list() for p in rates}
    print(f"validation loss without dropout: {curves}")
    one, several = (max(rates[processes]) for processes in rates)
    print(f"{several:.1f} against {one:.1f} rows/s: {several / one:.2f}x")


def run(arguments: argparse.Namespace, processes: int, out: Path) -> float:
    """Rows per second of training; prints them with seconds of the whole command."""
    command = [
        *(sys.executable, "-m", "tokkit", "finetune", arguments.dataset, "--model", arguments.checkpoint),
        *("--processes", str(processes), "--threads", "1", "--precision", "fp32", "--dropout", "0"),
        *("--batch-size", "32", "--epochs", "1", "--sample", str(arguments.rows), "--baseline", "none"),
        *("--save-every", "never", "-o", str(out), "-q"),
    ]
    before, started = os.times(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.monotonic() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    rate = float(read_receipt(out)["run"]["rows_per_second"])
    print(f"{processes} processes: {rate:.1f} rows/s, {seconds:.1f} s, {cpu:.1f} s of CPU", flush=True)
    return rate


if __name__ == "__main__":
    main()
