"""How a block is written: ``NAME`` or ``NAME:KEY=VALUE,...``, in one line of a shell or of `tokkit.toml`.

    split:pattern=\\d{1,3},behavior=isolated   ->   {"pattern": "\\\\d{1,3}", "behavior": "isolated"}

A comma ends a value only where another ``KEY=`` follows; a value in quotes is a JSON string and may hold that
too. A value is true, false, null or a number where it is written as one, else text as it stands.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KEY = re.compile(r"\s*([A-Za-z_][\w-]*)\s*=")
_NEXT = re.compile(r",(?=\s*[A-Za-z_][\w-]*\s*=)")
_JSON = json.JSONDecoder()


def parameters(text: str) -> dict[str, Any]:
    """The parameters of a block; `ValueError` for what is none, and for one that is given twice."""
    found: dict[str, Any] = {}
    position = 0
    while position < len(text):
        key = _KEY.match(text, position)
        if key is None:
            raise ValueError(f'parameters are written KEY=VALUE, not "{text[position:]}"')
        if key[1] in found:
            raise ValueError(f"{key[1]} is given twice")
        found[key[1]], end = _value(text, key.end())
        position = end + 1
    return found


def _value(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at ``start``, and where it ends."""
    if text.startswith('"', start):
        try:
            value, end = _JSON.raw_decode(text, start)
        except ValueError:
            pass
        else:
            if end == len(text) or _NEXT.match(text, end):
                return value, end
    following = _NEXT.search(text, start)
    end = following.start() if following else len(text)
    return _plain(text[start:end]), end


def _plain(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    written_so = (value is None or isinstance(value, int | float)) and json.dumps(value) == text
    return value if written_so else text


def as_text(value: Any) -> str:
    """A parameter that is text in any case: ``pattern=1`` means the character 1."""
    return value if isinstance(value, str) else json.dumps(value)
