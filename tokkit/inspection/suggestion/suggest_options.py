"""The options of `suggest_tokens`."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.options import Options, option


@dataclass(frozen=True)
class SuggestOptions(Options):
    """Which tokens are worth suggesting."""

    top: int = option(50, "tokens to suggest at most", minimum=1)
    min_count: int = option(5, "words of the corpus that a token must change", minimum=1)
    min_length: int = option(2, "characters of the shortest token", minimum=1)
    min_words: int = option(
        3, "distinct words that must begin with a token, unless it is a word itself", minimum=1
    )
    letters: float = option(0.5, "minimum share of letters in a token", minimum=0, maximum=1)
    whole_words: bool = option(False, "suggest whole words only, no beginnings of words")
