"""Tags of tokens: what is trained, what is scored and what is told, against transformers and `seqeval`."""

from __future__ import annotations

import json
import random
import warnings
from collections import Counter

import numpy as np
import polars as pl
import pytest
import torch

import tokkit
from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError
from tokkit.model.folder import model_folder as folder
from tokkit.model.network.classifier import batch_of, predict_logits
from tokkit.model.tasks import TASKS
from tokkit.tokenizer.folder.load import load
from tokkit.views.reports import evaluation as reports

FAST = {"size": "tiny", "threads": 1, "no_cache": True, "baseline": "none"}
NAMES = {"PER": ["Kim", "Merry", "민수"], "LOC": ["Seoul", "market", "서울"]}
TASK = TASKS["tags"]


def sentences(rows, seed):
    """Tokens and IOB2 tags; a person may have two names."""
    rng = random.Random(seed)
    for number in range(rows):
        tokens, tags = [f"{number}", "i", "feel"], ["O", "O", "O"]
        for kind in rng.sample(sorted(NAMES), rng.randint(0, 2)):
            length = rng.randint(1, 2)
            tokens += [rng.choice(NAMES[kind]) for _ in range(length)] + ["at"]
            tags += [*[f"B-{kind}", f"I-{kind}"][:length], "O"]
        yield tokens, tags


def as_rows(pairs):
    return Rows(
        texts=[" ".join(tokens) for tokens, _ in pairs],
        labels=[" ".join(tags) for _, tags in pairs],
        positions=list(range(len(pairs))),
        left_out={},
        tokens=[tokens for tokens, _ in pairs],
    )


def conll(path, pairs):
    path.parent.mkdir(exist_ok=True)
    lines = ["".join(f"{token}\t{tag}\n" for token, tag in zip(*pair, strict=True)) for pair in pairs]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    home = tmp_path_factory.mktemp("tagged")
    conll(home / "train.conll", sentences(160, 1))
    conll(home / "validation.conll", sentences(40, 2))
    return home


@pytest.fixture(scope="module")
def tagger(data, tokenizer, tmp_path_factory):
    out = tmp_path_factory.mktemp("tagger") / "model"
    tokkit.finetune(data, tokenizer, out=out, epochs=5, lr=3e-3, batch_size=16, **FAST)
    return out


def test_first_sub_tokens_carry_the_tags_and_no_others(tokenizer):
    from transformers import AutoTokenizer

    rows = as_rows(
        [(["unfamiliarword", "\u3000", "Seoul", "i"], ["B-PER", "O", "B-LOC", "O"]), (["i"], ["O"])]
    )
    labels = TASK.labels(rows)
    assert labels == ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
    encoded = TASK.encode(rows, load(tokenizer), 64)
    targets = TASK.targets(rows, labels, "rows", encoded)
    laid = targets.of(np.array([1, 0]), int(encoded.lengths.max()))
    theirs = AutoTokenizer.from_pretrained(tokenizer)
    for index, row in enumerate((1, 0)):
        wanted, before = [], None
        for word in theirs(rows.tokens[row], is_split_into_words=True).word_ids():
            tag = None if word is None else TASK.names(rows.labels[row])[word]
            wanted.append(-100 if word is None or word == before else labels.index(tag))
            before = word
        padding = [-100] * (laid.shape[1] - len(wanted))
        assert laid[index].tolist() == wanted + padding
    assert (targets.positions < 0).tolist().count(True) == 1, "nothing is left of a space, however wide"


def test_logits_are_those_of_the_stock_model_on_its_own_batch(tagger):
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    model = AutoModelForTokenClassification.from_pretrained(tagger).eval()
    tokenizer = AutoTokenizer.from_pretrained(tagger)
    rows = as_rows(list(sentences(12, 7)))
    classifier = folder.load_classifier(tagger)
    assert classifier.task is TASK
    encoded = TASK.encode(rows, classifier.tokenizer, classifier.limits.max_length)
    ours = predict_logits(classifier, encoded, torch.device("cpu"), budget=64)
    assert ours.shape == (len(encoded.ids), 5)
    for row, tokens in enumerate(rows.tokens):
        with torch.inference_mode():
            theirs = model(**tokenizer(tokens, is_split_into_words=True, return_tensors="pt")).logits[0]
        own = ours[encoded.offsets[row] : encoded.offsets[row + 1]]
        np.testing.assert_allclose(own, theirs.numpy(), atol=1e-4)


