"""Where files may be cut so that the rows of each span are read alone: at line ends, between row groups.

a.txt 80 MB          ->  bytes 0 to 32 MB, 32 to 64 MB, 64 to 80 MB, each to the end of its last line
b.parquet, 5 groups  ->  row groups 0 to 2, 2 to 5
c.csv                ->  whole: a quoted field may hold line ends
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tokkit.sources import formats, streams
from tokkit.sources.formats import LINE, FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import Batch


@dataclass(frozen=True)
class FileRows:
    """The rows of a file, or of a span of it (`FormatOptions.span`), that any process may read.

    size   about the bytes of the file that they take
    """

    path: Path
    format: TableFormat
    options: FormatOptions
    size: int

    def batches(self, say: Say) -> Iterator[Batch]:
        """The rows. Raises `InputError` as `formats.batches`."""
        return formats.batches(self.path, self.format, self.options, say)

    def spans(self, size: int) -> list[FileRows]:
        """The same rows in spans of about so many bytes; itself where it cannot be cut, or is no larger."""
        if self.size <= size:
            return [self]
        if self.format.name == "parquet":
            bounds = list(_of_row_groups(self.path, size))
        elif self._is_lines():
            bounds = list(_of_lines(self.path, self.size, size))
        else:
            return [self]
        return [
            replace(self, options=replace(self.options, span=(start, end)), size=of_span)
            for start, end, of_span in bounds
        ]

    def _is_lines(self) -> bool:
        """Whether every line is a row, whatever the lines before it are."""
        options = self.options
        by_line = self.format.name == "jsonl" or (self.format.name == "text" and options.unit == LINE)
        # line ends of other encodings may be other bytes; bad rows are counted for a whole file
        return by_line and options.encoding is None and not options.skip_bad and streams.is_plain(self.path)


def _of_lines(path: Path, end: int, size: int) -> Iterator[tuple[int, int, int]]:
    """First byte, end and bytes of each span."""
    start = 0
    while start < end:
        stop = end if end - start <= size else streams.line_start(path, start + size)
        yield start, stop, stop - start
        start = stop


def _of_row_groups(path: Path, size: int) -> Iterator[tuple[int, int, int]]:
    """First row group, end and bytes of each span."""
    from tokkit.sources.formats.columnar import row_group_sizes  # loads pyarrow, which texts do without

    sizes = row_group_sizes(path)
    start = of_span = 0
    for number, of_group in enumerate(sizes, 1):
        of_span += of_group
        if of_span >= size or number == len(sizes):
            yield start, number, of_span
            start, of_span = number, 0
