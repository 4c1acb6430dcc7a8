"""Options of `add-tokens`, `trim` and `wrap`. Imports nothing heavy: `--help` loads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tokkit.options import Options, option
from tokkit.sources.encodings import encoding_option


@dataclass(frozen=True)
class AddTokensOptions(Options):
    """Which tokens are added, how they match, and how their embeddings are initialized."""

    special: tuple[str, ...] = option((), "special token, never split and skipped when decoding", metavar="T")
    token: tuple[str, ...] = option((), "token of your domain", metavar="T")
    tokens_file: str | None = option(None, "file of such tokens, one a line", metavar="FILE")
    encoding: str | None = encoding_option("that file and samples")
    role: tuple[str, ...] = option(
        (), "special token for a role that has none: pad=[PAD]", metavar="ROLE=TOKEN"
    )
    native: bool = option(
        False, "add words to the vocabulary itself, with the merges they need, not as added tokens"
    )
    single_word: bool = option(False, "match a token as a whole word only")
    lstrip: bool = option(False, "let a token take the space before it")
    rstrip: bool = option(False, "let a token take the space after it")
    normalized: bool | None = option(
        None, "match a token in the normalized text", default_text="yes for --token, where that works"
    )
    init: str = option(
        "mean",
        "how new embedding rows are initialized",
        choices=("mean", "norm-mean", "random", "description"),
    )
    description: tuple[str, ...] = option(
        (), "text whose embeddings initialize a token, for --init description", metavar="TOKEN=TEXT"
    )
    pad_to_multiple_of: int | None = option(
        None, "make the number of embedding rows a multiple of this", minimum=1, metavar="N"
    )
    sample: tuple[str, ...] = option(
        (), "texts to compare tokens on", metavar="FILE", default_text="the shipped corpora"
    )
    seed: int = option(42, "of --init random", minimum=0, maximum=2**32 - 1)


@dataclass(frozen=True)
class TrimOptions(Options):
    """What a vocabulary is pruned to."""

    to: tuple[str, ...] = option((), "corpus whose tokens are kept; may be repeated", metavar="CORPUS")
    keep_token: tuple[str, ...] = option((), "token to keep although the corpus lacks it", metavar="T")
    min_frequency: int = option(
        1, "drop tokens used less often; above 1, tokens of the corpus may change", minimum=1
    )
    vocab_size: int | None = option(
        None, "maximum number of tokens, the most frequent first; tokens of the corpus may change", minimum=1
    )

    @property
    def exact(self) -> bool:
        """Whether every text of the corpus must keep its tokens."""
        return self.min_frequency == 1 and self.vocab_size is None


def _role(purpose: str) -> Any:
    return option(None, f"the token that {purpose}", metavar="TOKEN", default_text="what its files say")


@dataclass(frozen=True)
class WrapOptions(Options):
    """Roles and sizes that a `tokenizer.json` alone does not hold."""

    unk_token: str | None = _role("replaces what is unknown")
    pad_token: str | None = _role("pads")
    cls_token: str | None = _role("a classifier reads")
    sep_token: str | None = _role("separates two texts")
    mask_token: str | None = _role("masks a word")
    bos_token: str | None = _role("begins a text")
    eos_token: str | None = _role("ends a text")
    extra_special_token: tuple[str, ...] = option((), "a further special token", metavar="TOKEN")
    max_length: int | None = option(
        None,
        "maximum number of tokens of its model (model_max_length)",
        minimum=1,
        metavar="N",
        default_text="what its files say",
    )
    token_type_ids: str | None = option(
        None,
        "whether its model takes segment ids",
        choices=("yes", "no"),
        default_text="what its files say, else whether its pairs have them",
    )
    post_processor: tuple[str, ...] = option(
        (),
        "what adds special tokens to a text, in place of its own: bert, template:..., none",
        metavar="BLOCK",
    )
    layout: str | None = option(
        None,
        "how the ids of a .model are numbered: as in the file, or as by fairseq (XLM-R)",
        choices=("model", "fairseq"),
        default_text="model; fairseq next to a configuration of XLM-R",
    )
    check: tuple[str, ...] = option(
        (), "texts to verify ids on; may be repeated", metavar="CORPUS", default_text="test texts"
    )
    sample: tuple[str, ...] = option((), "the earlier name of --check", metavar="CORPUS")

    def roles(self) -> Iterator[tuple[str, str]]:
        """(role, token) of every role that is named."""
        for role in ("unk", "pad", "cls", "sep", "mask", "bos", "eos"):
            if (token := getattr(self, f"{role}_token")) is not None:
                yield role, token
