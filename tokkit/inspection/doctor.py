"""`doctor`: check whether a tokenizer fits its model, and how well it covers the data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.inspection.checks import rules
from tokkit.inspection.checks.config_fields import config_fields
from tokkit.inspection.checks.inputs import MODEL_CONFIG, Subject, examined_model, examined_tokenizer
from tokkit.inspection.checks.measure import measure
from tokkit.inspection.checks.tokenizer_rules import fails_on_strange
from tokkit.inspection.statistics.findings import ERROR, Finding
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.load import read_json


@dataclass(frozen=True)
class DoctorResult:
    """The findings; `as_dict` is what ``--json`` prints.

    model      the model it was checked against, None without one
    findings   errors first, each with a fix
    config     the relevant fields of the model's configuration: ``{field, value, may_change, why}``
    measured   metrics of the data, None without data
    checked    names of the rules that ran
    skipped    name of a rule -> why it did not run
    """

    tokenizer: str
    model: str | None
    data: str | None
    findings: list[Finding]
    config: list[dict[str, Any]]
    measured: dict[str, Any] | None
    checked: list[str]
    skipped: dict[str, str]

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == ERROR for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def doctor(
    tokenizer: str | Path,
    model: str | Path | None = None,
    data: str | Path | None = None,
    *,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> DoctorResult:
    """Check a tokenizer by itself, against a model, and on data, by the rules of `rules.RULES`.

    A tokenizer folder that is also a model is checked against that model, unless ``model`` names another.
    Of a model, only its configuration and the headers of its weights are read.

    ``settings`` are fields of `DatasetOptions`. Raises `InputError` for an invalid tokenizer, model or data
    set.
    """
    options = apply_settings(DatasetOptions, options, settings)
    examined = examined_tokenizer(tokenizer, progress)
    with guarded(str(examined.loaded.file)):
        tokenizer_folder.self_test(examined.loaded.backend)
    if model is None and "model_type" in read_json(examined.loaded.folder / MODEL_CONFIG):
        model = examined.loaded.folder
        progress.say(f"{tokenizer}: is also a model, which it is checked against (--model names another)")
    subject = Subject(examined, examined_model(model, examined, progress) if model is not None else None)
    unknown_fails: dict[str, str] = {}
    # Searching for unreachable tokens and measuring data encode any characters: the same error.
    if fails_on_strange(examined):
        encoding = ("unreachable-ids", *(rules.OF_DATA if data is not None else ()))
        unknown_fails = dict.fromkeys(encoding, "it raises an error on an unknown word")
    elif data is not None:
        dataset = read_dataset(data, options, progress, pairs=False)
        measured = measure(dataset, examined.loaded, subject.longest, examined.special, progress)
        subject = replace(subject, data=measured)
    skipped = rules.skipped(subject) | unknown_fails
    return DoctorResult(
        tokenizer=str(tokenizer),
        model=None if model is None else str(model),
        data=None if data is None else str(data),
        findings=rules.findings(subject, skipped),
        config=config_fields(subject.model.config) if subject.model else [],
        measured=subject.data.as_dict() if subject.data else None,
        checked=[name for name in rules.RULES if name not in skipped],
        skipped=skipped,
    )
