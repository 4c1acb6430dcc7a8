"""`--report-to`: curves and scores of a training to TensorBoard, Trackio or Weights & Biases.

    runs/NAME/           event files of TensorBoard, in the current folder
    wandb/offline-run-*  of Weights & Biases: not sent, unless WANDB_MODE says so
    Trackio              its own local database, unless TRACKIO_SPACE_ID or TRACKIO_SERVER_URL names a server

A tracker gets numbers and settings: no text, no label and no console output. One that fails is given up, the
training goes on.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tokkit.errors import UsageError
from tokkit.progress import SILENT, Progress

_PROJECT = "tokkit"


@dataclass(frozen=True)
class TrackedRun:
    """A run as a tracker displays it; ``step`` is the one that it begins after, 0 where it is not resumed."""

    name: str
    settings: Mapping[str, Any]
    step: int


class Tracker(Protocol):
    """Where numbers go."""

    def log(self, values: Mapping[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class _TensorBoard:
    def __init__(self, run: TrackedRun) -> None:
        writers = importlib.import_module("torch.utils.tensorboard")
        # Later points of an earlier run in the same folder are not displayed.
        self._writer = writers.SummaryWriter(str(Path("runs", run.name)), purge_step=run.step + 1)
        settings = "\n".join(f"    {name}: {value}" for name, value in run.settings.items())
        self._writer.add_text("settings", settings, run.step + 1)

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _Trackio:
    def __init__(self, run: TrackedRun) -> None:
        self._run = importlib.import_module("trackio").init(
            project=_PROJECT,
            name=run.name,
            config=dict(run.settings),
            resume="allow" if run.step else "never",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(metrics=dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class _Wandb:
    def __init__(self, run: TrackedRun) -> None:
        wandb = importlib.import_module("wandb")
        # The command line and the console name files and labels; neither leaves.
        quiet = {"console": "off", "silent": True, "save_code": False, "disable_git": True}
        settings = wandb.Settings(**quiet, x_disable_meta=True, x_disable_stats=True)
        mode = os.environ.get("WANDB_MODE", "offline")
        self._run = wandb.init(
            project=_PROJECT, name=run.name, config=dict(run.settings), mode=mode, settings=settings
        )

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


# Name, which is that of the package too -> how it is opened, and what displays the curves.
TRACKERS: Mapping[str, tuple[Callable[[TrackedRun], Tracker], str]] = {
    "tensorboard": (_TensorBoard, "tensorboard --logdir runs"),
    "trackio": (_Trackio, f"trackio show --project {_PROJECT}"),
    "wandb": (_Wandb, "wandb sync wandb/offline-run-* sends them"),
}


def check_installed(name: str | None) -> None:
    """Raises `UsageError` for a tracker whose package is not installed."""
    if name is not None and importlib.util.find_spec(name) is None:
        raise UsageError(
            f"--report-to {name}: needs the package {name}, which is not installed",
            hint=f"pip install {name}",
        )


class Reporter:
    """Passes numbers on to a tracker, or to none.

    run       name of the output; of a fold that of its folds too
    settings  of the training
    """

    def __init__(self, tracker: str | None = None, run: str = "", settings: Mapping[str, Any] = {}) -> None:
        self._name, self._run, self._settings = tracker, run, settings
        self._progress: Progress = SILENT
        self._tracker: Tracker | None = None

    @contextlib.contextmanager
    def open(self, step: int, progress: Progress) -> Iterator[None]:
        """Open the tracker for a training that continues after ``step``; close it also after an error."""
        self._progress = progress
        if self._name is not None:
            opens, display = TRACKERS[self._name]
            with self._giving_up():
                self._tracker = opens(TrackedRun(self._run, self._settings, step))
                progress.say(f"curves of {self._run}: {display}")
        try:
            yield
        finally:
            with self._giving_up():
                if self._tracker is not None:
                    self._tracker.close()
            self._tracker = None

    def log(self, values: Mapping[str, Any], step: int) -> None:
        """Report the numbers among the values."""
        if self._tracker is not None:
            numbers = {name: value for name, value in values.items() if isinstance(value, float | int)}
            with self._giving_up():
                self._tracker.log(numbers, step)

    @contextlib.contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Report an error of the tracker, and use it no more; what it prints is not displayed."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except Exception as error:
            self._progress.say(f"--report-to {self._name}: {error}; the training goes on without it")
            self._tracker = None