def test_the_loss_is_that_of_the_stock_model(tagger):
    from transformers import AutoModelForTokenClassification

    model = AutoModelForTokenClassification.from_pretrained(tagger).eval()
    classifier = folder.load_classifier(tagger)
    rows = as_rows(list(sentences(12, 7)))
    encoded = TASK.encode(rows, classifier.tokenizer, classifier.limits.max_length)
    targets = TASK.targets(rows, classifier.labels, "rows", encoded)
    logits = predict_logits(classifier, encoded, torch.device("cpu"), budget=64)
    every = np.arange(len(rows.texts))
    batch = batch_of(encoded, every, classifier.limits.pad_id)
    with torch.inference_mode():
        theirs = model(
            **batch.inputs(torch.device("cpu")), labels=torch.from_numpy(targets.of(every, batch.width))
        ).loss
    assert TASK.scores(logits, targets, classifier.labels)["loss"] == pytest.approx(float(theirs), abs=1e-5)
    tokens = (targets.positions >= 0).reshape(-1)
    sizes = [len(row) for row in rows.tokens]
    assert tokens.all(), "so every token counts, and rows weigh by their tokens"
    assert np.average(TASK.row_losses(logits, targets), weights=sizes) == pytest.approx(
        float(theirs), abs=1e-5
    )


def test_scores_are_those_of_seqeval_on_the_predictions_written(tagger, data):
    from seqeval.metrics import accuracy_score, classification_report, f1_score

    saved = pl.read_parquet(tagger / "predictions.parquet")
    true, predicted = ([row.split() for row in saved[name]] for name in ("label", "predicted"))
    scores = tokkit.evaluate(tagger, data / "validation.conll").as_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert scores["span_f1"] == pytest.approx(f1_score(true, predicted), abs=1e-6)
        report = classification_report(true, predicted, output_dict=True, zero_division=0)
    assert scores["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"], abs=1e-6)
    assert scores["classes"]["PER"]["support"] == report["PER"]["support"]
    assert scores["accuracy"] == pytest.approx(accuracy_score(true, predicted), abs=1e-6)
    assert (scores["tokens"], scores["unseen_tokens"]) == (sum(map(len, true)), 0)
    assert scores["accuracy"] > scores["majority"]["accuracy"]
    assert scores["scheme"] == "IOB"
    pairs = zip(" ".join(saved["label"]).split(), " ".join(saved["predicted"]).split(), strict=True)
    counted = Counter((tag.split("-")[-1], other.split("-")[-1]) for tag, other in pairs)
    names = scores["type_confusion"]["labels"]
    assert names == ["O", "LOC", "PER"]
    assert scores["type_confusion"]["matrix"] == [[counted[a, b] for b in names] for a in names]
    for row in scores["worst"]:
        assert " ".join(row["tokens"]) == row["text"]
        ends = [span["last"] for span in row["spans"]["label"]]
        assert len(ends) == row["label"].count("B-")


def test_predict_gives_tokens_with_tags_and_spans(tagger, data):
    rows = tokkit.predict(tagger, data / "validation.conll").predictions
    for row in rows:
        assert len(row["tokens"]) == len(row["tags"])
        assert row["label"] == " ".join(row["tags"])
        inside = [index for span in row["spans"] for index in range(span["first"], span["last"])]
        assert inside == [index for index, tag in enumerate(row["tags"]) if tag != "O"]
        for span in row["spans"]:
            assert span["text"] == " ".join(row["tokens"][span["first"] : span["last"]])
            assert 0 < span["probability"] <= 100
    assert [row["true_label"] for row in rows] == [" ".join(tags) for _, tags in sentences(40, 2)]
    assert any(row["spans"] for row in rows)


def test_a_text_is_cut_at_white_space(tagger):
    tokens, _ = next(iter(sentences(1, 3)))
    text = "\u3000 " + "  ".join(tokens) + " Kim at 서울 Kim"
    [of_text] = tokkit.predict(tagger, text).predictions
    assert of_text["tokens"] == [*tokens, "Kim", "at", "서울", "Kim"]
    assert of_text["spans"]
    for span in of_text["spans"]:
        assert text[span["start"] : span["end"]] == span["text"]
        assert span["text"].split() == of_text["tokens"][span["first"] : span["last"]]
    nothing, alone = tokkit.predict(tagger, ["", "Seoul"]).predictions
    assert (nothing["tokens"], nothing["tags"], nothing["spans"]) == ([], [], [])
    assert alone["tokens"] == ["Seoul"]


