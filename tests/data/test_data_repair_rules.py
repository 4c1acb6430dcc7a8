"""Every repair: what it does to a text, that it leaves others alone, and that twice is once."""

from __future__ import annotations

import html
import sys
import time
import unicodedata
from itertools import pairwise

import ftfy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tokkit.data.cleaning import repair_rules
from tokkit.data.cleaning.repair_rules import RULES, repairs, selected_rules
from tokkit.errors import UsageError
from tokkit.runtime.normalization import normalize

DEFAULT = selected_rules(["default"])
PIECES = st.sampled_from(
    [
        *("&", "amp;", "#", "38;", "x26;", "lt;", "gt;", "nbsp;", "copy", ";"),
        *("<", "br", "/>", ">", "b", "!--", "-->"),
        *("\x1b", "[31m", "]0;t\x07", "(B", "\x9b", "\x85", "\x92", "\x00", "\x0b", "\x1c", "\r\n", "\t"),
        *(
            "\u200b",
            "\u200c",
            "\u200d",
            "\xad",
            "\ufeff",
            "\u2060",
            "\u202e",
            "\u2028",
            "\u3000",
            "\xa0",
            " ",
        ),
        *("e", "\u0301", "É", "İ", "Σ", "ﬁ", "²", "\u212b", "\ufffd", "\u037e", "schÃ¶n", "â€™"),
        *("가", "\u1100\u1161", "क्ष", "👩\u200d👩\u200d👧"),
    ]
)
TEXTS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map("".join))

CASES = {
    "ftfy": [
        ("schÃ¶n und gut", "schön und gut"),
        ("itâ€™s", "it’s"),
        ("“quotes” ﬁne ｗｉｄｅ\r\n&amp; \x07", "“quotes” ﬁne ｗｉｄｅ\r\n&amp; \x07"),
    ],
    "html": [
        ("R&amp;D &lt;3 caf&eacute; &#39;&#x27;&quot;", "R&D <3 café ''\""),
        ("a&nbsp;b&#160;c", "a\xa0b\xa0c"),
        ("&amp;amp;lt;", "<"),
        ("&#38;#38;amp;", "&"),
        ("?a=1&copy=2&not AT&T &; & &unknown; &notit;", "?a=1&copy=2&not AT&T &; & &unknown; &notit;"),
        ("&#146;&#0;&#55296;", "’\ufffd\ufffd"),
    ],
    "br": [
        ("one<br>two<br />three<BR/>four</br>five<br clear='all'>six", "one two three four five six"),
        ("<bread> <br-x> 3 <br", "<bread> <br-x> 3 <br"),
    ],
    "tags": [
        ("<p class='x'>so <b>bo</b>ld</p><!-- not\nthis --><I>yes</I>", " so bold  yes"),
        ('<h1>A</h1><a href="x">b</a> <!DOCTYPE html>', " A b  "),
        ("I <3 you <user> <unk> a<b c>d <scripted>", "I <3 you <user> <unk> ad <scripted>"),
        ("<b<b>>", ""),
    ],
    "escapes": [
        ("\x1b[1;31mred\x1b[0m and \x1b]8;;http://a\x1b\\link\x1b]8;;\x07", "red and link"),
        ("\x1b(Bplain\x1bPq#0\x1b\\ \x1bcreset", "plain reset"),
        ("[31m stays", "[31m stays"),
    ],
    "windows-1252": [("it\x92s \x93fine\x94 \x96 5\x80\x81", "it’s “fine” – 5€\x81")],
    "controls": [("a\x00b\x07c\x7fd\x9fe\tf\r\ng\x0bh\x0ci\x1cj\x85k", "abcde\tf\r\ng h i j k")],
    "zero-width": [
        ("\ufeffso\u200bft\xadhy\u2060phen", "softhyphen"),
        ("👩\u200d👩\u200d👧 می\u200cخواهم क्\u200dष \u202eabc\u202c", None),
    ],
    "nfc": [("e\u0301 \u1112\u1161\u11ab", "é 한"), ("x² ﬁ Ⅳ", "x² ﬁ Ⅳ")],
    "nfkc": [("x² ﬁ Ⅳ ｗ\u3000", "x2 fi IV w ")],
    "spaces": [("  a\t\tb\r\n\u3000c\xa0d\u2028e ", "a b c d e"), ("\u200b a", "\u200b a")],
    "lower": [("ÀB ΌΔΟΣ İI ß ẞ", "àb όδος i̇i ß ß")],
}


