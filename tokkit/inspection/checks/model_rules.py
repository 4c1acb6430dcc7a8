"""Rules about a tokenizer and its model: ids against rows, lengths against positions, what ids meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from tokkit.inspection.checks.inputs import ExaminedModel, Subject
from tokkit.inspection.checks.tokenizer_rules import quoted
from tokkit.inspection.checks.vocabulary_rules import some
from tokkit.inspection.statistics.findings import ERROR, WARNING, Finding
from tokkit.tokenizer.folder.load import ROLES

_FATAL_ROLES = ("pad", "cls", "sep", "mask", "unk")
"""Roles whose id changes what an encoder sees; bos and eos only matter to what generates."""

_MOST_NAMED = 5
"""Maximum number of tokens that a suggested command names one by one."""


def _model(subject: Subject) -> ExaminedModel:
    """The model; rules that need one are not run without."""
    if subject.model is None:
        raise ValueError("a rule about the model was run without one")
    return subject.model


def vocabulary_size(subject: Subject) -> Iterator[Finding]:
    model, needed = _model(subject), subject.tokenizer.loaded.vocab_size
    # An id without a row is an IndexError on a CPU, and an assertion on a GPU that ends the process.
    if model.rows is not None and needed > model.rows:
        yield Finding(
            "vocabulary-size",
            ERROR,
            f"its ids go up to {needed - 1}, but {model.name} has {model.rows} embedding rows",
            _rows_for_what_was_added(subject) or _own_or_none(subject),
        )


def embedding_rows(subject: Subject) -> Iterator[Finding]:
    model = _model(subject)
    said = model.number("vocab_size")
    if said is not None and model.stored_rows is not None and said != model.stored_rows:
        yield Finding(
            "embedding-rows",
            ERROR,
            f"{model.name}: its config.json says vocab_size {said}, but {model.stored_rows} rows are stored",
            f'write "vocab_size": {model.stored_rows} into {model.folder / "config.json"}',
        )


def special_ids(subject: Subject) -> Iterator[Finding]:
    model, tokenizer = _model(subject), subject.tokenizer.loaded
    for role in ROLES:
        ours, severity = tokenizer.id_of(role), ERROR if role in _FATAL_ROLES else WARNING
        theirs = {"config.json": model.number(f"{role}_token_id")}
        if model.own is not None and not model.own_is_same:
            theirs["own tokenizer"] = model.own.id_of(role)
        for where, id_ in theirs.items():
            if ours is not None and id_ is not None and ours != id_:
                yield Finding(
                    "special-ids",
                    severity,
                    f'its {role} token "{tokenizer.special[role]}" has the id {ours}, but {id_} in '
                    f"{model.name}'s {where}",
                    _own_or_none(subject),
                )
                # One finding per role: configuration and own tokenizer of a model usually agree with each
                # other.
                break


def vocabulary_order(subject: Subject) -> Iterator[Finding]:
    model, count = _model(subject), len(subject.tokenizer.vocabulary)
    moved = [token for token, id_ in _compared(subject).items() if id_ is not None]
    if moved:
        yield Finding(
            "vocabulary-order",
            ERROR,
            f"{len(moved)} of its {count} tokens have another id in {model.name}'s own tokenizer "
            f"({some(moved)}): its embeddings would mean other words",
            _own_or_none(subject),
        )


def untrained_tokens(subject: Subject) -> Iterator[Finding]:
    model = _model(subject)
    new = [token for token, id_ in _compared(subject).items() if id_ is None]
    if new:
        yield Finding(
            "untrained-tokens",
            WARNING,
            f"{len(new)} tokens are not in {model.name}'s own tokenizer ({some(new)}): "
            "their embedding rows were never trained",
            f"tokkit add-tokens {shlex.quote(model.name)} --model {shlex.quote(model.name)} "
            "--token T -o DIR gives new tokens rows that start from their parts",
        )


def _compared(subject: Subject) -> dict[str, int | None]:
    """Tokens that the model's own tokenizer reads otherwise -> their id there, None where it has neither."""
    model, ours = _model(subject), subject.tokenizer.vocabulary
    if model.own is None or model.own_is_same:
        return {}
    theirs: Mapping[str, int] = model.own.backend.get_vocab(with_added_tokens=True)
    taken = set(theirs.values())
    return {
        # A new token with the id of another token there would get the embedding of that one: it counts as
        # moved, not as new.
        token: theirs.get(token, id_ if id_ in taken else None)
        for token, id_ in sorted(ours.items(), key=lambda item: item[1])
        if theirs.get(token) != id_
    }