@pytest.mark.parametrize("ending", ["conll", "jsonl", "parquet", "csv"])
def test_tags_and_spans_are_written_with_their_rows(tagger, data, tmp_path, ending):
    out = tmp_path / f"out.{ending}"
    source = data / "validation.conll"
    if ending == "csv":
        (tmp_path / "t.csv").write_text('n,text\n7,"i  feel Kim at 서울"\n8,\n', encoding="utf-8")
        source = tmp_path / "t.csv"
    expected = tokkit.predict(tagger, source).predictions
    tokkit.predict(tagger, source, out=out)
    if ending == "conll":
        lines = [line.split("\t") for line in out.read_text("utf-8").splitlines() if line]
        assert [token for token, _, _ in lines] == [token for row in expected for token in row["tokens"]]
        assert [tag for _, _, tag in lines] == [tag for row in expected for tag in row["tags"]]
        return
    written = {"jsonl": pl.read_ndjson, "parquet": pl.read_parquet, "csv": pl.read_csv}[ending](out)
    if ending == "csv":
        assert written.columns == ["n", "text", "predicted", "spans"]
        first, second = written.rows()
        assert first[:3] == (7, "i  feel Kim at 서울", " ".join(expected[0]["tags"]))
        assert json.loads(first[3]) == expected[0]["spans"]
        assert second == (8, None, None, None)
    else:
        assert written["tokens"].to_list() == [row["tokens"] for row in expected]
        assert written["predicted"].to_list() == [row["tags"] for row in expected]
        assert written["spans"].to_list() == [row["spans"] for row in expected]


def test_tokens_behind_the_cut_count_as_missed(tagger, data, tmp_path, heard):
    long = [(["Kim"] * 700, ["B-PER"] * 700)]
    conll(tmp_path / "long.conll", long)
    scores = tokkit.evaluate(tagger, tmp_path / "long.conll", progress=heard).as_dict()
    assert scores["unseen_tokens"] == 700 - 510
    assert scores["classes"]["PER"]["support"] == 700
    assert scores["accuracy"] <= 510 / 700
    assert "1 row truncated at max length 512" in heard
    [row] = tokkit.predict(tagger, tmp_path / "long.conll", progress=heard).predictions
    assert row["tags"][510:] == ["O"] * 190
    assert "1 row truncated at max length 512" in heard


def test_parts_of_speech_are_scored_token_by_token(tokenizer, tmp_path):
    rng = random.Random(0)
    rows = [
        {"tokens": [f"i{number}", "feel", word], "pos": ["PRON", "VERB", kind]}
        for number, (word, kind) in enumerate(rng.choices([("glad", "ADJ"), ("sea", "NOUN")], k=60))
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    scores = tokkit.finetune(
        path, tokenizer, out=tmp_path / "m", epochs=1, label_column="pos", **FAST
    ).metrics
    assert scores["span_f1"] == scores["accuracy"]
    assert set(scores["classes"]) <= {"PRON", "VERB", "ADJ", "NOUN"}


def test_a_scheme_in_another_spelling_is_said_and_scored_without_o(tokenizer, tmp_path, heard):
    spelled = {"O": "0", **{f"{mark}-{kind}": f"{kind}_{mark}".lower() for mark in "BI" for kind in NAMES}}
    for name, rows, seed in (("train", 40, 1), ("validation", 10, 2)):
        respelled = [(tokens, [spelled[tag] for tag in tags]) for tokens, tags in sentences(rows, seed)]
        conll(tmp_path / "data" / f"{name}.conll", respelled)
    settings = {"epochs": 1, "batch_size": 8, "progress": heard, **FAST}
    scores = tokkit.finetune(tmp_path / "data", tokenizer, out=tmp_path / "m", **settings).metrics
    assert "5 classes (IOB tags)" in heard
    assert scores["confusion"]["labels"] == ["0", "loc_b", "loc_i", "per_b", "per_i"]
    assert set(scores["classes"]) == {"per", "loc"}
    assert scores["majority"]["span_f1"] == 0


def test_tokens_of_which_nothing_is_left_are_said(tokenizer, tmp_path, heard):
    rows = [*sentences(40, 1), (["Kim", "\u2003", "\u3000", "\u2003"], ["B-PER", "O", "O", "O"])]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"tokens": a, "tags": b}) + "\n" for a, b in rows), encoding="utf-8")
    one = tmp_path / "one.jsonl"
    one.write_text(path.read_text("utf-8").splitlines()[-1], "utf-8")
    settings = {"epochs": 1, "validation_data": one, "progress": heard, **FAST}
    tokkit.finetune(path, tokenizer, out=tmp_path / "m", **settings)
    said = '3 tokens are nothing to the tokenizer ("\\u2003", "\\u3000"): not trained, and always O'
    assert f"train: {said}" in heard
    heard.sentences.clear()
    [row] = tokkit.predict(tmp_path / "m", one, progress=heard).predictions
    assert row["tags"][1:] == ["O", "O", "O"]
    assert f"m: {said}" in heard


