"""Whether a text comes back from its tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.load import LoadedTokenizer

_ROWS = 1_000


def round_trip(
    texts: Sequence[str], encoded: Encoded, tokenizer: LoadedTokenizer, progress: Progress = SILENT
) -> dict[str, float]:
    """Shares of the rows whose tokens decode to

    exact           the text itself
    normalized      that, or what the normalizer makes of it: all a lower-casing tokenizer can give
    without_spaces  one of the two, white space aside: else more is lost, to an unknown token say

    Special tokens, the unknown one among them, are left out of what is decoded. Raises `InputError` where the
    tokenizer fails on a text.
    """
    rows = dict.fromkeys(("exact", "normalized", "without_spaces"), 0)
    # Equal texts decode equally: each is decoded once, and counts as often as it occurs.
    times = Counter(texts)
    with stage(progress, "decoding", len(times), "texts"):
        for text, normal, decoded in _decoded(texts, encoded, tokenizer, progress):
            rows["exact"] += times[text] * (decoded == text)
            rows["normalized"] += times[text] * (decoded in (text, normal))
            rows["without_spaces"] += times[text] * (_bare(decoded) in (_bare(text), _bare(normal)))
    return {name: count / max(len(texts), 1) for name, count in rows.items()}


def _decoded(
    texts: Sequence[str], encoded: Encoded, tokenizer: LoadedTokenizer, progress: Progress
) -> Iterator[tuple[str, str, str]]:
    """Each distinct text, its normal form, and what its tokens decode to."""
    rows = {text: row for row, text in enumerate(texts)}
    distinct = list(rows)
    normalizer = tokenizer.backend.normalizer
    for start in range(0, len(distinct), _ROWS):
        stop_if_cancelled(progress)
        some = distinct[start : start + _ROWS]
        bounds = [encoded.offsets[rows[text] : rows[text] + 2] for text in some]
        ids = [encoded.ids[first:last].tolist() for first, last in bounds]
        with guarded(f"{tokenizer.folder}: the tokenizer fails to decode one of these texts"):
            decoded = tokenizer.backend.decode_batch(ids, skip_special_tokens=True)
            normal = some if normalizer is None else [normalizer.normalize_str(text) for text in some]
        yield from zip(some, normal, decoded, strict=True)
        progress.advance(len(some))


def _bare(text: str) -> str:
    return "".join(text.split())
