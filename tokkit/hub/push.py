"""`push`: a folder that tokkit wrote becomes a repository of the hub, in one commit.

    verified folder -> files that go, what stays behind (`upload_files`) -> uploads -> one commit

Uploads before the commit change nothing that others see. What is uploaded stays there for a while, so that
the same command goes on after a failure.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from tokkit.errors import InputError, Interrupted, OutputError, UsageError, counted
from tokkit.files import CARD
from tokkit.hub.card import completed, read_card
from tokkit.hub.card_kinds import CardKind, kind_of
from tokkit.hub.card_metadata import valid_metadata
from tokkit.hub.card_options import CardOptions
from tokkit.hub.client import connect, patiently, quiet, reason_of
from tokkit.hub.push_options import PushOptions
from tokkit.hub.upload_files import KeptBack, UploadFile, selected
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress, stage
from tokkit.views.cards.markdown import THIS_FOLDER
from tokkit.views.text import in_bytes

_REPOSITORIES = ("model", "dataset", "space")
_MAIN = "main"
# Files are uploaded in groups of about so many bytes, or files; what is there is known after each.
_GROUP_BYTES, _GROUP_FILES = 32_000_000, 50


@dataclass(frozen=True)
class PushResult:
    """repo        OWNER/NAME, ``repo_type`` model or dataset
    revision    hash of the commit; None of a dry run
    branch      that it is on
    files       path and bytes of each file that goes
    kept_back   path and reason of what stays behind
    """

    repo: str
    repo_type: str
    private: bool
    branch: str
    revision: str | None
    files: list[UploadFile]
    kept_back: list[KeptBack]
    dry_run: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        return {
            "repo": self.repo,
            "repo_type": self.repo_type,
            "private": self.private,
            "branch": self.branch,
            "revision": self.revision,
            "size": self.size,
            "files": [file.as_dict() for file in self.files],
            "kept_back": [part.as_dict() for part in self.kept_back],
            "dry_run": self.dry_run,
        }


def push(
    folder: str | Path,
    repo: str,
    options: PushOptions | None = None,
    *,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> PushResult:
    """Upload a model, a tokenizer or a data set to the repository ``repo`` of the hub, which is created.

    The folder is verified first: it loads, and holds no pickle. Rows of the user stay behind unless
    ``with_rows``: `predictions.parquet`, worst rows, and what receipts say of the run. A folder without a
    card gets one in the repository; in the card, the name of the repository stands for the folder.

    ``settings`` are fields of `PushOptions`. A dry run needs neither network nor token. Raises `InputError`
    for a folder that is none of these or is damaged, for a repository that is of another kind, or public
    where ``private`` is requested; `OutputError` offline, without a token, and where the upload fails.
    """
    options = apply_settings(PushOptions, options, settings)
    options.check(repo)
    path = Path(folder)
    kind = kind_of(path)
    if kind.has_rows and not options.with_rows:
        raise UsageError(
            f"{path}: is a data set, and rows of yours are not sent unless you say so", hint="--with-rows"
        )
    # Before the network is used: a damaged folder should leave no empty repository behind.
    kind.verify(path, progress)
    files, kept_back = selected(path, _card(path, kind, repo, progress), with_rows=options.with_rows)
    branch = options.revision or _MAIN
    revision = None
    if not dry_run:
        api = connect(writes=True)
        with quiet():
            _create(api, repo, kind, options, progress)
            revision = _upload(api, repo, kind, branch, files, progress)
    return PushResult(
        repo=repo,
        repo_type=kind.repository,
        private=options.private,
        branch=branch,
        revision=revision,
        files=files,
        kept_back=kept_back,
        dry_run=dry_run,
    )


def _card(folder: Path, kind: CardKind, repo: str, progress: Progress) -> str:
    """The card as it is with the name of the repository; that of another author as it is."""
    old = read_card(folder)
    if old is not None and "tokkit" not in (old.metadata.get("tags") or []):
        valid_metadata(old.metadata, kind.repository, folder / CARD)
        return (folder / CARD).read_text("utf-8")
    if old is None:
        progress.say(f"{folder}: has no card; the repository gets the one that the command card writes")
    card = completed(kind, kind.build(folder, progress), old, CardOptions())
    valid_metadata(card.metadata, kind.repository, folder / CARD)
    if not card.metadata.get("license"):
        progress.say(f"{folder}: no license is named; the command card does, with --license")
    if "model-index" in card.metadata and card.metadata["model-index"][0]["name"] == card.title:
        [entry] = card.metadata["model-index"]
        card = card.with_metadata({"model-index": [{**entry, "name": repo.partition("/")[2]}]})
    # A folder with a head of tokkit is downloaded first; all other libraries take the name itself.
    text = card.text.replace(f'tokkit.predict("{THIS_FOLDER}"', f'tokkit.predict(snapshot_download("{repo}")')
    local = f'tokkit.load_dataset("{THIS_FOLDER}")'
    if local in text:
        progress.say(
            f"{folder}: the datasets library does not read its files as tables, so the hub displays no rows; "
            "it reads parquet (--output-format)"
        )
        downloaded = f'tokkit.load_dataset(snapshot_download("{repo}", repo_type="dataset"))'
        text = text.replace(local, downloaded)
    text = text.replace("```python\nimport tokkit\n", "```python\nimport tokkit\n" + _DOWNLOAD)
    return text.replace(f"tokkit stats {THIS_FOLDER}", f"tokkit stats hub:{repo}").replace(THIS_FOLDER, repo)


_DOWNLOAD = "from huggingface_hub import snapshot_download\n"


def _create(api: HfApi, repo: str, kind: CardKind, options: PushOptions, progress: Progress) -> None:
    """Create the repository and its branch, where they are not there.

    Raises `InputError` for a repository that is of another kind, or public where it should be private.
    """
    try:
        # Names of models and of data sets are independent: without the question, a second repository of the
        # same name would be created.
        info = _info(api, repo, kind.repository, progress)
        if info is None:
            others = [name for name in _REPOSITORIES if name != kind.repository]
            there = [name for name in others if _info(api, repo, name, progress) is not None]
            if there:
                raise InputError(
                    f"{repo}: is a {there[0]} repository of the hub, and this is a {kind.name}",
                    hint="choose another name",
                )
        elif options.private and not getattr(info, "private", False):
            raise InputError(
                f"{repo}: exists and is public, and --private creates new repositories only",
                hint="make it private in its settings on the hub, or choose another name",
            )
        patiently(
            lambda: api.create_repo(
                repo, repo_type=kind.repository, private=options.private or None, exist_ok=True
            ),
            progress,
        )
        if options.revision not in (None, _MAIN):
            patiently(
                lambda: api.create_branch(
                    repo, branch=str(options.revision), repo_type=kind.repository, exist_ok=True
                ),
                progress,
            )
    except InputError:
        raise
    except Exception as error:
        reason, hint = reason_of(error, repo)
        raise OutputError(f"{repo}: {reason}; nothing was uploaded", hint) from error


def _info(api: HfApi, repo: str, repository: str, progress: Progress) -> Any:
    """What the hub says of a repository; None where there is none of that kind."""
    try:
        return patiently(lambda: api.repo_info(repo, repo_type=repository), progress)
    except RepositoryNotFoundError:
        return None


def _upload(
    api: HfApi, repo: str, kind: CardKind, branch: str, files: Sequence[UploadFile], progress: Progress
) -> str:
    """Upload the files, then commit them; returns the hash of the commit.

    Raises `OutputError`, which says what is uploaded, where either fails.
    """
    operations = {
        file.path: CommitOperationAdd(file.path, file.source if file.content is None else file.content)
        for file in files
    }
    uploaded: list[UploadFile] = []
    try:
        with stage(progress, "uploading", sum(file.size for file in files), "bytes"):
            for group in _groups(files):
                api.preupload_lfs_files(
                    repo,
                    additions=[operations[file.path] for file in group],
                    repo_type=kind.repository,
                    revision=branch,
                    free_memory=False,
                )
                uploaded += group
                progress.advance(sum(file.size for file in group))
        # It warns of tables in a repository that is no data set, which are those of the user's choice.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            commit = patiently(
                lambda: api.create_commit(
                    repo,
                    list(operations.values()),
                    commit_message=f"Upload a {kind.name} written by tokkit",
                    repo_type=kind.repository,
                    revision=branch,
                ),
                progress,
            )
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {_there(repo, uploaded, files)}") from error
    except Interrupted as error:
        raise Interrupted(f"interrupted; {_there(repo, uploaded, files)}") from error
    except Exception as error:
        reason, hint = reason_of(error, repo)
        message = f"{repo}: {reason}; {_there(repo, uploaded, files)}"
        raise OutputError(message, f"{hint}; what is uploaded then is not sent again") from error
    return str(commit.oid)


def _there(repo: str, uploaded: Sequence[UploadFile], files: Sequence[UploadFile]) -> str:
    size = in_bytes(sum(file.size for file in uploaded))
    return (
        f"{len(uploaded)} of {counted(len(files), 'file')} ({size}) are uploaded, none is committed: "
        f"{repo} is as before"
    )


# One request for each file would be slow for a thousand parts, and one for all would not say what is there.
def _groups(files: Sequence[UploadFile]) -> Iterator[list[UploadFile]]:
    group: list[UploadFile] = []
    for file in files:
        group.append(file)
        if len(group) >= _GROUP_FILES or sum(item.size for item in group) >= _GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group
