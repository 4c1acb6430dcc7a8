"""One request on the web: headers out, an answer whose body comes in blocks.

Only http and https, redirects included; no cookies, no credentials, no compression in between.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tokkit.errors import InputError
from tokkit.files import redacted

OK, PARTIAL, NOT_MODIFIED, NOT_SATISFIABLE = 200, 206, 304, 416
_SCHEMES = ("http", "https")
_TIMEOUT = 30.0
_WRITTEN = "write it as https://host/path/to/file.csv"


def quoted(address: str) -> str:
    """The address as it goes over the wire: letters of any writing and spaces as percent signs.

    Raises `InputError` for an address without a host, and for one with a user name or password in it.
    """
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
        name = (host or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise InputError(f"{redacted(address)}: is no address: {error}", hint=_WRITTEN) from error
    if not name:
        raise InputError(f"{redacted(address)}: names no host", hint=_WRITTEN)
    if parts.username or parts.password:
        raise InputError(
            f"{parts.scheme}://{host}{parts.path}: an address with a user name or password is not used",
            hint="download the file yourself and name it",
        )
    location = f"[{name}]" if ":" in name else name
    return urllib.parse.urlunsplit(
        (
            parts.scheme,
            location if port is None else f"{location}:{port}",
            urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~-._"),
            urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~-._?"),
            "",
        )
    )


class CutOff(Exception):
    """The connection broke before the whole body had come."""


def blocks(response: Any, size: int) -> Iterator[bytes]:
    """The body of a response; raises `CutOff` after what came of it."""
    try:
        while block := response.read(size):
            yield block
    except http.client.IncompleteRead as error:
        yield error.partial
        raise CutOff from error
    except (OSError, http.client.HTTPException) as error:
        raise CutOff from error


@contextmanager
def opened(address: str, name: str, headers: Mapping[str, str]) -> Iterator[Any]:
    """The response to a request for ``address``, as `quoted` gives it; ``name`` is that in errors.

    Raises `InputError` where the server cannot be reached or answers with an error.
    """
    request = urllib.request.Request(address, headers={**_ALWAYS, **headers})
    try:
        response = urllib.request.build_opener(_Redirects).open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if error.code not in (NOT_MODIFIED, NOT_SATISFIABLE):
                raise InputError(
                    f"{name}: the server answers {error.code} {str(error.reason).partition(chr(10))[0]}",
                    hint="open the address in a browser: does it need a login, or has the file moved?",
                ) from error
            yield error
        return
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"{name}: cannot be reached: {getattr(reason, 'strerror', None) or reason}",
            hint="check the address and the network, or download the file yourself and name it",
        ) from error
    with response:
        yield response


_ALWAYS = {"User-Agent": "tokkit", "Accept": "*/*", "Accept-Encoding": "identity"}


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the web only."""

    def redirect_request(
        self, request: urllib.request.Request, file: Any, code: int, message: str, headers: Any, to: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(to).scheme not in _SCHEMES:
            raise urllib.error.URLError(f"it leads to {redacted(to)}, which is no http(s) address")
        return super().redirect_request(request, file, code, message, headers, to)
