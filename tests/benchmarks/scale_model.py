"""What counting a corpus of 1 TB and of 100 TB would take on 100 and 1,000 cores, from measured runs.

    python -m tests.benchmarks.scale_model CORPUS.txt --sizes 0.1 1 5 --held-out 2

Corpora of ``--sizes`` GB (10^9 bytes) are counted in shards, each in one thread as with `--engine process` or
`ray`, and their runs are merged in groups and added up. The seconds are of CPU, so that other work on the
machine matters little. Fitted to them:

    chunks(n)      K n^beta, the distinct chunks of n bytes (Heaps' law)
    a shard        a bytes + b distinct chunks: reading and counting, then sorting and writing its runs
    merging        c chunks read + d chunks written
    a run          e bytes for each chunk

The corpus is repeated to the sizes; words that occur nowhere else are added as Heaps' law asks for, as
fitted to prefixes of the corpus. The law is tried on the second half of the corpus, which is the only text
that was not made for it; the seconds on a corpus of ``--held-out`` GB, which no constant is fitted to.
"""

from __future__ import annotations

import argparse
import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import nnls

from tokkit.corpus import merging, parts, shards
from tokkit.corpus.counting import ShardTask, count_shard
from tokkit.corpus.counts import Identity
from tokkit.corpus.feed import CorpusOptions, plan
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.trainer_options import WordPieceOptions

Result = TypeVar("Result")

GB, TB = 10**9, 10**12
# Runs that are merged at a time while measuring: with the real number small corpora would show no group.
GROUP = 4
# Bytes below which what every call takes would count for too much.
SMALLEST = 20_000_000


@dataclass(frozen=True)
class Heaps:
    """Distinct chunks of a text of so many bytes: ``factor * bytes ** power``."""

    factor: float
    power: float

    @classmethod
    def fitted(cls, runs: Sequence[Measured]) -> Heaps:
        """By least squares of the logarithms."""
        sizes, distinct = ([getattr(run, name) for run in runs] for name in ("size", "distinct"))
        power, factor = np.polyfit(np.log(sizes), np.log(distinct), 1)
        return cls(float(np.exp(factor)), float(power))

    def __call__(self, size: float) -> float:
        return self.factor * size**self.power


@dataclass(frozen=True)
class Step:
    """A step that was measured: what it took in and gave out, and seconds of CPU."""

    taken: float
    given: float
    seconds: float


@dataclass(frozen=True)
class Measured:
    """The steps of one corpus.

    counted  a shard each: bytes, and chunks in its runs
    merged   a group of a partition each: chunks read, chunks written
    bytes    of all runs of shards, and ``chunks`` in them
    """

    size: int
    distinct: int
    counted: list[Step]
    merged: list[Step]
    bytes: int
    chunks: int

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in (*self.counted, *self.merged))


@dataclass(frozen=True)
class Costs:
    """Seconds of CPU for each unit of what a step takes in and gives out; bytes of a chunk in a run."""

    counting: tuple[float, float]
    merging: tuple[float, float]
    chunk: float

    @classmethod
    def fitted(cls, runs: Sequence[Measured]) -> Costs:
        return cls(
            _fitted([step for run in runs for step in run.counted]),
            _fitted([step for run in runs for step in run.merged]),
            sum(run.bytes for run in runs) / sum(run.chunks for run in runs),
        )

    def of_shard(self, size: float, chunks: float) -> float:
        return self.counting[0] * size + self.counting[1] * chunks

    def of_merging(self, taken: float, given: float) -> float:
        return self.merging[0] * taken + self.merging[1] * given


