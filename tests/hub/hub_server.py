"""A small hub on this machine: the calls of huggingface_hub to create, upload, commit, download and search.

Files go the way of Git LFS, where the client is not told to use another. Faults are set by the test: the next
request whose path contains a text is answered with a status, or its connection is broken.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests import local_server

TOKEN = "hf_of_the_test"
EMPTY = "0" * 40


@dataclass
class Repository:
    """branches   name -> commit, and ``commits`` its hash -> path -> content"""

    private: bool = False
    branches: dict[str, str] = field(default_factory=lambda: {"main": EMPTY})
    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {EMPTY: {}})

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the main branch."""
        return self.commits[self.branches["main"]]

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """A commit with more files than the last one; returns its hash."""
        content = {**self.commits[self.branches[branch]], **files}
        digest = hashlib.sha1(self.branches[branch].encode())
        for name, data in sorted(content.items()):
            digest.update(name.encode() + data)
        self.commits[digest.hexdigest()] = content
        self.branches[branch] = digest.hexdigest()
        return self.branches[branch]

    def at(self, revision: str) -> str | None:
        """The commit that a branch, or a hash, is."""
        return self.branches.get(revision) or (revision if revision in self.commits else None)


@dataclass
class Fault:
    """Answers ``times`` requests whose path has ``part`` in it: a status, or a broken connection.

    hangs   set when a request came, which is then answered after a minute
    """

    part: str
    status: int | None = None
    hangs: threading.Event | None = None
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """repositories   (type, name) -> repository; ``objects`` SHA-256 -> what was uploaded
    requests       method and path of each request; ``uploads`` SHA-256 of each upload
    """

    address: str
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    largest_regular: int = 2_000

    def fail(self, part: str, status: int | None = None, times: int = 1, **headers: str) -> None:
        """Set a fault; names of headers have ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults.append(Fault(part, status, times=times, headers=named))


@contextmanager
def serving() -> Iterator[Hub]:
    """The hub, until the block ends."""
    with local_server.serving(_Handler, Hub) as hub:
        yield hub


class _Handler(local_server.Handler):
    @property
    def hub(self) -> Hub:
        return self.state  # type: ignore[no-any-return]

    def respond(self, method: str) -> None:
        path = self.decoded_path
        self.hub.requests.append(f"{method} {path}")
        fault = next((fault for fault in self.hub.faults if fault.part in path and fault.times), None)
        if fault is not None:
            fault.times -= 1
            if fault.hangs is not None:
                fault.hangs.set()
                time.sleep(60)
            if fault.status is None:
                # In the middle: a part of the body is read, and there is no response.
                self.rfile.read(min(1_000, int(self.headers.get("Content-Length") or 0)))
                self.close_connection = True
                self.connection.close()
                return
            self._body()
            self._send(fault.status, {"error": "as the test wants"}, fault.headers)
            return
        body = self._body()
        if path.startswith("/api/datasets") and path.count("/") == 2:
            query = parse_qs(urlsplit(self.path).query)
            self.hub.queries.append(query)
            self._send(200, self.hub.datasets[: int(query.get("limit", ["1000"])[0])])
        elif path.startswith("/upload/"):
            oid = path.removeprefix("/upload/")
            assert hashlib.sha256(body).hexdigest() == oid
            self.hub.objects[oid] = body
            self.hub.uploads.append(oid)
            self._send(200, {})
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif path == "/api/validate-yaml":
            self._send(200, {"warnings": [], "errors": []})
        elif not self._is_allowed(method):
            self._send(401, {}, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif "/resolve/" in path:
            self._file(method, path)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        else:
            self._repository(method, path, body)

    def _is_allowed(self, method: str) -> bool:
        """Whether the token is right; without any, what is public may be read."""
        token = self.headers.get("Authorization")
        return method in ("GET", "HEAD") if token is None else token == f"Bearer {TOKEN}"

    def _file(self, method: str, path: str) -> None:
        before, _, after = path.partition("/resolve/")
        is_dataset = before.startswith("/datasets/")
        key = ("dataset", before[10:]) if is_dataset else ("model", before[1:])
        revision, _, name = after.partition("/")
        repository = self.hub.repositories.get(key)
        commit = None if repository is None else repository.at(revision)
        content = None if repository is None or commit is None else repository.commits[commit].get(name)
        if content is None or commit is None:
            self._send(404, {}, {"X-Error-Code": "EntryNotFound"})
            return
        self.send_head(200, _described(content, commit))
        if method == "GET":
            self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _create(self, content: dict[str, Any]) -> None:
        name = f"{content['organization']}/{content['name']}"
        key = (content.get("type") or "model", name)
        url = {"url": f"{self.hub.address}/{name}"}
        if key in self.hub.repositories:
            self._send(409, url)
            return
        self.hub.repositories[key] = Repository(private=content.get("visibility") == "private")
        self._send(200, url)

    def _batch(self, content: dict[str, Any]) -> None:
        objects = []
        for item in content["objects"]:
            action = {"upload": {"href": f"{self.hub.address}/upload/{item['oid']}"}}
            there = item["oid"] in self.hub.objects
            objects.append(dict(item) if there else {**item, "actions": action})
        self._send(200, {"transfer": "basic", "objects": objects})

    def _repository(self, method: str, path: str, body: bytes) -> None:
        if path.count("/") < 4:
            self._send(404, {}, {"X-Error-Code": "RepoNotFound"})
            return
        _, _, kinds, owner, name, *rest = path.split("/")
        key = (kinds.removesuffix("s"), f"{owner}/{name}")
        repository = self.hub.repositories.get(key)
        if repository is None:
            self._send(404, {}, {"X-Error-Code": "RepoNotFound"})
        elif not rest or rest[0] == "revision":
            commit = repository.at("/".join(rest[1:]) or "main")
            if commit is None:
                self._send(404, {}, {"X-Error-Code": "RevisionNotFound"})
                return
            info = {"id": key[1], "sha": commit, "private": repository.private, "siblings": []}
            self._send(
                200, {**info, "gated": False, "disabled": False, "downloads": 1, "likes": 0, "tags": []}
            )
        elif rest[0] in ("tree", "paths-info"):
            files = repository.commits[repository.at(rest[1]) or EMPTY]
            named = parse_qs(body.decode()).get("paths") if method == "POST" else None
            self._send(200, [_entry(name, files[name]) for name in files if named is None or name in named])
        elif rest[0] == "branch":
            repository.branches["/".join(rest[1:])] = repository.branches["main"]
            self._send(200, {})
        elif rest[0] == "preupload":
            files = [
                {
                    "path": item["path"],
                    "uploadMode": "lfs" if item["size"] > self.hub.largest_regular else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for item in json.loads(body)["files"]
            ]
            self._send(200, {"files": files})
        else:
            assert rest[0] == "commit"
            self._commit(key[1], repository, "/".join(rest[1:]), body)

    def _commit(self, name: str, repository: Repository, branch: str, body: bytes) -> None:
        files = {}
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        commit = repository.commit(files, branch)
        content = {
            "success": True,
            "commitOid": commit,
            "commitUrl": f"{self.hub.address}/{name}/commit/{commit}",
        }
        self._send(200, content)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        described = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.send_head(status, {**described, **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)


def _described(content: bytes, commit: str) -> dict[str, str]:
    """The headers of a file."""
    etag = hashlib.sha1(content).hexdigest()
    return {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "Content-Length": str(len(content))}


def _entry(name: str, content: bytes) -> dict[str, Any]:
    """A file of a tree."""
    return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
