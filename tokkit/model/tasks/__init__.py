"""Tasks: what a row is given, and which task data or a model are for.

A new task is a subclass of `Task`, an entry of `TASKS` and its name among the choices of
`FinetuneOptions.task`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.data.dataset import Dataset
from tokkit.errors import UsageError
from tokkit.model.tasks.multi_label import MultiLabel
from tokkit.model.tasks.regression import Regression
from tokkit.model.tasks.tags import Tags
from tokkit.model.tasks.task import SingleLabel, Task

__all__ = ["DEFAULT", "TASKS", "Task", "task_of", "task_of_config"]

# Every task by its name, the default first.
TASKS: Mapping[str, Task] = {task.name: task for task in (SingleLabel(), MultiLabel(), Tags(), Regression())}

DEFAULT = TASKS[SingleLabel.name]

_LABELS = {
    SingleLabel.name: "one label each, no lists of tokens and tags",
    MultiLabel.name: "lists of labels",
    Tags.name: "a tag for each of their tokens",
}


def task_of(requested: str, dataset: Dataset) -> Task:
    """The requested task; for ``auto`` the one for which the rows are labeled.

    Raises `UsageError` for a task for which these rows have no labels.
    """
    suited = SingleLabel.name
    if dataset.tokens_column is not None:
        suited = Tags.name
    elif dataset.label_lists:
        suited = MultiLabel.name
    # Lists decide: nothing else in a file says whether a label is one of several.
    if requested in ("auto", suited):
        return TASKS[suited]
    if suited == SingleLabel.name and requested != Tags.name:
        return TASKS[requested]  # one label per row can be read as a set of one, or as a number
    tags_hint = "tags are in CoNLL files, or in lists (--text-column, --label-column)"
    raise UsageError(
        f"--task {requested}: the rows of {dataset.source} have {_LABELS[suited]}",
        hint=tags_hint if suited == SingleLabel.name else f"as they are:\n--task {suited}",
    )


def task_of_config(config: Any) -> Task:
    """The task of a checkpoint's configuration, the default where it does not say."""
    names = getattr(config, "architectures", None) or ()
    if any(str(name).endswith("ForTokenClassification") for name in names):
        return TASKS[Tags.name]
    problem_type = getattr(config, "problem_type", None)
    if problem_type is None and config.num_labels == 1:
        return TASKS[Regression.name]  # as in transformers, for a head with one output
    return next((t for t in TASKS.values() if problem_type and t.problem_type == problem_type), DEFAULT)
