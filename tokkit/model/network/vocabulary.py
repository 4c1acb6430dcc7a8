"""Whether a tokenizer belongs to a pretrained body, by the rules of `doctor`, and new embeddings where not.

A body knows words by the rows of its embedding matrix. With another vocabulary the rows mean other words;
nothing crashes, the model only learns badly. Such a tokenizer is refused unless a new matrix is requested.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from tokkit.errors import InputError
from tokkit.inspection.checks import rules
from tokkit.inspection.checks.inputs import Subject, examined_model, examined_tokenizer
from tokkit.inspection.statistics.findings import ERROR, Finding
from tokkit.model.network.heads import initializer_range
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.editing.embeddings import EmbeddingTables, copy_tables, replace_tables
from tokkit.tokenizer.folder.checkpoints import check_fit
from tokkit.tokenizer.folder.load import ROLES, LoadedTokenizer, load_unchecked

# Rules for tokenizers whose ids are wrong with any body.
_WRONG_IDS = ("self-test", "duplicate-ids", "stale-post-processor")

# Rules for a vocabulary that is not the body's; a new embedding matrix fixes what they find.
_OTHER_VOCABULARY = ("vocabulary-size", "embedding-rows", "vocabulary-order")

# Rules whose findings are reported only; fine-tuning takes care of doctor's other rules itself.
_REPORTED = ("unknown-token", "special-tokens")
_REPORTED_WITH_BODY = ("special-ids", "untrained-tokens")


def check(
    name: str | Path, body: str, config: Any, tokenizer: LoadedTokenizer, reset: bool, progress: Progress
) -> None:
    """Report what `doctor` finds; raises `InputError` for a tokenizer that does not fit.

    name   the checkpoint, with its own tokenizer where it has one
    body   folder or hub name of its body
    reset  whether the embeddings will be replaced anyway
    """
    if not reset and _is_own(name, tokenizer):
        check_fit(name, config, tokenizer, hint="the folder is incomplete: download or copy it again")
        return
    applied = (*_WRONG_IDS, *_REPORTED, *(() if reset else (*_OTHER_VOCABULARY, *_REPORTED_WITH_BODY)))
    findings = _findings(name, body, tokenizer, applied)
    for finding in findings:
        if finding.severity == ERROR and finding.rule in _WRONG_IDS:
            raise InputError(f"{tokenizer.folder}: {finding.message}", hint=finding.fix)
        if finding.severity == ERROR and finding.rule in _OTHER_VOCABULARY:
            raise InputError(
                f"{tokenizer.folder}: it does not belong to {name}: {finding.message}",
                hint="leave --tokenizer out to use the model's own, which add-tokens extends, or initialize "
                "new embeddings for this one:\n--reset-embeddings",
            )
    for finding in findings:
        progress.say(f"{tokenizer.folder}: {finding.message} ({finding.rule})")


def reset_embeddings(
    model: PreTrainedModel, tokenizer: LoadedTokenizer, name: str | Path, progress: Progress
) -> None:
    """Replace the embedding matrix by a new one with a row per id of the tokenizer."""
    before = copy_tables(model, str(name)).input
    embeddings = torch.empty(tokenizer.vocab_size, before.shape[1]).normal_(
        std=initializer_range(model.config)
    )
    if (pad := tokenizer.id_of("pad")) is not None:
        embeddings[pad] = 0
    replace_tables(model, EmbeddingTables(embeddings), str(name))
    module: Any = model.get_input_embeddings()
    module.padding_idx = pad
    for role in ROLES:
        if hasattr(model.config, f"{role}_token_id") and (id_ := tokenizer.id_of(role)) is not None:
            setattr(model.config, f"{role}_token_id", id_)
    progress.say(
        f"{name}: a new embedding matrix of {len(embeddings):,} rows replaces its {len(before):,}: the body "
        "loses what it knew of words and keeps its layers; train long, on many rows. To keep its words and "
        "add yours: the command add-tokens"
    )


def _is_own(name: str | Path, tokenizer: LoadedTokenizer) -> bool:
    own = Path(name) / "tokenizer.json"
    return own.exists() and tokenizer.file.exists() and own.samefile(tokenizer.file)


def _findings(
    name: str | Path, body: str, tokenizer: LoadedTokenizer, applied: tuple[str, ...]
) -> list[Finding]:
    examined = examined_tokenizer(tokenizer.file if tokenizer.file.exists() else tokenizer.folder, SILENT)
    model = examined_model(body, examined, SILENT)
    if body != str(name) and Path(name).is_dir():
        # A folder with one of our heads: its tokenizer is one level above the body.
        model = replace(model, own=load_unchecked(name))
    subject = Subject(examined, replace(model, name=str(name)))
    return rules.findings(subject, {rule: "not applied" for rule in rules.RULES if rule not in applied})
