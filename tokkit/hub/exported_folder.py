"""The card of a folder that `export` wrote, from its receipt, description and the scores of the training."""

from __future__ import annotations

from pathlib import Path

from tokkit import files
from tokkit.errors import InputError
from tokkit.files import Fields
from tokkit.model.exported.description import Description
from tokkit.model.folder.card import hub_datasets, validation_scores
from tokkit.model.folder.receipt import METRICS
from tokkit.progress import Progress
from tokkit.review.recorded_commands import typed_command
from tokkit.views.cards.exported_card import ExportedRecord, exported_card
from tokkit.views.cards.markdown import Card
from tokkit.views.cards.model_card import ModelRecord
from tokkit.views.cards.sections import Origin

_AGAIN = "export the model again, or copy the whole folder again"
_LISTED = "a list of files, each with its sha256"


def build_exported_card(folder: Path, progress: Progress) -> Card:
    """Raises `InputError` for a folder that is damaged."""
    receipt = files.receipt_fields(folder, _AGAIN)
    result = receipt.fields("result")
    description = Description.read(folder)
    inputs = result.objects("inputs", _LISTED, default=())
    metrics = Fields.of_file(folder / METRICS, _AGAIN)
    task = description.task_of_rows
    # Its own inputs are the model, and rows that it was checked on.
    model = next((item.text("name") for item in inputs if "files" in item.content), "a model of the hub")
    trained: Fields | None = result.fields("trained", default=None)
    training = inputs if trained is None else trained.objects("inputs", _LISTED, default=())
    try:
        record = ModelRecord(
            title=task.title,
            by_token=not task.by_row,
            stock=None,
            head="exported",
            base=model,
            origin=Origin(
                command=typed_command(receipt),
                versions=result.fields("versions").content,
            ),
            validation=validation_scores(metrics, training, None),
            datasets=list(hub_datasets(training)),
            max_length=description.max_length,
            labels=list(metrics.content.get("classes", {})),
        )
        checks = result.fields("checks").content
        return exported_card(ExportedRecord(record, description.format, description.precision, checks))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{folder / METRICS}: its scores are damaged ({type(error).__name__}: {error})", hint=_AGAIN
        ) from error
