"""Pages: whole, alone, sortable, and whatever the data holds stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tokkit.views import html
from tokkit.views.tables import Bar, Headline, Marked, Severity, Table, as_tsv

NASTY = ["<script>alert(1)</script>", "&amp;", '"><img src=x>', "\x1b[31m", "기쁨", "", "a\nb", "\u202e"]


class Read(HTMLParser):
    """The tags of a page, its cells, and whether every tag is closed."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.cells, self.open, self.values = [], [], [], []
        self.feed(page.decode())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")
            self.values.append(dict(attributes).get("data-value"))
        if tag not in ("meta", "line", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag or tag == "line"

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        if "td" in self.open:
            self.cells[-1] += data


def test_html_shows_what_the_data_holds_as_text():
    page = html.page(
        "<b>",
        [Table("<i>", ["a<b"], [[text] for text in NASTY])],
        [Headline("<i>", "<b>", "<img>", "error")],
        [("<b>", "</dd><img>")],
    )
    read = Read(page)
    assert read.open == []
    assert {"img", "i"}.isdisjoint(read.tags)
    assert read.tags.count("b") == 1, "that of the tile"
    assert read.tags.count("script") == 1
    assert read.cells == [*NASTY[:3], "\\x1b[31m", "기쁨", "", "a\\nb", "\\u202e"]


def test_html_asks_nothing_of_the_network():
    table = Table("t", ["n", "share"], [[1, Bar(0.5)]])
    page = html.page("t", [table, html.Histogram("h", "words", {1: 2}, [1])]).decode()
    assert "default-src 'none'" in page
    assert not re.search(r"src=|href=\"[^#]|url\(|@import|https?:", page)
    assert re.findall('href="#(.*?)"', page) == re.findall('<section id="(.*?)"', page)


def test_html_fragments_hold_the_first_sixty_rows_of_a_table():
    for rows, title in ((60, "t"), (61, "t (1 further rows)")):
        fragment = html.fragment([Table("t", ["n"], [[i] for i in range(rows)])])
        read = Read(fragment.encode())
        assert read.cells == [str(i) for i in range(60)]
        assert f">{title}<" in fragment


def test_html_cells_carry_the_numbers_they_are_sorted_by():
    rows = [[1234567, "12.5%", Bar(0.25)], [None, "3%", Bar(2.0)]]
    read = Read(html.page("t", [Table("t", ["n", "%", "bar"], rows)]))
    assert read.values == ["1234567", "12.5", "0.250000", "-1", "3", "2.000000"]
    assert read.cells == ["1,234,567", "12.5%", "25.0%", "-", "3%", "200.0%"]


@pytest.mark.parametrize("lengths", [{}, {0: 1}, {5: 3}, {1: 10**9, 10**9: 1}, dict.fromkeys(range(500), 2)])
def test_html_histograms_of_any_lengths_stand_within_the_page(lengths):
    page = html.page("t", [html.Histogram("Längen", "tokens", lengths, [0, 3, 128])])
    assert Read(page).open == []
    for x, width in re.findall(r'<rect x="([\d.]+)" .*? width="([\d.]+)"', page.decode()):
        assert float(x) >= 48
        assert float(x) + float(width) <= 452.5
    assert ("no texts" in page.decode()) == (not lengths)


def test_html_histogram_tells_what_limits_cut_off():
    page = html.page("t", [html.Histogram("h", "tokens", {2: 3, 9: 1}, [4], recommended=12)]).decode()
    assert ">4: 25.0% longer<" in page
    assert ">recommended 12: 0.0% longer<" in page, "beyond the longest row, and yet in the picture"
    assert ">length in tokens<" in page
    assert ">rows<" in page


def test_html_histogram_says_what_is_not_in_it():
    lengths = {1: 998, 5000: 2}
    page = html.page("t", [html.Histogram("h", "words", lengths)]).decode()
    assert "Not drawn: longer rows, 2 of 1,000, up to 5,000 words." in page


def test_html_says_how_grave_a_finding_is_in_words_too():
    table = Table("Findings", ["severity"], [[Severity("error")], [Severity("warning")]])
    page = html.page("t", [table], [Headline("leaks", "3", "train/test 3", "error")]).decode()
    assert '<span class="error">✖ error</span>' in page
    assert '<span class="warning">⚠\ufe0e warning</span>' in page
    assert '<li class="error"><span>✖ leaks</span>' in page


def test_html_marks_entities_with_their_types():
    cell = Marked([("김민수", "PER"), ("in", None), ("<b>", "LOC")], ["LOC", "PER"])
    page = html.page("t", [Table("t", ["text"], [[cell]])]).decode()
    assert '<mark class="k1">김민수 <b><bdi>PER</bdi></b></mark> in <mark class="k0">&lt;b&gt; ' in page
    assert as_tsv([Table("t", ["text"], [[cell]])]) == "# t\ntext\n[김민수 PER] in [<b> LOC]\n"


def test_html_keeps_numbers_next_to_words_from_right_to_left_in_place():
    page = html.page("t", [], [Headline("classes", "2", "most فرح جدا 52%, least joy 5%")]).decode()
    assert "most <bdi>فرح جدا</bdi> 52%, least joy 5%" in page
    row = html.page("t", [Table("t", ["text"], [["أنا سعيد 123"]])]).decode()
    assert '<td class="word" dir="auto">أنا سعيد 123</td>' in row


def test_html_has_the_date_it_is_given_or_none():
    assert "<dt>date</dt><dd>2026-01-02</dd>" in html.page("t", [], date="2026-01-02").decode()
    assert "<dt>date</dt><dd data-saved></dd>" in html.page("t", []).decode()


def test_html_breaks_no_short_heading():
    parts = [Table("t", ["> 128", "rows cut off"], [[1, 2]]), html.Histogram("h", "words", {1: 2, 2: 1})]
    page = html.page("t", parts).decode()
    assert ">&gt;\u00a0128</button>" in page
    assert ">rows cut off</button>" in page
    assert "<title>1 words: 2 rows</title>" in page


def test_html_pages_are_the_same_bytes_each_time():
    parts = [Table("t", ["a"], [[1.5]]), html.Histogram("h", "words", {1: 2})]
    assert html.page("t", parts) == html.page("t", parts)
