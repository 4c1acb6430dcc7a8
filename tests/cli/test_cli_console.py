"""Consoles and pipes of other encodings than UTF-8, code page 1252 of Windows for instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    return subprocess.run(
        [sys.executable, "-m", "tokkit", *arguments], cwd=folder, env=environment, capture_output=True
    )


def test_characters_that_the_encoding_lacks_are_escaped(write, tmp_path):
    write("rows.csv", "text,label\nCafé,기쁨\nnoch eins,joy\n")
    done = run(tmp_path, "stats", "rows.csv")
    assert done.returncode == 0, done.stderr
    printed = done.stdout.decode("cp1252")
    assert "joy" in printed
    assert "\\uae30\\uc068" in printed


def test_json_is_utf8_in_any_encoding(write, tmp_path):
    write("rows.csv", "text,label\nCafé,기쁨\nnoch eins,👍\n")
    done = run(tmp_path, "stats", "rows.csv", "--json")
    assert done.returncode == 0, done.stderr
    classes = json.loads(done.stdout.decode("utf-8"))["splits"]["train"]["classes"]
    assert classes == {"기쁨": 1, "👍": 1}


def test_an_error_that_names_other_characters_is_a_sentence(tmp_path):
    done = run(tmp_path, "stats", "없는 파일.csv")
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: \\uc5c6")
