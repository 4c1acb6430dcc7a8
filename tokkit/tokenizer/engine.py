"""Learning a vocabulary from a corpus: the one function behind `train-wordpiece` and `train-bpe`.

Today it goes through the `tokenizers` trainer in a child process (`reference_worker`); a faster engine
takes its place here, with the same job and the same answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokkit.corpus.feed import CorpusFile
from tokkit.errors import EXIT_BUG, InputError, TokkitError, UsageError
from tokkit.progress import Progress, stop_if_cancelled

_LOOK_EVERY = 0.1
"""Seconds between two looks whether the user wants to stop."""


@dataclass(frozen=True)
class Job:
    """What to learn: the blocks that see the text, the tokens that come first, and the limits.

    skeleton          `tokenizers` JSON with normalizer and pre-tokenizer, the model empty
    reserved          tokens that take the first ids, in order
    alphabet          characters that are kept however rare they are
    """

    skeleton: str
    corpus: Sequence[CorpusFile]
    reserved: Sequence[str]
    alphabet: Sequence[str]
    vocab_size: int
    min_frequency: int
    limit_alphabet: int | None = None
    prefix: str | None = None
    suffix: str | None = None
    max_token_length: int | None = None

    def as_json(self) -> str:
        corpus = [
            {
                "path": str(file.path),
                "format": [file.format.name, file.format.separator],
                "column": file.column,
            }
            for file in self.corpus
        ]
        return json.dumps({**self.__dict__, "corpus": corpus})


@dataclass(frozen=True)
class Learned:
    """vocabulary: token -> id; merges in rank order; words as the pre-tokenizer cuts them; bytes read."""

    vocabulary: Mapping[str, int]
    merges: Sequence[Sequence[str]]
    words: int
    distinct_words: int
    bytes: int


def learn(job: Job, progress: Progress, threads: int | None = None) -> Learned:
    """Vocabulary and merges of the corpus, equal to what the reference trainer may give.

    Ctrl-C, or a `Progress` that says so, ends it at once: the child is killed. Raises what the child
    raises: `InputError` for text that cannot be read, and for a corpus without words.
    """
    environment = dict(os.environ)
    if threads:
        environment["RAYON_NUM_THREADS"] = str(threads)
    environment.pop("TOKENIZERS_PARALLELISM", None)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)  # what this process imports, and from there
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "tokkit.tokenizer.reference_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the child
    )
    try:
        return _converse(child, job, progress)
    finally:
        child.kill()
        child.wait()
        progress.finish()


def _converse(child: subprocess.Popen[str], job: Job, progress: Progress) -> Learned:
    progress.start("counting words", None, "bytes")
    for message in _messages(child, job.as_json(), progress):
        if "bytes" in message:
            progress.advance(message["bytes"])
        elif "merging" in message:
            progress.finish()
            progress.start("merging", None, "")
        elif "error" in message:
            raise _error(message["error"])
        else:
            return Learned(**message["learned"])
    raise TokkitError(f"the trainer ended without an answer (exit code {child.wait()}): out of memory?")


def _messages(child: subprocess.Popen[str], job: str, progress: Progress) -> Iterator[dict[str, Any]]:
    """What the child answers to a job, until it ends; looks ten times a second whether to stop."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_talk, args=(child, job, lines), daemon=True).start()
    while True:
        stop_if_cancelled(progress)
        try:
            line = lines.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            continue
        if not line.endswith("\n"):  # the end, or half a line of a child that was killed
            return
        yield json.loads(line)


def _talk(child: subprocess.Popen[str], job: str, lines: queue.SimpleQueue[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError, ValueError):  # the child has ended, or was ended
        child.stdin.write(job + "\n")
        child.stdin.flush()
        for line in child.stdout:
            lines.put(line)
    lines.put("")


def _error(told: Mapping[str, Any]) -> TokkitError:
    kinds = {kind.exit_code: kind for kind in (UsageError, InputError)}
    kind = kinds.get(told.get("exit_code", EXIT_BUG), TokkitError)
    return kind(told["message"], told["hint"])
