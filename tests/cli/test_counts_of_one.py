"""Numbers and nouns agree: "1 row", never "1 rows"."""

from __future__ import annotations

import re

import pytest

from tests.cli.test_quiet import run
from tokkit.errors import counted

PLURAL = re.compile(
    r"(?<![\d.,])1 (?:rows|texts|classes|tokens|labels|files|folds|words|splits|sets|columns|ids)\b"
)
ROWS = "text,label\n" + "".join(f"good day {i},{'ab'[i % 2]}\n" for i in range(20))
FILES = {
    "conflict.csv": f"{ROWS}same,a\nsame,b\n",
    "missing.csv": f"{ROWS},a\nc,\n",
    "copies.csv": f"{ROWS}same,a\nsame,a\n<b>x</b>,a\nlost \ufffd,b\n",
    "single.csv": "text,label\nword,a\n",
    "tiny.csv": "text,label\nword,a\nother,b\n",
}


@pytest.mark.parametrize(
    "line",
    [
        *(f"stats {name} -v" for name in FILES),
        *(f"clean {name} -o c.csv" for name in FILES),
        "rebalance missing.csv -o r.csv",
        "split tiny.csv -o s",
        "split single.csv -o s --folds 2",
        "split copies.csv -o s",
        "train-wordpiece single.csv -o t && suggest-tokens t single.csv --min-count 1",
        "train-wordpiece single.csv -o t && trim t --to single.csv -o u",
        "train-wordpiece single.csv -o t && train-char single.csv -o u && compare t u --on single.csv",
        "split conflict.csv -o s --folds 30",
        "train-wordpiece tiny.csv -o t",
    ],
)
def test_a_count_of_one_has_a_noun_in_the_singular(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, "utf-8")
    for command in line.split(" && "):
        _, output, errors = run(command)
        assert output + errors
        assert PLURAL.findall(output + errors) == []


def test_counted_agrees_in_noun_and_verb():
    assert [counted(n, "class", "have") for n in (0, 1, 2)] == [
        "0 classes have",
        "1 class has",
        "2 classes have",
    ]
    assert counted(1, "row", "hold") == "1 row holds"
    assert counted(12_345, "token", "are", style=",") == "12,345 tokens are"
