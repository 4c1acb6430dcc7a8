"""`tokkit.json`, the receipt of every output: what went in, with which settings, and what came out.

    {"schema": 1, "command": "train-wordpiece",
     "result": {"settings": ..., "versions": ..., "inputs": [...], ...},    the same for the same work
     "run": {"command_line": [...], "working_folder": ..., "inputs": [...], "seconds": ...}}

Only ``run`` contains dates, durations and absolute paths, so that two runs can be compared by the rest.
Addresses are written without passwords and queries, which may be secret.
The receipt of a folder is `tokkit.json` in it; that of a file ``OUT`` is ``OUT.tokkit.json`` next to it, with
``"outputs": [{"path", "sha256"}, ...]`` of ``OUT`` and its siblings: a run that is killed while it replaces
one after the other leaves files of two runs, each of them whole, which `changed_outputs` tells apart.
"""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import math
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path
from typing import Any

from tokkit import __version__
from tokkit.errors import InputError
from tokkit.files.fields import Fields
from tokkit.files.origins import origin_of
from tokkit.files.privacy import address_of, address_refused, redacted

RECEIPT = "tokkit.json"
CARD = "README.md"
SCHEMA = 1
_OUTPUTS = "a list of files, each with its path and sha256"


def receipt_path(output: Path) -> Path:
    """The path of the receipt of a folder or file."""
    return output / RECEIPT if output.is_dir() else output.with_name(f"{output.name}.{RECEIPT}")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises InputError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def input_facts(inputs: Iterable[Path]) -> list[tuple[str, str]]:
    """Name, and size and hash in words, of each input, for people; raises as `describe_input`."""
    described = map(describe_input, inputs)
    return [(item["name"], f"{item['bytes']:,} bytes, sha256 {item['sha256']}") for item in described]


