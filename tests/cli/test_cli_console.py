"""Consoles and pipes of other encodings than UTF-8, code page 1252 of Windows for instance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata

from tokkit.cli import output


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


def test_json_spells_half_a_surrogate_pair_as_it_was(capfdbinary):
    output.show("stats", True, {"text": "a\ud800b"}, list)
    assert b'"text": "a\\ud800b"' in capfdbinary.readouterr().out


def test_control_characters_in_error_and_hint_are_escaped(write, tmp_path):
    write("r.csv", "text,label,\x1b[31mred\n" + "".join(f"t{i},{i % 2},x\n" for i in range(20)))
    done = run(tmp_path, "split", "r.csv", "-o", "out", "--group-column", "\x1b[32mgreen")
    assert done.returncode == 3
    assert b"hint:  name one:" in done.stderr
    assert b"--group-column '\\x1b[31mred'" in done.stderr
    assert b"\x1b" not in done.stderr


def test_a_full_disk_behind_standard_output_is_an_error_of_the_output(tmp_path):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-m", "tokkit", "blocks"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 4
    assert done.stderr == b"error: output: No space left on device\n"


def test_an_error_that_names_other_characters_is_a_sentence(tmp_path):
    done = run(tmp_path, "stats", "없는 파일.csv")
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: \\uc5c6")


def test_json_escapes_what_a_terminal_obeys_or_hides(write, tmp_path):
    label = "a\x9b31m\u202eevil\u2066\u200b\u0085\x7f é 가 👩\u200d👧"
    write("rows.csv", f"text,label\nCafé,{label}\nnoch eins,b\n")
    done = run(tmp_path, "stats", "rows.csv", "--json")
    printed = done.stdout.decode("utf-8")
    assert label in json.loads(printed)["splits"]["train"]["classes"]
    assert not [c for c in printed if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\u200d"]
    assert "é 가 👩\u200d👧" in printed
