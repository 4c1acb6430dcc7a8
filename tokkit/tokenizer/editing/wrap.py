"""`wrap`: write a folder that transformers loads to the same ids, from a `tokenizer.json` or a `.model`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import InputError, UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.blocks import build as blocks
from tokkit.tokenizer.blocks.post_processors import unmarked
from tokkit.tokenizer.blocks.recipes import BERT_INPUTS, PLAIN_INPUTS
from tokkit.tokenizer.blocks.registry import SpecialTokens
from tokkit.tokenizer.editing import special_tokens as specials
from tokkit.tokenizer.editing.folders import write_receipt, write_tokenizer
from tokkit.tokenizer.editing.options import WrapOptions
from tokkit.tokenizer.editing.round_trip import Comparison, sample_texts, verify_ids
from tokkit.tokenizer.editing.wrap_source import WrapSource, load_wrap_source
from tokkit.tokenizer.folder.class_settings import inputs_of
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE
from tokkit.tokenizer.sentencepiece.convert import FAIRSEQ

_FAIRSEQ_TEMPLATE = "template:single=<s> $A </s>,pair=<s> $A </s> </s> $B </s>"


@dataclass(frozen=True)
class WrapResult:
    """The folder written.

    special        role -> token
    class_rebuild  how `AutoTokenizer` read the original other than its `tokenizer.json` says; None where it
                   did not. It reads the written folder correctly.
    proven_on      number of texts, pairs included, that give the same ids before and after
    ties           number of texts of which SentencePiece takes another, equally likely segmentation
    sha256         of `tokenizer.json`
    """

    tokenizer: str
    vocab_size: int
    special: Mapping[str, str]
    max_length: int | None
    input_names: tuple[str, ...]
    class_rebuild: str | None
    proven_on: int
    ties: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON types; ``class_rebuild`` as ``{"found": how or None, "mended": whether}``."""
        rebuild = {"found": self.class_rebuild, "mended": self.class_rebuild is not None}
        return asdict(self) | {"input_names": list(self.input_names), "class_rebuild": rebuild}


