"""Labels that are lists: how several labels, and tags of tokens, come to be one string a row."""

from __future__ import annotations

import json

import click
import pytest

import tokkit
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, UsageError


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def lists(path, progress=None, **options):
    return read_dataset(path, DatasetOptions(**options), *([progress] if progress else []))


def test_lists_of_labels_are_joined_and_an_empty_list_is_no_missing_one(tmp_path):
    rows = [
        {"text": "a", "labels": ["joy", "love"]},
        {"text": "b", "labels": []},
        {"text": "c", "labels": None},
        {"text": "d", "labels": ["fear"]},
    ]
    dataset = lists(jsonl(tmp_path / "t.jsonl", rows))
    assert (dataset.label_lists, dataset.tokens_column) == (True, None)
    complete = dataset.complete("train")
    assert complete.labels == ["joy|love", "|", "fear"]
    assert complete.left_out == {"no label": 1}


def test_lists_of_whole_numbers_take_the_names_given(tmp_path, heard):
    data = jsonl(tmp_path / "t.jsonl", [{"text": "a", "labels": [0, 1]}, {"text": "b", "labels": [1]}])
    dataset = lists(data, heard, label_names="0=1,1=love")
    assert dataset.complete("train").labels == ["1|love", "love"], "each name is changed once"
    assert 'labels column "labels" (--label-column)' in heard


def test_a_separator_cuts_labels_that_stand_in_one_field(tmp_path):
    (tmp_path / "t.csv").write_text('text,label\na,"joy, love"\nb,\nc,fear\nd,","\n', encoding="utf-8")
    dataset = lists(tmp_path / "t.csv", label_sep=",")
    assert dataset.label_lists
    assert dataset.complete("train").labels == ["joy|love", "fear", "|"]
    assert dataset.split("train").original["label"].to_list() == ["joy, love", None, "fear", ","], "as it was"


@pytest.mark.parametrize("command", ["clean", "compare", "doctor", "rebalance", "split", "stats"])
def test_a_command_offers_no_option_that_it_would_refuse(command):
    from tokkit.cli.main import tokkit as group

    click_command = group.get_command(click.Context(group), command)
    flags = {flag for option in click_command.params for flag in option.opts}
    assert "--label-column" in flags
    assert ("--label-sep" in flags) == (command != "rebalance")
    assert ("--pair-column" in flags) == (command not in ("compare", "doctor"))


def test_pairs_are_refused_where_single_texts_are_read(tmp_path):
    (tmp_path / "t.csv").write_text("text,other,label\na,b,joy\n", encoding="utf-8")
    with pytest.raises(UsageError, match='--pair-column "other": this command reads single texts'):
        read_dataset(tmp_path / "t.csv", DatasetOptions(pair_column="other"), pairs=False)


def test_tokens_and_tags_of_lists_and_of_conll_files_are_the_same_rows(tmp_path):
    rows = [
        {"tokens": ["EU", "said", "no"], "ner_tags": ["B-ORG", "O", "O"]},
        {"tokens": ["서울"], "ner_tags": ["B-LOC"]},
    ]
    (tmp_path / "t.conll").write_text("EU\tB-ORG\nsaid\tO\nno\tO\n\n서울\tB-LOC\n", encoding="utf-8")
    of_lists, of_conll = lists(jsonl(tmp_path / "t.jsonl", rows)), lists(tmp_path / "t.conll")
    assert of_lists.complete("train") == of_conll.complete("train")
    complete = of_conll.complete("train")
    assert complete.tokens == [["EU", "said", "no"], ["서울"]]
    assert complete.texts == ["EU said no", "서울"]
    assert complete.labels == ["B-ORG O O", "B-LOC"]


def test_any_columns_may_hold_tokens_and_tags(tmp_path):
    rows = [{"id": "x", "w": ["EU", "said"], "pos": ["NOUN", "VERB"], "tags": ["B-ORG", "O"]}]
    data = jsonl(tmp_path / "t.jsonl", rows)
    assert lists(data, text_column="w", label_column="pos").complete("train").labels == ["NOUN VERB"]
    assert lists(data, text_column="1", label_column="2").complete("train").labels == ["NOUN VERB"]


def test_rows_of_tokens_alone_have_no_labels(tmp_path):
    dataset = lists(jsonl(tmp_path / "t.jsonl", [{"tokens": ["a", "b"], "lang": "en"}] * 3))
    assert dataset.label_column is None
    assert dataset.complete("train").tokens == [["a", "b"]] * 3


def test_rows_without_tokens_or_tags_are_left_out(tmp_path):
    rows = [{"tokens": ["a"], "tags": ["O"]}, {"tokens": [], "tags": []}, {"tokens": ["b"], "tags": None}]
    complete = lists(jsonl(tmp_path / "t.jsonl", rows)).complete("train")
    assert complete.tokens == [["a"]]
    assert complete.left_out == {"no text": 1, "no label": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "row 2: 2 tokens and 1 tags: one tag for each token"),
        ({"tokens": ["a"], "tags": [None]}, "row 2: 1 tokens and 0 tags"),
        ({"tokens": ["a"], "tags": ["B PER"]}, 'column "tags": "B PER" contains white space'),
        ({"text": "a", "labels": ["x|y"]}, 'column "labels": "x\\|y" contains "\\|"'),
        (
            {"tokens": [["a"]], "tags": ["O"]},
            'column "tokens" holds lists of lists: lists of strings were expected',
        ),
    ],
)
def test_lists_that_cannot_be_labels_are_named(tmp_path, row, message):
    good = {"tokens": ["a"], "tags": ["O"]} if "tokens" in row else {"text": "a", "labels": ["x"]}
    if row.get("tokens") == [["a"]]:
        good = {"tokens": [["b"]], "tags": ["O"]}
    with pytest.raises(InputError, match=message):
        lists(jsonl(tmp_path / "t.jsonl", [good, row]))


def test_rebalance_says_why_it_takes_one_label_a_row_only(tmp_path):
    several = jsonl(tmp_path / "t.jsonl", [{"text": "a", "labels": ["x", "y"]}])
    with pytest.raises(
        InputError, match="have several labels: repeating or dropping a row for one class"
    ) as caught:
        tokkit.rebalance(several, tmp_path / "out.jsonl")
    assert caught.value.hint == "weigh the classes instead when fine-tuning (--class-weights)"
    tags = jsonl(tmp_path / "s.jsonl", [{"tokens": ["a"], "tags": ["O"]}])
    with pytest.raises(InputError, match="have a tag for each token"):
        tokkit.rebalance(tags, tmp_path / "out.jsonl")


def test_tags_that_the_datasets_library_saved_as_numbers_have_their_names(tmp_path):
    import datasets

    features = datasets.Features(
        {
            "tokens": datasets.List(datasets.Value("string")),
            "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
        }
    )
    rows = {"tokens": [["a", "Kim"]], "ner_tags": [[0, 1]]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "saved"))
    assert lists(tmp_path / "saved").complete("train").labels == ["O B-PER"]


def test_spans_as_lists_and_as_objects_are_written_as_objects(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"text": "Anna sings", "label": [[0, 4, "PER"]]}\n'
        '{"text": "Kim came", "label": [{"start": 0, "end": 3, "label": "PER"}]}\n'
    )
    tokkit.clean(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    written = [json.loads(line)["label"] for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert written == [[{"start": 0, "end": end, "label": "PER"}] for end in (4, 3)]
