"""Threads that share work: all of it is done once, failures are raised, and stopping is quick."""

from __future__ import annotations

import time

import pytest

from tokkit.corpus.chunks import count_chunks
from tokkit.corpus.cutting import SPACES
from tokkit.errors import InputError, Interrupted
from tokkit.progress import SILENT, Silent
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable
from tokkit.runtime.strings import Strings


class Amounts(Silent):
    def __init__(self, stop_at: int | None = None) -> None:
        self.amount = 0
        self.stop_at = stop_at

    def advance(self, amount: int, **metrics: str) -> None:
        self.amount += amount

    def cancelled(self) -> bool:
        return self.stop_at is not None and self.amount >= self.stop_at


def collect(tasks):
    collected = []
    for task in tasks:
        collected.append(task)
        tasks.done(1)
        time.sleep(0.001)
    return collected


@pytest.mark.parametrize("number", [1, 2, 8])
def test_threads_do_every_task_once(number):
    amounts = Amounts()
    results = threads.run(collect, threads.Tasks(iter(range(100))), number, amounts)
    assert sorted(task for collected in results for task in collected) == list(range(100))
    assert amounts.amount == 100


def test_threads_raise_what_a_worker_or_the_stream_raises():
    def broken():
        yield 1
        raise InputError("the second block is no text")

    with pytest.raises(InputError, match="second block"):
        threads.run(collect, threads.Tasks(broken()), 2, SILENT)

    def worker(tasks):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threads.run(worker, threads.Tasks(iter([1])), 2, SILENT)


def test_threads_stop_when_the_user_wants():
    endless = threads.Tasks(iter(range(1_000_000)))
    started = time.monotonic()
    with pytest.raises(Interrupted):
        threads.run(collect, endless, 2, Amounts(stop_at=50))
    assert time.monotonic() - started < 2
    assert endless.stopped
    assert endless.total < 10_000


def test_a_table_is_flushed_before_it_grows_beyond_its_memory():
    table, sizes = ByteTable(), []

    def flush(full):
        sizes.append(full.slots.nbytes)
        full.clear()

    most = 4 * table.nbytes
    texts = Strings.of_bytes([b" ".join(b"word%d" % i for i in range(60_000))])
    count_chunks(texts, SPACES, table, most, flush)
    assert sizes
    assert max(*sizes, table.slots.nbytes) <= most
