"""Messages and hints in the terms of Python: arguments instead of flags, calls instead of commands.

dataset.parquet: no column "lable"; it has: text, mood     dataset: no column "lable"; it has: text, mood
name one of them:                                          name one of them:
--label-column mood                                        tokkit.stats(frame, label_column="mood")
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from tokkit.options import described_fields
from tokkit.python.in_memory import as_path
from tokkit.python.signatures import groups_of
from tokkit.sources.paths import displayed, displayed_hint

Parameters = Mapping[str, inspect.Parameter]

# A flag, and the word after it, which is a value where the sentence stops there: "leave --sep out" has none.
_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-o)(?![\w-])(?: ('[^']*'|[^\s;,)]*[^\s:;,)]))?(?=(.?))")
# Flags whose parameter has another name.
_RENAMED = {"-o": "out", "--from": "like"}
_LONGEST = 60  # characters of a value that a call repeats


class Call:
    """A call of a public function: what its arguments are called where it failed.

    given      parameter -> argument
    scopes     variables of the caller, by which a hint names arguments
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: Parameters,
        given: Mapping[str, Any],
        scopes: Sequence[Mapping[str, Any]],
    ) -> None:
        self._function, self._parameters, self._given, self._scopes = function, parameters, given, scopes
        # Temporary file -> what it holds, as a message names it and as it is written in a call.
        self._in_memory: dict[str, tuple[str, str]] = {}

    def path_of(self, name: str, value: Any) -> Any:
        """`as_path` of an argument, remembered."""
        path = as_path(name, value)
        if path is not value:
            written = self._written(name)
            self._in_memory[str(path)] = name, written
            for file in path.iterdir() if path.is_dir() else ():
                key = f"[{json.dumps(file.stem, ensure_ascii=False)}]"
                self._in_memory[str(file)] = name + key, written + key
        return path

    def message(self, text: str) -> str:
        """A message, or the prose of a hint, that names arguments."""
        for path, (name, _) in reversed(self._in_memory.items()):
            text = text.replace(path, name)
            text = text.replace(Path(path).name, name) if "." in Path(path).name else text
        return displayed(_FLAG.sub(self._argument, text))

    def hint(self, text: str) -> str:
        """A hint whose commands are calls; those that Python has no function for stay as they are."""
        return "\n".join(displayed_hint(self._line(line)) for line in text.split("\n"))

    def result(self, value: Any) -> Any:
        """A result that names data in memory by their argument, and fixes findings by calls."""
        if not self._in_memory:
            return value
        if isinstance(value, str):
            for path, (name, _) in reversed(self._in_memory.items()):
                value = value.replace(path, name)
            return value
        if isinstance(value, Path) and str(value) in self._in_memory:
            return Path(self._in_memory[str(value)][0])
        if isinstance(value, Mapping):
            return {key: self.result(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self.result, value))
        if is_dataclass(value) and not isinstance(value, type):
            for item in fields(value):
                rename = self.hint if item.name == "fix" else self.result
                object.__setattr__(value, item.name, rename(getattr(value, item.name)))
        return value

    def _argument(self, match: re.Match[str]) -> str:
        flag, following, after = match.groups()
        name = _RENAMED.get(flag, flag[2:].replace("-", "_"))
        if name not in self._parameters:
            return match[0]
        if following is None:
            return name
        [value] = shlex.split(following)
        choices = [
            choice
            for group in groups_of(self._function)
            for option, described in described_fields(group)
            if option == name
            for choice in described.choices
        ]
        literal = self._literal(self._parameters[name], [value])
        ends = after in (*":;,)\n", "") and value != "out"
        is_value = ends or value in choices or literal == value or value == str(self._given.get(name))
        return f"{name}={literal}" if is_value else f"{name} {following}"

    def _line(self, line: str) -> str:
        own = {name: self._written(name) for name in self._given}
        if line.startswith("-"):
            return self._call(self._function.__name__, self._parameters, own, shlex.split(line)) or line
        program, *words = shlex.split(line) if line.startswith("tokkit ") else [""]
        if not program:
            return self.message(line)
        name, *words = words
        function = getattr(importlib.import_module("tokkit"), name.replace("-", "_"))
        earlier = own if "..." in words else {}
        words = [word for word in words if word != "..."]
        return self._call(function.__name__, inspect.signature(function).parameters, earlier, words) or line

    def _call(
        self, name: str, parameters: Parameters, earlier: Mapping[str, str], words: Sequence[str]
    ) -> str | None:
        """The call of a function with the words of a command line; None where it lacks one of the flags."""
        values: dict[str, list[str]] = {}
        rest = iter(words)
        free = [item for item in parameters if item not in (*earlier, "out", "options")]
        for word in rest:
            flag, equals, value = word.partition("=")
            if not word.startswith("-"):
                argument, value = free.pop(0), word
            else:
                argument = _RENAMED.get(flag, flag[2:].replace("-", "_"))
                if argument not in parameters:
                    return None
                if "bool" in str(parameters[argument].annotation):
                    value = "True"
                elif not equals:
                    value = next(rest)
            values.setdefault(argument, []).append(value)
        excluded = {
            other
            for group in groups_of(self._function)
            for option, described in described_fields(group)
            if option in values
            for other in described.replaces
        }
        earlier = {key: value for key, value in earlier.items() if key not in excluded}
        written = {**earlier, **{key: self._literal(parameters[key], item) for key, item in values.items()}}
        arguments, positional = [], True
        for key, parameter in parameters.items():
            positional &= key in written and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            if key in written:
                arguments.append(written[key] if positional else f"{key}={written[key]}")
        return f"tokkit.{name}({', '.join(arguments)})"

    def _literal(self, parameter: inspect.Parameter, texts: Sequence[str]) -> str:
        """The value of flags, as Python writes it."""
        kind = str(parameter.annotation)
        if "tuple" in kind and len(texts) == 1:
            texts = texts[0].split(",")
        is_number = re.search(r"\b(int|float|bool)\b", kind) is not None
        written = [
            self._in_memory[text][1]
            if text in self._in_memory
            else text
            if is_number and re.fullmatch(r"[-+.\deE]+|True", text)
            else json.dumps(text, ensure_ascii=False)
            for text in texts
        ]
        return written[0] if len(written) == 1 else f"[{', '.join(written)}]"

    def _written(self, name: str) -> str:
        """An argument as it may be typed: a variable of the caller, or a plain value."""
        value = self._given[name]
        if isinstance(value, str | Path):
            return json.dumps(str(value), ensure_ascii=False)
        is_short = isinstance(value, list | tuple) and len(repr(value)) <= _LONGEST
        if is_short or isinstance(value, int | float | None):
            return repr(value)
        named = (key for scope in self._scopes for key, item in scope.items() if item is value)
        return next((key for key in named if not key.startswith("_")), name)
