"""Time and memory of `train-wordpiece` and `train-bpe` next to `tokenizers` and `gigatoken`, and the results.

    python -m tests.benchmarks.tokenizer_training CORPUS.txt.gz [...] --vocab-size 30000

All read the same unpacked text from the page cache, each in a process of its own, in turn, ``--rounds``
times. The kernels are compiled in a separate run beforehand, which is reported too. Byte-level BPE must be
equal to the last merge. WordPiece of the reference is random: a run that starts from the order of
characters that the reference happened to choose must be equal to the last id. `gigatoken` (byte-level BPE
only) takes part if ``--gigatoken PYTHON`` names an interpreter that has it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import Timed, timed

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

_GIGATOKEN = """
import sys
import gigatoken
corpus, size = sys.argv[1:]
gigatoken.train_bpe(corpus, int(size), ["<|endoftext|>"])
"""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--vocab-size", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigatoken", metavar="PYTHON", help="interpreter that has gigatoken")
    if sys.argv[1:2] == ["--difference"]:
        family, *paths = sys.argv[2:]
        print(_difference(family, *map(Path, paths)))
        return
    arguments = parser.parse_args()
    bare = timed([sys.executable, "-c", "pass"])
    print(f"bare interpreter {bare}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "kernels")
        for family in ("bpe", "wordpiece"):
            small = folder / "small.txt"
            small.write_text("a few words to compile the kernels with\n" * 9)
            print(f"first run ever, {family}: {_ours(family, small, 300, folder / 'first')}", flush=True)
        for corpus in arguments.corpora:
            compare(_unpacked(corpus, folder), arguments, folder)


def compare(corpus: Path, arguments: argparse.Namespace, folder: Path) -> None:
    """A block of lines a family: medians over the rounds, ratios, and whether the results are equal."""
    size = arguments.vocab_size
    print(f"\n{corpus.name}: {corpus.stat().st_size / 1e6:.1f} MB, {size:,} tokens")
    subprocess.run(["cat", str(corpus)], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    for family in ("bpe", "wordpiece"):
        theirs, ours = folder / f"{family}.json", folder / family
        runs: dict[str, list[Timed]] = {"tokenizers": [], "tokkit": [], "gigatoken": []}
        _ours(family, corpus, 300, ours)  # bytecode, and what a tiny corpus left uncompiled
        for _ in range(arguments.rounds):
            runs["tokkit"].append(_ours(family, corpus, size, ours))
            if family == "bpe" and arguments.gigatoken:
                script = [arguments.gigatoken, "-c", _GIGATOKEN, str(corpus), str(size)]
                runs["gigatoken"].append(timed(script))
            script = [sys.executable, "-c", _REFERENCE, family, str(corpus), str(size), str(theirs)]
            runs["tokenizers"].append(timed(script))
        for name, taken in runs.items():
            for each in taken:
                print(f"  {family:10} {name:10} {each}")
        for name in filter(runs.get, ("tokenizers", "gigatoken")):
            wall, cpu = (
                statistics.median(getattr(run, of) for run in runs[name])
                / statistics.median(getattr(run, of) for run in runs["tokkit"])
                for of in ("wall", "cpu")
            )
            least = min(run.cpu for run in runs[name]) / min(run.cpu for run in runs["tokkit"])
            print(f"  {name} / tokkit: {wall:.2f} wall, {cpu:.2f} CPU (medians), {least:.2f} least CPU")
        # in a process of its own: a child's peak memory begins with that of its parent
        told = [family, str(theirs), str(ours / "tokenizer.json"), str(corpus)]
        script = [sys.executable, "-m", "tests.benchmarks.tokenizer_training", "--difference", *told]
        print(f"  {subprocess.check_output(script, text=True).strip()}", flush=True)


def _ours(family: str, corpus: Path, size: int, out: Path) -> Timed:
    command = [f"train-{family}", str(corpus), "-o", str(out), "--vocab-size", str(size), "-q", "--force"]
    return timed([sys.executable, "-m", "tokkit", *command])


def _difference(family: str, theirs: Path, ours: Path, corpus: Path) -> str:
    models = [json.loads(path.read_text("utf-8"))["model"] for path in (theirs, ours)]
    if family == "wordpiece":
        return _wordpiece_difference(models[0]["vocab"], models[1]["vocab"], corpus)
    equal = models[0]["vocab"] == models[1]["vocab"] and models[0]["merges"] == models[1]["merges"]
    return "equal to the last id" if equal else "DIFFERENT"


def _wordpiece_difference(theirs: dict[str, int], ours: dict[str, int], corpus: Path) -> str:
    """Trains once more from the reference's own order of ``##`` characters, read out of its ids."""
    from tokkit.corpus import feed
    from tokkit.corpus.words import count_words
    from tokkit.progress import SILENT, Stages
    from tokkit.tokenizer.training.blueprint import resolve
    from tokkit.tokenizer.training.learning import learn
    from tokkit.tokenizer.training.train import merge_options
    from tokkit.tokenizer.training.trainer_options import WordPieceOptions

    options = WordPieceOptions(vocab_size=(len(theirs),))
    blueprint = resolve(options)
    in_order = sorted(theirs, key=theirs.__getitem__)
    initial = [t for t in in_order if t in _SPECIAL or len(t) == 1 or (t[:2] == "##" and len(t) == 3)]
    words = count_words(feed.plan([corpus], feed.CorpusOptions()), blueprint.skeleton().to_str(), SILENT)
    learned = learn(merge_options(options, blueprint), words, Stages(SILENT), initial)
    same = "equal to the last id" if learned.vocabulary(len(theirs)) == theirs else "DIFFERENT"
    common = len(theirs.keys() & ours.keys())
    return (
        f"from the reference's order of characters: {same}; from ours {common:,} of {len(ours):,} in common"
    )


def _unpacked(corpus: Path, folder: Path) -> Path:
    if corpus.suffix != ".gz":
        return corpus
    out = folder / corpus.stem
    with gzip.open(corpus) as packed, open(out, "wb") as plain:
        shutil.copyfileobj(packed, plain)
    return out


if __name__ == "__main__":
    main()
