"""`train_unigram`: the reference's pieces, in an order and with scores that every run gives."""

from __future__ import annotations

import json
import random
import signal
import time

import psutil
import pytest
from tokenizer_texts import HARD, HARD_LINES, command, cut, finished, published, write
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import tokkit
from tokkit.errors import UsageError
from tokkit.tokenizer.folder.load import load
from tokkit.tokenizer.training.train_unigram import reproducible

SPECIAL = ["<unk>", "<s>", "</s>"]


def pieces_of(folder):
    return json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    text = cut("english", 40_000) + cut("korean", 20_000) + HARD_LINES
    return write(tmp_path_factory.mktemp("unigram") / "c.txt", text)


def test_unigram_learns_the_references_pieces_and_scores(corpus, tmp_path):
    settings = {"max_piece_length": 8, "shrinking_factor": 0.6}
    tokkit.train_unigram(corpus, tmp_path / "o", vocab_size=2000, sub_iterations=3, **settings)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    trainer = trainers.UnigramTrainer(
        vocab_size=2000,
        special_tokens=SPECIAL,
        unk_token="<unk>",
        n_sub_iterations=3,
        show_progress=False,
        **settings,
    )
    tokenizer.train([str(corpus)], trainer)
    expected = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
    learned = dict(map(tuple, pieces_of(tmp_path / "o")))
    assert set(learned) == set(expected)
    longer = [piece for piece in learned if len(piece) > 1]
    assert max(abs(learned[piece] - expected[piece]) for piece in longer) <= 0.00005 + 1e-9
    characters = [piece for piece in learned if len(piece) == 1]
    for ours, theirs in zip(
        sorted(learned[c] for c in characters), sorted(expected[c] for c in characters), strict=True
    ):
        assert abs(ours - theirs) <= 0.00005 + 1e-9


def test_unigram_gives_the_same_bytes_at_any_thread_count(corpus, tmp_path):
    for out, threads in (("a", 1), ("b", 2), ("c", 2)):
        tokkit.train_unigram(corpus, tmp_path / out, vocab_size=1500, threads=threads)
    folders = [published(tmp_path / out) for out in ("a", "b", "c")]
    assert folders[0] == folders[1] == folders[2]
    tokkit.count(corpus, tmp_path / "counts", recipe="sentencepiece")
    counted = tokkit.train_unigram((), tmp_path / "d", counts=tmp_path / "counts", vocab_size=1500)
    assert (tmp_path / "d" / "tokenizer.json").read_bytes() == folders[0]["tokenizer.json"]
    assert counted.requested_vocab_size == 1500


def test_unigram_command_writes_a_folder_and_a_receipt(corpus, tmp_path):
    code, stdout, err = finished(
        "train-unigram", corpus, "-o", tmp_path / "o", "--vocab-size", "900", "--json"
    )
    assert code == 0, err
    assert json.loads(stdout)["vocab_size"] == 900
    assert json.loads((tmp_path / "o" / "tokkit.json").read_text("utf-8"))["command"] == "train-unigram"


def test_unigram_order_does_not_depend_on_chance():
    """``x``, ``y`` and ``z`` are no pieces by their own strength: the reference deals out their scores."""
    expected = [("ab", -2.0), ("b", -2.0), ("long", -4.9990), ("z", -4.9998), ("y", -4.9999), ("x", -5.0)]
    draw = random.Random(3)
    for _ in range(50):
        scores = [-5.0, -4.9999, -4.9998]
        draw.shuffle(scores)
        pieces = [("ab", -2.00001), ("b", -2.0), ("long", -4.99903), *zip("xyz", scores, strict=True)]
        noisy = [(piece, score + draw.uniform(-1, 1) * 1e-11) for piece, score in pieces]
        draw.shuffle(noisy)
        assert reproducible(noisy) == expected


def test_unigram_special_tokens_come_first_and_frame_the_text(corpus, tmp_path):
    tokkit.train_unigram(corpus, tmp_path / "o", vocab_size=1200, special_token="<new>")
    loaded = load(tmp_path / "o")
    assert [piece for piece, _ in pieces_of(tmp_path / "o")][:4] == [*SPECIAL, "<new>"]
    tokens = loaded.backend.encode("the king <new>").tokens
    assert (tokens[0], tokens[-2], tokens[-1]) == ("<s>", "<new>", "</s>")
    assert loaded.backend.encode("the \U0001f701", add_special_tokens=False).tokens[-1] == "\U0001f701"
    assert loaded.backend.encode("\U0001f701", add_special_tokens=False).ids[-1] == loaded.id_of("unk")
    assert loaded.backend.decode(loaded.backend.encode("the old king").ids) == "the old king"


@pytest.mark.parametrize("recipe", ["llama", "gpt2"])
def test_unigram_of_a_recipe_that_knows_bytes_decodes_every_text(corpus, tmp_path, recipe):
    tokkit.train_unigram(corpus, tmp_path / "o", recipe=recipe, vocab_size=1500)
    tokenizer = load(tmp_path / "o").backend
    for text in HARD:
        if not text.startswith("[UNK]"):
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            assert tokenizer.decode(ids) == (text.removeprefix(" ") if recipe == "llama" else text)


def test_unigram_loads_in_transformers_to_the_same_ids(corpus, tmp_path):
    from transformers import AutoTokenizer

    tokkit.train_unigram(corpus, tmp_path / "o", vocab_size=1200)
    auto, ours = AutoTokenizer.from_pretrained(str(tmp_path / "o")), load(tmp_path / "o").backend
    for text in HARD:
        assert auto(text, "pair")["input_ids"] == ours.encode(text, "pair").ids


def test_unigram_refuses_several_sizes_and_one_without_room(corpus, tmp_path):
    with pytest.raises(UsageError, match="name one size"):
        tokkit.train_unigram(corpus, tmp_path / "o", vocab_size=[500, 900])
    with pytest.raises(UsageError, match="20 tokens cannot be learned"):
        tokkit.train_unigram(corpus, tmp_path / "o", vocab_size=20)
    assert not (tmp_path / "o").exists()


def test_unigram_interrupted_ends_the_child_and_leaves_nothing(tmp_path):
    draw = random.Random(1)
    words = ("".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(60_000))
    corpus = write(tmp_path / "c.txt", "\n".join(words) + "\n")
    process = command("train-unigram", corpus, "-o", tmp_path / "o", start_new_session=True)
    ends = time.monotonic() + 30
    while not (children := psutil.Process(process.pid).children()) and time.monotonic() < ends:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() and child.status() != "zombie" for child in children)
    assert not (tmp_path / "o").exists()
