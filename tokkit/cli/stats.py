"""`tokkit stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tokkit import files
from tokkit.cli.options import common_options, options_from, show
from tokkit.data.load import DatasetOptions
from tokkit.errors import EXIT_FINDINGS, UsageError, did_you_mean
from tokkit.inspection.findings import RULES
from tokkit.inspection.stats import StatsResult, stats
from tokkit.progress import Progress
from tokkit.views import plots
from tokkit.views.reports import data as reports


@click.command(
    "stats",
    short_help="See what a data set really is.",
    epilog="Example: tokkit stats reviews/ --tokenizer out/ --plot reviews.png",
)
@click.argument("dataset")
@click.option("--tokenizer", metavar="TOKENIZER", help="Measure in its tokens too.")
@click.option("--plot", metavar="FILE", help="Picture of class counts and lengths per class (.png, .svg).")
@click.option("--fail-on", metavar="RULE,...", help="Exit with 1 if one of these rules finds something.")
@click.option("--force", is_flag=True, help="Replace an earlier picture.")
@options_from(DatasetOptions, "options")
@common_options
def stats_command(
    dataset: str,
    plot: str | None,
    fail_on: str | None,
    force: bool,
    json_wanted: bool,
    progress: Progress,
    **options: Any,
) -> int:
    """Classes, missing values, duplicates, conflicts, leaks and lengths of a data set."""
    picture = _picture_path(plot, force)
    rules = _rules(fail_on)
    result = stats(dataset, progress=progress, **options)
    if picture is not None:
        _draw(result, picture, force, progress)
    show("stats", result.as_dict(), reports.stats, json_wanted)
    return EXIT_FINDINGS if any(finding.rule in rules for finding in result.findings) else 0


def _picture_path(plot: str | None, force: bool) -> Path | None:
    if plot is None:
        return None
    path = Path(plot)
    if path.suffix.lstrip(".").lower() not in plots.FORMATS:
        raise UsageError(
            f"--plot: {plot}: a picture is .png or .svg", hint=f"--plot {path.with_suffix('.png')}"
        )
    files.check_output(path, force=force, kind="file")
    return path


def _rules(text: str | None) -> list[str]:
    rules = [rule.strip() for rule in text.split(",")] if text else []
    for rule in rules:
        if rule not in RULES:
            nearest = did_you_mean(rule, RULES)
            raise UsageError(f'--fail-on: no rule "{rule}"{nearest}; there are: {", ".join(RULES)}')
    return rules


def _draw(result: StatsResult, path: Path, force: bool, progress: Progress) -> None:
    counts = {name: split["classes"] or {"": split["rows"]} for name, split in result.splits.items()}
    labels = list(dict.fromkeys(label for split in counts.values() for label in split))
    lacking = plots.undrawable(labels)
    if lacking:
        progress.say(
            f"{path}: no font on this system draws {', '.join(lacking[:3])}; install one, Noto Sans CJK say"
        )
    format = path.suffix.lstrip(".").lower()
    picture = plots.classes_and_lengths(counts, result.plotted, result.unit, format)
    files.write_file(path, picture, force=force)
    progress.say(f"drawn: {path}")