REMOVED = "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"


def repaired(text, names):
    """The text with all the rules applied."""
    for _, _, after in repairs(text, names):
        text = after
    return text


def test_repair_rules_are_all_shown_here():
    assert list(CASES) == list(RULES)


@pytest.mark.parametrize("name", RULES)
class TestEveryRule:
    def test_does_what_it_says(self, name):
        for before, after in CASES[name]:
            assert repaired(before, [name]) == (before if after is None else after)

    @settings(max_examples=100, deadline=None)
    @given(TEXTS)
    def test_twice_is_once(self, name, text):
        once = repaired(text, [name])
        assert repaired(once, [name]) == once

    def test_leaves_plain_text_alone_in_any_script(self, name):
        for text in (
            "a plain text",
            "한국어 텍스트",
            "नमस्ते",
            "می\u200cخواهم שלום",
            "👩‍👩‍👧 🏳️‍🌈",
            "日本語の文",
            "",
        ):
            assert repaired(text, [name]) == text

    def test_says_what_it_does_in_a_line(self, name):
        assert 10 < len(RULES[name].summary) < 75


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("&am\u200bp;lt\u037ebr>")  # each repair makes room for one that came before
@example("&amp\x1b[0m;")
@example("<b\xadr>")
@pytest.mark.parametrize("names", [["default"], ["all"]], ids=["default", "all"])
def test_repair_rules_together_twice_are_once(names, text):
    rules = selected_rules(names)
    once = repaired(text, rules)
    assert repaired(once, rules) == once
    assert once == "" or not (once[0].isspace() or once[-1].isspace())
    assert unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(character) == "Cc" for character in once)


def test_repair_rules_make_room_for_each_other():
    assert repaired("&am\u200bp;lt\u037ebr>x", DEFAULT) == "x"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_repair_rules_resolve_what_the_standard_library_escapes(text):
    assert repaired(html.escape(html.escape(text)), ["html"]) == repaired(text, ["html"])


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_repair_rules_tell_every_change(text):
    steps = list(repairs(text, DEFAULT))
    assert all(before != after for _, before, after in steps)
    for (_, _, after), (_, before, _) in pairwise(steps):
        assert after == before
    assert (steps[0][1] if steps else text) == text
    assert (steps[-1][2] if steps else text) == repaired(text, DEFAULT)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_repair_rules_repair_encodings_as_ftfy_does(text):
    config = ftfy.TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        remove_control_chars=False,
        fix_line_breaks=False,
        uncurl_quotes=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        normalization=None,
    )
    expected, before = text, None
    while expected != before:
        before, expected = expected, ftfy.fix_text(expected, config)
    assert repaired(text, ["ftfy"]) == expected


def test_repair_rules_end_on_references_nested_without_end():
    assert repaired("&" + "amp;" * 20_000 + "lt;", DEFAULT) == "<"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["spaces", "br"], ("br", "spaces")),
        (["default"], tuple(name for name in RULES if RULES[name].default)),
        (["default", "lower"], (*DEFAULT, "lower")),
        (["all"], tuple(RULES)),
        (["none"], ()),
        (["none", "br"], ("br",)),
    ],
)
def test_repair_rules_are_chosen_by_name_and_kept_in_order(names, expected):
    assert selected_rules(names) == expected


def test_repair_rules_that_change_meaning_are_off():
    assert {name for name in RULES if name not in DEFAULT} == {"ftfy", "tags", "nfkc", "lower"}


def test_repair_rules_an_unknown_name():
    message = r'--rules: invalid value "htlm": choose from ftfy, .* \(did you mean "html"\?\)'
    with pytest.raises(UsageError, match=message):
        selected_rules(["br", "htlm"])


