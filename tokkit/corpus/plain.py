"""Words of a corpus whose pipeline may not be cut: the reference counts them in a child process."""

from __future__ import annotations

from collections.abc import Sequence

from tokkit.corpus.feed import CorpusFile
from tokkit.progress import Progress
from tokkit.runtime import children
from tokkit.runtime.byte_table import ByteTable


def count(
    corpus: Sequence[CorpusFile], tokenizer: str, progress: Progress, threads: int | None
) -> tuple[ByteTable, int]:
    """The words, and the bytes read; raises what the child raises, as `children.ask`."""
    files = [
        {"path": str(file.path), "format": [file.format.name, file.format.separator], "column": file.column}
        for file in corpus
    ]
    job = {"corpus": files, "tokenizer": tokenizer}
    counted = children.ask("tokkit.corpus.plain_worker", job, progress, threads)
    table = ByteTable()
    table.add_all([word.encode() for word in counted["words"]], list(counted["words"].values()))
    return table, counted["bytes"]
