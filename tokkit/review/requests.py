"""What is wrong with a call of a command that reviews rows, before anything is read; torch is not loaded."""

from __future__ import annotations

from pathlib import Path

from tokkit.data.loading.read import is_hub
from tokkit.errors import UsageError
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.review.audit_options import AuditOptions
from tokkit.review.review_output import check_review_output
from tokkit.sources import paths


def check_audit(
    dataset: str | Path,
    model: str | Path | None,
    out: str | Path | None,
    options: AuditOptions,
    force: bool,
) -> ModelReceipt | None:
    """The receipt of the folds, if any; raises `UsageError` for a model that is not of folds, and without
    one for no features, `InputError` for what does not exist, `OutputError` where ``out`` exists.
    """
    check_review_output(out, (dataset, model, options.features), force=force)
    check_source(dataset)
    if options.features is not None and not Path(options.features).is_file():
        raise paths.missing(Path(options.features))
    if model is None:
        if options.features is None:
            raise UsageError(
                "name folds that were trained on the rows, or features of them",
                hint="name one of them (--model, --features)",
            )
        return None
    if not paths.is_path(Path(model)):
        raise paths.missing(Path(model))
    # Compared settings keep predictions without models, which are enough for labels of rows.
    receipt = ModelReceipt.read(model)
    if not receipt.folds:
        raise UsageError(
            f"--model {model}: is no folder of folds, and a model agrees with wrong labels that it was "
            "trained on",
            hint="train folds, each of which judges the rows of the others (finetune with --folds)",
        )
    return receipt


def check_source(source: str | Path) -> None:
    """Raises `InputError` for a path that does not exist and a pattern that no file matches."""
    if not is_hub(str(source)):
        paths.check(str(source))


def check_suggest_rows(dataset: str | Path, model: str | Path, out: str | Path | None, force: bool) -> None:
    """Raises `InputError` for a data set that does not exist, and as `check_review_output`."""
    check_review_output(out, (dataset, model), force=force)
    check_source(dataset)


def check_compare_runs(old: str | Path, new: str | Path, on: str | Path | None, split: str | None) -> None:
    """Raises `UsageError` for a run compared with itself, and a split of no data set; `InputError` for what
    does not exist.
    """
    if Path(old) == Path(new):
        raise UsageError(f"{old}: compared with itself", hint="name the earlier run, then the later one")
    if split is not None and on is None:
        raise UsageError(f"--split {split}: is of a data set, and none is named", hint="name one (--on)")
    for run in (old, new):
        if on is None and not paths.is_path(Path(run)):
            raise paths.missing(Path(run))
    if on is not None:
        check_source(on)
