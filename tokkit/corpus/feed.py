"""A corpus as a stream of the items a trainer is fed with, one list of them at a time.

Text files give their lines, newlines kept, as the reference trainer reads them; tables give one text
per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tokkit.errors import InputError, UsageError
from tokkit.options import Options, bytes_of, option
from tokkit.progress import SILENT, Progress
from tokkit.sources import streams
from tokkit.sources.downloads import LARGEST
from tokkit.sources.encodings import encoding_named, encoding_option
from tokkit.sources.formats import FORMATS, QUOTES, FormatOptions, TableFormat, batches, format_of, recognize
from tokkit.sources.paths import named_files

if TYPE_CHECKING:
    from tokkit.sources.formats.batch import Batch


@dataclass(frozen=True)
class ReadingOptions(Options):
    """How the files of a corpus are read; text files in UTF-8 need none of it."""

    section: ClassVar[str] = "Reading the corpus"

    text_column: str | None = option(
        None, "column of the texts, in tables", metavar="NAME", default_text="guessed"
    )
    sep: str | None = option(None, "separator of delimited files", metavar="CHAR", default_text="found")
    quote: str | None = option(
        None, "quotes of delimited files: enclosing fields, or none", choices=QUOTES, default_text="found"
    )
    encoding: str | None = encoding_option()
    format: str | None = option(None, "read every file as this", choices=FORMATS, default_text="by name")
    max_download: str | None = option(
        None, "most that is downloaded from an address", metavar="SIZE", default_text="2GB"
    )

    @property
    def largest_download(self) -> int:
        """The bytes that may be downloaded; raises `UsageError` for what is no size."""
        return LARGEST if self.max_download is None else bytes_of("--max-download", self.max_download)


@dataclass(frozen=True)
class CorpusOptions(ReadingOptions):
    """How a corpus is read to be counted."""

    section: ClassVar[str] = "Reading the corpus"

    memory: str | None = option(
        None,
        "memory for counting; training needs its distinct words on top",
        metavar="SIZE",
        default_text="32MB a thread",
    )

    @property
    def memory_bytes(self) -> int | None:
        """The memory requested, in bytes; raises `UsageError` for what is no size."""
        return None if self.memory is None else bytes_of("--memory", self.memory)


@dataclass(frozen=True)
class CorpusFile:
    """One file of a corpus, and how it is read; ``column`` names the texts of a table.

    encoding  of text, as Python calls it; UTF-8 where it is None
    """

    path: Path
    format: TableFormat
    column: str | None = None
    encoding: str | None = None

    @property
    def size(self) -> int | None:
        """Bytes of text that it holds; None where a table, a compressed file or another encoding hides it."""
        is_text = self.column is None and self.encoding is None and streams.is_plain(self.path)
        return self.path.stat().st_size if is_text else None


def files_named(
    corpus: str | Path | Sequence[str | Path],
    progress: Progress = SILENT,
    options: ReadingOptions | None = None,
    otherwise: str = "",
) -> list[Path]:
    """The files of a corpus as a caller may name it; raises `UsageError` where nothing is named.

    options    say how much may be downloaded
    otherwise  ends that sentence with what may be named instead
    """
    arguments = [corpus] if isinstance(corpus, str | Path) else list(corpus)
    if not arguments:
        raise UsageError(f"name a corpus: text files, folders, globs, or - for standard input{otherwise}")
    return files_of(arguments, progress, options)


def files_of(
    arguments: Sequence[str | Path], progress: Progress = SILENT, options: ReadingOptions | None = None
) -> list[Path]:
    """The files of a corpus: those named, and of folders the texts and tables; reports what is skipped.

    options  say how much may be downloaded

    Raises `InputError` as `paths.expand`, and for a folder without such files.
    """
    paths: list[Path] = []
    largest = (options or ReadingOptions()).largest_download
    for argument in arguments:
        named = named_files(argument, progress, largest)
        files = named.files
        if named.folder is not None:
            readable = [path for path in files if format_of(path) is not None]
            skipped = [path.name for path in files if format_of(path) is None]
            if not readable:
                raise InputError(
                    f"{argument}: no file in it is text or a table ({', '.join(FORMATS)})",
                    hint="name the files themselves: they are read whatever they are called",
                )
            if skipped:
                progress.say(f"{argument}: skipped: {', '.join(skipped[:5])}{' ...' if skipped[5:] else ''}")
            files = readable
        paths += files
    return list(dict.fromkeys(paths))


def plan(files: Sequence[Path], options: ReadingOptions, progress: Progress = SILENT) -> list[CorpusFile]:
    """How each file will be read, found out before long work starts.

    Raises `InputError` for an empty file or a table without the column named, `UsageError` for an encoding of
    files that are no text.
    """
    planned = []
    encoding = encoding_named(options.encoding)
    for path in files:
        table = recognize(path, options.sep, options.format, None, progress.say, encoding, options.quote)
        column = None
        if table.name != "text":
            column = _text_column(path, table, options.text_column, encoding, progress)
            progress.say(f'{path}: a table; the texts of its column "{column}" are read')
        planned.append(CorpusFile(path, table, column, encoding))
    if encoding and planned and all(file.format.name in ("parquet", "arrow") for file in planned):
        raise UsageError(
            f"--encoding {options.encoding}: is for text, and {planned[0].path} is {planned[0].format.name}",
            hint="leave --encoding out",
        )
    return planned


def size_of(corpus: Sequence[CorpusFile]) -> int | None:
    """Bytes that will be read; None where one file hides them (`CorpusFile.size`)."""
    sizes = [file.size for file in corpus]
    return None if None in sizes else sum(filter(None, sizes))


def _text_column(
    path: Path, table: TableFormat, name: str | None, encoding: str | None, progress: Progress
) -> str:
    """The column of texts, named or guessed from the first rows.

    For a table without a header line the error names an option that a corpus has.
    """
    # with polars, which text files do without
    from tokkit.sources.columns import text_column
    from tokkit.sources.formats.batch import JsonValues, first_rows

    try:
        values = JsonValues()
        read = batches(path, table, FormatOptions(encoding=encoding), progress.say)
        rows = first_rows(values.noted(read, 0))
        return text_column(rows, name, str(path), values.mixed([path], rows))
    except InputError as error:
        if error.hint is None or "--names" not in error.hint:
            raise
        raise InputError(
            error.message, hint="give it a header line, or feed whole lines:\n--format text"
        ) from error


def items(
    corpus: Sequence[CorpusFile], on_bytes: Callable[[int], None] = lambda amount: None
) -> Iterator[list[str]]:
    """Lists of texts, file after file; ``on_bytes`` receives the UTF-8 bytes of each list."""
    for file in corpus:
        if file.column is None:
            yield from streams.lines(file.path, on_bytes, file.encoding)
            continue
        for batch in columns(file):
            texts = batch.texts(file.column)
            on_bytes(sum(len(text.encode()) for text in texts))
            yield texts


def columns(file: CorpusFile) -> Iterator[Batch]:
    """The rows of a table in batches, without the columns that its format can leave out."""
    from tokkit.sources.formats.batch import with_types

    assert file.column is not None
    options = FormatOptions(columns=[file.column, file.column.partition(".")[0]], encoding=file.encoding)
    rows = batches(file.path, file.format, options)
    return with_types(_checked(rows, file.path, file.column), file.column)


def _checked(batches: Iterator[Batch], path: Path, column: str) -> Iterator[Batch]:
    """The same batches; raises `InputError` naming the first row whose text is a JSON list or object."""
    from tokkit.sources.formats.batch import first_nested

    rows = 0
    for batch in batches:
        values = batch.columns.get(column)
        if isinstance(values, list) and (nested := first_nested(values)) is not None:
            raise InputError(
                f'{path}: row {rows + nested[0] + 1} holds {nested[1]} in column "{column}": '
                "a text was expected",
                hint="correct that row, or name another column (--text-column)",
            )
        rows += batch.rows
        yield batch
