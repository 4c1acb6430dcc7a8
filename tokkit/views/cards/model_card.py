"""The card of a classifier, or of one per fold: what it is, its data, training, scores and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tokkit.errors import counted
from tokkit.views.cards.markdown import THIS_FOLDER, Card, code, listed, pictures, table
from tokkit.views.cards.sections import FAULTS, Origin, joined
from tokkit.views.names import score_name
from tokkit.views.reports.evaluation import baseline_columns
from tokkit.views.text import in_markdown, with_interval

USE, DATA, TRAINING = "Use", "Data", "Training"
EVALUATION, TEST, CALIBRATION, LIMITS = "Evaluation", "Evaluation on other rows", "Calibration", "Limits"
HEADINGS = (USE, DATA, FAULTS, TRAINING, EVALUATION, TEST, CALIBRATION, LIMITS)

# Rows of a class below which its scores say little.
_FEW_ROWS = 30
# Labels in the first sentence, and classes named in a limit.
_LABELS, _NAMED = 20, 5

# Score -> its type in the metadata, as the hub names metrics; others keep their own name.
_METRIC_TYPES = {"macro_f1": "f1", "weighted_f1": "f1", "micro_f1": "f1", "span_f1": "f1", "mae": "mae"}

Bounds = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Scores:
    """What was measured on rows that the model was not trained on.

    split       of the data set ``name``: ``validation``, ``test``; ``hub`` where it is of the hub
    metrics     as `evaluate` gives them
    intervals   score -> [low, high], and ``classes`` label -> score -> [low, high]
    """

    name: str
    split: str
    metrics: Mapping[str, Any]
    intervals: Bounds = field(default_factory=dict)
    classes: Mapping[str, Bounds] = field(default_factory=dict)
    hub: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class ModelRecord:
    """What a model card displays, as receipts have it.

    title        of the task: "Text classifier"
    by_token     whether tokens are classified, not texts
    stock        name of the class of transformers that loads it; None for a head of tokkit
    head         of the network
    base         what was trained: the name of a checkpoint, or of a new encoder
    base_model   its name on the hub, if it is one
    origin       how it was trained, from what
    datasets     data sets of the hub that were read
    rows         split -> rows; ``class_rows`` split -> label -> rows, where there are classes
    left_out     split -> reason -> skipped rows
    validation   scores on the validation rows
    folds        number of models, and mean and deviation of their scores; 0 and empty for one model
    test         scores on other rows, where a folder of `evaluate` gave them
    pictures     file of the folder -> what it displays
    max_length   tokens that texts are truncated at; None where unknown
    """

    title: str
    by_token: bool
    stock: str | None
    head: str
    base: str
    origin: Origin
    validation: Scores
    base_model: str | None = None
    datasets: Sequence[str] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    class_rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    folds: int = 0
    mean: Mapping[str, Any] = field(default_factory=dict)
    deviation: Mapping[str, Any] = field(default_factory=dict)
    test: Scores | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)
    max_length: int | None = None
    labels: Sequence[str] = ()


def model_card(record: ModelRecord) -> Card:
    """The card; sections without content are empty, and are not written."""
    title = f"{record.title}, {counted(record.folds, 'fold')}" if record.folds else record.title
    return Card(
        metadata=_metadata(record, title),
        title=title,
        lead=_lead(record),
        sections={
            USE: _use(record),
            DATA: _data(record),
            FAULTS: "",
            TRAINING: record.origin.how,
            EVALUATION: _evaluation(record),
            TEST: _test(record.test) if record.test else "",
            CALIBRATION: _calibration(record),
            LIMITS: listed(_limits(record)),
        },
    )


def _metadata(record: ModelRecord, title: str) -> dict[str, Any]:
    kind = "token-classification" if record.by_token else "text-classification"
    results = [_result(scores, kind) for scores in (record.test, record.validation) if scores is not None]
    metadata = {
        # The hub shows code that loads a model with its library.
        "library_name": "transformers" if record.stock and not record.folds else "tokkit",
        "pipeline_tag": kind,
        "base_model": record.base_model,
        "datasets": list(record.datasets) or None,
        "metrics": sorted({metric["type"] for result in results for metric in result["metrics"]}) or None,
        "tags": ["tokkit"],
        "model-index": [{"name": title, "results": results}] if any(r["metrics"] for r in results) else None,
    }
    return {key: value for key, value in metadata.items() if value is not None}


def _result(scores: Scores, kind: str) -> dict[str, Any]:
    """One result of a model-index."""
    dataset = {"type": scores.hub or scores.name, "name": scores.name, "split": scores.split}
    if scores.revision is not None:
        dataset["revision"] = scores.revision
    names = [name for name in scores.metrics if _is_score(scores.metrics, name)]
    return {
        "task": {"type": kind, "name": kind.replace("-", " ").capitalize()},
        "dataset": dataset,
        "metrics": [
            {
                "type": _METRIC_TYPES.get(name, name),
                "value": scores.metrics[name],
                "name": score_name(name)[:1].upper() + score_name(name)[1:],
            }
            for name in names
        ],
    }


def _is_score(metrics: Mapping[str, Any], name: str) -> bool:
    """Whether a key of the metrics is a score, which the majority class has too."""
    # A folder of an earlier export has the scores alone.
    return isinstance(metrics[name], float) and name != "loss" and name in metrics.get("majority", {name})


def _lead(record: ModelRecord) -> str:
    names = [in_markdown(label) for label in record.labels[:_LABELS]]
    more = len(record.labels) - len(names)
    labels = f"Labels: {', '.join(names)}{f' and {more:,} more' if more > 0 else ''}. " if names else ""
    lead = f"{labels}Trained from {in_markdown(record.base)}."
    if record.folds:
        lead += f" Each of `fold-1` to `fold-{record.folds}` is a model of its own, with its own card."
    return lead


def _use(record: ModelRecord) -> str:
    """Three lines of Python that load it, and what other libraries make of it."""
    if record.stock and not record.folds:
        kind = "token-classification" if record.by_token else "text-classification"
        lines = (
            "from transformers import pipeline",
            f'classify = pipeline("{kind}", "{THIS_FOLDER}")',
            'print(classify("a text"))',
        )
        note = f"`{record.stock}.from_pretrained` loads it as well, and `tokkit predict {THIS_FOLDER}`."
        return f"{code('python', *lines)}\n\n{note}"
    lines = (
        "import tokkit",
        f'result = tokkit.predict("{THIS_FOLDER}", ["a text"])',
        "print(result.predictions)",
    )
    if record.folds:
        note = "The probabilities are the mean of those of the folds; each folder of a fold is a model too."
    else:
        note = (
            f'transformers has no head "{in_markdown(record.head)}": its `AutoModel.from_pretrained` loads '
            "the `body/` alone, without the head in `head.safetensors`."
        )
    install = code("sh", "pip install tokkit-nlp")
    return f"{install}\n\n{code('python', *lines)}\n\n{note}"


def _data(record: ModelRecord) -> str:
    splits = list(dict.fromkeys([*record.rows, *record.left_out]))
    rows = [
        (split, f"{record.rows[split]:,}" if split in record.rows else "", _skipped(record.left_out, split))
        for split in splits
    ]
    classes = dict.fromkeys(label for of_split in record.class_rows.values() for label in of_split)
    by_class = [
        (in_markdown(label), *(f"{of_split.get(label, 0):,}" for of_split in record.class_rows.values()))
        for label in classes
    ]
    return joined(
        table(("split", "rows", "skipped"), rows),
        table(("label", *record.class_rows), by_class),
        record.origin.read,
    )


def _skipped(left_out: Mapping[str, Mapping[str, int]], split: str) -> str:
    reasons = left_out.get(split, {})
    return ", ".join(
        f"{rows:,} {in_markdown(reason.replace('no ', 'without ', 1))}" for reason, rows in reasons.items()
    )


def _evaluation(record: ModelRecord) -> str:
    scores = record.validation
    if record.folds:
        return joined(_over_folds(record), _classes(scores), pictures(record.pictures))
    return joined(
        f"On {counted(scores.metrics['rows'], 'validation row', style=',')}, with 95 % confidence intervals:",
        _scores(scores),
        "The best epoch was picked on these rows, so the scores are a little optimistic; a test split gives "
        "true ones.",
        _classes(scores),
        pictures(record.pictures),
    )


def _over_folds(record: ModelRecord) -> str:
    rows = [
        (
            score_name(name),
            f"{record.mean[name]:.4f} ± {record.deviation[name]:.4f}",
            _with_bounds(value, record.validation.intervals.get(name)),
        )
        for name, value in record.validation.metrics.items()
        if isinstance(value, float) and name in record.mean
    ]
    return (
        table(("", "mean of the folds", "all rows, out of fold"), rows)
        + "\n\nEach row was predicted by the model that was not trained on it. The best epoch of each model "
        "was picked on these rows, so the scores are a little optimistic; a test split gives true ones."
    )


def _scores(scores: Scores) -> str:
    """The table of scores, next to the baseline and the majority class."""
    metrics = scores.metrics
    majority = metrics.get("majority", {})
    references = {**baseline_columns(metrics.get("baseline", {}))}
    if majority:
        label = in_markdown(majority["label"])
        references[f'majority class ("{label}")' if "classes" in metrics else f"mean ({label})"] = majority
    rows = [
        (
            score_name(name),
            _with_bounds(value, scores.intervals.get(name)),
            *(f"{other[name]:.4f}" if name in other else "" for other in references.values()),
        )
        for name, value in metrics.items()
        if isinstance(value, float) and name in majority
    ]
    return table(("", "this model", *references), rows)


def _with_bounds(value: float, bounds: Sequence[float] | None) -> str:
    return with_interval(value, bounds, ".4f") or ""


def _classes(scores: Scores) -> str:
    """The table of classes; empty for a task without them."""
    rows = [
        (
            in_markdown(label),
            *(
                with_interval(of_label[name], scores.classes.get(label, {}).get(name))
                for name in ("precision", "recall", "f1")
            ),
            f"{of_label['support']:,}",
        )
        for label, of_label in scores.metrics.get("classes", {}).items()
    ]
    return table(("label", "precision", "recall", "F1", "rows"), rows)


def _test(scores: Scores) -> str:
    where = f"{in_markdown(scores.name)}, split {in_markdown(scores.split)}"
    rows = counted(scores.metrics["rows"], "row", style=",")
    return joined(f"On {rows} of {where}, with 95 % confidence intervals:", _scores(scores), _classes(scores))


def _calibration(record: ModelRecord) -> str:
    scores = record.test or record.validation
    calibration = scores.metrics.get("calibration")
    if not calibration:
        return ""
    lines = [f"expected calibration error on the {scores.split} rows: {calibration['ece']:.4f}"]
    if (temperature := record.validation.metrics.get("calibration", {}).get("temperature")) is not None:
        lines.append(
            f"temperature fitted on the validation rows: {temperature:.4f}; `tokkit predict --calibrated` "
            "divides logits by it, other libraries do not"
        )
    return listed(lines)


def _limits(record: ModelRecord) -> Iterator[str]:
    scores = record.test or record.validation
    metrics = scores.metrics
    yield "Its scores hold for texts like those it was trained on; of other sources they are not known."
    if record.max_length is not None:
        yield f"Texts are truncated at {counted(record.max_length, 'token')}, special tokens included."
    if classes := metrics.get("classes", {}):
        weakest = min(classes, key=lambda label: classes[label]["f1"])
        if len(classes) > 1:
            yield f'Weakest class: "{in_markdown(weakest)}", F1 {classes[weakest]["f1"]:.3f}.'
        rare = [in_markdown(label) for label, of_label in classes.items() if of_label["support"] < _FEW_ROWS]
        if rare:
            names = ", ".join(rare[:_NAMED]) + (
                f" and {len(rare) - _NAMED} more" if len(rare) > _NAMED else ""
            )
            yield f"Fewer than {_FEW_ROWS} rows were measured of: {names}. Their intervals are wide."
    baseline = record.validation.metrics.get("baseline", {})
    for name in ("macro_f1", "span_f1", "pearson"):
        value = record.validation.metrics.get(name)
        if isinstance(value, float) and name in baseline and value < baseline[name]:
            yield f"Its {score_name(name)} is below the baseline's {baseline[name]:.4f}."
    if "predicts_only" in metrics:
        yield f'It predicts only "{in_markdown(metrics["predicts_only"])}".'
