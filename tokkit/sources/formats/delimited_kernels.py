# mypy: ignore-errors
"""The kernel that cuts delimited text into rows and fields, as Python's `csv` does where nothing is odd."""

from __future__ import annotations

from tokkit.runtime.kernels import kernel

# why cutting ended: no further row is complete, no room is left, a row that `csv` shall judge
CUT, FULL, ODD = 0, 1, 2

_QUOTE, _NEWLINE, _RETURN = ord('"'), ord("\n"), ord("\r")


@kernel
def _may_repeat(data, begun, start, end, first):
    """Whether a row begins as the header does, with a byte order mark, or with ``sep=``."""
    if end - start >= 4 and data[start + 3] == ord("="):
        return (
            data[start] | 32 == ord("s")
            and data[start + 1] | 32 == ord("e")
            and data[start + 2] | 32 == ord("p")
        )
    if end - begun >= 3 and data[begun] == 0xEF and data[begun + 1] == 0xBB and data[begun + 2] == 0xBF:
        return True
    same = end - start == len(first)
    for i in range(len(first) if same else 0):
        same &= data[start + i] == first[i]
    return same


@kernel
def cut_rows(data, size, separator, quoted, last, first, starts, ends):
    r"""The fields of the rows in ``data[:size]``: ``data[starts[i, j] : ends[i, j]]`` is field j of row i.

    separator  an ASCII byte
    quoted     whether a field may be quoted; two quotes within it become one, in ``data`` itself
    last       whether the text ends here: else a row without its line end waits for more
    first      (bytes,) uint8, the name of the first column; a byte that no text has where there is no header
    starts     (rows, fields) int64, and so ``ends``: room for the rows

    Gives the number of rows, where the next one begins, and why it ended there. A row with more or fewer
    fields is odd, as are a carriage return without a newline, text between a quote and a separator, and what
    may repeat the first lines of a file.
    """
    width = starts.shape[1]
    row, at = 0, 0
    while at < size:
        if row == starts.shape[0]:
            return row, at, FULL
        # `begun` is where the row starts again if it turns out to be incomplete or odd
        begun, field = at, 0
        # an empty line is no row
        if data[at] == _NEWLINE:
            at += 1
            continue
        while True:
            if quoted and at < size and data[at] == _QUOTE:
                at += 1
                # the field is copied onto itself, one byte to the left for each doubled quote: a""b -> a"b
                start, end, open_ = at, at, True
                while at < size:
                    if data[at] == _QUOTE:
                        at += 1
                        # a quote that no second one follows closes the field
                        if at == size or data[at] != _QUOTE:
                            open_ = False
                            break
                    data[end] = data[at]
                    end += 1
                    at += 1
                # the rest of the field is in the next block
                if open_ or (at == size and not last):
                    return row, begun, CUT
            else:
                start = at
                while at < size and data[at] != separator and data[at] != _NEWLINE and data[at] != _RETURN:
                    at += 1
                end = at
            if field == 0 and _may_repeat(data, begun, start, end, first):
                return row, begun, ODD
            # fields beyond the last name are counted, so that the row is odd, and not stored
            if field < width:
                starts[row, field], ends[row, field] = start, end
            field += 1
            if at == size and not last:
                return row, begun, CUT
            if at < size and data[at] == separator:
                at += 1
                continue
            break
        if at < size and data[at] == _RETURN:
            at += 1
            if at == size and not last:
                return row, begun, CUT
            if at == size or data[at] != _NEWLINE:
                return row, begun, ODD
            # a carriage return and newline alone are an empty line
            if field == 1 and start == end and begun == start:
                at += 1
                continue
        if at < size and data[at] != _NEWLINE:
            return row, begun, ODD
        at += 1
        if field != width:
            return row, begun, ODD
        row += 1
    return row, min(at, size), CUT
