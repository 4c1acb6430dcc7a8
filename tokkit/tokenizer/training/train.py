"""`train_wordpiece` and `train_bpe`: from a corpus to a tokenizer folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import apply_to_both, flag
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime.threads import later
from tokkit.tokenizer.folder import tokenizer_folder as folder
from tokkit.tokenizer.training.blueprint import Untrained, resolve
from tokkit.tokenizer.training.count import check_fits, spec_for
from tokkit.tokenizer.training.inherit import BROUGHT, inherit
from tokkit.tokenizer.training.trainer_options import (
    BlocksOptions,
    BpeOptions,
    TrainerOptions,
    WordPieceOptions,
)

if TYPE_CHECKING:
    from tokkit.corpus.counts import Counts
    from tokkit.corpus.words import Words
    from tokkit.tokenizer.training.engine import Job

Corpus = str | Path | Sequence[str | Path]


class Vocabulary(Protocol):
    """What was learned."""

    def trained(self, size: int) -> Mapping[str, Any]:
        """The vocabulary of ``size`` tokens, as `tokenizers` writes a model to JSON."""


Learner = Callable[[Any, Untrained, "Words", Stages], Vocabulary]
"""Spec, blueprint and words in, a vocabulary out: what the families differ in."""


@dataclass(frozen=True)
class TrainResult:
    """What a training gave; ``words`` are those of the pre-tokenizer, ``bytes`` those read.

    stages  where it went: name, seconds and peak memory (bytes, of the process so far) of each
    sizes   of several vocabularies: folder, sizes and hash of each; the rest is the largest one's
    """

    tokenizer: str
    vocab_size: int
    requested_vocab_size: int
    words: int
    distinct_words: int
    bytes: int
    seconds: float
    sha256: str
    stages: Sequence[Mapping[str, Any]] = ()
    sizes: Sequence[Mapping[str, Any]] = ()

    def as_dict(self) -> dict[str, Any]:
        content = asdict(self)
        if not self.sizes:
            del content["sizes"]
        return content


def train_wordpiece(
    corpus: Corpus = (),
    out: str | Path = "out",
    spec: WordPieceOptions | None = None,
    *,
    counts: str | Path | None = None,
    like: str | Path | None = None,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """Trains WordPiece on text files, folders and globs; writes the folder ``out``.

    ``settings`` are fields of `WordPieceOptions` and `CorpusOptions`:
    ``train_wordpiece("corpus.txt", vocab_size=2000)``. Of several sizes, ``vocab_size=[2000, 8000]``, each is
    written to a folder below ``out``; the smaller ones are the beginnings of the largest.
    The vocabulary is one the reference trainer may give, and the same at every run.
    ``counts``, a folder that `tokkit.count` wrote, takes the place of the corpus; the blocks are its.
    ``like``, an old tokenizer, takes the place of recipe and blocks (`inherit` says what is taken over).

    Raises `InputError` for text that cannot be read, `OutputError` where ``out`` exists (unless
    ``force``), `UsageError` for blocks that cannot work together, or not with the counts.
    """
    chosen, reading = apply_to_both(WordPieceOptions, spec, feed.CorpusOptions, reading, settings)
    return trained(corpus, counts, like, out, chosen, reading, force, threads, progress, _merged)


def train_bpe(
    corpus: Corpus = (),
    out: str | Path = "out",
    spec: BpeOptions | None = None,
    *,
    counts: str | Path | None = None,
    like: str | Path | None = None,
    reading: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult:
    """Trains byte-pair encoding, byte-level by default; the rest as `train_wordpiece`."""
    chosen, reading = apply_to_both(BpeOptions, spec, feed.CorpusOptions, reading, settings)
    return trained(corpus, counts, like, out, chosen, reading, force, threads, progress, _merged)


def trained(
    corpus: Corpus,
    counts: str | Path | None,
    like: str | Path | None,
    out: str | Path,
    spec: BlocksOptions,
    reading: feed.CorpusOptions,
    force: bool,
    threads: int | None,
    progress: Progress,
    learner: Learner,
) -> TrainResult:
    """The one way from a corpus (or counts) to a folder: count words, learn, write, read back."""
    stages = Stages(progress)
    counted_before = _counts(corpus, counts, reading)
    if counted_before is not None and like is None:
        if spec.recipe is None:
            progress.say(f"{counts}: counted with {counted_before.made_with}, which is trained with, too")
        spec = spec_for(spec, counted_before)
    blueprint, source = _resolved(spec, like, counted_before, progress)
    paths = _paths(corpus, progress) if counted_before is None else [counted_before.folder]
    with files.folder(Path(out), force=force, inputs=[*paths, *source]) as staging:
        if counted_before is None:
            words = _count(feed.plan(paths, reading, progress), blueprint, spec, reading, threads, stages)
        else:
            words = _split(counted_before, blueprint, threads, stages)
        inputs = later(lambda: [files.describe_input(path) for path in paths])
        learned = learner(spec, blueprint, words, stages)
        with stages.stage("writing"):
            counted: dict[str, Any] = {
                "words": words.total,
                "distinct_words": len(words.pieces),
                "bytes": words.bytes,
            }
            receipt = {
                "command": spec.command,
                "settings": {**_settings(spec, like), **asdict(reading)},
                "inputs": inputs(),
                "packages": ("tokenizers",),
                "run": {"seconds": stages.seconds, "stages": stages.records, "threads": threads},
            }
            told = {**blueprint.origin, **counted}
            made = _write_sizes(staging, blueprint, learned, sorted(set(spec.vocab_size)), told, receipt)
    for each in made:
        each["tokenizer"] = str(out) if len(made) == 1 else str(Path(out) / each["tokenizer"])
        _say_size(each, spec.unit, progress)
    sizes = made if len(made) > 1 else ()
    return TrainResult(**made[-1], **counted, seconds=stages.seconds, stages=stages.records, sizes=sizes)


def _count(
    corpus: Sequence[feed.CorpusFile],
    blueprint: Untrained,
    spec: BlocksOptions,
    reading: feed.CorpusOptions,
    threads: int | None,
    stages: Stages,
) -> Words:
    """The words of a corpus, after a look at what it will take."""
    from tokkit.corpus.words import count_words
    from tokkit.runtime.kernels import say_if_compiling
    from tokkit.tokenizer.training.forecast import forecast, tell

    skeleton = blueprint.skeleton().to_str()
    say_if_compiling("split_kernels", stages.progress)
    if isinstance(spec, TrainerOptions):
        job = _job(spec, blueprint)
        if expected := forecast(corpus, skeleton, job, threads):
            tell(expected, job.vocab_size, stages.progress)
    with stages.stage("counting words", feed.size_of(corpus), "bytes") as progress:
        return count_words(corpus, skeleton, progress, threads, reading.memory_bytes)


def _resolved(
    spec: BlocksOptions, like: str | Path | None, counts: Counts | None, progress: Progress
) -> tuple[Untrained, list[Path]]:
    """What is to be trained: recipe and blocks, or those of an old tokenizer, and that one's file."""
    if like is None or not isinstance(spec, TrainerOptions):
        return resolve(spec), []
    inherited, source = inherit(like, spec, progress)
    if counts is not None:
        check_fits(counts, inherited.skeleton().to_str(), f"--from {like}")
    return inherited, source


