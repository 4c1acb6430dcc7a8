"""Files that are not UTF-8: the hint is the option that reads them, in every command that reads text."""

from __future__ import annotations

import importlib
import re

import pytest

import tokkit
from tests.benchmarks import encodings
from tokkit.cli.main import COMMANDS
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError

TEXTS = {
    "cp1252": "Die Überraschung war groß, als die Bücher später schön eingeräumt wurden",
    "cp1250": "Źródła mówią, że książka była świetna, ale się skończyła zbyt wcześnie",
    "cp1251": "Этот фильм оказался гораздо лучше, чем я ожидал",
    "cp1254": "Çok güzel bir film, oyuncuları şaşırtıcı ölçüde başarılıydı",
    "cp949": "영화가 정말 재미있어서 다시 보고 싶었습니다",
    "cp932": "とても面白い映画だったので、もう一度見たいです",
    "utf-16-le": "Ein schöner Film, 정말",
    "utf-32": "Ein schöner Film, 정말",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_hint_reads_the_file(write, tmp_path, encoding):
    text = TEXTS[encoding]
    path = write("a.csv", f'text,label\n"{text}",x\n"{text} {text}",y\n'.encode(encoding))
    corpus = write("a.txt", f"{text}\n{text} {text}\n".encode(encoding))
    with pytest.raises(InputError) as of_data:
        read_dataset(path, DatasetOptions())
    with pytest.raises(InputError) as of_corpus:
        tokkit.train_char(corpus, tmp_path / "out")
    hints = {
        re.search(r"encoding[ =]\"?([\w-]+)\"?\)?$", error.value.hint)[1] for error in (of_data, of_corpus)
    }
    assert hints == {encoding}
    assert read_dataset(path, DatasetOptions(encoding=encoding)).splits["train"].frame["text"][0] == text
    trained = tokkit.train_char(corpus, tmp_path / "out", encoding=encoding)
    utf8 = tokkit.train_char(write("b.txt", f"{text}\n{text} {text}\n"), tmp_path / "utf8")
    assert trained.sha256 == utf8.sha256


def test_every_command_that_reads_text_has_the_option():
    without = set()
    for name in COMMANDS:
        module = name.replace("-", "_")
        command = getattr(importlib.import_module(f"tokkit.cli.{module}"), f"{module}_command")
        if not any("--encoding" in parameter.opts for parameter in command.params):
            without.add(name)
    assert without == {"merge-counts", "blocks", "demo", "card", "push", "find-datasets", "reproduce"}


@pytest.mark.long
def test_texts_of_forty_languages_are_read_right():
    wrong = [
        pair
        for pair, size, text, content in encodings.samples()
        if size == 2000 and not encodings.gives(encodings.tokkit(content), content, text)
    ]
    assert wrong == []
