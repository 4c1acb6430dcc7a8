"""Tokenizers of every kind, trained on texts that are hard to encode, and rows made of the same parts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from corpus_texts import COMPATIBLE, JAMO, KINDS, LETTERS, MARKS, NUMBERS, PICTURES, SIGNS, TORTURE
from hypothesis import strategies as st
from tokenizer_texts import HARD, HARD_LINES, cut
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokkit.progress import SILENT
from tokkit.tokenizer.encoding import fast, reference
from tokkit.tokenizer.encoding.reference import EncodeRequest
from tokkit.tokenizer.folder.load import LoadedTokenizer, TokenizerConfig

BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TRAINED_ON = [
    *HARD_LINES.split("\n"),
    *HARD,
    *(text for text in TORTURE for _ in range(3)),
    *cut("english", 20_000).split("\n"),
    *cut("korean", 10_000).split("\n"),
    *(" ".join(kind) for kind in (LETTERS, NUMBERS, PICTURES, COMPATIBLE, JAMO) for _ in range(4)),
]
RAW_ALPHABET = pre_tokenizers.ByteLevel.alphabet()


def _trained(tokenizer: Tokenizer, trainer: trainers.Trainer) -> Tokenizer:
    tokenizer.train_from_iterator(TRAINED_ON, trainer)
    return tokenizer


def _with_bert_frame(tokenizer: Tokenizer) -> Tokenizer:
    roles = [(token, tokenizer.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*roles)
    return tokenizer


def wordpiece(normalizer: normalizers.Normalizer | None, longest: int = 100) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=longest))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=900, limit_alphabet=400, special_tokens=BERT_TOKENS, show_progress=False
    )
    trained = _with_bert_frame(_trained(tokenizer, trainer))
    trained.model.max_input_chars_per_word = longest
    return trained


def byte_level(prefix_space: bool = False, **settings: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(**settings))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    trainer = trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=RAW_ALPHABET,
        show_progress=False,
    )
    trained = _trained(tokenizer, trainer)
    trained.post_processor = processors.ByteLevel(trim_offsets=False)
    trained.decoder = decoders.ByteLevel()
    return trained


def roberta() -> Tokenizer:
    trained = byte_level()
    trained.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), add_prefix_space=False)
    return trained


def small_alphabet() -> Tokenizer:
    """Byte-level, some bytes without a token of their own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _trained(tokenizer, trainers.BpeTrainer(vocab_size=700, limit_alphabet=60, show_progress=False))


