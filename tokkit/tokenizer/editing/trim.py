"""`trim`: prune a tokenizer, and the embeddings of a model, to what a corpus uses."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import UsageError
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.editing.folders import check_loads, load_source, plain_texts, write_tokenizer
from tokkit.tokenizer.editing.options import TrimOptions
from tokkit.tokenizer.editing.pruning import PrunedTokenizer, prune

ID_MAP = "id_map.tsv"
"""The file that maps old ids to new ones."""


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
    chosen, reading = apply_to_both(TrimOptions, options, feed.ReadingOptions, read_options, settings)
    if not chosen.to:
        raise UsageError("name a corpus whose tokens are kept: --to CORPUS")
    source = load_source(tokenizer, model, progress)
    paths = feed.files_of(chosen.to, progress)
    inputs = [*source.files, *paths]
    with files.folder(Path(out), force=force, inputs=inputs) as staging:
        corpus = feed.plan(paths, reading, progress)
        if source.checkpoint is None:
            pruned = prune(source.tokenizer, corpus, chosen, (), progress)
            model_figures: dict[str, Any] = {}
        else:
            # torch and transformers are loaded only where a model is named
            from tokkit.tokenizer.editing import resize_embeddings as resizing

            loaded = resizing.load_fitting_model(source, progress)
            pruned = prune(source.tokenizer, corpus, chosen, resizing.configured_ids(loaded), progress)
            model_figures = resizing.prune_model(
                staging, source, loaded, pruned.kept, pruned.sample_ids, progress
            )
        self_test = write_tokenizer(staging, pruned.new)
        if source.checkpoint is not None:
            check_loads(staging, pruned.new, plain_texts(self_test))
        _write_id_map(staging / ID_MAP, pruned)
        result = TrimResult(
            tokenizer=str(out),
            vocab_size_before=pruned.old.backend.get_vocab_size(),
            vocab_size_after=pruned.new.backend.get_vocab_size(),
            id_map=str(Path(out) / ID_MAP),
            model=None if model is None else str(out),
            **asdict(pruned.figures),
            **model_figures,
        )
        # without paths of the output: the same work gives the same receipt anywhere
        receipt = result.as_dict() | {"self_test": self_test}
        for name in ("tokenizer", "model", "id_map"):
            del receipt[name]
        files.write_receipt(
            staging,
            command="trim",
            settings={**asdict(chosen), **asdict(reading), "to": [path.name for path in paths]},
            inputs=list(dict.fromkeys(inputs)),
            packages=("tokenizers", *(() if model is None else ("transformers", "torch"))),
            result=receipt,
            run={},
        )
    return result


def _write_id_map(path: Path, pruned: PrunedTokenizer) -> None:
    tokens = {id_: token for token, id_ in pruned.old.backend.get_vocab(with_added_tokens=True).items()}
    lines = [
        f"{old}\t{new}\t{json.dumps(tokens[old], ensure_ascii=False)}\n"
        for new, old in enumerate(pruned.kept)
    ]
    path.write_bytes(("old_id\tnew_id\ttoken\n" + "".join(lines)).encode())
