"""CoNLL-U files of Universal Dependencies: a word a line in ten columns, a blank line between sentences.

# text = Don't feed them               text    "Don't feed them"
1-2  Don't  _     _     ...            tokens  ["Do", "n't", "feed", "them"]
1    Do     do    AUX   ...      ->    lemma   ["do", "not", "feed", "they"]
2    n't    not   PART  ...            upos    ["AUX", "PART", "VERB", "PRON"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import polars as pl

from tokkit.errors import InputError, counted
from tokkit.sources import streams
from tokkit.sources.formats import FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import BadRows, Batch, batches_of

TEXT = "text"
COLUMNS = ("tokens", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_TEXT_COMMENT = re.compile(r"#\s*text\s*=\s*(.*)")
# of words that are one token, 1-2, and of words that the text leaves out, 2.1
_NO_WORD = re.compile(r"\d+[-.]\d+")

# a sentence: its text, and the nine fields of each word
_Sentence = tuple[str, list[list[str]]]


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """A row a sentence: a list for each of `COLUMNS`, and ``text``, from its comment or its tokens.

    Lines of tokens that are several words, and of empty nodes, are left out. Raises `InputError` for a line
    that has not ten columns; with ``skip_bad`` its sentence is skipped, which is said.
    """
    bad = BadRows(path, options.skip_bad)
    read: list[int] = []
    sentences = _sentences(chain.from_iterable(streams.lines(path, read.append, options.encoding)), bad)
    first = next(sentences, None)
    if first is None:
        bad.report(say)
        raise InputError(
            f"{path}: holds no sentence", hint="name a file with a word and its ten columns a line"
        )
    yield from batches_of(chain([first], sentences), read, _columns, pl.Series)
    bad.report(say)


def _columns(sentences: list[_Sentence]) -> dict[str, list[Any]]:
    fields = [[list(values) for values in zip(*words, strict=True)] for _, words in sentences]
    columns = dict(zip(COLUMNS, zip(*fields, strict=True), strict=True))
    return {TEXT: [text for text, _ in sentences], **{name: list(lists) for name, lists in columns.items()}}


def _sentences(lines: Iterator[str], bad: BadRows) -> Iterator[_Sentence]:
    for filled, group in groupby(enumerate(lines, 1), key=lambda line: bool(line[1].strip())):
        text, words, whole = "", [], filled
        for number, line in group if filled else ():
            stripped = line.rstrip("\r\n")
            if stripped.startswith("#"):
                comment = _TEXT_COMMENT.match(stripped)
                text = comment[1].strip() if comment else text
                continue
            fields = stripped.split("\t")
            if len(fields) != len(COLUMNS) + 1 and whole:
                whole = False
                bad.add(
                    number,
                    f"{counted(len(fields), 'column')} where CoNLL-U has ten",
                    "correct that line (tabs separate columns), or skip its sentence: --skip-bad; "
                    "for other columns: --format conll",
                )
            if not _NO_WORD.fullmatch(fields[0]):
                words.append(fields[1:])
        if words and whole:
            yield text or " ".join(word[0] for word in words), words
