"""`count` and `merge_counts`: a corpus counted once, in shards and on any machine, to train from later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import InputError, UsageError
from tokkit.options import Options, apply_to_both, option
from tokkit.progress import SILENT, Progress, Stages
from tokkit.tokenizer.blocks.recipes import RECIPES
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.trainer_options import BlocksOptions, WordPieceOptions

if TYPE_CHECKING:
    from tokkit.corpus.counts import Counts, Identity

_WORK = "counting"
_PACKAGES = ("pyarrow", "tokenizers")

Spec = TypeVar("Spec", bound=BlocksOptions)


@dataclass(frozen=True)
class CountOptions(Options):
    """The blocks that text is counted for; a block given replaces the recipe's."""

    recipe: str = option("bert-uncased", "named set of blocks", choices=tuple(RECIPES))
    normalizer: tuple[str, ...] = option(
        (), "normalizer NAME[:KEY=VALUE,...]; several run in order", metavar="BLOCK"
    )
    pre_tokenizer: tuple[str, ...] = option((), "pre-tokenizer; several run in order", metavar="BLOCK")


@dataclass(frozen=True)
class CountResult:
    """What a counts folder holds.

    pieces       pieces in all, and ``distinct_pieces`` different ones
    unit         what they are: ``chunk``, or ``word`` where the pipeline may not be cut
    bytes        bytes of text they were counted in
    fingerprint  counts of the same one can be merged
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
    spec: CountOptions | None = None,
    *,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CountResult:
    """Counts the distinct pieces of text files, folders and globs; writes the counts folder ``out``.

    ``settings`` are fields of `CountOptions` and `CorpusOptions`: ``count("corpus.txt", recipe="gpt2")``.
    `train_bpe` and `train_wordpiece` train from it, ``counts="counts"``, to what they give on the corpus.
    The same bytes at any thread count. A run that was killed or interrupted is gone on with by the next.

    Raises `InputError` for text that cannot be read, `OutputError` where ``out`` exists (unless ``force``),
    `UsageError` for blocks that cannot work together.
    """
    from tokkit.corpus.counting import count_corpus
    from tokkit.corpus.counts import Identity, result_of
    from tokkit.runtime.kernels import say_if_compiling

    chosen, reading = apply_to_both(CountOptions, spec, feed.CorpusOptions, reading, settings)
    out = Path(out)
    stages = Stages(progress)
    skeleton = resolve(WordPieceOptions(**asdict(chosen))).skeleton().to_str()
    identity = Identity.of(skeleton)
    paths = feed.files_named(corpus, progress)
    say_if_compiling("chunk_kernels", progress)
    real = files.check_output(out, force=force, inputs=paths, kind="folder")
    work = files.work_path(real, _WORK)
    with files.folder(out, force=force, inputs=paths) as staging:
        planned = feed.plan(paths, reading, progress)
        found = count_corpus(staging, work, out, planned, skeleton, stages, threads, reading.memory_bytes)
        files.write_receipt(
            staging,
            command="count",
            settings={**asdict(chosen), **asdict(reading)},
            inputs=found.inputs,
            packages=_PACKAGES,
            result=result_of(identity, asdict(chosen), found.pieces, found.distinct, found.bytes),
            run={
                "threads": threads,
                "stages": stages.records,
                "corpus": [str(path.absolute()) for path in paths],
            },
        )
    files.remove_work(work, real)
    return _result(out, identity, found.pieces, found.distinct, found.bytes, stages)


def merge_counts(
    folders: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> CountResult:
    """Adds counts folders up to one: the same parts as if their files had been counted in one run.

    Raises `InputError` for a folder without counts, for folders of different fingerprints, and for one that
    is named twice; `OutputError` where ``out`` exists (unless ``force``).
    """
    from tokkit.corpus import counts
    from tokkit.corpus.counting import add_up

    named = [Path(folder) for folder in ([folders] if isinstance(folders, str | Path) else folders)]
    if not named:
        raise UsageError("name the counts folders to merge")
    out = Path(out)
    stages = Stages(progress)
    merged = [counts.Counts.of(folder) for folder in named]
    counts.check_mergeable(merged)
    if twice := counts.counted_twice(merged):
        progress.say(f"in more than one of the folders, and counted as often: {', '.join(twice[:5])}")
    first = merged[0]
    with files.folder(out, force=force, inputs=named) as staging:
        pieces, distinct = add_up(staging, counts.batches_of(merged), stages, threads)
        size = sum(each.bytes for each in merged)
        told = sum(each.pieces for each in merged)
        if pieces != told:
            whose = ", ".join(map(str, named))
            raise InputError(
                f"{whose}: the parts hold {pieces:,} pieces, the receipts tell of {told:,}",
                hint="a part was changed or exchanged: count that corpus again",
            )
        files.write_receipt(
            staging,
            command="merge-counts",
            settings={
                name: value if all(each.settings.get(name) == value for each in merged) else None
                for name, value in first.settings.items()
            },
            inputs=[each for part in merged for each in part.inputs],
            packages=_PACKAGES,
            result=counts.result_of(first.identity, first.asked, pieces, distinct, size),
            run={
                "threads": threads,
                "stages": stages.records,
                "counts": [str(path.absolute()) for path in named],
            },
        )
    return _result(out, first.identity, pieces, distinct, size, stages)


def spec_for(spec: Spec, counts: Counts) -> Spec:
    """The spec with the blocks that the counts were made with.

    Raises `UsageError` where it names blocks that give another pipeline, `InputError` where the counts are
    of another version.
    """
    from tokkit.corpus.counts import Identity

    named = spec.recipe is not None or spec.normalizer or spec.pre_tokenizer
    if spec.recipe is None:
        spec = replace(spec, **{name: getattr(spec, name) or value for name, value in counts.asked.items()})
    if Identity.of(resolve(spec).skeleton().to_str()).fingerprint == counts.identity.fingerprint:
        return spec
    if not named:
        raise InputError(
            f"{counts.folder}: {counts.made_with} is another pipeline now than the one it was counted with",
            hint="count the corpus again",
        )
    given = " ".join(
        [
            *([f"--recipe {spec.recipe}"] if spec.recipe else []),
            *(f"--normalizer {block}" for block in spec.normalizer),
            *(f"--pre-tokenizer {block}" for block in spec.pre_tokenizer),
        ]
    )
    raise UsageError(
        f"{given}: {counts.folder} was counted with {counts.made_with}, which splits text in another way",
        hint=f"leave the blocks out, or count again: tokkit count CORPUS {given} -o DIR",
    )


def check_fits(counts: Counts, skeleton: str, asked: str) -> None:
    """Raises `UsageError` where the counts were made for other blocks than those of ``skeleton`` (JSON)."""
    from tokkit.corpus.counts import Identity

    if Identity.of(skeleton).fingerprint != counts.identity.fingerprint:
        raise UsageError(
            f"{asked}: {counts.folder} was counted with {counts.made_with}, which splits text in another way",
            hint=f"train from the corpus itself, not from --counts: CORPUS {asked}",
        )


def _result(
    out: Path, identity: Identity, pieces: int, distinct: int, size: int, stages: Stages
) -> CountResult:
    return CountResult(
        counts=str(out),
        pieces=pieces,
        distinct_pieces=distinct,
        bytes=size,
        unit=identity.unit,
        fingerprint=identity.fingerprint,
        seconds=stages.seconds,
        stages=stages.records,
    )
