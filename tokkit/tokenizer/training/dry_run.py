"""`train-* --dry-run`: time, memory and disk of a training, from the same training on a piece of the corpus.

    4 MB from all files -> trained for real in a temporary folder -> seconds of each stage, size of the folder
    counting grows with the bytes, learning with the distinct words, and these as a power of the bytes

A corpus that is no larger than the piece is trained on as it is. Half of the piece comes first: it loads
the kernels, and says with the piece how the distinct words grow (Heaps' law).
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tokkit.corpus import feed
from tokkit.progress import Progress, Silent, peak_memory, stage
from tokkit.runtime.dry_run import DryRunResult
from tokkit.tokenizer.training.forecast import sample_lines

# Bytes of the piece; its half is above the size of a corpus that is trained on without kernels.
_PIECE = 4 << 20
# Bytes of memory of each distinct word.
_PER_WORD = 184
_COUNTING, _WRITING = "counting words", "writing"


class Trained(Protocol):
    """The part of a `TrainResult` that is read here."""

    @property
    def words(self) -> int: ...
    @property
    def distinct_words(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def requested_vocab_size(self) -> int: ...
    @property
    def stages(self) -> Sequence[Mapping[str, Any]]: ...


# A corpus, or None for that of the command, and a folder to write -> what was trained.
Train = Callable[[Path | None, Path, Progress], Trained]


class _Muted(Silent):
    """Cancelled with the progress of the command; what is said of a piece is not said of the corpus."""

    def __init__(self, progress: Progress) -> None:
        self.cancelled = progress.cancelled  # type: ignore[method-assign]


def dry_run(
    corpus: Sequence[feed.CorpusFile], out: str | Path, train: Train, progress: Progress
) -> DryRunResult:
    """What ``train`` would take on the corpus; nothing is left of what it writes here."""
    muted = _Muted(progress)
    with tempfile.TemporaryDirectory() as name, stage(progress, "measuring"):
        folder = Path(name)
        size, lines = _piece(corpus)
        if size <= _PIECE:
            piece = train(None, folder / "out", muted)
            growth, warm_up = 1.0, 0.0
        else:
            half = train(_written(folder / "half.txt", lines[::2]), folder / "first", muted)
            piece = train(_written(folder / "piece.txt", lines), folder / "out", muted)
            ratio = piece.bytes / half.bytes
            growth = min(1.0, math.log(piece.distinct_words / half.distinct_words) / math.log(ratio))
            counting = (_seconds(trained.stages)[_COUNTING] for trained in (half, piece))
            warm_up = max(0.0, next(counting) - next(counting) / ratio)
        written = sum(path.stat().st_size for path in (folder / "out").rglob("*") if path.is_file())
    times = size / piece.bytes
    distinct = int(piece.distinct_words * times**growth)
    seconds = _seconds(piece.stages)
    more = {_COUNTING: times, _WRITING: 1.0}
    expected = {name: value * more.get(name, times**growth) for name, value in seconds.items()}
    expected[_COUNTING] += warm_up
    peak = peak_memory()
    # A piece may have too few frequent words for the vocabulary, where the corpus has more.
    filled = min(piece.requested_vocab_size / piece.vocab_size, times**growth)
    result = DryRunResult(
        output=str(out),
        work={"bytes": size, "words": int(piece.words * times), "distinct words": distinct},
        seconds={name: round(value, 1) for name, value in expected.items()},
        memory={"process": None if peak is None else peak + (distinct - piece.distinct_words) * _PER_WORD},
        disk={"output": int(written * max(filled, 1.0))},
        measured={"piece": {"bytes of the corpus": piece.bytes, "seconds": round(sum(seconds.values()), 3)}},
    )
    result.warn_of_space(progress)
    return result


def _piece(corpus: Sequence[feed.CorpusFile]) -> tuple[int, list[str]]:
    """The bytes of the corpus, and lines from all of it; what tables and compressed files hold is read."""
    size = feed.size_of(corpus)
    if size is not None:
        return size, sample_lines(corpus, _PIECE) if size > _PIECE else []
    lines: list[str] = []
    size = 0
    for text in itertools.chain.from_iterable(feed.items(corpus)):
        size += len(text.encode())
        if size <= _PIECE:
            lines.append(text)
    return size, lines


def _written(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(line.rstrip("\n") + "\n" for line in lines), encoding="utf-8", newline="\n")
    return path


def _seconds(stages: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {stage["stage"]: stage["seconds"] for stage in stages}
