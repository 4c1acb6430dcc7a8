"""Pages: whole, alone, sortable, and whatever the data holds stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tokkit.views import html
from tokkit.views.tables import Bar, Table

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
    page = html.page("<b>", "&", [Table("<i>", ["a<b"], [[text] for text in NASTY])])
    read = Read(page)
    assert read.open == []
    assert {"img", "b", "i"}.isdisjoint(read.tags)
    assert read.tags.count("script") == 1
    assert read.cells == [*NASTY[:3], "\\x1b[31m", "기쁨", "", "a\\nb", "\\u202e"]


def test_html_asks_nothing_of_the_network():
    table = Table("t", ["n", "share"], [[1, Bar(0.5)]])
    page = html.page("t", "a", [table, html.Histogram("h", "words", {1: 2}, [1])]).decode()
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|url\(|@import|https?:", page)


def test_html_fragments_hold_the_first_sixty_rows_of_a_table():
    for rows, title in ((60, "t"), (61, "t (1 further rows)")):
        fragment = html.fragment([Table("t", ["n"], [[i] for i in range(rows)])])
        read = Read(fragment.encode())
        assert read.cells == [str(i) for i in range(60)]
        assert f">{title}<" in fragment


def test_html_cells_carry_the_numbers_they_are_sorted_by():
    rows = [[1234567, "12.5%", Bar(0.25)], [None, "3%", Bar(2.0)]]
    read = Read(html.page("t", "", [Table("t", ["n", "%", "bar"], rows)]))
    assert read.values == ["1234567", "12.5", "0.250000", "-1", "3", "2.000000"]
    assert read.cells == ["1,234,567", "12.5%", "25.0%", "-", "3%", "200.0%"]


@pytest.mark.parametrize("lengths", [{}, {0: 1}, {5: 3}, {1: 10**9, 10**9: 1}, dict.fromkeys(range(500), 2)])
def test_html_histograms_of_any_lengths_stand_within_the_page(lengths):
    page = html.page("t", "", [html.Histogram("Längen", "tokens", lengths, [0, 3, 128])])
    assert Read(page).open == []
    for x, width in re.findall(r'<rect x="([\d.]+)" .*? width="([\d.]+)"', page.decode()):
        assert float(x) + float(width) <= 641
    assert ("no texts" in page.decode()) == (not lengths)


def test_html_histogram_tells_what_limits_cut_off():
    page = html.page("t", "", [html.Histogram("h", "tokens", {2: 3, 9: 1}, [4])]).decode()
    assert "4: 25.0% longer" in page


def test_html_breaks_no_short_heading_and_lets_histograms_scroll_on_a_phone():
    parts = [Table("t", ["> 128", "rows cut off"], [[1, 2]]), html.Histogram("h", "words", {1: 2, 2: 1})]
    page = html.page("t", "", parts).decode()
    assert ">&gt;\u00a0128</button>" in page
    assert ">rows cut off</button>" in page
    assert '<div class="wide" tabindex="0"><svg class="lengths"' in page
    assert "<title>1 words: 2 rows</title>" in page


def test_html_pages_are_the_same_bytes_each_time():
    parts = [Table("t", ["a"], [[1.5]]), html.Histogram("h", "words", {1: 2})]
    assert html.page("t", "a", parts) == html.page("t", "a", parts)
