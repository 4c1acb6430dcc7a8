"""Rows of text as token ids, or as numbers of tokens: exactly what `tokenizers` gives for each.

Where the pipeline may be cut, every distinct chunk is encoded once (`fast`); few rows, and what may not be
cut, go through `tokenizers` (`reference`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding import reference
from tokkit.tokenizer.encoding.reference import Encoded, EncodeRequest, TokenCounts

__all__ = ["Encoded", "TokenCounts", "encode", "token_counts"]

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer

# Characters that `tokenizers` encodes in the time that it takes to load the kernels.
SMALL = 1_000_000


def encode(
    texts: Sequence[str],
    tokenizer: LoadedTokenizer,
    max_length: int | None = None,
    *,
    pairs: Sequence[str] | None = None,
    special: bool = True,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> Encoded:
    """The rows as ids, each cut to ``max_length`` tokens where one is given.

    pairs    a second text for each row; of the two the longer is cut first
    special  whether the post-processor puts its special tokens around each row
    threads  to work in; None: as many as this process may run on

    Raises `InputError` where the tokenizer fails on a text, `ValueError` where there are not as many pairs.
    """
    request = EncodeRequest(texts, pairs, tokenizer, max_length, special, threads)
    if _is_large(request):
        from tokkit.tokenizer.encoding import fast

        if (encoded := fast.encode(request, progress)) is not None:
            return encoded
    return reference.encode(request, progress)


def token_counts(
    texts: Sequence[str],
    tokenizer: LoadedTokenizer,
    *,
    pairs: Sequence[str] | None = None,
    special: bool = True,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> TokenCounts:
    """Tokens of each row, and unknown ones among them; nothing is truncated. Arguments as in `encode`."""
    request = EncodeRequest(texts, pairs, tokenizer, None, special, threads)
    if _is_large(request):
        from tokkit.tokenizer.encoding import fast

        if (counts := fast.token_counts(request, progress)) is not None:
            return counts
    return reference.token_counts(request, progress)


def _is_large(request: EncodeRequest) -> bool:
    """Whether the kernels are worth loading."""
    sizes = accumulate(map(len, chain(request.texts, request.pairs or ())))
    return any(size >= SMALL for size in sizes)
