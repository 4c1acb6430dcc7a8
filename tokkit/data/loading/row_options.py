"""Which rows and columns of a data set are used: the options, without the libraries that apply them."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.options import Options, option


@dataclass(frozen=True)
class RowOptions(Options):
    """Which rows and columns of a data set are used, and the names of the columns."""

    rename: str | None = option(None, "other names for columns", metavar="OLD=NEW,...")
    add: tuple[str, ...] = option(
        (), "a column computed from others, such as title + ' ' + body; repeatable", metavar="NAME=EXPR"
    )
    where: str | None = option(
        None, "use only rows for which this is true: label != 'joy' and words(text) > 2", metavar="EXPR"
    )
    sort: str | None = option(None, "sort each split by a column", metavar="COLUMN[:desc]")
    sample: str | None = option(
        None, "sample N rows of each split, in their order; another SEED samples others", metavar="N[:SEED]"
    )
    select: str | None = option(None, "use only these columns", metavar="A,B,...")
