"""How a classifier reads a row's answer from the states of its tokens: one registry, a module a head."""

from __future__ import annotations

from collections.abc import Mapping

from tokkit.model.network.heads.attention import Attention
from tokkit.model.network.heads.first import First
from tokkit.model.network.heads.head import Head
from tokkit.model.network.heads.lstm import Lstm
from tokkit.model.network.heads.maximum import Maximum
from tokkit.model.network.heads.mean import Mean
from tokkit.model.network.heads.pooler import Pooler
from tokkit.model.network.heads.weighted import Weighted

STOCK = "stock"
"""The head that the Auto class of transformers builds, which is none of ours."""

HEADS: Mapping[str, Head] = {
    head.name: head for head in (First(), Pooler(), Mean(), Maximum(), Weighted(), Lstm(), Attention())
}
"""Every head of ours by its name."""
