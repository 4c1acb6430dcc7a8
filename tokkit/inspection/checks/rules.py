"""The rules of `doctor` in one table, and what they find."""

from __future__ import annotations

from collections.abc import Mapping

from tokkit.inspection.checks import data_rules, model_rules, tokenizer_rules, vocabulary_rules
from tokkit.inspection.checks.inputs import Subject
from tokkit.inspection.checks.rule import DATA, Rule
from tokkit.inspection.statistics.findings import ERROR, Finding

# Rule id -> rule; the ids are what ``doctor --fail-on`` takes. An error crashes or changes ids; everything
# else is a warning, so that a sound public checkpoint passes.
RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        *(tokenizer_rules.self_test, tokenizer_rules.class_rebuild),
        *(vocabulary_rules.duplicate_ids, vocabulary_rules.id_holes),
        *(tokenizer_rules.unknown_token, tokenizer_rules.special_tokens, tokenizer_rules.pad_token),
        *(tokenizer_rules.stale_post_processor, tokenizer_rules.template, vocabulary_rules.special_as_text),
        *(vocabulary_rules.unreachable_ids, model_rules.max_length, model_rules.segment_ids),
        *(model_rules.vocabulary_size, model_rules.embedding_rows, model_rules.stored_weights),
        model_rules.special_ids,
        *(model_rules.vocabulary_order, model_rules.untrained_tokens, model_rules.pickled_weights),
        *(data_rules.unknown_rate, data_rules.fertility, data_rules.truncation, data_rules.special_in_data),
    )
}

OF_DATA = tuple(name for name, rule in RULES.items() if rule.needs == DATA)


def findings(subject: Subject, skipped: Mapping[str, str]) -> list[Finding]:
    """What every rule that is not skipped finds, errors first, else in the order of the table."""
    problems = [
        Finding(name, problem.severity or rule.severity, problem.message, problem.fix)
        for name, rule in RULES.items()
        if name not in skipped
        for problem in rule.look(subject)
    ]
    # `sorted` is stable: errors, and warnings, stay in the order of the table.
    return sorted(problems, key=lambda finding: finding.severity != ERROR)


def skipped(subject: Subject) -> dict[str, str]:
    """Rule -> why it cannot be run."""
    missing = [name for name, rule in RULES.items() if getattr(subject, rule.needs) is None]
    return {name: f"no --{RULES[name].needs} was named" for name in missing}