def _settings(spec: BlocksOptions, like: str | Path | None) -> dict[str, Any]:
    """What was asked for; of what an old tokenizer brought, nothing was."""
    if like is None:
        return {**asdict(spec), "recipe": spec.recipe or spec.own_recipe}
    return {name: value for name, value in asdict(spec).items() if name not in BROUGHT}


def _merged(spec: TrainerOptions, blueprint: Untrained, words: Words, stages: Stages) -> Vocabulary:
    from tokkit.tokenizer.training.engine import learn

    return learn(_job(spec, blueprint), words, stages)


def _counts(corpus: Corpus, counts: str | Path | None, reading: feed.CorpusOptions) -> Counts | None:
    """The counts folder, where one is named in place of a corpus."""
    if counts is None:
        return None
    if isinstance(corpus, str | Path) or len(corpus):
        raise UsageError(f"--counts {counts}: takes the place of a corpus; name one of them")
    for name, value in asdict(reading).items():
        if value is not None:
            raise UsageError(f"{flag(name)}: says how a corpus is read; --counts {counts} was read before")
    from tokkit.corpus.counts import Counts

    return Counts.of(Path(counts))


def _split(counts: Counts, blueprint: Untrained, threads: int | None, stages: Stages) -> Words:
    """The words of the pieces of a counts folder."""
    from tokkit.corpus.counts import words_of_counts
    from tokkit.runtime.kernels import say_if_compiling

    say_if_compiling("split_kernels", stages.progress)
    with stages.stage("counting words", counts.distinct, "pieces") as progress:
        return words_of_counts(counts, blueprint.skeleton().to_str(), progress, threads)


