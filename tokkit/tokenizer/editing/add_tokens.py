"""`add_tokens`: extend a tokenizer, and the embeddings of a model, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import UsageError, counted
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress, stage
from tokkit.sources.corpora import corpora_path
from tokkit.tokenizer.editing.effects import Effects, Proof, measure_effects, prove
from tokkit.tokenizer.editing.extend import Extension, extend
from tokkit.tokenizer.editing.folders import load_source, write_receipt, write_tokenizer
from tokkit.tokenizer.editing.options import AddTokensOptions
from tokkit.tokenizer.editing.segmentation import normalizes_in_context
from tokkit.tokenizer.editing.token_requests import TokenRequest, parse_requests
from tokkit.tokenizer.folder.load import LoadedTokenizer


@dataclass(frozen=True, kw_only=True)
class AddTokensResult:
    """What was added and what it changes.

    added, already_present      tokens as written in the vocabulary
    intermediate                tokens that BPE needs to build those
    embedding_rows_before, ...  None without a model
    unused_rows_taken           existing rows that belonged to no token and now belong to new ones
    from_mean                   tokens whose rows are the table's mean: the old tokenizer had no piece of them
    """

    tokenizer: str
    added: tuple[str, ...]
    already_present: tuple[str, ...]
    intermediate: tuple[str, ...]
    ids: Mapping[str, int]
    vocab_size: int
    model: str | None = None
    model_class: str | None = None
    embedding_rows_before: int | None = None
    embedding_rows_after: int | None = None
    unused_rows_taken: int | None = None
    init: str | None = None
    from_mean: tuple[str, ...] = ()
    proof: tuple[Proof, ...]
    effects: Effects

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON types."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))  # tuples become lists
        sample = content["effects"]
        return content | {"effects": sample.pop("examples"), "sample": sample}


def add_tokens(
    tokenizer: str | Path | None = None,
    out: str | Path = "out",
    options: AddTokensOptions | None = None,
    *,
    model: str | Path | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> AddTokensResult:
    """Write a folder with the extended tokenizer and, with ``model``, that model with rows for its tokens.

    Without ``tokenizer`` the model's own is extended. ``settings`` are fields of `AddTokensOptions`:
    ``add_tokens("bert/", "longer/", model="bert/", token=["COVID"])``.

    Every old token keeps its id and, in the model, its row bit by bit. New tokens are proven to be produced.
    Raises `UsageError` where nothing is requested or everything is present; `InputError` for a tokenizer or
    model that cannot be read or that do not belong together, and for a token that would not be produced;
    `OutputError`.
    """
    chosen = apply_settings(AddTokensOptions, options, settings)
    requests = parse_requests(chosen)
    if model is None:
        _check_without_model(chosen)
    source = load_source(tokenizer, model, progress)
    old = source.tokenizer
    _check_roles(requests, old)
    if chosen.normalized is None:
        requests = tuple(_matchable(request, old, progress) for request in requests)
    sample_files = feed.files_of(chosen.sample) if chosen.sample else []
    tokens_file = None if chosen.tokens_file is None else Path(chosen.tokens_file)
    inputs = list(dict.fromkeys([*source.files, *([tokens_file] if tokens_file else []), *sample_files]))
    with files.folder(Path(out), force=force, inputs=inputs) as staging:
        extension = extend(old, requests)
        _check_changes(extension, requests, chosen)
        _report_forms(extension, progress)
        # before the slow part: a token that is never produced ends the run
        proofs = prove(extension, requests)
        roles = {request.role: request.token for request in requests if request.role}
        new = replace(old, backend=extension.backend, special={**old.special, **roles})
        packages = ["tokenizers"]
        model_figures: dict[str, Any] = {}
        if source.checkpoint is not None:
            # torch and transformers are loaded only where a model is named
            from tokkit.tokenizer.editing.resize_embeddings import grow_model

            model_figures = grow_model(staging, source, new, extension.new, requests, chosen, progress)
            packages += ["transformers", "torch"]
        extra_special = [request.token for request in requests if request.special and request.role is None]
        # on the proofs too: AutoTokenizer must match the new tokens
        self_test = write_tokenizer(staging, new, extra_special, texts=[proof.text for proof in proofs])
        with stage(progress, "comparing on the sample"):
            paths = sample_files or sorted(corpora_path().glob("*.txt"))
            corpus = feed.plan(
                paths, feed.CorpusOptions(encoding=chosen.encoding if sample_files else None), progress
            )
            effects = measure_effects(old.backend, extension, requests, feed.items(corpus), progress)
        result = AddTokensResult(
            tokenizer=str(out),
            added=tuple(token.token for token in extension.new if token.word is not None),
            already_present=extension.already_present,
            intermediate=tuple(token.token for token in extension.new if token.word is None),
            ids={token.token: token.id for token in extension.new},
            vocab_size=new.vocab_size,
            model=None if model is None else str(out),
            proof=tuple(proofs),
            effects=effects,
            **model_figures,
        )
        content = result.as_dict() | {"self_test": self_test}
        recorded = {
            **asdict(chosen),
            "model": model is not None,
            "sample": [path.name for path in sample_files],
            "tokens_file": tokens_file and tokens_file.name,
        }
        sources = {
            "tokenizer": tokenizer,
            "model": model,
            "tokens_file": tokens_file,
            "sample": list(chosen.sample),
        }
        write_receipt(
            staging, "add-tokens", content, recorded, inputs=inputs, packages=packages, sources=sources
        )
    return result


def _check_without_model(options: AddTokensOptions) -> None:
    for name in ("pad_to_multiple_of", "description", "init"):
        if getattr(options, name) != getattr(AddTokensOptions, name):
            raise UsageError(f"--{name.replace('_', '-')}: is about a model's embeddings; name it: --model M")


def _check_roles(requests: Sequence[TokenRequest], old: LoadedTokenizer) -> None:
    for request in requests:
        current = old.special.get(request.role or "")
        if current is not None and current != request.token:
            raise UsageError(
                f'--role: the tokenizer has a {request.role} token already, "{current}", which the model was '
                "trained with",
                hint="leave --role out, and add it without one (--special)",
            )


def _matchable(request: TokenRequest, old: LoadedTokenizer, progress: Progress) -> TokenRequest:
    """The request, matched in the text as written where the normalized text would hide it."""
    if not request.normalized or request.native or normalizes_in_context(old.backend, request.token):
        return request
    progress.say(
        f'"{request.token}": the normalizer changes it inside a text; it is matched in the text as it is '
        "written"
    )
    return replace(request, normalized=False)


def _check_changes(extension: Extension, requests: Sequence[TokenRequest], options: AddTokensOptions) -> None:
    """Raise `UsageError` where neither the tokenizer nor the model would change."""
    changes = extension.new or extension.became_special or options.pad_to_multiple_of
    if not changes and not any(request.role for request in requests):
        present = ", ".join(f'"{token}"' for token in extension.already_present[:5])
        raise UsageError(f"{present}: already in the vocabulary; there is nothing to add")


def _report_forms(extension: Extension, progress: Progress) -> None:
    for token in extension.new:
        if token.native and token.word not in (None, token.token):
            progress.say(f'"{token.word}" is "{token.token}" in the vocabulary')
    if intermediate := [token.token for token in extension.new if token.word is None]:
        progress.say(
            f"added {counted(len(intermediate), 'intermediate token')}: {', '.join(intermediate[:5])}"
        )
