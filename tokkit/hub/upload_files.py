"""Which files of a folder go to the hub, and what of them stays behind.

Nothing that runs code when it is read goes (pickles), no link out of the folder, and no file that the hub is
too small for. Rows of the user stay behind unless requested: predictions, worst rows, and of receipts what
they say of the run, its paths and command line.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError
from tokkit.files import CARD
from tokkit.hub.other_scores import ROWS
from tokkit.model.folder.card import TEST_SCORES
from tokkit.model.folder.receipt import METRICS, PREDICTIONS
from tokkit.views.text import in_bytes

# Bytes of a file that the hub takes at most.
LARGEST = 50_000_000_000

_DROPPED = "dropped.jsonl"
_PICKLED = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".cloudpickle")
# The first bytes of a pickle of protocol 2 to 5, of an archive, and of an array of NumPy.
_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
_ARCHIVE, _NUMPY = b"PK\x03\x04", b"\x93NUMPY"
_HEADER = 512


@dataclass(frozen=True)
class UploadFile:
    """A file of the repository.

    content   the bytes, where they are not those of the file
    """

    path: str
    source: Path
    content: bytes | None = None

    @property
    def size(self) -> int:
        return self.source.stat().st_size if self.content is None else len(self.content)

    def as_dict(self) -> dict[str, Any]:
        return {"path": self.path, "size": self.size}


@dataclass(frozen=True)
class KeptBack:
    """What stays behind: a file, or a part of one, and why."""

    path: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        return {"path": self.path, "reason": self.reason}


def selected(folder: Path, card: str, *, with_rows: bool) -> tuple[list[UploadFile], list[KeptBack]]:
    """The files that go, by path, and what stays behind.

    card   the text of README.md

    Raises `InputError` for a pickle, a link out of the folder, and a file that is too large for the hub.
    """
    sent, kept_back = [UploadFile(CARD, folder / CARD, card.encode())], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name == CARD:
            continue
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            kept_back.append(KeptBack(name, "hidden file"))
            continue
        files.check_inner(path, folder)
        _check(path)
        if not with_rows and path.name in (PREDICTIONS, _DROPPED):
            kept_back.append(KeptBack(name, "rows of the data"))
            continue
        content, reason = (None, "") if with_rows else _without_private(path)
        if reason:
            kept_back.append(KeptBack(name, reason))
        sent.append(UploadFile(name, path, content))
    return sorted(sent, key=lambda file: file.path), kept_back


def _check(path: Path) -> None:
    if (size := path.stat().st_size) > LARGEST:
        raise InputError(
            f"{path}: has {in_bytes(size)}, and the hub takes files of at most {in_bytes(LARGEST)}",
            hint="split the weights, or the rows, into several files",
        )
    if is_pickle(path):
        raise InputError(
            f"{path}: is a pickle, which can run code on the machine of whoever loads it",
            hint="move it out of the folder; weights are safe as .safetensors",
        )


def is_pickle(path: Path) -> bool:
    """Whether loading a file may run code that is in it: pickles, what `torch.save` writes, object arrays."""
    if path.suffix.lower() in _PICKLED:
        return True
    with open(path, "rb") as file:
        start = file.read(_HEADER)
    # Protocols 0 and 1 have no mark of their own, and are known by the suffix alone.
    if start.startswith(_PICKLE):
        return True
    if start.startswith(_NUMPY):
        # The type of an array of Python objects, which NumPy pickles.
        return b"'|O'" in start
    if start.startswith(_ARCHIVE):
        # torch.save writes an archive with a pickle in it; .npz and .docx are archives, too.
        try:
            with zipfile.ZipFile(path) as archive:
                return any(name.endswith((".pkl", ".pickle")) for name in archive.namelist())
        except (zipfile.BadZipFile, OSError):
            return False
    return False


def _without_private(path: Path) -> tuple[bytes | None, str]:
    """The content of a JSON file without what is for the user alone, and what that is; None as it is."""
    if path.name not in (files.RECEIPT, METRICS, TEST_SCORES) and not path.name.endswith(f".{files.RECEIPT}"):
        return None, ""
    content = dict(files.Fields.of_file(path).content)
    if path.name in (METRICS, TEST_SCORES):
        removed = sorted(set(_removed_rows(content)))
        reason = f"rows in it: {', '.join(removed)}" if removed else ""
    else:
        reason = "its part run: paths, command line and times" if content.pop("run", None) is not None else ""
    if not reason:
        return None, ""
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    return text.encode("utf-8", "backslashreplace"), reason


def _removed_rows(content: dict[str, Any]) -> Iterator[str]:
    """Remove tables of rows, also those of several models; gives the names of what was removed."""
    for name in ROWS:
        if content.pop(name, None) is not None:
            yield name
    for name, value in content.items():
        if isinstance(value, dict):
            content[name] = inner = dict(value)
            yield from _removed_rows(inner)
