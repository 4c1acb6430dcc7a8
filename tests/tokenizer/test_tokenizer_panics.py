"""A panic of the library is told by us alone; what anybody else writes on standard error is not lost."""

from __future__ import annotations

import os
import threading

import pytest
from tokenizers.pre_tokenizers import FixedLength

from tokkit.errors import InputError
from tokkit.tokenizer.folder.tokenizer_folder import guarded


def test_panics_are_told_in_our_words_alone(capfd):
    with pytest.raises(InputError, match="the tokenizer fails: "), guarded("the tokenizer fails"):
        FixedLength(0).pre_tokenize_str("panics")
    assert capfd.readouterr().err == ""


def test_panics_apart_standard_error_is_written_in_the_end(capfd):
    def warn_and_fail() -> None:
        os.write(2, b"a warning\n")
        raise ValueError("not a panic")

    with pytest.raises(InputError), guarded("no"):
        warn_and_fail()
    assert capfd.readouterr().err == "a warning\n"


def test_what_python_says_of_a_missing_value_is_said_in_words():
    with (
        pytest.raises(InputError, match=r"^saved: cannot be read: a value in it is missing"),
        guarded("saved: cannot be read"),
    ):
        {}["splits"]


def test_panics_in_one_thread_leave_standard_error_to_the_others(capfd):
    def fail() -> None:
        with pytest.raises(InputError), guarded("no"):
            FixedLength(0).pre_tokenize_str("panics")

    threads = [threading.Thread(target=fail) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"