def _paths(corpus: Corpus, progress: Progress) -> list[Path]:
    return feed.files_named(corpus, progress, otherwise=", or --counts DIR")


def _job(spec: TrainerOptions, blueprint: Untrained) -> Job:
    from tokkit.tokenizer.training.engine import Job

    longest = spec.max_token_length
    return Job(
        reserved=blueprint.reserved,
        alphabet=tuple(dict.fromkeys((*blueprint.alphabet, *spec.initial_alphabet))),
        vocab_size=max(spec.vocab_size),
        min_frequency=spec.min_frequency,
        limit_alphabet=spec.limit_alphabet,
        prefix=blueprint.prefix or "",
        suffix=blueprint.suffix or "",
        longest=longest - 1 if longest is not None and spec.compat else longest,
    )


def _write_sizes(
    staging: Path,
    blueprint: Untrained,
    learned: Vocabulary,
    sizes: Sequence[int],
    counted: Mapping[str, int],
    receipt: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Writes one size into the folder itself, several into folders of their own; what is told of each."""
    if len(sizes) == 1:
        return [_write(staging, ".", blueprint, learned, sizes[0], counted, receipt)]
    made = [_write(staging, str(size), blueprint, learned, size, counted, receipt) for size in sizes]
    files.write_receipt(staging, **receipt, result={**counted, "sizes": made})
    return made


def _write(
    staging: Path,
    name: str,
    blueprint: Untrained,
    learned: Vocabulary,
    size: int,
    counted: Mapping[str, int],
    receipt: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes the tokenizer of one size into a folder and reads it back."""
    inner = staging / name
    inner.mkdir(exist_ok=True)
    tokenizer = blueprint.finish(learned.trained(size))
    roles = blueprint.roles
    extra = [token for token in blueprint.special_tokens if token not in roles.values()]
    folder.write_tokenizer(inner, tokenizer)
    folder.write_config(inner, roles, blueprint.model_max_length, blueprint.model_input_names, extra)
    test = folder.self_test(tokenizer)
    folder.verify(inner, test)
    made = {
        "vocab_size": tokenizer.get_vocab_size(),
        "requested_vocab_size": size,
        "sha256": files.sha256_of(inner / folder.TOKENIZER_FILE),
    }
    files.write_receipt(inner, **receipt, result={**counted, **made, "self_test": test})
    return {"tokenizer": name, **made}


def _say_size(made: Mapping[str, Any], unit: str, progress: Progress) -> None:
    got, asked = made["vocab_size"], made["requested_vocab_size"]
    if got > asked:
        progress.say(f"{got:,} tokens, not {asked:,}: special tokens and alphabet alone need that many")
    elif got < asked:
        progress.say(f"{got:,} tokens, not {asked:,}: no further {unit} is frequent enough in this corpus")
