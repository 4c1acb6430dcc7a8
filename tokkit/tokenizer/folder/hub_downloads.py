"""Models and tokenizers of the hub: their names, with a revision, and their files in the cache of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.sources.downloads import offline
from tokkit.sources.paths import is_path, missing

# What errors of `huggingface_hub` mean, by the names of their classes.
_FAILURES = {
    "LocalEntryNotFoundError": "the hub cannot be reached",
    "RepositoryNotFoundError": "the hub has none of that name",
    "GatedRepoError": "the hub gives it to users with permission only",
    "RevisionNotFoundError": "the hub has no such revision of it",
}


def is_hub_name(name: str) -> bool:
    """Whether a name that is not a path may be on the hub: ``owner/name`` or ``name``, no file suffix.

    ``@`` and a branch, a tag or a commit may follow.
    """
    bare = name.removeprefix("hub:").partition("@")[0]
    looks_like_path = bare.startswith((".", "/", "~")) or bare.endswith(("/", ".json", ".model", ".txt"))
    return bool(bare) and not looks_like_path and bare.count("/") <= 1


def split_revision(name: str) -> tuple[str, str | None]:
    """The repository and the revision of a name on the hub.

    >>> split_revision("hub:ada/moods@v1"), split_revision("bert-base-cased")
    (('ada/moods', 'v1'), ('bert-base-cased', None))
    """
    repository, _, revision = name.removeprefix("hub:").partition("@")
    return repository, revision or None


def hub_snapshots(*names: str | Path | None) -> list[Path]:
    """The folders in the cache of the hub that names of it were loaded from, whose names are commits."""
    from huggingface_hub import try_to_load_from_cache

    folders = []
    for name in names:
        if name is None or is_path(Path(name)) or not is_hub_name(str(name)):
            continue
        repository, revision = split_revision(str(name))
        # What was loaded a moment ago is there: a model or a tokenizer has one of these files.
        for file in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
            path = try_to_load_from_cache(repository, file, revision=revision)
            if isinstance(path, str):
                folders.append(Path(path).parent)
                break
    return list(dict.fromkeys(folders))


# The files of a tokenizer on the hub.
TOKENIZER_PATTERNS = ("tokenizer*", "vocab*", "merges*", "special_tokens_map.json")


def from_hub(name: str, progress: Progress, kind: str, patterns: Sequence[str]) -> Path:
    """Download the files that match, and return their folder; offline, that in the cache of the hub.

    kind  what is downloaded, for the message: ``tokenizer``

    Raises `InputError` for a name that cannot be on the hub, and where the files cannot be had.
    """
    if not is_hub_name(name):
        raise missing(Path(name))
    from huggingface_hub import snapshot_download

    bare, forbidden = name.removeprefix("hub:"), offline()
    repository, revision = split_revision(name)
    progress.say(
        f"{bare}: no such path; {forbidden} forbids the network; looking in the cache of the hub"
        if forbidden
        else f"{bare}: no such path; downloading the {kind} of that name from the hub"
    )
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=list(patterns),
                local_files_only=forbidden is not None,
            )
        )
    except Exception as error:
        # offline mode is a setting of the user: the network did not fail, and a retry would not help
        if forbidden:
            reason = f"{forbidden} is set and the cache of the hub has no copy"
        else:
            failure = type(error).__name__
            reason = _FAILURES.get(failure, f"downloading it from the hub failed ({failure})")
        raise InputError(
            f"{name}: no such folder, and {reason}",
            hint="check the path",
        ) from error
