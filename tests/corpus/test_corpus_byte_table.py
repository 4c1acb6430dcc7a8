"""The hash table of the kernels counts as `collections.Counter` does."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.runtime.byte_table import ByteTable, StringCounts

_strings = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.builds(
        lambda start, end: b"shared prefix of more than 16 bytes"[:start] + end,
        st.integers(0, 35),
        st.binary(min_size=1, max_size=2),
    ),
    st.builds(lambda size: b"\0" * size, st.integers(1, 40)),
)
_counts = st.one_of(st.integers(1, 5), st.integers(2**32 - 2, 2**32 + 2), st.just(2**50))
_entries = st.lists(st.tuples(_strings, _counts), max_size=60)


def _table(entries):
    table = ByteTable()
    table.add(StringCounts.of([string for string, _ in entries], [count for _, count in entries]))
    return table


def _counter(*entries):
    counter = Counter()
    for string, count in (entry for some in entries for entry in some):
        counter[string] += count
    return counter


def _content(table):
    pieces = table.columns()
    content = dict(zip(pieces.to_bytes(), pieces.counts.tolist(), strict=True))
    assert len(content) == len(pieces) == len(table)
    assert table.size() == sum(map(len, content))
    assert table.total() == sum(content.values())
    return content


def _many(number, seed):
    chosen = random.Random(seed)
    return [
        (b"%x" % chosen.randrange(number) * chosen.randint(1, 7), chosen.randint(1, 9)) for _ in range(number)
    ]


@settings(max_examples=200, deadline=None)
@given(_entries)
def test_byte_table_sums_counts(entries):
    assert _content(_table(entries)) == _counter(entries)


@settings(max_examples=100, deadline=None)
@given(_entries, _entries)
def test_byte_table_absorbs_another_whichever_is_larger(some, others):
    for first, second in ((some, others), (others, some)):
        table = _table(first)
        table.absorb(_table(second))
        assert _content(table) == _counter(some, others)


def test_byte_table_grows_as_it_fills():
    table, entries = ByteTable(), _many(30_000, seed=1)
    for start in range(0, len(entries), 777):
        table.add(StringCounts.of(*zip(*entries[start : start + 777], strict=True)))
    assert _content(table) == _counter(entries)


def test_byte_table_absorbs_many():
    first, second = _many(20_000, seed=2), _many(9_000, seed=3)
    table = _table(first)
    table.absorb(_table(second))
    assert _content(table) == _counter(first, second)


def test_byte_table_counts_past_32_bits_and_up_to_62():
    for string in (b"short", b"sixteen bytes ..", b"more than sixteen bytes"):
        table = _table([(string, 2**61), (string, 2**61 - 1), (b"x", 1)])
        table.absorb(_table([(string, 1)]))
        assert _content(table) == {string: 2**62, b"x": 1}


def test_byte_table_tells_strings_of_one_prefix_and_of_zeros_apart():
    strings = [b"\0" * size for size in range(1, 41)] + [b"a" * size for size in range(1, 41)]
    assert _content(_table([(string, len(string)) for string in strings])) == {s: len(s) for s in strings}


def test_byte_table_tells_strings_of_the_same_hashes_apart():
    """Found by search: both 64-bit hashes of a string of 24 bytes are equal for these."""
    one = b"        \x8e\x81Ker\xac\x02$the end."
    other = b"\x08\xc0:9%Cl\x9c0z\x80\x90\x04\x12\xdd\x00the end."
    table = _table([(one, 1), (other, 2), (one, 3)])
    hashes = table.slots.reshape(-1, 4)[:, :2]
    assert len({tuple(pair) for pair in hashes[hashes.any(axis=1)].tolist()}) == 1
    assert _content(table) == {one: 4, other: 2}
    table.absorb(_table([(other, 5), (one, 6)]))
    assert _content(table) == {one: 10, other: 7}


def test_byte_table_passes_over_the_empty_string():
    assert _content(_table([(b"", 3), (b"a", 1)])) == {b"a": 1}


@settings(max_examples=50, deadline=None)
@given(_entries, st.integers(1, 5), st.integers(1, 50))
def test_byte_table_comes_out_in_batches_of_any_size(entries, strings, size):
    exported = Counter()
    for batch in _table(entries).batches(strings, size):
        assert 1 <= len(batch) <= strings
        exported.update(dict(zip(batch.to_bytes(), batch.counts.tolist(), strict=True)))
    assert exported == _counter(entries)


def test_byte_table_is_empty_after_clearing_and_takes_more():
    table = _table(_many(5_000, seed=4))
    table.clear()
    assert _content(table) == {}
    assert list(table.batches()) == []
    table.add(StringCounts.of([b"a", b"longer than sixteen bytes"], [1, 2]))
    assert _content(table) == {b"a": 1, b"longer than sixteen bytes": 2}
