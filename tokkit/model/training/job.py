"""What all trainings of one call share, and one of them: from rows to a published model folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import Dataset, Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError, UsageError
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network.inference import choose_device
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.training import processes
from tokkit.model.training.encoded_cache import Encoder
from tokkit.model.training.run import FinetuneResult, Run
from tokkit.progress import Progress
from tokkit.tokenizer.folder.tokenizer_folder import self_test

_WORK = "training"
PACKAGES = ("accelerate", "numpy", "polars", "scikit-learn", "tokenizers", "torch", "transformers")
"""What the result of a training depends on, beside Python and tokkit."""

_OF_THE_RUN = ("seconds", "rows_per_second")
"""Fields of `FinetuneResult` that differ from run to run."""


@dataclass(frozen=True)
class Job:
    """inputs   the files that are read: never replaced, described in the receipts
    encoder  how rows become ids
    """

    dataset: Dataset
    tokenizer: str | Path | None
    model: str | Path | None
    spec: FinetuneOptions
    options: DatasetOptions
    inputs: tuple[Path, ...]
    threads: int | None
    progress: Progress
    encoder: Encoder

    def train(
        self,
        training: Rows,
        validation: Rows,
        out: Path,
        *,
        force: bool = False,
        shown: str | None = None,
        told: Mapping[str, Any] | None = None,
    ) -> FinetuneResult:
        """Trains on the rows and publishes the model folder ``out``, with its receipt.

        Of several processes that train together the first publishes it; the others give the same result.

        shown  the name of the folder in the result, where it is to get another one than ``out``
        told   what the receipt tells beside the result
        """
        real = files.check_output(out, force=force, inputs=self.inputs, kind="folder")
        work = files.work_path(real, _WORK)
        if processes.is_helper():
            with tempfile.TemporaryDirectory() as nowhere:
                return self._run(training, validation, Path(nowhere), shown or str(out), work)[1]
        with files.folder(out, force=force, inputs=self.inputs) as staging:
            run, result = self._run(training, validation, staging, shown or str(out), work)
            reached = {name: value for name, value in asdict(result).items() if name != "model"}
            timed = {name: reached.pop(name) for name in _OF_THE_RUN}
            files.write_receipt(
                staging,
                command="finetune",
                settings={**self.settings(), "lr": run.lr, "max_length": run.classifier.max_length},
                inputs=self.inputs,
                packages=PACKAGES,
                result={
                    **reached,
                    "pairs": bool(training.pairs),
                    "self_test": self_test(run.classifier.tokenizer.backend),
                    **(told or {}),
                },
                run={
                    **timed,
                    "device": str(run.device),
                    "processes": processes.count(),
                    "tokens_per_batch": run.budget,
                    "tokenizer": str(self.tokenizer or self.model),
                    "model": str(self.model) if self.model is not None else None,
                },
            )
        files.remove_work(work, real)
        return result

    def _run(
        self, training: Rows, validation: Rows, staging: Path, shown: str, work: Path
    ) -> tuple[Run, FinetuneResult]:
        """The training carried out, its model in ``staging``."""
        try:
            run = Run.prepare(
                *(self.dataset, training, validation, self.tokenizer, self.model, self.spec),
                *(self.threads, self.progress, self.encoder),
            )
            return run, run.train(staging, shown, self.progress, work=work, threads=self.threads)
        finally:
            processes.leave()

    def settings(self) -> dict[str, Any]:
        """What was asked for, as receipts tell it: of files their names only."""
        named = {name: getattr(self.spec, name) for name in ("class_weights", "resume")}
        files_only = {name: Path(value).name for name, value in named.items() if Path(value).exists()}
        return {**asdict(self.spec), **asdict(self.options), **files_only}


def recorded_result(receipt: ModelReceipt, shown: str) -> FinetuneResult:
    """The result in the receipt of a model folder; raises `InputError` where a field is missing."""
    names = (each.name for each in fields(FinetuneResult) if each.name != "model")
    return FinetuneResult(model=shown, **receipt.fields(names))


def check_asked(tokenizer: str | Path | None, model: str | Path | None, spec: FinetuneOptions) -> None:
    """Checks what costs no time, before anything is read.

    Raises `UsageError` where neither tokenizer nor model is named, `InputError` for a missing device and for
    folds where one model is to be named.
    """
    if tokenizer is None and model is None:
        raise UsageError(
            "name a tokenizer to build an encoder for, or a model to fine-tune",
            hint="tokkit finetune DATASET --tokenizer out/",
        )
    if model is not None and (folds := ModelReceipt.read(model).members()):
        raise InputError(
            f"{model}: holds {len(folds)} folds, and one model is fine-tuned", hint=f"--model {folds[0]}"
        )
    choose_device(spec.device)


def local_paths(*names: str | Path | None) -> list[Path]:
    """Those of the inputs that are paths here, for the receipt and so that they are never overwritten."""
    return [Path(name) for name in names if name is not None and Path(name).exists()]
