"""`tokkit.toml`: where it is looked for, what its tables may hold, and how errors name their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tokkit.cli.main import run

ROWS = "text,label\n" + "".join(f"a fine day number {n},{'good' if n % 2 else 'bad'}\n" for n in range(20))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with rows, and a folder below it, which is the current one."""
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / "work" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "here")
    return tmp_path


def test_the_nearest_file_up_to_the_root_of_the_repository_is_read(project, capsys):
    (project / "tokkit.toml").write_text('dataset = "rows.csv"\n', encoding="utf-8")
    assert run(["stats", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["splits"]["train"]["rows"] == 20
    assert "no data set named: using ../../rows.csv (../../tokkit.toml: dataset)" in printed.err
    (project / "work" / "tokkit.toml").write_text("", encoding="utf-8")
    assert run(["stats"]) == 2, "the nearest file counts, and it names no data set"


def test_a_file_above_the_repository_is_another_matter(project, capsys):
    (project / "work" / ".git").mkdir()
    (project / "tokkit.toml").write_text('dataset = "rows.csv"\n', encoding="utf-8")
    assert run(["stats"]) == 2
    assert "Missing argument 'DATASET'" in capsys.readouterr().err


def test_without_a_repository_only_the_current_folder_counts(project, capsys):
    (project / ".git").rmdir()
    (project / "tokkit.toml").write_text('dataset = "rows.csv"\n', encoding="utf-8")
    assert run(["stats"]) == 2
    (project / "work" / "here" / "tokkit.toml").write_text('dataset = "../../rows.csv"\n', encoding="utf-8")
    assert run(["stats", "-q"]) == 0


def test_arguments_are_allowed_in_the_table_of_their_command(project, capsys):
    (project / "tokkit.toml").write_text(
        '[stats]\ndataset = "rows.csv"\n[train-wordpiece]\ncorpus = ["rows.csv"]\nvocab-size = 60\n',
        encoding="utf-8",
    )
    assert run(["train-wordpiece", "-q", "-o", "out"]) == 0
    assert run(["stats", "-q", "--tokenizer", "out"]) == 0
    assert run(["split", "-q", "-o", "split"]) == 2, "the table of another command is not read"


def test_the_command_line_goes_before_the_file(project, capsys):
    (project / "tokkit.toml").write_text('dataset = "missing.csv"\n', encoding="utf-8")
    assert run(["stats", "../../rows.csv", "-q"]) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('test = "a lot"', "tokkit.toml: [split] test: "),
        ("test = [1, 2]", "tokkit.toml: [split] test: expected one value, not a list"),
        ("folds = 1", "tokkit.toml: [split] folds: --folds: 1 is below 2"),
        ("fold = 3", 'tokkit.toml: [split] has no option "fold" (did you mean "folds"'),
    ],
)
def test_an_error_names_the_file_and_the_key(project, capsys, line, message):
    (project / "work" / "here" / "tokkit.toml").write_text(f"[split]\n{line}\n", encoding="utf-8")
    assert run(["split", "../../rows.csv", "-o", "s"]) in (2, 3)
    assert message in capsys.readouterr().err


def test_an_error_names_the_variable(project, capsys, monkeypatch):
    monkeypatch.setenv("TOKKIT_SPLIT_SEED", "x")
    assert run(["split", "../../rows.csv", "-o", "s"]) == 2
    assert "TOKKIT_SPLIT_SEED: 'x' is not a valid integer" in capsys.readouterr().err
    monkeypatch.setenv("TOKKIT_SPLIT_SEED", "-1")
    assert run(["split", "../../rows.csv", "-o", "s"]) == 2
    assert "TOKKIT_SPLIT_SEED: --seed: -1 is below 0" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["dataset = 3\n", "[stats\n", 'stats = "x"\n', "[stat]\n"])
def test_a_file_that_makes_no_sense_is_named(project, capsys, content):
    (project / "work" / "here" / "tokkit.toml").write_text(content, encoding="utf-8")
    assert run(["stats", "../../rows.csv"]) == 3
    assert "error: tokkit.toml: " in capsys.readouterr().err
