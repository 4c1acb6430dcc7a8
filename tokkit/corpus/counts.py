"""A counts folder: the distinct pieces of a corpus under one pipeline, how often each occurs, and the receipt
that describes the pipeline.

    counts/part-00.parquet ... part-15.parquet    piece, count; one partition each, sorted (`parts`)
    counts/tokkit.json                            result: pipeline, cuts, unit, pieces, bytes, fingerprint

Its pieces are chunks; where the pipeline may not be cut they are the words themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import parts
from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.word_table import WordTable
from tokkit.corpus.words import Splitter, WordColumns
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.runtime import threads

# Version of the parts and of how pieces are spread over them.
FORMAT = 1

CHUNK, WORD = "chunk", "word"


@dataclass(frozen=True)
class Identity:
    """Pipeline and cutting rule: counts of the same identity can be added up.

    cuts  the characters before which text was cut; None where the pieces are words
    """

    pipeline: Pipeline
    cuts: str | None

    @classmethod
    def of(cls, skeleton: str) -> Identity:
        """The identity of counts under the blocks of a tokenizer in JSON."""
        pipeline = Pipeline.of(skeleton)
        return cls(pipeline, pipeline.cuts())

    @property
    def unit(self) -> str:
        return WORD if self.cuts is None else CHUNK

    @property
    def fingerprint(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the identity."""
        content = {
            "format": FORMAT,
            "pipeline": self.pipeline.as_json(),
            "cuts": self.cuts,
            "unit": self.unit,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """The identity as the receipt has it."""
        pipeline = json.loads(self.pipeline.as_json())
        return {"pipeline": pipeline, "cuts": self.cuts, "unit": self.unit, "fingerprint": self.fingerprint}


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What was counted.

    pieces    pieces in all
    distinct  distinct pieces
    bytes     bytes of text they were counted in
    inputs    the files, as `files.describe_input` describes them
    """

    identity: Identity
    pieces: int
    distinct: int
    bytes: int
    inputs: Sequence[Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The identity and the sizes as the receipt has them."""
        sizes = {"pieces": self.pieces, "distinct_pieces": self.distinct, "bytes": self.bytes}
        return {**self.identity.as_dict(), **sizes}


@dataclass(frozen=True, kw_only=True)
class Counts(Totals):
    """A counts folder, as its receipt describes it.

    blocks  recipe, normalizer and pre_tokenizer as the user named them
    """

    folder: Path
    blocks: Mapping[str, Any]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Counts:
        """Raises `InputError` for what is no counts folder, and for one that is damaged or not whole."""
        result = files.receipt_fields(folder, hint="count the corpus again").fields("result")
        if "distinct_pieces" not in result.content or not folder.is_dir():
            raise InputError(
                f"{folder}: is no counts folder", hint="name a folder that the command count wrote"
            )
        counts = cls(
            folder=folder,
            blocks={
                "recipe": result.text("recipe"),
                "normalizer": tuple(result.list_of("normalizer", str, "a list of blocks")),
                "pre_tokenizer": tuple(result.list_of("pre_tokenizer", str, "a list of blocks")),
            },
            identity=Identity(_pipeline(result.fields("pipeline")), result.text("cuts", default=None)),
            pieces=result.integer("pieces"),
            distinct=result.integer("distinct_pieces"),
            bytes=result.integer("bytes"),
            inputs=[_described(file) for file in result.objects("inputs")],
            settings=result.fields("settings").content,
        )
        # recomputed, not trusted: counts of unlike pipelines cannot be separated once they are added up
        if counts.identity.fingerprint != result.text("fingerprint", default=None):
            raise InputError(
                f"{folder}: its fingerprint does not fit the rest of its {files.RECEIPT}; it was damaged, or"
                " written by another version of tokkit",
                hint="count the corpus again",
            )
        if missing := [path.name for path in counts.parts if not path.is_file()]:
            raise InputError(f"{folder}: is not whole: {', '.join(missing)} is missing")
        return counts

    @property
    def parts(self) -> list[Path]:
        return [self.folder / parts.part_name(partition) for partition in range(parts.PARTITIONS)]

    @property
    def options(self) -> str:
        """The options it was counted with, as typed in a shell."""
        options = [f"--recipe {self.blocks['recipe']}"]
        options += [f"--normalizer {block}" for block in self.blocks["normalizer"]]
        options += [f"--pre-tokenizer {block}" for block in self.blocks["pre_tokenizer"]]
        return " ".join(options)

    def check_total(self, pieces: int) -> None:
        """Raises `InputError` where its parts have another number of pieces than its receipt."""
        if pieces != self.pieces:
            raise InputError(
                f"{self.folder}: its parts have {pieces:,} pieces, its {files.RECEIPT} {self.pieces:,}",
                hint="a part was changed or exchanged: count the corpus again",
            )


def _pipeline(members: files.Fields) -> Pipeline:
    """The blocks as the receipt has them, each of them an object with its type."""
    blocks = {name: members.objects(name) for name in ("normalizers", "pre_tokenizers")}
    for block in (*blocks["normalizers"], *blocks["pre_tokenizers"]):
        block.text("type")
    return Pipeline(*(tuple(block.content for block in blocks[name]) for name in blocks))


def _described(file: files.Fields) -> Mapping[str, Any]:
    """A file as `files.describe_input` describes it."""
    file.text("name"), file.text("sha256"), file.integer("bytes")
    return file.content


def words_of_counts(
    counts: Counts, skeleton: str, progress: Progress, thread_count: int | None = None
) -> WordColumns:
    """The words of counted pieces under the blocks of ``skeleton``, equal to those of the corpus itself.

    Raises `InputError` for parts that are damaged, and for counts without words.
    """
    row_groups = ((path, group) for path in counts.parts for group in range(parts.row_groups_of(path)))
    tasks = threads.Tasks(row_groups)
    # words need no splitting: one thread adds them to a table that has no lock; chunks are split in several
    table, raw, add, number = WordTable(), False, None, 1
    if counts.identity.unit == CHUNK:
        splitter = Splitter(skeleton)
        table, raw, add = splitter.words, splitter.raw, splitter.count
        number = threads.threads_to_use(thread_count)

    def work(tasks: threads.Tasks[tuple[Path, int]]) -> int:
        pieces = 0
        for path, group in tasks:
            for batch in parts.batches(path, [group]):
                (add or table.add)(batch)
                pieces += int(batch.counts.sum())
                tasks.done(len(batch))
        return pieces

    with closing(table):
        counts.check_total(sum(threads.run(work, tasks, number, progress)))
        return WordColumns.of_table(table, raw, counts.bytes)


def check_mergeable(folders: Sequence[Counts]) -> None:
    """Raises `InputError` that names two folders whose counts must not be added up, and why."""
    first = folders[0]
    for number, counts in enumerate(folders):
        if any(counts.folder.samefile(other.folder) for other in folders[:number]):
            raise InputError(f"{counts.folder}: is named twice, and would count double", "name it once")
        if counts.identity.fingerprint != first.identity.fingerprint:
            differing = _differing(counts, first)
            raise InputError(
                f"{counts.folder}: has other {differing} than {first.folder} and cannot be added to it:"
                f" counted with {counts.options}, the other with {first.options}",
                hint=f"count that corpus again with {first.options}",
            )


def counted_twice(folders: Sequence[Counts]) -> list[str]:
    """Names of files that were counted, byte for byte, in more than one of the folders."""
    digests: set[str] = set()
    twice: list[str] = []
    for counts in folders:
        names = {file["sha256"]: file["name"] for file in counts.inputs}
        twice += [name for digest, name in names.items() if digest in digests]
        digests |= names.keys()
    return twice


def _differing(one: Counts, other: Counts) -> str:
    pairs = {
        "normalizers": (one.identity.pipeline.normalizers, other.identity.pipeline.normalizers),
        "pre-tokenizers": (one.identity.pipeline.pre_tokenizers, other.identity.pipeline.pre_tokenizers),
    }
    return " and ".join(name for name, (a, b) in pairs.items() if a != b) or "cutting rules"
