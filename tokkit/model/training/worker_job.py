"""What worker processes of a training start from: the rows and settings of the process that starts them.

The rows are passed on as they were read and checked: standard input can be read once, and each worker has
exactly the rows, and so the fingerprints, of a run in one process.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokkit import files

_JOB = "job.pickle"


@contextmanager
def written_job(*content: Any) -> Iterator[Path]:
    """A file with the content, in a temporary folder for the user alone."""
    with files.temporary_folder("training") as folder:
        path = folder / _JOB
        with files.raising_output_error(path), open(path, "wb") as file:
            pickle.dump((sys.argv, content), file, protocol=pickle.HIGHEST_PROTOCOL)
        yield path


def read_job(path: str | Path) -> Any:
    """The content of a job; from now on this process has the command line of the one that wrote it."""
    with open(path, "rb") as file:
        # Receipts record the command line: that of the user, not of the worker.
        sys.argv, content = pickle.load(file)
    return content