def test_a_model_that_predicts_one_tag_only_is_said(data, tokenizer, tmp_path, heard):
    settings = {"lr": 1e-3, "batch_size": 32, "epochs": 2, "progress": heard, **FAST}
    result = tokkit.finetune(data, tokenizer, out=tmp_path / "m", **settings)
    assert result.metrics["predicts_only"] == "O"
    assert 'span F1 0.0000; predicts only "O"' in heard
    assert 'the model predicts only "O": more --epochs or a higher --lr may help' in heard
    assert result.best_epoch == 2, "of equal span F1, the lower loss"
    heard.sentences.clear()
    scores = tokkit.evaluate(tmp_path / "m", data, progress=heard).as_dict()
    assert 'm predicts only "O" on these rows' in heard
    titles = [table.title for table in reports.evaluation(scores)]
    assert titles[0].endswith('tokens, tagging scheme IOB; predicts only "O"')


def test_a_tag_that_no_training_row_has_is_named(tagger, data, tokenizer, tmp_path):
    odd = conll(tmp_path / "odd.conll", [(["Kim", "i"], ["B-AGE", "O"])])
    with pytest.raises(InputError, match='unknown label "B-AGE"'):
        tokkit.evaluate(tagger, odd)
    with pytest.raises(InputError, match='"B-AGE" is in validation but in no training row'):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", validation_data=odd, **FAST)


def test_an_inside_tag_may_come_up_only_later(tagger, data, tokenizer, tmp_path):
    short = conll(tmp_path / "short.conll", [(["Kim", "i"], ["B-PER", "O"])] * 30)
    longer = conll(tmp_path / "longer.conll", [(["Kim", "Merry"], ["B-PER", "I-PER"])])
    scores = tokkit.finetune(
        short, tokenizer, out=tmp_path / "m", validation_data=longer, epochs=1, **FAST
    ).metrics
    assert scores["confusion"]["labels"] == ["O", "B-PER", "I-PER"]


def test_a_task_without_the_lists_it_needs_is_refused(dataset, data, tokenizer, tmp_path):
    with pytest.raises(UsageError, match=r'task="tags": the rows of .* have one label each'):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", task="tags", **FAST)
    with pytest.raises(UsageError, match=r'task="single-label": .* a tag for each of their tokens'):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", task="single-label", **FAST)


def test_one_tag_only_is_nothing_to_learn(tokenizer, tmp_path):
    path = conll(tmp_path / "t.conll", [(["a", "b"], ["O", "O"])] * 20)
    with pytest.raises(InputError, match=r'one class only \("O"\)'):
        tokkit.finetune(path, tokenizer, out=tmp_path / "m", **FAST)


def test_a_tokenizer_that_keeps_spaces_in_its_tokens_is_said(data, tokenizer, tmp_path, heard):
    tokkit.train_bpe(data / "train.conll", tmp_path / "bpe", vocab_size=300, format="text")
    TASK.warn_of_misfit(load(tmp_path / "bpe"), heard)
    assert "its tokens include the space before a word" in heard
    heard.sentences.clear()
    TASK.warn_of_misfit(load(tokenizer), heard)
    assert heard.sentences == []
