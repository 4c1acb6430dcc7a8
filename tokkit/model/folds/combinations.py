"""Settings to compare: keys with several values each, and every combination of them as one spec.

>>> [each.told for each in combinations(parsed(["lr=1e-4,2e-4", "size=tiny"]), FinetuneOptions())]
[{'lr': 0.0001, 'size': 'tiny'}, {'lr': 0.0002, 'size': 'tiny'}]
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tokkit.errors import UsageError, did_you_mean
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.options import described_fields, flag, kind_of

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
"""Options that all combinations share: the rows, what they are scored by, and what changes no result."""
_NONE = "none"

Keys = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Combination:
    """told   the keys and their values here
    spec   all settings
    """

    told: dict[str, Any]
    spec: FinetuneOptions

    @property
    def name(self) -> str:
        """
        >>> Combination({"head": "cls", "loss": "ce"}, FinetuneOptions()).name
        'head=cls loss=ce'
        """
        return " ".join(f"{key}={_written(value)}" for key, value in self.told.items())


def parsed(written: Sequence[str]) -> dict[str, list[Any]]:
    """``["head=cls,mean"]`` -> ``{"head": ["cls", "mean"]}``, the values in the type of their option.

    Raises `UsageError` for what is written otherwise, for keys that are no options of `finetune`, and for one
    named twice.
    """
    found: dict[str, list[Any]] = {}
    for each in written:
        key, equals, values = each.partition("=")
        if not equals or not key.strip() or not values.strip():
            raise UsageError(
                f'--compare: write KEY=VALUE,VALUE, not "{each}"',
                hint="--compare head=cls,mean loss=ce,focal",
            )
        name = _known(key.strip())
        if name in found:
            raise UsageError(f"--compare: {name} is named twice", hint=f"--compare {name}=A,B,C")
        found[name] = [_value(name, value.strip()) for value in values.split(",")]
    return found


def combinations(keys: Keys, spec: FinetuneOptions) -> list[Combination]:
    """Every combination of the values, the last key varying fastest, laid over the spec.

    Raises `UsageError` for unknown keys, values that their option does not take, and fewer than two
    combinations.
    """
    named = {_known(key): list(values) for key, values in keys.items()}
    found = []
    for values in itertools.product(*named.values()):
        told = dict(zip(named, values, strict=True))
        found.append(Combination(told, replace(spec, **told)))
    names = [each.name for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"--compare: {twice} is named twice")
    if len(found) < 2:
        raise UsageError(
            "--compare: there is one combination only", hint="name several values: --compare head=cls,mean"
        )
    return found


def _known(key: str) -> str:
    """The field of that name; raises `UsageError` for one that is none, or that cannot differ."""
    name = key.replace("-", "_")
    there = [field for field, _ in described_fields(FinetuneOptions)]
    if name not in there:
        raise UsageError(
            f'--compare: finetune has no option "{key}"{did_you_mean(name, there)}',
            hint=f"it has: {', '.join(each for each in there if each not in _COMMON)}",
        )
    if name in _COMMON:
        raise UsageError(
            f"--compare: {key} is the same for all combinations", hint=f"give it by itself: {flag(name)}"
        )
    return name


def _value(name: str, written: str) -> Any:
    kind, _ = kind_of(FinetuneOptions, name)
    if written == _NONE and getattr(FinetuneOptions(), name) is None:
        return None
    try:
        return _TRUTH[written.lower()] if kind is bool else kind(written)
    except (ValueError, KeyError) as error:
        raise UsageError(f'--compare: {name}: "{written}" is not {_CALLED[kind]}') from error


_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_CALLED: Mapping[type, str] = {int: "a whole number", float: "a number", bool: "true or false"}


def _written(value: Any) -> str:
    return _NONE if value is None else f"{value:g}" if isinstance(value, float) else str(value)
