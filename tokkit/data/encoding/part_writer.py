"""The files of an encoded part: rows, or raw ids that are packed once all parts are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokkit.data.encoding import packing, row_files
from tokkit.data.encoding.encode_options import ROW_FORMATS
from tokkit.data.encoding.parts import EncodedPart


@dataclass(frozen=True)
class PartWriter:
    """Writes parts in any process.

    output_format  of the files that are published
    vocab_size     of the tokenizer, which tells the type of raw ids
    end            the id behind each document that is packed, where there is one
    """

    output_format: str
    vocab_size: int
    end: int | None

    @property
    def suffixes(self) -> Sequence[str]:
        """Of the files of a part."""
        if self.output_format in ROW_FORMATS:
            return [f".{self.output_format}"]
        return [".ids.npy", ".lengths.npy"]

    def __call__(self, part: EncodedPart, paths: Sequence[Path]) -> None:
        """Write a part to paths with the suffixes. Raises OSError."""
        if self.output_format in ROW_FORMATS:
            row_files.write_rows(part, paths[0], self.output_format)
        else:
            packing.write_raw(part, paths, packing.dtype_for(self.vocab_size), self.end)
