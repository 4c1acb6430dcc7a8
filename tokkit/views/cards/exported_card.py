"""The card of an exported classifier: that of the model, how it runs without torch, and what was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tokkit.views.cards import model_card
from tokkit.views.cards.markdown import THIS_FOLDER, Card, code, table
from tokkit.views.cards.model_card import ModelRecord
from tokkit.views.cards.sections import joined
from tokkit.views.names import score_name

EXPORT = "Export"
HEADINGS = (*model_card.HEADINGS, EXPORT)
_NAMES = {"onnx": "ONNX", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class ExportedRecord:
    """model      what is known of the model, with the command of the export
    format     onnx or openvino
    precision  fp32 or int8
    checks     of the export: rows, difference of the logits, agreement of labels, scores before and after
    """

    model: ModelRecord
    format: str
    precision: str
    checks: Mapping[str, Any]


def exported_card(record: ExportedRecord) -> Card:
    """The card; sections without content are empty, and are not written."""
    name = _NAMES[record.format]
    card = model_card.model_card(record.model)
    title = f"{record.model.title}, {name}, {record.precision}"
    sections = {
        heading: _use(record) if heading == model_card.USE else text
        for heading, text in card.sections.items()
        # The command of the export is in a section of its own; that of the training, on the model's card.
        if heading != model_card.TRAINING
    }
    limits = sections.pop(model_card.LIMITS)
    metadata = {**card.metadata, "library_name": record.format, "tags": ["tokkit", record.format]}
    if "model-index" in metadata:
        metadata["model-index"] = [{**metadata["model-index"][0], "name": title}]
    return replace(
        card,
        metadata=metadata,
        title=title,
        lead=card.lead.partition("Trained from")[0] + f"Exported from {record.model.base}.",
        sections={**sections, EXPORT: _export(record), model_card.LIMITS: limits},
    )


def _use(record: ExportedRecord) -> str:
    lines = (
        "import tokkit",
        f'result = tokkit.predict("{THIS_FOLDER}", ["a text"])',
        "print(result.predictions)",
    )
    standalone = (
        code("sh", 'python predict.py "a text"')
        + "\n\n`predict.py` needs `onnxruntime`, `tokenizers` and NumPy, and neither tokkit nor torch."
    )
    return joined(code("python", *lines), standalone if record.format == "onnx" else "")


def _export(record: ExportedRecord) -> str:
    checks = record.checks
    rows = [
        ("rows that it was checked on", f"{checks['rows']:,}"),
        ("largest difference of logits from torch", f"{checks['max_difference']:.2g}"),
    ]
    if checks.get("label_agreement") is not None:
        rows.append(("same label as torch", f"{checks['label_agreement']:.2%}"))
    for name, value in checks.items():
        if isinstance(value, Mapping):
            rows.append((score_name(name), f"{value['before']:.4f} before, {value['after']:.4f} after"))
    return joined(table(("", "value"), rows), record.model.origin.how)
