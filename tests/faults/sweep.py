"""Commands that write, and what is right after a fault in any of their calls: old or new, whole."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.command_server import CommandServer, Outcome
from tokkit.files import changed_outputs

KILL = 0
FAULTS = {"KILL": KILL, "EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EINTR": errno.EINTR}
SOURCE = Path(__file__).with_name("faults.c")

# of a command, which takes a few where nothing else runs
_SECONDS = 600

Tree = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """A command that replaces its own output.

    first, second   arguments of the run whose output is replaced, and of the one that is met with faults
    before          commands that write what it reads
    outputs         the files and folders that it writes
    """

    first: str
    second: str
    outputs: Sequence[str]
    before: Sequence[str] = ()


def compiled(folder: Path) -> Path | None:
    """The library of `faults.c`; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    library = folder / "faults.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def files_in(folder: Path) -> Tree:
    """Every file below a folder by relative path, of receipts what is not of one run."""
    return {
        path.relative_to(folder).as_posix(): _without_run(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _without_run(path: Path) -> bytes:
    content = path.read_bytes()
    if not path.name.endswith("tokkit.json"):
        return content
    try:
        return json.dumps({**json.loads(content), "run": None}).encode()
    except ValueError:
        return content


class Sweep:
    """A case, prepared once: the folder before the command, and what is in it after."""

    def __init__(self, server: CommandServer, case: Case, folder: Path) -> None:
        self._server, self._case, self._folder = server, case, folder
        self._start = folder / "start"
        for line in (*case.before, case.first):
            self._succeed(line, self._start)
        self._old = files_in(self._start)
        after = shutil.copytree(self._start, folder / "after")
        self.calls = self._succeed(case.second, after).calls
        self._new = files_in(after)
        assert self._of_output(self._old) != self._of_output(self._new), "the command changes nothing"

    def meet(self, call: int, error: int) -> str | None:
        """What is wrong after a fault at one call, and after the run that follows."""
        folder = shutil.copytree(self._start, self._folder / f"{call}-{error}")
        try:
            outcome = self._run(self._case.second, folder, call, error)
            where = f"{outcome.name} of {outcome.path.removeprefix(str(folder))}, exit code {outcome.code}: "
            for problem in (self._after(outcome, folder, error), self._next(folder)):
                if problem is not None:
                    return where + problem
            return None
        finally:
            shutil.rmtree(folder)

    def _after(self, outcome: Outcome, folder: Path, error: int) -> str | None:
        found = self._of_output(files_in(folder))
        old, new = self._of_output(self._old), self._of_output(self._new)
        if outcome.code == -signal.SIGKILL and error == KILL:
            if found in (old, new) or self._is_told(folder, found):
                return None
            return f"neither old nor new: {_difference(found, old, new)}"
        if outcome.code == 4:
            if found != old:
                return f"failed, and the output is not the old one: {_difference(found, old, new)}"
            return None if outcome.errors.count("error:") == 1 else f"says {outcome.errors!r}"
        if outcome.code == 0:
            return None if found == new else f"fine, but not the new output: {_difference(found, old, new)}"
        return f"says {outcome.errors!r}"

    def _is_told(self, folder: Path, found: Tree) -> bool:
        """Whether every file is old or new, whole, and the receipt tells those of two runs apart."""
        whole = all(content in (self._old.get(name), self._new.get(name)) for name, content in found.items())
        return whole and bool(changed_outputs(folder / self._case.outputs[0]))

    def _next(self, folder: Path) -> str | None:
        outcome = self._server.run(self._case.second.split(), current=folder, seconds=_SECONDS, warm=True)
        if outcome.code != 0:
            return f"the next run fails with {outcome.code}: {outcome.errors!r}"
        found = files_in(folder)
        return None if found == self._new else f"the next run leaves {_difference(found, self._new)}"

    def _of_output(self, tree: Tree) -> Tree:
        outputs = self._case.outputs
        return {
            name: content
            for name, content in tree.items()
            if any(name == output or name.startswith(f"{output}/") for output in outputs)
        }

    def _succeed(self, line: str, folder: Path) -> Outcome:
        outcome = self._run(line, folder)
        assert outcome.code == 0, f"{line}: exit code {outcome.code}: {outcome.errors}"
        return outcome

    def _run(self, line: str, folder: Path, call: int = 0, error: int = 0) -> Outcome:
        outcome = self._server.run(
            line.split(), current=folder, seconds=_SECONDS, folder=folder, call=call, error=error
        )
        assert outcome.code != -signal.SIGALRM, f"{line}: killed after {_SECONDS} s, {outcome.cpu:.0f} of CPU"
        return outcome


def _difference(found: Tree, *others: Tree) -> str:
    names = sorted({name for tree in (found, *others) for name in tree})
    states = []
    for name in names:
        same = [str(i) for i, other in enumerate(others) if found.get(name) == other.get(name)]
        if len(same) < len(others):
            states.append(f"{name} {'as in ' + ' '.join(same) if same else 'as in none'}")
    return ", ".join(states)
