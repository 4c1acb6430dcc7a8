"""An S3-compatible server on this machine, moto's, in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What is to be installed for it: the extra "s3-tests".
MISSING = [
    name for name in ("s3fs", "boto3", "moto", "flask", "flask_cors") if not importlib.util.find_spec(name)
]

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "hunter2/secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "no_proxy": "*",
}

_SERVE = """
import logging, sys
logging.disable()
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


_RUNNING: dict[str, subprocess.Popen[str]] = {}


def kill(address: str) -> None:
    """Kill a server before its block ends."""
    _RUNNING[address].kill()
    _RUNNING[address].wait()


@contextmanager
def serving() -> Iterator[str]:
    """The address of the server, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    address = f"http://127.0.0.1:{int(process.stdout.readline())}"
    _RUNNING[address] = process
    try:
        yield address
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def client(endpoint: str) -> Any:
    """A client of boto3, with which tests write what tokkit reads."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
    )
