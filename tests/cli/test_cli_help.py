"""The help of the group and of commands, and literals in it that repeat a registry."""

from __future__ import annotations

import click
import pytest
from click.shell_completion import BashComplete

import tokkit as package
from tokkit.cli import blocks
from tokkit.cli.main import COMMANDS, SECTIONS, run, tokkit
from tokkit.data.dataset import SPLITS
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.options import described_fields
from tokkit.tokenizer.blocks.recipes import KINDS


def test_the_group_lists_commands_in_sections(capsys):
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    positions = [printed.index(f"\n{section}:\n") for section in SECTIONS]
    assert positions == sorted(positions)
    for summaries in SECTIONS.values():
        for name, summary in summaries.items():
            assert any(line.split() == [name, *summary.split()] for line in printed.splitlines()), name


def test_the_summaries_of_all_sections_stand_in_one_column(capsys):
    assert run(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    of_name = [(n, summary) for section in SECTIONS.values() for n, summary in section.items()]
    columns = {line.index(s[:20]) for line in lines for n, s in of_name if line.split()[:1] == [n]}
    assert len(columns) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_name_and_an_example(name):
    command = tokkit.get_command(click.Context(tokkit), name)
    assert command is not None
    assert command.name == name
    assert command.epilog.startswith(f"Example: tokkit {name}")


def test_version_is_the_one_source(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"tokkit {package.__version__}\n"


def test_choices_that_repeat_a_registry_equal_it():
    assert (*(kind.replace("_", "-") for kind in KINDS), "recipe") == blocks.KINDS
    assert dict(described_fields(CompareOptions))["split"].choices == SPLITS
    evaluate = tokkit.get_command(click.Context(tokkit), "evaluate")
    [split] = [parameter for parameter in evaluate.params if parameter.name == "split"]
    assert tuple(split.type.choices) == SPLITS


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_listed_under_headings_those_of_every_command_last(name, capsys):
    assert run([name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings[-1] == ("General:" if name not in ("demo",) else headings[-1])
    listed = [line.split()[0] for line in lines if line.startswith(("  -", "  --"))]
    command = tokkit.get_command(click.Context(tokkit), name)
    assert len(listed) == sum(isinstance(item, click.Option) for item in command.params) + 1


def test_every_option_of_fine_tuning_is_in_a_section():
    names = [name for names in FinetuneOptions.sections.values() for name in names]
    assert sorted(names) == sorted(name for name, _ in described_fields(FinetuneOptions))


@pytest.mark.parametrize(
    ("typed", "incomplete", "completed"),
    [
        ([], "tri", [("plain", "trim")]),
        (["stats"], "rev", [("file", "rev")]),
        (["compare", "out/"], "", [("file", "")]),
        (["clean", "a.csv", "-o"], "b", [("file", "b")]),
        (["stats", "a.csv"], "--whe", [("plain", "--where")]),
        (["finetune", "--loss"], "l", [("plain", "logit-adjusted")]),
        (["finetune", "--epochs"], "", []),
    ],
)
def test_a_shell_completes_commands_options_choices_and_paths(typed, incomplete, completed):
    found = BashComplete(tokkit, {}, "tokkit", "_TOKKIT_COMPLETE").get_completions(typed, incomplete)
    assert [(item.type, item.value) for item in found] == completed
