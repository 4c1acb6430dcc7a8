"""Time and memory of `train-wordpiece` and `train-bpe` beside the `tokenizers` trainer, and the results.

    python -m tests.benchmarks.tokenizer_training CORPUS.txt.gz [...] --vocab-size 30000

Both read the same unpacked text, each in a process of its own, in turn. The byte-level BPE must be equal
to the last merge; WordPiece of the reference is drawn at random, so the share of common tokens is told.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import timed

_REFERENCE = """
import sys
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
family, corpus, size, out = sys.argv[1:]
if family == "bpe":
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=int(size), min_frequency=2, show_progress=False,
        special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
else:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=int(size), min_frequency=2, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
tokenizer.train([corpus], trainer)
tokenizer.save(out)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--vocab-size", type=int, default=30_000)
    arguments = parser.parse_args()
    for corpus in arguments.corpora:
        with tempfile.TemporaryDirectory() as folder:
            compare(_unpacked(corpus, Path(folder)), arguments.vocab_size, Path(folder))


def compare(corpus: Path, size: int, folder: Path) -> None:
    """One line a family and trainer."""
    print(f"{corpus.name}: {corpus.stat().st_size / 1e6:.1f} MB, {size:,} tokens")
    for family in ("bpe", "wordpiece"):
        theirs = folder / f"{family}.json"
        ours = folder / family
        script = [sys.executable, "-c", _REFERENCE, family, str(corpus), str(size), str(theirs)]
        print(f"  {family:10} tokenizers {timed(script)}")
        command = [
            "-m",
            "tokkit",
            f"train-{family}",
            str(corpus),
            "-o",
            str(ours),
            "--vocab-size",
            str(size),
            "-q",
        ]
        print(f"  {family:10} tokkit     {timed([sys.executable, *command])}")
        print(f"  {'':10} {_difference(theirs, ours / 'tokenizer.json')}", flush=True)


def _difference(theirs: Path, ours: Path) -> str:
    models = [json.loads(path.read_text("utf-8"))["model"] for path in (theirs, ours)]
    if models[0]["vocab"] == models[1]["vocab"] and models[0].get("merges") == models[1].get("merges"):
        return "equal to the last id"
    common = len(set(models[0]["vocab"]) & set(models[1]["vocab"]))
    return f"{common:,} of {len(models[1]['vocab']):,} tokens in common"


def _unpacked(corpus: Path, folder: Path) -> Path:
    if corpus.suffix != ".gz":
        return corpus
    out = folder / corpus.stem
    with gzip.open(corpus) as packed, open(out, "wb") as plain:
        shutil.copyfileobj(packed, plain)
    return out


if __name__ == "__main__":
    main()
