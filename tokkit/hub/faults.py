"""Faults of the data that a model was trained on, as `stats` finds them, where the data are still there."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError, UsageError
from tokkit.inspection.stats import stats
from tokkit.progress import Progress


def training_faults(folder: Path, progress: Progress) -> list[str] | None:
    """Sentences of the findings; None, which is reported, where the data changed or cannot be examined."""
    receipt = files.receipt_fields(folder)
    result = receipt.fields("result")
    run = receipt.fields("run", default=None)
    sources = None if run is None else run.fields("sources", default=None)
    dataset = None if sources is None else sources.text("dataset", default=None)
    if run is None or dataset is None or not Path(dataset).exists():
        progress.say(f"{folder}: the data it was trained on are not here, so their faults are not listed")
        return None
    inputs = result.objects("inputs", default=())
    for path in map(Path, run.list_of("inputs", str, "a list of paths", default=())):
        described = [item for item in inputs if item.text("name") == path.name]
        if described and not any(files.unchanged(path, item) for item in described):
            progress.say(f"{path}: changed since the model was trained, so faults of the data are not listed")
            return None
    # The rows are read as in training: the same columns, filters and names of labels.
    known = {item.name for item in fields(DatasetOptions)}
    settings = result.fields("settings").content
    try:
        options = DatasetOptions(**{name: value for name, value in settings.items() if name in known})
        return [finding.message for finding in stats(dataset, options=options, progress=progress).findings]
    except (InputError, UsageError) as error:
        # Folders of folds, and of ids, are read by training alone.
        progress.say(f"{dataset}: not examined for faults: {error.message}")
        return None
