"""What a model is asked for: one registry, a module a task."""

from __future__ import annotations

from collections.abc import Mapping

from tokkit.model.tasks.single_label import SingleLabel
from tokkit.model.tasks.task import Task

TASKS: Mapping[str, Task] = {task.name: task for task in (SingleLabel(),)}
"""Every task by its name, the default first."""
