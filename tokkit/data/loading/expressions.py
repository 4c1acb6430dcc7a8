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
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import polars as pl

from tokkit.data.loading.expression_values import (
    FUNCTIONS,
    OPERATORS,
    TRUTH,
    KindError,
    Precedence,
    Value,
    column_value,
    compute,
    is_in,
    literal_value,
    negate,
)
from tokkit.errors import UsageError, did_you_mean

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
    """Precedence climbing over `OPERATORS`."""

    def __init__(self, text: str, schema: Mapping[str, pl.DataType], flag: str) -> None:
        self._text, self._schema, self._flag = text, schema, flag
        self._tokens = self._tokenize()
        self._next = 0
        self._depth = 0

    def parse(self) -> Value:
        value = self._expression(Precedence.OR)
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
        while lowest <= Precedence.NOT and self._accept("not"):
            nots += 1
        if nots:
            left, highest = self._expression(Precedence.COMPARISON), Precedence.AND
            left = self._apply(token, negate, left) if nots % 2 else left
        else:
            left, highest = self._operand(), Precedence.PRODUCT
        while True:
            token, symbol = self._token, self._symbol
            if symbol in ("is", "not", "in") and lowest <= Precedence.COMPARISON <= highest:
                left, highest = self._worded_comparison(left), Precedence.AND
                continue
            precedence, function = OPERATORS.get(symbol, (Precedence.OR, None))
            if function is None or not lowest <= precedence <= highest:
                return left
            self._next += 1
            left = self._apply(token, function, left, self._expression(precedence + 1))
            # comparisons do not chain: 1 < 2 < 3 is an error, not (1 < 2) < 3
            highest = Precedence.AND if precedence == Precedence.COMPARISON else precedence

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
                value = self._apply(token, functools.partial(is_in, self._choices()), left)
            else:
                value = self._apply(token, OPERATORS[symbol][1], left, self._expression(Precedence.SUM))
        return negate(value) if negated else value

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
                return literal_value(-value.literal)
            sign = literal_value(-1 if minuses % 2 else 1)
            return self._apply(token, functools.partial(compute, "*"), value, sign)
        self._next += 1
        if token.kind == "text":
            quote = token.text[0]
            return literal_value(token.text[1:-1].replace(quote * 2, quote))
        if token.kind == "number":
            # 18 digits fit into 64 bits; larger numbers are floats
            fits_int64 = token.text.isdecimal() and len(token.text) < 19
            return literal_value(int(token.text) if fits_int64 else float(token.text))
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
        value = self._expression(Precedence.OR)
        self._expect(")")
        self._depth -= 1
        return value

    def _named_column(self, token: _Token, name: str) -> Value:
        """A column of that name, else a field within objects: ``meta.author.name``."""
        if name in self._schema:
            return column_value(name, (), self._schema[name])
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
        return column_value(first, keys, dtype)

    def _apply(self, token: _Token, function: Callable[..., Value], *operands: Value) -> Value:
        """The value of the function; an operand of the wrong kind is an error at the token."""
        try:
            return function(*operands)
        except KindError as error:
            self._fail(str(error), token)

    def _fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self._token
        where = f'"{token.text}" at character {token.position + 1}' if token.text else "at the end"
        raise UsageError(
            f"{self._flag}: {where}: {expected}",
            hint=f"here: {self._text[: token.position]} >>> {self._text[token.position :]}".rstrip(),
        )
