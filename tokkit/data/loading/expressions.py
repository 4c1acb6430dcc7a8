"""Expressions over columns, as ``--where`` and ``--add`` take them: a small grammar; nothing is evaluated.

    label != 'joy' and words(text) >= 5
    label in ('joy', 'love') or not text matches '^@'
    title + ': ' + `the body`

    expression   both {"or" both}                          both     negation {"and" negation}
    negation     ["not"] comparison                        sum      product {("+" | "-") product}
    comparison   sum [SIGN sum | "is" ["not"] "missing"    product  single {("*" | "/") single}
                 | ["not"] ("in" "(" LITERAL {"," LITERAL} ")" | "contains" sum | "matches" TEXT)]
    single       TEXT | NUMBER | COLUMN | FUNCTION "(" expression ")" | "(" expression ")" | "-" single

A text stands in quotes of either kind, a quote within it twice; a column that is no plain word, in backticks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from tokkit.data.loading import expression_values as values
from tokkit.data.loading.expression_values import FUNCTIONS, TRUTH, Unfit, Value
from tokkit.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

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
_INSTEAD = {
    "=": "==",
    "&": "and",
    "|": "or",
    "!": "not or !=",
    "'": "a second '",
    '"': 'a second "',
    "`": "a second `",
}
_DEEPEST = 50
_MOST = 1000


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int


def compiled(text: str, schema: Mapping[str, pl.DataType], flag: str) -> Value:
    """What ``text`` says, over a table with these columns.

    Raises `UsageError` naming ``flag``, the place in the text, and what was expected there.
    """
    return _Parser(text, schema, flag).whole()


def condition(text: str, schema: Mapping[str, pl.DataType], flag: str) -> pl.Expr:
    """As `compiled`, for what holds for a row or not; never null."""
    found = compiled(text, schema, flag)
    if found.kind != TRUTH:
        raise UsageError(
            f"{flag}: {text}: a {found.kind}, not something that holds for a row or not",
            hint=f"""compare it with something: {flag} "label != 'joy'\"""",
        )
    return values.as_truth(found)


