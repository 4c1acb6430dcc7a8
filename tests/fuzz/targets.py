"""What is mutated: files that are read, as small as they can be, and the commands that read them."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import sentencepiece

from tests.command_server import CommandServer
from tests.fuzz.mutations import Mutator, of_bytes, of_json, of_json_lines, of_lines, of_safetensors

TEXTS = [
    "so glad to be here",
    "a sad day, again",
    'they said "no"',
    "오늘은 기쁘다 👍",
    "Straße um 8 Uhr",
    "so very sad",
]
ROWS = [{"text": f"{TEXTS[n % 6]} {n}", "label": ["joy", "sadness"][n % 2]} for n in range(24)]
_STATS = "stats {} --json"
_DATA = (_STATS, "split {} -o out", "clean {} -o out.jsonl", "count {} -o out", "rebalance {} -o out.csv")
_SAVED = tuple(command.replace("{}", "saved") for command in _DATA)
_TOKENIZER = (
    *("tokenize {folder} TEXT", "wrap {folder} -o out", "doctor {folder} --data rows.csv"),
    *("compare {folder} --on rows.csv", "suggest-tokens {folder} corpus.txt --min-count 1"),
    *("trim {folder} --to corpus.txt -o out", "train-bpe corpus.txt --from {folder} -o out"),
    "add-tokens {folder} --token COVID --sample corpus.txt -o out",
    "stats rows.csv --tokenizer {folder}",
)
_SCORE = ("predict {folder} TEXT", "evaluate {folder} rows.csv", "predict {folder} TEXT --calibrated")
_FINETUNE = "finetune {data} --epochs 1 --baseline none --no-cache "
_MODEL = (
    *_SCORE,
    *("doctor wordpiece --model {folder}", "features {folder} rows.csv -o out.parquet"),
    "add-tokens {folder} --model {folder} --token COVID --sample corpus.txt -o out",
    "trim {folder} --to corpus.txt --model {folder} -o out",
    _FINETUNE.format(data="rows.csv") + "--model {folder} -o out",
)
_LINES, _JSON, _BYTES = (of_lines, of_bytes), (of_json, of_bytes), (of_bytes,)
_JSON_LINES = (of_json_lines, of_json_lines, of_lines)
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": functools.partial(gzip.compress, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": functools.partial(pa.compress, codec="zstd", asbytes=True),
}


@dataclass(frozen=True)
class Target:
    """paths     the files, below the folder of all seeds; a mutation takes one of them
    commands   a mutation takes one of them: ``{}`` is the file, ``{folder}`` its top folder, TEXT a text
    rows       the rows of a file as another reader finds them; raises where it finds it damaged
    checked    a checksum covers the file: a success has to be that of the file as it was
    """

    paths: tuple[str, ...]
    mutators: tuple[Mutator, ...]
    commands: tuple[str, ...]
    rows: Callable[[Path], int] | None = None
    checked: bool = False


def _parquet_rows(path: Path) -> int:
    return pq.read_table(path).num_rows


def _ipc_rows(path: Path) -> int:
    table = pyarrow.ipc.open_file(path).read_all()
    table.validate(full=True)
    return table.num_rows


def _json_lines(path: Path) -> int:
    return len([json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()])


TARGETS = {
    "csv": Target(("rows.csv",), _LINES, (*_DATA, _FINETUNE.format(data="{}") + "--tokenizer wordpiece")),
    "tsv": Target(("rows.tsv",), _LINES, _DATA),
    "json lines": Target(("rows.jsonl",), _JSON_LINES, _DATA, _json_lines),
    "json": Target(("rows.json", "pandas.json"), _JSON, _DATA),
    "json of Label Studio": Target(("studio.json",), _JSON, _DATA),
    "lists of labels": Target(("several.jsonl", "cats.jsonl"), _JSON_LINES, _DATA[:4]),
    "multi-hot": Target(("hot.csv",), _LINES, _DATA[:4]),
    "spans": Target(("spans.jsonl",), _JSON_LINES, _DATA[:4]),
    "conll": Target(("tags.conll",), _LINES, _DATA[:4]),
    "conllu": Target(
        ("tree.conllu",), _LINES, ("stats {} --label-column upos", "split {} -o out --label-column upos")
    ),
    "fasttext": Target(("fast.txt",), _LINES, _DATA[:4]),
    "text": Target(
        ("corpus.txt",), _LINES, ("count {} -o out", "train-bpe {} -o out", "clean {} -o out.txt")
    ),
    "parquet": Target(("rows.parquet", "hugging.parquet"), _BYTES, _DATA, _parquet_rows),
    "arrow": Target(("rows.arrow",), _BYTES, _DATA, _ipc_rows),
    "feather": Target(("rows.feather",), _BYTES, _DATA, _ipc_rows),
    "saved data": Target(("saved/train/data-00000-of-00001.arrow",), _BYTES, _SAVED),
    "saved description": Target(
        ("saved/train/dataset_info.json", "saved/train/state.json", "saved/dataset_dict.json"), _JSON, _SAVED
    ),
    "compressed": Target(
        ("rows.csv.gz", "rows.csv.bz2", "rows.csv.xz"), _BYTES, (_STATS, "count {} -o out"), checked=True
    ),
    "zst": Target(("rows.csv.zst",), _BYTES, (_STATS, "count {} -o out")),
    "review": Target(("review.jsonl",), _JSON_LINES, ("clean rows.csv -o out.csv --apply {}",)),
    "receipt of data": Target(
        ("balanced.csv.tokkit.json",),
        _JSON,
        (
            "rebalance rows.csv -o balanced.csv --force",
            _FINETUNE.format(data="balanced.csv") + "--tokenizer wordpiece",
        ),
    ),
    "class weights": Target(
        ("balanced.csv.weights.json",),
        _JSON,
        (_FINETUNE.format(data="rows.csv") + "--tokenizer wordpiece --class-weights {}",),
    ),
    "settings": Target(("tokkit.toml",), _LINES, ("stats rows.csv", "train-wordpiece corpus.txt -o out")),
    "tokenizer": Target(("wordpiece/tokenizer.json",), _JSON, _TOKENIZER),
    "tokenizers of other families": Target(
        ("bpe/tokenizer.json", "unigram/tokenizer.json"), _JSON, _TOKENIZER
    ),
    "tokenizer config": Target(("wordpiece/tokenizer_config.json",), _JSON, _TOKENIZER),
    "receipt of a tokenizer": Target(("wordpiece/tokkit.json",), _JSON, _TOKENIZER),
    "sentencepiece": Target(("pieces.model",), _BYTES, ("wrap {} -o out", "tokenize {} TEXT")),
    "counts": Target(
        ("counts/part-00.parquet",), _BYTES, ("train-wordpiece --counts counts", "merge-counts counts -o out")
    ),
    "receipt of counts": Target(
        ("counts/tokkit.json",), _JSON, ("train-wordpiece --counts counts", "merge-counts counts -o out")
    ),
    "config": Target(("model/config.json",), _JSON, _MODEL),
    "weights": Target(("model/model.safetensors",), (of_safetensors,), _MODEL),
    "weights of a head": Target(("head/head.safetensors",), (of_safetensors,), _SCORE),
    "metrics": Target(("model/metrics.json",), _JSON, _SCORE[::-1]),
    "receipt of a model": Target(
        ("model/tokkit.json", "head/tokkit.json", "folds/tokkit.json"), _JSON, _SCORE
    ),
    "predictions of folds": Target(
        ("folds/predictions.parquet",),
        _BYTES,
        (
            "evaluate folds rows.csv --label-issues",
            "audit rows.csv --model folds",
            "compare-runs model folds",
        ),
    ),
    "features": Target(
        ("features.parquet",),
        _BYTES,
        ("features {} --probe", "rebalance rows.csv -o out.csv --strategy nearmiss --vectors {}"),
    ),
}


def build(folder: Path, server: CommandServer) -> None:
    """Write the seeds of all targets into a folder."""

    def run(command: str) -> None:
        done = server.run(command.split(), current=folder, warm=True)
        assert done.code == 0, (command, done)

    _write_data(folder)
    run("train-wordpiece corpus.txt -o wordpiece --vocab-size 120 --recipe korean")
    run("train-bpe corpus.txt -o bpe --vocab-size 300")
    run("train-unigram corpus.txt -o unigram --vocab-size 80")
    run("count corpus.txt -o counts")
    run("rebalance rows.csv -o balanced.csv --target joy=20 --weights balanced")
    training = "finetune rows.csv --tokenizer wordpiece --epochs 1 --baseline none --no-cache --threads 1"
    run(f"{training} -o model")
    run(f"{training} -o head --head mean")
    run(f"{training} -o folds --folds 2")
    run("features model rows.csv -o features.parquet")
    run("audit rows.csv --model folds --rows 5 -o review.jsonl")


def _write_data(folder: Path) -> None:
    """Write the rows in every format, and a SentencePiece model."""
    frame = pl.DataFrame(ROWS)
    frame.write_csv(folder / "rows.csv")
    frame.write_csv(folder / "rows.tsv", separator="\t", quote_style="never")
    frame.write_ndjson(folder / "rows.jsonl")
    frame.write_parquet(folder / "rows.parquet")
    frame.write_ipc(folder / "rows.arrow", compat_level=pl.CompatLevel.oldest())
    frame.write_ipc(folder / "rows.feather", compression="lz4", compat_level=pl.CompatLevel.oldest())
    for end, compress in _COMPRESS.items():
        (folder / f"rows.csv.{end}").write_bytes(compress((folder / "rows.csv").read_bytes()))
    write = {name: (folder / name).write_text for name in _DOCUMENTS}
    for name, content in _DOCUMENTS.items():
        write[name](content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["joy", "sad"])}
    )
    rows = [row | {"label": n % 2} for n, row in enumerate(ROWS)]
    hugging = datasets.Dataset.from_list(rows, features=features)
    hugging.to_parquet(folder / "hugging.parquet")
    datasets.DatasetDict({"train": hugging, "test": hugging.select(range(6))}).save_to_disk(folder / "saved")
    # the built-in rules take a second to convert
    rules = folder / "rules.tsv"
    rules.write_text("FF21\t41\n65 301\tE9\n3000\t20\n")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 4),
        model_writer=model,
        vocab_size=80,
        minloglevel=2,
        hard_vocab_limit=False,
        normalization_rule_tsv=str(rules),
    )
    (folder / "pieces.model").write_bytes(model.getvalue())


def _lines(rows: list) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _task(number: int, text: str, label: str) -> dict:
    result = {"from_name": "mood", "type": "choices", "value": {"choices": [label]}}
    return {"id": number, "data": {"text": text}, "annotations": [{"result": [result]}]}


_DOCUMENTS = {
    "rows.json": ROWS,
    "pandas.json": {
        "columns": ["text", "label"],
        "index": list(range(24)),
        "data": [list(row.values()) for row in ROWS],
    },
    "studio.json": [_task(n, *row.values()) for n, row in enumerate(ROWS[:8])],
    "several.jsonl": _lines(
        [{"text": row["text"], "labels": ["a", "b", "c"][: n % 4]} for n, row in enumerate(ROWS)]
    ),
    "hot.csv": "text,labels\n" + "".join(f'{n} day,"[{n % 2}, {n % 3 % 2}, 1]"\n' for n in range(24)),
    "cats.jsonl": _lines([{"text": f"{n} day", "cats": {"POS": n % 2, "NEG": 1 - n % 2}} for n in range(24)]),
    "spans.jsonl": _lines(
        [{"text": f"Anna lives in 서울 {n}", "label": [[0, 4, "PER"], [14, 16, "LOC"]]} for n in range(12)]
    ),
    "tags.conll": "".join(
        f"Anna\tB-PER\nKim\tI-PER\nlives\tO\nin\tO\n서울\tB-LOC\n{n}\tO\n\n" for n in range(12)
    ),
    "tree.conllu": "".join(
        f"# sent_id = {n}\n1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n1\tdo\tdo\tAUX\t_\t_\t0\troot\t_\t_\n"
        f"2\tn't\tnot\tPART\t_\t_\t1\tadvmod\t_\t_\n\n"
        for n in range(6)
    ),
    "fast.txt": "".join(f"__label__{row['label']} {row['text']}\n" for row in ROWS),
    "corpus.txt": "".join(f"{text}\n" for text in TEXTS * 8),
    "tokkit.toml": '[stats]\ntext-column = "text"\nnear = true\n[train-wordpiece]\nvocab-size = 90\n',
}
