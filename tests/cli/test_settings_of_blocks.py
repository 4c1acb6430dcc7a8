"""Blocks, sizes and templates in `tokkit.toml` mean what they mean on the command line, one or several."""

from __future__ import annotations

import json

import pytest

import tokkit
from tokkit.cli.main import run

TEXT = "the old king smiled, and the young king lost three keys\n" * 20
FRAME = "template:single=[CLS] $A,pair=[CLS] $A [SEP] $B:1"


@pytest.fixture
def settled(here, capsys):
    """Trains with a line in the table of `train-wordpiece`: exit code, what stderr says, `tokenizer.json`."""
    (here / "c.txt").write_text(TEXT, encoding="utf-8")

    def train(line, *arguments):
        (here / "tokkit.toml").write_text(f"[train-wordpiece]\nvocab-size = 60\n{line}\n", encoding="utf-8")
        code = run(["train-wordpiece", "c.txt", "-q", "--force", *arguments])
        path = here / "out" / "tokenizer.json"
        return code, capsys.readouterr().err, json.loads(path.read_text("utf-8")) if path.exists() else None

    return train


def test_settings_blocks_run_in_the_order_of_the_list(settled, here):
    code, said, content = settled(
        'normalizer = ["nfc", "lowercase"]\npre-tokenizer = ["whitespace", "digits"]'
    )
    assert (code, said) == (0, "")
    assert [block["type"] for block in content["normalizer"]["normalizers"]] == ["NFC", "Lowercase"]
    assert [block["type"] for block in content["pre_tokenizer"]["pretokenizers"]] == ["Whitespace", "Digits"]
    blocks = {"normalizer": ["nfc", "lowercase"], "pre_tokenizer": ["whitespace", "digits"]}
    tokkit.train_wordpiece("c.txt", "same", vocab_size=60, **blocks)
    assert (here / "same" / "tokenizer.json").read_bytes() == (here / "out" / "tokenizer.json").read_bytes()


def test_settings_one_block_stands_for_a_list_of_it(settled):
    assert settled('normalizer = "nfc"')[2]["normalizer"]["type"] == "NFC"
    assert settled(f'post-processor = "{FRAME}"')[2]["post_processor"]["type"] == "TemplateProcessing"


def test_settings_post_processors_run_in_the_order_of_the_list(settled):
    content = settled(f'post-processor = ["byte-level", "{FRAME}"]')[2]["post_processor"]
    assert [block["type"] for block in content["processors"]] == ["ByteLevel", "TemplateProcessing"]
    content = settled("", "--post-processor", "byte-level", "--post-processor", "bert:sep=[MASK]")[2]
    assert [block["type"] for block in content["post_processor"]["processors"]] == [
        "ByteLevel",
        "BertProcessing",
    ]


def test_settings_a_flag_stands_before_the_file(settled):
    assert (
        settled('normalizer = ["nfc", "lowercase"]', "--normalizer", "nfkd")[2]["normalizer"]["type"]
        == "NFKD"
    )


@pytest.mark.parametrize("written", ["[60, 70]", '"60,70"'])
def test_settings_several_sizes_are_a_list_or_as_on_the_command_line(here, written):
    (here / "tokkit.toml").write_text(f"[train-wordpiece]\nvocab-size = {written}\n", encoding="utf-8")
    (here / "c.txt").write_text(TEXT, encoding="utf-8")
    assert run(["train-wordpiece", "c.txt", "-q"]) == 0
    assert sorted(path.name for path in (here / "out").iterdir() if path.is_dir()) == ["60", "70"]


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (
            'normalizer = ["nfcc"]',
            2,
            '--normalizer: no block "nfcc" (did you mean "nfc"?); choose from bert,',
        ),
        ('normalizer = "bert:lowercase=maybe"', 2, "bert: lowercase=maybe is not true or false"),
        ("normalizer = 3", 2, '--normalizer: no block "3"; choose from '),
        ('normalizer = [["nfc"]]', 3, "[train-wordpiece] normalizer: ['nfc'] is not text, a number"),
        ('post-processor = ["brt"]', 2, '--post-processor: no block "brt" (did you mean "bert"?)'),
        ('post-processor = "template:single=[CLX] $A"', 2, 'template: "[CLX]" is not a special token'),
        ('decoder = "wordpeice"', 2, '(did you mean "wordpiece"?)'),
        ("normalizers = []", 3, 'no option "normalizers" (did you mean "normalizer"?)'),
        ("min-frequency = 2.5", 2, "'2.5' is not a valid integer"),
        ("min-frequency = [2]", 3, "[train-wordpiece] min-frequency: expected one value, not a list"),
        ("min-frequency = 2000-01-01", 3, "min-frequency: 2000-01-01 is not text, a number"),
    ],
)
def test_settings_wrong_are_refused_in_a_sentence(settled, line, code, error):
    exit_code, said, content = settled(line)
    assert (exit_code, content) == (code, None)
    assert error in said
    assert "Traceback" not in said