def test_repair_rules_without_ftfy_say_what_to_install(monkeypatch):
    repair_rules._ftfy.cache_clear()
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(UsageError, match="needs the package ftfy") as caught:
        selected_rules(["ftfy"])
    assert caught.value.hint == "pip install ftfy"
    assert selected_rules(["default"]) == DEFAULT


# Every character of a class ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_repair_rules_name_every_control_character(code):
    character = chr(code)
    kept, separating = "\t\n\r", "\x0b\x0c\x1c\x1d\x1e\x1f\x85"
    expected = character if character in kept else " " if character in separating else ""
    assert repaired(f"a{character}b", ["controls"]) == f"a{expected}b"
    cp1252 = bytes([code]).decode("cp1252", "ignore") if code >= 0x80 else ""
    assert repaired(f"a{character}b", ["windows-1252"]) == f"a{cp1252 or character}b"


def test_repair_rules_remove_zero_width_characters_and_no_other():
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(character) in ("Cf", "Mn", "Zs", "Lo") or character in REMOVED:
            text = f"a{character}b"
            assert (repaired(text, ["zero-width"]) == "ab") == (character in REMOVED), hex(ord(character))


def test_repair_rules_remove_every_kind_of_escape_sequence():
    for final in map(chr, range(0x30, 0x7F)):
        if final not in "[]":
            assert repaired(f"a\x1b{final} b", ["escapes"]) == "a b", final
    for opening in "PX^_":
        assert repaired(f"a\x1b{opening}1;2 text\x1b\\b", ["escapes"]) == "ab"
    for sequence in ("[?25l", "[2 q", "[1;31m", "[@", "[~", "$(D", "%G", " F", "#8"):
        assert repaired(f"a\x1b{sequence}b", ["escapes"]) == "ab", sequence


FRAGMENTS = [
    *("<!--", "-->", "<!-- -->", "<!doctype ", "</", "<b ", "<br/", "<<b>", "b>", "<b>"),
    *("&", "&#1", "&#x", "&amp;", "amp;", "&#38;", "#38;", "&amp;lt;", "&lt;b&gt;"),
    *(
        "\x1b[",
        "\x1b[0",
        "\x1b]",
        "\x1bP",
        "\x1b \x1b",
        "\u0301\u0327",
        "a\u0327\u0301\u0344",
        "\u1100\u1161",
    ),
    *(" ", "İ", "Ã©", "\ufb03", "\x92"),
]


@pytest.mark.parametrize("end", ["", ";", "-->", ">", "\x07"])
def test_repairs_take_time_that_grows_with_the_text(end):
    """Eight times the text takes less than 30 times as long; what grows as the square takes 64 times."""
    for fragment in FRAGMENTS:
        seconds = []
        for number in (1000, 8000):
            text = "<!--&" + fragment * number + end
            begin = time.process_time()
            assert all(True for _ in repairs(text, selected_rules(["all"])[1:]))
            seconds.append(time.process_time() - begin)
        assert seconds[1] < 30 * max(seconds[0], 0.01), (fragment, end, seconds)


@given(
    st.text(st.sampled_from("aA\u0301\u0327\u0344\u0f73\u0f71\u1100\u1161가ﬁ²\u212b\u0e33é "), max_size=30)
)
@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_repairs_normalize_long_texts_as_python_does(form, text):
    long = text + " " * 2001
    assert normalize(form, "é" + long) == unicodedata.normalize(form, "é" + long)


@pytest.mark.parametrize(
    "reference", ["&#" + "1" * 5000 + ";", "&#x" + "1" * 5000 + ";", "&#99999999;", "&#xD800;", "&#0;"]
)
def test_repairs_of_references_to_no_character(reference):
    assert repaired(f"a {reference} b", ["html"]) == "a \ufffd b"


def test_repairs_of_ampersands_escaped_by_number():
    assert repaired("&" + "#38;" * 500 + "amp;lt;", ["html"]) == "<"
