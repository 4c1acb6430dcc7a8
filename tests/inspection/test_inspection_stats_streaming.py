"""Statistics of files read in batches are those of tables held in memory; and those that polars computes."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data import copies_counted
from tokkit.data.duplicates import text_keys
from tokkit.data.loading import streaming
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.read import find_splits
from tokkit.data.loading.trained_columns import NO_COLUMNS
from tokkit.errors import InputError
from tokkit.inspection.statistics import aggregation as gathering
from tokkit.inspection.stats import stats
from tokkit.progress import SILENT
from tokkit.sources import streams
from tokkit.sources.formats import batch, delimited

VALUES = st.sampled_from(["a", "A!", "b b", "가 나", "", "<br>", "a text of some words", "漢字かな"])
FRAMES = st.lists(st.tuples(VALUES, st.sampled_from(["x", "y", "", "z"]), st.integers(0, 3)), min_size=1)


@pytest.fixture
def streaming_all(monkeypatch):
    """Whatever is delimited is cut by the kernel, a few bytes at a time, and half of it goes to files."""
    monkeypatch.setattr(delimited, "LARGE", 0)
    monkeypatch.setattr(streams, "BLOCK", 64)
    monkeypatch.setattr(gathering, "BUDGET", 200_000)


def is_streamed(source, options):
    """Whether the rows of a data set are read in batches."""
    files = find_splits(str(source), options, SILENT)
    return streaming._streamed(str(source), files, options, SILENT, NO_COLUMNS) is not None


def _rows(write, name, rows):
    lines = [f'"{text}",{label},{number}\n' for text, label, number in rows]
    return write(name, "text,label,n\n" + "".join(lines))


def _folder(write, tmp_path):
    words = ["so", "gut", "영화", "<br />", "Ã©", "film", "x\x07y", "ok"]
    for name, n in (("train", 900), ("validation", 90), ("test", 60)):
        rows = [
            (" ".join(words[(i * k) % 8] for k in range(1, 2 + i % 5)), "abc"[i % 3], i % 7) for i in range(n)
        ]
        _rows(write, f"d/{name}.csv", [*rows, ("", "a", 1), ("no label", "", 2)])
    return tmp_path / "d"


def test_stats_of_a_stream_are_those_of_the_table(write, tmp_path, streaming_all, monkeypatch, heard):
    folder = _folder(write, tmp_path)
    assert is_streamed(folder, DatasetOptions())
    streamed = stats(folder, progress=heard)
    said = list(heard.sentences)
    monkeypatch.setattr(streaming, "_streamed", lambda *arguments: None)
    heard.sentences.clear()
    whole = stats(folder, progress=heard)
    assert streamed.as_dict() == whole.as_dict()
    assert said == heard.sentences
    assert streamed.splits["train"]["html"] > 0
    assert streamed.splits["train"]["controls"] > 0
    assert streamed.splits["train"]["mojibake"] > 0
    assert streamed.splits["train"]["columns"]["n"] == {"missing": 0, "distinct": 7, "looks_like_id": False}


@pytest.mark.parametrize(
    "options",
    [
        {"where": "n < 5 and words(text) > 2"},
        {"add": ("both=text + ' ' + label",), "text_column": "both"},
        {"rename": "text=review,n=stars", "where": "stars != 3"},
        {"select": "label,text"},
    ],
)
def test_stats_of_rows_that_are_changed_one_by_one_are_of_a_stream(
    write, tmp_path, monkeypatch, heard, options
):
    folder = _folder(write, tmp_path)
    assert is_streamed(folder, DatasetOptions(**options))
    monkeypatch.setattr(batch, "ROWS", 100)
    streamed, said = stats(folder, progress=heard, **options).as_dict(), sorted(heard.sentences)
    monkeypatch.setattr(streaming, "_streamed", lambda *arguments: None)
    heard.sentences.clear()
    assert streamed == stats(folder, progress=heard, **options).as_dict()
    assert said == sorted(heard.sentences)


@given(rows=FRAMES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
def test_stats_of_a_stream_are_those_of_columns(write, monkeypatch, rows):
    monkeypatch.setattr(delimited, "LARGE", 0)
    train = stats(_rows(write, "a.csv", rows), text_column="text", label_column="label").splits["train"]
    frame = pl.DataFrame(rows, ["text", "label", "n"], orient="row")
    texts, labels = (
        pl.Series([value or None for value in frame[name]], dtype=pl.String) for name in ("text", "label")
    )
    assert train["missing"] == {"text": texts.null_count(), "label": labels.null_count(), "n": 0}
    assert train["duplicates"]["exact"] == copies_counted.extra_copies(texts)
    assert train["duplicates"]["normalized"] == copies_counted.extra_copies(text_keys.normalized(texts))
    assert train["conflicting_labels"] == copies_counted.conflicting_labels(texts, labels)
    assert train["columns"]["n"]["distinct"] == frame["n"].n_unique()
    assert train["lengths"]["characters"]["total"] == texts.str.len_chars().sum()


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("text,label\na,x\nb\n", {}),
        ("text,label\na,x\nb\nc,y\n", {"skip_bad": True}),
        ('text,label\na,x\n"b\n', {}),
        ("good film,x\nbad film,y\n", {"names": "text,label"}),
        ("text,text\na,b\n", {}),
        ("one two three four,x\none two three four,y\n", {}),
        ("text,label\na,x\n", {"label_column": "lable"}),
        ("text,label\na,0\nb,1\n", {"label_names": "0=no,1=yes"}),
        ("text,label\na,0\nb,1\n", {"where": "label != '0'"}),
        ("text,label\na,0\nb,1\n", {"where": "label == '9'"}),
        (
            "a,b\nc d,1\ne,2\n",
            {"rename": "b=label", "add": ("text=a + ' ' + label",), "select": "text,label"},
        ),
        ("text,label\na,0\nb,1\n", {"select": "texts"}),
        ("", {}),
    ],
)
def test_stats_of_a_stream_says_and_refuses_the_same(write, monkeypatch, heard, content, options):
    path = write("a.csv", content)
    monkeypatch.setattr(delimited, "LARGE", 0)
    outcomes = []
    for whole in (False, True):
        if whole:
            monkeypatch.setattr(streaming, "_streamed", lambda *arguments: None)
        heard.sentences.clear()
        try:
            outcome = stats(path, progress=heard, **options).as_dict()
        except InputError as error:
            outcome = (error.message, error.hint)
        outcomes.append((outcome, [sentence for sentence in heard.sentences if "guessed" not in sentence]))
    assert outcomes[0] == outcomes[1]


def test_stats_near_counts_rows_beyond_the_first_of_a_cluster(write):
    text = "the quick brown fox jumps over the lazy dog again and again"
    path = write("a.csv", f"text,label\n{text},x\n{text} now,x\nsomething else,y\n")
    result = stats(path, near=True)
    assert result.splits["train"]["duplicates"] == {"exact": 0, "normalized": 0, "near": 1}
    assert "near-duplicates" in [finding.rule for finding in result.findings]


def test_stats_tells_columns_that_look_like_ids_and_labels_that_are(write):
    rows = "".join(f"t{i},{i % 2},{i}\n" for i in range(120))
    columns = stats(write("a.csv", "text,label,key\n" + rows)).splits["train"]["columns"]
    assert [name for name, column in columns.items() if column["looks_like_id"]] == ["key"]
    findings = stats(write("b.csv", "text,other,label\n" + rows)).findings
    assert "label-ids" in [finding.rule for finding in findings]
