"""Errors of usage, missing files and existing outputs come before torch is imported, which takes seconds."""

from __future__ import annotations

import json

from tests.test_house import loaded_by

# A command -> its exit code.
WRONG = {
    "finetune nowhere.csv --tokenizer wp -o m": 3,
    "finetune r.csv -o m": 2,
    "finetune r.csv --tokenizer wp -o wp": 4,
    "finetune r.csv --tokenizer wp --group-column author -o m": 2,
    "finetune r.csv --tokenizer wp --folds 3 --validation-data r.csv -o m": 2,
    "finetune r.csv --tokenizer wp --compare head=clss -o m": 2,
    "finetune r.csv --tokenizer wp --validation-data nowhere.csv -o m": 3,
    "finetune no*.csv --tokenizer wp -o m": 3,
    "predict wp nowhere.csv": 3,
    "predict wp r.csv -o x.pkl": 2,
    "predict wp text -o x.csv": 2,
    "predict wp r.csv --top 3": 2,
    "predict wp r.csv -o r.csv": 4,
    "predict wp text --stdin-json": 2,
    "export wp -o wp": 4,
    "export wp -o e --int8 static --openvino": 2,
    "export wp -o e --on nowhere.csv": 3,
    "evaluate wp": 2,
    "evaluate wp nowhere.csv": 3,
    "evaluate wp r.csv -o wp": 4,
    "evaluate wp r.csv --html page.txt": 2,
    "audit r.csv --model wp": 2,
    "audit nowhere.csv --model wp": 3,
    "audit r.csv --model wp -o r.csv": 2,
    "suggest-rows nowhere.csv --model wp": 3,
    "suggest-rows r.csv --model wp -o wp/x.jsonl": 4,
    "compare-runs wp wp": 2,
    "compare-runs wp nowhere": 3,
    "features wp": 2,
    "features wp nowhere.csv": 3,
    "features wp r.csv -o x.csv": 2,
    "features wp r.csv --map x.gif": 2,
    "features wp r.csv --pooling none --probe": 2,
}


def test_what_is_wrong_with_a_call_is_said_before_torch_is_imported(tmp_path):
    (tmp_path / "r.csv").write_text("text,label\na,x\n", encoding="utf-8")
    (tmp_path / "wp").mkdir()
    script = """
import json
from tokkit.cli.main import run
for command, code in json.loads(sys.argv[1]).items():
    assert run(command.split()) == code, command
    assert not {"torch", "transformers", "datasets", "sklearn"} & set(sys.modules), command
loaded()
"""
    loaded_by(script, json.dumps(WRONG), cwd=tmp_path)
