"""Errors of the functions name arguments, and their hints are calls that work when pasted."""

from __future__ import annotations

import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences
from tokkit.errors import TokkitError

frame = pl.DataFrame(sentences(40, seed=5), schema=["text", "mood"], orient="row")
splits = {"train": frame, "test": frame.head(9)}

# A call that fails -> its message, and the calls of its hint.
FAILING = {
    'tokkit.stats(frame, label_column="mod")': (
        'dataset: no column "mod" (did you mean "mood"?); it has: text, mood',
        ['tokkit.stats(frame, label_column="mood")'],
    ),
    'tokkit.clean(dataset=frame, out="c.csv", sort="moods")': (
        'dataset: no column "moods" (did you mean "mood"?); it has: text, mood',
        ['tokkit.clean(frame, "c.csv", sort="mood")'],
    ),
    'tokkit.rebalance(splits, "o", leaks="refuse")': (
        "dataset: 9 training rows have a text that is in test too",
        ['tokkit.rebalance(splits, "o", leaks="drop")'],
    ),
    'tokkit.rebalance(frame, "o.csv", strategy="smote")': (
        'strategy="smote": synthesizes vectors between rows, and no text belongs to such a vector',
        [
            'tokkit.rebalance(frame, "o.csv", strategy="weights")',
            'tokkit.rebalance(frame, "o.csv", strategy="oversample")',
        ],
    ),
    "tokkit.clean(frame)": ("no output is named", ["tokkit.clean(frame, dry_run=True)"]),
    'tokkit.blocks("nfcc")': (
        'no block or recipe is named "nfcc" (did you mean "nfc"?)',
        ["tokkit.blocks()"],
    ),
    "tokkit.stats(frame, min_words=0, near=1)": ('stats: no parameter "min_words"', []),
    "tokkit.finetune(frame, epochs=0)": ("epochs: 0 is below 1", []),
}


@pytest.mark.parametrize("line", FAILING)
def test_an_error_names_arguments_and_its_hint_is_a_call(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message, calls = FAILING[line]
    with pytest.raises(TokkitError) as caught:
        eval(line)
    lines = (caught.value.hint or "").split("\n")
    assert (caught.value.message, [line for line in lines if line.startswith("tokkit.")]) == (message, calls)
    assert "--" not in f"{caught.value.hint}"
    for call in calls[:1]:
        assert eval(call)


def test_the_fix_of_a_finding_about_a_frame_is_a_call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    twice = pl.concat([frame, frame])
    [fix] = [finding.fix for finding in tokkit.stats(twice).findings if finding.rule == "duplicates"]
    call = fix.splitlines()[-1]
    assert call == 'tokkit.clean(twice, "cleaned.parquet")'
    assert eval(call).rows_after == 40
    named = tokkit.stats({"train": twice}, label_column="mood").findings
    assert 'tokkit.clean(dataset, "cleaned/", label_column="mood")' in [x.fix.splitlines()[-1] for x in named]


def test_a_hint_for_a_path_is_a_call_too(tmp_path):
    frame.write_csv(path := tmp_path / "rows.csv")
    with pytest.raises(tokkit.InputError) as caught:
        tokkit.stats(path, label_column="mod")
    assert f'tokkit.stats("{path}", label_column="mood")' in caught.value.__notes__[0]


@pytest.mark.parametrize("name", [name for name in tokkit.__all__ if name.islower()])
def test_a_misspelled_keyword_is_named_with_the_nearest(name):
    function = getattr(tokkit, name)
    if name == "corpora_path":
        return
    last = list(function.__signature__.parameters)[-1]
    with pytest.raises(tokkit.UsageError, match=f'^{name}: no parameter "{last}z" .did you mean "{last}"'):
        function(**{f"{last}z": 1})


def test_options_name_the_nearest_too():
    with pytest.raises(tokkit.UsageError, match=r'no parameter "label_colum" .did you mean "label_column"'):
        tokkit.DatasetOptions(label_colum="x")
    with pytest.raises(TypeError, match=r"^stats\(\): too many positional arguments"):
        tokkit.stats(frame, None, True)
