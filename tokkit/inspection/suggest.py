"""`suggest_tokens`: the words of a domain that are worth a token of their own, by tokens saved."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.corpus.counts import Counts, words_of_counts
from tokkit.corpus.cutting import Pipeline, byte_of_character
from tokkit.corpus.words import count_words
from tokkit.errors import InputError, UsageError
from tokkit.inspection.suggestion.candidates import candidates
from tokkit.inspection.suggestion.cut_words import CutWords, Model, cut_words
from tokkit.inspection.suggestion.selection import Allowed, Chosen, select
from tokkit.inspection.suggestion.suggest_options import SuggestOptions
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.runtime.normalization import normalize
from tokkit.sources.formats import refused
from tokkit.tokenizer.editing.extend import extend
from tokkit.tokenizer.editing.segmentation import pre_token_forms, pre_tokens
from tokkit.tokenizer.editing.token_requests import TokenRequest
from tokkit.tokenizer.folder.load import LoadedTokenizer, load
from tokkit.tokenizer.training.count import check_fits
from tokkit.tokenizer.training.lexicon import Words

EXAMPLES = 3  # other words with a changed tokenization that are listed per token
_BATCH = 10_000


@dataclass(frozen=True)
class SuggestResult:
    """The suggestions; `as_dict` is what ``--json`` prints.

    suggestions     in the order they are chosen, each judged with those before it added
    words           words of the corpus, ``distinct_words`` different ones
    tokens          what they are cut into now
    tokens_after    what they are cut into with all suggestions added (`add-tokens --native`)
    unknown, unknown_after  unknown tokens among those
    output          the file of tokens, if one was requested
    """

    tokenizer: str
    suggestions: list[dict[str, Any]]
    words: int
    distinct_words: int
    tokens: int
    tokens_after: int
    unknown: int
    unknown_after: int
    output: str | None
    seconds: float
    stages: Sequence[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        share = (self.tokens - self.tokens_after) / max(self.tokens, 1)
        return {**asdict(self), "saved_share": round(share, 6)}


def suggest_tokens(
    tokenizer: str | Path,
    corpus: str | Path | Sequence[str | Path] = (),
    out: str | Path | None = None,
    options: SuggestOptions | None = None,
    *,
    counts: str | Path | None = None,
    read_options: feed.CorpusOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> SuggestResult:
    """The words, and beginnings of words, that would save a corpus most tokens.

    out     a file for the tokens, one a line: what ``add-tokens --native --tokens-file`` takes
    counts  a folder that `tokkit.count` wrote with the tokenizer's own blocks, in place of the corpus

    The savings of a token count with those before it added: of every word that begins with it, the tokens
    before less those after. For WordPiece that is exact; BPE also joins the steps on the way to a token in
    other words, so that it saves more than reported; for Unigram it is an estimate. ``tokens_after`` is
    counted with the extended tokenizer itself, whatever the model.

    ``settings`` are fields of `SuggestOptions` and `CorpusOptions`. Raises `InputError` for a tokenizer or
    text that cannot be read, `UsageError` for counts of other blocks, `OutputError` where ``out`` exists.
    """
    options, read_options = apply_to_both(SuggestOptions, options, feed.CorpusOptions, read_options, settings)
    stages = Stages(progress)
    target = None if out is None else Path(out)
    sources = _sources(corpus, counts, read_options, progress)
    if target is not None:
        # Before the corpus is counted, which may take long.
        refused.check_output(target)
        files.check_output(target, force=force, inputs=sources, kind="file")
    loaded = load(tokenizer, progress)
    words = _words(loaded, sources, counts, str(tokenizer), read_options, threads, stages)
    model, typed = Model.of(loaded), _typed(loaded)
    with stages.stage("cutting words", len(words), "words") as stage_progress:
        cut = cut_words(words.texts(), model, stage_progress)
    tokens, unknown = cut.totals
    with stages.stage("choosing", options.top, "tokens") as stage_progress:
        beginnings = candidates(cut, _mark(loaded), options.min_count, options.whole_words)
        chosen = select(cut, beginnings, _allowed(loaded, typed, options), options, stage_progress)
    with stages.stage("adding them"):
        tokens_after, unknown_after = _with_all(loaded, chosen, cut) if chosen else (tokens, unknown)
    result = SuggestResult(
        tokenizer=str(tokenizer),
        suggestions=[_as_suggestion(token, cut, model, typed) for token in chosen],
        words=words.total,
        distinct_words=len(words),
        tokens=tokens,
        tokens_after=tokens_after,
        unknown=unknown,
        unknown_after=unknown_after,
        output=None if out is None else str(out),
        seconds=stages.seconds,
        stages=stages.records,
    )
    if target is not None:
        named = {"tokenizer": tokenizer, "corpus": corpus, "counts": counts}
        _write(target, result, options, read_options, [loaded.folder, *sources], named, force, threads)
    return result


def _sources(
    corpus: str | Path | Sequence[str | Path],
    counts: str | Path | None,
    read_options: feed.CorpusOptions,
    progress: Progress,
) -> list[Path]:
    if counts is None:
        return feed.files_named(corpus, progress, read_options, otherwise=", or --counts DIR")
    if isinstance(corpus, str | Path) or len(corpus):
        raise UsageError(f"--counts {counts}: takes the place of a corpus; name one of them")
    return [Path(counts)]


def _words(
    tokenizer: LoadedTokenizer,
    sources: Sequence[Path],
    counts: str | Path | None,
    name: str,
    read_options: feed.CorpusOptions,
    threads: int | None,
    stages: Stages,
) -> Words:
    """The words of the tokenizer's own normalizer and pre-tokenizer, with their counts."""
    pipeline = tokenizer.backend.to_str()
    say_if_compiling("split_kernels", stages.progress)
    if counts is not None:
        counted = Counts.of(Path(counts))
        check_fits(counted, pipeline, name)
        with stages.stage("counting words", counted.distinct, "pieces") as progress:
            return words_of_counts(counted, pipeline, progress, threads)
    planned = feed.plan(sources, read_options, stages.progress)
    with stages.stage("counting words", feed.size_of(planned), "bytes") as progress:
        return count_words(planned, pipeline, progress, threads, read_options.memory_bytes)


