"""Ten times the text: time and memory of `train-bpe` and `train-wordpiece` as the corpus grows.

    python -m tests.benchmarks.tokenizer_scale CORPUS.txt.gz --times 10 --memory 512MB

The large corpus is the small one, repeated, with new words mixed in: in every repetition except the first,
one word in a hundred gets an ending that did not occur before. The same command then runs with 1, 2 and 8
threads, and in ``--processes`` processes at once, on the small corpus: all must write the same bytes,
except for the part of the receipt that describes the run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import timed
from tests.benchmarks.tokenizer_training import _unpacked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--vocab-size", type=int, default=30_000)
    parser.add_argument("--memory", default="512MB")
    parser.add_argument("--processes", type=int, default=12)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = _unpacked(arguments.corpus, folder)
        large = _repeated(small, arguments.times, folder / "large.txt")
        timed(_command("train-bpe", small, folder / "warm", "300", arguments.memory))  # compiled, and cached
        for family in ("train-bpe", "train-wordpiece"):
            for corpus in (small, large):
                out = folder / f"{family}-{corpus.stem}"
                taken = timed(_command(family, corpus, out, str(arguments.vocab_size), arguments.memory))
                words = json.loads((out / "tokkit.json").read_text("utf-8"))["result"]["distinct_words"]
                size = corpus.stat().st_size / 1e6
                print(f"{family:15} {size:7.1f} MB {words:10,} distinct words {taken}", flush=True)
        _same_bytes(small, folder, arguments.processes)


def _command(family: str, corpus: Path, out: Path, size: str, memory: str, *more: str) -> list[str]:
    options = ["-o", str(out), "--vocab-size", size, "--memory", memory, "-q", "--force", "--json", *more]
    return [sys.executable, "-m", "tokkit", family, str(corpus), *options]


def _repeated(small: Path, times: int, large: Path) -> Path:
    lines = small.read_text("utf-8").splitlines(keepends=True)
    with open(large, "w", encoding="utf-8") as out:
        for repetition in range(times):
            out.writelines(lines if not repetition else _with_fresh_words(lines, repetition))
    return large


def _with_fresh_words(lines: list[str], repetition: int) -> list[str]:
    number = 0
    fresh = []
    for line in lines:
        words = line.split(" ")
        for place in range(number % 100, len(words), 100):
            words[place] = f"{words[place].rstrip()}q{_letters(repetition * 100_000_000 + number + place)}"
        number += len(words)
        fresh.append(" ".join(words).rstrip("\n") + "\n")
    return fresh


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _same_bytes(corpus: Path, folder: Path, processes: int) -> None:
    for family in ("train-bpe", "train-wordpiece"):
        found = set()
        for threads in ("1", "2", "8"):
            out = folder / f"threads-{threads}"
            subprocess.run(
                _command(family, corpus, out, "30000", "64MB", "--threads", threads),
                check=True,
                stdout=subprocess.DEVNULL,
            )
            found.add(_published(out))
        outs = [folder / f"process-{number}" for number in range(processes)]
        running = [
            subprocess.Popen(_command(family, corpus, out, "30000", "64MB"), stdout=subprocess.DEVNULL)
            for out in outs
        ]
        assert not any(process.wait() for process in running)
        found.update(_published(out) for out in outs)
        print(f"{family}: 1, 2 and 8 threads and {processes} processes at once: {len(found)} result(s)")


def _published(folder: Path) -> tuple[bytes, ...]:
    receipt = json.loads((folder / "tokkit.json").read_text("utf-8"))
    del receipt["run"]
    receipt["result"].pop("settings")  # names the memory asked for
    files = [folder / "tokenizer.json", folder / "tokenizer_config.json"]
    return *(path.read_bytes() for path in files), json.dumps(receipt, sort_keys=True).encode()


if __name__ == "__main__":
    main()
