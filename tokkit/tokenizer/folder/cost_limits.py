"""Refuse a tokenizer whose time or memory for a text has no sensible bound.

A `tokenizer.json` is data of a stranger, and the library stops neither:

    Replace "a" by "aa", thirty times   ->   a gigabyte for one letter
    Split at \\s+$                       ->   two seconds for 20,000 spaces, a minute for 100,000

Steps that change the length are applied one by one to the characters that the file itself names. Regular
expressions are timed on runs of characters, short ones first, so that no probe takes long itself. Common
tokenizers have neither and are not probed; a text may exist that no probe is like.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress
from tokkit.runtime.panics import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_HINT = "use a tokenizer of a source that you trust, or train one"

# Characters that a step may make of each character of a probe, and of all of it before a step is applied.
_MOST_GROWTH, _MOST_CHARACTERS = 1_000, 100_000_000
_MOST_BYTE_LEVELS = 4

# Characters of a run, and seconds of a processor for it; a sound tokenizer takes a few milliseconds.
_RUNS = (16, 20, 24, 28, 32, 64, 128, 256, 512, 1024, 2048, 4096)
_MOST_SECONDS = 0.5
# Seconds for the longest run that mean they grow with its square; a sound tokenizer takes one millisecond.
_SLOW, _LINE = 0.02, 20_000
_RUN_CHARACTERS = " a1!\n가"
_LONG_WORD = 1_000


def check_cost(backend: Tokenizer, name: str | Path, progress: Progress = SILENT) -> None:
    """Raise `InputError` for a tokenizer that lets a text grow without bound, or takes long for one.

    One that takes seconds for a long run of a character, as public ones do, is said.
    """
    kinds = ("normalizer", "pre_tokenizer", "decoder")
    states = {kind: _state(getattr(backend, kind)) for kind in kinds}
    text = "".join(states.values())
    if (blocks := text.count('"ByteLevel"')) > _MOST_BYTE_LEVELS:
        raise InputError(f"{name}: has {blocks} byte-level blocks, each of which doubles a text", hint=_HINT)
    for kind in ("normalizer", "decoder"):
        if '"Replace"' in states[kind] or states[kind].count('"Precompiled"') > 1:
            _check_growth(states[kind], kind, name)
    longest = getattr(backend.model, "max_input_chars_per_word", None) or 0
    if '"Regex"' in text or longest > _LONG_WORD:
        _check_time(backend, text, name, progress)


def _state(block: Any) -> str:
    """A block as `tokenizer.json` has it, empty without one."""
    return "" if block is None else block.__getstate__().decode()


def _check_growth(state: str, kind: str, name: str | Path) -> None:
    steps = list(_steps(json.loads(state)))
    # what the steps look for and put there: of any other text they make nothing
    named = ((*step.get("pattern", {}).values(), step.get("content", "")) for step in steps)
    text = "".join(str(part) for parts in named for part in parts)
    text = before = text[:2_000] or "a"
    for step in steps:
        growth = len(step.get("content", "")) + 1
        if growth * len(text) <= _MOST_CHARACTERS:
            with guarded(f"{name}: its {kind} fails"):
                text = _normalizer(step).normalize_str(text)
        if growth * len(text) > _MOST_CHARACTERS or len(text) > _MOST_GROWTH * len(before):
            raise InputError(
                f"{name}: its {kind} makes over {_MOST_GROWTH:,} characters of one: a text fills the memory",
                hint=_HINT,
            )


def _steps(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Steps that may make a text longer, in order, at any depth."""
    for inner in block.get("normalizers") or block.get("decoders") or ():
        yield from _steps(inner)
    if block["type"] in ("Replace", "Precompiled"):
        yield block


def _normalizer(step: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer, models

    # only a whole tokenizer can be parsed; decoders of this type have the same fields
    content = json.loads(Tokenizer(models.WordLevel()).to_str()) | {"normalizer": step}
    return Tokenizer.from_str(json.dumps(content)).normalizer


def _check_time(backend: Tokenizer, state: str, name: str | Path, progress: Progress) -> None:
    # characters of the patterns too: a run of what a pattern repeats is its worst case
    patterns = "".join(re.findall(r'"Regex":"((?:[^"\\]|\\.)*)"', state.replace('": "', '":"')))
    characters = dict.fromkeys(_RUN_CHARACTERS + "".join(filter(str.isalnum, patterns))[:20])
    for length in _RUNS:
        for character in characters:
            start = time.thread_time()
            try:
                with guarded(f"{name}: fails on {length} times {character!r}"):
                    backend.encode(character * length + "x", add_special_tokens=False)
            except InputError as error:
                # a missing unknown token is another matter, and is said where it matters
                if "retry-limit" not in error.message:
                    continue
                message = f"{name}: a regular expression in it never ends on some texts"
                raise InputError(message, hint=_HINT) from error
            if (seconds := time.thread_time() - start) > _MOST_SECONDS:
                raise InputError(
                    f"{name}: takes {seconds:.1f} s for {character!r} repeated {length:,} times: its "
                    "regular expressions, or the length of its words, have no sensible bound",
                    hint=_HINT,
                )
            if length == _RUNS[-1] and seconds > _SLOW:
                progress.say(
                    f"{name}: {character!r} repeated {_LINE:,} times in a line takes it about "
                    f"{seconds * (_LINE / length) ** 2:.1f} s, twice as many four times as long: a regular "
                    "expression in it is slow on long runs"
                )
