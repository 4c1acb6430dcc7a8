"""Real children, and faults at the n-th call by name: the process kills itself there, or the call fails."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import TokkitError
from tokkit.files import publish

SYSTEM_CALLS = [(os, name) for name in ("open", "mkdir", "chmod", "fsync", "link", "rename", "replace")]
REMOVALS = [(os, "unlink"), (os, "rmdir")]
EXCHANGES = [(publish, "exchange"), (publish, "move")]
ALL_CALLS: list[tuple[Any, str]] = [*SYSTEM_CALLS, *REMOVALS, *EXCHANGES]
NO_EXCHANGE = "no exchange"


def in_child(work: Callable[[], object]) -> int:
    """The exit code of ``work`` in a forked child: 0, a TokkitError's own, 70; minus the signal if killed."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            work()
            code = 0
        except TokkitError as error:
            code = error.exit_code
        except KeyboardInterrupt:
            code = 130
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def fault_at(n: int, fault: Callable[[], None], *, lasting: bool = False) -> Iterator[list[str]]:
    """``fault`` happens before the n-th of `ALL_CALLS` (and before all later ones); yields the calls made."""
    calls: list[str] = []
    originals = [(module, name, getattr(module, name)) for module, name in ALL_CALLS]

    def wrapped(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == n or (lasting and len(calls) > n):
                fault()
            return original(*args, **options)

        return call

    for module, name, original in originals:
        setattr(module, name, wrapped(name, original))
    try:
        yield calls
    finally:
        for module, name, original in originals:
            setattr(module, name, original)


@contextmanager
def recorded_changes() -> Iterator[list[tuple[str, str]]]:
    """Every ``fsync`` and ``rename`` in order, with the path of what is synced, or of the new name."""
    changes: list[tuple[str, str]] = []
    fsync, renames = os.fsync, {name: getattr(os, name) for name in ("rename", "replace")}

    def synced(descriptor: int) -> None:
        changes.append(("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def renamed(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, **options: Any) -> Any:
            changes.append(("rename", os.fspath(target)))
            return original(source, target, **options)

        return call

    os.fsync = synced
    for name, original in renames.items():
        setattr(os, name, renamed(original))
    try:
        yield changes
    finally:
        os.fsync = fsync
        for name, original in renames.items():
            setattr(os, name, original)


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def failing(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def publish_folder(out: Path, text: str, *, force: bool = True) -> None:
    """A folder of three files, two of which differ by ``text``."""
    with files.folder(out, force=force) as staging:
        (staging / "tokenizer.json").write_text(text)
        (staging / "part").mkdir()
        (staging / "part" / "0.parquet").write_text(text * 3)
        (staging / files.RECEIPT).write_text(json.dumps({"result": {"text": text}}))


def publish_files(out: Path, text: str, *, force: bool = True) -> None:
    """A file with weights and a receipt."""
    with files.files(out, ".weights.json", ".tokkit.json", force=force) as staging:
        for suffix in ("", ".weights.json", ".tokkit.json"):
            (staging / (out.name + suffix)).write_text(text)


def content(path: Path) -> dict[str, str] | None:
    """What a folder or file holds, by relative path; None where nothing is."""
    if path.is_file():
        return {"": path.read_text()}
    if not path.exists():
        return None
    return {
        str(file.relative_to(path)): file.read_text() for file in sorted(path.rglob("*")) if file.is_file()
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
