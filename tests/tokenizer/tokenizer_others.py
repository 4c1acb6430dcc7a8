"""Tokenizers as others make them: the pipelines of GPT-4, RoBERTa, BERT, Llama and GPT-1, small."""

from __future__ import annotations

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

GPT4 = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
OLD_TEXT = ["an entirely different corpus, 123 of it", "with other words: zebra, quartz; 한국어"] * 3


def learned(tokenizer, size, special, **settings):
    """The old tokenizer, trained on another corpus."""
    cls = trainers.WordPieceTrainer if isinstance(tokenizer.model, models.WordPiece) else trainers.BpeTrainer
    trainer = cls(vocab_size=size, special_tokens=special, show_progress=False, **settings)
    tokenizer.train_from_iterator(OLD_TEXT, trainer)
    return tokenizer


def gpt4_like():
    """Split, then bytes; special tokens that came last, as GPT-2's did; a template and ByteLevel after it."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(GPT4), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    learned(tokenizer, 300, [], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.add_special_tokens(["<|end|>", "<|begin|>"])
    tokenizer.add_tokens(["plainword"])
    ends = [(token, tokenizer.token_to_id(token)) for token in ("<|begin|>", "<|end|>")]
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing("<|begin|> $A", "<|begin|> $A <|end|> $B:1", ends),
        ]
    )
    return tokenizer


def roberta_like():
    """RobertaProcessing, and a mask token that takes the space before it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    learned(tokenizer, 300, [], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.add_special_tokens(["</s>", "<s>", "<unk>", "<pad>", AddedToken("<mask>", lstrip=True)])
    ids = [(token, tokenizer.token_to_id(token)) for token in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ids, trim_offsets=True, add_prefix_space=False)
    return tokenizer


def bert_like():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    learned(tokenizer, 120, ["[UNUSED]", "[UNK]", "[SEP]", "[CLS]", "[PAD]"])
    ids = [(token, tokenizer.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ids)
    return tokenizer


def llama_like():
    """Byte fallback, unknown tokens fused, SentencePiece's normalizer."""
    special = ["<unk>", "<s>", "</s>"]
    vocabulary = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abc", "ab"]
    ids = {token: number for number, token in enumerate(vocabulary)}
    model = models.BPE(ids, [("a", "b")], unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 1)])
    return tokenizer


def suffix_like():
    """GPT-1: a mark at the end of words, an unknown token."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    return learned(tokenizer, 100, ["<unk>"], end_of_word_suffix="</w>")


OLD = {build.__name__: build for build in (gpt4_like, roberta_like, bert_like, llama_like, suffix_like)}
