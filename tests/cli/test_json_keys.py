"""The keys of every ``--json``: those in `json_keys.json` stay, at every depth; others may be added.

A path such as ``splits.*.rows`` has ``*`` for the keys of a mapping, such as labels or names of splits, and
``[]`` for the items of a list.
"""

from __future__ import annotations

import io
import json
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.model.conftest import sentences, write_csv
from tokkit.cli.main import COMMANDS, run
from tokkit.data.row_hash import row_hash

CONTRACT = json.loads(Path(__file__).with_name("json_keys.json").read_text("utf-8"))

# Keys whose value maps labels, names of splits, folders, tokens or lengths to something.
MAPPINGS = {
    *("after", "before", "by_class", "by_script", "by_split", "classes", "dropped", "ids", "left_out"),
    *("leaks", "models", "probabilities", "repaired", "special", "splits", "tokenizers", "truncated"),
    *("thresholds", "weights", "missing", "roles", "scripts", "languages", "skipped", "columns"),
}

TRAINED = "--epochs 1 --size tiny --threads 1"
LINES = [
    "train-wordpiece corpus.txt -o wp --vocab-size 200",
    "train-bpe corpus.txt -o bpe --vocab-size 300",
    "train-unigram corpus.txt -o unigram --vocab-size 200",
    "train-word corpus.txt -o word --vocab-size 100",
    "train-char corpus.txt -o char --vocab-size 100",
    "count corpus.txt -o counts",
    "merge-counts counts -o merged",
    "blocks",
    "tokenize wp 'so happy'",
    "wrap wp -o wrapped",
    "compare wp bpe --on one.csv",
    "suggest-tokens wp domain.txt",
    "add-tokens wp --special [X] --special [SEP] --token merry -o added",
    "trim wp --to corpus.txt -o trimmed",
    "stats data --tokenizer wp --near",
    "stats one.csv",
    "explore data --tokenizer wp -o page.html",
    "clean one.csv -o clean.csv",
    "split one.csv -o split",
    "rebalance one.csv -o balanced.csv",
    "encode data --tokenizer wp -o ids",
    "encode data --tokenizer wp -o packed --pack 64",
    f"finetune data --tokenizer wp -o model {TRAINED}",
    f"finetune one.csv --tokenizer wp -o folds --folds 2 {TRAINED}",
    f"finetune tags.conll --tokenizer wp -o tagger {TRAINED} --epochs 12 --lr 3e-3",
    f"finetune several.jsonl --tokenizer wp -o several {TRAINED}",
    "doctor wp --data foreign.csv",
    "evaluate model data",
    "evaluate model folds data",
    "evaluate tagger tags.conll",
    "evaluate several several.jsonl",
    "predict model data",
    "predict tagger 'Kim7 is in Seoul'",
    "features model data -o vectors.parquet --probe",
    "features model one.csv -o one.parquet",
    "audit one.csv --model folds -o review.jsonl --rows 5",
    "audit one.csv --model folds --features one.parquet --rows 5",
    "suggest-rows pool.txt --model model --budget 3 -o to-label.jsonl",
    "clean pool.txt -o labeled.csv --apply filled.jsonl",
    "compare-runs model folds --on data",
    "card model --license mit",
    "card model --check",
    "push wp ada/wp --dry-run",
    "reproduce split",
]
# `find-datasets` needs a hub, which its own tests have.
# Those of export are in tests/model/test_model_export.py: a second export would take ten seconds.
WITHOUT_JSON = {"export", "demo", "find-datasets"}


def paths(value, path=""):
    """The path of every key; those of all items of a list, and of all values of a mapping, together."""
    if isinstance(value, list):
        return {found for item in value for found in paths(item, f"{path}[]")}
    if not isinstance(value, dict):
        return set()
    mapping = path.rpartition(".")[2].rstrip("[]") in MAPPINGS
    of_keys = {key: f"{path}.{'*' if mapping else key}".lstrip(".") for key in value}
    return {*of_keys.values()} | {found for key in value for found in paths(value[key], of_keys[key])}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Line -> what it prints."""
    here = tmp_path_factory.mktemp("keys")
    (here / "data").mkdir()
    for name, rows, seed in (("train", 60, 1), ("validation", 20, 2), ("test", 20, 3)):
        write_csv(here / "data" / f"{name}.csv", sentences(rows, seed))
    write_csv(here / "one.csv", [*sentences(60, 1), *sentences(3, 1), ("a&amp;b <br> c", "joy"), ("", "joy")])
    write_csv(here / "foreign.csv", [(f"東京で寿司を食べる {i}", "ab"[i % 2]) for i in range(60)])
    texts = [text for text, _ in sentences(60, 1)]
    (here / "corpus.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8")
    (here / "pool.txt").write_text("".join(f"{text}\n" for text, _ in sentences(40, 4)), "utf-8")
    decision = {"split": "train", "row": 0, "decision": "relabel", "new_label": "joy", "reason": "clear"}
    (here / "filled.jsonl").write_text(
        json.dumps({**decision, "hash": row_hash(sentences(40, 4)[0][0], None)}), "utf-8"
    )
    (here / "domain.txt").write_text("myocardial infarction again\n" * 30, "utf-8")
    tagged = "Kim{0} B-PER\nis O\nin O\nSeoul B-LOC\n\nshe O\nis O\nglad{0} O\n\n"
    (here / "tags.conll").write_text("".join(map(tagged.format, range(20))), "utf-8")
    rows = [{"text": text, "labels": [["x"], ["y", "x"], []][i % 3]} for i, text in enumerate(texts)]
    (here / "several.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    printed = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for line in LINES:
            with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as out:
                code = run([*shlex.split(line), "--json", "-q"])
                printed[line] = code, out.buffer.getvalue().decode("utf-8")
    return printed


def test_every_command_is_here():
    assert {line.split()[0] for line in LINES} == set(COMMANDS) - WITHOUT_JSON
    assert list(CONTRACT) == LINES


@pytest.mark.parametrize("line", LINES)
def test_json_has_the_keys_that_it_had(results, line):
    code, printed = results[line]
    assert code == 0, line
    result = json.loads(printed)
    assert list(result.items())[:2] == [("schema", 1), ("command", line.split()[0])]
    assert sorted(set(CONTRACT[line]) - paths(result)) == []
