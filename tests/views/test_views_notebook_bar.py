"""The bar of a notebook: one output of a cell, updated while a stage lasts, empty at its end."""

from __future__ import annotations

import sys
import types

import pytest

from tokkit.views import notebook_bar
from tokkit.views.notebook_bar import NotebookBar


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, str]]]:
    """The states of every output, in place of IPython, which the tests do without."""
    outputs: list[list[dict[str, str]]] = []

    def display(content, *, raw, display_id):
        assert raw
        assert display_id
        states = [content]
        outputs.append(states)
        return types.SimpleNamespace(update=lambda content, raw: states.append(content))

    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    monkeypatch.setattr(notebook_bar, "_PAUSE", 0)
    return outputs


def test_the_stages_of_a_call_share_one_output_that_is_empty_at_the_end(outputs):
    bar = NotebookBar()
    bar.start("reading <영화>.csv", 4_000, "rows")
    bar.advance(1_000)
    bar.advance(1_000, loss="0.5")
    bar.finish()
    bar.start("writing", None, "")
    bar.advance(0)
    bar.finish()
    (states,) = outputs
    plain = [state["text/plain"] for state in states]
    assert plain[0].startswith("reading <영화>.csv  25%  1,000 rows, ")
    assert plain[1].startswith("reading <영화>.csv  50%  loss 0.5  2,000 rows, ")
    assert list(filter(None, plain[2:])) == ["writing"]
    assert '<progress value="0.250"></progress> <code>reading &lt;영화&gt;.csv' in states[0]["text/html"]
    assert states[-1]["text/html"] == ""


def test_an_amount_of_one_has_its_unit_in_the_singular(outputs):
    bar = NotebookBar()
    bar.start("comparing", 2, "parts")
    bar.advance(1)
    bar.advance(1)
    assert ["1 part," in outputs[0][0]["text/plain"], "2 parts," in outputs[0][1]["text/plain"]] == [
        True,
        True,
    ]


def test_short_stages_leave_no_output(outputs, monkeypatch):
    monkeypatch.setattr(notebook_bar, "_PAUSE", 60)
    bar = NotebookBar()
    bar.start("reading", 2, "rows")
    bar.advance(2)
    bar.finish()
    assert outputs == []
