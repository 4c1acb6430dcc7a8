"""Languages of rows: told by the extra, of a sample that is the same however the rows are read."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from tokkit.cli.main import run
from tokkit.data.loading import streaming
from tokkit.errors import UsageError
from tokkit.inspection.statistics import languages, row_sample
from tokkit.inspection.statistics.row_sample import RowSample
from tokkit.inspection.stats import stats
from tokkit.runtime.strings import Strings
from tokkit.views.reports import inspection as reports
from tokkit.views.tables import as_tsv

SPOKEN = {
    "en": ["The film was really good and I liked it", "I WILL NEVER WATCH THIS AGAIN, IT WAS AWFUL"],
    "ko": ["나는 오늘 학교에 갔다", "영화 정말 재미있게 봤습니다"],
    "de": ["Ich habe heute keine Lust auf Kino", "Das war ein wunderbarer Abend mit Freunden"],
    "ja": ["この映画はとてもおもしろかった", "映画は良かった"],
    "ar": ["ذهبت إلى المدرسة اليوم مع أصدقائي وكان الدرس مفيدا"],
    "none": ["😀😀", "123 !!!"],
    "unsure": ["ok"],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SPOKEN.items() for text in texts])
def test_languages_of_texts(code, text):
    assert languages.identifier()(text) == code


def test_languages_of_a_text_in_two_is_the_one_of_most():
    assert languages.identifier()("영화 good 정말 재미있게 봤습니다 very nice") == "ko"


def test_languages_load_neither_pickle_nor_network(monkeypatch):
    def refuse(*arguments, **settings):
        raise AssertionError("asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(f"pickle.{name}", refuse)
    assert languages.identifier.__wrapped__()("Ich habe keine Lust auf Kino") == "de"


@pytest.fixture
def mixed_rows(write):
    rows = [{"text": text, "label": code[0]} for code, texts in SPOKEN.items() for text in texts]
    return write("a.jsonl", "".join(json.dumps(row) + "\n" for row in [*rows, {"text": None, "label": "e"}]))


def test_stats_tells_languages_of_each_split_and_class(mixed_rows):
    languages_of_train = stats(mixed_rows, languages=True).splits["train"]["languages"]
    assert languages_of_train["sampled"] == sum(map(len, SPOKEN.values()))
    assert languages_of_train["rows"] == {code: len(texts) for code, texts in SPOKEN.items()}
    assert list(languages_of_train["rows"]) == ["de", "en", "ja", "ko", "none", "ar", "unsure"]
    assert languages_of_train["by_class"]["e"] == {"en": 2}
    assert stats(mixed_rows).splits["train"]["languages"] is None


def test_stats_command_shows_languages(mixed_rows, capsys):
    assert run(["stats", str(mixed_rows), "--languages", "-q"]) == 0
    printed = capsys.readouterr().out
    assert "# Languages\nsplit\tlanguage\trows\tshare\ntrain\tde\t2\t16.7%\n" in printed
    assert (
        "# Languages by class\nsplit\tlabel\tde\ten\tja\tko\tothers\ntrain\ta\t0.0%\t0.0%\t0.0%\t0.0%\t100.0%"
        in printed
    )


def test_stats_says_what_languages_need(mixed_rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    languages.identifier.cache_clear()
    with pytest.raises(UsageError, match="needs the package py3langid") as caught:
        stats(mixed_rows.with_name("nowhere.csv"), languages=True)
    assert caught.value.hint == "pip install py3langid"


def test_stats_draws_the_same_rows_of_a_table_and_of_batches(write, monkeypatch):
    texts = [text for texts in SPOKEN.values() for text in texts]
    path = write(
        "a.csv", "text,label\n" + "".join(f'"{texts[i * 7 % 12]} {i}",{i % 3}\n' for i in range(600))
    )
    monkeypatch.setattr(row_sample.RowSample.__init__, "__defaults__", (50,))
    whole = stats(path, languages=True)
    monkeypatch.setattr(streaming, "_streamed", lambda *arguments: None)
    assert stats(path, languages=True).as_dict() == whole.as_dict()
    assert whole.splits["train"]["languages"]["sampled"] == 50
    assert "# Languages of sampled rows\n" in as_tsv(reports.stats(whole.as_dict()))


@pytest.mark.parametrize("workers", [1, 3])
def test_row_samples_are_the_same_however_rows_are_shared_out(workers):
    rows = 5000
    texts = Strings.of_list([f"{i} 가" + "나" * (i % 300) for i in range(rows)])
    labels = np.arange(rows, dtype=np.int32)
    samples = [RowSample(100) for _ in range(workers)]
    for first in range(0, rows, 70):
        some = np.arange(first, min(first + 70, rows))
        samples[first % workers].add(some, texts.take(some), labels[some])
    for other in samples[1:]:
        samples[0].absorb(other)
    alone = RowSample(100)
    alone.add(np.arange(rows), texts, labels)
    assert samples[0].rows() == alone.rows()
    labels = [label for _, label in alone.rows()]
    assert len(set(labels)) == 100
    assert 0.4 < np.mean(labels) / rows < 0.6  # from everywhere
    assert all(f"{i} 가{'나' * (i % 300)}".startswith(text) for text, i in alone.rows())
