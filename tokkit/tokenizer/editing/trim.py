"""`trim`: a tokenizer, and a model's embeddings, cut down to what a corpus uses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.corpus import feed
from tokkit.errors import InputError, UsageError
from tokkit.options import Options, apply_to_both, option
from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.editing import models, written
from tokkit.tokenizer.editing.extend import numbered
from tokkit.tokenizer.editing.kept import Vocabulary, cut_down, kept_ids
from tokkit.tokenizer.editing.sound import files_read, load_sound
from tokkit.tokenizer.editing.usage import compare, same_texts, used
from tokkit.tokenizer.folder.checkpoints import check_fit
from tokkit.tokenizer.folder.load import LoadedTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ID_MAP = "id_map.tsv"
"""The file that tells which old id became which new one."""


@dataclass(frozen=True)
class TrimOptions(Options):
    """What a vocabulary is cut down to."""

    to: tuple[str, ...] = option((), "corpus whose tokens are kept; may be repeated", metavar="CORPUS")
    keep_token: tuple[str, ...] = option((), "token to keep though the corpus has it not", metavar="T")
    min_frequency: int = option(
        1, "leave out tokens used less often; above 1, texts may be cut otherwise", minimum=1
    )
    vocab_size: int | None = option(
        None, "tokens at most, the most frequent first; texts may be cut otherwise", minimum=1
    )

    @property
    def exact(self) -> bool:
        """Whether every text of the corpus is to be cut as before."""
        return self.min_frequency == 1 and self.vocab_size is None


@dataclass(frozen=True)
class TrimResult:
    """What is left.

    id_map               file of old id, new id and token (in JSON), one token a line
    texts, texts_changed of the corpus, and how many of them are cut otherwise than before
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
    model: str | None
    model_class: str | None
    embedding_rows_before: int | None
    embedding_rows_after: int | None
    parameters_before: int | None
    parameters_after: int | None

    def as_dict(self) -> dict[str, Any]:
        """The result in JSON's types."""
        return asdict(self)


