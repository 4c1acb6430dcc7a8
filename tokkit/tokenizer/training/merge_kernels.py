# mypy: ignore-errors
"""The merge loop of byte-pair encoding, as the reference trainer runs it, over arrays.

A merge visits the words that hold its pair. The changes of pair counts are summed per neighboring token in a
dense table, and the hash table of pairs is changed once per distinct neighbor. Only pairs whose count reaches
``level`` are recorded, with a queue entry and the list of their words: in natural text most pairs are rare
and never merged. When the queue runs dry, the words are scanned again for a lower level. A pair that was not
recorded cannot have been merged, so its count is the number of its occurrences.

`merge` has a worked example at its loop; `learning._Merger` takes the same steps in plain Python.

records   (n,) uint32     words (`symbol_kernels.write_records`); a freed cell is ``FREE``
spans     (n,) uint16     characters of each symbol of ``records``; (0,) where no length is limited
pairs     (capacity, 2) int64, a hash table: key + 1 or 0, and the count of the reference
queue     (n, 3) int64, a heap (`heap_kernels`): count, key, entry; highest count, then smallest key
entries   (n, 2) int64    where in ``lists`` the words of an entry start, and how many they are
lists     (n,) uint32     offsets of words in ``records``
dense     (tokens, 8) int64: what changed next to each neighbor (``FALLS`` and the next); zeros after a merge
touched   (tokens,) int64 neighbors whose row of ``dense`` is in use
events    (2, n) uint32   twice the neighbor (+ 1 on the right), and the word, of each rise
text      (n,) uint8      the strings of all tokens, end to end
bounds    (tokens + 1,) int64: where in ``text`` each token starts
by_text   (n,) int32, a hash table of tokens + 1 by their strings
prefix    (n,) uint8      the mark of a token that continues a word
state     (STATE,) int64, cells named below

A pair's key is ``left << 32 | right``. Counts are 64 bits wide, so neither they nor sums of them overflow.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from tokkit.runtime.heap_kernels import push, replace_first
from tokkit.runtime.kernels import helper, kernel, load8, prefetch
from tokkit.tokenizer.training.pair_kernels import FREE, index_of, mixed
from tokkit.tokenizer.training.symbol_kernels import HEADER

# Why `merge` stopped: all is merged, the budget is spent, the level has to fall, the string of the next
# token is a token already, or an array has to grow.
(FINISHED, PAUSED, LOWER, REUSES, MORE_EVENTS, MORE_LISTS, MORE_ENTRIES, MORE_PAIRS, MORE_TEXT) = range(9)

# The arrays of `merge`, as described above.
Arrays = namedtuple(
    "Arrays",
    "records spans pairs queue entries lists dense touched events merges text bounds by_text prefix state",
)

STATE = 20
# The current merge: its pair and token, its words and how many of them are visited, what they changed, and
# whether its token is new.
(ACTIVE, LEFT, RIGHT, TOKEN, START, WORDS, AT, EVENTS, TOUCHED, FRESH) = range(10)
# How far the arrays are used; the key of a merge whose reused token was checked, + 1.
(TOKENS, TEXT, MERGES, QUEUED, ENTRIES, LISTED, PAIRS, ALLOWED) = range(10, 18)

# Columns of ``dense``, each for the left side of the pair, and the next one for the right: by how much counts
# fall and rise, and how many rises that are; later, where the list of a pair that rose starts and ends, + 1,
# and its row in ``pairs``. A row is a cache line.
FALLS, RISES, TIMES, ROWS = 0, 2, 4, 6
STARTS, ENDS = RISES, TIMES
COLUMNS = 8

# Neighbors after the current one whose pairs are prefetched.
_NEXT = 6
# Words after the current one that are prefetched: their offsets are random, so each is a cache miss.
_AHEAD = 12

_U = np.uint64


@kernel
def enqueue(keys, counts, first_entry, pairs, queue, state):
    """Records pairs and queues their entries, which are numbered from ``first_entry`` on."""
    for i in range(keys.size):
        index = index_of(keys[i], pairs)
        pairs[index, 0] = keys[i] + 1
        pairs[index, 1] = counts[i]
        push(queue, state[QUEUED], counts[i], keys[i], first_entry + i)
        state[QUEUED] += 1
    state[PAIRS] += keys.size


@helper
def choose(arrays, size, lowest, level, exact):
    """Takes the next pair from the queue and sets up its merge; returns ``PAUSED``, or why there is none."""
    queue, entries, pairs, state = arrays.queue, arrays.entries, arrays.pairs, arrays.state
    merges, text, bounds, by_text = arrays.merges, arrays.text, arrays.bounds, arrays.by_text
    # checked before the queue, since with a full vocabulary an empty queue must not lower the level
    if state[TOKENS] >= size:
        return FINISHED
    while True:
        if state[QUEUED] == 0:
            # pairs below the level are not recorded yet: only at the lowest one an empty queue is the end
            return LOWER if level > lowest else FINISHED
        count, key, entry = queue[0, 0], queue[0, 1], queue[0, 2]
        now = pairs[index_of(key, pairs), 1]
        if now == count:
            break
        # out of date: the pair lost occurrences to other merges
        replace_first(queue, state[QUEUED], now, key, entry)
    # a pair that fell below the level may be rarer than one that was never recorded
    if count < max(level, lowest):
        return LOWER if level > lowest else FINISHED
    left, right = key >> 32, key & 0xFFFFFFFF
    # only stale counts were corrected so far, so the caller can grow the arrays and choose again
    length = bounds[left + 1] - bounds[left] + bounds[right + 1] - bounds[right]
    if state[MERGES] == merges.shape[0] or state[TEXT] + length > text.size:
        return MORE_TEXT
    token, end = joined(left, right, text, bounds, by_text, arrays.prefix, state)
    fresh = token == state[TOKENS]
    # of a token that exists, pairs may occur that are not recorded; the caller checks that, once per merge
    if not fresh and not exact and state[ALLOWED] != key + 1:
        state[TOKEN], state[ALLOWED] = token, key + 1
        return REUSES
    if fresh:
        add_text(end, text, bounds, by_text, state)
    state[QUEUED] -= 1
    last = state[QUEUED]
    replace_first(queue, last, queue[last, 0], queue[last, 1], queue[last, 2])
    merges[state[MERGES], 0], merges[state[MERGES], 1], merges[state[MERGES], 2] = left, right, token
    state[MERGES] += 1
    state[LEFT], state[RIGHT], state[TOKEN], state[FRESH] = left, right, token, fresh
    state[START], state[WORDS] = entries[entry, 0], entries[entry, 1]
    state[AT], state[EVENTS], state[TOUCHED], state[ACTIVE], state[ALLOWED] = 0, 0, 0, 1, 0
    return PAUSED


@helper
def visit(records, spans, longest, lists, dense, touched, events, state, budget):
    """Merges the current pair in its words; returns the rest of the budget, -1 where ``events`` is full."""
    token = np.uint32(state[TOKEN])
    # two cells are compared at once
    pair = _U(state[LEFT]) | _U(state[RIGHT]) << _U(32)
    start, number = state[START], state[WORDS]
    at, event, changed = state[AT], state[EVENTS], state[TOUCHED]
    room = events.shape[1]
    while at < number and budget > 0:
        # a list may name words that no longer hold the pair: it is as old as its queue entry
        word = np.int64(lists[start + at])
        if at + _AHEAD < number:
            ahead = np.int64(lists[start + at + _AHEAD])
            prefetch(records, ahead)
            prefetch(records, ahead + 15)
        length = np.int64(records[word])
        # each occurrence has at most two rises, so a word has fewer than 2 * length
        if event + 2 * length > room:
            budget = -1
            break
        at += 1
        budget -= 1
        cell = word + HEADER
        last = cell + length - 1
        while cell < last and load8(records, cell) != pair:
            cell += 1
        if cell >= last:  # another merge took the pair's symbols
            continue
        # counts are 64 bits: the reference's 32 bits wrap in silence (tokenizers issues 2058 and 437)
        weight = np.int64(load8(records, word + 1))
        # compact the word in place: ``cell`` reads, ``out`` writes and is never ahead
        out = cell
        while cell <= last:
            if cell < last and load8(records, cell) == pair:
                span = np.int64(spans[cell]) + np.int64(spans[cell + 1]) if spans.size else 0
                if out > word + HEADER:
                    # the symbol written, not the one read: in `aaaa` it is the token of the previous match
                    before = np.int64(records[out - 1])
                    if dense[before, FALLS] == 0 and dense[before, FALLS + 1] == 0:
                        touched[changed] = before
                        changed += 1
                    # a fall is counted for every length, a rise only up to ``longest``, as the reference does
                    dense[before, FALLS] += weight
                    if spans.size == 0 or np.int64(spans[out - 1]) + span <= longest:
                        dense[before, RISES] += weight
                        dense[before, TIMES] += 1
                        events[0, event], events[1, event] = 2 * before, word
                        event += 1
                if cell + 1 < last:
                    after = np.int64(records[cell + 2])
                    if dense[after, FALLS] == 0 and dense[after, FALLS + 1] == 0:
                        touched[changed] = after
                        changed += 1
                    dense[after, FALLS + 1] += weight
                    if spans.size == 0 or np.int64(spans[cell + 2]) + span <= longest:
                        dense[after, RISES + 1] += weight
                        dense[after, TIMES + 1] += 1
                        events[0, event], events[1, event] = 2 * after + 1, word
                        event += 1
                records[out] = token
                if spans.size:
                    spans[out] = span
                cell += 2
            else:
                records[out] = records[cell]
                if spans.size:
                    spans[out] = spans[cell]
                cell += 1
            out += 1
        records[word] = out - word - HEADER
        for freed in range(out, last + 1):
            # scans step over freed cells; moving the next word up would break the offsets in ``lists``
            records[freed] = FREE
    state[AT], state[EVENTS], state[TOUCHED] = at, event, changed
    return budget


@helper
def settle(pairs, queue, entries, lists, dense, touched, events, state, level, exact):
    """Ends the current merge: changes the counts, and queues the pairs that rose, with the words of it.

    Rises come before falls, since a pair that rises and falls in the same merge must be recorded to fall.
    """
    left, right, token, first_entry = state[LEFT], state[RIGHT], state[TOKEN], state[ENTRIES]
    changed = state[TOUCHED]
    for i in range(changed):
        if i + _NEXT < changed:
            ahead = touched[i + _NEXT]
            if dense[ahead, FALLS]:
                prefetch_row(ahead << 32 | token, pairs)
                prefetch_row(ahead << 32 | left, pairs)
            if dense[ahead, FALLS + 1]:
                prefetch_row(token << 32 | ahead, pairs)
                prefetch_row(right << 32 | ahead, pairs)
        near = touched[i]
        for side in range(2):
            rise = dense[near, RISES + side]
            if rise:
                key = near << 32 | token if side == 0 else token << 32 | near
                index = index_of(key, pairs)
                # a new pair (token, left) falls in the same merge where two occurrences are adjacent, as in
                # `abab`: what is left of it decides whether it is recorded
                lost = dense[token, FALLS] if side == 1 and near == left else 0
                if pairs[index, 0] == 0 and state[FRESH] and not exact and rise - lost < level:
                    dense[near, RISES + side] = 0
                    continue
                if pairs[index, 0] == 0:
                    pairs[index, 0] = key + 1
                    state[PAIRS] += 1
                pairs[index, 1] += rise
                dense[near, ROWS + side] = index
    for i in range(changed):
        near = touched[i]
        # the pair's own count is not set to 0: its entry is gone, and the reference keeps the count too
        lower(near << 32 | left, dense[near, FALLS], pairs, state, exact)
        lower(right << 32 | near, dense[near, FALLS + 1], pairs, state, exact)
        dense[near, FALLS], dense[near, FALLS + 1] = 0, 0
    for i in range(changed):
        near = touched[i]
        if near == token and dense[near, RISES] and dense[near, RISES + 1]:
            # (token, token) rose on both sides and is one pair with one list: that of the left side
            dense[near, TIMES] += dense[near, TIMES + 1]
            dense[near, RISES + 1] = 0
        for side in range(2):
            times, start = dense[near, TIMES + side], -1
            if dense[near, RISES + side]:
                count = pairs[dense[near, ROWS + side], 1]
                if count > 0:
                    key = near << 32 | token if side == 0 else token << 32 | near
                    push(queue, state[QUEUED], count, key, state[ENTRIES])
                    state[QUEUED] += 1
                    state[ENTRIES] += 1
                    start = state[LISTED]
                    state[LISTED] += times
            dense[near, STARTS + side], dense[near, ENDS + side] = start + 1, start + 1
    # only the words of this merge: an older entry of the same pair keeps a list of its own
    fill(token, lists, dense, events, state)
    entry = first_entry
    for i in range(changed):
        near = touched[i]
        for side in range(2):
            start = dense[near, STARTS + side]
            if start:
                entries[entry, 0], entries[entry, 1] = start - 1, dense[near, ENDS + side] - start
                entry += 1
            dense[near, STARTS + side], dense[near, ENDS + side] = 0, 0
    state[ACTIVE] = 0


@helper
def prefetch_row(key, table):
    """Loads the row where the search for a key begins."""
    prefetch(table, table.shape[1] * (mixed(key) & (table.shape[0] - 1)))


@helper
def lower(key, amount, pairs, state, exact):
    """Lowers the count of a recorded pair; one that was too long to be counted falls below zero."""
    if amount:
        index = index_of(key, pairs)
        if pairs[index, 0] == 0 and exact:
            pairs[index, 0] = key + 1
            state[PAIRS] += 1
        if pairs[index, 0]:
            pairs[index, 1] -= amount


@helper
def fill(token, lists, dense, events, state):
    """Writes the words of each new entry to its list; one with several events comes once."""
    both = dense[token, STARTS + 1] == 0
    for event in range(state[EVENTS]):
        near, side = events[0, event] >> 1, events[0, event] & 1
        if near == token and both:
            side = 0
        end = dense[near, ENDS + side]
        # the events of a word are adjacent, so comparing with the last word of the list is enough
        if end and (end == dense[near, STARTS + side] or lists[end - 2] != events[1, event]):
            lists[end - 1] = events[1, event]
            dense[near, ENDS + side] = end + 1


@kernel
def merge(arrays, longest, size, lowest, level, exact, budget):
    """Merges until about ``budget`` words are visited; returns why it stopped.

    longest  characters of the longest token, where ``spans`` are there
    size     tokens wanted           lowest   a pair must occur this often to be merged
    level    count from which pairs are recorded     exact   whether all pairs are
    """
    records, spans, events, lists = arrays.records, arrays.spans, arrays.events, arrays.lists
    pairs, queue, entries = arrays.pairs, arrays.queue, arrays.entries
    dense, touched, state = arrays.dense, arrays.touched, arrays.state
    # The word `abab`, three times, with the tokens a = 0 and b = 1:
    #
    #     records          4 | 3 0 | 0 1 0 1          length, count in two halves, symbols
    #     scan             (0, 1) 6, (1, 0) 3         both are recorded and queued, with the list of this word
    #     choose           (0, 1) -> token 2
    #     visit            2 0 1                      first pair: right of it, neighbor 0: one fall, one rise
    #                      2 2                        second one: left of it, neighbor 2: one fall, one rise
    #         records      2 | 3 0 | 2 2 FREE FREE
    #         dense[0]     right: falls 3, rises 3    (1, 0) falls to 0; (2, 0) would rise to 3
    #         dense[2]     left: falls 3, rises 3     (2, 0) falls by 3: it was counted and is gone in this
    #                                                 merge; (2, 2) rises to 3
    #     settle           (2, 2) 3 is recorded and queued; of (2, 0) nothing is left, so it is not
    #     choose           (2, 2) -> token 3, the string `abab`
    while budget > 0:
        if not state[ACTIVE]:
            reason = choose(arrays, size, lowest, level, exact)
            if reason != PAUSED:
                return reason
        budget = visit(records, spans, longest, lists, dense, touched, events, state, budget - 1)
        if budget < 0:
            return MORE_EVENTS
        if state[AT] == state[WORDS]:
            # `settle` is not interruptible, so all arrays that it may fill are checked before it starts: each
            # event adds at most one word to a list, each neighbor at most two entries and four pairs
            if state[LISTED] + state[EVENTS] > lists.size:
                return MORE_LISTS
            if state[ENTRIES] + 2 * state[TOUCHED] > min(queue.shape[0], entries.shape[0]):
                return MORE_ENTRIES
            if 2 * (state[PAIRS] + 4 * state[TOUCHED]) > pairs.shape[0]:
                return MORE_PAIRS
            settle(pairs, queue, entries, lists, dense, touched, events, state, level, exact)
    return PAUSED


@kernel
def repack(order, entries, lists, packed):
    """Moves the lists of entries to the start of ``packed``; returns the cells used.

    order  (n,) the entries to keep, by where their lists start: ``packed`` may then be ``lists`` itself, as
           no list is written over before it has moved
    """
    used = 0
    # entries that left the queue are never visited again, so their lists are left behind
    for i in range(order.size):
        start = entries[order[i], 0]
        entries[order[i], 0] = used
        for k in range(entries[order[i], 1]):
            packed[used] = lists[start + k]
            used += 1
    return used


@helper
def joined(left, right, text, bounds, by_text, prefix, state):
    """Writes the string of left + right behind all others, without the prefix of right.

    Returns the token that has the string already, or the next free one, and the end of the string.
    """
    end = state[TEXT]
    for i in range(bounds[left], bounds[left + 1]):
        text[end] = text[i]
        end += 1
    first = bounds[right]
    # one prefix only, as in the reference: with `##`, the token of `a` and `####b` is `a##b`
    if 0 < prefix.size <= bounds[right + 1] - first:
        same = 0
        while same < prefix.size and text[first + same] == prefix[same]:
            same += 1
        if same == prefix.size:
            first += same
    for i in range(first, bounds[right + 1]):
        text[end] = text[i]
        end += 1
    index = find_text(text, state[TEXT], end, bounds, by_text)
    return by_text[index] - 1 if by_text[index] else state[TOKENS], end


@helper
def find_text(text, start, end, bounds, by_text):
    """Index into ``by_text`` of the token of ``text[start:end]``, or of the empty cell where it belongs."""
    # strings are short and hashed twice per merge, so a hash of one byte at a step is fast enough
    mixed = _U(0xCBF29CE484222325)  # FNV-1a
    for i in range(start, end):
        mixed = (mixed ^ _U(text[i])) * _U(0x100000001B3)
    mask = by_text.size - 1
    index = np.int64(mixed ^ (mixed >> _U(29))) & mask
    while by_text[index]:
        first, last = bounds[by_text[index] - 1], bounds[by_text[index]]
        same = 0
        while same < end - start and last - first == end - start and text[first + same] == text[start + same]:
            same += 1
        if same == end - start:
            break
        index = (index + 1) & mask
    return index


@kernel
def add_text(end, text, bounds, by_text, state):
    """Makes a token of the string that was written behind all others."""
    by_text[find_text(text, state[TEXT], end, bounds, by_text)] = state[TOKENS] + 1
    state[TOKENS] += 1
    state[TEXT] = end
    bounds[state[TOKENS]] = end
