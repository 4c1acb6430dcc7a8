"""The files of a model folder that report on its training: scores, history and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tokkit.model.folder import model_folder
from tokkit.model.folder.predictions import prediction_table, write_json
from tokkit.model.network import losses
from tokkit.model.network.batches import part_of
from tokkit.model.network.heads import width_of
from tokkit.model.options.finetune_options import default_lr
from tokkit.model.training.evaluations import write_history
from tokkit.model.training.session import TrainingResult
from tokkit.model.training.setup import TrainingSetup
from tokkit.progress import Progress
from tokkit.views import plots
from tokkit.views.names import score_name
from tokkit.views.reports.evaluation import predicts_only

_VERIFIED_ROWS = 8
# A training loss that is still more than this share of the one of the first evaluation hardly fell.
_HARDLY_FELL = 0.95


def write(
    folder: Path,
    setup: TrainingSetup,
    result: TrainingResult,
    scores: Mapping[str, Any],
    progress: Progress,
) -> None:
    """Verify the model in ``folder`` and write its scores, history and predictions.

    scores   of the best evaluation, with those of the baseline
    """
    classifier, validation, best = setup.classifier, setup.validation, result.best
    baseline, metric = scores.get("baseline"), classifier.task.metric
    if baseline and scores[metric] < baseline[metric]:
        progress.say(
            f"{score_name(metric)} {scores[metric]:.4f} is below the baseline's {baseline[metric]:.4f}: "
            f"{_remedy(setup, result)}"
        )
    for only in predicts_only(scores):
        progress.say(f"the model {only}: {_remedy(setup, result)}")
    # What was written is loaded again and must predict a few rows as the model in memory did.
    rows = np.arange(min(_VERIFIED_ROWS, len(validation.encoded)))
    sample = part_of(validation.encoded, rows)
    predicted = len(rows) if classifier.task.by_row else len(sample.ids)
    model_folder.verify(folder, sample, best.logits[:predicted])
    write_json(folder / "metrics.json", scores)
    write_history(folder / "history.csv", result.history)
    loss = losses.name(classifier.task, setup.options)
    (folder / "curves.png").write_bytes(
        plots.curves(
            [result.history],
            "png",
            loss,
            best=[result.history[best.index]["epoch"]],
            metric=score_name(setup.options.metric or metric),
        )
    )
    table = prediction_table(
        classifier.task, validation.rows, classifier.labels, best.logits, validation.targets
    )
    table.write_parquet(folder / "predictions.parquet")
    if model_folder.other_ids(folder, classifier):
        progress.say(
            "AutoTokenizer gives other ids than this tokenizer.json, which tokkit uses: its tokenizer_class "
            "rebuilds it; PreTrainedTokenizerFast would not"
        )


def _remedy(setup: TrainingSetup, result: TrainingResult) -> str:
    """What may help a model that learned too little.

    Encoders with layer norms behind their residuals stop learning at rates that are too high (Mosbach et al.
    2021): the loss stays that of the class frequencies.
    """
    first, last = (result.history[index]["train_loss"] for index in (0, -1))
    usual = default_lr(width_of(setup.classifier.model.config), result.steps, from_scratch=False)
    if len(result.history) > 1 and last > _HARDLY_FELL * first and setup.lr > usual / 2:
        return f"the training loss hardly fell: a lower rate may help (--lr {setup.lr / 2:g})"
    return "more --epochs or a higher --lr may help"
