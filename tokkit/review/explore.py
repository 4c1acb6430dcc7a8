"""`explore`: one page with every row of a data set, to look at, filter and decide about.

rows of all splits with their copies (`explorer.rows`) -> sample -> tokens, predictions, map, suspects
-> columns -> page (`views.explorer`)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokkit import files
from tokkit.data.dataset import Dataset
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.loading.trained_columns import NO_COLUMNS
from tokkit.errors import counted
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, stage
from tokkit.review.explore_checks import check_explore
from tokkit.review.explore_options import ExploreOptions
from tokkit.review.explorer.page_columns import ExploredRows, texts_of
from tokkit.review.explorer.predictions import RowPredictor
from tokkit.review.explorer.rows import NEAR, all_rows, sampled
from tokkit.review.explorer.suspects import Suspect, read_suspects
from tokkit.review.explorer.text_map import read_features, text_map
from tokkit.review.explorer.tokens import row_tokens
from tokkit.tokenizer.folder.hub_downloads import hub_snapshots
from tokkit.tokenizer.folder.load import LoadedTokenizer, load
from tokkit.views.explorer.page import explorer_page

# Bytes of a page that opens at once.
_LARGE = 50_000_000


@dataclass(frozen=True)
class ExploreResult:
    """output      the page
    rows        in it, of ``total_rows`` in the data set
    findings    finding -> rows of the page that have it, of those that were looked for
    size        bytes of the page
    """

    output: str
    rows: int
    total_rows: int
    findings: dict[str, int]
    size: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "output": self.output,
            "rows": self.rows,
            "total_rows": self.total_rows,
            "findings": self.findings,
            "files": [{"path": self.output, "size": self.size}],
        }


def explore(
    dataset: str | Path,
    out: str | Path,
    options: ExploreOptions | None = None,
    *,
    tokenizer: str | Path | None = None,
    model: str | Path | None = None,
    features: str | Path | None = None,
    audit: str | Path | None = None,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> ExploreResult:
    """Write one HTML page with every row: searchable, with linked filters, tokens, copies and decisions.

    The page needs neither network nor server. What a person decides in it (keep, drop, relabel) is downloaded
    as JSON lines, each with the row's split, number and hash.

    tokenizer  whose tokens are displayed; without one, that of the model
    model      whose predictions and losses are displayed; of a folder of folds the out-of-fold ones
    features   a file that `features` wrote: of vectors, which are projected to a map, or the points of one
    audit      a review file: its rows come first, with the label suggested and the reasons

    ``settings`` are fields of `ExploreOptions` and `DatasetOptions`.

    Raises `InputError` for what cannot be read, for labels that the model does not know, and for features and
    predictions of other data; `OutputError` where ``out`` exists; `UsageError` for a name other than .html.
    """
    options, read_options = apply_to_both(ExploreOptions, options, DatasetOptions, read_options, settings)
    sources = {
        "dataset": dataset,
        "tokenizer": tokenizer,
        "model": model,
        "features": features,
        "audit": audit,
    }
    path = check_explore(out, sources, force=force)
    date = files.source_date()
    receipt = None if model is None else ModelReceipt.read(model)
    trained = NO_COLUMNS if receipt is None else receipt.models()[0].columns
    vectors = None if features is None else read_features(Path(features))
    loaded_tokenizer = _tokenizer(tokenizer, receipt, progress)
    loaded = read_dataset(dataset, read_options, progress, trained=trained)
    files.check_output(path, force=force, inputs=[*loaded.files, *_inputs(sources)], kind="file")
    _say_names(loaded, progress)
    # Copies are searched among all rows, so that the sample does not hide them.
    everything = all_rows(loaded, near=options.near, progress=progress)
    rows = sampled(everything, options.rows, options.seed)
    if rows.height < everything.height:
        progress.say(
            f"{loaded.source}: the page has a random sample of {rows.height:,} of {everything.height:,} rows "
            f"(all of them: --rows {everything.height})"
        )
    tokens = predictions = on_map = None
    suspects: list[Suspect] = []
    if loaded_tokenizer is not None:
        # A model cuts where its training did; without one, the tokenizer says how long its rows may be.
        max_length = options.max_length or (receipt and receipt.max_length) or loaded_tokenizer.max_length
        texts, pairs = texts_of(loaded, rows)
        tokens = row_tokens(texts, pairs, loaded_tokenizer, max_length, threads=threads, progress=progress)
    if receipt is not None:
        predictor = RowPredictor(
            str(model), receipt, options, loaded.label_kind, loaded.source, threads, progress
        )
        # By content, so that a renamed copy of the training file is recognized too.
        if not receipt.folds and receipt.inputs & {files.sha256_of(file) for file in loaded.files}:
            progress.say(
                f"{model} was trained on some of these rows, whose losses are therefore low; better: folds "
                "(finetune with --folds)"
            )
        predictions = predictor.predict(rows, _tokens_of_rows(loaded, rows))
    if features is not None:
        on_map = text_map(rows, Path(features), vectors, options.map_rows, options.seed, progress)
    if audit is not None:
        suspects = read_suspects(Path(audit), rows, progress)
    explored = ExploredRows(
        dataset=loaded,
        read_options=read_options,
        rows=rows,
        total=everything.height,
        tokens=tokens,
        predictions=predictions,
        text_map=on_map,
        suspects=suspects,
    )
    inputs = [*loaded.files, *_inputs(sources)]
    with stage(progress, "writing the page"):
        about = [
            ("data", f"{loaded.source}: {counted(everything.height, 'row', style=',')}"),
            *(
                (name, str(value))
                for name, value in sources.items()
                if value is not None and name != "dataset"
            ),
            *files.input_facts(inputs),
            ("tokkit", files.versions()["tokkit"]),
        ]
        page = explorer_page(
            f"tokkit explore {loaded.source}",
            explored.summary(near=options.near, audit=audit is not None),
            explored.columns(),
            None if tokens is None else (tokens.summary, tokens.columns),
            about,
            date,
        )
        files.write_file(path, page, force=force, inputs=inputs)
    if len(page) > _LARGE:
        progress.say(
            f"{out}: {len(page) / 1e6:.0f} MB, which takes browsers seconds to open; fewer rows: --rows"
        )
    findings = {
        name: int(values.sum()) for name, values in explored.flags.items() if name != NEAR or options.near
    }
    return ExploreResult(str(out), rows.height, everything.height, findings, len(page))


def _inputs(sources: Mapping[str, str | Path | None]) -> list[Path]:
    """The paths and snapshots that are read besides the rows."""
    named = [value for name, value in sources.items() if name != "dataset" and value is not None]
    return [*(Path(value) for value in named if Path(value).exists()), *hub_snapshots(*named)]


def _tokenizer(
    tokenizer: str | Path | None, receipt: ModelReceipt | None, progress: Progress
) -> LoadedTokenizer | None:
    if tokenizer is not None:
        return load(tokenizer, progress)
    return None if receipt is None else load(receipt.models()[0].folder, progress)


def _say_names(dataset: Dataset, progress: Progress) -> None:
    if dataset.id_column is None:
        progress.say(
            f"{dataset.source}: no column of ids: rows are named by file and row number (--id-column)"
        )


def _tokens_of_rows(dataset: Dataset, rows: pl.DataFrame) -> list[list[str]]:
    """The tokens of each row of the page, where rows have tags."""
    if dataset.tokens_column is None:
        return []
    frames = [split.frame[dataset.tokens_column] for split in dataset.splits.values()]
    tokens = pl.concat(frames)[rows["position"].to_numpy()]
    return [[] if row is None else row for row in tokens.to_list()]
