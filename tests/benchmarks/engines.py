"""What engines cost: start, CPU over the inline run, and the driver's memory with 1,000 shards.

    python -m tests.benchmarks.engines english.txt --commands count encode stats

Work is the CPU of all processes on two copies of the data, which is that of four less that of two, a copy a
shard: both workers have shards of both, so that what starts processes and loads libraries is none of it.
Start is the wall time on two lines, over that of the inline run. The CPU of processes that end is known to a
tenth of a second. The driver's memory is that with shards so small that there are 1,000.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.processes import timed

_INTERVAL = 0.1
_WORKERS = 2
_SHARDS = 1_000
_CODE = """
from tokkit.cli.start import main
from tokkit.corpus import shards as of_corpus
from tokkit.data.loading import shards as of_rows
if __name__ == "__main__":
    if {size}:
        of_corpus.SHARD = of_rows.SHARD = {size}
    main()
"""


@dataclass(frozen=True)
class Run:
    """wall    seconds
    cpu     seconds of all processes
    driver  peak memory of the first process, megabytes (10^6 bytes)
    """

    wall: float
    cpu: float
    driver: float


def measured(folder: Path, words: list[str], shard: int = 0) -> Run:
    """A tokkit command, its processes watched; ``shard``: bytes of one, 0 as usual."""
    script = folder / "run.py"
    script.write_text(_CODE.format(size=shard))
    started = time.perf_counter()
    command = [sys.executable, str(script), *words]
    # as other engines have it: Ray gives its workers the least priority
    environment = {**os.environ, "RAY_worker_niceness": "0"}
    child = psutil.Popen(command, stdout=subprocess.DEVNULL, cwd=folder, env=environment)
    cpu: dict[int, float] = {}
    driver = 0.0
    while child.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for process in [child, *child.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    cpu[process.pid] = times.user + times.system
            driver = max(driver, child.memory_info().rss / 1e6)
        time.sleep(_INTERVAL)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, words)
    return Run(time.perf_counter() - started, sum(cpu.values()), driver)


def commands(folder: Path, data: Path, tokenizer: Path) -> dict[str, list[str]]:
    """Name of a command -> its words, without the engine."""
    return {
        "count": ["count", str(data), "-o", str(folder / "counts"), "--force", "-q"],
        "encode": [
            *("encode", str(data), "--tokenizer", str(tokenizer)),
            *("-o", str(folder / "ids"), "--force", "-q"),
        ],
        "stats": ["stats", str(data), "--json"],
    }


def copies_of(corpus: Path, folder: Path, number: int) -> Path:
    """A file with the text so many times."""
    copies = folder / f"copies-{number}.txt"
    with open(copies, "wb") as file:
        for _ in range(number):
            file.write(corpus.read_bytes())
    return copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--commands", nargs="+", default=["count", "encode", "stats"])
    parser.add_argument("--engines", nargs="+", default=["process", "ray"])
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="engines-"))
    try:
        tiny = folder / "tiny.txt"
        with open(arguments.corpus, encoding="utf-8") as file:
            tiny.write_text("".join(next(file) for _ in range(2)), "utf-8")
        two, four = (copies_of(arguments.corpus, folder, number) for number in (2, 4))
        part, tokenizer = folder / "part.txt", folder / "bpe"
        with open(arguments.corpus, encoding="utf-8") as file:
            part.write_text(file.read(4 << 20), "utf-8")
        words = ["train-bpe", str(part), "-o", str(tokenizer), "--vocab-size", "8000", "-q"]
        timed([sys.executable, "-m", "tokkit", *words])
        size = arguments.corpus.stat().st_size
        for name in arguments.commands:
            baseline: tuple[float, float] | None = None
            for engine in ["inline", *arguments.engines]:
                options = ["--engine", engine, "--threads", str(_WORKERS)]
                start = measured(folder, commands(folder, tiny, tokenizer)[name] + options)
                run, first = (
                    measured(folder, commands(folder, copies, tokenizer)[name] + options, size)
                    for copies in (four, two)
                )
                work = run.cpu - first.cpu
                baseline = baseline or (start.wall, work)
                line = (
                    f"{name:7} {engine:8} {run.wall:6.1f} s wall {run.cpu:6.1f} s CPU"
                    f"   start {start.wall - baseline[0]:5.1f} s"
                    f"   work on two copies {work:5.1f} s CPU ({work / baseline[1]:.2f} of inline)"
                    f"   driver {run.driver:4.0f} MB"
                )
                if engine != "inline":
                    once = commands(folder, arguments.corpus, tokenizer)[name] + options
                    many = measured(folder, once, size // _SHARDS)
                    line += f", {_SHARDS:,} shards {many.driver:4.0f} MB"
                print(line, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
