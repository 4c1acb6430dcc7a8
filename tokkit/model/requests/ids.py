"""`finetune` on a folder of ids that `encode` wrote: whether tokenizer and lengths are those of the ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tokkit.data.encoding.read_ids import IdsFolder
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.progress import Progress
from tokkit.tokenizer.folder.load import load


def for_ids(
    options: FinetuneOptions,
    sources: Sequence[str | Path | None],
    tokenizer: str | Path | None,
    progress: Progress,
) -> FinetuneOptions:
    """The options for these data sets; rows are as long at most as those of ids that were truncated.

    Raises `InputError` for ids of another tokenizer, `UsageError` for a length that truncated ids lack.
    """
    folders = [ids for source in sources if (ids := IdsFolder.at(source)) is not None]
    if not folders or tokenizer is None:
        return options
    loaded = load(tokenizer, progress)
    for ids in folders:
        ids.check_tokenizer(loaded)
        options = replace(options, max_length=ids.checked_length(options.max_length))
    return options
