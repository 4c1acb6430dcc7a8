"""Words counted by the reference alone, in a process that can be killed: ``python -m`` this module.

It cannot be interrupted while it is fed, so `plain` starts it as a child; `serving` says how they talk.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokkit.corpus.feed import CorpusFile, items
from tokkit.corpus.reference_words import count_words
from tokkit.runtime.serving import Reporter, serve
from tokkit.sources.formats import TableFormat


def count(job: Mapping[str, Any]) -> dict[str, Any]:
    """Words of the files of a job under the tokenizer of it, and the bytes read."""
    from tokenizers import Tokenizer

    corpus = [CorpusFile(Path(f["path"]), TableFormat(*f["format"]), f["column"]) for f in job["corpus"]]
    reporter = Reporter()
    words = count_words(Tokenizer.from_str(job["tokenizer"]), items(corpus, reporter))
    return {"words": words, "bytes": reporter.total}


if __name__ == "__main__":
    serve("counting words", count)
