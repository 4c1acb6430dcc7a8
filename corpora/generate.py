"""Writes the text files beside it: prose in two languages, a labelled data set, the account of its faults.

    python corpora/generate.py            writes the files
    python corpora/generate.py --check    exits 1 and names the files that differ from what it would write

Nothing is read but the lexicons and grammars of this folder, and every file has its own fixed seed: the bytes
are the same on every run, and a change of one file leaves the others as they are.
"""

import json
import random
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import emotions
import english
import korean

HERE = Path(__file__).resolve().parent
PROSE_BYTES = 390_000
EMOTION_ROWS = 8_000


def prose(paragraph: Callable[[random.Random], str], seed: int) -> str:
    """Paragraphs, one a line, until `PROSE_BYTES` are full."""
    rng = random.Random(seed)
    lines, size = [], 0
    while size < PROSE_BYTES:
        lines.append(unicodedata.normalize("NFC", paragraph(rng)))
        size += len(lines[-1].encode()) + 1
    return "\n".join(lines) + "\n"


def contents() -> dict[str, str]:
    """File name -> text of every file that this script owns."""
    rows, planted = emotions.build(random.Random(7), EMOTION_ROWS)
    table = "".join(f"{text};{label}\n" for text, label in [("text", "label"), *rows])
    return {
        "english.txt": prose(english.paragraph, seed=1),
        "korean.txt": prose(korean.paragraph, seed=2),
        "emotions.txt": unicodedata.normalize("NFC", table),
        "planted.json": json.dumps(planted, ensure_ascii=False, indent=2) + "\n",
    }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python corpora/generate.py [--check]", file=sys.stderr)
        return 2
    files = {HERE / name: text.encode() for name, text in contents().items()}
    if arguments:
        stale = [path.name for path, data in files.items() if not path.exists() or path.read_bytes() != data]
        if stale:
            print(f"differ: {', '.join(stale)}; run: python corpora/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for path, data in files.items():
        path.write_bytes(data)
        print(f"{path.name}: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
