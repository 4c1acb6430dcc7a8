"""`train_wordpiece` and `train_bpe`: from a corpus to a tokenizer folder.

    files -> words and their counts -> vocabulary and merges -> tokenizer.json, read back and verified

A small corpus (`reference_words.SMALL`: 512 KB, or 1.25 MB while no kernel is compiled) is counted and merged
without kernels (`reference_words`, `learning`), which gives the same bytes and starts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tokenizers import Tokenizer, decoders, models

from tokkit import files
from tokkit.corpus import feed
from tokkit.corpus.reference_words import count_small, is_small
from tokkit.errors import UsageError
from tokkit.options import apply_to_both, flag
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime.dry_run import DryRunResult
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.runtime.threads import later
from tokkit.tokenizer.blocks.post_processors import unmarked
from tokkit.tokenizer.folder import tokenizer_folder as folder
from tokkit.tokenizer.training.blueprint import UntrainedTokenizer, resolve
from tokkit.tokenizer.training.inherit import INHERITED, inherit
from tokkit.tokenizer.training.learning import learn
from tokkit.tokenizer.training.lexicon import MergeOptions, Words
from tokkit.tokenizer.training.trainer_options import (
    BlocksOptions,
    BpeOptions,
    TrainerOptions,
    WordPieceOptions,
)

if TYPE_CHECKING:
    from tokkit.corpus.counts import Counts

Corpus = str | Path | Sequence[str | Path]


class Vocabulary(Protocol):
    """What was learned."""

    def trained(self, size: int) -> Mapping[str, Any]:
        """The vocabulary of ``size`` tokens, as `tokenizers` writes a model to JSON."""


# Options, blueprint and words -> vocabulary: the step in which the families of models differ.
Learner = Callable[[Any, UntrainedTokenizer, Words, Stages], Vocabulary]


@dataclass(frozen=True)
class TrainRequest:
    """The arguments of `train_wordpiece` and its siblings; ``like`` is an old tokenizer."""

    corpus: Corpus
    out: str | Path
    options: BlocksOptions
    read_options: feed.CorpusOptions
    counts: str | Path | None
    like: str | Path | None
    force: bool
    threads: int | None
    dry_run: bool


@dataclass(frozen=True)
class TrainResult:
    """Summary of a training; ``words`` are those of the pre-tokenizer, ``bytes`` those read.

    stages  where the time went: name, seconds and peak memory (bytes, of the process so far) of each stage
    sizes   of several vocabularies: folder, sizes and hash of each; the other fields are the largest one's
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
    options: WordPieceOptions | None = None,
    *,
    counts: str | Path | None = None,
    like: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult | DryRunResult:
    """Train WordPiece on text files, folders and globs; write the folder ``out``.

    ``settings`` are fields of `WordPieceOptions` and `CorpusOptions`:
    ``train_wordpiece("corpus.txt", vocab_size=2000)``. Of several sizes, ``vocab_size=[2000, 8000]``, each is
    written to a folder below ``out``; the smaller ones are prefixes of the largest.
    The vocabulary is one the reference trainer may give, and the same at every run.
    ``counts``, a folder that `tokkit.count` wrote, replaces the corpus and determines the blocks.
    ``like``, an old tokenizer, replaces recipe and blocks (see `inherit`). ``dry_run`` writes nothing and
    returns the time, memory and disk that the training would take.

    Raises `InputError` for text that cannot be read, `OutputError` where ``out`` exists (unless
    ``force``), `UsageError` for blocks that cannot work together, or not with the counts.
    """
    options, read_options = apply_to_both(
        WordPieceOptions, options, feed.CorpusOptions, read_options, settings
    )
    request = TrainRequest(corpus, out, options, read_options, counts, like, force, threads, dry_run)
    return run_training(request, partial(_learn_merges, threads=threads), progress)