def _mark(tokenizer: LoadedTokenizer) -> str:
    """The mark before a word that follows a space: ``Ġ``, ``▁`` or nothing."""
    # The last pre-token is Ġa with byte-level blocks, ▁a with Metaspace, and a without a mark.
    after = pre_tokens(tokenizer.backend, "a a")[-1:]
    mark = after[0][:-1] if after else ""
    return mark if len(mark) == 1 and not mark.isspace() else ""


def _allowed(
    tokenizer: LoadedTokenizer, typed: Callable[[str], str | None], options: SuggestOptions
) -> Allowed:
    """What text a beginning is and which pre-tokens it has; None for what is no word a person would add."""

    def allowed(beginning: str) -> tuple[str, tuple[str, ...]] | None:
        text = typed(beginning)
        if text is None or not _is_word(text, options):
            return None
        try:
            forms = pre_token_forms(tokenizer.backend, text)
        except InputError:  # it has more than one pre-token
            return None
        return (text, tuple(forms)) if beginning in forms else None

    return allowed


def _typed(tokenizer: LoadedTokenizer) -> Callable[[str], str | None]:
    """What the beginning of a pre-token is as a person types it; None where it ends in half a character."""
    mark = _mark(tokenizer)
    pipeline = Pipeline.of(tokenizer.backend.to_str())
    by_bytes = any(
        block["type"] == "ByteLevel" for block in (*pipeline.normalizers, *pipeline.pre_tokenizers)
    )
    bytes_of = byte_of_character() if by_bytes else {}

    def typed(beginning: str) -> str | None:
        bare = beginning.removeprefix(mark)
        try:
            text = bytes(bytes_of[character] for character in bare).decode() if by_bytes else bare
        except (UnicodeDecodeError, KeyError):
            return None
        # A tokenizer with NFD has decomposed Hangul in its words; a person types composed syllables.
        return normalize("NFC", text)

    return typed


