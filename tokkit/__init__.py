"""tokkit: from raw text to a tokenizer you can trust and a text classifier you can ship.

Every command is a function of the same name: ``tokkit train-wordpiece corpus.txt`` is
``tokkit.train_wordpiece("corpus.txt")``. Importing tokkit loads nothing heavy; each name is loaded
when it is first used.
"""

from __future__ import annotations

# Neither `typing` nor `inspect`: until the command line handles Ctrl-C, it is Python's own traceback.
import importlib
from types import FunctionType

__version__ = "0.2.0"

# Name -> its module. Completion and type checkers read `__init__.pyi`, which is written from this.
_HOME = {
    "AddTokensOptions": "tokenizer.editing.options",
    "AuditOptions": "review.audit_options",
    "PredictOptions": "model.options.inference_options",
    "PushOptions": "hub.push_options",
    "RebalanceOptions": "data.rebalancing.rebalance_options",
    "BpeOptions": "tokenizer.training.trainer_options",
    "CardOptions": "hub.card_options",
    "CharOptions": "tokenizer.training.trainer_options",
    "CleanOptions": "data.cleaning.clean_options",
    "CompareOptions": "inspection.comparison.compare_options",
    "CompareRunsOptions": "review.compare_runs_options",
    "CorpusOptions": "corpus.feed",
    "CountOptions": "tokenizer.training.trainer_options",
    "DatasetOptions": "data.loading.dataset_options",
    "EncodeOptions": "data.encoding.encode_options",
    "EngineOptions": "runtime.engines.engine_options",
    "EvaluateOptions": "model.options.inference_options",
    "ExploreOptions": "review.explore_options",
    "ExportOptions": "model.options.export_options",
    "FeaturesOptions": "model.options.inference_options",
    "FindOptions": "hub.find_options",
    "FinetuneOptions": "model.options.finetune_options",
    "InputError": "errors",
    "OutputError": "errors",
    "SplitOptions": "data.splitting.split_options",
    "SuggestOptions": "inspection.suggest",
    "SuggestRowsOptions": "review.suggest_rows_options",
    "TokkitError": "errors",
    "TrimOptions": "tokenizer.editing.options",
    "UnigramOptions": "tokenizer.training.trainer_options",
    "UsageError": "errors",
    "WordPieceOptions": "tokenizer.training.trainer_options",
    "WordOptions": "tokenizer.training.trainer_options",
    "WrapOptions": "tokenizer.editing.options",
    "add_tokens": "tokenizer.editing.add_tokens",
    "audit": "review.audit",
    "blocks": "tokenizer.blocks.catalogue",
    "card": "hub.card",
    "check_card": "hub.card_check",
    "clean": "data.cleaning.clean",
    "compare": "inspection.compare",
    "compare_runs": "review.compare_runs",
    "compare_settings": "model.folds.compare_settings",
    "corpora_path": "sources.corpora",
    "count": "tokenizer.training.count",
    "demo": "cli.demo",
    "doctor": "inspection.doctor",
    "encode": "data.encoding.encode",
    "evaluate": "model.evaluation.evaluate",
    "explore": "review.explore",
    "export": "model.export.export",
    "features": "model.features.features",
    "find_datasets": "hub.find",
    "finetune": "model.finetune",
    "load_dataset": "data.loading.load",
    "merge_counts": "tokenizer.training.count",
    "predict": "model.prediction.predict",
    "push": "hub.push",
    "rebalance": "data.rebalancing.rebalance",
    "reproduce": "review.reproduce",
    "split": "data.splitting.split",
    "stats": "inspection.stats",
    "suggest_rows": "review.suggest_rows",
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


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'tokkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"tokkit.{_HOME[name]}"), name)
    if not isinstance(value, FunctionType):
        return value
    from tokkit.python.functions import public  # here: `tokkit.cli` and scripts of one class do without

    globals()[name] = public(value)
    return globals()[name]


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
