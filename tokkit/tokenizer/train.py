"""`train_wordpiece` and `train_bpe`: from a corpus to a tokenizer folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer import engine, folder
from tokkit.tokenizer.blueprint import Blueprint, resolve
from tokkit.tokenizer.spec import BpeSpec, TrainingSpec, WordPieceSpec

Corpus = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class TrainResult:
    """What a training gave; ``words`` are those of the pre-tokenizer, ``bytes`` those read."""

    tokenizer: str
    vocab_size: int
    requested_vocab_size: int
    words: int
    distinct_words: int
    bytes: int
    seconds: float
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def train_wordpiece(
    corpus: Corpus,
    out: str | Path = "out",
    spec: WordPieceSpec | None = None,
    *,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """Trains WordPiece on text files, folders and globs; writes the folder ``out``.

    ``settings`` are fields of `WordPieceSpec` and `CorpusOptions`:
    ``train_wordpiece("corpus.txt", vocab_size=2000)``.
    The vocabulary is one the reference trainer may give, and the same at every run.

    Raises `InputError` for text that cannot be read, `OutputError` where ``out`` exists (unless
    ``force``), `UsageError` for blocks that cannot work together.
    """
    chosen, reading = merged_pair(WordPieceSpec, spec, feed.CorpusOptions, reading, settings)
    return _train(corpus, out, chosen, reading, force, threads, progress)


def train_bpe(
    corpus: Corpus,
    out: str | Path = "out",
    spec: BpeSpec | None = None,
    *,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """Trains byte-pair encoding, byte-level by default; the rest as `train_wordpiece`."""
    chosen, reading = merged_pair(BpeSpec, spec, feed.CorpusOptions, reading, settings)
    return _train(corpus, out, chosen, reading, force, threads, progress)


def _train(
    corpus: Corpus,
    out: str | Path,
    spec: TrainingSpec,
    reading: feed.CorpusOptions,
    force: bool,
    threads: int | None,
    progress: Progress,
) -> TrainResult:
    started = time.monotonic()
    blueprint = resolve(spec)
    arguments = [corpus] if isinstance(corpus, str | Path) else list(corpus)
    if not arguments:
        raise UsageError("name a corpus: text files, folders, globs, or - for standard input")
    paths = feed.files_of(arguments, progress)
    with files.folder(Path(out), force=force, inputs=paths) as staging:
        planned = feed.plan(paths, reading, progress)
        job = _job(spec, blueprint, planned)
        learned = engine.learn(job, progress, threads)
        tokenizer = blueprint.finish(learned.vocabulary, learned.merges)
        folder.write(staging, tokenizer, blueprint)
        test = folder.self_test(tokenizer)
        folder.verify(staging, test)
        result = TrainResult(
            tokenizer=str(out),
            vocab_size=tokenizer.get_vocab_size(),
            requested_vocab_size=spec.vocab_size,
            words=learned.words,
            distinct_words=learned.distinct_words,
            bytes=learned.bytes,
            seconds=round(time.monotonic() - started, 3),
            sha256=files.sha256_of(staging / folder.TOKENIZER_FILE),
        )
        _say_size(result, progress)
        files.write_receipt(
            staging,
            command=f"train-{spec.family.lower()}",
            settings={**asdict(spec), **asdict(reading)},
            inputs=paths,
            packages=("tokenizers",),
            result={**_lasting(result), "self_test": test},
            run={"seconds": result.seconds, "threads": threads},
        )
    return result


def _job(spec: TrainingSpec, blueprint: Blueprint, corpus: Sequence[feed.CorpusFile]) -> engine.Job:
    return engine.Job(
        skeleton=blueprint.skeleton().to_str(),
        corpus=corpus,
        reserved=blueprint.reserved,
        alphabet=tuple(dict.fromkeys((*blueprint.alphabet, *spec.initial_alphabet))),
        vocab_size=spec.vocab_size,
        min_frequency=spec.min_frequency,
        limit_alphabet=spec.limit_alphabet,
        prefix=blueprint.prefix,
        suffix=blueprint.suffix,
        max_token_length=spec.max_token_length,
    )


def _lasting(result: TrainResult) -> dict[str, Any]:
    """What of the result is the same at every run and place."""
    return {name: value for name, value in asdict(result).items() if name not in ("seconds", "tokenizer")}


def _say_size(result: TrainResult, progress: Progress) -> None:
    got, asked = result.vocab_size, result.requested_vocab_size
    if got > asked:
        progress.say(f"{got:,} tokens, not {asked:,}: special tokens and alphabet alone need that many")
    elif got < asked:
        progress.say(f"{got:,} tokens, not {asked:,}: no further pair is frequent enough in this corpus")