def pickled_weights(subject: Subject) -> Iterator[Finding]:
    model = _model(subject)
    if model.pickled:
        yield Finding(
            "pickled-weights",
            WARNING,
            f"{model.name}: its weights are pickles, which can run code and were not read; "
            "its config.json was believed",
            "save it again with save_pretrained of a recent transformers, which writes model.safetensors",
        )


def max_length(subject: Subject) -> Iterator[Finding]:
    tokenizer, model = subject.tokenizer, subject.model
    stated, takes = tokenizer.loaded.max_length, model.longest if model else None
    if model is not None and takes is not None:
        if stated is not None and stated <= takes:
            return
        limit = "no model_max_length: truncation cuts nothing" if stated is None else f"takes {stated} tokens"
        crashes = model.crashes_beyond
        outcome = "a longer text crashes it" if crashes else "it was made for no more"
        yield Finding(
            "max-length",
            # a lone tokenizer.json has nowhere to say it: whoever wraps it does
            ERROR if crashes and tokenizer.configured else WARNING,
            f"{limit}, but {model.name} has positions for {takes}: {outcome}",
            f"tokkit wrap {quoted(tokenizer)} --max-length {takes} -o DIR, "
            f'or write "model_max_length": {takes} into its tokenizer_config.json',
        )
    elif stated is None and model is None:
        yield Finding(
            "max-length",
            WARNING,
            "no model_max_length: truncation cuts nothing, and a model with fewer positions crashes",
            f"tokkit wrap {quoted(tokenizer)} --max-length 512 -o DIR",
        )


def segment_ids(subject: Subject) -> Iterator[Finding]:
    """Compare the segment ids of an encoded pair with those that the model takes."""
    tokenizer, model = subject.tokenizer, subject.model
    highest = max(tokenizer.pair_segments, default=0)
    # None without a model, and 0 for a model without `type_vocab_size`, which has no segments.
    takes = model.number("type_vocab_size") or 0 if model else None
    given = tokenizer.gives_segments
    if highest and given is not False and takes and highest >= takes:
        yield Finding(
            "segment-ids",
            ERROR,
            f"it gives a pair segment ids up to {highest}, but the model has {takes}: a pair crashes it",
            f"tokkit wrap {quoted(tokenizer)} --token-type-ids no -o DIR",
        )
    elif highest and given is False and (takes is None or takes > highest):
        yield Finding(
            "segment-ids",
            WARNING,
            "it numbers the texts of a pair, but its model_input_names lack token_type_ids: "
            "a model with segments, such as BERT, sees both as one",
            f"tokkit wrap {quoted(tokenizer)} --token-type-ids yes -o DIR",
        )


def _rows_for_what_was_added(subject: Subject) -> str | None:
    """The command where it is the model's own tokenizer with tokens added; None where it is another one."""
    new = _compared(subject)
    # A moved token means a different tokenizer: more rows would not make its ids right.
    if not new or any(id_ is not None for id_ in new.values()):
        return None
    special = {each["content"] for each in subject.tokenizer.added if each.get("special")}
    flags = [f"{'--special' if token in special else '--token'} {shlex.quote(token)}" for token in new]
    named = " ".join(flags) if len(flags) <= _MOST_NAMED else "--tokens-file FILE"
    own = shlex.quote(_model(subject).name)
    return f"tokkit add-tokens {own} --model {own} {named} -o DIR gives the model rows for what was added"


def _own_or_none(subject: Subject) -> str:
    """What to do where a tokenizer is not the one that a model was trained with."""
    model, name = _model(subject), quoted(subject.tokenizer)
    fresh = f"tokkit finetune DATASET --tokenizer {name} builds an encoder for this tokenizer"
    if model.own is None or model.own_is_same:
        return fresh
    own = shlex.quote(model.name)
    return f"tokkit finetune DATASET --model {own} --tokenizer {own} uses the model's own; {fresh}"
