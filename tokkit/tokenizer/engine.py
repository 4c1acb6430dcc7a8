"""Learning a vocabulary from a corpus: the one function behind `train-wordpiece` and `train-bpe`.

Today it goes through the `tokenizers` trainer in a child process (`reference_worker`); a faster engine
takes its place here, with the same job and the same answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokkit.corpus.feed import CorpusFile
from tokkit.errors import EXIT_BUG, InputError, TokkitError, UsageError
from tokkit.progress import Progress


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

    Ctrl-C ends it at once: the child is killed. Raises what the child raises: `InputError` for text
    that cannot be read, and for a corpus without words.
    """
    environment = dict(os.environ)
    if threads:
        environment["RAYON_NUM_THREADS"] = str(threads)
    environment.pop("TOKENIZERS_PARALLELISM", None)
    child = subprocess.Popen(
        [sys.executable, "-m", "tokkit.tokenizer.reference_worker"],
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
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(job.as_json() + "\n")
    child.stdin.flush()
    progress.start("counting words", None, "bytes")
    for line in child.stdout:
        message: dict[str, Any] = json.loads(line)
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


def _error(told: Mapping[str, Any]) -> TokkitError:
    kinds = {kind.exit_code: kind for kind in (UsageError, InputError)}
    kind = kinds.get(told.get("exit_code", EXIT_BUG), TokkitError)
    return kind(told["message"], told["hint"])
