"""`add_tokens`: more tokens for a tokenizer, and rows for them in a model, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress, stage
from tokkit.sources.corpora import corpora_path
from tokkit.tokenizer.editing import models, written
from tokkit.tokenizer.editing.effects import Effects, Proof, effects, prove
from tokkit.tokenizer.editing.extend import Extension, extend
from tokkit.tokenizer.editing.model_growth import ModelGrowth
from tokkit.tokenizer.editing.pre_tokens import normalizes_alike
from tokkit.tokenizer.editing.requests import AddTokensOptions, Request, descriptions, requested
from tokkit.tokenizer.editing.sound import files_read, load_sound
from tokkit.tokenizer.folder.load import LoadedTokenizer


@dataclass(frozen=True)
class AddTokensResult:
    """What was added and what it changes.

    added, already_present      tokens as they stand in the vocabulary
    intermediate                tokens on the way to those, which BPE needs
    embedding_rows_before, ...  None without a model
    unused_rows_taken           rows that were there, belonged to no token, and now belong to new ones
    from_mean                   tokens whose rows are the table's mean: the old tokenizer knew nothing of them
    """

    tokenizer: str
    added: tuple[str, ...]
    already_present: tuple[str, ...]
    intermediate: tuple[str, ...]
    ids: Mapping[str, int]
    vocab_size: int
    model: str | None
    model_class: str | None
    embedding_rows_before: int | None
    embedding_rows_after: int | None
    unused_rows_taken: int | None
    init: str | None
    from_mean: tuple[str, ...]
    proof: tuple[Proof, ...]
    effects: Effects

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON's types."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        lists = ("added", "already_present", "intermediate", "from_mean")
        told |= {name: list(told[name]) for name in lists}
        told["proof"] = [proof.as_dict() for proof in self.proof]
        return told | self.effects.as_dict()


def add_tokens(
    tokenizer: str | Path | None = None,
    out: str | Path = "out",
    spec: AddTokensOptions | None = None,
    *,
    model: str | Path | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> AddTokensResult:
    """Writes a folder with the extended tokenizer and, with ``model``, that model with rows for its tokens.

    Without ``tokenizer`` the model's own is extended. ``settings`` are fields of `AddTokensOptions`:
    ``add_tokens("bert/", "longer/", model="bert/", token=["COVID"])``.

    Every old token keeps its id and, in the model, its row bit by bit. New tokens are proven to be produced.
    Raises `UsageError` where nothing is asked for or all of it is there; `InputError` for a tokenizer or
    model that cannot be read or that do not belong together, and for a token that would not be produced;
    `OutputError`.
    """
    chosen = apply_settings(AddTokensOptions, spec, settings)
    requests = requested(chosen)
    described = descriptions(chosen, requests)
    if model is None:
        _needs_model(chosen)
    source = None if model is None else models.checkpoint_folder(model, progress)
    named = tokenizer if tokenizer is not None else source
    if named is None:
        raise UsageError("name a tokenizer, or a model whose own is to be extended: --model")
    old = load_sound(named, progress)
    _check_roles(requests, old)
    if chosen.normalized is None:
        requests = tuple(_matchable(request, old, progress) for request in requests)
    read = [*files_read(old), *([] if source is None else [source]), *_sample_files(chosen)]
    with files.folder(Path(out), force=force, inputs=read) as staging:
        extension = extend(old, requests)
        _check_worth(extension, requests, chosen)
        _say_steps(extension, progress)
        proofs = prove(extension, requests)
        new = _renewed(old, extension, requests)
        extra = [request.token for request in requests if request.special and request.role is None]
        told: dict[str, Any] = {}
        if source is not None:
            assert model is not None
            growth = ModelGrowth(old, new, extension.new, requests, described, chosen)
            told = growth.write(staging, source, str(model), progress)
        test = written.write_tokenizer(staging, new, extra)
        with stage(progress, "comparing on the sample"):
            changed = effects(old.backend, extension, requests, _sample(chosen, progress), progress)
        if source is not None:
            written.check_loads(staging, new, [*(proof.text for proof in proofs), *_texts(test)])
        result = AddTokensResult(
            tokenizer=str(out),
            added=tuple(token.token for token in extension.new if token.word is not None),
            already_present=extension.already_present,
            intermediate=tuple(token.token for token in extension.new if token.word is None),
            ids={token.token: token.id for token in extension.new},
            vocab_size=new.vocab_size,
            model=None if model is None else str(out),
            proof=tuple(proofs),
            effects=changed,
            **{**dict.fromkeys(_OF_MODEL), "from_mean": (), **told},
        )
        files.write_receipt(
            staging,
            command="add-tokens",
            settings={**asdict(chosen), "model": model is not None},
            inputs=list(dict.fromkeys(read)),
            packages=("tokenizers", *(() if model is None else ("transformers", "torch"))),
            result={**_receipted(result), "self_test": test},
            run={},
        )
    return result


_OF_MODEL = ("model_class", "embedding_rows_before", "embedding_rows_after", "unused_rows_taken", "init")


def _needs_model(spec: AddTokensOptions) -> None:
    for name in ("pad_to_multiple_of", "description", "init"):
        if getattr(spec, name) != getattr(AddTokensOptions, name):
            raise UsageError(f"--{name.replace('_', '-')}: is about a model's embeddings; name it: --model M")


def _check_roles(requests: Sequence[Request], old: LoadedTokenizer) -> None:
    for request in requests:
        held = old.special.get(request.role or "")
        if held is not None and held != request.token:
            raise UsageError(
                f'--role: the tokenizer has a {request.role} token already, "{held}", which the model was '
                "trained with",
                hint=f"add it without a role: --special '{request.token}'",
            )


def _matchable(request: Request, old: LoadedTokenizer, progress: Progress) -> Request:
    """The request, matched in the text as it is written where the normalized text would hide it."""
    if not request.normalized or request.native or normalizes_alike(old.backend, request.token):
        return request
    progress.say(
        f'"{request.token}": the normalizer makes something else of it inside a text; it is matched in the '
        "text as it is written"
    )
    return replace(request, normalized=False)


def _check_worth(extension: Extension, requests: Sequence[Request], spec: AddTokensOptions) -> None:
    """Raises `UsageError` where the tokenizer would stay as it is, and the model too."""
    changes = extension.new or extension.became_special or spec.pad_to_multiple_of
    if not changes and not any(request.role for request in requests):
        told = ", ".join(f'"{token}"' for token in extension.already_present[:5])
        raise UsageError(f"{told}: already in the vocabulary; there is nothing to add")


def _say_steps(extension: Extension, progress: Progress) -> None:
    for token in extension.new:
        if token.native and token.word not in (None, token.token):
            progress.say(f'"{token.word}" stands in the vocabulary as "{token.token}"')
    if steps := [token.token for token in extension.new if token.word is None]:
        progress.say(f"{len(steps)} tokens on the way to them are new too: {', '.join(steps[:5])}")


def _renewed(old: LoadedTokenizer, extension: Extension, requests: Sequence[Request]) -> LoadedTokenizer:
    roles = {request.role: request.token for request in requests if request.role}
    return replace(old, backend=extension.backend, special={**old.special, **roles})


def _sample_files(spec: AddTokensOptions) -> list[Path]:
    return feed.files_of(spec.sample) if spec.sample else []


def _sample(spec: AddTokensOptions, progress: Progress) -> Iterator[list[str]]:
    if paths := _sample_files(spec):
        yield from feed.items(feed.plan(paths, feed.CorpusOptions(), progress))
    else:
        yield from feed.items(feed.plan(sorted(corpora_path().glob("*.txt")), feed.CorpusOptions()))


def _texts(test: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from (sample["text"] for sample in test if "pair" not in sample)


def _receipted(result: AddTokensResult) -> dict[str, Any]:
    """What the receipt keeps: not where it was written to."""
    return {name: value for name, value in result.as_dict().items() if name not in ("tokenizer", "model")}
