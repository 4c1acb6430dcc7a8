"""A trie of strings: each edge is one entry of a hash table.

Symbols are code points or bytes. Node 0 is no node; strings start at any node that the caller keeps as a
root, 1 and 2 here.

edges   (capacity,) uint64, a power of two: node << 42 | symbol << 21 | child, and 0 in an empty place
values  (nodes,) int32: 1 + what stands for the string that ends at the node, 0 where none ends
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel

BITS = 21
"""Of a node's number, and of a symbol: enough for every code point."""

START, CONTINUATION = 1, 2
"""The two roots."""

_U = np.uint64
_SHIFT, _LOW = _U(BITS), _U((1 << BITS) - 1)
_GOLDEN = _U(0x9E3779B97F4A7C15)


@kernel
def place_of_edge(key, edges):
    """Where the edge ``node << 21 | symbol`` stands, or the empty place where it belongs."""
    mixed = key * _GOLDEN
    mask = _U(edges.size - 1)
    place = (mixed ^ (mixed >> _U(32))) & mask
    while edges[np.int64(place)] != 0 and edges[np.int64(place)] >> _SHIFT != key:
        place = (place + _U(1)) & mask
    return np.int64(place)


@kernel
def child_of(node, symbol, edges):
    """The node that the symbol leads to; 0 where there is none."""
    return np.int64(edges[place_of_edge(_U(node) << _SHIFT | _U(symbol), edges)] & _LOW)


@kernel
def add_strings(symbols, offsets, given, root, edges, values, nodes):
    """Adds strings below a root; gives the number of nodes.

    symbols, offsets  string i is ``symbols[offsets[i] : offsets[i + 1]]``, none of them empty
    given             (strings,) int32: what stands for each
    """
    for i in range(given.size):
        node = root
        for at in range(offsets[i], offsets[i + 1]):
            key = _U(node) << _SHIFT | _U(symbols[at])
            place = place_of_edge(key, edges)
            if edges[place] == 0:
                edges[place] = key << _SHIFT | _U(nodes)
                nodes += 1
            node = np.int64(edges[place] & _LOW)
        values[node] = given[i] + 1
    return nodes


@kernel
def move_edges(old, edges):
    """Moves the edges into a table of another size."""
    for edge in old:
        if edge:
            edges[place_of_edge(edge >> _SHIFT, edges)] = edge


@kernel
def holding(data, offsets, first_bytes, edges, values, found):
    """Marks in ``found`` every piece that holds a string of the trie, whose symbols are bytes.

    data, offsets  the pieces, as in `byte_table.Pieces`
    first_bytes    (256,) bool: whether a string starts with that byte
    """
    for piece in range(offsets.size - 1):
        end = offsets[piece + 1]
        for start in range(offsets[piece], end):
            if first_bytes[data[start]]:
                node, at = START, start
                while at < end and node != 0 and values[node] == 0:
                    node = child_of(node, data[at], edges)
                    at += 1
                if values[node]:
                    found[piece] = True
                    break
