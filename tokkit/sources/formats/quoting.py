"""Whether the quotes of a tab-separated file enclose fields, as pandas writes them, or are characters.

"a ""good"" room"   good    ->   a "good" room       all records of the file are such
"Yes" he said       good    ->   "Yes" he said       text follows a quote: they are characters
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tokkit.sources import streams

# characters of one field; Python's own limit, 131,072, is less than a long document
LARGEST_FIELD = 2**31 - 1
# characters of a record within quotes, beyond which a quote was opened by chance
_LONGEST = 1 << 24


def encloses(path: Path, separator: str, encoding: str | None) -> bool | None:
    """Whether quotes enclose fields, which all records decide; None where no field begins with one.

    They do where every record is whole and as wide as the first, and something tells that a program quoted
    it: a separator, a line end, or a doubled quote within quotes, a header all in quotes, or, as Excel does,
    quotes around exactly the fields with a comma.
    """
    opening = re.compile(rb'(?:^|[\n%b])"' % re.escape(separator.encode()))
    blocks = streams.text_blocks(path, encoding=encoding, within_lines=False)
    if not any(b'"' in text and opening.search(text) for text, _ in blocks):
        return None
    lines = _Lines(chain.from_iterable(streams.lines(path, encoding=encoding)), separator)
    csv.field_size_limit(LARGEST_FIELD)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    widths = set()
    try:
        for record in filter(None, reader):
            widths.add(len(record))
            lines.waiting = 0
            if len(widths) > 1:
                return False
    except csv.Error:
        return False
    return len(lines.widths) > 1 or lines.is_certain or lines.commas == {True}


class _Lines:
    """The lines of a file, and what cutting them at every separator shows of its quotes.

    waiting     characters of lines since it was last set to 0
    widths      the numbers of fields of a line
    is_certain  whether a field has doubled quotes in quotes, or the header is all in quotes
    commas      for each field with a quote or a comma, whether it has both
    """

    def __init__(self, lines: Iterator[str], separator: str) -> None:
        self._lines, self._separator = lines, separator
        self.waiting = 0
        self.widths: set[int] = set()
        self.is_certain = False
        self.commas: set[bool] = set()

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.waiting += len(line)
            if self.waiting > _LONGEST:
                raise csv.Error
            if stripped := line.rstrip("\r\n"):
                self._note(stripped)
            yield line

    def _note(self, line: str) -> None:
        is_header = not self.widths
        self.widths.add(line.count(self._separator) + 1)
        if self.is_certain or ('"' not in line and "," not in line):
            return
        fields = line.split(self._separator)
        quoted = [field for field in fields if field.startswith('"')]
        self.is_certain = any('""' in field for field in quoted) or (is_header and quoted == fields)
        self.commas |= {
            field.startswith('"') == ("," in field) for field in fields if field[:1] == '"' or "," in field
        }
