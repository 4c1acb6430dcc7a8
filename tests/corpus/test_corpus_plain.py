"""A pipeline that may not be cut is counted by the reference in a child process."""

from __future__ import annotations

import pytest
from corpus_pipelines import tokenizer
from corpus_texts import TORTURE, lines_of, readable, reference

from tokkit.corpus import words
from tokkit.corpus.cutting import Pipeline
from tokkit.corpus.feed import CorpusOptions, plan
from tokkit.corpus.uncut_words import count_in_child
from tokkit.errors import InputError
from tokkit.progress import SILENT

UNCUT = [((), ("metaspace:split=false",)), (("bert",), ("byte-level",)), (("strip",), ())]


def _counted(path, names, **options):
    return words.count_words(plan([path], CorpusOptions()), tokenizer(*names), SILENT, **options)


@pytest.mark.parametrize("names", UNCUT)
def test_plain_counts_as_the_reference(write, names):
    text = "".join(TORTURE)
    assert Pipeline.of(tokenizer(*names)).cuts() is None
    counted = _counted(write("a.txt", text), names, thread_count=2)
    assert readable(counted.words, counted.raw) == reference(tokenizer(*names), lines_of(text))
    assert (counted.bytes, counted.total) == (len(text.encode()), counted.words.counts.sum())
    assert not counted.raw


def test_plain_gives_what_the_cut_way_gives(write):
    corpus = plan([write("a.txt", "".join(TORTURE)), write("b.csv", "text,label\na b,x\n")], CorpusOptions())
    json = tokenizer(("bert",), ("bert",))
    counted = count_in_child(corpus, json, SILENT, 1)
    quick = words.count_words(corpus, json, SILENT)
    assert counted.counts == readable(quick.words, quick.raw)
    assert (counted.bytes, counted.total) == (quick.bytes, quick.total)


def test_plain_raises_what_the_child_meets(write):
    path = write("a.txt", b"good\n" * 20_000 + b"bad \xff\n")
    with pytest.raises(InputError) as caught:
        _counted(path, UNCUT[0])
    assert f"{path}:20001: byte 5 (0xff) is not UTF-8" in caught.value.message
    assert caught.value.hint is not None


def test_plain_refuses_a_corpus_without_words(write):
    with pytest.raises(InputError, match="holds no word"):
        _counted(write("a.txt", "\x01 \u200b\n"), (("bert", "strip"), ("bert",)))
