"""Tables show what stands in a cell as it is: at any width, in any script, and never read as markup."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tokkit.views.tables import Bar, Spans, Table, as_tsv
from tokkit.views.terminal import as_text
from tokkit.views.text import in_message, printable

NASTY = [
    "[/b] and [unk]",
    "[red]not red[/red]",
    ":smile:",
    "\x1b[31mred\x1b[0m",
    "a\tb\nc\rd",
    "\u202eabc",
    "\\n",
]
WIDE = Table(
    "Classes",
    ("label", "text", "rows", "share"),
    [
        ("기쁨", "나는 오늘 학교에 갔다. 정말 재미있었다!", 1234, 0.5),
        ("joy", "東京で寿司を食べる", None, 12.25),
        ("👍🏽", "emoji 👩‍👩‍👧 and 🇰🇷", 7, None),
    ],
)
MANY = Table(
    "Many", ("label", *(f"column {i}" for i in range(12))), [("한국어", *(123456.789 + i for i in range(12)))]
)


def test_tables_bars_are_no_wider_than_their_column():
    assert [Bar(share, 3).as_text() for share in (0, 0.5, 1, 1.25)] == [
        "  0.0%",
        " 50.0% █▌",
        "100.0% ███",
        "125.0% ███",
    ]


def test_tables_tsv_has_a_title_columns_and_rows():
    table = Table("Rows", ("a", "b"), [("x", 1), (None, 2.5), (True, "")])
    assert as_tsv([table, table]) == "\n".join(["# Rows\na\tb\nx\t1\n\t2.5\nTrue\t\n"] * 2)


def test_tables_tsv_keeps_a_line_a_row_whatever_is_in_the_cells():
    rows = [(text, i) for i, text in enumerate(NASTY)]
    lines = as_tsv([Table("a\nb", ("x\ty", "n"), rows)]).splitlines()
    assert lines[:2] == ["# a\\nb", "x\\ty\tn"]
    assert [line[1] for line in csv.reader(lines[2:], delimiter="\t", quoting=csv.QUOTE_NONE)] == [
        str(i) for i in range(len(NASTY))
    ]
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("table", [WIDE, MANY, Table("None", ("a", "b"), [])], ids=lambda table: table.title)
class TestEveryWidth:
    def test_fits(self, width, table):
        assert all(cell_len(line) <= width for line in as_text([table], width, False).splitlines())

    def test_cuts_nothing(self, width, table):
        text_lines = "".join(as_text([table], width, False).split())
        for text in (table.title, *(name for name in table.columns if table.rows)):
            assert all(word in text_lines for word in text.split())
        for row in table.rows:
            for cell in row:
                if isinstance(cell, int | float):
                    assert f"{cell:,}" in text_lines

    def test_is_the_same_with_and_without_color_but_for_escapes(self, width, table):
        from rich.text import Text

        colored = Text.from_ansi(as_text([table], width, True)).plain
        plain = as_text([table], width, False)
        assert [line.rstrip() for line in colored.splitlines()] == [
            line.rstrip() for line in plain.rstrip("\n").splitlines()
        ][: len(colored.splitlines())]


@pytest.mark.parametrize("width", [80, 200])
def test_tables_wide_characters_line_up(width):
    lines = as_text([WIDE], width, False).splitlines()
    column = next(cell_len(line[: line.index("rows") + 4]) for line in lines if "rows" in line)
    for number in ("1,234", "7"):
        line = next(line for line in lines if f" {number} " in line)
        assert cell_len(line[: line.index(f" {number} ") + 1 + len(number)]) == column


@pytest.mark.parametrize("text", NASTY)
def test_tables_show_markup_and_escapes_as_they_are(text):
    printed = as_text([Table(text, (text,), [(text,)])], 80, True)
    assert printed.count(printable(text)) == 3
    assert "\x1b[31m" not in printed


def test_tables_too_narrow_for_the_columns_become_records():
    printed = as_text([MANY], 40, False)
    lines = [line.split() for line in printed.splitlines()]
    assert ["label", "한국어"] in lines
    assert ["column", "11", "123,467.789"] in lines


@pytest.mark.parametrize(
    ("cell", "displayed"),
    [
        (None, "-"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.0, "0"),
        (100.0, "100"),
        (0.12345, "0.1235"),
        (1234.5, "1,234.5"),
        (-0.5, "-0.5"),
        (True, "True"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("", ""),
    ],
)
def test_tables_cells_are_shown(cell, displayed):
    line = as_text([Table("t", ("x", "y"), [(cell, "end")])], 80, False).splitlines()[4]
    assert line.split() == [*([displayed] if displayed else []), "end"]


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_tables_printable_leaves_nothing_a_terminal_obeys(text):
    displayed = printable(text)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or "\ud800" <= c <= "\udfff" for c in displayed)
    assert not set(displayed) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2028\u2029\u200b\ufeff")
    assert printable(displayed) == displayed
    displayed.encode("utf-8")


@given(st.text(max_size=30), st.integers(30, 120))
@settings(max_examples=60, deadline=None)
def test_tables_draw_any_text(text, width):
    as_text([Table(text, ("a", text), [(text, 1), (None, 2)])], width, True)


def test_tables_printable_keeps_what_scripts_need():
    for text in ("한국어", "👩‍👩‍👧", "नमस्ते", "می‌خواهم", "a\u00a0b\u3000c"):
        assert printable(text) == text


@pytest.mark.parametrize("text", ["가나다라 " * 200_000, "x" * 1_000_000, "👩‍👩‍👧" * 200_000])
def test_fields_of_megabytes_are_shortened_on_a_terminal_alone(text):
    table = Table(text, ("text", text), [(text, "joy"), ("short", "joy")])
    displayed = as_text([table], 80, color=False)
    assert len(displayed) < 10_000
    assert f"({len(text):,} characters)" in " ".join(displayed.split())
    assert as_tsv([table]).count(printable(text)) == 3
    message = in_message(f'rows.csv: unknown label "{text}": the model has joy')
    assert len(message) < 20_000
    assert message.startswith('rows.csv: unknown label "')
    assert message.endswith('": the model has joy')


def test_pieces_of_megabytes_are_counted_on_a_terminal():
    cell = Spans([("나는", "even"), ("학교", "odd")] * 100_000)
    displayed = " ".join(as_text([Table("Stages", ("stage", "text"), [("model", cell)])], 80, False).split())
    assert displayed.startswith("Stages stage text")
    assert displayed.endswith("(199,500 further pieces)")
    assert str(cell).count("학교") == 100_000


def test_tables_display_all_fractions_of_a_table_with_the_same_decimals():
    text = as_text([Table("t", ("x", "y", "n"), [(0.5, 1.0, 3), (0.25, 10.0, None)])], 80, False)
    assert [line.split() for line in text.splitlines()[4:6]] == [
        ["0.50", "1.00", "3"],
        ["0.25", "10.00", "-"],
    ]


def test_a_narrow_terminal_gets_the_narrow_table_where_there_is_one():
    matrix = [[f"label {i}", *range(100_000, 100_012)] for i in range(12)]
    narrow = Table("Most frequent", ("true", "predicted", "count"), [("label 1", "label 2", 7)])
    table = Table("Matrix", ("", *(f"label {i}" for i in range(12))), matrix, narrow)
    assert as_text([table], 200, False).startswith("Matrix")
    assert as_text([table], 80, False).splitlines()[4].split() == ["label", "1", "label", "2", "7"]
    assert as_tsv([table]).startswith("# Matrix")


def lines_of(table: Table, width: int) -> list[str]:
    """The lines below the title, spaces at the ends left out."""
    return [line.strip() for line in as_text([table], width, False).splitlines()[2:] if line.strip()]


@pytest.mark.parametrize("width", [40, 60])
def test_words_are_not_broken_where_they_fit(width):
    rows = [
        ("leaks", "train/validation 55, train/test 60", "한국어 문장은 낱말 사이에서 나뉜다"),
        ("rows", "361", ""),
    ]
    table = Table("t", ("characters", "which splits", "long detail column"), rows)
    words = " ".join(lines_of(table, width)).split()
    assert {"characters", "train/validation", "detail", "낱말", "나뉜다"} <= {*words}


def test_most_space_goes_to_the_longest_column():
    text = "a text of many words " * 6
    lines = lines_of(Table("t", ("text", "label", "score"), [(text, "joy and love", 0.5)] * 4), 60)
    assert len(lines) <= 2 + 4 * 4


def test_few_rows_of_many_columns_become_columns():
    figures = [f"{i}.000 [{i}.000, {i}.000]" for i in range(5)]
    names = ("tokenizer", *(f"figure {i}" for i in range(5)))
    table = Table("t", names, [("one", *figures), ("two", *figures)])
    first, _, *rows = lines_of(table, 60)
    assert first.split() == ["tokenizer", "one", "two"]
    assert rows[3] == f"figure 3    {figures[3]}   {figures[3]}"


def test_many_columns_of_figures_are_printed_in_parts():
    table = Table("t", ("split", *(f"p{i}" for i in range(9))), [(f"s{i}", *[1234.5] * 9) for i in range(12)])
    headers = [line.split() for line in lines_of(table, 40) if line.startswith("split")]
    assert {header[0] for header in headers} == {"split"}
    assert [name for header in headers for name in header[1:]] == list(table.columns[1:])
    assert len(lines_of(table, 40)) == len(headers) * (2 + 12) == 3 * 14
