"""Small tokenizers and models of many classes, for the tests of `add-tokens` and `trim`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
import transformers
from tokenizer_texts import HARD_LINES, cut, write
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

import tokkit

_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 62,
}
_DISTILBERT = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 62}
_GPT2 = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 62}
_T5 = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2}
_BART = {
    **{"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 62},
    **{"encoder_attention_heads": 2, "decoder_attention_heads": 2},
    **{"encoder_ffn_dim": 24, "decoder_ffn_dim": 24},
}

MODELS = {
    "BertForSequenceClassification": ("wordpiece", "BertConfig", {**_SIZES, "num_labels": 3}),
    "BertForMaskedLM": ("wordpiece", "BertConfig", _SIZES),
    "BertForMaskedLM untied": ("wordpiece", "BertConfig", {**_SIZES, "tie_word_embeddings": False}),
    "BertForPreTraining": ("wordpiece", "BertConfig", _SIZES),
    "BertForQuestionAnswering": ("wordpiece", "BertConfig", _SIZES),
    "BertForMultipleChoice": ("wordpiece", "BertConfig", _SIZES),
    "BertModel": ("wordpiece", "BertConfig", _SIZES),
    "DistilBertForMaskedLM": ("wordpiece", "DistilBertConfig", _DISTILBERT),
    "DistilBertForTokenClassification": ("wordpiece", "DistilBertConfig", _DISTILBERT),
    "ElectraForMaskedLM": ("wordpiece", "ElectraConfig", {**_SIZES, "embedding_size": 8}),
    "RobertaForMaskedLM": ("bpe", "RobertaConfig", {**_SIZES, "pad_token_id": 1}),
    "RobertaForSequenceClassification": ("bpe", "RobertaConfig", {**_SIZES, "pad_token_id": 1}),
    "ModernBertForMaskedLM": (
        "wordpiece",
        "ModernBertConfig",
        {**_SIZES, **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0)},
    ),
    "DebertaV2ForSequenceClassification": ("wordpiece", "DebertaV2Config", _SIZES),
    "GPT2LMHeadModel": ("bpe", "GPT2Config", {**_GPT2, "bos_token_id": 0, "eos_token_id": 2}),
    "LlamaForCausalLM": ("bpe", "LlamaConfig", {**_SIZES, "tie_word_embeddings": False}),
    "T5ForConditionalGeneration": ("bpe", "T5Config", {**_T5, "decoder_start_token_id": 1}),
    "BartForConditionalGeneration": ("bpe", "BartConfig", _BART),
}
"""Class, and in what it differs -> its tokenizer, its configuration's class, and what that is made with."""


def add_tokens(*arguments, **settings):
    """`tokkit.add_tokens`, its difference measured on a small sample: any text will do."""
    return tokkit.add_tokens(*arguments, **{"sample": str(Path(__file__)), **settings})


def corpus(folder: Path) -> Path:
    return write(folder / "corpus.txt", cut("english", 30_000) + cut("korean", 15_000) + HARD_LINES)


def tokenizers(folder: Path) -> dict[str, Path]:
    """A WordPiece (lower case) and a byte-level BPE tokenizer of a few hundred tokens."""
    text = corpus(folder)
    tokkit.train_wordpiece(text, folder / "wordpiece", vocab_size=600)
    tokkit.train_bpe(text, folder / "bpe", vocab_size=500, recipe="roberta")
    return {name: folder / name for name in ("wordpiece", "bpe")}


def build(name: str, tokenizer: Path, folder: Path, rows: int | None = None, dtype: str = "float32") -> Path:
    """A checkpoint of that class with random weights, its tokenizer in it; ``rows`` as asked or needed."""
    _, config_class, settings = MODELS[name]
    size = Tokenizer.from_file(str(tokenizer / "tokenizer.json")).get_vocab_size()
    torch.manual_seed(1)
    config = getattr(transformers, config_class)(vocab_size=rows or size, **settings)
    model = getattr(transformers, name.split()[0])(config).to(getattr(torch, dtype))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / file, folder / file)
    return folder


def load(folder: Path):
    """The model of the class its configuration names, as transformers itself loads it."""
    named = json.loads((folder / "config.json").read_text("utf-8"))["architectures"][0]
    model, info = getattr(transformers, named).from_pretrained(folder, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model.eval()


def bits(tensor):
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def same(first, second) -> bool:
    return first.dtype == second.dtype and torch.equal(bits(first), bits(second))


def load_tokenizer(folder: Path):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return tokenizer