def wrap(
    tokenizer: str | Path,
    out: str | Path = "out",
    options: WrapOptions | None = None,
    *,
    read_options: feed.ReadingOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> WrapResult:
    """Write a folder that `AutoTokenizer` and `PreTrainedTokenizerFast` load to the tokenizer's own ids.

    tokenizer  a `tokenizer.json`; a folder with one, or with the files of older tokenizers, or one `.model`;
               a SentencePiece `.model`

    ``settings`` are fields of `WrapOptions` and `ReadingOptions` (of ``check``):
    ``wrap("tokenizer.json", "out/", pad_token="<pad>")``. Nothing is published unless every loader gives the
    same ids on every sample text.

    Raises `UsageError` for a role's token that is not in the vocabulary, and where the package
    `sentencepiece` is missing; `InputError` for what is not a tokenizer, for one whose files name a token
    that is missing, and where ids differ; `OutputError`.
    """
    chosen, read_options = apply_to_both(WrapOptions, options, feed.ReadingOptions, read_options, settings)
    checked = (*chosen.check, *chosen.sample)
    samples = feed.files_of(checked, progress, read_options) if checked else []
    # check before the slow part, not only when the folder is published
    files.check_output(Path(out), force=force, inputs=[tokenizer], kind="folder")
    source = load_wrap_source(str(tokenizer), chosen, progress)
    inputs = [*source.read, *samples]
    corpus = (
        feed.plan(samples, read_options, progress)
        if samples
        else feed.plan(source.default_check(), feed.ReadingOptions())
    )
    with files.folder(Path(out), force=force, inputs=inputs) as staging:
        wrapped = _wrap_backend(source, chosen, progress)
        with stage(progress, "loading transformers"):
            rebuild = source.rebuild_difference()
        if rebuild is not None:
            progress.say(f"{source.name}: {rebuild}; fixed: the class written loads tokenizer.json as it is")
        self_test = write_tokenizer(staging, wrapped, chosen.extra_special_token)
        special = dict.fromkeys((*wrapped.special.values(), *chosen.extra_special_token))
        with stage(progress, "verifying ids"):
            texts = sample_texts(special, corpus)
            comparison = verify_ids(wrapped.backend, staging, texts, source.reference, progress)
        if not comparison.texts:
            raise InputError(f"{source.name}: fails on every sample text, so its ids cannot be verified")
        _report_ties(source, comparison, bool(checked), progress)
        result = WrapResult(
            tokenizer=str(out),
            vocab_size=wrapped.vocab_size,
            # sorted: the receipt does not depend on the order in which roles were resolved
            special=dict(sorted(wrapped.special.items())),
            max_length=wrapped.max_length,
            input_names=wrapped.config.input_names or PLAIN_INPUTS,
            class_rebuild=rebuild,
            proven_on=comparison.texts - comparison.ties,
            ties=comparison.ties,
            sha256=files.sha256_of(staging / TOKENIZER_FILE),
        )
        content = result.as_dict() | {"self_test": self_test}
        recorded = (
            asdict(chosen) | asdict(read_options) | {"check": [path.name for path in samples], "sample": ()}
        )
        converted = source.file.suffix == ".model"
        packages = ["tokenizers", "transformers", *(["sentencepiece"] if converted else [])]
        sources = {"tokenizer": tokenizer, "check": list(checked)}
        write_receipt(staging, "wrap", content, recorded, inputs=inputs, packages=packages, sources=sources)
    return result


def _report_ties(source: WrapSource, comparison: Comparison, checked: bool, progress: Progress) -> None:
    if comparison.ties:
        progress.say(
            f"{source.name}: {comparison.ties:,} of {comparison.texts:,} texts have several equally likely "
            f"segmentations, of which SentencePiece takes another one; the first, {comparison.first['ties']}"
        )
    elif source.has_ties and not checked:
        progress.say(
            f"{source.name}: of equally likely segmentations (... .. and .. ...) SentencePiece may take "
            "another one: about 1 in 1,000 texts of reviews; --check CORPUS counts yours"
        )


def _wrap_backend(source: WrapSource, options: WrapOptions, progress: Progress) -> LoadedTokenizer:
    """The tokenizer with its roles, template, maximum length and inputs; reports what was inferred."""
    backend = source.backend
    vocabulary = backend.get_vocab(with_added_tokens=True)
    post_processor = options.post_processor or ((_FAIRSEQ_TEMPLATE,) if source.layout == FAIRSEQ else ())
    # a template that is replaced says nothing about roles
    template = None if post_processor else json.loads(backend.to_str())["post_processor"]
    roles = specials.resolve_roles(source, options, template, vocabulary, progress)
    if post_processor:
        try:
            tokens = SpecialTokens(vocabulary, roles)
            backend.post_processor = blocks.sequence("post_processor", post_processor, tokens)
        except UsageError as error:
            raise UsageError(
                error.message, hint="name tokens of the vocabulary (--cls-token, --sep-token)"
            ) from error
    special = (*roles.values(), *options.extra_special_token)
    backend = specials.repair(backend, special, source.name, progress)
    if missing := unmarked(backend, roles):
        progress.say(f"{source.name}: {missing}; --post-processor bert does")
    names, config = _input_names(source, options, backend, progress), source.config
    if names != (config.input_names or PLAIN_INPUTS) or "tokenizer_class" not in config.settings:
        config = replace(config, settings={**config.settings, "model_input_names": list(names)})
    return LoadedTokenizer(
        backend=backend,
        special=roles,
        max_length=_max_length(source, options, progress),
        config=config,
        folder=source.file.parent,
        file=source.file,
    )


def _max_length(source: WrapSource, options: WrapOptions, progress: Progress) -> int | None:
    if known := options.max_length or source.config.max_length:
        return known
    # transformers takes 1e30 for a missing length, truncates nothing, and the model fails on long texts
    if source.truncated_at is None:
        progress.say("unknown maximum length: truncation=True truncates nothing; --max-length 512 sets one")
    else:
        progress.say(f"model_max_length {source.truncated_at}: from the truncation stored in the tokenizer")
    return source.truncated_at


def _input_names(
    source: WrapSource, options: WrapOptions, backend: Tokenizer, progress: Progress
) -> tuple[str, ...]:
    if options.token_type_ids is not None:
        return BERT_INPUTS if options.token_type_ids == "yes" else PLAIN_INPUTS
    if source.config.input_names is not None:
        return source.config.input_names
    names = inputs_of(backend)
    # its class gives no segment ids unless a file says so, and a wrapped tokenizer gives what it gave
    if names == BERT_INPUTS and source.config.settings.get("tokenizer_class"):
        progress.say("pairs get no segment ids, as its configuration says; --token-type-ids yes gives them")
        return PLAIN_INPUTS
    return names
