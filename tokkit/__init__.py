"""tokkit: from raw text to a tokenizer you can trust and a text classifier you can ship.

Every command is a function of the same name: ``tokkit train-wordpiece corpus.txt`` is
``tokkit.train_wordpiece("corpus.txt")``. Importing tokkit loads nothing heavy; each name is loaded
when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokkit.cli.demo import demo as demo
    from tokkit.corpus.feed import CorpusOptions as CorpusOptions
    from tokkit.data.cleaning.clean import clean as clean
    from tokkit.data.cleaning.cleaning_plan import CleaningPlan as CleaningPlan
    from tokkit.data.loading.dataset_dict import load_dataset as load_dataset
    from tokkit.data.loading.load import DatasetOptions as DatasetOptions
    from tokkit.data.rebalancing.balance import BalancePlan as BalancePlan
    from tokkit.data.rebalancing.rebalance import rebalance as rebalance
    from tokkit.data.splitting.split import SplitPlan as SplitPlan
    from tokkit.data.splitting.split import split as split
    from tokkit.errors import InputError as InputError
    from tokkit.errors import OutputError as OutputError
    from tokkit.errors import TokkitError as TokkitError
    from tokkit.errors import UsageError as UsageError
    from tokkit.inspection.comparison.compare import compare as compare
    from tokkit.inspection.comparison.compare_spec import CompareSpec as CompareSpec
    from tokkit.inspection.doctor.doctor import doctor as doctor
    from tokkit.inspection.stats import stats as stats
    from tokkit.inspection.suggestion.suggest import SuggestSpec as SuggestSpec
    from tokkit.inspection.suggestion.suggest import suggest_tokens as suggest_tokens
    from tokkit.model.evaluation.evaluate import evaluate as evaluate
    from tokkit.model.evaluation.spec import AnswerOptions as AnswerOptions
    from tokkit.model.evaluation.spec import EvaluateSpec as EvaluateSpec
    from tokkit.model.features.features import features as features
    from tokkit.model.features.spec import FeaturesSpec as FeaturesSpec
    from tokkit.model.folds.compare_settings import compare_settings as compare_settings
    from tokkit.model.predict import predict as predict
    from tokkit.model.spec import FinetuneSpec as FinetuneSpec
    from tokkit.model.training.finetune import finetune as finetune
    from tokkit.sources.corpora import corpora_path as corpora_path
    from tokkit.tokenizer.blocks.catalogue import blocks as blocks
    from tokkit.tokenizer.extension.add_tokens import add_tokens as add_tokens
    from tokkit.tokenizer.extension.requests import AddTokensSpec as AddTokensSpec
    from tokkit.tokenizer.extension.trim import TrimSpec as TrimSpec
    from tokkit.tokenizer.extension.trim import trim as trim
    from tokkit.tokenizer.tokenize import tokenize as tokenize
    from tokkit.tokenizer.training.count import CountSpec as CountSpec
    from tokkit.tokenizer.training.count import count as count
    from tokkit.tokenizer.training.count import merge_counts as merge_counts
    from tokkit.tokenizer.training.spec import BpeSpec as BpeSpec
    from tokkit.tokenizer.training.spec import CharSpec as CharSpec
    from tokkit.tokenizer.training.spec import UnigramSpec as UnigramSpec
    from tokkit.tokenizer.training.spec import WordPieceSpec as WordPieceSpec
    from tokkit.tokenizer.training.spec import WordSpec as WordSpec
    from tokkit.tokenizer.training.train import train_bpe as train_bpe
    from tokkit.tokenizer.training.train import train_wordpiece as train_wordpiece
    from tokkit.tokenizer.training.train_char import train_char as train_char
    from tokkit.tokenizer.training.train_unigram import train_unigram as train_unigram
    from tokkit.tokenizer.training.train_word import train_word as train_word
    from tokkit.tokenizer.wrap import wrap as wrap
    from tokkit.tokenizer.wrapping.spec import WrapSpec as WrapSpec

_HOME = {
    "AddTokensSpec": "tokenizer.extension.requests",
    "AnswerOptions": "model.evaluation.spec",
    "BalancePlan": "data.rebalancing.balance",
    "BpeSpec": "tokenizer.training.spec",
    "CharSpec": "tokenizer.training.spec",
    "CleaningPlan": "data.cleaning.cleaning_plan",
    "CompareSpec": "inspection.comparison.compare_spec",
    "CorpusOptions": "corpus.feed",
    "CountSpec": "tokenizer.training.count",
    "DatasetOptions": "data.loading.load",
    "EvaluateSpec": "model.evaluation.spec",
    "FeaturesSpec": "model.features.spec",
    "FinetuneSpec": "model.spec",
    "InputError": "errors",
    "OutputError": "errors",
    "SplitPlan": "data.splitting.split",
    "SuggestSpec": "inspection.suggestion.suggest",
    "TokkitError": "errors",
    "TrimSpec": "tokenizer.extension.trim",
    "UnigramSpec": "tokenizer.training.spec",
    "UsageError": "errors",
    "WordPieceSpec": "tokenizer.training.spec",
    "WordSpec": "tokenizer.training.spec",
    "WrapSpec": "tokenizer.wrapping.spec",
    "add_tokens": "tokenizer.extension.add_tokens",
    "blocks": "tokenizer.blocks.catalogue",
    "clean": "data.cleaning.clean",
    "compare": "inspection.comparison.compare",
    "compare_settings": "model.folds.compare_settings",
    "corpora_path": "sources.corpora",
    "count": "tokenizer.training.count",
    "demo": "cli.demo",
    "doctor": "inspection.doctor.doctor",
    "evaluate": "model.evaluation.evaluate",
    "features": "model.features.features",
    "finetune": "model.training.finetune",
    "load_dataset": "data.loading.dataset_dict",
    "merge_counts": "tokenizer.training.count",
    "predict": "model.predict",
    "rebalance": "data.rebalancing.rebalance",
    "split": "data.splitting.split",
    "stats": "inspection.stats",
    "suggest_tokens": "inspection.suggestion.suggest",
    "tokenize": "tokenizer.tokenize",
    "train_bpe": "tokenizer.training.train",
    "train_char": "tokenizer.training.train_char",
    "train_unigram": "tokenizer.training.train_unigram",
    "train_word": "tokenizer.training.train_word",
    "train_wordpiece": "tokenizer.training.train",
    "wrap": "tokenizer.wrap",
    "trim": "tokenizer.extension.trim",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tokkit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tokkit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