def _fitted(steps: Sequence[Step]) -> tuple[float, float]:
    """Costs that are not negative, by least squares of the relative errors."""
    seconds = np.array([step.seconds for step in steps])
    units = np.array([(step.taken, step.given) for step in steps])
    first, second = nnls(units / seconds[:, None], np.ones(len(steps)))[0]
    return float(first), float(second)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument(
        "--sizes", type=float, nargs="+", default=[0.1, 1, 5], help="GB of corpora to measure"
    )
    parser.add_argument(
        "--held-out", type=float, default=2, help="GB of the corpus that nothing is fitted to"
    )
    parser.add_argument("--recipe", default="bert-uncased")
    arguments = parser.parse_args()
    skeleton = resolve(WordPieceOptions(recipe=arguments.recipe)).skeleton().to_str()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prefixes = list(prefixes_of(arguments.corpus, skeleton, folder))
        last, half = prefixes[-1], prefixes[: len(prefixes) // 2]
        error = Heaps.fitted(half)(last.size) / last.distinct - 1
        print(
            f"Heaps' law of the first {half[-1].size / 1e6:.0f} MB: {error:+.1%} at {last.size / 1e6:.0f} MB"
        )
        heaps = Heaps.fitted(prefixes)
        print(f"of all: {heaps.factor:.3g} bytes^{heaps.power:.3f}")
        measured = {
            size: measure(arguments.corpus, int(size * GB), heaps, skeleton, folder)
            for size in sorted({*arguments.sizes, arguments.held_out})
        }
    for size, run in measured.items():
        counting = sum(step.seconds for step in run.counted)
        error = heaps(run.size) / run.distinct - 1
        print(
            f"{size:g} GB: {run.distinct:,} distinct chunks (the law {error:+.1%}), {run.bytes / 1e6:.0f} MB "
            f"of runs; CPU: counting {counting:.1f} s, merging {run.seconds - counting:.1f} s"
        )
    # the shards of a large corpus are of one size: only smaller ones tell the costs of bytes and chunks apart
    small = [run for run in prefixes if run.size >= SMALLEST]
    costs = Costs.fitted([*small, *(measured[size] for size in arguments.sizes)])
    print(
        f"counting {costs.counting[0] * GB:.3g} s per GB, {costs.counting[1] * 1e6:.3g} s per million chunks"
    )
    print(f"merging {costs.merging[0] * 1e6:.3g} s per million read, {costs.merging[1] * 1e6:.3g} s written")
    held_out = measured[arguments.held_out]
    predicted = sum(costs.of_shard(step.taken, step.given) for step in held_out.counted) + sum(
        costs.of_merging(step.taken, step.given) for step in held_out.merged
    )
    print(f"held out {arguments.held_out:g} GB: {predicted / held_out.seconds - 1:+.1%} of its seconds")
    for total, cores in itertools.product((TB, 100 * TB), (100, 1000)):
        print(forecast(total, cores, heaps, costs))


def prefixes_of(corpus: Path, skeleton: str, folder: Path) -> Iterator[Measured]:
    """Prefixes of a text, each larger by half than the one before."""
    text = corpus.read_bytes()
    sizes = [len(text)]
    while sizes[-1] > 2_000_000:
        sizes.append(int(sizes[-1] / 1.5))
    for size in reversed(sizes):
        prefix = folder / "prefix.txt"
        prefix.write_bytes(text[: text.rfind(b"\n", 0, size) + 1])
        yield counted_and_merged(prefix, skeleton, folder / "prefix")


def measure(corpus: Path, size: int, heaps: Heaps, skeleton: str, folder: Path) -> Measured:
    """Make a corpus of about that size, and count it."""
    text = folder / "text.txt"
    write_corpus(corpus, size, heaps, text)
    measured = counted_and_merged(text, skeleton, folder / "counts")
    text.unlink()
    return measured


def write_corpus(corpus: Path, size: int, heaps: Heaps, out: Path) -> None:
    """Write the lines of a corpus again and again, with as many new words as Heaps' law asks for."""
    lines = corpus.read_bytes().splitlines()
    written, fresh = 0, 0.0
    with open(out, "wb") as file:
        for repetition in itertools.count():
            for line in lines:
                before = written
                written += len(line) + 1
                file.write(line)
                if repetition:
                    fresh += heaps(written) - heaps(before)
                    while fresh >= 1:
                        word = b" " + new_word(repetition, written)
                        written += len(word)
                        fresh -= 1
                        file.write(word)
                file.write(b"\n")
                if written >= size:
                    return


def new_word(repetition: int, place: int) -> bytes:
    """A word of letters that no corpus has, one chunk to every pre-tokenizer."""
    return b"q" + f"{repetition}x{place}".translate(_LETTERS).encode()


_LETTERS = str.maketrans("0123456789", "abcdefghij")


def counted_and_merged(corpus: Path, skeleton: str, folder: Path) -> Measured:
    """Count a text file in shards, merge the runs in groups of `GROUP`, and add them up."""
    for path in (folder, folder / "parts"):
        path.mkdir(exist_ok=True)
    identity = Identity.of(skeleton)
    counted, merged, runs, chunks = [], [], [], 0
    for number, shard in enumerate(shards.shards_of(plan([corpus], CorpusOptions()), within_files=True)):
        task = ShardTask(folder, folder, number, shard, skeleton, identity.cuts, threads=1, memory=None)
        content, seconds = timed(lambda task=task: count_shard(task))
        of_shard = [folder / run for run in content["runs"]]
        written = sum(map(chunks_of, of_shard))
        counted.append(Step(sum(part.end - part.start for part in shard), written, seconds))
        runs += of_shard
        chunks += written
    size = sum(run.stat().st_size for run in runs)
    distinct = 0
    for partition in range(parts.PARTITIONS):
        remaining: list[merging.Source] = [(run, [partition]) for run in runs]
        while True:
            groups = [remaining[start : start + GROUP] for start in range(0, len(remaining), GROUP)]
            remaining = []
            for group in groups:
                part = folder / "parts" / f"{partition}-{len(merged)}.parquet"
                task = merging.MergeTask(part, group, folder, merging.MERGING_MEMORY)
                (_, given), seconds = timed(lambda task=task: merging.merge_part(task))
                merged.append(Step(sum(parts.size_of(*source)[0] for source in group), given, seconds))
                remaining.append((part, None))
            if len(groups) == 1:
                distinct += given
                break
    for path in (*folder.glob("*.parquet"), *(folder / "parts").iterdir()):
        path.unlink()
    return Measured(corpus.stat().st_size, distinct, counted, merged, size, chunks)


def chunks_of(run: Path) -> int:
    return int(pq.read_metadata(run).num_rows)


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """What a call gives, and its seconds of CPU."""
    started = time.process_time()
    return call(), time.process_time() - started


def forecast(total: int, cores: int, heaps: Heaps, costs: Costs) -> str:
    """The time of a corpus on so many cores, whose disks and network keep up."""
    sources, size = math.ceil(total / shards.SHARD), float(shards.SHARD)
    of_shard = costs.of_shard(size, heaps(size))
    counting, cpu = math.ceil(sources / cores) * of_shard, sources * of_shard
    shuffled, merged = sources * heaps(size) * costs.chunk, 0.0
    while sources > 1:
        groups = math.ceil(sources / merging.FAN_IN)
        fan_in = sources / groups
        taken, given = fan_in * heaps(size), heaps(min(total, size * fan_in))
        seconds = costs.of_merging(taken, given) / parts.PARTITIONS
        tasks = groups * parts.PARTITIONS
        merged += math.ceil(tasks / cores) * seconds
        cpu += tasks * seconds
        shuffled += groups * given * costs.chunk
        sources, size = groups, size * fan_in
    return (
        f"{total / TB:g} TB, {cores:,} cores: {readable(counting + merged)}: counting {readable(counting)}, "
        f"merging {readable(merged)}; {cpu / 3600:,.0f} hours of CPU; {heaps(total) / 1e6:,.0f} million "
        f"distinct chunks, {total / counting / GB:.1f} GB/s read, {shuffled / GB:,.0f} GB of runs and parts"
    )


def readable(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
