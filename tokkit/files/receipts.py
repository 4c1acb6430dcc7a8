"""`tokkit.json`, the receipt of every output: what went in, with which settings, and what came out.

    {"schema": 1, "command": "train-wordpiece",
     "result": {"settings": ..., "versions": ..., "inputs": [...], ...},    the same for the same work
     "run": {"command_line": [...], "working_folder": ..., "inputs": [...], "seconds": ...}}

Dates, durations and absolute paths stand in ``run`` alone, so that two runs can be compared by the rest.
A folder holds its receipt as `tokkit.json`, a file ``OUT`` has it beside itself as ``OUT.tokkit.json``.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from tokkit.errors import InputError

RECEIPT = "tokkit.json"
SCHEMA = 1
_UNINSTALLED = "0.1.0"  # tokkit used from a checkout


def receipt_path(output: Path) -> Path:
    """Where the receipt of a folder or file stands."""
    return output / RECEIPT if output.is_dir() else output.with_name(f"{output.name}.{RECEIPT}")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises InputError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def describe_input(path: Path) -> dict[str, Any]:
    """``{"name", "sha256", "bytes"}`` of a file, its name without folders.

    A folder gives the same and ``"files"``, a list of the same for each file in it, sorted, the names
    relative to the folder; its sha256 is that of the lines ``<sha256>  <name>`` and its bytes the sum.
    Receipts in it are left out, since they hold times. Raises InputError.

    >>> describe_input(Path("train.txt"))
    {'name': 'train.txt', 'sha256': '5891b5b5...', 'bytes': 6}
    """
    name = path.resolve().name if path.name in ("", "..") else path.name
    if not path.is_dir():
        return {"name": name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
    found = {
        file.relative_to(path).as_posix(): file
        for file in path.rglob("*")
        if file.is_file() and file.name != RECEIPT and not file.name.endswith("." + RECEIPT)
    }
    files = [describe_input(found[inner]) | {"name": inner} for inner in sorted(found)]
    lines = "".join(f"{file['sha256']}  {file['name']}\n" for file in files)
    return {
        "name": name,
        "sha256": hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(),
        "bytes": sum(file["bytes"] for file in files),
        "files": files,
    }


def versions(*packages: str) -> dict[str, str]:
    """The versions of Python, tokkit, and those of ``packages`` that are installed, sorted by name."""
    from importlib import metadata  # 15 ms, which only a run that writes needs to spend

    found = {"python": platform.python_version(), "tokkit": _UNINSTALLED}
    for package in ("tokkit", *packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def write_receipt(
    output: Path,
    *,
    command: str,
    settings: Mapping[str, Any],
    inputs: Iterable[Path | Mapping[str, Any]] = (),
    packages: Iterable[str] = (),
    result: Mapping[str, Any],
    run: Mapping[str, Any],
) -> None:
    """The receipt of ``output``, a folder or file (usually still in staging), stands at `receipt_path`.

    settings   what was asked for, by option; sorted here
    inputs     files and folders, described here; a mapping (as `describe_input` gives) is taken as it is,
               for an input that is no file or was hashed while it was read
    packages   the libraries the result depends on
    result     what came out: counts, seeds, samples; NaN and infinities become null
    run        what differs from run to run: ``started``, ``seconds``

    Raises InputError where an input cannot be read, OSError where the receipt cannot be written, TypeError
    for what is not JSON (a Path in ``result``, say), ValueError where ``result`` or ``run`` takes a name
    that is used here.
    """
    given = list(inputs)
    described = [dict(item) if isinstance(item, Mapping) else describe_input(item) for item in given]
    paths = [item for item in given if isinstance(item, Path)]
    receipt = {
        "schema": SCHEMA,
        "command": command,
        "result": _joined(
            {
                "settings": dict(sorted(settings.items())),
                "versions": versions(*packages),
                "inputs": described,
            },
            result,
        ),
        "run": _joined(
            {
                "command_line": sys.argv,
                "working_folder": str(Path.cwd()),
                "inputs": [str(path.absolute()) for path in paths],
            },
            run,
        ),
    }
    text = json.dumps(_plain(receipt), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # Lone surrogates (file names that are not UTF-8) are written as JSON writes them: \udc80.
    receipt_path(output).write_bytes(text.encode("utf-8", "backslashreplace"))


def read_receipt(output: Path) -> dict[str, Any]:
    """The receipt of a folder or file. Raises InputError where there is none or it cannot be understood."""
    path = receipt_path(output)
    if not output.exists():
        raise InputError(f"{output}: does not exist")
    try:
        receipt = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"{output}: has no {path.name}; it was not written by tokkit") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON ({error})") from error
    if not isinstance(receipt, dict) or not isinstance(receipt.get("result"), dict):
        raise InputError(f"{path}: is not a receipt of tokkit")
    if receipt.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: has schema {receipt.get('schema')!r}, expected {SCHEMA}",
            "pip install --upgrade tokkit-nlp",
        )
    return receipt


def _joined(ours: dict[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    if taken := ours.keys() & theirs.keys():
        raise ValueError(f"the receipt itself fills in {sorted(taken)}")
    return {**ours, **theirs}


def _plain(value: Any) -> Any:
    """``value`` in JSON's own types: tuples as lists, sets sorted, NumPy scalars as numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Set):
        return [_plain(item) for item in sorted(value)]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value
