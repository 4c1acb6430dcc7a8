"""Texts the tests of tokenizers share: corpora cut small, and lines that tokenizers trip over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).parents[2] / "corpora"

HARD = (
    "",
    "  leading,   inner and trailing   ",
    "controls \x01\x0b\x0c\x1c\x1f\x7f and \x85 next line",
    "combining é ñ ạ̈ and composed é ñ",
    "no\u00a0break, ideographic\u3000space, thin\u2009space, zero\u200bwidth",
    "👩‍👩‍👧‍👦 🇰🇷 👍🏽 ❤️",
    "한글 조합형과 한글 완성형",
    "שלום עולם مرحبا بالعالم \u202eabc\u202c",
    "東京で寿司を食べる。中文没有空格",
    "don't WON'T it's 1,234.5 km -- 3:45 p.m.",
    "tab\tand\r\nnewline\n",
    "Übergrößenträger ΑΒΓ Σίσυφος İstanbul",
    "a" * 300,
    "[UNK] [CLS] <s> </s> <|endoftext|> <0x41> ▁ ## Ġ",
    "\ufeffbyte order mark",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0010fffd \ue000",
)

HARD_LINES = (
    "windows line ends\r\n"
    "\r\n"
    "\n"
    "   \n"
    "next\x85line and next\x85\n"
    "👩‍👩‍👧 🇰🇷 👍🏽 emoji 👩‍👩‍👧\n"
    "non\u00a0breaking\u3000ideographic \u3000 \u3000\n"
    "line\u2028separator  \x0b \x0c formfeed\n"
    "한글 한글 한글\n"
    "aaaaaaa aaaa aaa aaaaaaaa\n"
    "the last line has no end"
)


def cut(name: str, characters: int = 60_000) -> str:
    """The first whole lines of a shipped corpus."""
    text = (CORPORA / f"{name}.txt").read_text(encoding="utf-8")[:characters]
    return text[: text.rindex("\n") + 1]


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def model_of(folder: Path) -> dict[str, Any]:
    """Vocabulary and merges as they stand in a folder's `tokenizer.json`."""
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    merges = [tuple(merge) for merge in content.get("merges", ())]
    return {"vocab": content["vocab"], "merges": merges}


def command(*arguments: str | Path, **settings: Any) -> subprocess.Popen[str]:
    """A real ``python -m tokkit`` process."""
    environment = {**os.environ, "PYTHONUTF8": "1", **settings.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "tokkit", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        **settings,
    )


def finished(*arguments: str | Path, input: str | None = None, **settings: Any) -> tuple[int, str, str]:
    """Exit code, output and error output of a whole run."""
    if input is not None:
        settings["stdin"] = subprocess.PIPE
    process = command(*arguments, **settings)
    out, err = process.communicate(input, timeout=60)
    return process.returncode, out, err


def published(folder: Path) -> dict[str, bytes | dict[str, Any]]:
    """What must be the same at every run: every file, and of the receipt all but ``run``."""
    contents: dict[str, bytes | dict[str, Any]] = {p.name: p.read_bytes() for p in sorted(folder.iterdir())}
    receipt = json.loads((folder / "tokkit.json").read_text(encoding="utf-8"))
    contents["tokkit.json"] = {name: value for name, value in receipt.items() if name != "run"}
    return contents