def _is_word(text: str, options: SuggestOptions) -> bool:
    """Whether it is long enough, and letters, marks and digits at both ends with letters enough between."""
    if len(text) < options.min_length or not all(_kind(text[end]) in "LMN" for end in (0, -1)):
        return False
    letters = sum(_kind(character) in "LM" for character in text)
    # A combining mark at the start belongs to a character before it.
    return letters >= options.letters * len(text) and _kind(text[0]) != "M"


def _kind(character: str) -> str:
    return unicodedata.category(character)[0]


def _with_all(tokenizer: LoadedTokenizer, chosen: Sequence[Chosen], cut: CutWords) -> tuple[int, int]:
    """Tokens of the corpus's words, and unknown ones, by the tokenizer with every chosen token in it."""
    extended = extend(tokenizer, [TokenRequest(token.text, native=True) for token in chosen])
    model = Model.of(replace(tokenizer, backend=extended.backend))
    tokens, unknown = cut.too_long, 0 if model.unknown is None else cut.too_long
    for start in range(0, len(cut.words), _BATCH):
        counts = cut.counts[start : start + _BATCH].tolist()
        encodings = model.cut(cut.words[start : start + _BATCH])
        for count, encoding in zip(counts, encodings, strict=True):
            tokens += count * len(encoding)
            unknown += 0 if model.unknown is None else count * encoding.ids.count(model.unknown)
    return tokens, unknown


def _as_suggestion(
    chosen: Chosen, cut: CutWords, model: Model, typed: Callable[[str], str | None]
) -> dict[str, Any]:
    # The last form is the one after a space, which is the usual one in running text.
    form = chosen.forms[-1]
    others = [n for n in chosen.examples if cut.words[n] not in chosen.forms][:EXAMPLES]
    return {
        "token": chosen.text,
        "count": chosen.count,
        "pieces_now": model.cut([form])[0].tokens,
        "tokens_saved": chosen.saved,
        "unknown_removed": chosen.unknown,
        "words": chosen.words,
        "worse": chosen.worse,
        "vocabulary": list(chosen.forms),
        "changes": [_as_change(n, chosen, cut, model, typed) for n in others],
    }


def _as_change(
    number: int, chosen: Chosen, cut: CutWords, model: Model, typed: Callable[[str], str | None]
) -> dict[str, Any]:
    """A word with its cut now and with this token alone."""
    word = cut.words[number]
    form = max((form for form in chosen.forms if word.startswith(form)), key=len)
    return {
        "word": typed(word) or word,
        "count": int(cut.counts[number]),
        "before": model.cut([word])[0].tokens,
        "after": model.tokens_after(word, form),
    }


def _write(
    target: Path,
    result: SuggestResult,
    options: SuggestOptions,
    read_options: feed.CorpusOptions,
    inputs: Sequence[Path],
    sources: Mapping[str, Any],
    force: bool,
    threads: int | None,
) -> None:
    """Write the tokens, one per line, and their receipt."""
    summary = result.as_dict()
    with files.files(target, f".{files.RECEIPT}", force=force, inputs=inputs) as staging:
        lines = "".join(f"{suggestion['token']}\n" for suggestion in result.suggestions)
        (staging / target.name).write_text(lines, "utf-8")
        files.write_receipt(
            staging / target.name,
            command="suggest-tokens",
            settings={**asdict(options), **asdict(read_options)},
            inputs=inputs,
            packages=("tokenizers",),
            sources=sources,
            result={
                name: summary[name]
                for name in ("words", "distinct_words", "tokens", "tokens_after", "unknown", "unknown_after")
            }
            | {"suggestions": len(result.suggestions)},
            run={"seconds": result.seconds, "stages": list(result.stages), "threads": threads},
        )
