"""Files that other loaders damage, and bad ones, each with the rows or the message that is expected.

A case is a file of `cases`: what is loaded, with which options, and what comes of it.

    about = "what it shows"
    load = "a.csv"                the argument; the only file where it is left out
    options = { sep = ";" }
    [files]                       name -> text, { hex = "e9" }, { repeat = "a", times = 9, compressed = true }
    [expect]
    train = [{ text = "a" }]      rows of each split; a missing value is left out; lists as they are read
    texts, labels, characters     of the text column and the label column of train, "" where missing
    said, silent                  sentences that are said, and parts of sentences that are not
    error, hint                   in full
"""

from __future__ import annotations

import gzip
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Write
from tokkit.data.dataset import ONE
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import TokkitError

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))


def _bytes(content: str | dict[str, Any]) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if "hex" in content:
        return bytes.fromhex(content["hex"])
    data = content["repeat"].encode() * content["times"]
    return gzip.compress(data) if content.get("compressed") else data


def write_files(case: dict[str, Any], write: Write) -> None:
    """Writes the files of a case."""
    for name, content in case["files"].items():
        write(name, _bytes(content))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_data_case(path, write, heard, tmp_path, monkeypatch):
    case = tomllib.loads(path.read_text("utf-8"))
    expected = case["expect"]
    write_files(case, write)
    monkeypatch.chdir(tmp_path)
    source = case.get("load") or next(iter(case["files"]))
    options = DatasetOptions(**case.get("options", {}))
    if "error" in expected:
        with pytest.raises(TokkitError) as caught:
            read_dataset(source, options, heard)
        assert (caught.value.message, caught.value.hint) == (expected["error"], expected["hint"])
        return
    dataset = read_dataset(source, options, heard)
    if rows := {name: expected[name] for name in ("train", "validation", "test") if name in expected}:
        assert _rows(dataset) == rows
    if "texts" in expected:
        assert dataset.texts("train").fill_null("").to_list() == expected["texts"]
        assert dataset.labels("train").fill_null("").to_list() == expected["labels"]
    if "characters" in expected:
        assert dataset.texts("train").str.len_chars().to_list() == expected["characters"]
    said = expected.get("said", [])
    for sentence in [said] if isinstance(said, str) else said:
        assert sentence in heard.sentences
    assert not any(part in heard for part in expected.get("silent", []))


def _rows(dataset):
    return {
        name: [
            {key: value for key, value in row.items() if value is not None}
            for row in (split.frame if dataset.label_kind == ONE else split.original).to_dicts()
        ]
        for name, split in dataset.splits.items()
    }
