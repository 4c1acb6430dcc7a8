"""Where new rows of an embedding table start from: tensors in, tensors out.

    mean         the mean of the rows of the tokens the old tokenizer cut the new one into
    norm-mean    the same, scaled to the mean length of the table's rows
    random       drawn from a normal distribution with the table's mean and deviation in each dimension
    description  the mean of the rows of a text that describes the token

Where the old tokenizer had nothing for a token but unknown ones, its row is the table's mean. A row that
stands for no token (``--pad-to-multiple-of``) is the mean as well. Means are taken in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

INITS = ("mean", "norm-mean", "random", "description")


def extended(
    table: Tensor, used: int, pieces: Sequence[Sequence[int]], rows: int, init: str, seed: int
) -> Tensor:
    """A table of (rows, ...) whose first ``used`` rows are those of ``table``, bit by bit.

    table    (old rows, width) or, of a bias, (old rows,); ``rows`` are at least as many
    used     rows that belong to a token
    pieces   for each new token the old ids its row is the mean of

    Rows behind ``used`` and the new tokens stay as they are where ``table`` has them.
    """
    import torch

    old = table[:used].float()
    mean = old.mean(dim=0)
    result = torch.cat([table, mean.to(table.dtype).expand(rows - len(table), *table.shape[1:])])
    if not pieces:
        return result
    if init == "random":
        drawn = torch.randn((len(pieces), *table.shape[1:]), generator=torch.Generator().manual_seed(seed))
        new = mean + drawn * old.std(dim=0, correction=0)
    else:
        new = torch.stack([old[list(ids)].mean(dim=0) if ids else mean for ids in pieces])
    if init == "norm-mean" and table.dim() == 2:
        length = old.norm(dim=1).mean()
        new = new * (length / new.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny))
    result[used : used + len(pieces)] = new.to(table.dtype)
    return result
