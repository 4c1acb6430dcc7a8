"""Seeded mutations of files: of bytes, lines, values of JSON, headers of safetensors.

mutate(b'{"rows": 3}', of_json, random.Random(7))       b'{"rows": -1}'
"""

from __future__ import annotations

import copy
import json
import random
import struct
from collections.abc import Callable
from typing import Any

Mutator = Callable[[bytes, random.Random], bytes]

_NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]
_WORDS = [
    *(b'"', b"'", b",", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\x1a", b"\xff", b"\xc3", b"\xef\xbb\xbf"),
    *("\u2028".encode(), "\u202e".encode(), "e\u0301".encode(), "👩‍👩‍👧".encode(), "한".encode()),
    *(b"\xed\xa0\x80", b"[", b"]", b"{", b"}", b"[" * 300, b"{" * 50, b"0" * 5_000, b"NaN", b"null", b"-1"),
    *(
        b"1e309",
        b"<!--",
        b"&#" + b"9" * 5_000 + b";",
        b"__label__",
        b"-DOCSTART-",
        b"sep=;\n",
        b" ",
        b"\x1b[31m",
    ),
]
_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e308, 5e-324, 10**30, -(2**63), float("nan"), float("inf")),
    *(
        "",
        "x",
        "\0",
        "한글",
        "\ud800",
        "x" * 20_000,
        "9" * 5_000,
        "../../x",
        "/",
        "nan",
        "-1",
        "[UNK]",
        "$A",
        "(a+)+b",
    ),
    *([], {}, [[]], [None], [1, "a"], {"a": {"b": []}}, {"": ""}, ["a", "a"], [0] * 1_000),
]
_DEEP: Any = []
for _ in range(150):
    _DEEP = [_DEEP]


def of_bytes(data: bytes, rng: random.Random) -> bytes:
    """One to four changes of bytes; twice as often in the last 400, where footers are."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        data = _change_bytes(data, rng)
    return data


def _change_bytes(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return rng.choice(_WORDS)
    at = rng.randrange(max(0, len(data) - 400), len(data)) if rng.random() < 0.5 else rng.randrange(len(data))
    length = min(rng.choice([1, 2, 4, 8, 40, 400]), len(data) - at)
    number = rng.choice(_NUMBERS).to_bytes(8, rng.choice(["little", "big"]))[: rng.choice([1, 2, 4, 8])]
    return {
        "flip": data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :],
        "byte": data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :],
        "number": data[:at] + number + data[at + len(number) :],
        "insert": data[:at] + rng.choice(_WORDS) + data[at:],
        "remove": data[:at] + data[at + length :],
        "repeat": data[:at] + data[at : at + length] * 2 + data[at + length :],
        "zero": data[:at] + bytes(length) + data[at + length :],
        "cut": data[:at],
        "double": data + data,
    }[
        rng.choices(
            ["flip", "byte", "number", "insert", "remove", "repeat", "zero", "cut", "double"],
            [8, 8, 8, 8, 4, 4, 4, 3, 1],
        )[0]
    ]


def of_lines(data: bytes, rng: random.Random) -> bytes:
    """One to three changes of lines, or of a word in one."""
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(len(lines))
        line = lines[at]
        column = rng.randrange(len(line) + 1)
        match rng.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, line)
            case 2:
                lines.insert(at, rng.choice(_WORDS))
            case 3 | 4:
                lines[at] = line[:column] + rng.choice(_WORDS) + line[column:]
            case 5:
                lines[at] = line[:column]
            case 6:
                lines.insert(at, lines.pop(rng.randrange(len(lines))))
        lines = lines or [b""]
    return b"\n".join(lines)


def of_json(data: bytes, rng: random.Random) -> bytes:
    """One to three values of an object replaced, removed, repeated or moved."""
    try:
        content = [json.loads(data)]
    except ValueError:
        return of_bytes(data, rng)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        _change_value(content, rng)
    # lone surrogates are escaped, NaN and Infinity written as Python and pandas do
    return json.dumps(content[0]).encode()


def _change_value(content: list[Any], rng: random.Random) -> None:
    """Walk down at random, and change a value on the way."""
    holder, key = content, 0
    while isinstance(holder[key], dict | list) and holder[key] and rng.random() < 0.8:
        holder = holder[key]
        key = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    value = holder[key]
    match rng.randrange(10):
        case 0 if holder is not content:
            del holder[key]
        case 1 if isinstance(holder, list):
            holder.insert(key, value)
        case 2 if isinstance(holder, dict):
            holder[rng.choice(["", "x", "한", "type", "\0"])] = holder.pop(key)
        case 3 if isinstance(value, int | float):
            holder[key] = rng.choice([-value, value + 1, value * 1_000_003, str(value), [value]])
        case 4 if isinstance(value, str):
            holder[key] = rng.choice([value * 2, value[:-1], value.upper(), [value], {value: 1}])
        case 5:
            holder[key] = [value]
        case 6 if rng.random() < 0.2:
            holder[key] = copy.deepcopy(_DEEP)
        case _:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))


def of_json_lines(data: bytes, rng: random.Random) -> bytes:
    """The JSON of one or two lines changed."""
    lines = data.splitlines()
    for _ in range(rng.choice([1, 2])):
        at = rng.randrange(len(lines))
        lines[at] = of_json(lines[at], rng)
    return b"\n".join(lines) + b"\n"


def of_safetensors(data: bytes, rng: random.Random) -> bytes:
    """The header changed, as JSON with its length put right, or its bytes."""
    length = struct.unpack("<Q", data[:8])[0]
    head, rest = data[8 : 8 + length], data[8 + length :]
    if rng.random() < 0.7:
        head = of_json(head, rng)
        return struct.pack("<Q", len(head)) + head + rest
    return of_bytes(data[: 8 + length], rng) + rest


def mutate(data: bytes, mutators: tuple[Mutator, ...], rng: random.Random) -> bytes:
    """The data changed by one of the mutators; by another try where that left it as it is."""
    for _ in range(10):
        if (changed := rng.choice(mutators)(data, rng)) != data:
            return changed
    return data + b"\0"
