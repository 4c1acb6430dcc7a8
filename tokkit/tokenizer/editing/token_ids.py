"""The token ids that a model's configuration holds: found, and mapped when ids change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ENDINGS = ("_token_id", "_token_ids", "_token_index")
_LISTS = ("bad_words_ids", "suppress_tokens", "begin_suppress_tokens")


def token_ids(model: PreTrainedModel) -> set[int]:
    """Every token id that the configurations of a model name, of texts and of generation."""
    found: set[int] = set()
    for config in _configs(model):
        for value in _settings(config).values():
            found.update(_numbers(value))
    return found


def map_token_ids(model: PreTrainedModel, new_ids: Mapping[int, int]) -> list[str]:
    """Gives the configurations the new ids; names of settings whose id no token has, which become None."""
    lost = []
    for config in _configs(model):
        for name, value in _settings(config).items():
            if all(number in new_ids for number in _numbers(value)):
                setattr(config, name, _mapped(value, new_ids.__getitem__))
            else:
                setattr(config, name, None)
                lost.append(name)
    return sorted(set(lost))


def _configs(model: PreTrainedModel) -> list[Any]:
    configs = [model.config, model.config.get_text_config(), getattr(model, "generation_config", None)]
    return list({id(config): config for config in configs if config is not None}.values())


def _settings(config: Any) -> dict[str, Any]:
    """Its settings that hold token ids, those that are set."""
    return {
        name: value
        for name, value in config.to_dict().items()
        if value is not None and (name.endswith(_ENDINGS) or name in _LISTS)
    }


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)
    elif isinstance(value, int):
        yield value


def _mapped(value: Any, change: Callable[[int], int]) -> Any:
    if isinstance(value, list | tuple):
        return [_mapped(each, change) for each in value]
    return change(value) if isinstance(value, int) else value
