"""A counts folder: the distinct pieces of a corpus under one pipeline, how often each stands there, and the
receipt that says which pipeline that is.

    counts/part-00.parquet ... part-15.parquet    piece, count; one partition each, sorted (`parts`)
    counts/tokkit.json                            result: pipeline, cuts, unit, pieces, bytes, fingerprint

Its pieces are chunks; where the pipeline may not be cut they are the words themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import parts
from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.words import Splitter, Words, words_of
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, Pieces

FORMAT = 1
"""Of the parts and of how pieces are spread over them."""

CHUNK, WORD = "chunk", "word"


@dataclass(frozen=True)
class Identity:
    """What counts must have in common to be added up.

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
        """The first 16 hexadecimal digits of the SHA-256 of all of it."""
        content = {
            "format": FORMAT,
            "pipeline": self.pipeline.as_json(),
            "cuts": self.cuts,
            "unit": self.unit,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the receipt."""
        pipeline = json.loads(self.pipeline.as_json())
        return {"pipeline": pipeline, "cuts": self.cuts, "unit": self.unit, "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class Counts:
    """A counts folder, as its receipt describes it.

    asked   recipe, normalizer and pre_tokenizer as they were asked for
    inputs  the files it was counted from, as `files.describe_input` describes them
    """

    folder: Path
    asked: Mapping[str, Any]
    identity: Identity
    pieces: int
    distinct: int
    bytes: int
    inputs: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Counts:
        """Raises `InputError` for what is no counts folder, and for one that is not whole."""
        result = files.read_receipt(folder)["result"]
        if "distinct_pieces" not in result or not folder.is_dir():
            raise InputError(f"{folder}: is no counts folder", hint=f"tokkit count CORPUS -o {folder}")
        try:
            blocks = result["pipeline"]
            pipeline = Pipeline(tuple(blocks["normalizers"]), tuple(blocks["pre_tokenizers"]))
            found = cls(
                folder=folder,
                asked={
                    "recipe": str(result["recipe"]),
                    "normalizer": tuple(map(str, result["normalizer"])),
                    "pre_tokenizer": tuple(map(str, result["pre_tokenizer"])),
                },
                identity=Identity(pipeline, result["cuts"]),
                **{name: int(result[key]) for name, key in _NUMBERS.items()},
                inputs=tuple(map(dict, result["inputs"])),
                settings=dict(result["settings"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}/{files.RECEIPT}: is damaged ({error!r})") from error
        if found.identity.fingerprint != result.get("fingerprint"):
            raise InputError(
                f"{folder}: its fingerprint does not fit the rest of its {files.RECEIPT}; it was damaged, or"
                " written by another version of tokkit",
                hint="count the corpus again",
            )
        if missing := [path.name for path in found.parts if not path.is_file()]:
            raise InputError(f"{folder}: is not whole: {', '.join(missing)} is missing")
        return found

    @property
    def parts(self) -> list[Path]:
        return [self.folder / parts.part_name(partition) for partition in range(parts.PARTITIONS)]

    @property
    def made_with(self) -> str:
        """The options it was counted with, as one types them."""
        given = [f"--recipe {self.asked['recipe']}"]
        given += [f"--normalizer {block}" for block in self.asked["normalizer"]]
        given += [f"--pre-tokenizer {block}" for block in self.asked["pre_tokenizer"]]
        return " ".join(given)

    def check_total(self, pieces: int) -> None:
        """Raises `InputError` where its parts held another number of pieces than its receipt tells."""
        if pieces != self.pieces:
            told = f"its {files.RECEIPT} tells of {self.pieces:,}"
            raise InputError(
                f"{self.folder}: its parts hold {pieces:,} pieces, {told}",
                hint="a part was changed or exchanged: count the corpus again",
            )


_NUMBERS = {"pieces": "pieces", "distinct": "distinct_pieces", "bytes": "bytes"}


def result_of(
    identity: Identity, asked: Mapping[str, Any], pieces: int, distinct: int, size: int
) -> dict[str, Any]:
    """What the receipt of a counts folder tells."""
    return {**asked, **identity.as_dict(), "pieces": pieces, "distinct_pieces": distinct, "bytes": size}


def words_of_counts(
    counts: Counts, skeleton: str, progress: Progress, thread_count: int | None = None
) -> Words:
    """The words of counted pieces under the blocks of ``skeleton``, equal to those of the corpus itself.

    Raises `InputError` for parts that are damaged, and for counts without words.
    """
    tasks = threads.Tasks(_row_groups(counts.parts))
    if counts.identity.unit == WORD:
        table = ByteTable()
        seen = sum(threads.run(_each(table.add), tasks, 1, progress))
        raw = False
    else:
        splitter = Splitter(skeleton)
        number = threads.threads_to_use(thread_count)
        seen = sum(threads.run(_each(splitter.count), tasks, number, progress))
        table, raw = splitter.words, splitter.raw
    counts.check_total(seen)
    return words_of(table, raw, counts.bytes)


def batches_of(folders: Sequence[Counts]) -> Callable[[int], Iterator[Pieces]]:
    """The batches of a partition of all folders."""

    def of(partition: int) -> Iterator[Pieces]:
        for counts in folders:
            yield from parts.batches(counts.parts[partition])

    return of


def check_mergeable(folders: Sequence[Counts]) -> None:
    """Raises `InputError` naming two folders whose counts must not be added up, and why."""
    first = folders[0]
    for number, counts in enumerate(folders):
        if any(counts.folder.samefile(other.folder) for other in folders[:number]):
            raise InputError(f"{counts.folder}: is named twice, and would count double", "name it once")
        if counts.identity.fingerprint != first.identity.fingerprint:
            differing = _differing(counts, first)
            raise InputError(
                f"{counts.folder}: has other {differing} than {first.folder} and cannot be added to it:"
                f" made with {counts.made_with}, the other with {first.made_with}",
                hint=f"tokkit count CORPUS {first.made_with} -o {counts.folder} --force",
            )


def counted_twice(folders: Sequence[Counts]) -> list[str]:
    """Names of files that stand, byte for byte, in more than one of the folders."""
    seen: set[str] = set()
    twice: list[str] = []
    for counts in folders:
        here = {each["sha256"]: each["name"] for each in counts.inputs}
        twice += [name for digest, name in here.items() if digest in seen]
        seen |= here.keys()
    return twice


def _differing(one: Counts, other: Counts) -> str:
    pairs = {
        "normalizers": (one.identity.pipeline.normalizers, other.identity.pipeline.normalizers),
        "pre-tokenizers": (one.identity.pipeline.pre_tokenizers, other.identity.pipeline.pre_tokenizers),
    }
    return " and ".join(name for name, (a, b) in pairs.items() if a != b) or "cutting rules"


def _row_groups(paths: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        for group in range(parts.row_groups_of(path)):
            yield path, group


def _each(take: Callable[[Pieces], None]) -> Callable[[threads.Tasks[tuple[Path, int]]], int]:
    """A worker that hands on every batch; it gives the pieces in them."""

    def work(mine: threads.Tasks[tuple[Path, int]]) -> int:
        seen = 0
        for path, group in mine:
            for batch in parts.batches(path, [group]):
                take(batch)
                seen += int(batch.counts.sum())
                mine.done(len(batch))
        return seen

    return work
