"""Rules about a tokenizer and its model: ids against rows, lengths against positions, what ids meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from tokkit import files
from tokkit.errors import counted
from tokkit.inspection.checks.inputs import ExaminedModel, Subject
from tokkit.inspection.checks.rule import MODEL, Problem, rule
from tokkit.inspection.checks.vocabulary_rules import some
from tokkit.inspection.statistics.findings import ERROR, WARNING
from tokkit.tokenizer.folder.checkpoints import segment_count
from tokkit.tokenizer.folder.load import ROLES
from tokkit.tokenizer.folder.stored_weights import (
    HEAD_COUNTS,
    are_plausible,
    differences,
    first_number,
    load_without_weights,
)

# Roles whose id changes what an encoder sees; bos and eos only matter to what generates.
_FATAL_ROLES = ("pad", "cls", "sep", "mask", "unk")

_MOST_NAMED = 5  # tokens that a suggested command names one by one


@rule(ERROR)
def max_length(subject: Subject) -> Iterator[Problem]:
    """Truncation lets through more tokens than the model takes."""
    tokenizer, model = subject.tokenizer, subject.model
    stated = tokenizer.loaded.max_length
    if model is None and stated is None:
        yield Problem(
            "no model_max_length: truncation cuts nothing, and a model with fewer positions crashes",
            f"state one:\ntokkit wrap {tokenizer.quoted} --max-length 512 -o fixed/",
            WARNING,
        )
    if model is None or (takes := model.longest) is None or (stated is not None and stated <= takes):
        return
    limit = "no model_max_length: truncation cuts nothing" if stated is None else f"takes {stated} tokens"
    crashes = model.crashes_beyond
    outcome = "a longer text crashes it" if crashes else "it was made for no more"
    yield Problem(
        f"{limit}, but {model.name} has positions for {takes}: {outcome}",
        f'write "model_max_length": {takes} into its tokenizer_config.json, or wrap it:\n'
        f"tokkit wrap {tokenizer.quoted} --max-length {takes} -o fixed/",
        # A lone tokenizer.json has nowhere to say it: whoever wraps it does.
        ERROR if crashes and tokenizer.configured else WARNING,
    )


@rule(ERROR)
def segment_ids(subject: Subject) -> Iterator[Problem]:
    """Pairs get no segment ids, or texts get ids that the model lacks."""
    tokenizer, model = subject.tokenizer, subject.model
    highest = max(tokenizer.pair_segments, default=0)
    takes = segment_count(model.config) if model else None
    given = tokenizer.gives_segments
    if model and takes == 0 and given:
        outcome = "adds the embedding of token 0 to each" if model.config["model_type"] == "gpt2" else "fails"
        yield Problem(
            f"its model_input_names have token_type_ids, but {model.name} has no segments, and {outcome}",
            f"give none:\ntokkit wrap {tokenizer.quoted} --token-type-ids no -o fixed/",
        )
    elif highest and given is not False and takes and highest >= takes:
        yield Problem(
            f"it gives a pair segment ids up to {highest}, but the model has {takes}: a pair crashes it",
            f"give none:\ntokkit wrap {tokenizer.quoted} --token-type-ids no -o fixed/",
        )
    elif highest and given is False and (model is None or (takes or 0) > highest):
        yield Problem(
            "it numbers the texts of a pair, but its model_input_names lack token_type_ids: "
            "a model with segments, such as BERT, sees both as one",
            f"give them:\ntokkit wrap {tokenizer.quoted} --token-type-ids yes -o fixed/",
            WARNING,
        )


def _model(subject: Subject) -> ExaminedModel:
    """The model; rules that need one are not run without."""
    if subject.model is None:
        raise ValueError("a rule about the model was run without one")
    return subject.model


@rule(ERROR, MODEL)
def vocabulary_size(subject: Subject) -> Iterator[Problem]:
    """The tokenizer has ids beyond the embedding rows."""
    model, needed = _model(subject), subject.tokenizer.loaded.vocab_size
    # An id without a row is an IndexError on a CPU, and an assertion on a GPU that ends the process.
    if model.rows is not None and needed > model.rows:
        message = f"its ids go up to {needed - 1}, but {model.name} has {model.rows} embedding rows"
        yield Problem(message, _rows_for_added_tokens(subject) or _own_or_none(subject))


@rule(ERROR, MODEL)
def embedding_rows(subject: Subject) -> Iterator[Problem]:
    """Configuration and weights tell different numbers of rows."""
    model = _model(subject)
    size, rows = model.number("vocab_size"), model.stored_rows
    if size is not None and rows is not None and size != rows:
        yield Problem(
            f"{model.name}: its config.json says vocab_size {size}, but {counted(rows, 'row', 'are')} stored",
            f'write "vocab_size": {rows} into {model.folder / "config.json"}',
        )


@rule(ERROR, MODEL)
def stored_weights(subject: Subject) -> Iterator[Problem]:
    """Weights of the body are missing, left over, or of another shape than its configuration describes.

    The number of attention heads is in few shapes. A changed one is seen there, where it does not divide, and
    in folders of `finetune`, whose receipt has it.
    """
    model = _model(subject)
    heads, recorded = first_number(model.config, HEAD_COUNTS), _recorded_heads(model.folder)
    if None not in (heads, recorded) and heads != recorded:
        yield Problem(
            f"{model.name}: config.json has {heads} attention heads, but it was trained with {recorded}",
            f'write "num_attention_heads": {recorded} into {model.folder / "config.json"}',
        )
    # the rule `embedding-rows` reports rows of the embeddings, and its fix comes first
    other_rows = model.stored_rows not in (None, model.number("vocab_size"))
    if not model.shapes or other_rows or are_plausible(model.config, model.shapes):
        return
    try:
        problems = differences(*load_without_weights(model.folder))
    # transformers raises errors of any kind for values that no model can be built from
    except Exception as error:
        message = f"no model can be built from its config.json: {str(error).strip().splitlines()[0][:200]}"
        problems = [(message, "bring config.json back as it was, or download the checkpoint again")]
    for message, fix in problems:
        yield Problem(f"{model.name}: {message}", fix)


def _recorded_heads(folder: Path) -> int | None:
    if not files.receipt_path(folder).is_file():
        return None
    result = files.receipt_fields(folder, "copy the whole folder again").fields("result", default=None)
    heads: int | None = None if result is None else result.integer("attention_heads", default=None)
    return heads


@rule(ERROR, MODEL)
def special_ids(subject: Subject) -> Iterator[Problem]:
    """An id of pad, cls, sep, mask or unk differs from the model's own tokenizer or configuration."""
    model, tokenizer = _model(subject), subject.tokenizer.loaded
    for role in ROLES:
        ours, theirs = tokenizer.id_of(role), {"config.json": model.number(f"{role}_token_id")}
        if model.own is not None:
            theirs["own tokenizer"] = model.own.id_of(role)
        for where, id_ in theirs.items():
            if ours is not None and id_ is not None and ours != id_:
                yield Problem(
                    f'its {role} token "{tokenizer.special[role]}" has the id {ours}, but {id_} in '
                    f"{model.name}'s {where}",
                    _own_or_none(subject),
                    ERROR if role in _FATAL_ROLES else WARNING,
                )
                # Configuration and own tokenizer of a model usually agree: one finding per role.
                break


