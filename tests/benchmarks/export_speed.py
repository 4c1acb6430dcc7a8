"""Exported models next to torch: rows per second, first answer, size, and macro F1 before and after.

    python -m tests.benchmarks.export_speed DATASET CHECKPOINT --train 4000 --epochs 2
    python -m tests.benchmarks.export_speed DATASET CHECKPOINT --train 2000 --epochs 2 --distilbert
    python -m tests.benchmarks.export_speed DATASET MODEL --trained

The checkpoint is fine-tuned on the first rows of train, exported in float32 and in 8 bits, and all of them
predict the rows of validation in turn, each in a process of its own; loading the model is not counted.
The first answer is the time of a whole process that predicts one text. ``--distilbert`` uses only the
tokenizer of the checkpoint, and an encoder of DistilBERT's size with new weights. Processor time is printed
too, since other work on the machine changes the time of the clock more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tokkit
from tests.benchmarks.finetune_speed import distilbert_sized

KINDS = {
    "onnx fp32": {},
    "onnx int8 dynamic": {"int8": "dynamic"},
    "onnx int8 static": {"int8": "static"},
    "openvino fp32": {"openvino": True},
}
_MEASURE = """
import json, sys, time
from tokkit.data.dataset import Rows
from tokkit.model.options.inference_options import PredictOptions
from tokkit.model.prediction.predictor import Predictor
from tokkit.progress import SILENT

folder, file, threads = sys.argv[1:]
texts = json.load(open(file, encoding="utf-8"))
predictor = Predictor.load(folder, PredictOptions(), False, int(threads), SILENT)

def predict(texts):
    rows = Rows(texts, [], list(range(len(texts))), {})
    predictor.predict(rows, predictor.encode(rows, SILENT), SILENT)

predict(texts[:50])
started, cpu = time.perf_counter(), time.process_time()
predict(texts)
print(len(texts) / (time.perf_counter() - started), len(texts) / (time.process_time() - cpu))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("checkpoint")
    parser.add_argument("--train", type=int, default=4000, help="rows to fine-tune on")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1000, help="rows to measure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--distilbert", action="store_true", help="an encoder of DistilBERT's size")
    parser.add_argument("--trained", action="store_true", help="the checkpoint is a model of these labels")
    parser.add_argument("--keep", type=Path, help="folder for models, reused where they are there")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = arguments.keep or Path(name)
        home.mkdir(parents=True, exist_ok=True)
        model = arguments.checkpoint if arguments.trained else _trained(arguments, home)
        folders = {"torch": Path(model)}
        for kind in arguments.kinds:
            folder = home / kind.replace(" ", "-")
            checks = _exported(model, folder, arguments.dataset, KINDS[kind])
            print(f"{kind}: {json.dumps(checks)}", flush=True)
            folders[kind] = folder
        _print_sizes(folders)
        _print_rates(folders, arguments, home)
        _print_first_answers(folders, arguments.rounds)


def _trained(arguments: argparse.Namespace, home: Path) -> Path:
    out = home / "model"
    if out.exists():
        return out
    checkpoint = arguments.checkpoint
    if arguments.distilbert:
        (home / "encoder").mkdir(exist_ok=True)
        checkpoint = distilbert_sized(checkpoint, home / "encoder")
    settings: dict[str, Any] = {"epochs": arguments.epochs, "max_length": 128, "baseline": "none"}
    result = tokkit.finetune(
        arguments.dataset,
        model=checkpoint,
        out=out,
        sample=str(arguments.train),
        lr=1e-4 if arguments.distilbert else 2e-4,
        **settings,
    )
    print(f"fine-tuned: macro F1 {result.metrics['macro_f1']:.4f}", flush=True)
    return out


def _exported(model: str | Path, folder: Path, dataset: str, settings: dict[str, Any]) -> dict[str, Any]:
    if not folder.exists():
        tokkit.export(model, folder, on=dataset, rows=2000, **settings)
    checks: dict[str, Any] = json.loads((folder / "tokkit.json").read_text("utf-8"))["result"]["checks"]
    return checks


def _print_sizes(folders: dict[str, Path]) -> None:
    names = ("model.safetensors", "model.onnx", "model.xml", "model.bin", "tokenizer.json", "export.json")
    sizes = {
        kind: sum((folder / name).stat().st_size for name in names if (folder / name).exists())
        for kind, folder in folders.items()
    }
    plain = sizes.get("onnx fp32", sizes["torch"])
    for kind, size in sizes.items():
        print(f"{kind:18} {size / 1e6:7.1f} MB, {size / plain:.3f} of fp32")


def _print_rates(folders: dict[str, Path], arguments: argparse.Namespace, home: Path) -> None:
    """Rows per second of every round, and the ratio to torch in the same round."""
    rows = tokkit.load_dataset(arguments.dataset)["validation"]["text"][: arguments.rows]
    file = home / "texts.json"
    file.write_text(json.dumps(list(rows), ensure_ascii=False), encoding="utf-8")
    for number in range(arguments.rounds):
        rates = {}
        for kind, folder in folders.items():
            command = [sys.executable, "-c", _MEASURE, str(folder), str(file), str(arguments.threads)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rates[kind] = tuple(map(float, done.stdout.split()))
        for kind, (clock, processor) in rates.items():
            ratios = clock / rates["torch"][0], processor / rates["torch"][1]
            print(
                f"round {number + 1}: {kind:18} {clock:7.1f} rows/s, {ratios[0]:.2f} times torch; "
                f"{processor:7.1f} rows/s of processor time, {ratios[1]:.2f} times",
                flush=True,
            )


def _print_first_answers(folders: dict[str, Path], rounds: int) -> None:
    """Seconds from the start of a process to its end, with one text."""
    for number in range(rounds):
        for kind, folder in folders.items():
            command = [sys.executable, "-m", "tokkit", "predict", str(folder), "i feel glad", "--json", "-q"]
            started = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
                _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            assert status == 0, kind
            processor = usage.ru_utime + usage.ru_stime
            print(f"round {number + 1}: {kind:18} first answer {seconds:.2f} s, processor {processor:.2f} s")


if __name__ == "__main__":
    main()
