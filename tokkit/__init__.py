"""tokkit: from raw text to a tokenizer you can trust and a text classifier you can ship.

Every command is a function of the same name: ``tokkit train-wordpiece corpus.txt`` is
``tokkit.train_wordpiece("corpus.txt")``. Importing tokkit loads nothing heavy; each name is loaded
when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from tokkit.cli.demo import demo as demo
    from tokkit.corpus.feed import CorpusOptions as CorpusOptions
    from tokkit.data.cleaning.clean import clean as clean
    from tokkit.data.cleaning.clean_options import CleanOptions as CleanOptions
    from tokkit.data.loading.dataset_options import DatasetOptions as DatasetOptions
    from tokkit.data.loading.load import load_dataset as load_dataset
    from tokkit.data.rebalancing.rebalance import rebalance as rebalance
    from tokkit.data.rebalancing.rebalance_options import RebalanceOptions as RebalanceOptions
    from tokkit.data.splitting.split import split as split
    from tokkit.data.splitting.split_options import SplitOptions as SplitOptions
    from tokkit.errors import InputError as InputError
    from tokkit.errors import OutputError as OutputError
    from tokkit.errors import TokkitError as TokkitError
    from tokkit.errors import UsageError as UsageError
    from tokkit.inspection.compare import compare as compare
    from tokkit.inspection.comparison.compare_options import CompareOptions as CompareOptions
    from tokkit.inspection.doctor import doctor as doctor
    from tokkit.inspection.stats import stats as stats
    from tokkit.inspection.suggest import SuggestOptions as SuggestOptions
    from tokkit.inspection.suggest import suggest_tokens as suggest_tokens
    from tokkit.model.evaluation.evaluate import evaluate as evaluate
    from tokkit.model.features.features import features as features
    from tokkit.model.finetune import finetune as finetune
    from tokkit.model.folds.compare_settings import compare_settings as compare_settings
    from tokkit.model.options.finetune_options import FinetuneOptions as FinetuneOptions
    from tokkit.model.options.inference_options import EvaluateOptions as EvaluateOptions
    from tokkit.model.options.inference_options import FeaturesOptions as FeaturesOptions
    from tokkit.model.options.inference_options import PredictOptions as PredictOptions
    from tokkit.model.prediction.predict import predict as predict
    from tokkit.sources.corpora import corpora_path as corpora_path
    from tokkit.tokenizer.blocks.catalogue import blocks as blocks
    from tokkit.tokenizer.editing.add_tokens import add_tokens as add_tokens
    from tokkit.tokenizer.editing.options import AddTokensOptions as AddTokensOptions
    from tokkit.tokenizer.editing.options import TrimOptions as TrimOptions
    from tokkit.tokenizer.editing.options import WrapOptions as WrapOptions
    from tokkit.tokenizer.editing.trim import trim as trim
    from tokkit.tokenizer.editing.wrap import wrap as wrap
    from tokkit.tokenizer.tokenize import tokenize as tokenize
    from tokkit.tokenizer.training.count import count as count
    from tokkit.tokenizer.training.count import merge_counts as merge_counts
    from tokkit.tokenizer.training.train import train_bpe as train_bpe
    from tokkit.tokenizer.training.train import train_wordpiece as train_wordpiece
    from tokkit.tokenizer.training.train_frequent import train_char as train_char
    from tokkit.tokenizer.training.train_frequent import train_word as train_word
    from tokkit.tokenizer.training.train_unigram import train_unigram as train_unigram
    from tokkit.tokenizer.training.trainer_options import BpeOptions as BpeOptions
    from tokkit.tokenizer.training.trainer_options import CharOptions as CharOptions
    from tokkit.tokenizer.training.trainer_options import CountOptions as CountOptions
    from tokkit.tokenizer.training.trainer_options import UnigramOptions as UnigramOptions
    from tokkit.tokenizer.training.trainer_options import WordOptions as WordOptions
    from tokkit.tokenizer.training.trainer_options import WordPieceOptions as WordPieceOptions

_HOME = {
    "AddTokensOptions": "tokenizer.editing.options",
    "PredictOptions": "model.options.inference_options",
    "RebalanceOptions": "data.rebalancing.rebalance_options",
    "BpeOptions": "tokenizer.training.trainer_options",
    "CharOptions": "tokenizer.training.trainer_options",
    "CleanOptions": "data.cleaning.clean_options",
    "CompareOptions": "inspection.comparison.compare_options",
    "CorpusOptions": "corpus.feed",
    "CountOptions": "tokenizer.training.trainer_options",
    "DatasetOptions": "data.loading.dataset_options",
    "EvaluateOptions": "model.options.inference_options",
    "FeaturesOptions": "model.options.inference_options",
    "FinetuneOptions": "model.options.finetune_options",
    "InputError": "errors",
    "OutputError": "errors",
    "SplitOptions": "data.splitting.split_options",
    "SuggestOptions": "inspection.suggest",
    "TokkitError": "errors",
    "TrimOptions": "tokenizer.editing.options",
    "UnigramOptions": "tokenizer.training.trainer_options",
    "UsageError": "errors",
    "WordPieceOptions": "tokenizer.training.trainer_options",
    "WordOptions": "tokenizer.training.trainer_options",
    "WrapOptions": "tokenizer.editing.options",
    "add_tokens": "tokenizer.editing.add_tokens",
    "blocks": "tokenizer.blocks.catalogue",
    "clean": "data.cleaning.clean",
    "compare": "inspection.compare",
    "compare_settings": "model.folds.compare_settings",
    "corpora_path": "sources.corpora",
    "count": "tokenizer.training.count",
    "demo": "cli.demo",
    "doctor": "inspection.doctor",
    "evaluate": "model.evaluation.evaluate",
    "features": "model.features.features",
    "finetune": "model.finetune",
    "load_dataset": "data.loading.load",
    "merge_counts": "tokenizer.training.count",
    "predict": "model.prediction.predict",
    "rebalance": "data.rebalancing.rebalance",
    "split": "data.splitting.split",
    "stats": "inspection.stats",
    "suggest_tokens": "inspection.suggest",
    "tokenize": "tokenizer.tokenize",
    "train_bpe": "tokenizer.training.train",
    "train_char": "tokenizer.training.train_frequent",
    "train_unigram": "tokenizer.training.train_unigram",
    "train_word": "tokenizer.training.train_frequent",
    "train_wordpiece": "tokenizer.training.train",
    "wrap": "tokenizer.editing.wrap",
    "trim": "tokenizer.editing.trim",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tokkit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tokkit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