class _Parser:
    """Recursive descent: a method for each rule of the grammar."""

    def __init__(self, text: str, schema: Mapping[str, pl.DataType], flag: str) -> None:
        self._text, self._schema, self._flag = text, schema, flag
        self._tokens = self._cut()
        self._next = 0
        self._depth = 0

    def whole(self) -> Value:
        found = self._expression()
        if self._token.kind != "end":
            self._fail("and, or, a comparison, or the end was expected")
        return found

    def _cut(self) -> list[_Token]:
        tokens: list[_Token] = []
        place = 0
        while not tokens or tokens[-1].kind != "end":
            place += len(self._text[place:]) - len(self._text[place:].lstrip())
            match = _TOKEN.match(self._text, place)
            if match is None or match.lastgroup is None:
                expected = _INSTEAD.get(self._text[place], "a column, a text in quotes, a number or a sign")
                self._fail(f"{expected} was expected", _Token("sign", self._text[place], place))
            tokens.append(_Token(match.lastgroup, match[0], place))
            place = match.end()
        if len(tokens) > _MOST:
            self._fail(f"the expression has more than {_MOST} parts", tokens[_MOST])
        return tokens

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> str | None:
        """The next token, where it is one of these signs or keywords."""
        token = self._token
        if token.kind not in ("word", "sign") or token.text not in texts:
            return None
        self._next += 1
        return token.text

    def _need(self, text: str) -> None:
        if self._take(text) is None:
            self._fail(f"{text} was expected")

    def _expression(self) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"the expression is nested more than {_DEEPEST} deep")
        found = self._both()
        while (token := self._token) and self._take("or"):
            found = self._fit(token, lambda one, other: values.joined("or", one, other), found, self._both())
        self._depth -= 1
        return found

    def _both(self) -> Value:
        found = self._negation()
        while (token := self._token) and self._take("and"):
            other = self._negation()
            found = self._fit(token, lambda one, other: values.joined("and", one, other), found, other)
        return found

    def _negation(self) -> Value:
        token = self._token
        turned = False
        while self._take("not"):
            turned = not turned
        found = self._comparison()
        return self._fit(token, values.negated, found) if turned else found

    def _comparison(self) -> Value:
        one = self._sum()
        token = self._token
        if sign := self._take(*values.COMPARISONS):
            return self._fit(token, lambda one, other: values.compared(sign, one, other), one, self._sum())
        if self._take("is"):
            turned = self._take("not")
            self._need("missing")
            found = values.missing(one)
        else:
            turned = self._take("not")
            token = self._token
            if self._take("in"):
                choices = self._choices()
                found = self._fit(token, lambda one: values.among(one, choices), one)
            elif word := self._take("contains", "matches"):
                test = values.contains if word == "contains" else values.matches
                found = self._fit(token, test, one, self._sum())
            elif turned:
                self._fail("in, contains or matches was expected")
            else:
                return one
        return values.negated(found) if turned else found

    def _choices(self) -> list[str | float]:
        self._need("(")
        found: list[str | float] = []
        while not found or self._take(","):
            token = self._token
            one = self._single()
            if one.literal is None:
                self._fail("a text in quotes or a number was expected", token)
            found.append(one.literal)
        self._need(")")
        return found

    def _sum(self) -> Value:
        found = self._product()
        while (token := self._token) and (sign := self._take("+", "-")):
            found = self._computed(token, sign, found, self._product())
        return found

    def _product(self) -> Value:
        found = self._single()
        while (token := self._token) and (sign := self._take("*", "/")):
            found = self._computed(token, sign, found, self._single())
        return found

    def _computed(self, token: _Token, sign: str, one: Value, other: Value) -> Value:
        return self._fit(token, lambda one, other: values.computed(sign, one, other), one, other)

    def _single(self) -> Value:
        token = self._token
        if self._take("("):
            found = self._expression()
            self._need(")")
            return found
        signs = 0
        while self._take("-"):
            signs += 1
        if signs:
            one = self._single()
            if signs % 2 and isinstance(one.literal, int | float):
                return values.literal(-one.literal)
            return self._computed(token, "*", one, values.literal(-1 if signs % 2 else 1))
        self._next += 1
        if token.kind == "text":
            quote = token.text[0]
            return values.literal(token.text[1:-1].replace(quote * 2, quote))
        if token.kind == "number":
            whole = token.text.isdecimal() and len(token.text) < 19
            return values.literal(int(token.text) if whole else float(token.text))
        if token.kind == "column":
            return self._column(token, token.text.strip("`"))
        if token.kind == "word" and token.text not in _KEYWORDS:
            if self._token.text == "(" and self._token.kind == "sign":
                return self._called(token)
            return self._column(token, token.text)
        self._fail("a column, a text in quotes, a number or ( was expected", token)

    def _called(self, token: _Token) -> Value:
        if token.text not in FUNCTIONS:
            nearest = did_you_mean(token.text, FUNCTIONS)
            self._fail(f"no such function{nearest}; there are {', '.join(FUNCTIONS)}", token)
        self._need("(")
        argument = self._expression()
        self._need(")")
        return self._fit(token, FUNCTIONS[token.text], argument)

    def _column(self, token: _Token, name: str) -> Value:
        """A column by name; else what stands within objects, dots between the names."""
        import polars as pl

        if name in self._schema:
            return values.column(name, (), self._schema[name])
        first, *keys = name.split(".")
        dtype = self._schema.get(first)
        for key in keys:
            fields = (
                {field.name: field.dtype for field in dtype.fields} if isinstance(dtype, pl.Struct) else {}
            )
            dtype = fields.get(key)  # type: ignore[assignment] # a class where a type has no parameters
        if dtype is None:
            nearest = did_you_mean(name, self._schema)
            self._fail(
                f"no such column{nearest}; there are {', '.join(self._schema)} (a text stands in quotes)",
                token,
            )
        return values.column(first, keys, dtype)

    def _fit(self, token: _Token, make: object, *parts: Value) -> Value:
        try:
            return make(*parts)  # type: ignore[operator]
        except Unfit as error:
            self._fail(str(error), token)

    def _fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self._token
        found = f'"{token.text}" at character {token.place + 1}' if token.text else "at the end"
        raise UsageError(
            f"{self._flag}: {found}: {expected}",
            hint=f"here: {self._text[: token.place]} >>> {self._text[token.place :]}".rstrip(),
        )
