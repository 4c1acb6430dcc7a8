"""What a model is asked for: one registry, a module a task; and which task data or a model are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.data.dataset import Dataset
from tokkit.errors import UsageError
from tokkit.model.tasks.multi_label import MultiLabel
from tokkit.model.tasks.regression import Regression
from tokkit.model.tasks.single_label import SingleLabel
from tokkit.model.tasks.tags import Tags
from tokkit.model.tasks.task import Task

__all__ = ["DEFAULT", "TASKS", "Task", "task_of", "task_of_config"]

TASKS: Mapping[str, Task] = {task.name: task for task in (SingleLabel(), MultiLabel(), Tags(), Regression())}
"""Every task by its name, the default first."""

DEFAULT = TASKS[SingleLabel.name]


def task_of(asked: str, dataset: Dataset) -> Task:
    """The task of that name; of ``auto``, the one that fits how the rows are labelled.

    Raises `UsageError` for a task that these rows have no labels for.
    """
    found = _name_of(dataset)
    if asked in ("auto", found):
        return TASKS[found]
    if found == SingleLabel.name and asked != Tags.name:
        return TASKS[asked]
    raise UsageError(
        f"--task {asked}: the rows of {dataset.source} have {_HELD[found]}",
        hint=f"--task {found}"
        if found != SingleLabel.name
        else "tags stand in CoNLL files, or in lists: --text-column TOKENS --label-column TAGS",
    )


def _name_of(dataset: Dataset) -> str:
    if dataset.tokens_column is not None:
        return Tags.name
    return MultiLabel.name if dataset.label_lists else SingleLabel.name


_HELD = {
    SingleLabel.name: "one label each, no lists of tokens and tags",
    MultiLabel.name: "lists of labels",
    Tags.name: "a tag for each of their tokens",
}


def task_of_config(config: Any) -> Task:
    """The task that a checkpoint's configuration was written for, the default where it does not say.

    As in transformers, a head with one output that does not say what it is for gives a number.
    """
    names = getattr(config, "architectures", None) or ()
    if any(str(name).endswith("ForTokenClassification") for name in names):
        return TASKS[Tags.name]
    wanted = getattr(config, "problem_type", None)
    if wanted is None and config.num_labels == 1:
        return TASKS[Regression.name]
    return next((task for task in TASKS.values() if wanted and task.problem_type == wanted), DEFAULT)
