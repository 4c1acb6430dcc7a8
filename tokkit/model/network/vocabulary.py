"""Whether a tokenizer belongs to a pretrained body, by the rules of `doctor`, and new embeddings where not.

A body knows words by the rows of its embedding matrix. Another vocabulary gives the rows other words, and
nothing crashes: it only learns badly. So it is refused, unless a new matrix is asked for.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.inspection.doctor import rules
from tokkit.inspection.doctor.subject import Subject, examined_model, examined_tokenizer
from tokkit.inspection.findings import ERROR, Finding
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.checkpoints import check_fit
from tokkit.tokenizer.editing.embeddings import Tables, put, tables_of
from tokkit.tokenizer.load import ROLES, LoadedTokenizer, opened

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_WRONG = ("self-test", "duplicate-ids", "stale-post-processor")
"""Rules that say that a tokenizer's ids are wrong with any body."""

_NOT_THE_BODY_S = ("vocabulary-size", "embedding-rows", "vocabulary-order")
"""Rules that say that a vocabulary is not the body's; a new embedding matrix mends what they find."""

_SAID = ("unknown-token", "special-tokens")
_SAID_OF_THE_BODY = ("special-ids", "untrained-tokens")
"""Rules whose findings training can live with; to the rest of doctor's rules tokkit sees itself."""

_INITIALIZER_RANGE = 0.02
"""Deviation of new rows where a configuration names none; BERT's."""


def check(
    name: str | Path, where: str, config: Any, tokenizer: LoadedTokenizer, reset: bool, progress: Progress
) -> None:
    """Says what `doctor` finds of a tokenizer beside a checkpoint; raises `InputError` where it does not fit.

    name   the checkpoint, with its own tokenizer where it has one
    where  where its body lies
    reset  whether it gets new embeddings anyway
    """
    if not reset and _is_own(name, tokenizer):
        check_fit(name, config, tokenizer, hint="the folder is not whole: fetch or copy it again")
        return
    asked = (*_WRONG, *_SAID, *(() if reset else (*_NOT_THE_BODY_S, *_SAID_OF_THE_BODY)))
    found = _findings(name, where, tokenizer, asked)
    for finding in found:
        if finding.severity == ERROR and finding.rule in _WRONG:
            raise InputError(f"{tokenizer.folder}: {finding.message}", hint=finding.fix)
        if finding.severity == ERROR and finding.rule in _NOT_THE_BODY_S:
            model = shlex.quote(str(name))
            raise InputError(
                f"{tokenizer.folder}: it does not belong to {name}: {finding.message}",
                hint=f"leave --tokenizer out to use the model's own, which tokkit add-tokens {model} --model "
                f"{model} extends; --reset-embeddings draws new embeddings for this one",
            )
    for finding in found:
        progress.say(f"{tokenizer.folder}: {finding.message} ({finding.rule})")


def reset_embeddings(
    model: PreTrainedModel, tokenizer: LoadedTokenizer, name: str | Path, progress: Progress
) -> None:
    """Gives the model a new embedding matrix, a row for each id of the tokenizer; says what that means."""
    import torch

    before = tables_of(model, str(name)).input
    deviation = getattr(model.config, "initializer_range", None) or _INITIALIZER_RANGE
    drawn = torch.empty(tokenizer.vocab_size, before.shape[1]).normal_(std=deviation)
    if (pad := tokenizer.id_of("pad")) is not None:
        drawn[pad] = 0
    put(model, Tables(drawn, None, None), str(name))
    embedding: Any = model.get_input_embeddings()
    embedding.padding_idx = pad
    for role in ROLES:
        if hasattr(model.config, f"{role}_token_id") and (id_ := tokenizer.id_of(role)) is not None:
            setattr(model.config, f"{role}_token_id", id_)
    quoted = shlex.quote(str(name))
    progress.say(
        f"{name}: a new embedding matrix of {len(drawn):,} rows is drawn in place of its {len(before):,}: "
        "what the body knew of words is gone, its layers stay; train long, on many rows. To keep its words "
        f"and add yours: tokkit add-tokens {quoted} --model {quoted} -o DIR"
    )


def _is_own(name: str | Path, tokenizer: LoadedTokenizer) -> bool:
    theirs = Path(name) / "tokenizer.json"
    return theirs.exists() and tokenizer.file.exists() and theirs.samefile(tokenizer.file)


def _findings(
    name: str | Path, where: str, tokenizer: LoadedTokenizer, asked: tuple[str, ...]
) -> list[Finding]:
    examined = examined_tokenizer(tokenizer.file if tokenizer.file.exists() else tokenizer.folder, SILENT)
    body = examined_model(where, examined, SILENT)
    if where != str(name) and Path(name).is_dir():  # a body in a folder of its own, its tokenizer above it
        body = replace(body, own=opened(name))
    subject = Subject(examined, replace(body, name=str(name)), None, None)
    return rules.findings(subject, {rule: "not asked" for rule in rules.RULES if rule not in asked})
