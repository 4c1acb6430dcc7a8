"""Every hint with a command is provoked here, and its commands are pasted.

A line of `PROVOKED` or `SLOW` is a command that fails; one of `FINDINGS` finds something. The commands that
their hints and fixes name are run as they are printed, in the same folder. `templates` reads from the source
which hints there are, so that one to which no line leads is found.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import click
import polars
import pytest
import sentencepiece

import tokkit
from tests.model.encoders import body_folder
from tokkit.cli import hints, main
from tokkit.data.row_hash import row_hash
from tokkit.errors import TokkitError
from tokkit.sources import streams

PACKAGE = Path(tokkit.__file__).parent

TRAIN = "--epochs 1 --size tiny --max-length 16 --baseline none --threads 1 -o trained"
DIVERGES = f"finetune rows.csv --tokenizer wp {TRAIN} --epochs 9 --lr 1e30 --warmup-ratio 0.99"
PROVOKED = """
tokenize wp
train-wordpiece headless.csv
clean dirty.conll -o c.jsonl
clean rows.csv -o c.csv --min-words 99
clean rows.csv -o c.csv --apply changed.jsonl
clean rows.csv -o c.csv --apply new.jsonl
rebalance unlabeled.csv -o q.csv
rebalance lines.txt -o p.csv
stats lists.jsonl --text-column text --label-column tags
stats spellings.csv
clean rows.csv
rebalance data -o o --leaks refuse
rebalance rows.csv -o o.csv --beta 0.5
rebalance rows.csv -o o.csv --strategy smote
rebalance many.csv -o o.csv --strategy condensed
split rows.csv -o s --validation 0.5 --test 0.5
split rows.csv -o s --test 0.5 --stable --validation 5
split rows.csv -o s --group-column label
split five.csv -o s --folds 9
split rows.csv -o existing
split rows.csv
card carded
card badcard
compare --on rows.csv
stats rows.csv --label-column lable
stats rows.csv --sort textt
encode rows.csv --tokenizer wp -o e --output-format numpy
encode rows.csv --tokenizer wp -o e --output-format arrow --pack 64
stats rows.csv --plot lengths.bmp
clean rows.csv -o cleaned.pkl
clean rows.csv -o cleaned.conllu
clean rows.csv -o 'cleaned rows.csv' --output-format jsonl
stats semicolons.txt --sep ,
stats numbers.csv --text-column 7
stats objects.jsonl
stats rows.csv --text-column text --label-column text
stats csv.parquet
stats tokens.conll
stats tags.conll --names a,b,c
stats quotes.csv
stats returns.csv
stats title.csv
stats headless.csv
stats list.jsonl
stats several.json
stats inside.json
stats several.json --field nothere
stats parquet.txt
stats arrow.txt
stats nowhere.csv
stats only.jsonl
tokenize doubled text
stats 'no*.csv'
stats latin.csv
train-bpe wide.txt
train-bpe mostly.txt
stats nul.txt
train-bpe rows.csv --normalizer nfcc
blocks nfcc
train-wordpiece rows.csv --post-processor 'bert:sep=[X]'
trim wp --to rows.csv --vocab-size 6 -o small
train-wordpiece rows.csv --suffix x
train-bpe rows.csv --limit-alphabet 100
train-wordpiece rows.csv --from bpe
""".strip().splitlines()
# Line -> the prose of its hint; the commands are pasted in a test that takes a minute.
SLOW = {
    "rebalance same.csv -o o.csv --strategy enn": "sample at random (--max-per-class), or clean less:",
    "add-tokens stale --token river -o more": "repair the ids of its template:",
    "add-tokens model --token zebra -o more --sample rows.csv": (
        "edit both, or name its tokenizer.json to edit that alone:"
    ),
    "trim model --to rows.csv -o less": "edit both, or name its tokenizer.json to edit that alone:",
    "features model rows.csv -o f.csv": "end its name so:",
    "wrap models -o w": "name one:",
    "wrap models/a.model --cls-token '[CLS]' -o w": "add it:",
    "evaluate model": "name a model and a data set:",
    "evaluate model rows.csv --split test": "make train, validation and test:",
    "predict model rows.csv --top 9 -o p.csv": "at most:",
    "predict model": "for example:",
    "predict model rows.csv --backend onnxruntime": "export it first:",
    "predict model rows.csv --prefix p_": "write a file:",
    "predict model named.csv -o p.csv": "begin the added names with model_:",
    "features model splits.csv -o f.parquet": "give theirs another name:",
    "features model rows.csv --pooling none --probe": "the mean of the tokens:",
    "features model rows.csv --layer 99": "the last is:",
    "features electra rows.csv --pooling pooler": "take the vector of the first token, or the mean:",
    f"finetune rows.csv --model electra --head pooler {TRAIN}": (
        "read the state of the first token, from which a pooler would be computed:"
    ),
    DIVERGES: "a lower rate:",
    f"{DIVERGES}; finetune rows.csv --tokenizer wp {TRAIN} --epochs 2": (
        "discard it, or continue from it anyway:"
    ),
    "features vectors.parquet -o x.parquet": "leave -o out, and probe them:",
    "features model twelve.csv -o f.parquet --map m.png": "fewer neighbors:",
    f"finetune rows.csv --tokenizer wp --group-column author {TRAIN}": "make folds:",
    f"finetune rows.csv --tokenizer wp --max-length 9999 {TRAIN.replace('--max-length 16 ', '')}": "at most:",
    f"finetune rows.csv --tokenizer wp --device cuda:9 {TRAIN}": "take what there is:",
    f"finetune several.jsonl --tokenizer wp --loss logit-adjusted {TRAIN}": "choose one:",
    f"finetune tags.conll --tokenizer wp --head mean {TRAIN}": "the head of a token classifier:",
    f"finetune rows.csv --tokenizer wide --model model {TRAIN}": (
        "leave --tokenizer out to use the model's own, which add-tokens extends, or initialize new "
        "embeddings for this one:"
    ),
    f"finetune tags.conll --tokenizer wp --task single-label {TRAIN}": "as they are:",
    f"finetune rows.csv --tokenizer wp --task regression {TRAIN}": (
        "name another column (--label-column), or learn names:"
    ),
    f"finetune decimals.csv --tokenizer wp --task regression {TRAIN}": "read decimal commas:",
    "evaluate model moods.csv": "give them the names of the model:",
    f"finetune rows.csv --tokenizer wp --precision fp16 {TRAIN}": "what the device can:",
    f"finetune rows.csv --tokenizer wp {TRAIN.replace('none', 'probe')}": "a baseline of words:",
    f"finetune tags.conll --tokenizer wp {TRAIN.replace('none', 'probe')}": "a baseline of words:",
    f"finetune ids --tokenizer wp {TRAIN.replace('none', 'bag-of-words')}": "without it:",
    f"finetune rows.csv --tokenizer wp --resume existing {TRAIN}": "start over:",
    f"finetune several.jsonl --tokenizer wp --sampler balanced {TRAIN}": "take rows as they are:",
    f"finetune rows.csv --model model --freeze 99 {TRAIN}": "freeze all:",
    f"finetune rows.csv --tokenizer wp --lr 1e9 {TRAIN}": "a lower rate:",
    f"finetune rows.csv --model folds {TRAIN}": "the first, for example:",
    f"finetune oneclass.csv --tokenizer wp {TRAIN}": (
        "look at the labels, or name another column (--label-column):"
    ),
    f"finetune rows.csv --tokenizer wp --class-weights none.json {TRAIN}": (
        "compute them from the training rows:"
    ),
    f"finetune rows.csv --tokenizer wp --class-weights some.json {TRAIN}": (
        "compute them from the training rows:"
    ),
    "finetune --like folds/fold-1 -o again": "repeat all of them:",
    "finetune --like compared -o again": "repeat one:",
    f"finetune rare.csv --tokenizer wp --folds 2 {TRAIN}": "more rows of it, or none:",
}
FINDINGS = """
stats data
stats findings.csv --tokenizer wp
stats minus.csv
doctor wp --data rows.csv
card parted --check
card wp --check
""".strip().splitlines()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the lines name, which is the current one."""
    folder = tmp_path_factory.mktemp("hints")
    words = ["good", "bad", "day", "night", "river", "house"]
    rows = [
        (f"a {words[i % 6]} {words[i * 5 % 6]} number {i}", "joy" if i % 2 else "anger", "uvwxyz"[i // 2 % 6])
        for i in range(24)
    ]
    table = "text,label,author\n" + "".join(",".join(row) + "\n" for row in rows)
    jsonl = [{"text": text, "label": label} for text, label, _ in rows]
    decision = {"split": "train", "row": 0, "hash": row_hash(*rows[0][:2])}
    decision |= {"decision": "relabel", "new_label": "awe"}
    written = {
        "rows.csv": table,
        "five.csv": "".join(table.splitlines(True)[:6]),
        "twelve.csv": "".join(table.splitlines(True)[:13]),
        "headless.csv": "".join(f"{text},{label}\n" for text, label, _ in rows),
        "unlabeled.csv": "text,remark\n"
        + "".join(f"{text},about {i * i} of {text[::-1]}\n" for i, (text, _, _) in enumerate(rows)),
        "lines.txt": "".join(f"{text};{label}\n" for text, label, _ in rows),
        "table.txt": table,
        "semicolons.txt": table.replace(",", ";"),
        "numbers.csv": "a,b\n1,2\n3,4\n",
        "dirty.conll": "Kim\u200b B-PER\nsees O\n\nSeoul B-LOC\n",
        "tags.conll": "".join(f"Kim{i} B-PER\nsees O\n\nSeoul{i} B-LOC\nis O\n\n" for i in range(12)),
        "tokens.conll": "Kim\nsees\n\nSeoul\n",
        "spellings.csv": "text,label\na b,1\nc d,true\ne f,0\ng h,false\n",
        "same.csv": "text,label\n" + "".join(f"same words,{label}\n" for label in "aab" * 10 + "c"),
        "many.csv": "text,label\n" + "".join(f"w{i % 9},{'ab'[i % 2]}\n" for i in range(5001)),
        "data/train.csv": table,
        "data/test.csv": "".join(table.splitlines(True)[:9]),
        "existing/tokkit.json": "{}",
        "changed.jsonl": json.dumps({**decision, "hash": "0" * 16}),
        "new.jsonl": json.dumps(decision),
        "lists.jsonl": '{"text": ["Kim", "sees"], "tags": ["B-PER", "O"]}\n' * 4,
        "nested.jsonl": '{"text": "a b", "label": "x", "more": {}}\n' * 9,
        "objects.jsonl": '{"text": {"body": "a b"}, "label": "x"}\n' * 9,
        "several.jsonl": "".join(
            json.dumps({"text": text, "labels": [["x", "y"], ["x"], ["y"]][i % 3]}) + "\n"
            for i, (text, _, _) in enumerate(rows)
        ),
        "csv.parquet": table,
        "quotes.csv": 'text,label\n"an open quote,joy\n' + "a b,joy\n" * 3,
        "returns.csv": "text,label\na b\rc d,joy\n" + "e f,joy\n" * 3,
        "title.csv": "My rows,,\n" + "".join(table.splitlines(True)[1:]),
        "only.jsonl": '{"a": 1, "b": 2}\n' * 9,
        "list.jsonl": json.dumps(jsonl),
        "several.json": json.dumps({"a": jsonl, "b": jsonl}),
        "inside.json": json.dumps({"meta": {"n": 1}, "deep": {"rows": jsonl}}),
        "nul.txt": "a b\nc\0d\n",
        "named.csv": table.replace("author", "predicted"),
        "splits.csv": table.replace("author", "split"),
        "decimals.csv": "text;label\n" + "".join(f"{text};{i},5\n" for i, (text, _, _) in enumerate(rows)),
        "moods.csv": table.replace("joy", "joyy"),
        "oneclass.csv": "text,label\n" + "a b,x\nc d,x\n" * 9,
        "some.json": '{"joy": 1}',
        "none.json": "[]",
        "rare.csv": table + "a rare one,rare,x\n",
        "minus.csv": "text,label\n"
        + "".join(f"{text},{[-1, 0, 2][i % 3]}\n" for i, (text, _, _) in enumerate(rows)),
        "findings.csv": "text,label\n"
        + "".join(f"<b>{text}</b>,{'Joy' if i % 2 else 'joy'}\n" for i, (text, _, _) in enumerate(rows))
        + "caf\u00c3\u00a9 \u200b한국어,anger\n" * 3
        + "caf\u00c3\u00a9 \u200b한국어,joy\n",
    }
    for name, content in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8", newline="")
    (folder / "latin.csv").write_bytes(table.replace("good", "großes").encode("cp1252"))
    (folder / "wide.txt").write_bytes(table.encode("utf-16"))
    (folder / "mostly.txt").write_bytes(
        ("한국어 좋아요\n" * 30).encode() + b"\xff\xfe \x81\n" + "한국어\n".encode()
    )
    (folder / "damaged.csv").write_bytes(table.replace("good", "großes").encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "stdin", None)
        for line in (
            "train-wordpiece rows.csv -o wp --vocab-size 120",
            "train-wordpiece rows.csv -o wide --vocab-size 200 --min-frequency 1",
            "train-bpe rows.csv -o bpe --vocab-size 280",
            "train-unigram rows.csv -o unigram --vocab-size 60",
        ):
            code, _, errors = run(line)
            assert code == 0, errors
        _write_others(folder)
        yield folder


@pytest.fixture(scope="module")
def with_models(here: Path) -> Path:
    """The folder with models in it, too."""
    body_folder("electra", here / "electra", vocab_size=120)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(here / "wp" / name, here / "electra")
    for line in (
        f"finetune rows.csv --tokenizer wp {TRAIN} -o model",
        f"finetune several.jsonl --tokenizer wp {TRAIN} -o several",
        f"finetune rows.csv --tokenizer wp --folds 2 {TRAIN} -o folds",
        f"finetune rows.csv --tokenizer wp --compare head=cls,mean {TRAIN} -o compared",
        "features model rows.csv -o vectors.parquet",
        "encode rows.csv --tokenizer wp -o ids",
    ):
        code, _, errors = run(line)
        assert code == 0, errors
    return here


def _write_others(folder: Path) -> None:
    """Files and folders that are not written as text."""
    polars.DataFrame({"text": ["a b", "c d"]}).write_parquet(folder / "parquet.txt")
    polars.DataFrame({"text": ["a b", "c d"]}).write_ipc(folder / "arrow.txt")
    for name, change in (("stale", _put_stale_ids), ("doubled", _double_an_id)):
        shutil.copytree(folder / "wp", folder / name)
        (folder / name / "tokkit.json").unlink()
        content = json.loads((folder / "wp" / "tokenizer.json").read_text("utf-8"))
        change(content)
        (folder / name / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    tokkit.split(folder / "rows.csv", folder / "parted", validation=0.2, test=0)
    tokkit.card(folder / "parted")
    for name, content in (("carded", "# Mine\n"), ("badcard", "---\ntags: [\n---\n# Mine\n")):
        shutil.copytree(folder / "parted", folder / name)
        (folder / name / "README.md").write_text(content, "utf-8")
    (folder / "models").mkdir()
    for name in "ab":
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter((folder / "rows.csv").read_text("utf-8").splitlines()),
            model_prefix=str(folder / "models" / name),
            vocab_size=60,
            hard_vocab_limit=False,
            minloglevel=2,
        )


def _put_stale_ids(content: dict) -> None:
    content["post_processor"]["special_tokens"]["[SEP]"]["ids"] = [17]


def _double_an_id(content: dict) -> None:
    ids = content["model"]["vocab"]
    ids[list(ids)[-1]] = ids[list(ids)[-2]]


def copy_of(folder: Path, name: Path) -> Path:
    """A folder with the same files, hard links, next to it."""
    shutil.copytree(folder, name, copy_function=os.link)
    return name


def run(line: str) -> tuple[int, str, str]:
    """Exit code and what a command prints, as it would be pasted."""
    words = shlex.split(line)
    if words[0] == "tokkit":
        words = words[1:]
    elif words[0] not in main.COMMANDS:
        done = subprocess.run(line, shell=True, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())) as output, redirect_stderr(io.StringIO()) as errors:
        code = main.run(words)
    output.flush()
    output.buffer.seek(0)
    return code, output.buffer.read().decode(), errors.getvalue()


@dataclass(frozen=True)
class Provoked:
    """What a line printed, and the hints as they were raised."""

    code: int
    errors: str
    hints: list[str]

    @property
    def commands(self) -> list[str]:
        """The commands below the hint of the error."""
        _, _, hint = self.errors.partition("\nhint:")
        return [line.strip() for line in hint.splitlines() if hints.is_command(line.strip())]


def provoke(line: str) -> Provoked:
    *before, line = line.split("; ")
    for earlier in before:
        run(earlier)
    raised: list[str] = []
    created = TokkitError.__init__

    def keeping(self, message, hint=None):
        created(self, message, hint)
        raised.append(hint or "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TokkitError, "__init__", keeping)
        code, output, errors = run(line)
    if output.startswith("{"):
        raised += [finding["fix"] for finding in json.loads(output)["findings"]]
    return Provoked(code, f"\n{errors}", raised)


def check_pasted(line: str, here: Path, tmp_path: Path) -> Provoked:
    """Run a line, and all commands that it names, each in a copy of the folder."""
    with contextlib.chdir(copy_of(here, tmp_path / "0")):
        provoked = provoke(line)
    assert provoked.code in (2, 3, 4), provoked
    assert provoked.commands, provoked.errors
    for number, command in enumerate(provoked.commands, 1):
        # What one command writes, the next one may name.
        folder = tmp_path / f"{number - 1}"
        if " wrapped/" not in command or number == 1:
            folder = copy_of(here, tmp_path / f"{number}")
        with contextlib.chdir(folder):
            code, _, errors = run(command)
            # `doctor` finds what the hint says that it finds.
            assert code == (1 if "tokkit doctor" in command else 0), f"{command}\n{errors}"
    return provoked


def check_fixes(line: str, here: Path, tmp_path: Path) -> Provoked:
    """The same of the commands of findings."""
    with contextlib.chdir(copy_of(here, tmp_path / "0")):
        provoked = provoke(f"{line} --json")
    lines = [line for fix in provoked.hints for line in fix.split("\n")]
    for number, command in enumerate(filter(hints.is_command, dict.fromkeys(lines)), 1):
        with contextlib.chdir(copy_of(here, tmp_path / f"{number}")):
            code, _, errors = run(command)
            assert code == 0, f"{command}\n{errors}"
    return provoked


COMMAND = re.compile(r"--?[a-z\0]|(tokkit|ls|cp|tr|file|fold|iconv|tail)\b")


@functools.cache
def strings() -> tuple[tuple[str, str], ...]:
    """Place and text of every string of the package but docstrings, NUL where a value is put in."""
    return tuple(_strings())


def _strings() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        nodes = list(ast.walk(tree))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        parts |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if id(node) not in parts and isinstance(node, ast.Constant | ast.JoinedStr):
                values = node.values if isinstance(node, ast.JoinedStr) else [node]
                texts = [getattr(value, "value", None) for value in values]
                text = "".join(text if isinstance(text, str) else "\0" for text in texts)
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", re.sub(r"\{\w+\}", "\0", text)


def templates() -> Iterator[tuple[str, str]]:
    """Place and pattern of every hint that names a command below its prose."""
    for place, text in strings():
        if "{" not in text and any(map(COMMAND.match, text.split("\n")[1:])):
            yield place, ".*".join(map(re.escape, text.split("\0")))


# Hints that take too much to provoke, as they are raised: 256 MB without a line end, no memory left, a GPU.
RAISED = {
    "train-bpe rows.csv": str(streams.line_too_long(Path(__file__)).hint).replace(__file__, "rows.csv"),
    f"finetune rows.csv --tokenizer wp {TRAIN}": (
        "fewer at once give the same result to rounding:\n--tokens-per-batch 32"
    ),
    f"finetune rows.csv --tokenizer wp {TRAIN} --precision bf16": "16 bits that it does:\n--precision fp16",
    # which of two options, no command can know
    "export model -o e --on rows.csv --openvino --int8 dynamic": "leave one of them out",
    # run as they are printed by `test_model_several_processes`
    f"finetune rows.csv --tokenizer wp {TRAIN} --gpus 2": "on the CPU:\n--processes 2",
    f"finetune rows.csv --tokenizer wp {TRAIN} --gpus 8": "what there is:\n--gpus 2",
}


@pytest.fixture(scope="module")
def reached() -> list[str]:
    """The hints and fixes of all lines that were run."""
    return []


@pytest.mark.parametrize("line", PROVOKED)
def test_the_commands_of_a_hint_work_when_pasted(line, here, reached, tmp_path):
    reached += check_pasted(line, here, tmp_path).hints


@pytest.mark.parametrize("line", FINDINGS)
def test_the_commands_of_a_finding_work_when_pasted(line, here, reached, tmp_path):
    reached += check_fixes(line, here, tmp_path).hints


@pytest.mark.parametrize("line", RAISED)
def test_the_commands_of_a_hint_that_takes_too_much_are_commands(line):
    name, *arguments = shlex.split(line)
    command = main.tokkit.get_command(click.Context(main.tokkit), name)
    _, *lines = hints.lines(RAISED[line], command, arguments)
    for words in map(shlex.split, lines):
        if words[0] == "tokkit":
            assert command.make_context(name, words[2:]).params
        else:
            assert shutil.which(words[0])


@pytest.mark.long
@pytest.mark.parametrize("line", SLOW)
def test_the_commands_of_a_slow_hint_work_when_pasted(line, with_models, tmp_path):
    provoked = check_pasted(line, with_models, tmp_path)
    assert provoked.hints[-1].partition("\n")[0] == SLOW[line]


def test_every_hint_of_the_source_is_provoked(here, reached):
    if len(reached) < len(PROVOKED):
        pytest.skip("the tests above were run by another process, or not at all")
    known = [*reached, *RAISED.values()]
    missing = [
        place
        for place, pattern in templates()
        if not any(re.search(pattern, hint, re.DOTALL) for hint in known)
        and not any(re.fullmatch(pattern.partition("\\\n")[0], prose) for prose in SLOW.values())
    ]
    # the fixes of doctor are pasted by its own tests, and `main` prints the hint of an internal error
    assert [place for place in missing if not place.startswith(("inspection/checks/", "cli/main.py"))] == []


def test_a_hint_of_pip_names_a_package_that_is_known():
    known = (PACKAGE.parent / "pyproject.toml").read_text("utf-8")
    for _, text in strings():
        for line in re.findall(r"^pip install (?:--[a-z-]+ )*(.*)$", text, re.MULTILINE):
            assert "\0" in line or f'"{line}' in known


def test_a_hint_names_commands_below_its_prose_only():
    """A command within a sentence is no line to paste; an option may be named there, without a value."""
    in_prose = re.compile(r"\btokkit (?!demo)[a-z]+-?[a-z]* \S|--[a-z-]+ (?!out\b|or\b|and\b)[A-Z\0]")
    wrong = [
        (place, prose)
        for place, text in strings()
        for prose in [text.partition("\n")[0]]
        if "\n" in text and any(map(COMMAND.match, text.split("\n")[1:])) and in_prose.search(prose)
    ]
    assert wrong == []


def test_the_hint_of_an_internal_error_prints_the_traceback(monkeypatch):
    monkeypatch.setattr("tokkit.tokenizer.blocks.catalogue.blocks", lambda *_, **__: 1 / 0)
    code, _, errors = run("blocks")
    assert (code, "Traceback" in errors) == (70, False)
    [command] = Provoked(code, f"\n{errors}", []).commands
    assert command == "tokkit blocks -v"
    assert "Traceback" in run(command)[2]