def train_bpe(
    corpus: Corpus = (),
    out: str | Path = "out",
    options: BpeOptions | None = None,
    *,
    counts: str | Path | None = None,
    like: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrainResult | DryRunResult:
    """Train byte-pair encoding, byte-level by default; the rest as `train_wordpiece`."""
    options, read_options = apply_to_both(BpeOptions, options, feed.CorpusOptions, read_options, settings)
    request = TrainRequest(corpus, out, options, read_options, counts, like, force, threads, dry_run)
    return run_training(request, partial(_learn_merges, threads=threads), progress)


def run_training(request: TrainRequest, learner: Learner, progress: Progress) -> TrainResult | DryRunResult:
    """Train, or with ``dry_run`` forecast what that would take; raises `UsageError` for that of counts."""
    if not request.dry_run:
        return _train(request, learner, progress)
    if request.counts is not None:
        raise UsageError(
            f"--dry-run: measures a piece of a corpus, but --counts {request.counts} was counted before",
            hint="leave --dry-run out",
        )
    paths = feed.files_named(request.corpus, progress, request.read_options)
    files.check_output(Path(request.out), force=request.force, inputs=paths, kind="folder")

    def train(piece: Path | None, out: Path, muted: Progress) -> TrainResult:
        of_piece = replace(request, corpus=piece or paths, out=out)
        if piece is not None:
            # Its lines are plain text, whatever the corpus is.
            memory = request.read_options.memory
            of_piece = replace(of_piece, read_options=feed.CorpusOptions(memory=memory))
        return _train(of_piece, learner, muted)

    # with the kernels
    from tokkit.tokenizer.training.dry_run import dry_run

    corpus = feed.plan(paths, request.read_options, progress)
    return dry_run(corpus, request.out, train, progress)


def _train(request: TrainRequest, learner: Learner, progress: Progress) -> TrainResult:
    """Count words, learn, write and verify: the training of every family."""
    stages = Stages(progress)
    corpus = request.corpus
    files.check_outside(request.out, *([corpus] if isinstance(corpus, str | Path) else corpus))
    request, counts = _open_counts(request, progress)
    blueprint, source = _blueprint(request, progress)
    skeleton = blueprint.skeleton().to_str()
    paths = (
        feed.files_named(request.corpus, progress, request.read_options, otherwise=", or --counts DIR")
        if counts is None
        else [counts.folder]
    )
    with files.folder(Path(request.out), force=request.force, inputs=[*paths, *source]) as staging:
        if counts is not None:
            words = _words_of_counts(counts, skeleton, request, stages)
        else:
            words = _count_words(paths, blueprint, skeleton, request, stages)
        inputs = later(lambda: [files.describe_input(path) for path in paths])  # hashed while learning
        vocabulary = learner(request.options, blueprint, words, stages)
        counted: dict[str, Any] = {"words": words.total, "distinct_words": len(words), "bytes": words.bytes}
        with stages.stage("writing"):
            write_receipt = partial(
                files.write_receipt,
                command=request.options.command,
                settings={**_settings(request), **asdict(request.read_options)},
                inputs=inputs(),
                packages=("tokenizers",),
                sources={"corpus": corpus, "counts": request.counts, "like": request.like},
                run={"seconds": stages.seconds, "stages": stages.records, "threads": request.threads},
            )
            # sorted: the last summary is the largest size, whose fields the result takes
            sizes = sorted(set(request.options.vocab_size))
            names = ["."] if len(sizes) == 1 else [str(size) for size in sizes]
            result = {**blueprint.origin, **counted}
            written: list[dict[str, Any]] = []
            for name, size in zip(names, sizes, strict=True):
                summary, test, tokenizer = _write(staging / name, size, blueprint, vocabulary)
                write_receipt(staging / name, result={**result, **summary, "self_test": test})
                written.append({"tokenizer": name, **summary})
            if len(sizes) > 1:
                write_receipt(staging, result={**result, "sizes": written})
    _say_what_it_lacks(tokenizer, blueprint, request, progress)
    for summary in written:
        inner = Path(request.out) / summary["tokenizer"]
        summary["tokenizer"] = str(request.out if len(written) == 1 else inner)
        _say_if_other_size(summary, request.options.unit, progress)
    return TrainResult(
        **written[-1],
        **counted,
        seconds=stages.seconds,
        stages=stages.records,
        sizes=written if len(written) > 1 else (),
    )


def merge_options(options: TrainerOptions, blueprint: UntrainedTokenizer) -> MergeOptions:
    """What to learn for the options."""
    longest = options.max_token_length
    return MergeOptions(
        reserved=blueprint.reserved,
        alphabet=tuple(dict.fromkeys((*blueprint.alphabet, *options.initial_alphabet))),
        vocab_size=max(options.vocab_size),
        min_frequency=options.min_frequency,
        limit_alphabet=options.limit_alphabet,
        prefix=blueprint.prefix or "",
        suffix=blueprint.suffix or "",
        # `tokenizers` compares with `<`: a ``max_token_length`` of 3 gives tokens of at most 2 characters
        longest=longest - 1 if longest is not None and options.compat else longest,
    )


def _learn_merges(
    options: TrainerOptions,
    blueprint: UntrainedTokenizer,
    words: Words,
    stages: Stages,
    *,
    threads: int | None,
) -> Vocabulary:
    return learn(merge_options(options, blueprint), words, stages, threads=threads)


def _open_counts(request: TrainRequest, progress: Progress) -> tuple[TrainRequest, Counts | None]:
    """The counts folder, where one is named in place of a corpus, and the request with its blocks."""
    if request.counts is None:
        return request, None
    if isinstance(request.corpus, str | Path) or len(request.corpus):
        raise UsageError(f"--counts {request.counts}: takes the place of a corpus; name one of them")
    for name, value in asdict(request.read_options).items():
        if value is not None:
            raise UsageError(
                f"{flag(name)}: says how a corpus is read; --counts {request.counts} was read before"
            )
    # with pyarrow and the kernels
    from tokkit.corpus.counts import Counts
    from tokkit.tokenizer.training.count import options_for

    counts = Counts.of(Path(request.counts))
    if request.like is not None:
        return request, counts
    if request.options.recipe is None:
        progress.say(f"{request.counts}: counted with {counts.options}; the tokenizer gets the same blocks")
    return replace(request, options=options_for(request.options, counts)), counts


def _blueprint(request: TrainRequest, progress: Progress) -> tuple[UntrainedTokenizer, list[Path]]:
    """What to train: recipe and blocks, or those of an old tokenizer, and the file of that one."""
    if request.like is None or not isinstance(request.options, TrainerOptions):
        return resolve(request.options), []
    return inherit(request.like, request.options, progress)


def _words_of_counts(counts: Counts, skeleton: str, request: TrainRequest, stages: Stages) -> Words:
    from tokkit.corpus.counts import words_of_counts
    from tokkit.tokenizer.training.count import check_fits

    if request.like is not None:
        check_fits(counts, skeleton, f"--from {request.like}")
    say_if_compiling("split_kernels", stages.progress)
    with stages.stage("counting words", counts.distinct, "pieces") as progress:
        return words_of_counts(counts, skeleton, progress, request.threads)


def _count_words(
    paths: Sequence[Path], blueprint: UntrainedTokenizer, skeleton: str, request: TrainRequest, stages: Stages
) -> Words:
    corpus = feed.plan(paths, request.read_options, stages.progress)
    if is_small(corpus, skeleton):
        with stages.stage("counting words", feed.size_of(corpus), "bytes") as progress:
            return count_small(corpus, skeleton, progress)
    # with the kernels
    from tokkit.corpus.words import count_words
    from tokkit.tokenizer.training.forecast import forecast, say_forecast

    say_if_compiling("split_kernels", stages.progress)
    if isinstance(request.options, TrainerOptions):
        options = merge_options(request.options, blueprint)
        if expected := forecast(corpus, skeleton, options, request.threads):
            say_forecast(expected, options.vocab_size, stages.progress)
    with stages.stage("counting words", feed.size_of(corpus), "bytes") as progress:
        return count_words(corpus, skeleton, progress, request.threads, request.read_options.memory_bytes)


def _settings(request: TrainRequest) -> dict[str, Any]:
    """The options for the receipt, without those that an old tokenizer determines."""
    options = request.options
    if request.like is None:
        return {**asdict(options), "recipe": options.recipe or options.own_recipe}
    return {name: value for name, value in asdict(options).items() if name not in INHERITED}


def _write(
    inner: Path, size: int, blueprint: UntrainedTokenizer, vocabulary: Vocabulary
) -> tuple[dict[str, Any], list[dict[str, Any]], Tokenizer]:
    """Write the tokenizer of one size, verified to load to the same ids.

    Returns a summary, its self-test, and the tokenizer.
    """
    inner.mkdir(exist_ok=True)
    tokenizer = blueprint.finish(vocabulary.trained(size))
    folder.write_tokenizer(inner, tokenizer)
    folder.write_config(inner, blueprint.model_max_length, blueprint.settings)
    # the files are read back before the folder is published: a bug leaves no tokenizer behind
    test = folder.self_test(tokenizer)
    folder.verify(inner, test)
    summary = {
        "vocab_size": tokenizer.get_vocab_size(),
        "requested_vocab_size": size,
        "sha256": files.sha256_of(inner / folder.TOKENIZER_FILE),
    }
    return summary, test, tokenizer


def _say_what_it_lacks(
    tokenizer: Tokenizer, blueprint: UntrainedTokenizer, request: TrainRequest, progress: Progress
) -> None:
    if (missing := unmarked(tokenizer, blueprint.roles)) is not None:
        command = "" if request.like is None else "the command wrap with "
        progress.say(f"{request.out}: {missing}; {command}--post-processor bert does")
    model = tokenizer.model
    if (
        isinstance(tokenizer.decoder, decoders.WordPiece | None)
        and isinstance(model, models.BPE)
        and not (model.continuing_subword_prefix or model.end_of_word_suffix)
    ):
        progress.say(
            f"{request.out}: decoding puts a space before every token, since none is marked as a part of a "
            "word; --prefix '##' marks them, and --recipe gpt2 restores every text"
        )


def _say_if_other_size(summary: Mapping[str, Any], unit: str, progress: Progress) -> None:
    size, requested = summary["vocab_size"], summary["requested_vocab_size"]
    if size > requested:
        progress.say(f"{size:,} tokens, not {requested:,}: special tokens and alphabet alone need that many")
    elif size < requested:
        progress.say(
            f"{size:,} tokens, not {requested:,}: no further {unit} is frequent enough in this corpus"
        )
