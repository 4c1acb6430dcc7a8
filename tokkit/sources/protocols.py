"""Protocols of ``fsspec``: which are read, with which package and credentials, and what their errors mean."""

from __future__ import annotations

import enum
import importlib.util
import re
import shlex
from collections.abc import Iterator

from fsspec.registry import known_implementations, registry

from tokkit.errors import InputError, did_you_mean
from tokkit.files import redacted


class Meaning(enum.Enum):
    """What an exception of the package of a protocol means."""

    CHANGED = enum.auto()
    CREDENTIALS_MISSING = enum.auto()
    FORBIDDEN = enum.auto()
    ABSENT = enum.auto()
    UNREACHABLE = enum.auto()


# Protocols that read other addresses, change what they hold, or are read without fsspec.
_OTHERS = {
    *("arrow_hdfs", "async_wrapper", "asynclocal", "asyncwrapper", "blockcache", "cached", "dask", "data"),
    *("dir", "filecache", "generic", "libarchive", "reference", "simplecache", "tar", "zip"),
}

# Protocol -> how to give it credentials, and the command that looks at an address.
_CREDENTIALS = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a public bucket needs none:\n"
    "export FSSPEC_S3_ANON=true",
    "gs": "log in:\ngcloud auth application-default login",
    "hf": "log in:\nhf auth login",
}
_COMMANDS = {"s3": "aws s3 ls", "gs": "gcloud storage ls"}
_ALIASES = {"s3a": "s3", "gcs": "gs"}

# What an exception means: names of classes, since the libraries that define them need not be installed.
_MEANINGS = {
    Meaning.CHANGED: {"FileExpired"},
    Meaning.CREDENTIALS_MISSING: {
        *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"),
        *("TokenRetrievalError", "UnauthorizedSSOTokenError", "SSOTokenLoadError", "DefaultCredentialsError"),
        *("RefreshError", "ClientAuthenticationError", "LocalTokenNotFoundError"),
    },
    Meaning.FORBIDDEN: {"PermissionError"},
    Meaning.ABSENT: {"FileNotFoundError", "NotADirectoryError"},
    Meaning.UNREACHABLE: {
        *("ConnectionError", "TimeoutError", "HTTPClientError", "ClientConnectionError", "TransportError"),
        *("TransportException", "gaierror"),
    },
}

# Characters of an error of a package that are repeated.
_LONGEST = 200


def check(address: str, protocol: str) -> None:
    """Raises `InputError` for a protocol that is unknown or whose library is missing, without the network."""
    known = [name for name in {**known_implementations, **registry} if name not in _OTHERS]
    if "::" in address:
        raise InputError(
            f"{redacted(address)}: addresses within addresses are not read",
            hint="copy the file out of its archive, and name it",
        )
    if protocol not in known:
        near = did_you_mean(protocol, known)
        # half of a name of two letters is not near enough
        if not near and len(protocol) < 4:
            near = next((f' (did you mean "{name}"?)' for name in _CREDENTIALS if name[0] == protocol[0]), "")
        raise InputError(
            f'{redacted(address)}: unknown protocol "{protocol}"{near}',
            hint="write it as s3://bucket/key, gs://bucket/key or hf://datasets/OWNER/NAME/FILE",
        )
    credentials = _CREDENTIALS.get(_ALIASES.get(protocol, protocol))
    without_query = address.partition("?")[0]
    # such a name would be taken for that of the bucket, and sent
    if credentials is not None and redacted(without_query) != without_query:
        raise InputError(
            f"{redacted(address)}: an address with a name or password is not used", hint=credentials
        )
    library = known_implementations.get(protocol, {}).get("class", "fsspec").partition(".")[0]
    if importlib.util.find_spec(library) is None:
        raise _missing(redacted(address), protocol, library)


def _missing(address: str, protocol: str, library: str) -> InputError:
    return InputError(
        f"{address}: {protocol}:// addresses are read with {library}, which is not installed",
        hint=f"pip install {library}",
    )


def refusal(error: Exception, protocol: str, address: str, shown_address: str) -> InputError:
    """The error for what a package raised, on one line; ``shown_address`` is the address without secrets."""
    kind = meaning(error)
    known = _ALIASES.get(protocol, protocol)
    credentials = _CREDENTIALS.get(known, "give the package of the protocol its credentials")
    if isinstance(error, ImportError):
        names = (cause.name for cause in _causes(error) if isinstance(cause, ImportError))
        return _missing(shown_address, protocol, (next(filter(None, names), protocol)).partition(".")[0])
    if kind is Meaning.CREDENTIALS_MISSING:
        return InputError(f"{shown_address}: no credentials for {protocol}://", hint=credentials)
    if kind is Meaning.FORBIDDEN:
        return InputError(f"{shown_address}: no permission to read it", hint=credentials)
    said = reason(error, address)
    if kind is Meaning.UNREACHABLE:
        return InputError(
            f"{shown_address}: cannot be reached: {said}",
            hint="check the address, the endpoint and the network, or download the file and name it",
        )
    folder = shown_address.partition("://")[2].rpartition("/")[0]
    return InputError(f"{shown_address}: cannot be read: {said}", hint=look(protocol, folder))


def reason(error: BaseException, address: str) -> str:
    """What an error says, on one line; its class, where the address holds what may be secret."""
    text = re.sub(r"\[Errno -?\d+\] ", "", " ".join(str(error).split()))[:_LONGEST]
    # a package may repeat any part of the address
    return str(redacted(text)) if text and redacted(address) == address else type(error).__name__


def look(protocol: str, folder: str) -> str:
    """The hint that looks at a folder, where the protocol has a command for it."""
    known = _ALIASES.get(protocol, protocol)
    if known not in _COMMANDS:
        return "check the address"
    folder = folder.strip("/")
    address = f" {shlex.quote(redacted(f'{known}://{folder}/'))}" if folder else ""
    return f"look with:\n{_COMMANDS[known]}{address}"


def meaning(error: BaseException) -> Meaning | None:
    """What an error or the first of its causes means, if it is known."""
    for cause in _causes(error):
        names = {cls.__name__ for cls in type(cause).__mro__}
        for kind, known in _MEANINGS.items():
            if names & known:
                return kind
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