@rule(ERROR, MODEL)
def vocabulary_order(subject: Subject) -> Iterator[Problem]:
    """Tokens have other ids in the model's own tokenizer."""
    model, count = _model(subject), len(subject.tokenizer.vocabulary)
    if moved := [token for token, id_ in _compared(subject).items() if id_ is not None]:
        yield Problem(
            f"{len(moved)} of its {count} tokens {'has' if len(moved) == 1 else 'have'} another id in "
            f"{model.name}'s own tokenizer "
            f"({some(moved)}): its embeddings would mean other words",
            _own_or_none(subject),
        )


@rule(WARNING, MODEL)
def untrained_tokens(subject: Subject) -> Iterator[Problem]:
    """Tokens that the model's own tokenizer has not."""
    model = _model(subject)
    if new := [token for token, id_ in _compared(subject).items() if id_ is None]:
        yield Problem(
            f"{counted(len(new), 'token', 'are')} not in {model.name}'s own tokenizer ({some(new)}): "
            "their embedding rows were never trained",
            "add-tokens gives new tokens rows that start from their parts",
        )


@rule(WARNING, MODEL)
def pickled_weights(subject: Subject) -> Iterator[Problem]:
    """The weights are pickles, which are never read."""
    model = _model(subject)
    if model.pickled:
        yield Problem(
            f"{model.name}: its weights are pickles, which can run code and were not read; "
            "its config.json was believed",
            "save it again with save_pretrained of a recent transformers, which writes model.safetensors",
        )


def _compared(subject: Subject) -> dict[str, int | None]:
    """Tokens that the model's own tokenizer reads otherwise -> their id there, None where it has neither."""
    model, ours = _model(subject), subject.tokenizer.vocabulary
    if model.own is None:
        return {}
    theirs: dict[str, int] = model.own.backend.get_vocab(with_added_tokens=True)
    their_ids = set(theirs.values())
    return {
        # A new token with the id of another token there would get the embedding of that one: it counts as
        # moved, not as new.
        token: theirs.get(token, id_ if id_ in their_ids else None)
        for token, id_ in sorted(ours.items(), key=lambda item: item[1])
        if theirs.get(token) != id_
    }


def _rows_for_added_tokens(subject: Subject) -> str | None:
    """The command where it is the model's own tokenizer with tokens added; None where it is another one."""
    new, own = _compared(subject), _model(subject).quoted
    # A moved token means a different tokenizer: more rows would not make its ids right.
    if not new or any(id_ is not None for id_ in new.values()):
        return None
    special = subject.tokenizer.special
    flags = [f"{'--special' if token in special else '--token'} {shlex.quote(token)}" for token in new]
    if len(flags) > _MOST_NAMED:
        return "give the model rows for what was added (add-tokens --tokens-file)"
    command = f"tokkit add-tokens {own} --model {own} {' '.join(flags)} -o fixed/"
    return f"give the model rows for what was added:\n{command}"


def _own_or_none(subject: Subject) -> str:
    """What to do where a tokenizer is not the one that a model was trained with."""
    if _model(subject).own is None:
        return "fine-tune without this model: an encoder is built for the tokenizer"
    return "fine-tune with the model's own tokenizer, or without this model"
