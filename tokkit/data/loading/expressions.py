"""Row expressions of ``--where`` and ``--add``: a small grammar, compiled to polars; no text is executed.

    label != 'joy' and words(text) >= 5
    label in ('joy', 'love') or not text matches '^@'
    title + ': ' + `the body`

Operators from the weakest to the strongest, all but comparisons chain:

    or; and; not; comparisons: == != < <= > >=, contains TEXT, matches REGEX, in (LITERAL, ...), is missing,
    and not in, not contains, not matches, is not missing; + -; * /; unary -, FUNCTION(...), (...)

A text is in quotes of either kind, a quote within it doubled. A column that is no plain word is in backticks,
a field within objects is reached by dots. A text compared or computed with a number counts as the number it
spells. An empty text and NaN are missing. A missing value equals nothing: ``!=`` is true for it, every other
comparison is not, and what is computed from it is missing.

Why not `polars.sql_expr`: docs/design/row-expressions.md.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import polars as pl

from tokkit.data.duplicates.text_keys import WORD
from tokkit.errors import UsageError, did_you_mean

# Values --------------------------------------------------------------------------------------------------

TEXT, NUMBER, TRUTH, OTHER = "text", "number", "yes or no", "list, object or date"


class _KindError(Exception):
    """An operand of the wrong kind; the message says what was expected."""


@dataclass(frozen=True)
class Value:
    """A polars expression and the kind of its values; ``literal`` is the value of a literal."""

    expression: pl.Expr
    kind: str
    literal: str | float | None = None

    @property
    def text(self) -> pl.Expr:
        """The value as text; raises `_KindError` for lists, objects and dates."""
        if self.kind == OTHER:
            raise _KindError(f"a text was expected, not a {OTHER}")
        return self.expression if self.kind == TEXT else self.expression.cast(pl.String)

    @property
    def number(self) -> pl.Expr:
        """The number, or the one that a text spells, else missing; raises `_KindError` for other kinds."""
        if self.kind == NUMBER:
            return self.expression
        if self.kind != TEXT:
            raise _KindError(f"a number was expected, not a {self.kind}")
        return self.expression.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)

    @property
    def truth(self) -> pl.Expr:
        """A condition that is never null: missing is false; raises `_KindError` for other kinds."""
        if self.kind != TRUTH:
            raise _KindError(f"a condition was expected, such as a comparison, not a {self.kind}")
        return self.expression.fill_null(False)


def _condition(expression: pl.Expr) -> Value:
    return Value(expression.fill_null(False), TRUTH)


def _literal(value: str | float) -> Value:
    if isinstance(value, str):
        return Value(pl.lit(value), TEXT, value)
    # 64 bits, as columns have: polars gives a small number 32, and a product of such would wrap around
    is_long = isinstance(value, int) and abs(value) < 1 << 63
    return Value(pl.lit(value, pl.Int64 if is_long else pl.Float64), NUMBER, value)


def _column(name: str, keys: Sequence[str], dtype: pl.DataType) -> Value:
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
        raise _KindError("an empty text is a missing one: is missing, or is not missing, was expected")
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
        raise _KindError("a regular expression in quotes was expected")
    # an invalid pattern is an error here, at its position, not when rows are read
    try:
        pl.Series(["a"]).str.contains(pattern.literal)
    except pl.exceptions.ComputeError as error:
        raise _KindError(f"invalid regular expression: {' '.join(str(error).split())}") from error
    return _condition(value.text.str.contains(pattern.literal))


def _is_in(choices: Sequence[str | float], value: Value) -> Value:
    texts = [choice for choice in choices if isinstance(choice, str)]
    numbers = [float(choice) for choice in choices if not isinstance(choice, str)]
    within = [value.text.is_in(texts)] if texts else []
    within += [value.number.cast(pl.Float64).is_in(numbers)] if numbers else []
    return _condition(pl.any_horizontal(within))


def _negate(value: Value) -> Value:
    return Value(~value.truth, TRUTH)


def _compute(sign: str, left: Value, right: Value) -> Value:
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

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT = range(6)
# Operator -> its precedence, and the value of its two operands.
_OPERATORS: dict[str, tuple[int, Callable[[Value, Value], Value]]] = {
    "or": (_OR, lambda left, right: Value(left.truth | right.truth, TRUTH)),
    "and": (_AND, lambda left, right: Value(left.truth & right.truth, TRUTH)),
    **{sign: (_COMPARISON, functools.partial(_compare, sign)) for sign in _COMPARISONS},
    "contains": (
        _COMPARISON,
        lambda value, part: _condition(value.text.str.contains(part.text, literal=True)),
    ),
    "matches": (_COMPARISON, _matches),
    **{sign: (_SUM, functools.partial(_compute, sign)) for sign in "+-"},
    **{sign: (_PRODUCT, functools.partial(_compute, sign)) for sign in "*/"},
}

# Parser --------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<column>`[^`]+`)
      | (?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
      | (?P<sign>==|!=|<=|>=|[-+*/<>(),])
      | (?P<end>\Z)""",
    re.VERBOSE,
)
_KEYWORDS = ("and", "or", "not", "in", "is", "contains", "matches", "missing")
# Character that begins no token -> what was probably meant.
_INSTEAD = {
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not or !=",
    **{quote: f"a second {quote}" for quote in "'\"`"},
}

