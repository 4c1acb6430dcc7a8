"""The repair rules of `clean`: each a function from text to text, in the order in which they are applied.

One repair may enable another: without its zero-width space, ``&am\u200bp;`` is a reference to resolve. The
selected rules are therefore repeated until none changes the text: cleaning twice is cleaning once. A rule is
one function and one line of `RULES`.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html.entities import html5
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.runtime.normalization import normalize

Repair = Callable[[str], str]

# Names for several rules, or for no rule.
DEFAULT, ALL, NONE = "default", "all", "none"

# Rounds of repairs; two or three are needed, more only for references nested on purpose.
_MAX_ROUNDS = 100


@dataclass(frozen=True)
class Rule:
    """One repair.

    default   whether it is applied unless rules are named
    """

    summary: str
    default: bool
    repair: Repair


def selected_rules(names: Sequence[str]) -> tuple[str, ...]:
    """The rules that the names select, in the order they are applied.

    Raises `UsageError` for a name that is no rule, and where a rule needs a package that is not installed.

    >>> selected_rules(["lower", "br"])
    ('br', 'lower')
    """
    groups = {DEFAULT: {name for name in RULES if RULES[name].default}, ALL: set(RULES), NONE: set()}
    selected: set[str] = set()
    for name in names:
        if name not in RULES and name not in groups:
            known = [*RULES, *groups]
            raise UsageError(
                f'--rules: invalid value "{name}": choose from {", ".join(known)}{did_you_mean(name, known)}'
            )
        selected |= groups.get(name, {name})
    # fails before any text is read, not in the middle of the data set
    if "ftfy" in selected:
        _ftfy()
    return tuple(name for name in RULES if name in selected)


def repairs(text: str, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Every change that the rules make to a text, in order: rule, text before, text after.

    names   as `selected_rules` returns them

    >>> list(repairs(" a<br>b", ["br", "spaces"]))
    [('br', ' a<br>b', ' a b'), ('spaces', ' a b', 'a b')]
    """
    rules = [(name, RULES[name].repair) for name in names]
    # each round applies all rules in order; a round without a change is the fixed point
    for _ in range(_MAX_ROUNDS):
        before = text
        for name, repair in rules:
            after = repair(text)
            if after != text:
                yield name, text, after
                text = after
        if text == before:
            return


# What the rules match ------------------------------------------------------------------------------------

_IGNORE_CASE = re.IGNORECASE | re.DOTALL

# With its semicolon: without one, ``?a=1&copy=2`` of an address would be a reference too.
_REFERENCE = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
# ``&amp;amp;lt;`` was escaped several times: one ``&``.
_AMPERSANDS = re.compile(r"&(?:amp;|#0*38;|#[xX]0*26;)+(?=#?[A-Za-z0-9]+;)")
# A longer reference to a number is to none: the last character is 1,114,111.
_LONGEST_NUMBER = 100
_BREAK = re.compile(r"</?br(?:[\s/][^<>]*)?>", _IGNORE_CASE)
# Tags within words, removed without a space; all others separate words.
_INLINE = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong"
    "|sub|sup|tt|u|var|wbr",
    _IGNORE_CASE,
)
_OTHERS = (
    "address|article|aside|audio|base|blockquote|body|br|button|canvas|caption|center|col|colgroup|data|datalist"
    "|dd|details|dialog|dir|div|dl|dt|embed|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head"
    "|header|hgroup|hr|html|iframe|img|input|label|legend|li|link|main|map|menu|meta|meter|nav|noframes"
    "|noscript|object|ol|optgroup|option|output|p|param|picture|pre|progress|rp|rt|ruby|script|search|section"
    "|select|slot|source|style|summary|svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|track"
    "|ul|video"
)
# Tags of HTML only: ``<user>`` and ``<3`` are text.
_TAG = re.compile(rf"<!doctype\b[^<>]*>|</?({_INLINE.pattern}|{_OTHERS})(?:[\s/][^<>]*)?>", _IGNORE_CASE)
_COMMENT_OR_TAG = re.compile(rf"<!--.*?-->|{_TAG.pattern}", _IGNORE_CASE)
# Escape sequences as ECMA-48 and ISO 2022 write them.
_ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # colors and cursor movements
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles and links
    r"|[PX^_][^\x1b]*\x1b\\"  # device control and other strings
    r"|[ -/]+[0-~]"  # character sets
    r"|[0-Z\\^-~]"  # single functions
    r")"
)
# As HTML decodes them: in text, a C1 control is nearly always a misread quotation mark or dash.
_WINDOWS_1252 = {
    byte: character
    for byte in range(0x80, 0xA0)
    if (character := bytes([byte]).decode("cp1252", "ignore"))  # five bytes mean nothing there
}
# C0 and C1: separators of lines, pages and records become a space, tab and line end stay, others go.
_CONTROLS = {
    **dict.fromkeys(c for c in (*range(0x20), *range(0x7F, 0xA0)) if c not in b"\t\n\r"),
    **dict.fromkeys((0x0B, 0x0C, *range(0x1C, 0x20), 0x85), " "),
}
# Soft hyphen, Mongolian vowel separator, zero-width space, word joiner, invisible operators, BOM. Not the
# joiners (ZWJ, ZWNJ) that emoji, Indic scripts and Persian need, nor the direction marks.
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b\u2060-\u2064\ufeff]")

