"""Statistics of data sets: counts, lengths, duplicates, conflicts, leaks."""

from __future__ import annotations

import json

import pandas
import polars as pl
import pytest

from tokkit.data.cleaning.clean import clean
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError
from tokkit.inspection.stats import stats
from tokkit.sources.corpora import SAMPLE, corpora_path
from tokkit.views.reports import inspection as reports

PLANTED = corpora_path() / "planted.json"


@pytest.fixture(scope="module")
def sample():
    return stats(corpora_path() / SAMPLE)


@pytest.fixture
def folder(write, tmp_path):
    """Splits with every fault: t0 leaks twice, t1 once; 가 has two labels; validation lacks a class."""
    train = [
        ("t0", "x"),
        ("t1", "x"),
        ("T1!", "x"),
        ("t0", "x"),
        ("가", "x"),
        ("가", "y"),
        ("", "y"),
        ("b", ""),
    ]
    train += [(f"long text of words {i}", "x") for i in range(20)]
    others = {
        "validation": [("t0", "x"), ("t0", "x"), ("v", "x")],
        "test": [("t1", "x"), ("v", "y"), ("w", "y")],
    }
    for name, rows in {"train": train, **others}.items():
        write(f"d/{name}.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return tmp_path / "d"


def test_stats_conflicts_are_also_those_of_normalized_texts(write, tmp_path):
    """As many as `clean` finds with the same texts as one."""
    rows = ["same,joy", "same,sad", "fine day,joy", "Fine  day!,sad", "old,joy"]
    path = write("t.csv", "text,label\n" + "\n".join(rows) + "\n")
    across = stats(path).across
    assert (across["conflicting_labels"], across["conflicting_labels_normalized"]) == (1, 2)
    cleaned = [clean(path, duplicates=how, rules="none", dry_run=True) for how in ("exact", "normalized")]
    assert [result.conflicts["texts"] for result in cleaned] == [1, 2]


def test_stats_finds_in_the_sample_what_was_planted(sample):
    planted = json.loads(PLANTED.read_text("utf-8"))
    train = sample.splits["train"]
    assert train["rows"] == planted["rows"]
    assert train["missing"] == {"text": planted["empty_text"], "label": planted["empty_label"]}
    assert train["classes"] == planted["classes"]
    assert train["duplicates"]["exact"] == planted["extra_copies"]
    assert train["conflicting_labels"] == planted["conflicting_texts"] == sample.across["conflicting_labels"]
    assert [finding.rule for finding in sample.findings] == ["conflicts", "duplicates", "missing", "missing"]


def test_stats_of_the_sample_are_those_pandas_computes(sample):
    frame = pandas.read_csv(corpora_path() / SAMPLE, sep=";", keep_default_na=False, quoting=3)
    present = frame[frame.text != ""]
    train = sample.splits["train"]
    for unit, lengths in (
        ("characters", present.text.str.len()),
        ("words", present.text.str.split().str.len()),
    ):
        summary = train["lengths"][unit]
        assert summary["total"] == lengths.sum()
        assert (summary["min"], summary["max"]) == (lengths.min(), lengths.max())
        assert summary["mean"] == pytest.approx(lengths.mean(), abs=1e-4)
        assert summary["std"] == pytest.approx(lengths.std(ddof=0), abs=1e-4)
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
            assert summary[name] == pytest.approx(lengths.quantile(share), abs=0.01)
        for label, rows in lengths.groupby(present.label):
            if label:
                assert train["by_class"][label][unit]["total"] == rows.sum()
                assert train["by_class"][label][unit]["p90"] == pytest.approx(rows.quantile(0.9), abs=0.01)


def test_stats_counts_leaks_conflicts_and_missing_labels_across_splits(folder):
    result = stats(folder)
    assert result.across == {
        "leaks": {"train/validation": 2, "train/test": 1, "validation/test": 1},
        "missing_labels": {"validation": ["y"]},
        "conflicting_labels": 2,
        "conflicting_labels_normalized": 2,
    }
    train = result.splits["train"]
    assert train["missing"] == {"text": 1, "label": 1}
    assert train["classes"] == {"x": 25, "y": 2}
    assert train["duplicates"] == {"exact": 2, "normalized": 3, "near": None}
    assert train["conflicting_labels"] == 1


def test_stats_findings_name_what_mends_them(folder):
    findings = stats(folder).findings
    rules = [finding.rule for finding in findings]
    assert rules == [
        *["leaks"] * 3,
        "missing-labels",
        "conflicts",
        *["duplicates"] * 2,
        *["missing"] * 2,
        "one-class",
        "imbalance",
    ]
    assert all(finding.fix for finding in findings)
    assert findings[0].fix.startswith(f"drop them from train:\ntokkit clean {folder} -o cleaned/")
    assert "(the command split)" in findings[2].fix


def test_stats_is_json_of_plain_values(folder):
    result = stats(folder).as_dict()
    assert json.loads(json.dumps(result)) == result


def test_stats_histograms_are_per_split_and_label(folder):
    result = stats(folder)
    assert result.unit == "words"
    assert {label: rows.total for label, rows in result.histograms["train"].items()} == {"x": 25, "y": 1}


def test_stats_of_lines_without_labels(write):
    result = stats(write("a.txt", "one two\n\none two\n"))
    train = result.splits["train"]
    assert (train["classes"], train["by_class"], train["conflicting_labels"]) == ({}, {}, 0)
    assert train["duplicates"]["exact"] == 1
    assert result.across["leaks"] == result.across["missing_labels"] == {}
    assert result.across["conflicting_labels"] == result.across["conflicting_labels_normalized"] == 0
    lengths = result.histograms["train"][""]
    assert (lengths.lengths.tolist(), lengths.rows.tolist()) == ([2], [2])


def test_stats_of_texts_that_are_all_missing(write):
    train = stats(write("a.csv", "text,label\n,x\n,y\n")).splits["train"]
    assert train["lengths"]["words"]["mean"] is None
    assert train["duplicates"] == {"exact": 0, "normalized": 0, "near": None}
    assert train["classes"] == {"x": 1, "y": 1}


def test_stats_counts_code_points_and_words_of_any_writing(write):
    train = stats(
        write("a.jsonl", '{"text": "한국어 문장"}\n{"text": "👩‍👧 \u3000 e\u0301"}\n{"text": "   "}\n')
    ).splits["train"]
    assert train["lengths"]["characters"]["total"] == 6 + 3 + 3 + 2 + 3
    assert train["lengths"]["words"]["total"] == 2 + 2 + 0


def test_stats_of_one_class_says_there_is_nothing_to_learn(write):
    findings = stats(write("a.csv", "text,label\na,x\nb,x\n")).findings
    assert [(finding.rule, finding.severity) for finding in findings] == [("one-class", "error")]


def test_stats_of_many_classes_stays_quick(write):
    path = write("a.csv", "text,label\n" + "".join(f"t{i},c{i % 4000}\n" for i in range(8000)))
    train = stats(path).splits["train"]
    assert (len(train["classes"]), len(train["by_class"])) == (4000, 1000)
    assert train["by_class"]["c0"]["words"]["total"] == 2


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", None, {}, "no such file"),
        ("a.csv", "", {}, "the file is empty"),
        ("a.csv", "text,label\n", {}, "only a header"),
        ("a.csv", "satz\tart\na\tb\n", {"sep": ";"}, "a wrong separator"),
        ("a.csv", "text,label\na,b\n", {"label_column": "lable"}, 'did you mean "label"'),
        ("a.csv", "text,label\na,b,c\n", {}, "a.csv:2: 3 fields where 2 are named"),
    ],
)
def test_stats_bad_input_is_one_sentence_with_a_remedy(write, tmp_path, name, content, options, message):
    if content is not None:
        write(name, content)
    with pytest.raises(InputError) as caught:
        stats(tmp_path / name, options=DatasetOptions(**options))
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


