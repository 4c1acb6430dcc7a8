"""Values of a JSON object by name and type: the one schema through which receipts and scores are read.

    metrics = Fields.of_file(Path("model/metrics.json"), hint="copy the whole folder again")
    metrics.fields("calibration").number("temperature", 0.01, 100)          1.31

A file may be damaged, or written by hand: a value of another type is an `InputError` that names the file, the
key and what was expected, here and not where the value is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.errors import InputError

# characters of a wrong value in a message
_LONGEST = 40
_REQUIRED: Any = object()


@dataclass(frozen=True)
class Fields:
    """An object of a JSON file.

    Its methods raise `InputError` for a value of another type, and for a key that is absent or null unless
    ``default`` says what it is then.

    path    the file, and ``above`` the keys that lead to the object, each with its dot
    hint    of the errors: how to get a file that is right
    """

    path: Path
    content: Mapping[str, Any]
    hint: str | None = None
    above: str = ""

    @classmethod
    def of_file(cls, path: Path, hint: str | None = None) -> Fields:
        """The object in a file; raises `InputError` where there is none."""
        try:
            content = json.loads(path.read_bytes())
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})", hint) from error
        # JSON that is nested too deeply raises RecursionError, which is no ValueError
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: is not valid JSON ({error})", hint) from error
        if not isinstance(content, dict):
            raise InputError(f"{path}: holds no JSON object", hint)
        return cls(path, content, hint)

    def error(self, name: str, expected: str) -> InputError:
        """The error for the value under a name."""
        value = repr(self.content.get(name))
        value = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
        return InputError(f'{self.path}: "{self.above}{name}" is {value}, expected {expected}', self.hint)

    def text(self, name: str, expected: str = "a text", default: Any = _REQUIRED) -> Any:
        """A string."""
        return self._value(name, str, expected, default)

    def flag(self, name: str, expected: str = "true or false", default: Any = _REQUIRED) -> Any:
        """A bool."""
        return self._value(name, bool, expected, default)

    def integer(
        self, name: str, expected: str = "a whole number", least: int = 0, default: Any = _REQUIRED
    ) -> Any:
        """An int from ``least`` up, of 64 bits."""
        value = self._value(name, int, expected, default)
        if value is not default and not least <= value < 1 << 63:
            raise self.error(name, expected)
        return value

    def number(self, name: str, least: float, most: float, default: Any = _REQUIRED) -> Any:
        """A finite float from ``least`` to ``most``."""
        expected = f"a number from {least:g} to {most:g}"
        value = self._value(name, (int, float), expected, default)
        if value is default:
            return default
        # an integer beyond the largest float is outside as well
        if not least <= value <= most or math.isinf(value):
            raise self.error(name, expected)
        return float(value)

    def list_of(self, name: str, kind: type, expected: str, default: Any = _REQUIRED) -> Any:
        """A list of values of one type."""
        values = self._value(name, list, expected, default)
        # bool is a subclass of int: `true` is no number
        if values is not default and not all(type(value) is kind for value in values):
            raise self.error(name, expected)
        return values

    def fields(self, name: str, expected: str = "an object", default: Any = _REQUIRED) -> Any:
        """The `Fields` of an object."""
        value = self._value(name, dict, expected, default)
        return value if value is default else Fields(self.path, value, self.hint, f"{self.above}{name}.")

    def objects(self, name: str, expected: str = "a list of objects", default: Any = _REQUIRED) -> Any:
        """A list of the `Fields` of objects, each under its index from 0: ``inputs.0.sha256``."""
        values = self.list_of(name, dict, expected, default)
        if values is default:
            return default
        above = f"{self.above}{name}."
        return [Fields(self.path, value, self.hint, f"{above}{i}.") for i, value in enumerate(values)]

    def _value(
        self, name: str, kind: type | tuple[type, ...], expected: str, default: Any = _REQUIRED
    ) -> Any:
        value = self.content.get(name)
        if value is None and default is not _REQUIRED:
            return default
        if value is None and name not in self.content:
            raise InputError(f'{self.path}: has no "{self.above}{name}"', self.hint)
        # bool is a subclass of int: `true` is no number
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(name, expected)
        return value
