"""Tables of tokenizers measured on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tokkit.errors import counted
from tokkit.views.histogram import Histogram
from tokkit.views.names import short_names
from tokkit.views.tables import Headline, Result, Table
from tokkit.views.text import p_value, with_interval

_SHARES = ("continued_words", "unknown_rate", "unknown_words", "unknown_rows")
_CALLED = {"tokens": "tokens", "continued_words": "continued words", "unknown_words": "unknown words"}
_MEASURED = {"tokens": "fertility", **{name: name for name in _SHARES}}
_LIMITS = (128, 256, 512)
_LENGTHS = ("vocabulary", "tokens", "tokens per word", "bytes per token", "characters per token")
_VOCABULARY = ("vocabulary used", "Rényi efficiency", "round trip", "normalized", "ignoring whitespace")
_WORDS = ("continued words", "frequent words whole", "unknown tokens", "words", "rows")


def comparison(result: Result) -> list[Table]:
    """Everything `compare` measured, one table an aspect; tokenizers are lines."""
    short = short_names(list(result["tokenizers"]))
    tokenizers = {short[name]: measured for name, measured in result["tokenizers"].items()}
    rows, words = (counted(result[f"{noun}s"], noun, style=",") for noun in ("row", "word"))
    title = f"{rows}, {words} (separated by whitespace)"
    ratios = ("fertility", "bytes_per_token", "characters_per_token")
    lengths = [
        (
            name,
            measured["vocab_size"],
            measured["tokens"],
            *(_with_interval(measured, ratio) for ratio in ratios),
        )
        for name, measured in tokenizers.items()
    ]
    tables = [
        Table(title, ("tokenizer", *_LENGTHS), lengths),
        Table(
            "Words and unknown tokens",
            ("tokenizer", *_WORDS),
            [_word_row(name, measured) for name, measured in tokenizers.items()],
        ),
        _vocabulary_table(tokenizers),
        _truncation_table(tokenizers),
    ]
    for partition, called in (("classes", "class"), ("groups", result["settings"]["by"])):
        if any(measured.get(partition) for measured in tokenizers.values()):
            tables.append(_partition_table(tokenizers, partition, called))
    if result["comparisons"]:
        tables.append(_claims_table(result, short))
    return tables


def headlines(result: Result) -> list[Headline]:
    """What was measured, and the tokenizer with the fewest of what costs."""
    short = short_names(list(result["tokenizers"]))
    first = next(iter(result["tokenizers"]))
    lines = [
        Headline("rows", f"{result['rows']:,}", f"{result['left_out']:,} without a text left out"),
        Headline("words", f"{result['words']:,}", "separated by white space"),
        Headline("tokenizers", f"{len(short)}", ", ".join(short.values())),
    ]
    for claim, name in result["fewest"].items():
        measured = result["tokenizers"][name or first]
        value = measured[_MEASURED[claim]]
        share = f"{value:.2%}" if _MEASURED[claim] in _SHARES else f"{value:.3f} per word"
        if name:
            lines.append(Headline(f"fewest {_CALLED[claim]}", short[name], share))
        elif len(short) == 1:
            lines.append(Headline(_CALLED[claim], share))
        else:
            lines.append(Headline(f"fewest {_CALLED[claim]}", "-", "no significant difference"))
    return lines


def histograms(lengths: Mapping[str, Any]) -> list[Histogram]:
    """Of the rows as each tokenizer cuts them.

    lengths   tokenizer -> (rows,) tokens of each row, special ones included
    """
    short = short_names(list(lengths))
    return [
        Histogram(f"Lengths of rows: {short[name]}", "tokens", Counter(rows.tolist()), _LIMITS)
        for name, rows in lengths.items()
    ]


def _word_row(name: str, measured: Result) -> tuple[Any, ...]:
    continued, *unknown = (_with_interval(measured, metric) for metric in _SHARES)
    return (name, continued, _percent(measured["frequent_words_whole"]), *unknown)


def _vocabulary_table(tokenizers: Mapping[str, Result]) -> Table:
    rows = [
        (
            *(name, _percent(measured["vocabulary_used"]), measured["renyi_efficiency"]),
            *map(_percent, measured["round_trip"].values()),
        )
        for name, measured in tokenizers.items()
    ]
    return Table("Vocabulary use, and texts decoded from their tokens", ("tokenizer", *_VOCABULARY), rows)


def _truncation_table(tokenizers: Mapping[str, Result]) -> Table:
    # The limits are keys of JSON, therefore text: as text, 1024 sorts before 128.
    limits = sorted({limit for measured in tokenizers.values() for limit in measured["truncated"]}, key=int)
    rows = [
        (name, measured["max_length"], *(_percent(measured["truncated"].get(limit)) for limit in limits))
        for name, measured in tokenizers.items()
    ]
    columns = ("tokenizer", "max length", *(f"> {limit}" for limit in limits))
    return Table("Rows truncated at max length in tokens, special tokens included", columns, rows)


def _partition_table(tokenizers: Mapping[str, Result], partition: str, called: str) -> Table:
    parity = any(measured.get("parity") for measured in tokenizers.values()) and partition == "groups"
    rows = [
        (
            *(name, label, part["rows"], _with_interval(part, "fertility"), part["bytes_per_token"]),
            *(_percent(part["continued_words"]), _percent(part["unknown_rate"])),
            *((measured["parity"][label],) if parity else ()),
        )
        for name, measured in tokenizers.items()
        for label, part in measured[partition].items()
    ]
    columns = ("tokenizer", called, "rows", "tokens per word", "bytes per token", "continued", "unknown")
    title = f"By {called}"
    if parity:
        unequal = ", ".join(f"{name} {measured['gini']}" for name, measured in tokenizers.items())
        title += f"; parity: tokens over those of the first; Gini coefficient: {unequal}"
    return Table(title, (*columns, *(("parity",) if parity else ())), rows)


def _claims_table(result: Result, short: Mapping[str, str]) -> Table:
    rows = [
        (
            *(_CALLED[comparison["claim"]], short[comparison["first"]], short[comparison["second"]]),
            f"{comparison['difference']:+,}",
            with_interval(comparison["relative"], comparison["interval"], "+.2%"),
            p_value(comparison["p_value_holm"]),
            "yes" if comparison["significant"] else "no",
        )
        for comparison in result["comparisons"]
    ]
    columns = ("count of", "first", "second", "difference", "share", "p (Holm)", "significant")
    fewest = [f"fewest {_CALLED[claim]}: {short[name]}" for claim, name in result["fewest"].items() if name]
    summary = "; ".join(fewest) or "no tokenizer has significantly fewest of anything"
    return Table(f"Differences, first less second (paired test of rows); {summary}", columns, rows)


def _with_interval(measured: Result, metric: str) -> str | None:
    form = ".2%" if metric in _SHARES else ".3f"
    return with_interval(measured[metric], measured["intervals"].get(metric), form)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.2%}"
