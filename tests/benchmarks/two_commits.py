"""Two versions of tokkit next to each other: the same commands, in turn, each in processes of its own.

    git worktree add /tmp/old COMMIT
    python -m tests.benchmarks.two_commits /tmp/old . --english E.txt --korean K.txt --rows ROWS.csv \
        --checkpoint MODEL

Every command runs once unmeasured, which compiles kernels, then ``--rounds`` times for either version, the
first one first in every other round. Printed are the medians of wall and CPU seconds and their ratios, new
to old, and the least CPU seconds, which other processes of the machine disturb least. With ``--cold``, each
round starts without compiled kernels.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import Timed, timed

IDS = """
import sys
from tokkit.tokenizer.encoding.encode import encode
try:
    from tokkit.tokenizer.folder.load import load
except ImportError:  # version 0.1
    from tokkit.tokenizer.load import load
with open(sys.argv[2], encoding="utf-8") as file:
    encode(file.read().splitlines(), load(sys.argv[1]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path, help="folder that holds one tokkit/")
    parser.add_argument("new", type=Path)
    parser.add_argument("--english", type=Path, required=True)
    parser.add_argument("--korean", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True, help="labeled rows, csv")
    parser.add_argument("--checkpoint", type=Path, help="a pretrained encoder, to fine-tune")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="commands whose name contains this")
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{'':32}{'wall':>24}{'CPU':>24}{'least CPU':>24}")
        for what, command in commands(arguments, folder):
            if arguments.only in what:
                compare(what, command, arguments, folder)


def commands(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and arguments of Python; tokenizers and models that later ones need come from the old version."""
    english, korean, rows = (
        str(path.resolve()) for path in (arguments.english, arguments.korean, arguments.rows)
    )
    tokenizer, model = str(folder / "tokenizer"), str(folder / "model")
    tokkit = ["-m", "tokkit"]
    out = ["-o", str(folder / "out"), "--force", "-q"]
    recipes = {"wordpiece": [], "bpe": ["--recipe", "gpt2"]}
    for kind, recipe in recipes.items():
        yield f"train-{kind}, English", [*tokkit, f"train-{kind}", english, *recipe, *out]
        yield f"train-{kind}, Korean", [*tokkit, f"train-{kind}", korean, *recipe, *out]
    yield "count, English", [*tokkit, "count", english, *out]
    run(arguments.old, [*tokkit, "train-wordpiece", english, "-o", tokenizer, "-q"], folder)
    yield "ids, English", ["-c", IDS, tokenizer, english]
    yield "ids, Korean", ["-c", IDS, tokenizer, korean]
    for path in (Path(rows), folder / "rows.jsonl", folder / "rows.parquet"):
        write_rows(Path(rows), path)
        yield f"stats, {path.suffix[1:]}", [*tokkit, "stats", str(path), "-q"]
    yield "stats, tokens", [*tokkit, "stats", rows, "--tokenizer", tokenizer, "-q"]
    small = folder / "small.csv"
    with open(rows, encoding="utf-8") as source:
        small.write_text("".join(line for _, line in zip(range(801), source, strict=False)), "utf-8")
    if arguments.checkpoint is not None:
        options = ["--epochs", "1", "--baseline", "none", "--no-cache", "--threads", "2"]
        checkpoint = ["--model", str(arguments.checkpoint.resolve())]
        yield "finetune", [*tokkit, "finetune", str(small), *checkpoint, *options, *out]
        run(
            arguments.old, [*tokkit, "finetune", str(small), *checkpoint, *options, "-o", model, "-q"], folder
        )
        for command in ("predict", "evaluate"):
            yield command, [*tokkit, command, model, str(small), "--threads", "2", "-q"]


def write_rows(source: Path, target: Path) -> None:
    """The rows of a csv in the format of another name."""
    import polars as pl

    if target.suffix == ".jsonl":
        pl.read_csv(source, infer_schema=False).write_ndjson(target)
    elif target.suffix == ".parquet":
        pl.read_csv(source, infer_schema=False).write_parquet(target)


def run(version: Path, command: list[str], folder: Path) -> Timed:
    """A command with the code of a version."""
    os.environ["PYTHONPATH"] = str(version.resolve())
    os.environ["TOKKIT_CACHE"] = str(folder / "cache")
    os.environ["NUMBA_CACHE_DIR"] = str(folder / "kernels")
    # -P: not the code of the current folder
    return timed([sys.executable, "-P", *command])


def compare(what: str, command: list[str], arguments: argparse.Namespace, folder: Path) -> None:
    """Print a line about one command."""
    versions = {"old": arguments.old, "new": arguments.new}
    measured: dict[str, list[Timed]] = {name: [] for name in versions}
    if not arguments.cold:
        for version in versions.values():
            run(version, command, folder)
    for round_number in range(arguments.rounds):
        order = list(versions) if round_number % 2 == 0 else list(reversed(versions))
        for name in order:
            if arguments.cold:
                shutil.rmtree(folder / "kernels", ignore_errors=True)
            measured[name].append(run(versions[name], command, folder))
    cells = []
    for pick, take in (("wall", statistics.median), ("cpu", statistics.median), ("cpu", min)):
        old, new = (take([getattr(one, pick) for one in measured[name]]) for name in ("old", "new"))
        cells.append(f"{old:8.2f} {new:8.2f} {new / old:6.2f}")
    print(f"{what:32}{' '.join(cells)}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {error}")
