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
state     (STATE,) int64, see below

A pair's key is ``left << 32 | right``.
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.kernels import kernel, prefetch
from tokkit.tokenizer.training.symbol_kernels import HEADER

(FINISHED, PAUSED, LOWER, REUSES, MORE_EVENTS, MORE_LISTS, MORE_ENTRIES, MORE_PAIRS, MORE_TEXT) = range(9)
"""Why `merge` stopped: all is merged, the budget is spent, the level must fall, the next token's string is
there already, or an array must grow."""

STATE = 20
(ACTIVE, LEFT, RIGHT, TOKEN, START, WORDS, AT, EVENTS, TOUCHED, FRESH) = range(10)
"""The merge at work: its pair and token, its words and how far they are visited, what was seen in them."""
(TOKENS, TEXT, MERGES, QUEUED, ENTRIES, LISTED, PAIRS, ALLOWED) = range(10, 18)
"""How far the arrays are used; the key of a merge whose reused token was looked into, + 1."""

FREE = np.uint32(0xFFFFFFFF)
_U = np.uint64
_GOLDEN = _U(0x9E3779B97F4A7C15)
_AHEAD = 12
"""Words ahead of the one at work that are asked for: their places are random, and memory is far."""


@kernel
def place_of(key, keys):
    """Where the key stands in a hash table of keys + 1, or the empty place where it belongs."""
    mixed = _U(key) * _GOLDEN
    mask = keys.size - 1
    place = np.int64(mixed ^ (mixed >> _U(32))) & mask
    while keys[place] != 0 and keys[place] != key + 1:
        place = (place + 1) & mask
    return place


@kernel
def rehash(old, new):
    """Moves all columns of a hash table into a larger one."""
    for place in range(old.shape[1]):
        if old[0, place]:
            moved = place_of(old[0, place] - 1, new[0])
            for row in range(old.shape[0]):
                new[row, moved] = old[row, place]


@kernel
def allowed(records, spans, cell, longest):
    """Whether the pair at a cell may become a token: two characters always, else up to ``longest``."""
    if spans.size == 0:
        return True
    length = np.int64(spans[cell]) + np.int64(spans[cell + 1])
    return length == 2 or length <= longest


@kernel
def scan(records, spans, longest, at, budget, pairs, found, used):
    """Counts pairs that are not recorded, in ``budget`` cells from ``at`` on.

    found  (3, capacity) int64, a hash table: key + 1, count, occurrences
    Gives the cell to go on with and the number of pairs found; stops early where the table may get too full.
    """
    stop = min(records.size, at + budget)
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        if 2 * (used + length) > found.shape[1]:
            break
        weight = np.int64(records[at + 1]) | np.int64(records[at + 2]) << 32
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            place = place_of(key, found[0])
            if found[0, place] == 0:
                if pairs[0, place_of(key, pairs[0])] or not allowed(records, spans, cell, longest):
                    continue
                found[0, place] = key + 1
                used += 1
            found[1, place] += weight
            found[2, place] += 1
        at += HEADER + length
    return at, used


@kernel
def enlist(records, spans, longest, at, budget, found, chosen, entries, lists):
    """Adds each word to the lists of its chosen pairs; gives the cell to go on with.

    chosen  (capacity,) int64: the entry of each pair found + 1, 0 for one that is not wanted
    """
    stop = min(records.size, at + budget)
    while at < stop:
        if records[at] == FREE:
            at += 1
            continue
        length = np.int64(records[at])
        for cell in range(at + HEADER, at + HEADER + length - 1):
            key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
            place = place_of(key, found[0])
            entry = chosen[place] - 1
            if entry >= 0 and found[0, place] and allowed(records, spans, cell, longest):
                end = entries[entry, 0] + entries[entry, 1]
                if entries[entry, 1] == 0 or lists[end - 1] != at:
                    lists[end] = np.uint32(at)
                    entries[entry, 1] += 1
        at += HEADER + length
    return at


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
def push(queue, size, count, key, entry):
    """Adds to a queue of ``size``."""
    hole = size
    while hole:
        parent = (hole - 1) >> 2
        if not goes_first(count, key, entry, queue[parent, 0], queue[parent, 1], queue[parent, 2]):
            break
        move(queue, parent, hole)
        hole = parent
    queue[hole, 0], queue[hole, 1], queue[hole, 2] = count, key, entry


