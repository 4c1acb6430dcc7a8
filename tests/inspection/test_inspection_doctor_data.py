"""Doctor on data: does the tokenizer understand it, by class and script, and how much is cut off."""

from __future__ import annotations

import json

import pytest
from doctor_folders import CORPUS

import tokkit

KOREAN = ("나는 오늘 학교에 갔다", "정말 재미있었다 친구야", "어제는 비가 왔다")
ENGLISH = ("the red house by the river", "the old house", "the grey river by the house")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doctor-data")
    (folder / "corpus.txt").write_text(CORPUS, "utf-8")
    tokkit.train_wordpiece(folder / "corpus.txt", folder / "wordpiece", vocab_size=120)
    tokkit.train_bpe(folder / "corpus.txt", folder / "bpe", vocab_size=300)
    return folder


def _rows(write, rows):
    lines = (json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows)
    return write("rows.jsonl", "\n".join(lines) + "\n")


def _on(write, tokenizer, rows):
    result = tokkit.doctor(tokenizer, data=_rows(write, rows))
    of_data = ("unknown-rate", "fertility", "truncation", "special-in-data")
    return result.measured, [finding for finding in result.findings if finding.rule in of_data]


def test_doctor_on_data_that_the_tokenizer_was_trained_on(write, home):
    measured, findings = _on(write, home / "wordpiece", [(text, "a") for text in ENGLISH])
    assert findings == []
    assert measured["unknown_rate"] == 0
    assert measured["fertility"] == 1
    assert measured["limit"] == 512
    assert list(measured["by_script"]) == ["Latin"]


def test_doctor_figures_are_those_of_plain_encoding(write, home):
    from tokenizers import Tokenizer

    backend = Tokenizer.from_file(str(home / "wordpiece" / "tokenizer.json"))
    rows = [
        *((text, "en") for text in ENGLISH),
        *((text, "ko") for text in KOREAN),
        ("", "ko"),
        ("12!", "en"),
    ]
    measured, _ = _on(write, home / "wordpiece", rows)
    for label in ("en", "ko"):
        texts = [text for text, of in rows if of == label and text]
        ids = [encoding.ids for encoding in backend.encode_batch(texts, add_special_tokens=False)]
        tokens, words = sum(map(len, ids)), sum(len(text.split()) for text in texts)
        unknown = sum(row.count(backend.token_to_id("[UNK]")) for row in ids)
        figures = measured["by_class"][label]
        assert (figures["texts"], figures["tokens"], figures["words"]) == (len(texts), tokens, words)
        assert figures["unknown_rate"] == pytest.approx(unknown / tokens, abs=1e-6)
        assert figures["fertility"] == pytest.approx(tokens / words, abs=1e-4)
    assert measured["by_script"]["none"]["texts"] == 1
    assert measured["by_split"]["train"]["tokens"] == measured["tokens"]


def test_doctor_says_which_language_a_tokenizer_does_not_understand(write, home):
    rows = [*((text, "en") for text in ENGLISH), *((text, "ko") for text in KOREAN)]
    _, findings = _on(write, home / "wordpiece", rows)
    [unknown] = [finding for finding in findings if finding.rule == "unknown-rate"]
    assert unknown.severity == "warning"
    assert unknown.message == "Hangul: 100.0% of the tokens are unknown: " + (
        "this tokenizer does not understand this language"
    )
    assert unknown.fix.endswith("rows.jsonl --recipe korean -o trained/")
    assert "tokkit train-wordpiece" in unknown.fix


def test_doctor_sees_a_language_inside_rows_of_another(write, home):
    rows = [(f"{english} {korean}", "a") for english, korean in zip(ENGLISH, KOREAN, strict=True)]
    measured, findings = _on(write, home / "wordpiece", rows)
    assert list(measured["by_script"]) == ["Latin", "Hangul"]
    assert measured["by_script"]["Latin"]["unknown_rate"] == 0
    assert [finding.message[:6] for finding in findings if finding.rule == "unknown-rate"] == ["Hangul"]


def test_doctor_tells_fertility_where_nothing_is_unknown(write, home):
    measured, findings = _on(write, home / "bpe", [(text, "ko") for text in KOREAN])
    assert measured["unknown_rate"] == 0
    [fertility] = findings
    assert fertility.rule == "fertility"
    assert fertility.message.startswith("Hangul: ")
    assert "tokens a word: this tokenizer does not understand" in fertility.message
    assert fertility.fix.startswith("train one on this text:\ntokkit train-bpe")


@pytest.mark.parametrize("text", ["東京寿司中文没有空格", "นี่คือภาษาไทย", "これはかなです東京"])
def test_doctor_counts_characters_where_no_space_parts_words(write, home, text):
    measured, findings = _on(write, home / "bpe", [(text, "a")])
    [of_script] = measured["by_script"].values()
    value = of_script["tokens_per_character"]
    assert f"{value:.1f} tokens a character" in findings[0].message
    assert value < of_script["fertility"]


def test_doctor_does_not_judge_by_a_few_letters(write, home):
    rows = [(f"{' '.join(ENGLISH)} house", "a")] * 5 + [("the house αβ " + "the old river " * 40, "a")]
    measured, findings = _on(write, home / "bpe", rows)
    assert "Greek" in measured["by_script"]
    assert findings == []


def test_doctor_tells_a_class_that_is_worse_than_the_rest(write, home):
    rows = [(text, "fine") for text in ENGLISH * 40] + [("the old house ★ by the river", "starred")]
    _, findings = _on(write, home / "wordpiece", rows)
    [unknown] = findings
    assert 'of class "starred"' in unknown.message


def test_doctor_tells_what_is_cut_off_special_tokens_included(write, home):
    rows = [("the " * 510, "fits"), ("the " * 511, "cut")]
    measured, findings = _on(write, home / "wordpiece", rows)
    assert (measured["by_class"]["fits"]["truncated"], measured["by_class"]["cut"]["truncated"]) == (0, 1)
    [truncation] = findings
    assert truncation.message == (
        '50.0% of the rows are longer than 512 tokens; of the rows of class "cut" 100.0%'
    )


def test_doctor_finds_special_tokens_written_out_in_texts(write, home):
    _, findings = _on(write, home / "wordpiece", [("the [SEP] house", "a"), ("the [SEP] [CLS]", "b")])
    [special] = [finding for finding in findings if finding.rule == "special-in-data"]
    assert '"[CLS]" in 1' in special.message
    assert '"[SEP]" in 2' in special.message


def test_doctor_without_data_says_what_was_not_checked(home):
    result = tokkit.doctor(home / "bpe")
    assert result.measured is None
    assert result.skipped["fertility"] == "no --data was named"
    assert result.skipped["special-ids"] == "no --model was named"
    assert set(result.checked).isdisjoint(result.skipped)
