"""Words of a pipeline that may not be cut, counted by `tokenizers` in a child process that can be killed.

Counting there cannot be interrupted. The child is ``python -m`` this module; `child_process` describes the
messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tokkit.corpus.feed import CorpusFile, items
from tokkit.corpus.reference_words import PlainWords, count_by_reference
from tokkit.progress import Progress
from tokkit.runtime.child_process import Reporter, run_child, serve
from tokkit.sources.formats import TableFormat


def count_in_child(
    corpus: Sequence[CorpusFile], tokenizer: str, progress: Progress, threads: int | None
) -> PlainWords:
    """The words of a corpus; raises what the child raises."""
    files = [
        {
            "path": str(file.path),
            "format": astuple(file.format),
            "column": file.column,
            "encoding": file.encoding,
        }
        for file in corpus
    ]
    job = {"corpus": files, "tokenizer": tokenizer}
    result = run_child("tokkit.corpus.uncut_words", job, progress, threads)
    return PlainWords(result["words"], result["bytes"])


def _count_files(job: Mapping[str, Any]) -> dict[str, Any]:
    """The child's side of `count_in_child`."""
    corpus = [
        CorpusFile(Path(f["path"]), TableFormat(*f["format"]), f["column"], f["encoding"])
        for f in job["corpus"]
    ]
    reporter = Reporter()
    words = count_by_reference(Tokenizer.from_str(job["tokenizer"]), items(corpus, reporter))
    return {"words": words, "bytes": reporter.total}


if __name__ == "__main__":
    serve("counting words", _count_files)
