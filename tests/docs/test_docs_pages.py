"""Every shell and Python block of the documentation runs, and prints what its page shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.docs.command_socket import tokkit_script
from tests.docs.pages import COMMANDS, ROOT, Block, Runs, environment, page_name, pages
from tests.marks import quick_of

TRAINED = ("finetune", "evaluate", "predict", "features")
"""Commands whose figures depend on the machine: another number of threads sums in another order."""


def without_times(printed: str) -> str:
    """Without the figures of the run itself: seconds, and the table of stages except for their names."""
    printed = re.sub(r"^ *time .*$", "time", printed, flags=re.MULTILINE)
    table = r"(?<=Stages\n\n).*?\n\n"
    return re.sub(table, lambda match: _first_column(match[0]), printed, flags=re.DOTALL)


def _first_column(table: str) -> str:
    return "\n".join(re.split(r"  +", line.strip())[0].strip("─ ") for line in table.splitlines()) + "\n"


def check(outputs: list[tuple[Block, str]]) -> None:
    for block, printed in outputs:
        if block.output is None:
            continue
        if block.long or any(f"{name}" in block.code for name in TRAINED):
            assert len(printed.splitlines()) == len(block.output.splitlines()), block.code
        else:
            assert without_times(printed) == without_times(block.output), block.code


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    with tokkit_script(tmp_path_factory.mktemp("script"), environment()) as scripts:
        yield Runs(tmp_path_factory.mktemp("pages"), long=False, scripts=scripts)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("pages"), long=True)


@pytest.mark.parametrize(
    "page", quick_of(pages(), [page for page in pages() if page.parent.name != "how-to"]), ids=page_name
)
def test_the_blocks_of_a_page_print_what_it_shows(page, quick):
    check(quick.outputs(page))


@pytest.mark.long
@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_the_blocks_that_train_models_run(page, complete):
    check(complete.outputs(page))


def test_the_reference_is_what_help_says():
    written = {str(path): path.read_text("utf-8") for path in COMMANDS.glob("*.md")}
    # In a process of its own, as a user has it: what other tests leave in this one does not count.
    program = (
        "import json\n"
        "from tests.docs.pages import reference\n"
        "print(json.dumps({str(path): text for path, text in reference().items()}))"
    )
    printed = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT)
    assert written == json.loads(printed), "run: python -m tests.docs.regenerate"
