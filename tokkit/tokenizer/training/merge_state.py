"""The cells of the state of a merge loop (`merge_kernels`), and why it stopped."""

from __future__ import annotations

(FINISHED, PAUSED, LOWER, REUSES, MORE_EVENTS, MORE_LISTS, MORE_ENTRIES, MORE_PAIRS, MORE_TEXT) = range(9)
"""Why `merge` stopped: all is merged, the budget is spent, the level must fall, the next token's string is
there already, or an array must grow."""

STATE = 20
(ACTIVE, LEFT, RIGHT, TOKEN, START, WORDS, AT, EVENTS, TOUCHED, FRESH) = range(10)
"""The merge at work: its pair and token, its words and how far they are visited, what was seen in them."""
(TOKENS, TEXT, MERGES, QUEUED, ENTRIES, LISTED, PAIRS, ALLOWED) = range(10, 18)
"""How far the arrays are used; the key of a merge whose reused token was looked into, + 1."""
