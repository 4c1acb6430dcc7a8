"""The merge loop of byte-pair encoding, as the reference trainer runs it, over arrays.

A merge visits the words that hold its pair. What the visits change is summed per neighbouring token in a
dense table, and the table of pairs is touched once for each distinct neighbour. Only pairs whose count
reaches ``level`` are recorded, with a queue entry and the list of their words: in natural text most pairs
are rare and never merged. When the queue runs dry, the words are scanned again for a lower level. A pair
that was not recorded cannot have been merged, so its count is the number of its occurrences.

records   (n,) uint32     words (`symbol_kernels.write_records`); a freed cell is ``FREE``
spans     (n,) uint16     characters of each symbol of ``records``; (0,) where no length is limited
pairs     (2, capacity) int64, a hash table: key + 1 or 0, and the count of the reference
queue     (n, 3) int64, a heap of four children: count, key, entry; highest count, then smallest key
entries   (n, 2) int64    where in ``lists`` the words of an entry start, and how many they are
lists     (n,) uint32     places of words in ``records``
dense     (tokens, 4) int64: falls and rises left of the pair, falls and rises right of it
events    (2, n) uint32   twice the neighbour (+ 1 on the right), and the word, of each rise
state     (STATE,) int64, cells named in `merge_state`

A pair's key is ``left << 32 | right``.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel, prefetch
from tokkit.tokenizer.training.heap_kernels import push, replace_first
from tokkit.tokenizer.training.merge_state import (
    ACTIVE,
    ALLOWED,
    AT,
    ENTRIES,
    EVENTS,
    FINISHED,
    FRESH,
    LEFT,
    LISTED,
    LOWER,
    MERGES,
    MORE_ENTRIES,
    MORE_EVENTS,
    MORE_LISTS,
    MORE_PAIRS,
    MORE_TEXT,
    PAIRS,
    PAUSED,
    QUEUED,
    REUSES,
    RIGHT,
    START,
    TEXT,
    TOKEN,
    TOKENS,
    TOUCHED,
    WORDS,
)
from tokkit.tokenizer.training.pair_kernels import FREE, place_of
from tokkit.tokenizer.training.string_kernels import add_text, joined
from tokkit.tokenizer.training.symbol_kernels import HEADER

_AHEAD = 12
"""Words ahead of the one at work that are asked for: their places are random, and memory is far."""


@kernel
def enqueue(keys, counts, first_entry, pairs, queue, state):
    """Records pairs and queues their entries, which are numbered from ``first_entry`` on."""
    for i in range(keys.size):
        place = place_of(keys[i], pairs[0])
        pairs[0, place] = keys[i] + 1
        pairs[1, place] = counts[i]
        push(queue, state[QUEUED], counts[i], keys[i], first_entry + i)
        state[QUEUED] += 1
    state[PAIRS] += keys.size


@kernel
def choose(queue, entries, pairs, merges, text, bounds, by_text, prefix, state, size, lowest, level, exact):
    """Takes the next pair of the queue and sets up its merge; gives why not, or ``PAUSED``."""
    if state[TOKENS] >= size:
        return FINISHED
    while True:
        if state[QUEUED] == 0:
            return LOWER if level > lowest else FINISHED
        count, key, entry = queue[0, 0], queue[0, 1], queue[0, 2]
        now = pairs[1, place_of(key, pairs[0])]
        if now == count:
            break
        replace_first(queue, state[QUEUED], now, key, entry)
    if count < max(level, lowest):
        return LOWER if level > lowest else FINISHED
    left, right = key >> 32, key & 0xFFFFFFFF
    length = bounds[left + 1] - bounds[left] + bounds[right + 1] - bounds[right]
    if state[MERGES] == merges.shape[0] or state[TEXT] + length > text.size:
        return MORE_TEXT
    token, end = joined(left, right, text, bounds, by_text, prefix, state)
    fresh = token == state[TOKENS]
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


@kernel
def visit(records, spans, longest, lists, dense, touched, events, state, budget):
    """Merges the pair at work in its words; gives what of the budget is left, -1 where events need room."""
    left, right, token = np.uint32(state[LEFT]), np.uint32(state[RIGHT]), np.uint32(state[TOKEN])
    start, number = state[START], state[WORDS]
    at, event, changed = state[AT], state[EVENTS], state[TOUCHED]
    room = events.shape[1]
    while at < number and budget > 0:
        word = np.int64(lists[start + at])
        if at + _AHEAD < number:
            ahead = np.int64(lists[start + at + _AHEAD])
            prefetch(records, ahead)
            prefetch(records, ahead + 15)
        length = np.int64(records[word])
        if event + 2 * length > room:
            budget = -1
            break
        at += 1
        budget -= 1
        cell = word + HEADER
        end = cell + length
        while cell + 1 < end and not (records[cell] == left and records[cell + 1] == right):
            cell += 1
        if cell + 1 >= end:
            continue
        weight = np.int64(records[word + 1]) | np.int64(records[word + 2]) << 32
        out = cell
        while cell < end:
            if cell + 1 < end and records[cell] == left and records[cell + 1] == right:
                span = np.int64(spans[cell]) + np.int64(spans[cell + 1]) if spans.size else 0
                if out > word + HEADER:
                    before = np.int64(records[out - 1])
                    if dense[before, 0] == 0 and dense[before, 2] == 0:
                        touched[changed] = before
                        changed += 1
                    dense[before, 0] += weight
                    if spans.size == 0 or np.int64(spans[out - 1]) + span <= longest:
                        dense[before, 1] += weight
                        events[0, event], events[1, event] = 2 * before, word
                        event += 1
                if cell + 2 < end:
                    after = np.int64(records[cell + 2])
                    if dense[after, 0] == 0 and dense[after, 2] == 0:
                        touched[changed] = after
                        changed += 1
                    dense[after, 2] += weight
                    if spans.size == 0 or np.int64(spans[cell + 2]) + span <= longest:
                        dense[after, 3] += weight
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
        for freed in range(out, end):
            records[freed] = FREE
    state[AT], state[EVENTS], state[TOUCHED] = at, event, changed
    return budget


@kernel
def settle(pairs, queue, entries, lists, dense, touched, events, state, level, exact):
    """Ends the merge at work: counts fall and rise, and what rose is queued with the words of this merge."""
    left, right, token, first_entry = state[LEFT], state[RIGHT], state[TOKEN], state[ENTRIES]
    for i in range(state[TOUCHED]):
        near = touched[i]
        for side in range(2):
            rise = dense[near, 2 * side + 1]
            if rise:
                key = near << 32 | token if side == 0 else token << 32 | near
                place = place_of(key, pairs[0])
                # of a new pair that falls in the same merge (`abab`), what is left decides
                lost = dense[token, 0] if side == 1 and near == left else 0
                if pairs[0, place] == 0 and state[FRESH] and not exact and rise - lost < level:
                    dense[near, 2 * side + 1] = 0
                    continue
                if pairs[0, place] == 0:
                    pairs[0, place] = key + 1
                    state[PAIRS] += 1
                pairs[1, place] += rise
    for i in range(state[TOUCHED]):
        near = touched[i]
        lower(near << 32 | left, dense[near, 0], pairs, state, exact)
        lower(right << 32 | near, dense[near, 2], pairs, state, exact)
        dense[near, 0], dense[near, 2] = 0, 0
    for i in range(state[TOUCHED]):
        near = touched[i]
        for side in range(2):
            if dense[near, 2 * side + 1]:
                key = near << 32 | token if side == 0 else token << 32 | near
                count = pairs[1, place_of(key, pairs[0])]
                entry = 0
                if side == 1 and near == token and dense[near, 1]:
                    entry = dense[near, 1]  # one pair, (token, token), that rose on both sides
                elif count > 0:
                    push(queue, state[QUEUED], count, key, state[ENTRIES])
                    state[QUEUED] += 1
                    state[ENTRIES] += 1
                    entry = state[ENTRIES]
                dense[near, 2 * side + 1] = entry
    fill(first_entry, entries, lists, dense, events, state)
    for i in range(state[TOUCHED]):
        dense[touched[i], 1], dense[touched[i], 3] = 0, 0
    state[ACTIVE] = 0


@kernel
def lower(key, amount, pairs, state, exact):
    """The count of a pair falls, if it is recorded; one that was too long to be counted falls below zero."""
    if amount:
        place = place_of(key, pairs[0])
        if pairs[0, place] == 0 and exact:
            pairs[0, place] = key + 1
            state[PAIRS] += 1
        if pairs[0, place]:
            pairs[1, place] -= amount


@kernel
def fill(first_entry, entries, lists, dense, events, state):
    """Gives each new entry, which ``dense`` numbers from 1, the words of its events."""
    for event in range(state[EVENTS]):
        entry = dense[events[0, event] >> 1, 1 + 2 * (events[0, event] & 1)] - 1
        if entry >= 0:
            entries[entry, 1] += 1
    for entry in range(first_entry, state[ENTRIES]):
        entries[entry, 0] = state[LISTED]
        state[LISTED] += entries[entry, 1]
        entries[entry, 1] = 0
    for event in range(state[EVENTS]):
        entry = dense[events[0, event] >> 1, 1 + 2 * (events[0, event] & 1)] - 1
        if entry >= 0:
            end = entries[entry, 0] + entries[entry, 1]
            if entries[entry, 1] == 0 or lists[end - 1] != events[1, event]:
                lists[end] = events[1, event]
                entries[entry, 1] += 1


@kernel
def merge(
    records,
    spans,
    longest,
    pairs,
    queue,
    entries,
    lists,
    dense,
    touched,
    events,
    merges,
    text,
    bounds,
    by_text,
    prefix,
    state,
    size,
    lowest,
    level,
    exact,
    budget,
):
    """Merges until about ``budget`` words are visited; gives why it stopped.

    size     tokens wanted           lowest   a pair must stand this often to be merged
    level    count from which pairs are recorded     exact   whether all pairs are
    """
    while budget > 0:
        if not state[ACTIVE]:
            reason = choose(
                queue,
                entries,
                pairs,
                merges,
                text,
                bounds,
                by_text,
                prefix,
                state,
                size,
                lowest,
                level,
                exact,
            )
            if reason != PAUSED:
                return reason
        budget = visit(records, spans, longest, lists, dense, touched, events, state, budget - 1)
        if budget < 0:
            return MORE_EVENTS
        if state[AT] == state[WORDS]:
            if state[LISTED] + state[EVENTS] > lists.size:
                return MORE_LISTS
            if state[ENTRIES] + 2 * state[TOUCHED] > min(queue.shape[0], entries.shape[0]):
                return MORE_ENTRIES
            if 2 * (state[PAIRS] + 4 * state[TOUCHED]) > pairs.shape[1]:
                return MORE_PAIRS
            settle(pairs, queue, entries, lists, dense, touched, events, state, level, exact)
    return PAUSED


@kernel
def repack(queue, queued, entries, lists, packed):
    """Copies the lists of queued entries to the start of ``packed``; gives the cells used."""
    used = 0
    for i in range(queued):
        entry = queue[i, 2]
        start = entries[entry, 0]
        entries[entry, 0] = used
        for k in range(entries[entry, 1]):
            packed[used] = lists[start + k]
            used += 1
    return used
