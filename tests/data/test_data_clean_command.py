"""`tokkit clean` as it is typed: tables, JSON, help, a terminal, mistakes."""

from __future__ import annotations

import json
import sys

import pytest

from tests.terminal import on_a_terminal, without_escapes
from tokkit.cli.main import run
from tokkit.data.cleaning.repair_rules import RULES

ROWS = 'text,label\n"so<br>good\u200b, 한국어",pos\n"so good, 한국어",pos\n"bad\x1b[31m\u3000film",neg\n'


@pytest.fixture
def here(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("a.csv", ROWS)
    return tmp_path


def test_clean_command_writes_and_prints_tables(here, capsys):
    assert run(["clean", "a.csv", "-o", "b.csv"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("# Written to b.csv\nsplit\trows before\trows after\ntrain\t3\t2\n")
    assert "\nexact duplicate\t1\n" in printed.out
    assert 'guessed text column "text"' in printed.err
    assert (here / "b.csv").read_text("utf-8") == 'text,label\n"so good, 한국어",pos\nbad film,neg\n'


def test_clean_command_prints_one_json_object(here, capsys):
    assert (
        run(["clean", "a.csv", "--dry-run", "--rules", "br,spaces", "--duplicates", "near", "--json", "-q"])
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert (result["schema"], result["command"], result["dry_run"], result["output"]) == (
        1,
        "clean",
        True,
        None,
    )
    assert result["repaired"] == {"br": 1, "spaces": 1}
    assert result["dropped"] == {}
    assert sorted(path.name for path in here.iterdir()) == ["a.csv"]


def test_clean_command_on_a_narrow_terminal_escapes_what_it_shows(here):
    command = [sys.executable, "-m", "tokkit", "clean", "a.csv", "--dry-run"]
    code, printed = on_a_terminal(command, here, 40, {"NO_COLOR": "1"})
    assert code == 0
    table = without_escapes(printed).partition("Examples of repairs")[2]
    assert "\\u200b" in table
    assert "\\u3000" in table
    assert "\x1b[31m" not in printed
    assert max(map(len, table.splitlines())) <= 40


def test_clean_command_help_names_every_rule(capsys):
    assert run(["clean", "--help"]) == 0
    printed = capsys.readouterr().out
    for name, rule in RULES.items():
        assert f"{name:14}{'' if rule.default else '(off) '}{rule.summary}" in printed


@pytest.mark.parametrize(
    ("arguments", "code", "error", "hint"),
    [
        ("clean a.csv", 2, "no output is named", "--dry-run"),
        ("clean b.csv -o c.csv", 3, "b.csv: no such file or folder", "ls"),
        ("clean a.csv -o a.csv", 4, "a.csv: is an input, which is never replaced", "choose another -o"),
        ("clean a.csv -o c.csv --rules html,spcaes", 2, 'invalid value "spcaes": choose from', ""),
        ("clean a.csv -o c.csv --rules ,", 2, 'invalid value ""', ""),
        ("clean a.csv -o c.csv --min-words 0", 2, "--min-words: 0 is below 1", ""),
        (
            "clean a.csv -o c.csv --max-words 1",
            3,
            "a.csv: no row is left of 3: 3 too many words",
            "tokkit stats a.csv",
        ),
        ("clean a.csv -o c.csv --max-tokens 9", 2, "needs a tokenizer", "--tokenizer"),
        ("clean a.csv -o c.csv --tokenizer none/", 3, "none: no such file or folder", "ls"),
        ("clean a.csv -o a.csv/c.csv", 4, "a.csv", "-o"),
    ],
)
def test_clean_command_mistakes(here, capsys, arguments, code, error, hint):
    assert run(arguments.split()) == code
    printed = capsys.readouterr().err
    assert error in printed
    assert hint in printed
    assert sorted(path.name for path in here.iterdir()) == ["a.csv"]
