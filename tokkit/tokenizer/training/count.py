"""`count` and `merge_counts`: a corpus counted once, in shards and on any machine, to train from later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tokkit import files
from tokkit.corpus import feed
from tokkit.corpus.counting import count_corpus
from tokkit.corpus.counts import Counts, Identity, Totals, check_mergeable, counted_twice
from tokkit.corpus.merging import add_up
from tokkit.errors import InputError, UsageError
from tokkit.options import apply_known, apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime.engines.choice import engine_for
from tokkit.runtime.engines.engine import is_inline
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.trainer_options import BlocksOptions, CountOptions, WordPieceOptions

_PACKAGES = ("pyarrow", "tokenizers")

SomeOptions = TypeVar("SomeOptions", bound=BlocksOptions)


@dataclass(frozen=True)
class CountResult:
    """Summary of a counts folder.

    pieces       pieces in all, and ``distinct_pieces`` distinct ones
    unit         kind of the pieces: ``chunk``, or ``word`` where the pipeline may not be cut
    bytes        bytes of text they were counted in
    fingerprint  counts with the same fingerprint can be merged
    stages       where the time went: name, seconds and peak memory (bytes, of the process so far) of each
    """

    counts: str
    pieces: int
    distinct_pieces: int
    bytes: int
    unit: str
    fingerprint: str
    seconds: float
    stages: Sequence[Mapping[str, Any]] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def count(
    corpus: str | Path | Sequence[str | Path],
    out: str | Path = "counts",
    options: CountOptions | None = None,
    *,
    read_options: feed.CorpusOptions | None = None,
    engine_options: EngineOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CountResult:
    """Count the distinct pieces of text files, folders and globs; write the counts folder ``out``.

    ``settings`` are fields of `CountOptions`, `CorpusOptions` and `EngineOptions`:
    ``count("corpus.txt", recipe="gpt2")``.
    `train_bpe` and `train_wordpiece` train from it, ``counts="counts"``, to the result of the corpus itself.
    The same bytes at any thread count and with any engine. The next run continues one that was killed or
    interrupted.

    Raises `InputError` for text that cannot be read, `OutputError` where ``out`` exists (unless ``force``),
    `UsageError` for blocks that cannot work together.
    """
    engine_options, settings = apply_known(EngineOptions, engine_options, settings)
    options, read_options = apply_to_both(CountOptions, options, feed.CorpusOptions, read_options, settings)
    engine = engine_for(engine_options, threads)
    out = Path(out)
    stages = Stages(progress)
    skeleton = resolve(WordPieceOptions(**asdict(options))).skeleton().to_str()
    files.check_outside(out, *([corpus] if isinstance(corpus, str | Path) else corpus))
    paths = feed.files_named(corpus, progress, read_options)
    say_if_compiling("chunk_kernels", progress)
    real = files.check_output(out, force=force, inputs=paths, kind="folder")
    # next to the output, not in it: the folder under construction is discarded when a run is killed
    work = files.work_path(real, "counting")
    with closing(engine), files.folder(out, force=force, inputs=paths) as staging:
        planned = feed.plan(paths, read_options, progress)
        memory = read_options.memory_bytes
        totals = count_corpus(
            staging,
            work,
            out,
            planned,
            skeleton,
            stages,
            thread_count=threads,
            memory=memory,
            engine=None if is_inline(engine) else engine,
        )
        files.write_receipt(
            staging,
            command="count",
            settings={**asdict(options), **asdict(read_options)},
            inputs=totals.inputs,
            packages=_PACKAGES,
            sources={"corpus": corpus},
            result={**asdict(options), **totals.as_dict()},
            run={
                **asdict(engine_options),
                "threads": threads,
                "stages": stages.records,
                "corpus": _absolute(paths),
            },
        )
    files.remove_work(work, real)
    return _result(out, totals, stages)


def merge_counts(
    folders: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> CountResult:
    """Add counts folders up to one: the same parts as if their files had been counted in one run.

    Raises `InputError` for a folder without counts, for folders of different fingerprints, and for one that
    is named twice; `OutputError` where ``out`` exists (unless ``force``).
    """
    named = [Path(folder) for folder in ([folders] if isinstance(folders, str | Path) else folders)]
    if not named:
        raise UsageError("name the counts folders to merge")
    out = Path(out)
    stages = Stages(progress)
    merged = [Counts.of(folder) for folder in named]
    check_mergeable(merged)
    # reported, not refused: a file may be weighted on purpose
    if twice := counted_twice(merged):
        progress.say(f"in more than one of the folders, and counted as often: {', '.join(twice[:5])}")
    first = merged[0]
    with files.folder(out, force=force, inputs=named) as staging:
        pieces, distinct = add_up(
            staging,
            out,
            lambda partition: [(counts.parts[partition], None) for counts in merged],
            stages,
            threads,
        )
        expected = sum(counts.pieces for counts in merged)
        # checked before publishing: a part exchanged between folders would otherwise go unnoticed
        if pieces != expected:
            raise InputError(
                f"{', '.join(map(str, named))}: the parts have {pieces:,} pieces, the receipts {expected:,}",
                hint="a part was changed or exchanged: count that corpus again",
            )
        totals = Totals(
            identity=first.identity,
            pieces=pieces,
            distinct=distinct,
            bytes=sum(counts.bytes for counts in merged),
            inputs=[file for counts in merged for file in counts.inputs],
        )
        files.write_receipt(
            staging,
            command="merge-counts",
            settings={
                name: value if all(counts.settings.get(name) == value for counts in merged) else None
                for name, value in first.settings.items()
            },
            inputs=totals.inputs,
            packages=_PACKAGES,
            sources={"folders": named},
            result={
                **first.blocks,
                **totals.as_dict(),
                # Inputs are the texts that were counted, wherever that was.
                "merged": [files.describe_input(folder) for folder in named],
            },
            run={"threads": threads, "stages": stages.records, "counts": _absolute(named)},
        )
    return _result(out, totals, stages)


def options_for(options: SomeOptions, counts: Counts) -> SomeOptions:
    """The options with the blocks that the counts were made with.

    Raises `UsageError` where they name blocks that give another pipeline, `InputError` where the counts are
    of another version.
    """
    named = options.recipe is not None or options.normalizer or options.pre_tokenizer
    if options.recipe is None:
        blocks = {name: getattr(options, name) or value for name, value in counts.blocks.items()}
        options = replace(options, **blocks)
    if Identity.of(resolve(options).skeleton().to_str()).fingerprint == counts.identity.fingerprint:
        return options
    if not named:
        raise InputError(
            f"{counts.folder}: {counts.options} is another pipeline now than the one it was counted with",
            hint="count the corpus again",
        )
    typed = " ".join(
        [
            *([f"--recipe {options.recipe}"] if options.recipe else []),
            *(f"--normalizer {block}" for block in options.normalizer),
            *(f"--pre-tokenizer {block}" for block in options.pre_tokenizer),
        ]
    )
    raise UsageError(
        f"{typed}: {counts.folder} was counted with {counts.options}, which splits text in another way",
        hint=f"leave the blocks out, or count again with {typed}",
    )


def check_fits(counts: Counts, skeleton: str, name: str) -> None:
    """Raises `UsageError` where the counts were made for other blocks than those of ``skeleton`` (JSON)."""
    if Identity.of(skeleton).fingerprint != counts.identity.fingerprint:
        raise UsageError(
            f"{name}: {counts.folder} was counted with {counts.options}, which splits text in another way",
            hint="train from the corpus itself",
        )


def _absolute(paths: Sequence[Path]) -> list[str]:
    return [str(path.absolute()) for path in paths]


def _result(out: Path, totals: Totals, stages: Stages) -> CountResult:
    return CountResult(
        counts=str(out),
        pieces=totals.pieces,
        distinct_pieces=totals.distinct,
        bytes=totals.bytes,
        unit=totals.identity.unit,
        fingerprint=totals.identity.fingerprint,
        seconds=stages.seconds,
        stages=stages.records,
    )
