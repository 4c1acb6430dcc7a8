"""Names of scores and tokenizers for tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Of each path the fewest last parts that tell it from the others.

    >>> short_names(["runs/a/8000", "runs/b/8000", "out/"])
    {'runs/a/8000': 'a/8000', 'runs/b/8000': 'b/8000', 'out/': 'out'}
    """
    parts = {name: [part for part in name.split("/") if part] or [name] for name in names}
    short = {}
    for name, own in parts.items():
        others = [path for other, path in parts.items() if other != name]
        lengths = (n for n in range(1, len(own)) if all(path[-n:] != own[-n:] for path in others))
        short[name] = "/".join(own[-next(lengths, len(own)) :])
    # Paths that differ only in empty parts, a/b and a//b, have no distinct short names.
    return short if len(set(short.values())) == len(names) else {name: name for name in names}


def score_name(score: str) -> str:
    """A score as it is displayed.

    >>> score_name("macro_f1")
    'macro F1'
    """
    words = score.replace("_", " ").replace("f1", "F1")
    special = {"ece": "ECE", "r2": "R²", "mae": "mean absolute error", "cross entropy": "cross-entropy"}
    return special.get(words, words)
