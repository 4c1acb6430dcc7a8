"""A mistyped choice is refused in one sentence that names the nearest, before any model is loaded."""

from __future__ import annotations

import re

import click
import pytest

from tests.model.conftest import sentences, write_csv
from tokkit.cli.main import COMMANDS, run
from tokkit.cli.main import tokkit as group

CHOICES = [
    (name, parameter.opts[0], choice)
    for name in COMMANDS
    for parameter in group.get_command(click.Context(group), name).params
    if isinstance(parameter.type, click.Choice)
    for choice in parameter.type.choices
]


def refused(capsys, *arguments):
    """The error of a command that ends with exit code 2."""
    assert run([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


def test_every_choice_of_every_command_names_the_nearest(capsys):
    for command, option, choice in CHOICES:
        mistyped = choice + choice[-1]
        error = refused(capsys, command, option, mistyped)
        assert f'(did you mean "{choice}"?)' in error, (command, option, choice)
        assert option in error


@pytest.fixture
def model(tmp_path):
    """A folder that cannot be loaded: whoever tries has another error."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", "utf-8")
    return folder


def test_an_unknown_option_and_a_choice_of_another_library_name_the_nearest(capsys, tmp_path):
    rows = write_csv(tmp_path / "rows.csv", sentences(20, seed=1))
    loss = 'invalid value "focale": choose from ce, focal, logit-adjusted (did you mean "focal"?)'
    expected = {
        "stats r.csv --label-colum x": 'error: unknown option "--label-colum" (did you mean "--label-co',
        "stats r.csv --xyz": 'error: unknown option "--xyz"\n',
        "finetune r.csv --loss focale": f"error: --loss: {loss}\n",
        "finetune r.csv --epochs x": "error: --epochs: 'x' is not a valid integer.\n",
    }
    for line, error in expected.items():
        assert refused(capsys, *line.split()).startswith(error)
    balance = ("rebalance", rows, "-o", tmp_path / "o.csv", "--strategy", "random-over")
    assert '(did you mean "oversample"?)' in refused(capsys, *balance)


NO_FILES = {
    "class weights": (("--class-weights", "balancd"), 'is neither none, balanced, .*mean "balanced"'),
    "alpha": (
        ("--loss", "focal", "--alpha", "balancd"),
        'is neither balanced nor a number .*mean "balanced"',
    ),
    "device": (("--device", "cud"), 'is neither auto, cpu, cuda, mps nor cuda:N .*mean "cuda"'),
    "device number": (("--device", "3"), "is neither auto"),
    "resume": (("--resume", "non"), 'is neither auto, none nor a checkpoint .*mean "none"'),
    "freeze": (("--freeze", "bodies"), "choose none, body or a number of layers"),
    "evaluations": (("--eval-every", "epochs"), "choose epoch, never or a number of steps"),
}


@pytest.mark.parametrize("case", NO_FILES)
def test_words_of_finetune_are_checked_before_anything_is_read(case, capsys):
    arguments, message = NO_FILES[case]
    error = refused(capsys, "finetune", "nowhere.csv", "--model", "nowhere/", *arguments)
    assert re.search(message, error), error
    assert "Errno" not in error


LABELS = {
    "metric": (("--metric", "macrof1"), '--metric: no score "macrof1" (did you mean "macro_f1"?)'),
    "class of a metric": (("--metric", "classes.joi.f1"), 'did you mean "classes.joy.f1"?'),
    "weights": (("--class-weights", "joi=1,sadness=1,anger=1"), 'unknown label "joi" (did you mean "joy"?)'),
    "alpha": (("--loss", "focal", "--alpha", "joy=1,sadness=1"), 'no number for the label "anger"'),
}


@pytest.mark.parametrize("case", LABELS)
def test_what_depends_on_the_labels_is_checked_before_the_model_is_loaded(case, model, tmp_path, capsys):
    data = write_csv(tmp_path / "rows.csv", sentences(60, seed=1))
    arguments, message = LABELS[case]
    assert message in refused(capsys, "finetune", data, "--model", model, *arguments, "-o", tmp_path / "out")


TAGGED = '{"tokens": ["a", "b"], "tags": ["B-X", "O"]}\n{"tokens": ["c"], "tags": ["O"]}\n'
TASKS = {
    "tags": ("rows.jsonl", TAGGED, "span_f", "span_f1"),
    "regression": ("rows.csv", "text,label\na b,1.5\nc d,2.5\n", "pearso", "pearson"),
    "multi-label": ("rows.csv", "text,label\na b,joy|love\nc d,love\n", "micro_f", "micro_f1"),
}


@pytest.mark.parametrize("task", TASKS)
def test_scores_of_every_task_are_checked_before_the_model_is_loaded(task, model, tmp_path, capsys):
    name, content, mistyped, score = TASKS[task]
    data = tmp_path / name
    data.write_text(content, "utf-8")
    arguments = (data, "--validation-data", data, "--model", model, "--task", task, "--metric", mistyped)
    assert f'did you mean "{score}"?' in refused(capsys, "finetune", *arguments)


def test_a_file_of_weights_that_is_none_is_refused_before_the_model_is_loaded(model, tmp_path, capsys):
    data = write_csv(tmp_path / "rows.csv", sentences(60, seed=1))
    weights = tmp_path / "weights.json"
    weights.write_text('{"joy": 1, "sadness": 1}', "utf-8")
    for path, message in ((weights, 'no weight for the label "anger"'), (tmp_path, "is no file of weights")):
        assert run(["finetune", str(data), "--model", str(model), "--class-weights", str(path)]) == 3
        error = capsys.readouterr().err
        assert message in error
        assert "Errno" not in error
