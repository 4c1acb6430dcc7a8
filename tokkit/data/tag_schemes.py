"""Tagging schemes: how the tags of tokens mark where an entity begins, continues and ends.

IOB     B-PER I-PER O B-LOC    IOB1 and IOB2
IOBES   B-PER E-PER O S-LOC    also written BIOES
BILOU   B-PER L-PER O U-LOC
IO      PER   PER   O LOC      a run of the same tag is one entity
none    PRON  VERB  . PROPN    parts of speech: every token by itself

Each is also written B_PER, PER-B or b-per, and O as 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

OUTSIDE = "O"
_OUTSIDE = frozenset((OUTSIDE, "o", "0"))
_PREFIXED = re.compile(r"(?P<mark>[BIESLU])([-_](?P<type>.*))?", re.IGNORECASE | re.DOTALL)
_SUFFIXED = re.compile(r"((?P<type>.*)[-_])?(?P<mark>[BIESLU])", re.IGNORECASE | re.DOTALL)
# BILOU ends an entity with L and has U for one of a single token, where IOBES has E and S.
_AS_IOBES = {"L": "E", "U": "S"}
_MARKS = {"IOBES": "BIES", "BILOU": "BILU"}
_NO_TYPE = "_"


def is_outside(tag: str) -> bool:
    """Whether the tag is of a token in no entity."""
    return tag in _OUTSIDE


@dataclass(frozen=True)
class TagScheme:
    """name     IOB, IOBES, BILOU, IO or none
    suffix   whether the type comes first: PER-B
    """

    name: str
    suffix: bool = False

    @classmethod
    def of(cls, tags: Iterable[str]) -> TagScheme:
        """The scheme of most of these distinct tags.

        >>> TagScheme.of(["O", "B-PER", "I-PER"]).name, TagScheme.of(["0", "per_u", "per_b", "per_l"]).name
        ('IOB', 'BILOU')
        """
        tags = set(tags)
        entities = {tag for tag in tags if not is_outside(tag)}
        written = {
            suffix: list(filter(None, (_split(t, suffix) for t in entities))) for suffix in (False, True)
        }
        suffix = len(written[True]) > len(written[False])
        matches = written[suffix]
        if not matches or 2 * len(matches) < len(entities):
            return cls("IO" if entities < tags else "none")
        types = {
            mark: {kind for other, kind in matches if _AS_IOBES.get(other, other) == mark} for mark in "BIES"
        }
        # A single E- among the tags of many types is an odd tag, and does not make them IOBES.
        if 2 * len(types["B"] & types["E"]) > len(types["B"]) or not (types["B"] or types["I"] or types["E"]):
            return cls("BILOU" if any(mark in _AS_IOBES for mark, _ in matches) else "IOBES", suffix)
        return cls("IOB", suffix)

    @property
    def is_strict(self) -> bool:
        """Whether an entity has to be complete, from its B to its E or L."""
        return self.name in _MARKS

    def split(self, tag: str) -> tuple[str, str]:
        """Mark and type: B, I, E (also of L) or S (also of U); O without a type; "" with the whole tag as the
        type where the tag has no mark.

        >>> TagScheme("IOB").split("B-PER"), TagScheme("IOB", suffix=True).split("per_l")
        (('B', 'PER'), ('E', 'per'))
        """
        if is_outside(tag):
            return OUTSIDE, ""
        mark, kind = _split(tag, self.suffix) or ("", tag)
        return _AS_IOBES.get(mark, mark), kind

    def complete(self, tags: Iterable[str]) -> set[str]:
        """The tags, and those that they need for a longer or shorter entity of the same type."""
        complete = set(tags)
        # IOB1 has B- only where two entities meet.
        begin, needed = ("B", "I") if self.name == "IOB" else ("BIES", _MARKS.get(self.name, ""))
        for tag in [tag for tag in complete if self.split(tag)[0] in begin and self.split(tag)[0]]:
            for mark in needed:
                cased = mark if (tag[-1] if self.suffix else tag[0]).isupper() else mark.lower()
                complete.add(tag[:-1] + cased if self.suffix else cased + tag[1:])
        return complete

    def odd(self, tags: Iterable[str]) -> list[str]:
        """The tags that are not of the scheme."""
        return [tag for tag in tags if self.name in ("IOB", *_MARKS) and not self.split(tag)[0]]


@lru_cache(maxsize=4096)
def _split(tag: str, suffix: bool) -> tuple[str, str] | None:
    """Mark, in capitals, and type of a tag; None for a tag without a mark."""
    match = (_SUFFIXED if suffix else _PREFIXED).fullmatch(tag)
    return (match["mark"].upper(), match["type"] or _NO_TYPE) if match else None
