"""Values of row expressions: what literals, columns, operators and functions are in polars.

    label == 'joy'       Value(col("label") == "joy", missing: false; yes or no)
    number(stars) + 1    Value(the number that the text spells, 64 bits, + 1; number)

`expressions` reads their text and puts them together.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import polars as pl

from tokkit.data.duplicates.text_keys import WORD

TEXT, NUMBER, TRUTH, OTHER = "text", "number", "yes or no", "list, object or date"


class KindError(Exception):
    """An operand of the wrong kind; the message says what was expected."""


@dataclass(frozen=True)
class Value:
    """A polars expression and the kind of its values; ``literal`` is the value of a literal."""

    expression: pl.Expr
    kind: str
    literal: str | float | None = None

    @property
    def text(self) -> pl.Expr:
        """The value as text; raises `KindError` for lists, objects and dates."""
        if self.kind == OTHER:
            raise KindError(f"a text was expected, not a {OTHER}")
        return self.expression if self.kind == TEXT else self.expression.cast(pl.String)

    @property
    def number(self) -> pl.Expr:
        """The number, or the one that a text spells, else missing; raises `KindError` for other kinds."""
        if self.kind == NUMBER:
            return self.expression
        if self.kind != TEXT:
            raise KindError(f"a number was expected, not a {self.kind}")
        return self.expression.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)

    @property
    def truth(self) -> pl.Expr:
        """A condition that is never null: missing is false; raises `KindError` for other kinds."""
        if self.kind != TRUTH:
            raise KindError(f"a condition was expected, such as a comparison, not a {self.kind}")
        return self.expression.fill_null(False)


def _condition(expression: pl.Expr) -> Value:
    return Value(expression.fill_null(False), TRUTH)


def literal_value(value: str | float) -> Value:
    """A text or number as it is written in an expression."""
    if isinstance(value, str):
        return Value(pl.lit(value), TEXT, value)
    # 64 bits, as columns have: polars gives a small number 32, and a product of such would wrap around
    is_long = isinstance(value, int) and abs(value) < 1 << 63
    return Value(pl.lit(value, pl.Int64 if is_long else pl.Float64), NUMBER, value)


def column_value(name: str, keys: Sequence[str], dtype: pl.DataType) -> Value:
    """A column, or the field under ``keys`` within its objects."""
    column = pl.col(name)
    for key in keys:
        column = column.struct.field(key)
    if dtype == pl.Boolean:
        return Value(column, TRUTH)
    if dtype.is_float():
        return Value(column.cast(pl.Float64).fill_nan(None), NUMBER)
    if dtype.is_numeric():
        # 64 bits: the difference of small or unsigned integers would wrap around
        wide = pl.Float64() if dtype.is_decimal() else pl.Int64()
        return Value(column.cast(wide, strict=False), NUMBER)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _nonempty(column.cast(pl.String))
    return Value(column, OTHER)


def _nonempty(text: pl.Expr) -> Value:
    return Value(pl.when(text != "").then(text), TEXT)


def _compare(sign: str, left: Value, right: Value) -> Value:
    """Texts compare by code point, as numbers where one side is a number."""
    if "" in (left.literal, right.literal):
        raise KindError("an empty text is a missing one: is missing, or is not missing, was expected")
    # "5" and " 5" are the number 5 next to a number, two texts next to a text
    numeric = NUMBER in (left.kind, right.kind)
    sides = (left.number, right.number) if numeric else (left.text, right.text)
    # a missing value differs from every other
    return Value(_COMPARISONS[sign](*sides).fill_null(sign == "!="), TRUTH)


_COMPARISONS: dict[str, Callable[[Any, Any], pl.Expr]] = {
    **{"==": operator.eq, "!=": operator.ne},
    **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge},
}


def _matches(value: Value, pattern: Value) -> Value:
    if not isinstance(pattern.literal, str):
        raise KindError("a regular expression in quotes was expected")
    # an invalid pattern is an error here, at its position, not when rows are read
    try:
        pl.Series(["a"]).str.contains(pattern.literal)
    except pl.exceptions.ComputeError as error:
        raise KindError(f"invalid regular expression: {' '.join(str(error).split())}") from error
    return _condition(value.text.str.contains(pattern.literal))


def is_in(choices: Sequence[str | float], value: Value) -> Value:
    """Whether a value is one of the literals: of texts as text, of numbers as number."""
    texts = [choice for choice in choices if isinstance(choice, str)]
    numbers = [float(choice) for choice in choices if not isinstance(choice, str)]
    within = [value.text.is_in(texts)] if texts else []
    within += [value.number.cast(pl.Float64).is_in(numbers)] if numbers else []
    return _condition(pl.any_horizontal(within))


def negate(value: Value) -> Value:
    """``not``: of a missing truth, which is false, true."""
    return Value(~value.truth, TRUTH)


def compute(sign: str, left: Value, right: Value) -> Value:
    """``+`` joins two texts; a number divided by 0 is missing."""
    if sign == "+" and left.kind == right.kind == TEXT:
        return Value(left.expression + right.expression, TEXT)
    a, b = left.number, right.number
    # polars would give infinity, or NaN for 0 / 0
    if sign == "/":
        return Value(pl.when(b != 0).then(a / b), NUMBER)
    return Value({"+": operator.add, "-": operator.sub, "*": operator.mul}[sign](a, b), NUMBER)


FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "len": lambda value: Value(value.text.str.len_chars().cast(pl.Int64), NUMBER),
    "words": lambda value: Value(value.text.str.count_matches(WORD).cast(pl.Int64), NUMBER),
    "lower": lambda value: Value(value.text.str.to_lowercase(), TEXT),
    "upper": lambda value: Value(value.text.str.to_uppercase(), TEXT),
    "strip": lambda value: _nonempty(value.text.str.strip_chars()),
    "number": lambda value: Value(value.number, NUMBER),
    "text": lambda value: Value(value.text, TEXT),
}


class Precedence(IntEnum):
    """How strongly an operator binds, the weakest first."""

    OR = 0
    AND = 1
    NOT = 2
    COMPARISON = 3
    SUM = 4
    PRODUCT = 5


# Operator -> its precedence, and the value of its two operands.
OPERATORS: dict[str, tuple[Precedence, Callable[[Value, Value], Value]]] = {
    "or": (Precedence.OR, lambda left, right: Value(left.truth | right.truth, TRUTH)),
    "and": (Precedence.AND, lambda left, right: Value(left.truth & right.truth, TRUTH)),
    **{sign: (Precedence.COMPARISON, functools.partial(_compare, sign)) for sign in _COMPARISONS},
    "contains": (
        Precedence.COMPARISON,
        lambda value, part: _condition(value.text.str.contains(part.text, literal=True)),
    ),
    "matches": (Precedence.COMPARISON, _matches),
    **{sign: (Precedence.SUM, functools.partial(compute, sign)) for sign in "+-"},
    **{sign: (Precedence.PRODUCT, functools.partial(compute, sign)) for sign in "*/"},
}
