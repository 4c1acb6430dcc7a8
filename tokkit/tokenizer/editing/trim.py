"""`trim`: prune a tokenizer, and the embeddings of a model, to what a corpus uses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.editing.folders import load_source, write_receipt, write_tokenizer
from tokkit.tokenizer.editing.options import TrimOptions
from tokkit.tokenizer.editing.pruning import prune
from tokkit.tokenizer.folder.load import LoadedTokenizer

# The file that maps old ids to new ones.
ID_MAP = "id_map.tsv"


@dataclass(frozen=True, kw_only=True)
class TrimResult:
    """The pruned tokenizer and, where a model was named, its embeddings.

    id_map               file of old id, new id and token (in JSON), one token a line
    texts, texts_changed of the corpus, and how many of them changed their tokens
    tokens_before, ...   of the corpus, special tokens included
    """

    tokenizer: str
    vocab_size_before: int
    vocab_size_after: int
    id_map: str
    texts: int
    texts_changed: int
    tokens_before: int
    tokens_after: int
    model: str | None = None
    model_class: str | None = None
    embedding_rows_before: int | None = None
    embedding_rows_after: int | None = None
    parameters_before: int | None = None
    parameters_after: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON types."""
        return asdict(self)


def trim(
    tokenizer: str | Path | None = None,
    out: str | Path = "out",
    options: TrimOptions | None = None,
    *,
    model: str | Path | None = None,
    read_options: feed.ReadingOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrimResult:
    """Write a folder with the tokenizer without the tokens that the corpus does not use.

    With ``model`` (whose own tokenizer is used where none is named) its embeddings are pruned the same way,
    and it gives the same output for texts of the corpus. ``settings`` are fields of `TrimOptions` and
    `ReadingOptions`: ``trim("bert/", "small/", to="corpus.txt")``.

    Ids keep their order and have no gaps. Unless ``min_frequency`` or ``vocab_size`` drop more, every text
    of the corpus keeps its tokens, which is checked on all of them.

    Raises `UsageError` for a size too small for what must be kept; `InputError` for a tokenizer, model or
    corpus that cannot be read, or that do not belong together; `OutputError`.
    """
    chosen, read_options = apply_to_both(TrimOptions, options, feed.ReadingOptions, read_options, settings)
    if not chosen.to:
        raise UsageError("name a corpus whose tokens are kept: --to CORPUS")
    source = load_source(tokenizer, model, progress)
    paths = feed.files_of(chosen.to, progress, read_options)
    inputs = list(dict.fromkeys([*source.files, *paths]))
    with files.folder(Path(out), force=force, inputs=inputs) as staging:
        corpus = feed.plan(paths, read_options, progress)
        packages = ["tokenizers"]
        model_figures: dict[str, Any] = {}
        if source.checkpoint is None:
            pruned = prune(source.tokenizer, corpus, chosen, (), progress)
        else:
            # torch and transformers are loaded only where a model is named
            from tokkit.tokenizer.editing import resize_embeddings as resizing

            loaded = resizing.load_fitting_model(source, progress)
            pruned = prune(source.tokenizer, corpus, chosen, resizing.configured_ids(loaded), progress)
            model_figures = resizing.prune_model(staging, source, loaded, pruned, progress)
            packages += ["transformers", "torch"]
        self_test = write_tokenizer(staging, pruned.tokenizer)
        _write_id_map(staging / ID_MAP, source.tokenizer, pruned.kept_ids)
        result = TrimResult(
            tokenizer=str(out),
            vocab_size_before=source.tokenizer.backend.get_vocab_size(),
            vocab_size_after=pruned.tokenizer.backend.get_vocab_size(),
            id_map=str(Path(out) / ID_MAP),
            model=None if model is None else str(out),
            **asdict(pruned.figures),
            **model_figures,
        )
        content = result.as_dict() | {"self_test": self_test}
        recorded = {**asdict(chosen), **asdict(read_options), "to": [path.name for path in paths]}
        sources = {"tokenizer": tokenizer, "model": model, "to": list(chosen.to)}
        write_receipt(staging, "trim", content, recorded, inputs=inputs, packages=packages, sources=sources)
    return result


def _write_id_map(path: Path, tokenizer: LoadedTokenizer, kept_ids: Sequence[int]) -> None:
    tokens = {id_: token for token, id_ in tokenizer.backend.get_vocab(with_added_tokens=True).items()}
    lines = [
        f"{old}\t{new}\t{json.dumps(tokens[old], ensure_ascii=False)}\n" for new, old in enumerate(kept_ids)
    ]
    path.write_bytes(("old_id\tnew_id\ttoken\n" + "".join(lines)).encode())
