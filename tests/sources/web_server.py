"""A real server on this machine that serves files as a test wants: in part, cut off, lying, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests import local_server


@dataclass
class Served:
    """One file.

    etag        its version; None: the server tells none, and sends no parts
    cuts        bytes after which the connection is cut, one for each request; later ones are whole
    length      what Content-Length says, if not the truth; 0: it is not said
    chunked     the body is sent in chunks
    leads_to    address that it redirects to
    """

    content: bytes = b""
    etag: str | None = '"one"'
    cuts: list[int] = field(default_factory=list)
    length: int | None = None
    chunked: bool = False
    leads_to: str | None = None
    kind: str = "text/csv"
    disposition: str | None = None


@dataclass
class Server:
    """``files`` by path; ``requests`` is the path and the headers of each request."""

    address: str
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Server]:
    """The server, until the block ends."""
    with local_server.serving(_Handler, Server) as server:
        yield server


class _Handler(local_server.Handler):
    def respond(self, method: str) -> None:
        if method != "GET":
            self.send_error(501)
            return
        server: Server = self.state
        server.requests.append((self.path, dict(self.headers)))
        served = server.files.get(self.decoded_path)
        if served is None:
            self.send_error(404)
        elif served.leads_to is not None:
            self.send_head(302, {"Location": served.leads_to, "Content-Length": "0"})
        elif served.etag is not None and self.headers.get("If-None-Match") == served.etag:
            self.send_head(304, {"ETag": served.etag})
        else:
            self._send(served)

    def _send(self, served: Served) -> None:
        start, headers, status = 0, {"Content-Type": served.kind}, 200
        if served.etag is not None:
            headers["ETag"] = served.etag
            if self.headers.get("If-Range") == served.etag:
                start, status = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")), 206
                whole = len(served.content)
                if start >= whole:
                    self.send_head(416, {"Content-Range": f"bytes */{whole}", "Content-Length": "0"})
                    return
                headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        if served.disposition:
            headers["Content-Disposition"] = served.disposition
        body = served.content[start:]
        if served.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif served.length != 0:
            headers["Content-Length"] = str(served.length or len(body))
        self.send_head(status, headers)
        cut = served.cuts.pop(0) if served.cuts else None
        sent = body[:cut]
        self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent) if served.chunked and sent else sent)
        if served.chunked and cut is None:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True