_MAX_DEPTH = 50
_MAX_TOKENS = 1000


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def compile_value(text: str, schema: Mapping[str, pl.DataType], flag: str) -> Value:
    """The value of an expression over a table with these columns.

    Raises `UsageError` naming ``flag``, the position in the text, and what was expected there.
    """
    return _Parser(text, schema, flag).parse()


def compile_condition(text: str, schema: Mapping[str, pl.DataType], flag: str) -> pl.Expr:
    """As `compile_value`, for an expression that is true or false for a row; never null."""
    value = compile_value(text, schema, flag)
    if value.kind != TRUTH:
        raise UsageError(
            f"{flag}: {text}: is a {value.kind}, not a condition",
            hint="compare it with something, as in label != 'joy'",
        )
    return value.truth


class _Parser:
    """Precedence climbing over `_OPERATORS`."""

    def __init__(self, text: str, schema: Mapping[str, pl.DataType], flag: str) -> None:
        self._text, self._schema, self._flag = text, schema, flag
        self._tokens = self._tokenize()
        self._next = 0
        self._depth = 0

    def parse(self) -> Value:
        value = self._expression(_OR)
        if self._token.kind != "end":
            self._fail("and, or, a comparison, or the end was expected")
        return value

    def _tokenize(self) -> list[_Token]:
        tokens: list[_Token] = []
        position = 0
        while not tokens or tokens[-1].kind != "end":
            position += len(self._text[position:]) - len(self._text[position:].lstrip())
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                character = self._text[position]
                expected = _INSTEAD.get(character, "a column, a text in quotes, a number or a sign")
                self._fail(f"{expected} was expected", _Token("sign", character, position))
            tokens.append(_Token(match.lastgroup, match[0], position))
            position = match.end()
        if len(tokens) > _MAX_TOKENS:
            self._fail(f"the expression has more than {_MAX_TOKENS} parts", tokens[_MAX_TOKENS])
        return tokens

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    @property
    def _symbol(self) -> str:
        """The next token if it is a sign or a word, else nothing: '"and"' is a text, not an operator."""
        return self._token.text if self._token.kind in ("word", "sign") else ""

    def _accept(self, *symbols: str) -> bool:
        """Consumes the next token if it is one of these signs or keywords."""
        accepted = self._symbol in symbols
        self._next += accepted
        return accepted

    def _expect(self, symbol: str) -> None:
        if not self._accept(symbol):
            self._fail(f"{symbol} was expected")

    def _expression(self, lowest: int) -> Value:
        """An expression of operators from precedence ``lowest`` up."""
        token, nots = self._token, 0
        while lowest <= _NOT and self._accept("not"):
            nots += 1
        if nots:
            left, highest = self._expression(_COMPARISON), _AND
            left = self._apply(token, _negate, left) if nots % 2 else left
        else:
            left, highest = self._operand(), _PRODUCT
        while True:
            token, symbol = self._token, self._symbol
            if symbol in ("is", "not", "in") and lowest <= _COMPARISON <= highest:
                left, highest = self._worded_comparison(left), _AND
                continue
            precedence, function = _OPERATORS.get(symbol, (-1, None))
            if function is None or not lowest <= precedence <= highest:
                return left
            self._next += 1
            left = self._apply(token, function, left, self._expression(precedence + 1))
            # comparisons do not chain: 1 < 2 < 3 is an error, not (1 < 2) < 3
            highest = _AND if precedence == _COMPARISON else precedence

    def _worded_comparison(self, left: Value) -> Value:
        """``is [not] missing`` and ``[not] in (...)``, ``not contains``, ``not matches``."""
        if self._accept("is"):
            negated = self._accept("not")
            self._expect("missing")
            value = Value(left.expression.is_null(), TRUTH)
        else:
            negated = self._accept("not")
            token, symbol = self._token, self._symbol
            if not self._accept("in", "contains", "matches"):
                self._fail("in, contains or matches was expected")
            if symbol == "in":
                value = self._apply(token, functools.partial(_is_in, self._choices()), left)
            else:
                value = self._apply(token, _OPERATORS[symbol][1], left, self._expression(_SUM))
        return _negate(value) if negated else value

    def _choices(self) -> list[str | float]:
        self._expect("(")
        choices: list[str | float] = []
        while not choices or self._accept(","):
            token = self._token
            value = self._operand()
            if value.literal is None:
                self._fail("a text in quotes or a number was expected", token)
            choices.append(value.literal)
        self._expect(")")
        return choices

    def _operand(self) -> Value:
        token = self._token
        if self._symbol == "(":
            return self._in_parentheses()
        # a loop, not recursion: a thousand signs are no thousand frames
        minuses = 0
        while self._accept("-"):
            minuses += 1
        if minuses:
            value = self._operand()
            if minuses % 2 and isinstance(value.literal, int | float):
                return _literal(-value.literal)
            sign = _literal(-1 if minuses % 2 else 1)
            return self._apply(token, functools.partial(_compute, "*"), value, sign)
        self._next += 1
        if token.kind == "text":
            quote = token.text[0]
            return _literal(token.text[1:-1].replace(quote * 2, quote))
        if token.kind == "number":
            # 18 digits fit into 64 bits; larger numbers are floats
            fits_int64 = token.text.isdecimal() and len(token.text) < 19
            return _literal(int(token.text) if fits_int64 else float(token.text))
        if token.kind == "column":
            return self._named_column(token, token.text.strip("`"))
        if token.kind != "word" or token.text in _KEYWORDS:
            self._fail("a column, a text in quotes, a number or ( was expected", token)
        if self._symbol != "(":
            return self._named_column(token, token.text)
        if token.text not in FUNCTIONS:
            near = did_you_mean(token.text, FUNCTIONS)
            self._fail(f"no such function{near}; there are {', '.join(FUNCTIONS)}", token)
        return self._apply(token, FUNCTIONS[token.text], self._in_parentheses())

    def _in_parentheses(self) -> Value:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail(f"the expression is nested more than {_MAX_DEPTH} deep")
        self._expect("(")
        value = self._expression(_OR)
        self._expect(")")
        self._depth -= 1
        return value

    def _named_column(self, token: _Token, name: str) -> Value:
        """A column of that name, else a field within objects: ``meta.author.name``."""
        if name in self._schema:
            return _column(name, (), self._schema[name])
        first, *keys = name.split(".")
        dtype = self._schema.get(first)
        for key in keys:
            fields = dict(dtype.to_schema()) if isinstance(dtype, pl.Struct) else {}
            dtype = fields.get(key)  # type: ignore[assignment] # a class where a type has no parameters
        if dtype is None:
            near = did_you_mean(name, self._schema)
            self._fail(
                f"no such column{near}; there are {', '.join(self._schema)} (a text is in quotes)", token
            )
        return _column(first, keys, dtype)

    def _apply(self, token: _Token, function: Callable[..., Value], *operands: Value) -> Value:
        """The value of the function; an operand of the wrong kind is an error at the token."""
        try:
            return function(*operands)
        except _KindError as error:
            self._fail(str(error), token)

    def _fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self._token
        where = f'"{token.text}" at character {token.position + 1}' if token.text else "at the end"
        raise UsageError(
            f"{self._flag}: {where}: {expected}",
            hint=f"here: {self._text[: token.position]} >>> {self._text[token.position :]}".rstrip(),
        )
