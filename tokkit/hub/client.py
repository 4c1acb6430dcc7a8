"""The hub's client as its own tools configure it, and its errors as one sentence.

The token is that of ``HF_TOKEN`` or of a login, the address that of ``HF_ENDPOINT``; with ``HF_HUB_OFFLINE``
or ``TOKKIT_OFFLINE`` set, the network is not used. No message contains a token or the body of a response.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from huggingface_hub import HfApi, get_token
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from huggingface_hub.utils import logging as hub_logging

from tokkit.errors import InputError, OutputError, TokkitError, counted
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.sources.downloads import offline

Result = TypeVar("Result")

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token of your account that may write"
# Longest pause that the hub may request, in seconds, and how often it is waited.
_LONGEST_WAIT = 120
_WAITS = 5
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429


def connect(*, writes: bool) -> HfApi:
    """The client. Raises `InputError`, of what writes `OutputError`, offline, and without a token to write.

    Only what writes needs a token.
    """
    kind = OutputError if writes else InputError
    if (variable := offline()) is not None:
        raise kind(f"{variable} forbids the network", hint=f"unset {variable}, to use the hub")
    # Read now, and not when the module is imported, as the library does with its own default.
    token = get_token()
    if writes and token is None:
        raise OutputError("the hub takes files from users alone, and there is no token", hint=LOGIN)
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token)


@contextmanager
def quiet() -> Iterator[None]:
    """Turn off the progress bars and warnings of the hub's library inside; errors are reported here."""
    verbosity, were_off = hub_logging.get_verbosity(), are_progress_bars_disabled()
    hub_logging.set_verbosity_error()
    disable_progress_bars()
    try:
        yield
    finally:
        hub_logging.set_verbosity(verbosity)
        if not were_off:
            enable_progress_bars()


def patiently(request: Callable[[], Result], progress: Progress) -> Result:
    """The result of a request; where the hub limits requests, it is repeated when the hub says so.

    Raises what the request raises, also where the hub requests a pause that is too long.
    """
    for attempt in range(_WAITS + 1):
        try:
            return request()
        except Exception as error:
            seconds = requested_wait(error)
            if seconds is None or seconds > _LONGEST_WAIT or attempt == _WAITS:
                raise
        progress.say(f"the hub limits requests: waiting {counted(seconds, 'second')}")
        # In steps, so that Ctrl-C ends a pause at once also where it is a flag alone.
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            stop_if_cancelled(progress)
            time.sleep(min(0.1, max(0.0, end - time.monotonic())))
    raise AssertionError("the last attempt returns or raises")


def requested_wait(error: BaseException) -> int | None:
    """The seconds after which a refused request may be repeated; None where that is not what went wrong."""
    response = _response(error)
    if response is None or response.status_code != _TOO_MANY:
        return None
    after = str(response.headers.get("retry-after", ""))
    return int(after) if after.isdecimal() else 1


def status_of(error: BaseException) -> int | None:
    """The HTTP status of a failed request; None where there was no response."""
    response = _response(error)
    return None if response is None else int(response.status_code)


def reason_of(error: BaseException, what: str) -> tuple[str, str]:
    """Why a request failed, and a hint.

    what   the request is about, for the message: the name of a repository
    """
    status = status_of(error)
    if status == _UNAUTHORIZED:
        return "the hub does not accept the token", LOGIN
    # The hub answers 403 also where a name belongs to another user.
    if status == _FORBIDDEN:
        return (
            f"the token has no permission to write to {what}",
            f"create a token that may write there, and check that you may use the name {what}",
        )
    if status == _NOT_FOUND:
        return f"the hub has no {what}, or does not display it to this token", f"check the name.\n{LOGIN}"
    if status == _TOO_MANY:
        wait = requested_wait(error)
        return "the hub limits requests", f"run the same command again in {counted(wait or 1, 'second')}"
    if status is not None and status >= 500:
        return f"the hub failed with HTTP status {status}", "run the same command again later"
    if status is not None:
        return f"the hub refused the request with HTTP status {status}", "check the name and the files"
    if _is_network(error):
        return "the connection to the hub broke, or it cannot be reached", "check the network, and try again"
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first[:200], "run the same command again"


def read_error(error: BaseException, what: str) -> TokkitError:
    """The error about a request that only reads."""
    if isinstance(error, TokkitError):
        return error
    reason, hint = reason_of(error, what)
    return InputError(f"{what}: {reason}", hint)


def _response(error: BaseException) -> Any:
    """The response that an error, or one that it is due to, is about."""
    cause: BaseException | None = error
    while cause is not None:
        if (response := getattr(cause, "response", None)) is not None and hasattr(response, "status_code"):
            return response
        cause = cause.__cause__
    return None


def _is_network(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        # The client is httpx, under the name that the installed version of the hub's library uses.
        if type(cause).__module__.startswith("httpx") or isinstance(cause, ConnectionError | TimeoutError):
            return True
        cause = cause.__cause__
    return False
