"""Encoding and batching against the tokenizer itself and plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tokkit.model.network.batches import pieces_within
from tokkit.model.network.classifier import batch_of
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.folder.load import load

TEXTS = ["at home i feel glad", "", "슬프다 " * 40, "at home i feel glad", "🙂 unknown"]


def test_encode_gives_the_ids_of_the_tokenizer_row_by_row(tokenizer):
    loaded = load(tokenizer)
    encoded = encode(TEXTS, loaded, max_length=512)
    for row, text in enumerate(TEXTS):
        ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].tolist()
        assert ids == loaded.backend.encode(text).ids
    assert encoded.truncated == 0


def test_encode_cuts_at_the_maximum_length_and_counts_rows(tokenizer):
    loaded = load(tokenizer)
    encoded = encode(TEXTS, loaded, max_length=6)
    assert encoded.lengths.max() == 6
    whole = [len(loaded.backend.encode(text).ids) for text in TEXTS]
    assert encoded.truncated == sum(length > 6 for length in whole) == 4
    last = encoded.ids[encoded.offsets[1] - 1]
    assert last == loaded.id_of("sep"), "the closing token survives the cut"
    assert [len(loaded.backend.encode(text).ids) for text in TEXTS] == whole, (
        "truncation is not left switched on"
    )


@given(st.lists(st.integers(1, 60), max_size=50), st.integers(1, 200))
def test_pieces_are_a_partition_within_the_budget(lengths, budget):
    lengths = np.array(lengths, dtype=np.int64)
    pieces = list(pieces_within(np.arange(len(lengths)), lengths, budget))
    assert sorted(int(row) for piece in pieces for row in piece) == list(range(len(lengths)))
    for piece in pieces:
        assert len(piece) == 1 or len(piece) * lengths[piece].max() <= budget


def test_a_piece_holds_as_many_rows_as_the_budget_allows():
    [whole] = pieces_within(np.arange(500), np.full(500, 2), 1000)
    assert sorted(whole.tolist()) == list(range(500))


@given(st.integers(1, 300), st.integers(1, 300))
def test_pieces_of_so_many_rows_hold_every_row_once(rows, rows_per_piece):
    lengths = np.arange(rows) % 7
    pieces = list(pieces_within(np.arange(rows), lengths, 10_000, rows_per_piece))
    assert sorted(int(row) for piece in pieces for row in piece) == list(range(rows))
    assert [len(piece) for piece in pieces[:-1]] == [rows_per_piece] * (len(pieces) - 1)


def test_padded_is_masked_where_it_is_padding(tokenizer):
    encoded = encode(TEXTS, load(tokenizer), max_length=512)
    batch = batch_of(encoded, np.array([2, 0, 1]), pad_id=0)
    ids, mask = batch.ids, batch.mask
    assert ids.shape == mask.shape == (3, int(encoded.lengths[2]))
    assert mask.sum(dim=1).tolist() == encoded.lengths[[2, 0, 1]].tolist()
    assert (ids[mask == 0] == 0).all()
    assert ids[1][mask[1] == 1].tolist() == encoded.ids[: encoded.offsets[1]].tolist()