# The rules -----------------------------------------------------------------------------------------------


def _substitute(
    pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str], needs: str
) -> Repair:
    """Replaces matches; a text without the substring ``needs`` has none, which is faster to see."""
    return lambda text: pattern.sub(replacement, text) if needs in text else text


def _resolve(text: str) -> str:
    """Character references resolved: named ones only as HTML defines them, so ``&copx;`` stays."""
    if "&" not in text:
        return text

    def character(reference: re.Match[str]) -> str:
        name = reference[0][1:]
        if not name.startswith("#"):
            return html5.get(name, reference[0])
        return html.unescape(reference[0]) if len(name) <= _LONGEST_NUMBER else "\ufffd"

    return _REFERENCE.sub(character, _AMPERSANDS.sub("&", text))


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text

    def space(tag: re.Match[str]) -> str:
        return "" if _INLINE.fullmatch(tag[1] or "") else " "

    # behind the last end of a comment, each open one would be searched to the end of the text
    end = text.rfind("-->") + len("-->") if "-->" in text else 0
    return _COMMENT_OR_TAG.sub(space, text[:end]) + _TAG.sub(space, text[end:])


@functools.cache
def _ftfy() -> Repair:
    """ftfy, configured to repair encodings only: its other repairs are rules of their own, or not wanted."""
    try:
        import ftfy
    except ImportError as error:
        raise UsageError(
            "--rules ftfy: needs the package ftfy, which is not installed", hint="pip install ftfy"
        ) from error
    settings: dict[str, Any] = dict.fromkeys(
        (
            *("unescape_html", "remove_terminal_escapes", "remove_control_chars", "fix_line_breaks"),
            *("uncurl_quotes", "fix_latin_ligatures", "fix_character_width"),
        ),
        False,
    )
    # explanations cost a list per text, which nothing reads
    config = ftfy.TextFixerConfig(**settings, normalization=None, explain=False)
    return lambda text: text if text.isascii() else ftfy.fix_text(text, config)


# Name -> rule, in the order they are applied.
RULES: dict[str, Rule] = {
    "ftfy": Rule("mojibake repaired, schÃ¶n to schön (needs ftfy)", False, lambda text: _ftfy()(text)),
    "html": Rule("character references resolved, &amp; to &, also where escaped twice", True, _resolve),
    "br": Rule("<br>, <br /> to a space", True, _substitute(_BREAK, " ", needs="<")),
    "tags": Rule("other HTML tags and comments removed", False, _without_tags),
    "escapes": Rule("terminal escape sequences removed", True, _substitute(_ESCAPE, "", needs="\x1b")),
    "windows-1252": Rule(
        "C1 controls that are misread quotes, dashes, signs: \\x92 to ’",
        True,
        lambda text: text if text.isascii() or text.isprintable() else text.translate(_WINDOWS_1252),
    ),
    "controls": Rule(
        "control characters removed; line separators, to a space",
        True,
        lambda text: text if text.isprintable() else text.translate(_CONTROLS),
    ),
    "zero-width": Rule(
        "zero-width space, soft hyphen, BOM removed; joiners kept",
        True,
        lambda text: text if text.isascii() else _ZERO_WIDTH.sub("", text),
    ),
    "nfc": Rule("Unicode NFC", True, functools.partial(normalize, "NFC")),
    "nfkc": Rule("Unicode NFKC, x² to x2", False, functools.partial(normalize, "NFKC")),
    "spaces": Rule(
        "white space of any kind to one space, none at the ends", True, lambda text: " ".join(text.split())
    ),
    "lower": Rule("lower case as Unicode has it, not as Turkish has it", False, str.lower),
}
