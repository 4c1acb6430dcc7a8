# mypy: ignore-errors
"""WordPiece: each word is cut into the longest pieces of the vocabulary, from its start on.

    unwanted -> un ##want ##ed

A word with a part that is no piece, or that is too long, is one unknown token, as in `tokenizers`
(`models/wordpiece`).
"""

from __future__ import annotations

from tokkit.corpus.split_kernels import decoded
from tokkit.runtime.kernels import helper, kernel
from tokkit.tokenizer.encoding.trie_kernels import CONTINUATION, START, child_of


@helper
def write_pieces(text, at, end, edges, values, longest, ids, used):
    """Writes the pieces of the word ``text[at:end]`` into ``ids`` from ``used`` on; returns where they end.

    -1 where the word is unknown. ``longest``: characters of the longest word that is not.
    """
    # walks down the trie as far as the text goes and takes the last node that is a piece: the longest one
    node, read = START, 0
    while at < end:
        token, after, probe = 0, at, at
        while probe < end:
            symbol, width = decoded(text, probe)
            node = child_of(node, symbol, edges)
            if node == 0:
                break
            probe += width
            if values[node]:
                token, after = values[node], probe
        # one part without a piece makes the whole word unknown, also the pieces found before it
        if token == 0:
            return -1
        while at < after:
            symbol, width = decoded(text, at)
            at += width
            read += 1
        ids[used] = token - 1
        used += 1
        # pieces inside a word have a root of their own, so `##` never has to be written into the text
        node = CONTINUATION
    # the length is known only at the end, as characters are counted while they are read
    return used if read <= longest else -1


@kernel
def encode_words(
    text, starts, ends, owners, edges, values, longest, unknown, counted, ids, used, sizes, offsets
):
    """Encodes words into ``ids`` from ``used`` on; returns where they end.

    text, starts, ends, owners  words in the order of their chunks, as `split_kernels.split` gives them
    edges, values               the trie of pieces (`trie_kernels`), of code points
    unknown, counted            id of an unknown word; the id that counts as unknown in ``sizes``
    sizes, offsets              of each chunk: tokens and unknown ones, (n, 2); where in ``ids`` they start
    """
    for word in range(owners.size):
        owner = owners[word]
        if sizes[owner, 0] == 0:
            offsets[owner] = used
        end = write_pieces(text, starts[word], ends[word], edges, values, longest, ids, used)
        if end < 0:
            ids[used] = unknown
            end = used + 1
        for i in range(used, end):
            if ids[i] == counted:
                sizes[owner, 1] += 1
        sizes[owner, 0] += end - used
        used = end
    return used