def describe_input(path: Path) -> dict[str, Any]:
    """``{"name", "sha256", "bytes"}`` of a file, its name without folders.

    A folder gives the same and ``"files"``, a list of the same for each file in it, sorted, the names
    relative to the folder; its sha256 is that of the lines ``<sha256>  <name>`` and its bytes the sum.
    Receipts in it are not listed, since they contain times, and neither is a card, which says nothing that
    a result depends on. What is from the hub has ``"hub"``, the
    repository, and ``"revision"``, the commit. Raises InputError.

    >>> describe_input(Path("train.txt"))
    {'name': 'train.txt', 'sha256': '5891b5b5...', 'bytes': 6}
    """
    folder_name = path.resolve().name if path.name in ("", "..") else path.name
    if not path.is_dir():
        described = {"name": folder_name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
        return described | origin_of(path)
    inner_files = {
        file.relative_to(path).as_posix(): file
        for file in path.rglob("*")
        if file.is_file() and not _is_about(file)
    }
    origin = origin_of(path)
    files = [
        # What the folder is from is said once.
        {key: value for key, value in describe_input(file).items() if key not in origin} | {"name": name}
        for name, file in sorted(inner_files.items())
    ]
    # The hash depends on names and contents only, not on the order in which the file system lists them.
    lines = "".join(f"{file['sha256']}  {file['name']}\n" for file in files)
    return {
        # A snapshot of the hub is called by its commit.
        "name": origin.get("hub", folder_name),
        "sha256": hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(),
        "bytes": sum(file["bytes"] for file in files),
        "files": files,
        **origin,
    }


def unchanged(path: Path, described: Fields) -> bool:
    """Whether a file, or every file of a folder, is as a receipt describes it.

    Files that were added to a folder since are no change: a card, scores of a test.
    """
    listed = described.objects("files", default=())
    if not listed:
        return path.is_file() and sha256_of(path) == described.text("sha256")
    recorded = {path / file.text("name"): file.text("sha256") for file in listed}
    return all(
        file.is_file() and sha256_of(file) == sha256
        for file, sha256 in recorded.items()
        if not _is_about(file)
    )


def _is_about(file: Path) -> bool:
    """Whether a file only says something about the others of its folder."""
    return file.name in (RECEIPT, CARD) or file.name.endswith("." + RECEIPT)


def versions(*packages: str) -> dict[str, str]:
    """The versions of Python, tokkit, and those of ``packages`` that are installed, sorted by name."""
    of_packages = {package: _version_of(package) for package in packages}
    installed = {package: version for package, version in of_packages.items() if version is not None}
    return dict(sorted({"python": platform.python_version(), "tokkit": __version__, **installed}.items()))


@functools.cache
def _version_of(package: str) -> str | None:
    """The version of a package, None where it is not installed."""
    from importlib import metadata  # 15 ms, which only a run that writes needs to spend

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def write_receipt(
    output: Path,
    *,
    command: str,
    settings: Mapping[str, Any],
    inputs: Iterable[Path | Mapping[str, Any]] = (),
    packages: Iterable[str] = (),
    sources: Mapping[str, Any] | None = None,
    result: Mapping[str, Any],
    run: Mapping[str, Any],
) -> None:
    """Write the receipt of ``output``, a folder or file (usually still in staging), to `receipt_path`.

    settings   the values of the options, by name; sorted here
    inputs     files and folders, described here; a mapping (as `describe_input` returns) is written as it
               is, for an input that is no file or was hashed while it was read
    packages   the libraries that the result depends on
    sources    argument of the command -> what it names, one or several: written into ``result`` without
               folders, and into ``run`` with absolute paths, from which the command can be repeated
    result     counts, seeds, samples; NaN and infinities become null
    run        what differs from run to run: ``started``, ``seconds``

    The receipt of a file is written last: it has the hashes of the file and of its siblings.

    Raises InputError where an input cannot be read, OSError where the receipt cannot be written, TypeError
    for what is not JSON (a Path in ``result``, say), ValueError where ``result`` or ``run`` has a key
    that is filled in here.
    """
    listed = list(inputs)
    described = [dict(item) if isinstance(item, Mapping) else describe_input(item) for item in listed]
    paths = [item for item in listed if isinstance(item, Path)]
    siblings = sorted({*output.parent.glob(f"{glob.escape(output.name)}.*")} - {receipt_path(output)})
    outputs = [output, *siblings] if output.is_file() else []
    receipt = {
        "schema": SCHEMA,
        "command": command,
        "result": _merged(
            {
                "settings": redacted(dict(sorted(settings.items()))),
                "versions": versions(*packages),
                "inputs": described,
                **_sources(sources, _without_folders),
                **({"outputs": [_describe_output(path) for path in outputs]} if outputs else {}),
            },
            result,
        ),
        "run": _merged(
            {
                "command_line": redacted(sys.argv),
                "working_folder": str(Path.cwd()),
                "inputs": [str(path.absolute()) for path in paths],
                **_sources(sources, _absolute),
            },
            redacted(dict(run)),
        ),
    }
    text = json.dumps(_plain(receipt), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # Lone surrogates (from file names that are not UTF-8) are written as JSON escapes: \udc80.
    receipt_path(output).write_bytes(text.encode("utf-8", "backslashreplace"))


def read_receipt(output: Path) -> dict[str, Any]:
    """Read the receipt of a folder or file. Raises InputError as `receipt_fields`."""
    return dict(receipt_fields(output).content)


def receipt_fields(output: Path, hint: str | None = None) -> Fields:
    """Read the receipt of a folder or file, to look at its values by name and type.

    hint  of the errors: how to get a receipt that is right

    Raises InputError where there is none, where it is not valid, and where a newer version wrote it.
    """
    path = receipt_path(output)
    if not output.exists():
        if address := address_of(output):
            raise address_refused(address)
        raise InputError(f"{output}: does not exist")
    if not path.exists():
        raise InputError(f"{output}: has no {path.name}; it was not written by tokkit")
    receipt = Fields.of_file(path, hint)
    if not isinstance(receipt.content.get("result"), dict):
        raise InputError(f"{path}: is not a receipt of tokkit", hint)
    schema = receipt.content.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise InputError(
            f"{path}: has schema {str(schema)[:40]}, expected {SCHEMA}", "pip install --upgrade tokkit-nlp"
        )
    return receipt


def changed_outputs(output: Path) -> list[str]:
    """The file and those of its siblings that are not as its receipt names them: edited, or of another run.

    Raises InputError as `receipt_fields`. Receipts of folders, and those of version 0.1.0, name none.
    """
    named = receipt_fields(output).fields("result").objects("outputs", _OUTPUTS, default=())
    paths = [(output.with_name(entry.text("path")), entry.text("sha256")) for entry in named]
    return [path.name for path, sha256 in paths if not path.is_file() or sha256_of(path) != sha256]


def _describe_output(path: Path) -> dict[str, str]:
    return {"path": path.name, "sha256": sha256_of(path)}


def _sources(sources: Mapping[str, Any] | None, name_of: Callable[[str | Path], str]) -> dict[str, Any]:
    """``{"sources": ...}``, each under the name that the function gives it; empty without any."""
    if sources is None:
        return {}
    names: dict[str, Any] = {}
    for argument, value in sources.items():
        # One in a list is one alone: the command line always has a list, a function takes either.
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        several = isinstance(value, list | tuple)
        names[argument] = [name_of(item) for item in value] if several else value and name_of(value)
    return {"sources": redacted(names)}


def _without_folders(source: str | Path) -> str:
    return Path(source).resolve().name if _exists(source) else str(source)


def _absolute(source: str | Path) -> str:
    return str(Path(source).absolute()) if _exists(source) else str(source)


def _exists(source: str | Path) -> bool:
    try:
        return Path(source).exists()
    except OSError:  # a name longer than a file system takes
        return False


def _merged(own: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if repeated := own.keys() & given.keys():
        raise ValueError(f"the receipt itself fills in {sorted(repeated)}")
    return {**own, **given}


def _plain(value: Any) -> Any:
    """``value`` as JSON types: tuples as lists, sets sorted, NumPy scalars as numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Set):
        return [_plain(item) for item in sorted(value)]
    # JSON has no NaN or infinity: a loss that diverged is null. NumPy's float64 is a float, too.
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value
