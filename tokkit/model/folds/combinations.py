"""Settings to compare: keys with several values each, and the options of every combination.

>>> compared = combinations(parsed(["lr=1e-4,2e-4", "size=tiny"]), FinetuneOptions())
>>> [combination.settings for combination in compared]
[{'lr': 0.0001, 'size': 'tiny'}, {'lr': 0.0002, 'size': 'tiny'}]
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.options import TYPE_NAMES, described_fields, flag, kind_of

# Options that all combinations share: the rows, the score, and options that change no result.
_COMMON = (
    "baseline",
    "device",
    "folds",
    "group_column",
    "keep_optimizer",
    "log_every",
    "metric",
    "no_cache",
    "resume",
    "task",
)
_NONE = "none"

Keys = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Combination:
    """settings  the keys with their values in this combination
    options   all options, with these settings
    """

    settings: dict[str, Any]
    options: FinetuneOptions

    @property
    def name(self) -> str:
        """
        >>> Combination({"head": "cls", "loss": "ce"}, FinetuneOptions()).name
        'head=cls loss=ce'
        """
        return " ".join(f"{key}={_formatted(value)}" for key, value in self.settings.items())


def parsed(arguments: Sequence[str]) -> dict[str, list[Any]]:
    """``["head=cls,mean"]`` -> ``{"head": ["cls", "mean"]}``, the values in the type of their option.

    Raises `UsageError` for another form, for keys that are not options of `finetune`, and for repeated keys.
    """
    values_of: dict[str, list[Any]] = {}
    for argument in arguments:
        key, equals, values = argument.partition("=")
        if not equals or not key.strip() or not values.strip():
            raise UsageError(
                f'--compare: write KEY=VALUE,VALUE, not "{argument}"',
                hint="as in head=cls,mean loss=ce,focal",
            )
        name = _known(key.strip())
        if name in values_of:
            raise UsageError(
                f"--compare: {name} is named twice", hint="name its values in one list, commas between"
            )
        values_of[name] = [_value(name, value.strip()) for value in values.split(",")]
    return values_of


def combinations(keys: Keys, options: FinetuneOptions) -> list[Combination]:
    """Every combination of the values, the last key varying fastest, replacing those of ``options``.

    Raises `UsageError` for unknown keys, values that their option does not take, and fewer than two
    combinations.
    """
    named = {_known(key): list(values) for key, values in keys.items()}
    combined = []
    # `replace` checks each value as the command line would.
    for values in itertools.product(*named.values()):
        settings = dict(zip(named, values, strict=True))
        combined.append(Combination(settings, replace(options, **settings)))
    names = [combination.name for combination in combined]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--compare: {repeated} is named twice")
    if len(combined) < 2:
        raise UsageError(
            "--compare: there is one combination only", hint="name several values, as in head=cls,mean"
        )
    return combined


def _known(key: str) -> str:
    """The field of that name; raises `UsageError` for an unknown one, and for one that cannot differ."""
    name = key.replace("-", "_")
    names = [field for field, _ in described_fields(FinetuneOptions)]
    if name not in names:
        raise UsageError(
            f'--compare: finetune has no option "{key}"{did_you_mean(name, names)}',
            hint=f"it has: {', '.join(option for option in names if option not in _COMMON)}",
        )
    if name in _COMMON:
        raise UsageError(
            f"--compare: {key} is the same for all combinations", hint=f"give it by itself ({flag(name)})"
        )
    return name


def _value(name: str, text: str) -> Any:
    kind, _ = kind_of(FinetuneOptions, name)
    # none is the default of options without a value, such as --lr; for others it is a choice.
    if text == _NONE and getattr(FinetuneOptions(), name) is None:
        return None
    try:
        return _TRUTH[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        raise UsageError(f'--compare: {name}: "{text}" is not {TYPE_NAMES[kind]}') from error


_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def _formatted(value: Any) -> str:
    return _NONE if value is None else f"{value:g}" if isinstance(value, float) else str(value)
