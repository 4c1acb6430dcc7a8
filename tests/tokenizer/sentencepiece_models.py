"""SentencePiece models trained for tests by the package itself, on what is shipped."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizer_texts import cut

DEFINED = ["<usr>", "##", "한글날"]

KINDS: dict[str, dict[str, Any]] = {
    "unigram": {"model_type": "unigram"},
    "unigram bytes": {"model_type": "unigram", "byte_fallback": True, "user_defined_symbols": DEFINED},
    "unigram identity": {"model_type": "unigram", "normalization_rule_name": "identity"},
    "unigram spaces": {"model_type": "unigram", "remove_extra_whitespaces": False, "add_dummy_prefix": False},
    "bpe": {"model_type": "bpe", "normalization_rule_name": "nfkc"},
    "bpe defined": {"model_type": "bpe", "user_defined_symbols": DEFINED},
    "bpe bytes": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity"},
    "bpe across words": {"model_type": "bpe", "split_by_whitespace": False, "character_coverage": 0.99},
    "kobert": {
        **{"model_type": "unigram", "unk_piece": "[UNK]", "pad_piece": "[PAD]", "unk_id": 0, "pad_id": 1},
        **{"bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]},
    },
}


_HOME = tempfile.TemporaryDirectory(prefix="sentencepiece-")


@functools.cache
def trained(kind: str) -> Path:
    """The `.model` of that kind; made once a session."""
    path = Path(_HOME.name) / f"{kind}.model"
    lines = (cut("english", 60_000) + cut("korean", 60_000)).splitlines()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(path.with_suffix("")),
        vocab_size=2_000,
        minloglevel=2,
        num_threads=1,
        hard_vocab_limit=False,
        **KINDS[kind],
    )
    return path
