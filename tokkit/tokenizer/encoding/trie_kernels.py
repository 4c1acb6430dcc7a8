# mypy: ignore-errors
"""A trie of strings: each edge is one entry of a hash table.

Symbols are code points or bytes. There is no node 0; the strings of a set start at a root of its own, 1 or 2.

    "un" 7 and "up" 9 below root 1:   (1, u) -> 3   (3, n) -> 4   (3, p) -> 5   values[4] = 8, values[5] = 10

edges   (capacity,) uint64, a power of two: node << 42 | symbol << 21 | child, 0 in an empty cell
values  (nodes,) int32: 1 + the number of the string that ends at the node, 0 where none ends
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import helper, kernel

# Of a node's number, and of a symbol: enough for every code point.
BITS = 21

# The two roots.
START, CONTINUATION = 1, 2

_U = np.uint64
_SHIFT, _LOW = _U(BITS), _U((1 << BITS) - 1)
_GOLDEN = _U(0x9E3779B97F4A7C15)


@helper
def index_of_edge(key, edges):
    """Index of the edge ``node << 21 | symbol``, or of the empty cell where it belongs."""
    mixed = key * _GOLDEN
    mask = _U(edges.size - 1)
    index = (mixed ^ (mixed >> _U(32))) & mask
    while edges[np.int64(index)] != 0 and edges[np.int64(index)] >> _SHIFT != key:
        index = (index + _U(1)) & mask
    return np.int64(index)


@helper
def child_of(node, symbol, edges):
    """The node that the symbol leads to; 0 where there is none."""
    return np.int64(edges[index_of_edge(_U(node) << _SHIFT | _U(symbol), edges)] & _LOW)


@kernel
def add_strings(symbols, offsets, given, root, edges, values, nodes):
    """Adds strings below a root; returns the number of nodes.

    symbols, offsets  string i is ``symbols[offsets[i] : offsets[i + 1]]``, none of them empty
    given             (strings,) int32: the number of each
    """
    for i in range(given.size):
        node = root
        for at in range(offsets[i], offsets[i + 1]):
            key = _U(node) << _SHIFT | _U(symbols[at])
            index = index_of_edge(key, edges)
            # at most one new node for each symbol, by which the caller sizes ``edges`` and ``values``
            if edges[index] == 0:
                edges[index] = key << _SHIFT | _U(nodes)
                nodes += 1
            node = np.int64(edges[index] & _LOW)
        values[node] = given[i] + 1
    return nodes


@kernel
def move_edges(old, edges):
    """Moves the edges into a table of another size."""
    for edge in old:
        if edge:
            edges[index_of_edge(edge >> _SHIFT, edges)] = edge


@kernel
def mark_containing(data, starts, ends, first_bytes, edges, values, marked):
    """Marks every string ``data[starts[i] : ends[i]]`` that contains a string of the trie of bytes.

    first_bytes    (256,) bool: whether a string starts with that byte
    """
    for i in range(starts.size):
        end = ends[i]
        for start in range(starts[i], end):
            # most bytes start no added token: a look into a table of 256 saves the walk
            if first_bytes[data[start]]:
                node, at = START, start
                # stops at the shortest string: which of them the text contains does not matter
                while at < end and node != 0 and values[node] == 0:
                    node = child_of(node, data[at], edges)
                    at += 1
                if values[node]:
                    marked[i] = True
                    break
