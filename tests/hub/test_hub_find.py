"""`find-datasets` against a hub on this machine."""

from __future__ import annotations

import json

import pytest

import tokkit
from tokkit.cli.main import run
from tokkit.errors import InputError

MOODS = {
    "id": "ada/moods",
    "downloads": 1234,
    "likes": 3,
    "gated": False,
    "private": False,
    "tags": [
        *("language:en", "language:ko", "license:mit", "size_categories:10K<n<100K"),
        *("task_categories:text-classification", "region:us", "plain"),
    ],
}
BARE = {"id": "plain", "downloads": 7, "likes": 0, "gated": "manual", "private": False, "tags": []}


def test_what_decides_is_listed(hub):
    hub.datasets = [MOODS, BARE]
    result = tokkit.find_datasets("mood", language="ko", limit=5)
    assert result.as_dict()["datasets"] == [
        {
            "name": "ada/moods",
            "downloads": 1234,
            "size": "10K<n<100K",
            "languages": ["en", "ko"],
            "licence": "mit",
            "tasks": ["text-classification"],
            "gated": False,
        },
        {
            "name": "plain",
            "downloads": 7,
            "size": None,
            "languages": [],
            "licence": None,
            "tasks": [],
            "gated": True,
        },
    ]
    [query] = hub.queries
    assert (query["search"], query["sort"], query["limit"]) == (["mood"], ["downloads"], ["5"])
    assert query["filter"] == ["language:ko"]


def test_without_a_query_the_most_used_and_without_a_token_too(hub, monkeypatch, capsys):
    monkeypatch.delenv("HF_TOKEN")
    hub.datasets = [MOODS]
    assert run(["find-datasets", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["command"], printed["query"]) == ("find-datasets", None)
    assert "search" not in hub.queries[0]
    assert run(["find-datasets", "mood"]) == 0
    assert "hub:ada/moods\t1234\t10K<n<100K\ten, ko\tmit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "does not accept the token"),
        (404, "the hub has no"),
        (500, "failed with HTTP status 500"),
        (None, "the connection to the hub broke"),
    ],
)
def test_errors_are_one_sentence(hub, status, message, monkeypatch):
    # The library tries again what may pass, for half a minute.
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.fail("/api/datasets", status, times=100)
    with pytest.raises(InputError, match=f"find-datasets: .*{message}"):
        tokkit.find_datasets("mood")


def test_limits_are_waited_for_and_offline_is_said(hub, monkeypatch):
    hub.datasets = [MOODS]
    hub.fail("/api/datasets", 429, Retry_After="0")
    assert len(tokkit.find_datasets("mood").datasets) == 1
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="HF_HUB_OFFLINE forbids the network"):
        tokkit.find_datasets("mood")
