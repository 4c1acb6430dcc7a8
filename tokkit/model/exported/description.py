"""The folder of an exported model: what `export` writes and runtimes, `predict` and `predict.py` read.

model.onnx                the graph: ids, mask and segments (rows, tokens) to logits; or model.xml, model.bin
export.json               how rows become inputs and logits labels: `Description`
tokenizer.json, tokenizer_config.json
metrics.json              scores of the training, with temperature and thresholds where it fitted some
predict.py                the same predictions without tokkit
tokkit.json               the receipt
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tokkit import files
from tokkit.errors import InputError
from tokkit.model.network.batches import RowLimits
from tokkit.model.tasks import TASKS, Task

DESCRIPTION = "export.json"
# The file with the graph, by format.
GRAPHS = {"onnx": "model.onnx", "openvino": "model.xml"}
# Inputs of the graph, in this order; the last only where the model distinguishes the texts of a pair.
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
LOGITS = "logits"
_EXPORT_AGAIN = "export the model again, or copy the whole folder again"


@dataclass(frozen=True)
class Description:
    """Content of `export.json`.

    format      onnx or openvino
    precision   fp32 or int8
    max_length, pad_id, segments  as in `RowLimits`
    """

    format: str
    precision: str
    task: str
    labels: tuple[str, ...]
    max_length: int
    pad_id: int
    segments: bool

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the graph's inputs."""
        return INPUTS if self.segments else INPUTS[:2]

    @property
    def limits(self) -> RowLimits:
        return RowLimits(self.max_length, self.pad_id, self.segments)

    @property
    def task_of_rows(self) -> Task:
        return TASKS[self.task]

    def write(self, folder: Path) -> None:
        """Write `export.json`."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Description:
        """Raises `InputError` for a description that is damaged, and for a folder without the graph."""
        content = files.Fields.of_file(folder / DESCRIPTION, _EXPORT_AGAIN)
        description = cls(
            format=content.text("format"),
            precision=content.text("precision"),
            task=content.text("task"),
            labels=tuple(content.list_of("labels", str, "a list of labels")),
            max_length=content.integer("max_length", least=1),
            pad_id=content.integer("pad_id"),
            segments=content.flag("segments"),
        )
        for name, choices in (("format", GRAPHS), ("task", TASKS)):
            if getattr(description, name) not in choices:
                raise content.error(name, f"one of {', '.join(choices)}")
        graph = folder / GRAPHS[description.format]
        if not graph.is_file():
            raise InputError(f"{folder}: {graph.name} is missing: the model is incomplete", _EXPORT_AGAIN)
        return description


def is_exported(folder: str | Path) -> bool:
    """Whether `export` wrote a folder."""
    return (Path(folder) / DESCRIPTION).is_file()