def trim(
    tokenizer: str | Path | None = None,
    out: str | Path = "out",
    spec: TrimOptions | None = None,
    *,
    model: str | Path | None = None,
    reading: feed.ReadingOptions | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> TrimResult:
    """Writes a folder with the tokenizer without the tokens that the corpus does not use.

    With ``model`` (whose own tokenizer is taken where none is named) its embeddings are cut the same way, and
    it answers texts of the corpus as before. ``settings`` are fields of `TrimOptions` and `ReadingOptions`:
    ``trim("bert/", "small/", to="corpus.txt")``.

    Ids keep their order and have no gaps. Unless ``min_frequency`` or ``vocab_size`` ask for less, every text
    of the corpus is cut into the same tokens as before, which is checked on all of them.

    Raises `UsageError` for a size too small for what must be kept; `InputError` for a tokenizer, model or
    corpus that cannot be read, or that do not belong together; `OutputError`.
    """
    chosen, reading = apply_to_both(TrimOptions, spec, feed.ReadingOptions, reading, settings)
    if not chosen.to:
        raise UsageError("name a corpus whose tokens are kept: --to CORPUS")
    source = None if model is None else models.checkpoint_folder(model, progress)
    named = tokenizer if tokenizer is not None else source
    if named is None:
        raise UsageError("name a tokenizer, or a model whose own is to be cut down: --model")
    old = load_sound(named, progress)
    paths = feed.files_of(chosen.to, progress)
    read = [*files_read(old), *([] if source is None else [source]), *paths]
    with files.folder(Path(out), force=force, inputs=read) as staging:
        corpus = feed.plan(paths, reading, progress)
        loaded = None
        if source is not None:
            loaded = models.load_model(source, str(model), progress)
            check_fit(source, loaded.config, old, hint="leave out TOKENIZER to cut down the model's own")
        cut = _cut(old, corpus, chosen, loaded, progress)
        told: dict[str, Any] = {}
        if source is not None and loaded is not None:
            told = _write_model(staging, source, loaded, cut, str(model), progress)
        test = written.write_tokenizer(staging, cut.new)
        if source is not None:
            written.check_loads(staging, cut.new, [sample["text"] for sample in test if "pair" not in sample])
        _write_map(staging / ID_MAP, cut)
        result = TrimResult(
            tokenizer=str(out),
            vocab_size_before=old.backend.get_vocab_size(),
            vocab_size_after=cut.new.backend.get_vocab_size(),
            id_map=str(Path(out) / ID_MAP),
            model=None if model is None else str(out),
            **{**dict.fromkeys(_OF_MODEL), **told, **cut.compared},
        )
        receipted = result.as_dict() | {"self_test": test}
        files.write_receipt(
            staging,
            command="trim",
            settings={**asdict(chosen), **asdict(reading), "to": [path.name for path in paths]},
            inputs=list(dict.fromkeys(read)),
            packages=("tokenizers", *(() if model is None else ("transformers", "torch"))),
            result={key: value for key, value in receipted.items() if key not in _OUTPUTS},
            run={},
        )
    return result


_OF_MODEL = (
    *("model_class", "embedding_rows_before", "embedding_rows_after"),
    *("parameters_before", "parameters_after"),
)
_OUTPUTS = ("tokenizer", "model", "id_map")
"""Where things were written: told, but not kept, for the same work gives the same receipt anywhere."""


@dataclass(frozen=True)
class _Cut:
    """The tokenizer before and after.

    kept      old ids in the order of the new ones
    compared  texts, texts_changed, tokens_before, tokens_after
    tried     ids of a few texts of the corpus before and after, as long as a model takes them to be the same
    """

    old: LoadedTokenizer
    new: LoadedTokenizer
    kept: list[int]
    compared: Mapping[str, int]
    tried: Sequence[tuple[list[int], list[int]]]


def _cut(
    old: LoadedTokenizer,
    corpus: Sequence[feed.CorpusFile],
    spec: TrimOptions,
    model: PreTrainedModel | None,
    progress: Progress,
) -> _Cut:
    vocabulary = Vocabulary.of(old)
    further = {vocabulary.ids[token] for token in _checked(spec.keep_token, vocabulary)}
    if model is not None:
        from tokkit.tokenizer.editing.token_ids import token_ids

        further |= token_ids(model)
    counts, tried = used(old, corpus, progress)
    while True:
        required = vocabulary.required(further)
        kept = kept_ids(vocabulary, counts, spec.min_frequency, spec.vocab_size, required)
        content, ids = cut_down(vocabulary, kept)
        new = replace(old, backend=numbered(content, ids, str(old.file)))
        compared, changed, lacking = compare(vocabulary, new, kept, corpus, progress)
        if changed is None or not spec.exact:
            return _Cut(old, new, kept, compared, list(same_texts(tried, old, new, kept)))
        if lacking <= set(kept):
            raise InputError(
                f"{old.file}: cannot be cut down without changing how it cuts the corpus; a text that "
                f"would change begins {changed[:60]!r}"
            )
        further |= lacking


def _checked(tokens: Sequence[str], vocabulary: Vocabulary) -> Sequence[str]:
    for token in tokens:
        if token not in vocabulary.ids:
            raise UsageError(f'--keep-token: "{token}" is not in the vocabulary')
    return tokens


def _write_model(
    staging: Path, source: Path, model: PreTrainedModel, cut: _Cut, name: str, progress: Progress
) -> dict[str, Any]:
    """Writes the model with the rows that are left; raises `InputError` where it answers otherwise."""
    import torch

    from tokkit.tokenizer.editing import forward
    from tokkit.tokenizer.editing.embeddings import tables_of
    from tokkit.tokenizer.editing.token_ids import map_token_ids

    tables, parameters = tables_of(model, name), model.num_parameters()
    rows = torch.tensor(cut.kept)
    answers = [
        forward.outputs(model, before, name, vocabulary=(tables.rows, rows)) for before, _ in cut.tried
    ]
    if lost := map_token_ids(model, {old: new for new, old in enumerate(cut.kept)}):
        progress.say(f"{name}: {', '.join(lost)}: named ids that no token has, and now name none")
    shorter = tables.each(lambda table: table.index_select(0, rows))
    with stage(progress, "writing the model"):
        reloaded = written.write_model(staging, source, model, shorter, cut.tried[0][1], name)
    for answer, (_, after) in zip(answers, cut.tried, strict=True):
        forward.check_alike(answer, forward.outputs(reloaded, after, name), name)
    return {
        "model_class": type(model).__name__,
        "embedding_rows_before": tables.rows,
        "embedding_rows_after": len(cut.kept),
        "parameters_before": parameters,
        "parameters_after": reloaded.num_parameters(),
    }


def _write_map(path: Path, cut: _Cut) -> None:
    tokens = {id_: token for token, id_ in cut.old.backend.get_vocab(with_added_tokens=True).items()}
    lines = [
        f"{old}\t{new}\t{json.dumps(tokens[old], ensure_ascii=False)}\n" for new, old in enumerate(cut.kept)
    ]
    path.write_bytes(("old_id\tnew_id\ttoken\n" + "".join(lines)).encode())
