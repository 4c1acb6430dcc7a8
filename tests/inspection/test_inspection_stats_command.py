"""`tokkit stats` as it is typed: tables and bars, JSON, picture, page, gate, mistakes."""

from __future__ import annotations

import hashlib
import io
import json
import os
from types import SimpleNamespace
from xml.etree import ElementTree

import polars as pl
import pytest
from rich.cells import cell_len

import tokkit
from tokkit.cli.main import run
from tokkit.inspection.stats import stats
from tokkit.views.reports import inspection as reports
from tokkit.views.reports.summary import brief
from tokkit.views.tables import as_tsv
from tokkit.views.terminal import as_text

ROWS = "text,label,key\n" + "".join(
    f"so good film {i},기쁨,{i}\n<br>bad,슬픔 & Co <b>,x{i}\n" for i in range(30)
)


@pytest.fixture
def here(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.csv", ROWS)
    return tmp_path


def test_stats_command_writes_a_page_and_a_picture(here, capsys):
    assert run(["stats", "a.csv", "--html", "a.html", "--plot", "a.svg"]) == 0
    printed = capsys.readouterr()
    assert "wrote a.html" in printed.err
    page = (here / "a.html").read_text("utf-8")
    assert "슬픔 &amp; Co &lt;b&gt;" in page
    assert "<h2>Findings</h2>" in page.partition("<h2>Rows</h2>")[0]
    assert "Lengths of train" in page
    assert ElementTree.parse(here / "a.svg").getroot().tag.endswith("svg")
    before = (here / "a.html").read_bytes()
    assert run(["stats", "a.csv", "--html", "a.html", "-q"]) == 4
    assert run(["stats", "a.csv", "--html", "a.html", "-q", "--force"]) == 0
    assert (here / "a.html").read_bytes() == before


def test_stats_page_names_its_inputs_with_hashes_and_has_no_date_of_the_run(here, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert run(["stats", "a.csv", "--html", "a.html", "-q"]) == 0
    page = (here / "a.html").read_bytes()
    digest = hashlib.sha256((here / "a.csv").read_bytes()).hexdigest()
    assert f"<dt>a.csv</dt><dd>{len(ROWS.encode()):,} bytes, sha256 {digest}</dd>" in page.decode()
    assert f"<dt>tokkit</dt><dd>{tokkit.__version__}</dd>" in page.decode()
    os.utime(here / "a.csv", (1, 1))
    assert run(["stats", "a.csv", "--html", "a.html", "-q", "--force"]) == 0
    assert (here / "a.html").read_bytes() == page
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767312000")
    assert run(["stats", "a.csv", "--html", "a.html", "-q", "--force"]) == 0
    assert b"<dt>date</dt><dd>2026-01-02</dd>" in (here / "a.html").read_bytes()


def test_stats_page_refuses_a_date_that_is_none(here, monkeypatch, capsys):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert run(["stats", "a.csv", "--html", "a.html", "-q"]) == 2
    assert "SOURCE_DATE_EPOCH: yesterday: expected seconds since 1970" in capsys.readouterr().err


def test_stats_command_prints_one_json_object(here, capsys):
    assert run(["stats", "a.csv", "--json", "-q", "--near"]) == 0
    result = json.loads(capsys.readouterr().out)
    train = result["splits"]["train"]
    assert (result["schema"], result["command"], result["recommended_max_length"]) == (1, "stats", None)
    assert train["duplicates"] == {"exact": 29, "normalized": 29, "near": 58}
    assert train["scripts"] == {"Latin": 60}
    assert (train["html"], train["controls"], train["mojibake"]) == (30, 0, 0)
    rows = pl.read_csv(here / "a.csv")
    assert train["columns"] == {
        name: {"missing": 0, "distinct": rows[name].n_unique(), "looks_like_id": name == "key"}
        for name in rows.columns
    }
    assert rows["text"].n_unique() == 60 - 29


@pytest.mark.parametrize(("rule", "code"), [("html", 1), ("html,leaks", 1), ("leaks", 0), ("mojibake", 0)])
def test_stats_command_fails_on_what_is_named(here, capsys, rule, code):
    assert run(["stats", "a.csv", "--fail-on", rule, "-q"]) == code


def test_stats_command_refuses_a_page_of_another_name_before_it_reads(here, capsys):
    assert run(["stats", "nowhere.csv", "--html", "a.png"]) == 2
    assert "hint:\n       tokkit stats nowhere.csv --html a.html" in capsys.readouterr().err
    assert run(["stats", "nowhere.csv", "--html", "no/folder/a.html"]) == 3


@pytest.mark.parametrize("width", [80, 60, 40])
def test_stats_tables_fit_every_terminal(here, width):
    text = as_text(reports.stats(stats("a.csv").as_dict()), width, False)
    assert max(map(len, text.splitlines())) <= width
    assert "█" in text


def test_stats_tables_in_a_pipe_hold_shares_instead_of_bars(here):
    piped = as_tsv(reports.stats(stats("a.csv").as_dict()))
    assert "기쁨\t30\t50.0%\n" in piped
    assert "█" not in piped


def test_stats_command_names_standard_input_without_the_folder_of_its_copy(monkeypatch, capsys):
    table = b"text,label\n" + b"".join(b"text %d,%s\n" % (row, b"ab"[row % 2 :][:1]) for row in range(4))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(table), isatty=lambda: False))
    assert run(["stats", "-"]) == 0
    assert capsys.readouterr().err.startswith("note: standard-input: guessed text column")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(table + b"short\n")))
    assert run(["stats", "-", "-q"]) == 3
    assert capsys.readouterr().err.startswith("error: standard-input:6: 1 fields where 2 are named")


