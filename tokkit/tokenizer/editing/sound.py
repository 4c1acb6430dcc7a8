"""A tokenizer that can be built upon: loaded, and its template names tokens that are there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.tokenizer.folder.load import LoadedTokenizer, check_distinct_ids, load
from tokkit.tokenizer.folder.tokenizer_folder import CONFIG_FILE
from tokkit.tokenizer.training.inherit import single


def load_sound(name: str | Path, progress: Progress) -> LoadedTokenizer:
    """As `load`; `InputError` also where two tokens share an id, or the post-processor puts another one's."""
    loaded = load(name, progress)
    check_distinct_ids(loaded.backend, loaded.file)
    processor = json.loads(loaded.backend.to_str())["post_processor"]
    for token, id_ in _template(processor):
        found = loaded.backend.token_to_id(token)
        if found != id_:
            told = "is not in its vocabulary" if found is None else f"has the id {found}"
            raise InputError(
                f'{loaded.file}: its template puts "{token}" as id {id_}, but that token {told}',
                hint=f"tokkit wrap {shlex.quote(str(name))} -o DIR mends the ids of a template's tokens",
            )
    return loaded


def files_read(tokenizer: LoadedTokenizer) -> list[Path]:
    """The files it was made of: `tokenizer.json`, or an older one's vocabulary; and its configuration."""
    older = [tokenizer.folder / name for name in ("vocab.txt", "vocab.json", "merges.txt")]
    made_of = [tokenizer.file] if tokenizer.file.is_file() else older
    return [path for path in (*made_of, tokenizer.folder / CONFIG_FILE) if path.is_file()]


def _template(processor: Mapping[str, Any] | None) -> Iterator[tuple[str, int]]:
    """(token, id) of every special token that a post-processor puts around texts."""
    for each in single(processor):
        for entry in each.get("special_tokens", {}).values():
            yield from zip(entry["tokens"], entry["ids"], strict=True)
        yield from (tuple(each[name]) for name in ("cls", "sep") if name in each)
