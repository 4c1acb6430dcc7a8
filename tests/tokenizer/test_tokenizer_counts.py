"""Training from counts gives the very tokenizer that the corpus gives, or says why it cannot."""

from __future__ import annotations

import json

import pytest
from tokenizer_texts import HARD_LINES, cut, write

import tokkit
from tokkit.cli.main import run
from tokkit.errors import InputError, UsageError

DIGITS = {"pre_tokenizer": ["digits"]}
CASES = {
    "gpt2": (tokkit.train_bpe, {"recipe": "gpt2"}),
    "bert-uncased": (tokkit.train_wordpiece, {"recipe": "bert-uncased"}),
    "korean": (tokkit.train_wordpiece, {"recipe": "korean"}),
    "llama": (tokkit.train_bpe, {"recipe": "llama"}),
    "blocks": (
        tokkit.train_bpe,
        {"recipe": "gpt2", "normalizer": ["nfkc"], "pre_tokenizer": ["whitespace", "digits"]},
    ),
    "uncut": (tokkit.train_wordpiece, {"recipe": "korean", **DIGITS}),
    "uncut bytes": (tokkit.train_bpe, {"recipe": "gpt2", "pre_tokenizer": ["byte-level:use_regex=false"]}),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Several languages, hard lines, and every line twice so that counts differ from one."""
    text = cut("english", 30_000) + cut("korean", 20_000) + HARD_LINES
    return write(tmp_path_factory.mktemp("corpus") / "corpus.txt", text + "\n" + text)


@pytest.fixture(scope="module")
def counts(corpus):
    """Of the default recipe."""
    tokkit.count(corpus, corpus.parent / "counts")
    return corpus.parent / "counts"


@pytest.mark.parametrize("name", CASES)
def test_training_from_counts_gives_the_tokenizer_of_the_corpus(corpus, tmp_path, name):
    train, blocks = CASES[name]
    counted = tokkit.count(corpus, tmp_path / "counts", **blocks)
    assert counted.unit == ("word" if name.startswith("uncut") else "chunk")
    wanted = train(corpus, tmp_path / "wanted", vocab_size=1500, **blocks)
    result = train(out=tmp_path / "found", counts=tmp_path / "counts", vocab_size=1500, threads=2)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "found" / file).read_bytes() == (tmp_path / "wanted" / file).read_bytes()
    for key in ("sha256", "words", "distinct_words", "bytes", "vocab_size"):
        assert getattr(result, key) == getattr(wanted, key)


def test_receipt_of_a_training_from_counts_describes_them(counts, tmp_path):
    result = tokkit.train_wordpiece(out=tmp_path / "out", counts=counts, vocab_size=300)
    receipt = json.loads((tmp_path / "out" / "tokkit.json").read_text("utf-8"))["result"]
    (described,) = receipt["inputs"]
    assert described["name"] == "counts"
    assert len(described["files"]) == 16
    assert (
        receipt["bytes"]
        == result.bytes
        == json.loads((counts / "tokkit.json").read_text("utf-8"))["result"]["bytes"]
    )
    assert receipt["settings"]["recipe"] == "bert-uncased"
    tokkit.train_bpe(out=tmp_path / "bpe", counts=counts, vocab_size=300)  # its own recipe is another
    receipt = json.loads((tmp_path / "bpe" / "tokkit.json").read_text("utf-8"))["result"]
    assert receipt["settings"]["recipe"] == "bert-uncased"


@pytest.mark.parametrize(
    "blocks",
    [
        {"recipe": "bert-uncased"},
        {"normalizer": ["bert"]},
        {"recipe": "korean", "normalizer": ["bert"]},
        {"recipe": "gpt2", "normalizer": ["bert"], "pre_tokenizer": ["bert"]},
    ],
)
def test_blocks_may_be_named_again(counts, tmp_path, blocks):
    assert tokkit.train_wordpiece(out=tmp_path / "out", counts=counts, vocab_size=300, **blocks).words > 0


def test_counts_of_one_recipe_serve_another_with_the_same_blocks(corpus, tmp_path):
    tokkit.count(corpus, tmp_path / "counts", recipe="gpt2")
    result = tokkit.train_bpe(
        out=tmp_path / "a", counts=tmp_path / "counts", recipe="roberta", vocab_size=600
    )
    assert result.sha256 == tokkit.train_bpe(corpus, tmp_path / "b", recipe="roberta", vocab_size=600).sha256


@pytest.mark.parametrize(
    ("blocks", "named"),
    [
        ({"recipe": "korean"}, 'recipe="korean"'),
        ({"normalizer": ["nfc"]}, 'recipe="bert-uncased" normalizer="nfc"'),
        ({"pre_tokenizer": ["whitespace"]}, 'pre_tokenizer="whitespace"'),
    ],
)
def test_blocks_of_another_pipeline_are_refused(counts, tmp_path, blocks, named):
    with pytest.raises(UsageError, match=named) as caught:
        tokkit.train_wordpiece(out=tmp_path / "out", counts=counts, **blocks)
    assert 'was counted with recipe="bert-uncased", which splits text in another way' in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_and_counts_are_one_too_many_and_neither_one_too_few(corpus, counts, tmp_path):
    for named in (corpus, str(corpus), [corpus]):
        with pytest.raises(UsageError, match="takes the place of a corpus; name one of them"):
            tokkit.train_bpe(named, tmp_path / "out", counts=counts)
    with pytest.raises(UsageError, match=r'name a corpus: .* or counts="DIR"'):
        tokkit.train_bpe(out=tmp_path / "out")


def test_counts_that_are_damaged_are_refused(counts, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        tokkit.train_bpe(out=tmp_path / "out", counts=tmp_path / "none")
    receipt = (counts / "tokkit.json").read_text("utf-8")
    pieces = json.loads(receipt)["result"]["pieces"]
    report = receipt.replace(f'"pieces": {pieces}', f'"pieces": {pieces + 1}')
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in counts.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    (damaged / "tokkit.json").write_text(report, "utf-8")
    with pytest.raises(InputError, match=r"its parts have .* pieces, its tokkit.json "):
        tokkit.train_wordpiece(out=tmp_path / "out", counts=damaged)
    part = sorted(damaged.glob("*.parquet"))[1]
    part.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=f"{part.name}: cannot be read"):
        tokkit.train_wordpiece(out=tmp_path / "out", counts=damaged)
    assert not (tmp_path / "out").exists()


def test_the_road_by_command_line(corpus, tmp_path, command_server):
    def output(*command):
        done = command_server.run(command, current=tmp_path)
        assert done.code == 0, done.errors
        return done.output

    report = json.loads(output("count", corpus, "-o", "a", "--json"))
    assert [*report][:8] == [
        *("schema", "command", "counts", "pieces", "distinct_pieces", "bytes", "unit", "fingerprint")
    ]
    write(tmp_path / "b.txt", "more text\n")
    output("count", "b.txt", "-o", "b")
    assert report["fingerprint"] in output("merge-counts", "a", "b", "-o", "ab")
    output("train-bpe", "--counts", "ab", "-o", "t", "--vocab-size", "500")
    assert (tmp_path / "t" / "tokenizer.json").is_file()


def test_mistakes_on_the_command_line_have_their_exit_codes(counts, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for code, part, arguments in (
        (2, "or --counts DIR", ["train-bpe"]),
        (2, "name one of them", ["train-bpe", "x.txt", "--counts", counts]),
        (2, "was counted with", ["train-bpe", "--counts", counts, "--recipe", "gpt2"]),
        (3, "does not exist", ["train-bpe", "--counts", "none"]),
        (3, "is named twice", ["merge-counts", counts, counts, "-o", "out"]),
        (2, "Missing argument", ["count"]),
    ):
        assert run([str(argument) for argument in arguments]) == code
        assert part in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
