"""How a classifier reads a row's answer from the states of its tokens: one registry, a module a head."""

from __future__ import annotations

from collections.abc import Mapping

from tokkit.model.heads.attention import Attention
from tokkit.model.heads.first import First
from tokkit.model.heads.head import Head
from tokkit.model.heads.lstm import Lstm
from tokkit.model.heads.maximum import Maximum
from tokkit.model.heads.mean import Mean
from tokkit.model.heads.pooler import Pooler
from tokkit.model.heads.weighted import Weighted

STOCK = "stock"
"""The head that the Auto class of transformers builds, which is none of ours."""

HEADS: Mapping[str, Head] = {
    head.name: head for head in (First(), Pooler(), Mean(), Maximum(), Weighted(), Lstm(), Attention())
}
"""Every head of ours by its name."""
