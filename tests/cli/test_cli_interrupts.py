"""Ctrl-C where Python has to drop the exception: in a callback from C, as LLVM makes them."""

from __future__ import annotations

import ctypes
import gc
import importlib
import signal
import subprocess
import sys
import threading

import pytest

from tokkit.cli.interrupts import cancelling, is_interrupt
from tokkit.cli.main import main
from tokkit.errors import InputError, Interrupted
from tokkit.progress import stop_if_cancelled
from tokkit.views.progress_bar import Bar, Messages, Quiet


@pytest.fixture(autouse=True)
def python_has_ctrl_c():
    """As in a command that a user started, also where these tests run as a job in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def in_a_callback_from_c(action):
    ctypes.CFUNCTYPE(None)(action)()


def interrupt():
    signal.raise_signal(signal.SIGINT)
    list(range(3))  # the handler runs between two steps of Python, here


@pytest.mark.parametrize("kind", [Bar, Quiet, Messages])
def test_an_interrupt_that_python_drops_is_cancelling(kind, capfd):
    progress = kind()
    with pytest.raises(Interrupted), cancelling(progress):  # noqa: PT012
        in_a_callback_from_c(interrupt)
        stop_if_cancelled(progress)
    assert capfd.readouterr().err == ""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_python_drops_in_the_last_step_is_told():
    with pytest.raises(Interrupted, match="its output is complete"), cancelling(Messages()):
        in_a_callback_from_c(interrupt)


class Panic(BaseException):
    """As pyo3 raises it."""


@pytest.mark.parametrize("other", [InputError("the file is damaged"), SystemError("no result"), Panic()])
def test_an_error_that_an_interrupt_led_to_is_the_interrupt(other):
    with pytest.raises(KeyboardInterrupt), cancelling(Messages()):  # noqa: PT012
        in_a_callback_from_c(interrupt)
        raise other
    with pytest.raises(type(other)), cancelling(Messages()):
        raise other


def test_an_interrupt_raises_as_ever():
    progress = Messages()
    with pytest.raises(KeyboardInterrupt), cancelling(progress):
        interrupt()
    assert progress.cancelled()


def test_an_interrupt_while_a_module_is_loaded_waits_until_it_is(tmp_path, monkeypatch):
    """In C++ code that torch runs as it is loaded, the exception would abort the process."""
    (tmp_path / "interrupted.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGINT)\nlist(range(3))\nLOADED = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    progress, modules = Messages(), []
    with pytest.raises(KeyboardInterrupt), cancelling(progress):  # noqa: PT012
        modules.append(importlib.import_module("interrupted"))
        assert progress.cancelled()
        threading.Event().wait(60)
    assert modules[0].LOADED


def test_other_errors_in_a_callback_are_still_told(capfd):
    with cancelling(Messages()):
        in_a_callback_from_c(lambda: 1 / 0)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_job_whose_interrupts_are_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with cancelling(Messages()):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_that_is_over_ends_without_a_search_for_garbage():
    try:
        with pytest.raises(SystemExit):
            main(["--version"])
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_an_interrupt_while_a_class_is_made_is_one():
    class Named:
        def __set_name__(self, owner, name):
            raise KeyboardInterrupt

    with pytest.raises((RuntimeError, KeyboardInterrupt)) as caught:
        type("Made", (), {"member": Named()})
    assert is_interrupt(caught.value)
    assert not is_interrupt(RuntimeError("of its own"))


_DROPPED = """
import os, signal, sys, weakref
from tokkit.cli.interrupts import cancelling
from tokkit.views.progress_bar import Messages

class Item:
    pass

signal.signal(signal.SIGINT, signal.default_int_handler)
item = Item()
# Python drops what is raised in this callback, and a library what is raised in it
reference = weakref.ref(item, lambda _: (os.kill(os.getpid(), signal.SIGINT), sum(range(100))))
with cancelling(Messages()):
    del item
    print("waiting", flush=True)
    sys.stdin.buffer.read()
"""


# polars has its own handler, under which the system call that waits is restarted
_RESTARTED = """
import os, signal, sys, threading
from tokkit.cli.interrupts import cancelling
from tokkit.views.progress_bar import Messages

signal.signal(signal.SIGINT, signal.default_int_handler)
with cancelling(Messages()):
    import polars
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    sys.stdin.buffer.read()
"""


@pytest.mark.parametrize("script", [_DROPPED, _RESTARTED], ids=["dropped", "restarted"])
def test_an_interrupt_that_does_not_arrive_ends_what_waits_for_input(script):
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        patience = threading.Timer(60, process.kill)
        patience.start()
        errors = process.stderr.read()
        patience.cancel()
        process.stdin.close()
    assert "KeyboardInterrupt" in errors.splitlines()[-1]
    assert process.returncode == -signal.SIGINT


def test_an_interrupt_as_the_block_is_entered_leaves_no_traceback(monkeypatch):
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    progress = Messages()
    block = cancelling(progress)
    block.__enter__()
    # the exception came before `with` took over: the generator is dropped, and closed
    progress.stopping = True
    del block
    gc.collect()
    assert printed == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
