"""`doctor`: does a tokenizer fit its model, and does it understand the data?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.inspection.doctor import rules
from tokkit.inspection.doctor.class_check import rebuilt
from tokkit.inspection.doctor.config_fields import config_fields
from tokkit.inspection.doctor.measure import measure
from tokkit.inspection.doctor.subject import (
    MODEL_CONFIG,
    Subject,
    examined_model,
    examined_tokenizer,
)
from tokkit.inspection.doctor.tokenizer_rules import fails_on_strange
from tokkit.inspection.findings import ERROR, Finding
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.load import read_json


@dataclass(frozen=True)
class DoctorResult:
    """What was found; `as_dict` is what ``--json`` prints.

    model      the model it was held against, None without one
    findings   errors first, each with what mends it
    config     the fields of the model's configuration that matter: ``{field, value, may_change, why}``
    measured   figures of the data, None without any
    checked    rules that were run
    skipped    rule -> why it was not run
    """

    tokenizer: str
    model: str | None
    data: str | None
    findings: list[Finding]
    config: list[dict[str, Any]]
    measured: dict[str, Any] | None
    checked: list[str]
    skipped: Mapping[str, str]

    @property
    def sound(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != ERROR for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return {
            **{"tokenizer": self.tokenizer, "model": self.model, "data": self.data},
            "findings": [finding.as_dict() for finding in self.findings],
            "config": self.config,
            "measured": self.measured,
            "checked": self.checked,
            "skipped": dict(self.skipped),
        }


def doctor(
    tokenizer: str | Path,
    model: str | Path | None = None,
    data: str | Path | None = None,
    *,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> DoctorResult:
    """What is wrong with a tokenizer: in itself, beside a model, and on data; `rules.RULES` names every rule.

    A tokenizer folder that is a model too is held against that model, unless another one is named. Of a model
    its configuration and the headers of its weights are read, nothing else.

    ``settings`` are fields of `DatasetOptions`. Raises `InputError` for what cannot be read as a tokenizer, a
    model or a data set.
    """
    options = apply_settings(DatasetOptions, options, settings)
    examined = examined_tokenizer(tokenizer, progress)
    with tokenizer_folder.guarded(str(examined.loaded.file)):
        tokenizer_folder.self_test(examined.loaded.backend)
    if model is None and "model_type" in read_json(examined.loaded.folder / MODEL_CONFIG):
        model = examined.loaded.folder
        progress.say(f"{tokenizer}: is a model too, and held against itself (--model names another)")
    beside = examined_model(model, examined, progress) if model is not None else None
    subject = Subject(examined, beside, None, rebuilt(examined, beside))
    skipped = rules.skipped(subject)
    if fails_on_strange(examined):
        why = "it raises an error on a word it does not know"
        skipped |= {"unreachable-ids": why, **({} if data is None else dict.fromkeys(rules.OF_DATA, why))}
    elif data is not None:
        special = [each["content"] for each in examined.added if each.get("special")]
        dataset = read_dataset(data, options, progress, pairs=False)
        subject = replace(subject, data=measure(dataset, examined.loaded, subject.longest, special, progress))
        skipped = rules.skipped(subject)
    return DoctorResult(
        tokenizer=str(tokenizer),
        model=None if model is None else str(model),
        data=None if data is None else str(data),
        findings=rules.findings(subject, skipped),
        config=config_fields(beside.config) if beside else [],
        measured=subject.data.as_dict() if subject.data else None,
        checked=[name for name in rules.RULES if name not in skipped],
        skipped=skipped,
    )
