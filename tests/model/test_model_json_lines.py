"""`predict --stdin-json`: a line out for each line in, at once; errors as lines; a clean end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tokkit
from tests.docs.pages import DOCS, blocks
from tests.model.test_model_export import same_predictions
from tokkit.model.options.inference_options import PredictOptions
from tokkit.model.prediction.json_lines import responses
from tokkit.model.prediction.predictor import Predictor
from tokkit.progress import SILENT


@pytest.fixture(scope="module")
def predictor(model):
    return Predictor.load(model, PredictOptions(), False, 1, SILENT)


def respond(predictor, *lines):
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return [json.loads(line) for line in responses(encoded, predictor)]


def test_a_line_for_each_line(model, predictor):
    texts = ["at home i feel glad", "", "슬프다"]
    expected = tokkit.predict(model, texts).predictions
    lines = respond(predictor, *({"text": text, "id": number} for number, text in enumerate(texts)))
    assert [line.pop("id") for line in lines] == [0, 1, 2]
    same_predictions(lines, expected)
    (several,) = respond(predictor, {"texts": texts, "id": None})
    assert several.pop("id", 1) is None
    same_predictions(several["predictions"], expected)
    assert respond(predictor, {"texts": []}) == [{"predictions": []}]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "line 1: is not valid JSON"),
        (b"\xff{}", "line 1: is not valid JSON"),
        (b"[" * 100_000, "line 1: is not valid JSON"),
        (b'["a"]', "line 1: holds no JSON object"),
        ({"id": 3}, 'line 1: has neither "text" nor "texts"'),
        ({"id": 3, "text": None}, 'line 1: "text" is not a text'),
        ({"text": 5}, 'line 1: "text" is not a text'),
        ({"text": "a", "pair": 5}, 'line 1: "pair" is not a text'),
        ({"texts": "a"}, 'line 1: "texts" is not a list of texts'),
        ({"texts": ["a", None]}, 'line 1: "text" is not a text'),
    ],
)
def test_an_error_is_a_line_and_the_next_is_predicted(predictor, line, error):
    wrong, right = respond(predictor, line, {"text": "glad"})
    assert wrong["error"].startswith(error)
    assert wrong.get("id") == (line.get("id") if isinstance(line, dict) else None)
    assert "label" in right


@pytest.fixture
def process(exported):
    command = [
        sys.executable,
        "-m",
        "tokkit",
        "predict",
        str(exported[1]),
        "--stdin-json",
        "-q",
        "--threads",
        "1",
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env={**os.environ, "HF_HUB_OFFLINE": "1"}) as started:
        yield started
        started.kill()


def ask(process, request):
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def test_responses_are_written_at_once_until_the_input_ends(process):
    assert ask(process, {"text": "glad", "id": "a"})["id"] == "a"
    assert "error" in ask(process, {"id": "b"})
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.long
def test_ctrl_c_ends_it_cleanly(process):
    ask(process, {"text": "glad"})
    process.send_signal(signal.SIGINT)
    # with its input still open: at the end of it, there is nothing left to interrupt
    process.wait(timeout=60)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert err == b"error: interrupted; every complete line before was answered\n"


_ASGI = """
import asyncio, json
import app

async def post(body):
    sent = []
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b"",
             "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "root_path": ""}
    await app.app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])

async def main():
    bodies = [b'{"text": "glad",\\n "id": 1}', b'{"id": 2}', b'{"text": "sad", "id": 3}']
    print(json.dumps(await asyncio.gather(*map(post, bodies))))
    app.model.stdin.close()
    app.model.wait()

asyncio.run(main())
"""


@pytest.mark.long
def test_the_server_of_the_documentation(exported, tmp_path):
    """The block of docs/how-to/export.md, by the protocol that servers speak, three requests at once."""
    shutil.copytree(exported[1], tmp_path / "exported")
    (code,) = [block.code for block in blocks(DOCS / "how-to" / "export.md") if block.language == "python"]
    (tmp_path / "app.py").write_text(code, encoding="utf-8")
    (tmp_path / "tokkit").write_text(f'#!/bin/sh\nexec {sys.executable} -m tokkit "$@"\n', encoding="utf-8")
    (tmp_path / "tokkit").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '.')\n{_ASGI}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (first, wrong, third) = json.loads(done.stdout)
    assert (first[0], first[1]["id"], wrong[0], wrong[1]["id"]) == (200, 1, 400, 2)
    assert (third[0], third[1]["text"]) == (200, "sad")


def test_nothing_else_is_read(model, capfd):
    from tokkit.cli.main import run

    for arguments in (["a text"], ["-o", "x.csv"], ["--top", "2"], ["--text-column", "t"]):
        assert run(["predict", str(model), "--stdin-json", *arguments]) == 2
        assert "--stdin-json: reads JSON objects from standard input" in capfd.readouterr().err
