"""Every command says the same about the same file: the same rows, or the same error."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.data.test_data_cases import CASES, write_files
from tests.inspection.inspection_tokenizers import saved, word_piece
from tokkit.corpus.chunks import texts_of
from tokkit.corpus.feed import CorpusOptions, items, plan
from tokkit.data.cleaning.clean import clean
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.data.splitting.split import split
from tokkit.errors import TokkitError
from tokkit.inspection.compare import compare
from tokkit.inspection.doctor import doctor
from tokkit.inspection.stats import stats
from tokkit.sources.formats import delimited


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return saved(word_piece("abcdefghijklmnopqrstuvwxyz"), tmp_path_factory.mktemp("tokenizer"))


def _outcome(work, *arguments, **options):
    """What work gives, and the message and hint of the error that it raises."""
    try:
        return work(*arguments, **options), None
    except TokkitError as error:
        return None, (error.message, error.hint)


OTHER_FORMATS = (".json", ".jsonl", ".ndjson", ".parquet", ".arrow", ".feather", ".conll", ".conllu", ".xlsx")

LARGE = ("decompression-bomb", "huge-line")

# Of several splits in a file a corpus wants one named; of spans a data set has the tokens as text.
OTHER_TEXTS = ("json-of-splits", "spans-offsets")


def both_readers(paths):
    """Each case, and once more with lines that are cut instead of parsed where it has a delimited file."""
    for path in paths:
        marks = [pytest.mark.long] if path.stem in LARGE else []
        yield pytest.param(path, False, id=f"{path.stem}-parsed", marks=marks)
        files = tomllib.loads(path.read_text("utf-8"))["files"]
        if any(Path(name).suffix not in OTHER_FORMATS for name in files):
            yield pytest.param(path, True, id=f"{path.stem}-cut", marks=marks)


@pytest.mark.parametrize(("path", "large"), both_readers(CASES))
def test_commands_agree_on_rows_and_errors(path, large, write, tmp_path, monkeypatch, tokenizer):
    case = tomllib.loads(path.read_text("utf-8"))
    write_files(case, write)
    monkeypatch.chdir(tmp_path)
    if large:
        monkeypatch.setattr(delimited, "LARGE", 0)
    source = case.get("load") or next(iter(case["files"]))
    options = DatasetOptions(**case.get("options", {}))
    dataset, error = _outcome(read_dataset, source, options)
    statistics, stats_error = _outcome(stats, source, options=options)
    assert stats_error == error
    commands = {
        "split": lambda: split(source, tmp_path / "split-out", read_options=options, folds=2),
        "clean": lambda: clean(source, read_options=options, dry_run=True),
        "rebalance": lambda: rebalance(source, read_options=options, dry_run=True, strategy="oversample"),
        "doctor": lambda: doctor(tokenizer, data=source, options=options),
        "compare": lambda: compare([tokenizer], source, read_options=options),
        "finetune": lambda: read_dataset(source, options),
    }
    if error is not None:
        lists = "holds lists" in error[0]  # which are labels for finetune
        for name, work in commands.items():
            if name != "finetune" or not lists:
                assert _outcome(work)[1] == error, name
        return
    frames = {name: part.frame for name, part in dataset.splits.items()}
    assert {name: part["rows"] for name, part in statistics.splits.items()} == {
        name: frame.height for name, frame in frames.items()
    }
    for name, frame in frames.items():
        assert statistics.splits[name]["missing"] == {
            column: frame[column].null_count() for column in frame.columns
        }
        texts = frame[dataset.text_column].drop_nulls()
        assert statistics.splits[name]["lengths"]["characters"]["total"] == texts.str.len_chars().sum()
    cleaned, _ = _outcome(commands["clean"])
    assert cleaned is None or cleaned.rows_before == sum(frame.height for frame in frames.values())


@pytest.mark.parametrize(
    ("path", "large"), both_readers(path for path in CASES if "options" not in path.read_text("utf-8"))
)
def test_corpora_hold_the_texts_of_the_data_set(path, large, write, tmp_path, monkeypatch):
    case = tomllib.loads(path.read_text("utf-8"))
    write_files(case, write)
    monkeypatch.chdir(tmp_path)
    if large:
        monkeypatch.setattr(delimited, "LARGE", 0)
    source = Path(case.get("load") or next(iter(case["files"])))
    if not source.is_file():
        return
    dataset, error = _outcome(read_dataset, source)

    def texts():
        corpus = plan([source], CorpusOptions())
        read = [text for texts_of_item in items(corpus) for text in texts_of_item]
        # the columns for kernels hold the same texts; a long line is cut within
        columns = [text for rows, _ in texts_of(corpus) for text in rows.to_list()]
        assert "".join(columns) == "".join(read)
        assert corpus[0].column is None or [*filter(None, columns)] == [*filter(None, read)]
        return read

    read_texts, corpus_error = _outcome(texts)
    if error is not None and corpus_error is not None:
        assert corpus_error[0] == error[0]
    elif error is None and path.stem not in OTHER_TEXTS:
        assert [text.rstrip("\r\n") for text in read_texts if text.strip()] == [
            text for text in dataset.texts(next(iter(dataset.splits))).drop_nulls() if text.strip()
        ]
