"""`predict` reads what an address has; a text that only contains one is a text."""

from __future__ import annotations

import pytest

import tokkit
from tests.sources.web_server import Served, serving


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    for name in ("TOKKIT_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with serving() as running:
        yield running


def test_predict_reads_an_address_and_says_so(model, dataset, server, heard):
    content = (dataset / "test.csv").read_bytes()
    server.files["/test.csv"] = Served(content)
    address = f"{server.address}/test.csv"
    predictions = tokkit.predict(model, address, progress=heard).predictions
    assert predictions == tokkit.predict(model, dataset / "test.csv").predictions
    assert f"{address}: requested over the network" in heard
    sentence = f"see {address} now"
    assert [row["text"] for row in tokkit.predict(model, sentence).predictions] == [sentence]
    assert len(server.requests) == 1
