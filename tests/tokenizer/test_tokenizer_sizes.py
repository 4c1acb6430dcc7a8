"""``--vocab-size 300,500,800``: one training gives the vocabularies that three trainings would."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from tokenizer_texts import cut, finished, model_of, published, write

import tokkit
from tokkit.errors import UsageError
from tokkit.files import sha256_of

SIZES = (300, 500, 800)
TRAINERS = {"train-bpe": tokkit.train_bpe, "train-wordpiece": tokkit.train_wordpiece}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    text = cut("english", 15_000) + cut("korean", 5_000) + "---- ------ ###### #-#-#-#\n" * 20
    return write(tmp_path_factory.mktemp("sizes") / "c.txt", text)


def content(folder):
    return (folder / "tokenizer.json").read_bytes()


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("train-bpe", {}),
        ("train-bpe", {"recipe": "korean", "suffix": "</w>", "limit_alphabet": 90}),
        ("train-wordpiece", {}),
        ("train-wordpiece", {"limit_alphabet": 60, "max_token_length": 4}),
    ],
    ids=str,
)
def test_sizes_are_those_of_trainings_of_their_own(tmp_path, corpus, family, settings):
    train = TRAINERS[family]
    result = train(corpus, tmp_path / "out", vocab_size=[800, 300, 500, 300], **settings)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["300", "500", "800", "tokkit.json"]
    for size in SIZES:
        train(corpus, tmp_path / str(size), vocab_size=size, **settings)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            alone, nested = tmp_path / str(size) / name, tmp_path / "out" / str(size) / name
            assert alone.read_bytes() == nested.read_bytes(), (size, name)
    assert [entry["requested_vocab_size"] for entry in result.sizes] == list(SIZES)
    assert result.requested_vocab_size == 800


@pytest.mark.parametrize("family", TRAINERS)
def test_sizes_have_the_same_ids(tmp_path, corpus, family):
    TRAINERS[family](corpus, tmp_path / "out", vocab_size=SIZES)
    small, middle, large = (model_of(tmp_path / "out" / str(size)) for size in SIZES)
    assert small["vocab"].items() < middle["vocab"].items() < large["vocab"].items()
    assert middle["merges"] == large["merges"][: len(middle["merges"])]
    assert small["merges"] == middle["merges"][: len(small["merges"])]


def test_sizes_stand_in_receipts_and_result(tmp_path, corpus):
    code, out, err = finished(
        "train-bpe", corpus, "-o", tmp_path / "out", "--vocab-size", "300,500,800", "--json"
    )
    assert code == 0, err
    report = json.loads(out)
    above = json.loads((tmp_path / "out" / "tokkit.json").read_text())
    assert [entry["requested_vocab_size"] for entry in above["result"]["sizes"]] == list(SIZES)
    for size, said, listed in zip(SIZES, report["sizes"], above["result"]["sizes"], strict=True):
        folder = tmp_path / "out" / str(size)
        own = json.loads((folder / "tokkit.json").read_text())
        hashed = sha256_of(folder / "tokenizer.json")
        assert said["sha256"] == listed["sha256"] == own["result"]["sha256"] == hashed
        assert said["vocab_size"] == own["result"]["vocab_size"] == size
        assert said["tokenizer"] == str(folder)
        assert own["result"]["self_test"]
    assert report["vocab_size"] == 800


def test_sizes_below_the_alphabet_and_above_what_there_is_are_said(tmp_path, heard):
    corpus = write(tmp_path / "c.txt", "hello hello\n")
    result = tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=[10, 259, 5000], progress=heard)
    assert [entry["vocab_size"] for entry in result.sizes] == [257, 259, 261]
    assert "257 tokens, not 10:" in heard
    assert "261 tokens, not 5,000:" in heard


def test_sizes_may_be_trained_over_an_earlier_output(tmp_path, corpus):
    tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=SIZES)
    tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=[300, 400], force=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["300", "400", "tokkit.json"]


@pytest.mark.parametrize(
    "sizes", ["300,x", "0,5", "300,", ",", "-3,300", "3.5", "1e3", "300 500", "300,20000000"]
)
def test_sizes_that_are_none_are_refused(tmp_path, corpus, sizes):
    code, _, err = finished("train-bpe", corpus, "-o", tmp_path / "out", f"--vocab-size={sizes}")
    assert code == 2, err
    assert "--vocab-size" in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sizes", [[300, "x"], [0, 5], [], [3.5], [True], "300"])
def test_sizes_that_are_none_are_refused_in_python(tmp_path, corpus, sizes):
    with pytest.raises(UsageError, match=r"^vocab_size: "):
        tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=sizes)


@pytest.mark.parametrize("family", TRAINERS)
def test_sizes_are_the_same_for_any_number_of_threads(tmp_path, corpus, family):
    for threads in (1, 2, 8):
        TRAINERS[family](corpus, tmp_path / str(threads), vocab_size=[400, 1500], threads=threads)
    for size in ("400", "1500"):
        assert len({content(tmp_path / str(threads) / size) for threads in (1, 2, 8)}) == 1


def in_processes(number, family, corpus, folder):
    """What that many processes publish, each with another seed of Python's hashes, two at a time."""

    def run(seed):
        out = folder / str(seed)
        arguments = (family, corpus, "-o", out, "--vocab-size", "2000", "--threads", str(1 + seed % 3))
        code, _, err = finished(*arguments, env={"PYTHONHASHSEED": str(seed)})
        assert code == 0, err
        return {name: data for name, data in published(out).items() if name != "tokkit.json"}

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(number)))


@pytest.mark.parametrize("family", TRAINERS)
@pytest.mark.parametrize("number", [3, pytest.param(12, marks=pytest.mark.long)])
def test_sizes_are_the_same_in_every_process(tmp_path, corpus, family, number):
    first, *others = in_processes(number, family, corpus, tmp_path)
    assert all(other == first for other in others)
