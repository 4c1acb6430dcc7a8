"""The rules of `doctor`: one table of ids, what each means and how grave it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tokkit.inspection.checks import data_rules, model_rules, tokenizer_rules, vocabulary_rules
from tokkit.inspection.checks.inputs import Subject
from tokkit.inspection.statistics.findings import ERROR, WARNING, Finding

TOKENIZER, MODEL, DATA = "tokenizer", "model", "data"


@dataclass(frozen=True)
class Rule:
    """needs   what must have been named for it to be run: ``tokenizer``, ``model`` or ``data``
    severity   of its gravest finding
    look       finds what breaks it
    meaning    what is broken when it finds something
    """

    needs: str
    severity: str
    look: Callable[[Subject], Iterator[Finding]]
    meaning: str


RULES: Mapping[str, Rule] = {
    "self-test": Rule(
        TOKENIZER, ERROR, tokenizer_rules.self_test, "it gives other ids than when tokkit made it"
    ),
    "class-rebuild": Rule(
        TOKENIZER, ERROR, tokenizer_rules.class_rebuild, "AutoTokenizer rebuilds it and gives other ids"
    ),
    "duplicate-ids": Rule(
        TOKENIZER, ERROR, vocabulary_rules.duplicate_ids, "two tokens share an id, or a token has two"
    ),
    "id-holes": Rule(TOKENIZER, WARNING, vocabulary_rules.id_holes, "ids below the highest have no token"),
    "unknown-token": Rule(
        TOKENIZER, ERROR, tokenizer_rules.unknown_token, "a strange word raises an error, or vanishes"
    ),
    "special-tokens": Rule(
        TOKENIZER,
        ERROR,
        tokenizer_rules.special_tokens,
        "a special token is not in the vocabulary, named by nobody, or cut as text",
    ),
    "pad-token": Rule(TOKENIZER, WARNING, tokenizer_rules.pad_token, "nothing to pad a batch with"),
    "stale-post-processor": Rule(
        TOKENIZER,
        ERROR,
        tokenizer_rules.stale_post_processor,
        "the template puts ids that are no longer those of its tokens",
    ),
    "special-as-text": Rule(
        TOKENIZER, WARNING, vocabulary_rules.special_as_text, "pieces of special tokens were learned as text"
    ),
    "unreachable-ids": Rule(
        TOKENIZER, WARNING, vocabulary_rules.unreachable_ids, "no text gives these tokens"
    ),
    "max-length": Rule(
        TOKENIZER, ERROR, model_rules.max_length, "truncation lets through more tokens than the model takes"
    ),
    "segment-ids": Rule(
        TOKENIZER, ERROR, model_rules.segment_ids, "pairs get no segment ids, or ids that the model lacks"
    ),
    "vocabulary-size": Rule(
        MODEL, ERROR, model_rules.vocabulary_size, "the tokenizer has ids beyond the embedding rows"
    ),
    "embedding-rows": Rule(
        MODEL, ERROR, model_rules.embedding_rows, "configuration and weights tell different numbers of rows"
    ),
    "special-ids": Rule(
        MODEL,
        ERROR,
        model_rules.special_ids,
        "an id of pad, cls, sep, mask or unk differs from the model's own tokenizer or configuration",
    ),
    "vocabulary-order": Rule(
        MODEL, ERROR, model_rules.vocabulary_order, "tokens have other ids in the model's own tokenizer"
    ),
    "untrained-tokens": Rule(
        MODEL, WARNING, model_rules.untrained_tokens, "tokens that the model's own tokenizer has not"
    ),
    "pickled-weights": Rule(
        MODEL, WARNING, model_rules.pickled_weights, "the weights are pickles, which are never read"
    ),
    "unknown-rate": Rule(
        DATA, WARNING, data_rules.unknown_rate, "many tokens of the data are unknown to the tokenizer"
    ),
    "fertility": Rule(
        DATA, WARNING, data_rules.fertility, "words fall into many more tokens than one trained on them gives"
    ),
    "truncation": Rule(DATA, WARNING, data_rules.truncation, "many rows are longer than the limit"),
    "special-in-data": Rule(
        DATA, WARNING, data_rules.special_in_data, "texts hold special tokens literally, and become them"
    ),
}
"""Rule id -> rule; the ids are what ``doctor --fail-on`` takes.

An error crashes or changes ids; everything else is a warning, so that a sound public checkpoint passes.
"""

OF_DATA = tuple(name for name, rule in RULES.items() if rule.needs == DATA)


def findings(subject: Subject, skipped: Mapping[str, str]) -> list[Finding]:
    """What every rule that is not skipped finds, errors first, else in the order of the table."""
    found = [each for name, rule in RULES.items() if name not in skipped for each in rule.look(subject)]
    # `sorted` is stable: errors, and warnings, stay in the order of the table.
    return sorted(found, key=lambda finding: finding.severity != ERROR)


def skipped(subject: Subject) -> dict[str, str]:
    """Rule -> why it cannot be run."""
    there = {TOKENIZER: True, MODEL: subject.model is not None, DATA: subject.data is not None}
    reasons = {MODEL: "no --model was named", DATA: "no --data was named"}
    return {name: reasons[rule.needs] for name, rule in RULES.items() if not there[rule.needs]}
