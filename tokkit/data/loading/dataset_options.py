"""Options of every command that reads a data set, without the libraries that read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tokkit.options import Options, option
from tokkit.sources.encodings import encoding_named, encoding_option
from tokkit.sources.formats import FORMATS, LINE, QUOTES, UNITS, FormatOptions


@dataclass(frozen=True)
class ReadOptions(Options):
    """How the files of a data set are read."""

    section: ClassVar[str] = "Reading the data set"

    text_column: str | None = option(
        None, "column of the texts; within objects: review.body", metavar="NAME", default_text="guessed"
    )
    pair_column: str | None = option(
        None, "column of a second text, where a row is a pair of texts", metavar="NAME"
    )
    label_column: str | None = option(
        None,
        "column of the labels; within objects: review.mood; also several, A,B,C, of 1 and 0",
        metavar="NAME",
        default_text="guessed",
    )
    label_sep: str | None = option(
        None, "separator between the labels of a row that has several: 'joy|love'", metavar="CHAR"
    )
    missing_label: str | None = option(
        None, "labels that mean none, as -1 in test files: rows with them have no label", metavar="LABEL,..."
    )
    id_column: str | None = option(
        None, "column of what names a row", metavar="NAME", default_text="guessed by name"
    )
    sep: str | None = option(None, "separator of delimited files", metavar="CHAR", default_text="found")
    quote: str | None = option(
        None, "quotes of delimited files: enclosing fields, or none", choices=QUOTES, default_text="found"
    )
    decimal: str | None = option(
        None, "decimal separator of numbers in delimited files", choices=(".", ","), default_text="."
    )
    encoding: str | None = encoding_option()
    names: str | None = option(None, "column names of files without a header line", metavar="A,B,...")
    format: str | None = option(None, "read every file as this", choices=FORMATS, default_text="by name")
    unit: str | None = option(
        None,
        "what of a text file is a row",
        choices=UNITS,
        default_text="line; file where folders are classes",
    )
    field: str | None = option(None, "path of the rows within JSON", metavar="KEY.SUBKEY")
    skip_bad: bool = option(False, "leave out rows that cannot be read, and count them")
    label_names: str | None = option(None, "names for labels: 0=joy,1=anger", metavar="OLD=NEW,...")
    max_download: str = option("2GB", "most that is downloaded from an address", metavar="SIZE")

    @property
    def format_options(self) -> FormatOptions:
        """How each file is read."""
        names = [name.strip() for name in self.names.split(",")] if self.names else []
        return FormatOptions(
            names,
            self.unit or LINE,
            self.field,
            self.skip_bad,
            encoding_named(self.encoding),
            decimal=self.decimal or ".",
        )


@dataclass(frozen=True)
class RowOptions(Options):
    """Which rows and columns of a data set are used, and the names of the columns."""

    section: ClassVar[str] = "Rows of the data set"

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


@dataclass(frozen=True)
class DatasetOptions(RowOptions, ReadOptions):
    """How a data set is read, and what is done with its rows; the same options wherever one is read."""
