"""HTTP servers of tests on this machine: a state that the test reads and sets, and a handler of requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

State = TypeVar("State")


class Handler(BaseHTTPRequestHandler):
    """Answers requests by `respond`; connections stay open between them, and nothing is logged."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None: ...

    def do_GET(self) -> None:
        self.respond("GET")

    def do_HEAD(self) -> None:
        self.respond("HEAD")

    def do_POST(self) -> None:
        self.respond("POST")

    def do_PUT(self) -> None:
        self.respond("PUT")

    def respond(self, method: str) -> None:
        """Answer one request."""
        raise NotImplementedError

    @property
    def state(self) -> Any:
        """What `serving` was given."""
        return self.server.state  # type: ignore[attr-defined]

    @property
    def decoded_path(self) -> str:
        """The path of the request without a query."""
        return unquote(urlsplit(self.path).path)

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        """Everything before the body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def serving(handler: type[Handler], state: Callable[[str], State]) -> Iterator[State]:
    """The state of a server, made of its address, until the block ends."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    running.daemon_threads = True
    running.state = state(f"http://127.0.0.1:{running.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running.state  # type: ignore[attr-defined]
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
