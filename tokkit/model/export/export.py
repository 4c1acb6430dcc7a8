"""`export`: a classifier as a folder that onnxruntime or OpenVINO computes, checked before it is published.

model folder -> graph in float32 -> checked on shapes and rows -> 8 bits, if requested -> checked -> folder
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import counted
from tokkit.model.backends.load_model import ONNXRUNTIME, OPENVINO
from tokkit.model.export.checks import Checks, check_fp32, check_shapes, compare
from tokkit.model.export.onnx_graph import write_onnx
from tokkit.model.export.openvino_format import write_openvino
from tokkit.model.export.quantization import quantize_dynamic, quantize_static
from tokkit.model.export.sample_rows import SampleRows, sample_rows
from tokkit.model.exported.description import GRAPHS, Description
from tokkit.model.exported.exported_model import EXPORTED_BUDGET, ExportedModel
from tokkit.model.exported.loading import load_graph
from tokkit.model.exported.runtime import Inputs
from tokkit.model.folder.hub_models import local_receipt
from tokkit.model.folder.model_folder import TOKENIZER_FILES, SavedModel, load_saved
from tokkit.model.folder.predictions import write_json
from tokkit.model.folder.receipt import METRICS, ModelReceipt
from tokkit.model.network.batches import padded_rows, pieces_within
from tokkit.model.options.export_options import STATIC, ExportOptions
from tokkit.model.requests.checks import check_export
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE

_PACKAGES = ("numpy", "onnx", "onnxruntime", "onnxscript", "openvino", "tokenizers", "torch", "transformers")
# Of the scores of the training, what `predict` applies on request, and what the card displays.
_FROM_VALIDATION = ("calibration", "thresholds", "majority", "baseline", "classes", "confusion", "scheme")
_STANDALONE = Path(__file__).parents[1] / "exported" / "standalone.py"
STANDALONE = "predict.py"


@dataclass(frozen=True)
class ExportResult:
    """size    bytes of the folder
    checks  of the exported model next to the one it was exported from, on real rows
    """

    output: str
    format: str
    precision: str
    size: int
    checks: Checks
    files: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "checks": self.checks.as_dict()}


def export(
    model: str | Path,
    out: str | Path,
    options: ExportOptions | None = None,
    *,
    on: str | Path | None = None,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> ExportResult:
    """A classifier as ONNX, or for OpenVINO: a folder that `predict` and `evaluate` take, without torch.

    In float32 its logits are those of torch, to 1e-4, on labeled rows and on batches of many shapes, or
    nothing is written; in 8 bits the result says how many labels agree, and the score before and after. The
    rows are those held out in training unless ``on`` names others.

    ``settings`` are fields of `ExportOptions` and `DatasetOptions`.

    Raises `InputError` for a folder of folds, for a head or model that cannot be exported, and without rows
    to check; `UsageError` where a package is missing; `OutputError` where ``out`` exists.
    """
    options, read_options = apply_to_both(ExportOptions, options, DatasetOptions, read_options, settings)
    out = Path(out)
    receipt = local_receipt(check_export(model, out, on, options, force), progress)
    saved = load_saved(receipt, threads, progress)
    # Whatever is wrong with the rows is said before the model is traced.
    samples = sample_rows(receipt, saved.classifier, on, options, read_options, progress)
    inputs = [*samples.files, receipt.folder]
    with files.folder(out, force=force, inputs=inputs) as staging:
        description = _write_description(staging, saved, options)
        checked = _GraphWriter(staging, saved, description, samples, options, threads, progress).write()
        if options.format == "onnx":  # the script runs onnxruntime
            shutil.copyfile(_STANDALONE, staging / STANDALONE)
        published: list[dict[str, Any]] = [
            {"path": path.name, "size": path.stat().st_size} for path in sorted(staging.iterdir())
        ]
        size = sum(file["size"] for file in published)
        columns = receipt.columns
        files.write_receipt(
            staging,
            command="export",
            settings={
                **asdict(options),
                **asdict(read_options),
                "max_length": saved.classifier.limits.max_length,
            },
            inputs=inputs,
            packages=_PACKAGES,
            sources={"model": model, "on": on},
            result={
                "format": options.format,
                "precision": options.precision,
                "size": size,
                "checks": checked.as_dict(),
                "pairs": receipt.pairs,
                "columns": dict(columns.names),
                # `evaluate` reads these columns, and warns of rows that the model was trained on.
                "trained": {
                    "inputs": list(receipt.result.get("inputs", ())),
                    "rename": columns.rename,
                    "add": list(columns.add),
                },
                "calibration_rows": len(samples.calibration.texts),
            },
            run={
                "model": str(model),
                "on": None if on is None else str(on),
                "output": str(out),
                "threads": threads,
            },
        )
    rows = counted(checked.rows, "row", style=",")
    progress.say(f"{out}: checked on {rows} of {samples.source}")
    if options.int8 == STATIC:
        ranges = counted(len(samples.calibration.texts), "other row", style=",")
        progress.say(f"{out}: ranges measured on {ranges} of the same source")
    return ExportResult(str(out), options.format, options.precision, size, checked, published)


def _write_description(folder: Path, saved: SavedModel, options: ExportOptions) -> Description:
    """Write everything but the graph."""
    classifier, metrics = saved.classifier, saved.receipt.metrics
    source = classifier.tokenizer.folder
    for name in TOKENIZER_FILES:
        if (source / name).exists():
            files.copy_inner(source / name, folder / name, source)
    if not (folder / TOKENIZER_FILE).exists():
        tokenizer_folder.write_tokenizer(folder, classifier.tokenizer.backend)
    # Numbers, and what `predict` applies on request; rows of texts stay where they are.
    numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    write_json(
        folder / METRICS, {**numbers, **{name: metrics[name] for name in _FROM_VALIDATION if name in metrics}}
    )
    description = Description(
        format=options.format,
        precision=options.precision,
        task=classifier.task.name,
        labels=classifier.labels,
        max_length=classifier.limits.max_length,
        pad_id=classifier.limits.pad_id,
        segments=classifier.limits.segments,
    )
    description.write(folder)
    return description


@dataclass(frozen=True)
class _GraphWriter:
    """Writes the graph of a folder, which has everything else, and checks what each step computes."""

    folder: Path
    saved: SavedModel
    description: Description
    samples: SampleRows
    options: ExportOptions
    threads: int | None
    progress: Progress

    def write(self) -> Checks:
        """Raises `InputError` where the logits of float32 differ."""
        target = self.folder / GRAPHS[self.options.format]
        if self.options.format == "onnx" and self.options.int8 is None:
            return self._trace(target)
        with files.temporary_folder("export") as work:
            plain = work / GRAPHS["onnx"]
            self._trace(plain)
            if self.options.openvino:
                write_openvino(plain, target)
                return self._checked(target, OPENVINO, fp32=True)
            with stage(self.progress, "quantizing the weights"):
                if self.options.int8 == STATIC:
                    quantize_static(plain, target, self._calibration(plain))
                else:
                    quantize_dynamic(plain, target)
        return self._checked(target, ONNXRUNTIME, fp32=False)

    def _trace(self, graph: Path) -> Checks:
        with stage(self.progress, "tracing the model"):
            write_onnx(self.saved.classifier, graph)
        return self._checked(graph, ONNXRUNTIME, fp32=True)

    def _checked(self, graph: Path, backend: str, *, fp32: bool) -> Checks:
        exported = self._loaded(graph, backend)
        checks = compare(
            self.saved.classifier, exported, self.samples.checked, self.samples.source, self.progress
        )
        if fp32:
            check_fp32(checks, str(self.saved.receipt.folder))
            check_shapes(self.saved.classifier, exported)
        return checks

    def _loaded(self, graph: Path, backend: str) -> ExportedModel:
        runtime = load_graph(graph, backend, "cpu", self.threads)
        return ExportedModel.load(ModelReceipt(self.folder), self.description, runtime)

    def _calibration(self, graph: Path) -> list[Inputs]:
        """Sample rows as inputs of the graph, in the batches that `predict` computes."""
        classifier = self._loaded(graph, ONNXRUNTIME).classifier
        encoded = classifier.encode(self.samples.calibration, self.threads)
        return [
            classifier.inputs(padded_rows(encoded, piece, classifier.limits.pad_id))
            for piece in pieces_within(np.arange(len(encoded)), encoded.lengths, EXPORTED_BUDGET)
        ]