def characters(splitting: pre_tokenizers.PreTokenizer, **marks: str) -> Tokenizer:
    """BPE on characters, with a prefix or suffix perhaps."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", **marks))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = splitting
    trainer = trainers.BpeTrainer(
        vocab_size=900, limit_alphabet=300, special_tokens=BERT_TOKENS, show_progress=False, **marks
    )
    return _with_bert_frame(_trained(tokenizer, trainer))


def llama() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=1200,
        limit_alphabet=300,
        special_tokens=["<unk>", "<s>", "</s>", *fallback],
        show_progress=False,
    )
    trained = _trained(tokenizer, trainer)
    trained.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)]
    )
    return trained


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=3000, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    trained = _trained(tokenizer, trainer)
    trained.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s>:3 $A:1 </s>:0 </s>:2 $B:5 </s>:4",
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    return trained


def word_level() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=500, special_tokens=BERT_TOKENS, show_progress=False)
    return _with_bert_frame(_trained(tokenizer, trainer))


def repeats_the_text() -> Tokenizer:
    """A post-processor that is no frame around a text."""
    trained = wordpiece(None)
    trained.post_processor = processors.TemplateProcessing(
        single="$A [SEP] $A", special_tokens=[("[SEP]", 3)]
    )
    return trained


KERNEL: Mapping[str, Callable[[], Tokenizer]] = {
    "bert-uncased": lambda: wordpiece(normalizers.BertNormalizer()),
    "bert-cased": lambda: wordpiece(normalizers.BertNormalizer(lowercase=False, strip_accents=False)),
    "korean": lambda: wordpiece(normalizers.NFC()),
    "short-words": lambda: wordpiece(None, longest=4),
    "gpt2": byte_level,
    "roberta": roberta,
    "ignore-merges": lambda: byte_level(ignore_merges=True),
    "small-alphabet": small_alphabet,
    "characters": lambda: characters(pre_tokenizers.WhitespaceSplit()),
    "suffix": lambda: characters(pre_tokenizers.Whitespace(), end_of_word_suffix="</w>"),
    "prefix": lambda: characters(pre_tokenizers.BertPreTokenizer(), continuing_subword_prefix="##"),
}
"""Words are encoded by kernels."""

REFERENCE: Mapping[str, Callable[[], Tokenizer]] = {
    "prefix-space": lambda: byte_level(prefix_space=True),
    "llama": llama,
    "unigram": unigram,
    "word-level": word_level,
}
"""Distinct chunks are encoded by `tokenizers`."""

FAST = {**KERNEL, **REFERENCE}


@functools.cache
def backend(name: str) -> str:
    """One of the tokenizers as JSON; made once."""
    return FAST[name]().to_str()


def loaded(source: Tokenizer | str) -> LoadedTokenizer:
    tokenizer = Tokenizer.from_str(source) if isinstance(source, str) else source
    unknown = {token: "unk" for token in ("[UNK]", "<unk>") if tokenizer.token_to_id(token) is not None}
    special = {role: token for token, role in unknown.items()}
    return LoadedTokenizer(
        tokenizer, special, None, TokenizerConfig({}), Path("here"), Path("here/tokenizer.json")
    )


@functools.cache
def tokenizer(name: str) -> LoadedTokenizer:
    return loaded(backend(name))


def both(encoder, texts, pairs=None, max_length=None, special=True, threads=1, progress=SILENT):
    """What kernels and reference give, as lists: ids, segments, rows truncated, tokens and unknown ones.

    None in place of what kernels give where they leave it to the reference.
    """
    request = EncodeRequest(texts, pairs, encoder, max_length, special, threads)
    whole = replace(request, max_length=None)
    wanted = _listed(reference.encode(request, SILENT), reference.token_counts(whole, SILENT))
    return by_kernels(encoder, texts, pairs, max_length, special, threads, progress), wanted


def by_kernels(encoder, texts, pairs=None, max_length=None, special=True, threads=1, progress=SILENT):
    """What kernels give, or None."""
    request = EncodeRequest(texts, pairs, encoder, max_length, special, threads)
    encoded = fast.encode(request, progress)
    counted = fast.token_counts(replace(request, max_length=None), progress)
    assert (encoded is None) == (counted is None)
    return None if encoded is None else _listed(encoded, counted)


def _listed(encoded, counted):
    return *as_lists(encoded), counted.tokens.tolist(), counted.unknown.tolist()


def as_lists(encoded):
    """Ids of each row, segments, and rows truncated."""
    segments = None if encoded.segments is None else encoded.segments.tolist()
    assert (encoded.ids.dtype, encoded.offsets.dtype) == (np.int32, np.int64)
    rows = [part.tolist() for part in np.split(encoded.ids, encoded.offsets[1:-1])]
    return rows, segments, encoded.truncated


ADDED_PARTS = (
    "<tok>",
    "new york",
    "York",
    "neW",
    "  ",
    "\n\n",
    "Ünı",
    "[MASK]",
    "ab",
    "x y",
    "가나",
    "\u3000",
)
_PART = st.one_of(
    *(st.sampled_from(kind) for kind in (LETTERS, LETTERS, SIGNS, MARKS, ADDED_PARTS, *KINDS)),
    st.sampled_from((" ", " ", "\n", "the", "a" * 70, "가나다 " * 3)),
    st.characters(exclude_categories=["Cs"]),
)
rows = st.lists(_PART, max_size=12).map("".join)
"""Texts of any kind, NUL among them."""