# With a tokenizer -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """A word-level tokenizer of five words that frames a text with [CLS] and [SEP]."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = ["[UNK]", "[CLS]", "[SEP]", "long", "text"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.enable_truncation(3)
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "model_max_length": 10}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def test_stats_in_tokens_counts_what_the_model_would_see_of_the_whole_text(write, tokenizer):
    texts = ["long", "long text", "other", "long " * 40, "text " * 600]
    path = write("a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in texts))
    result = stats(path, tokenizer)
    tokens = result.splits["train"]["lengths"]["tokens"]
    assert tokens["total"] == 1 + 2 + 1 + 40 + 600 + 5 * 2
    assert tokens["max"] == 602
    assert tokens["truncated"] == {"10": 0.4, "32": 0.4, "64": 0.2, "128": 0.2, "256": 0.2, "512": 0.2}
    assert tokens["unknown_rate"] == pytest.approx(1 / 654, abs=1e-6)
    assert [finding.rule for finding in result.findings] == ["truncation"]
    assert result.unit == "tokens"


def test_stats_finds_a_tokenizer_that_does_not_know_the_words(write, tokenizer):
    result = stats(write("a.csv", "text,label\nlong,x\nwords,y\n"), tokenizer)
    assert "unknown-rate" in [finding.rule for finding in result.findings]
    by_class = result.splits["train"]["by_class"]
    assert (by_class["x"]["tokens"]["unknown_rate"], by_class["y"]["tokens"]["unknown_rate"]) == (0, 0.333333)


def test_stats_of_parquet_and_csv_are_the_same(write, tmp_path):
    path = write("a.csv", "text,label\nNA,1\nb,0\n,1\n")
    frame = pl.DataFrame({"text": ["NA", "b", None], "label": [1.0, 0.0, 1.0]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert stats(path).splits == stats(tmp_path / "a.parquet").splits


def test_stats_of_more_classes_than_are_summarized(write, monkeypatch, heard):
    monkeypatch.setattr("tokkit.inspection.statistics.summary.MOST_CLASSES", 2)
    monkeypatch.setattr("tokkit.views.reports.inspection._LINES", 2)
    rows = ["a b,z", "c,z", "d e f,y", "g,y", "h,x", "i j,w", "k,w"]
    result = stats(write("a.csv", "text,label\n" + "\n".join(rows) + "\n"), progress=heard)
    train = result.splits["train"]
    assert train["classes"] == {"w": 2, "x": 1, "y": 2, "z": 2}
    # of as many rows, the first by name
    assert list(train["by_class"]) == ["w", "y"]
    assert train["by_class"]["y"]["words"]["mean"] == 2
    assert "train: 2 of 4 classes, those with fewest rows, have no lengths of their own" in heard.sentences
    assert result.rows_by_length("train") == {1: 4, 2: 2, 3: 1}
    tables = {table.title: table.rows for table in reports.stats(result.as_dict())}
    assert [row[:2] for row in tables["Classes"]] == [("w", 2), ("y", 2), ("... 2 more", 3)]
    assert len(tables["Lengths by class, in words"]) == 2


def test_lengths_of_rows_with_several_labels_count_a_row_once(write):
    tagged = write("a.conll", "Ada\tB-PER\nsings\tO\n\nOslo\tB-LOC\n\n")
    result = stats(tagged)
    assert result.rows_by_length("train") == {1: 1, 2: 1}
    assert sum(len(histogram.rows) for histogram in result.histograms["train"].values()) == 3


def test_stats_of_more_columns_than_are_compared(write, monkeypatch, heard):
    monkeypatch.setattr("tokkit.inspection.stats.MOST_COLUMNS", 1)
    monkeypatch.setattr("tokkit.views.reports.inspection._LINES", 3)
    path = write("a.csv", "text,label,c,d\na,x,1,2\nb,y,1,\n")
    result = stats(path, progress=heard)
    columns = result.splits["train"]["columns"]
    assert [(name, columns[name]["missing"], columns[name]["distinct"]) for name in ("c", "d")] == [
        ("c", 0, 1),
        ("d", 1, None),
    ]
    said = f"{path}: distinct values are counted of the first 1 of 2 other columns"
    assert said in heard.sentences
    tables = {table.title: table.rows for table in reports.stats(result.as_dict())}
    assert [row[1] for row in tables["Columns"]] == ["text", "label", "c", "... 1 more"]