def test_stats_command_says_of_no_kernel_it_does_not_call_that_it_is_compiled(
    here, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("tokkit.runtime.kernel_cache.cache_folder", lambda: tmp_path / "nothing-compiled")
    assert run(["stats", "a.csv"]) == 0
    said = capsys.readouterr().err
    assert "compiling the key kernels" in said
    assert "string kernels" not in said
    assert run(["stats", "a.csv", "--pair-column", "key"]) == 0
    assert "compiling the string kernels" in capsys.readouterr().err


def test_stats_command_leads_with_ten_lines_and_prints_every_table_if_verbose(here, capsys):
    assert run(["stats", "a.csv", "-q"]) == 0
    brief = capsys.readouterr().out
    first = brief.partition("\n\n")[0].splitlines()
    names = ["rows", "splits", "classes", "length", "unknown tokens", "truncated rows", "duplicates"]
    names += ["conflicts", "leaks", "findings"]
    assert [line.partition("\t")[0] for line in first[2:]] == names
    titles = [line for line in brief.splitlines() if line.startswith("# ")]
    assert titles[:3] == ["# a.csv", "# Examples", "# Findings"]
    assert "classes\t2\tmost 기쁨 50.0%, least 슬픔 & Co <b> 50.0%" in brief
    assert run(["stats", "a.csv", "-q", "-v"]) == 0
    everything = capsys.readouterr().out
    assert all(line in everything for line in brief.partition("# Examples")[2].splitlines())
    assert {"# Rows", "# Lengths", "# Columns"} <= {*everything.splitlines()}


@pytest.mark.parametrize("width", [80, 60, 40])
def test_stats_summary_fits_every_terminal(here, write, width):
    write("b.csv", "text,label\n" + "".join(f"👍🏽 아주 좋은 영화 {i % 9},기쁨 😀\n" for i in range(60)))
    for name in ("a.csv", "b.csv"):
        lines = as_text(brief(stats(name).as_dict()), width, False).splitlines()
        assert max(map(cell_len, lines)) <= width
        assert lines[2].split() == ["value", "detail"], "a table, no records"
