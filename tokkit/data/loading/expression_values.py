"""The values of expressions over columns: their kinds, how they compare and compute, as polars expressions.

A text beside a number is read as the number it spells. A missing value is equal to nothing: ``!=`` holds for
it, every other comparison does not, and what is computed with it is missing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

TEXT, NUMBER, TRUTH, OTHER = "text", "number", "yes or no", "list, object or date"
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class Unfit(Exception):
    """Values of kinds that do not go together; the message says what was expected."""


@dataclass(frozen=True)
class Value:
    """A polars expression and the kind of its values; ``literal`` is what stands there, of a literal."""

    expression: pl.Expr
    kind: str
    literal: str | float | None = None


def column(name: str, keys: Sequence[str], dtype: pl.DataType) -> Value:
    """A column, or what stands under ``keys`` within its objects; an empty text is missing, as is NaN."""
    import polars as pl

    found = pl.col(name)
    for key in keys:
        found = found.struct.field(key)
    if dtype == pl.Boolean:
        return Value(found, TRUTH)
    if dtype.is_float():
        return Value(found.cast(pl.Float64).fill_nan(None), NUMBER)
    if dtype.is_numeric():  # 64 bits: a difference of small or unsigned numbers wraps round
        wide = pl.Float64() if dtype.is_decimal() else pl.Int64()
        return Value(found.cast(wide, strict=False), NUMBER)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        texts = found.cast(pl.String)
        return Value(pl.when(texts != "").then(texts), TEXT)
    return Value(found, OTHER)


def literal(value: str | float) -> Value:
    """A text or a number that stands in the expression."""
    import polars as pl

    return Value(pl.lit(value), TEXT if isinstance(value, str) else NUMBER, value)


def as_text(value: Value) -> pl.Expr:
    """The value as text; raises `Unfit` for lists and objects."""
    import polars as pl

    if value.kind == OTHER:
        raise Unfit(f"a text was expected, not a {OTHER}")
    return value.expression if value.kind == TEXT else value.expression.cast(pl.String)


def as_number(value: Value) -> pl.Expr:
    """The number, or the number that a text spells, missing where it spells none; raises `Unfit` else."""
    import polars as pl

    if value.kind not in (TEXT, NUMBER):
        raise Unfit(f"a number was expected, not a {value.kind}")
    if value.kind == NUMBER:
        return value.expression
    return value.expression.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)


def as_truth(value: Value) -> pl.Expr:
    """What holds or not, a missing one not; raises `Unfit` for anything else."""
    if value.kind != TRUTH:
        raise Unfit(f"something that holds or not was expected, such as a comparison, not a {value.kind}")
    return value.expression.fill_null(False)


def compared(sign: str, one: Value, other: Value) -> Value:
    """One of `COMPARISONS`; texts compare by code point. Raises `Unfit`, also for the empty text."""
    if "" in (one.literal, other.literal):
        raise Unfit("an empty text is a missing one: is missing, or is not missing, was expected")
    convert = as_number if NUMBER in (one.kind, other.kind) else as_text
    left, right = convert(one), convert(other)
    if sign == "!=":
        return Value(~(left == right).fill_null(False), TRUTH)
    holds: dict[str, Callable[[Any, Any], pl.Expr]] = {
        "==": operator.eq,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
    return Value(holds[sign](left, right).fill_null(False), TRUTH)


def among(one: Value, choices: Sequence[str | float]) -> Value:
    """Whether the value is one of these texts and numbers."""
    import polars as pl

    texts = [choice for choice in choices if isinstance(choice, str)]
    numbers = [float(choice) for choice in choices if not isinstance(choice, str)]
    found = pl.lit(False)
    if texts:
        found = found | as_text(one).is_in(texts).fill_null(False)
    if numbers:
        found = found | as_number(one).cast(pl.Float64).is_in(numbers).fill_null(False)
    return Value(found, TRUTH)


def contains(one: Value, part: Value) -> Value:
    """Whether the text holds another."""
    found = as_text(one).str.contains(as_text(part), literal=True)
    return Value(found.fill_null(False), TRUTH)


def matches(one: Value, pattern: Value) -> Value:
    """Whether a part of the text fits a regular expression of Rust's; raises `Unfit` for what is none."""
    import polars as pl

    if not isinstance(pattern.literal, str):
        raise Unfit("a regular expression in quotes was expected")
    try:
        pl.Series(["a"]).str.contains(pattern.literal)
    except pl.exceptions.ComputeError as error:
        raise Unfit(f"no regular expression: {' '.join(str(error).split())}") from error
    return Value(as_text(one).str.contains(pattern.literal).fill_null(False), TRUTH)


def missing(one: Value) -> Value:
    """Whether there is no value."""
    return Value(one.expression.is_null(), TRUTH)


def negated(one: Value) -> Value:
    return Value(~as_truth(one), TRUTH)


def joined(word: str, one: Value, other: Value) -> Value:
    """``and`` and ``or``."""
    left, right = as_truth(one), as_truth(other)
    return Value(left & right if word == "and" else left | right, TRUTH)


def computed(sign: str, one: Value, other: Value) -> Value:
    """``+ - * /``; ``+`` puts two texts together. A number divided by 0 is missing."""
    import polars as pl

    if sign == "+" and one.kind == other.kind == TEXT:
        return Value(one.expression + other.expression, TEXT)
    left, right = as_number(one), as_number(other)
    if sign == "/":
        return Value(pl.when(right != 0).then(left / right), NUMBER)
    compute = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
    return Value(compute(left, right), NUMBER)


def _length(value: Value) -> Value:
    import polars as pl

    return Value(as_text(value).str.len_chars().cast(pl.Int64), NUMBER)


def _words(value: Value) -> Value:
    import polars as pl

    return Value(as_text(value).str.count_matches(r"[^\s\x1c-\x1f]+").cast(pl.Int64), NUMBER)


FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "len": _length,
    "words": _words,
    "lower": lambda value: Value(as_text(value).str.to_lowercase(), TEXT),
    "upper": lambda value: Value(as_text(value).str.to_uppercase(), TEXT),
    "strip": lambda value: Value(as_text(value).str.strip_chars(), TEXT),
    "number": lambda value: Value(as_number(value), NUMBER),
    "text": lambda value: Value(as_text(value), TEXT),
}
"""Name -> what computes it: characters, words between white space, other case, without white space around."""
