"""``python -m tests.docs.regenerate [PAGE...]`` runs pages and writes what they print into them.

Without a page: all of them, and the command reference. A page is a path: docs/tour.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.docs import pages


def with_outputs(text: str, outputs: list[tuple[pages.Block, str]]) -> str:
    """The text of a page with what its blocks printed in place of what it says that they print."""
    for block, printed in reversed(outputs):
        if block.output is not None:
            first, last = block.span
            text = text[:first] + printed + text[last:]
    return text


def main(arguments: list[str]) -> None:
    chosen = [pages.ROOT / argument for argument in arguments] or pages.pages()
    if not arguments:
        for page, text in pages.reference().items():
            page.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TOKKIT_CACHE"] = str(Path(folder) / "cache")
        runs = pages.Runs(Path(folder), long=True)
        for page in chosen:
            sys.stderr.write(f"{pages.page_name(page)}\n")
            outputs = runs.outputs(page)
            page.write_text(with_outputs(page.read_text("utf-8"), outputs), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