@kernel
def replace_first(queue, size, count, key, entry):
    """Puts another in place of the first of a queue of ``size``."""
    hole = 0
    while True:
        best = 4 * hole + 1
        if best >= size:
            break
        for child in range(best + 1, min(best + 4, size)):
            if goes_first(
                *(queue[child, 0], queue[child, 1], queue[child, 2]),
                *(queue[best, 0], queue[best, 1], queue[best, 2]),
            ):
                best = child
        if not goes_first(queue[best, 0], queue[best, 1], queue[best, 2], count, key, entry):
            break
        move(queue, best, hole)
        hole = best
    queue[hole, 0], queue[hole, 1], queue[hole, 2] = count, key, entry


@kernel
def goes_first(count, key, entry, other_count, other_key, other_entry):
    """Highest count first; equal counts by the smaller pair; of one pair the older entry."""
    if count != other_count:
        return count > other_count
    return key < other_key or (key == other_key and entry < other_entry)


@kernel
def move(queue, source, target):
    """Copies one item of the queue."""
    for column in range(3):
        queue[target, column] = queue[source, column]


@kernel
def joined(left, right, text, bounds, by_text, prefix, state):
    """Writes the string of left + right behind all others (without right's prefix); the token that has it.

    text, bounds  bytes of all tokens, and where each starts; ``bounds[tokens]`` is the end
    by_text       (n,) int32, hash table of tokens + 1
    Gives the token that has the string, or the next one, and the string's end.
    """
    end = state[TEXT]
    for i in range(bounds[left], bounds[left + 1]):
        text[end] = text[i]
        end += 1
    first = bounds[right]
    if 0 < prefix.size <= bounds[right + 1] - first:
        same = 0
        while same < prefix.size and text[first + same] == prefix[same]:
            same += 1
        if same == prefix.size:
            first += same
    for i in range(first, bounds[right + 1]):
        text[end] = text[i]
        end += 1
    place = find_text(text, state[TEXT], end, bounds, by_text)
    return by_text[place] - 1 if by_text[place] else state[TOKENS], end


@kernel
def find_text(text, start, end, bounds, by_text):
    """Where the token of ``text[start:end]`` stands in ``by_text``, or the empty place where it belongs."""
    mixed = _U(0xCBF29CE484222325)
    for i in range(start, end):
        mixed = (mixed ^ _U(text[i])) * _U(0x100000001B3)
    mask = by_text.size - 1
    place = np.int64(mixed ^ (mixed >> _U(29))) & mask
    while by_text[place]:
        first, last = bounds[by_text[place] - 1], bounds[by_text[place]]
        same = 0
        while same < end - start and last - first == end - start and text[first + same] == text[start + same]:
            same += 1
        if same == end - start:
            break
        place = (place + 1) & mask
    return place


@kernel
def add_text(end, text, bounds, by_text, state):
    """Makes a token of the string that stands behind all others."""
    by_text[find_text(text, state[TEXT], end, bounds, by_text)] = state[TOKENS] + 1
    state[TOKENS] += 1
    state[TEXT] = end
    bounds[state[TOKENS]] = end


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


@kernel
def holds_unrecorded(records, spans, longest, token, pairs):
    """Whether a pair with that token, which may be merged, stands in the words and is not recorded."""
    at = 0
    while at < records.size:
        if records[at] == FREE:
            at += 1
            continue
        end = at + HEADER + np.int64(records[at])
        for cell in range(at + HEADER, end - 1):
            if records[cell] == token or records[cell + 1] == token:
                key = np.int64(records[cell]) << 32 | np.int64(records[cell + 1])
                if pairs[0, place_of(key, pairs[0])] == 0 and allowed(records, spans, cell, longest):
                    return True
        at = end
    return False
