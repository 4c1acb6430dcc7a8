"""Before long work: the forecast is near what comes, and says what is long, large or will not work."""

from __future__ import annotations

import random

import pytest
from tokenizer_texts import CORPORA

import tokkit
from tests.marks import quick_of
from tokkit.corpus import feed
from tokkit.tokenizer.training import forecast as room
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.forecast import Forecast, forecast, sample_lines, say_forecast
from tokkit.tokenizer.training.train import merge_options
from tokkit.tokenizer.training.trainer_options import BpeOptions, WordPieceOptions


def expected_of(path, options):
    blueprint = resolve(options)
    planned = feed.plan([path], feed.CorpusOptions())
    return forecast(planned, blueprint.skeleton().to_str(), merge_options(options, blueprint), 2)


@pytest.fixture(scope="module")
def prose(tmp_path_factory):
    """Shipped prose, shuffled and repeated with fresh words, larger than what is trained without a look."""
    draw = random.Random(5)
    lines = (CORPORA / "english.txt").read_text("utf-8").splitlines()
    path = tmp_path_factory.mktemp("prose") / "prose.txt"
    with open(path, "w", encoding="utf-8") as out:
        for repetition in range(50):
            draw.shuffle(lines)
            out.writelines(f"{line} {''.join(draw.choices('abcdefgh', k=6))}{repetition}\n" for line in lines)
    assert path.stat().st_size > room.WORTH_IT
    return path


@pytest.mark.parametrize(
    "options",
    quick_of([BpeOptions(), WordPieceOptions(), WordPieceOptions(pre_tokenizer=("digits",))], [BpeOptions()]),
)
def test_forecast_is_near_what_comes(prose, options, tmp_path):
    expected = expected_of(prose, options)
    assert expected.bytes == prose.stat().st_size
    train = tokkit.train_bpe if options.family == "BPE" else tokkit.train_wordpiece
    result = train(prose, tmp_path / "out", options, vocab_size=500)
    assert expected.distinct_words / 2.5 < result.distinct_words < 2.5 * expected.distinct_words
    assert 50 < expected.smallest_vocabulary <= 300


def test_forecast_of_small_or_compressed_corpora_is_left_out(write):
    assert expected_of(write("c.txt", "few words\n"), BpeOptions()) is None


def test_forecast_says_what_is_long_large_or_will_not_work(heard):
    say_forecast(Forecast(10**9, 10**6, 0.6, 300, 10**8, 3.0), 1000, heard)
    assert heard.sentences == []
    say_forecast(Forecast(10**9, 10**6, 0.6, 300, 10**8, 300.0), 200, heard)
    assert "--vocab-size 200: special tokens and alphabet alone are 300" in heard
    assert "1,000 MB of text: about 1,000,000 distinct words, 0.1 GB of memory and 5 minutes" in heard
    say_forecast(Forecast(10**9, 10**8, 0.99, 300, 10**18, 300.0), 1000, heard)
    assert "hardly repeat" in heard
    assert "more memory than" in heard


def test_forecast_samples_from_all_of_a_file(write):
    path = write("c.txt", "".join(f"line {i:07}\n" for i in range(200_000)))
    lines = sample_lines(feed.plan([path], feed.CorpusOptions()))
    numbers = [int(line.split()[1]) for line in lines]
    assert all(len(line) == 13 for line in lines)
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] > 180_000
