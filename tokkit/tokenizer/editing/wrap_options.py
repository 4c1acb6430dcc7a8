"""What the user may say of a tokenizer to be wrapped, where its file does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokkit.options import Options, option
from tokkit.tokenizer.folder.load import ROLES
from tokkit.tokenizer.sentencepiece.convert import FAIRSEQ, MODEL


def _role(called: str) -> Any:
    return option(None, f"the token that {called}", metavar="TOKEN", default_text="what its files say")


@dataclass(frozen=True)
class WrapOptions(Options):
    """Names and sizes that a `tokenizer.json` alone does not hold."""

    unk_token: str | None = _role("stands for what is unknown")
    pad_token: str | None = _role("pads")
    cls_token: str | None = _role("a classifier reads")
    sep_token: str | None = _role("separates two texts")
    mask_token: str | None = _role("masks a word")
    bos_token: str | None = _role("begins a text")
    eos_token: str | None = _role("ends a text")
    extra_special_token: tuple[str, ...] = option((), "a further special token", metavar="TOKEN")
    max_length: int | None = option(
        None,
        "tokens a model of it takes (model_max_length)",
        minimum=1,
        metavar="N",
        default_text="what its files say",
    )
    token_type_ids: str | None = option(
        None,
        "whether models are fed with segment numbers",
        choices=("yes", "no"),
        default_text="what its files say, else whether it numbers pairs",
    )
    post_processor: tuple[str, ...] = option(
        (),
        "what puts special tokens around a text, in place of its own: bert, template:..., none",
        metavar="BLOCK",
    )
    layout: str | None = option(
        None,
        "how the ids of a .model are numbered: as in it, or as fairseq's models (XLM-R) do",
        choices=(MODEL, FAIRSEQ),
        default_text="model; fairseq beside a configuration of XLM-R",
    )
    sample: tuple[str, ...] = option((), "a file with lines to prove it on too", metavar="FILE")

    def roles(self) -> Iterator[tuple[str, str]]:
        """(role, token) of every role that is named."""
        for role in ROLES:
            token = getattr(self, f"{role}_token")
            if token is not None:
                yield role, token
