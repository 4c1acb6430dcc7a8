"""A column of 1 and 0 for each label: the same rows as with lists of labels."""

from __future__ import annotations

import pytest

import tokkit
from tests.data.test_data_list_columns import jsonl, lists
from tokkit.errors import InputError

ROWS = [("a", ["toxic"]), ("b", []), ("c", ["toxic", "욕설"]), ("d", ["욕설"])]


def csv(path, lines):
    path.write_text("text,toxic,욕설\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("on", "off"), [("1", "0"), ("1.0", "0.0"), ("True", "false"), (" 1 ", "0")])
def test_columns_of_labels_give_what_lists_give(tmp_path, on, off):
    lines = [
        ",".join([text, *(on if n in labels else off for n in ("toxic", "욕설"))]) for text, labels in ROWS
    ]
    columns = lists(csv(tmp_path / "t.csv", lines), label_column="toxic, 욕설")
    listed = lists(jsonl(tmp_path / "t.jsonl", [{"text": t, "labels": labels} for t, labels in ROWS]))
    assert columns.label_lists
    assert columns.complete("train").labels == listed.complete("train").labels
    assert columns.complete("train").labels == ["toxic", "|", "toxic|욕설", "욕설"]


def test_a_missing_value_is_a_missing_label(tmp_path):
    dataset = lists(csv(tmp_path / "t.csv", ["a,1,", "b,1,0"]), label_column="toxic,욕설").complete("train")
    assert (dataset.labels, dataset.left_out) == (["toxic"], {"no label": 1})


def test_labels_are_renamed(tmp_path):
    dataset = lists(csv(tmp_path / "t.csv", ["a,1,1"]), label_column="toxic,욕설", label_names="욕설=insult")
    assert dataset.complete("train").labels == ["insult|toxic"]


def test_other_values_and_other_columns_are_named(tmp_path):
    data = csv(tmp_path / "t.csv", ["a,1,0", "b,1,2"])
    with pytest.raises(InputError, match='row 2: column "욕설" holds "2"; 1 or 0 was expected'):
        lists(data, label_column="toxic,욕설")
    with pytest.raises(InputError, match='no column "mild"; it has: text, toxic, 욕설'):
        lists(data, label_column="toxic,mild")


def test_a_column_with_a_comma_in_its_name_is_one_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('text,"a,b"\nx,joy\ny,love\n', encoding="utf-8")
    dataset = lists(path, label_column="a,b")
    assert not dataset.label_lists
    assert dataset.complete("train").labels == ["joy", "love"]


def test_each_split_is_to_have_all_of_them(tmp_path):
    csv(tmp_path / "train.csv", ["a,1,0"])
    (tmp_path / "test.csv").write_text("text,toxic\na,1\n", encoding="utf-8")
    with pytest.raises(InputError, match='no column "욕설"'):
        lists(tmp_path, label_column="toxic,욕설")


def test_they_are_learned_and_scored(tmp_path):
    lines = [f"word{n % 3} {n},{int(n % 3 > 0)},{int(n % 3 == 2)}" for n in range(90)]
    data = csv(tmp_path / "train.csv", lines)
    tokkit.train_wordpiece(data, tmp_path / "out", vocab_size=200, text_column="text")
    settings = {"label_column": "toxic,욕설", "threads": 1}
    result = tokkit.finetune(data, tmp_path / "out", out=tmp_path / "m", epochs=1, **settings)
    assert list(result.metrics["classes"]) == ["toxic", "욕설"]
    assert tokkit.evaluate(tmp_path / "m", data, **settings).as_dict()["rows"] == 90
