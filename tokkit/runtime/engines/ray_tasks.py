"""Tasks of Ray: on a cluster, or on a local one that is started for them."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

from tokkit import __version__
from tokkit.errors import InputError, TokkitError, UsageError, counted
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.runtime.engines.engine import Function, Result, Task

# Seconds between two checks whether to stop, and those that a cluster has to answer.
_INTERVAL, _TIMEOUT = 0.05, 10
# How often a task is started again whose worker or node was lost.
_RETRIES = 5
# Tasks for each core that are handed out ahead: the driver holds no more of them.
_AHEAD = 2
_PORT = 6379


class RayTasks:
    """A connection to Ray, opened for the first run.

    address   of a cluster, ``host:port`` or ``auto``; None starts a local one
    workers   of a local one; None: one for each core
    """

    def __init__(self, address: str | None, workers: int | None) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError("--engine ray: ray is not installed", hint="pip install ray") from error
        self._ray: Any = ray
        self._address = address
        self._workers = workers
        # of the cluster; None while not connected
        self._cores: int | None = None

    def run(
        self, function: Function[Task, Result], tasks: Iterable[Task], progress: Progress
    ) -> Generator[tuple[int, Result], None, None]:
        cores = self._connected(progress)
        remote = self._ray.remote(num_cpus=1, max_retries=_RETRIES)(_call)
        numbered = enumerate(tasks)
        running: dict[Any, int] = {}
        is_done = False
        try:
            while not is_done:
                for index, task in islice(numbered, _AHEAD * cores - len(running)):
                    running[remote.remote(__version__, function, task)] = index
                is_done = not running
                finished, _ = ([], []) if is_done else self._ray.wait(list(running), timeout=_INTERVAL)
                stop_if_cancelled(progress)
                for reference in finished:
                    result = self._result(reference)
                    yield running.pop(reference), result
        finally:
            # without a connection, its tasks go on no longer
            if not is_done:
                self.close()

    def close(self) -> None:
        if self._cores is not None:
            self._cores = None
            with suppress(Exception):  # a cluster that is gone
                self._ray.shutdown()

    def _result(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, TokkitError):
                raise error.cause from error
            raise
        except self._ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[0]
            raise TokkitError(
                f"a worker of Ray was lost {_RETRIES} times: {reason}",
                hint="is there enough memory? look at the state of the nodes:\nray status",
            ) from error

    def _connected(self, progress: Progress) -> int:
        """The cores of the cluster."""
        if self._cores is not None:
            return self._cores
        # Ray reports use of its own, and says much while it starts
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self._address is None:
            # without an address, Ray would take a cluster that it finds on this machine
            settings |= {"address": "local", "num_cpus": self._workers, "include_dashboard": False}
        else:
            _check_answers(self._address)
            settings["address"] = self._address
        try:
            self._ray.init(**settings)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{self._address or 'ray'}: no cluster of Ray can be used: {reason}",
                hint="start one, or leave --ray-address out to use this machine:\nray start --head",
            ) from error
        self._cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        nodes = sum(node["Alive"] for node in self._ray.nodes())
        progress.say(f"Ray: {counted(self._cores, 'core')} on {counted(nodes, 'node')}")
        return self._cores


def _call(version: str, function: Function[Task, Result], task: Task) -> Result:
    """In a worker: the function, where the worker has the same version of tokkit."""
    if version != __version__:
        raise InputError(
            f"a worker on {socket.gethostname()} has tokkit {__version__}, and this is {version}",
            hint=f"install the same version on all nodes:\npip install tokkit-nlp=={version}",
        )
    return function(task)


def _check_answers(address: str) -> None:
    """Raises `InputError` where nothing listens at ``host:port``: Ray itself would try for minutes."""
    if address == "auto" or "://" in address:
        return
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port or _PORT)), _TIMEOUT):
            return
    except (OSError, ValueError) as error:
        raise InputError(
            f"{address}: no cluster of Ray answers there ({error})",
            hint="start one, or leave --ray-address out to use this machine:\nray start --head",
        ) from error
