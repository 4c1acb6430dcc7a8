"""Models of checkpoints and of configurations, with a stock head or one of ours, and what of them is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tokkit.errors import InputError
from tokkit.model.network.configuration import head_dropout
from tokkit.model.network.heads import STOCK, saved
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress
from tokkit.tokenizer.checkpoints import LOADING, checkpoint_path, loading

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tokkit.model.network.heads.headed import HeadedModel

    AnyModel: TypeAlias = PreTrainedModel | HeadedModel


def drawn(config: Any, head: str, task: Task) -> Any:
    """A model of this configuration, its weights drawn; raises `InputError` for a head it cannot have."""
    import torch
    import transformers

    if head == STOCK:
        return getattr(transformers, task.auto_class).from_config(config, dtype=torch.float32)
    from tokkit.model.network.heads.headed import HeadedModel

    body = transformers.AutoModel.from_config(config, dtype=torch.float32)
    return HeadedModel(body, head, config.num_labels, head_dropout(config))


@dataclass(frozen=True)
class Source:
    """A checkpoint.

    name       as the user named it
    where      the folder of its body, or its name on the hub
    described  its head, where that is one of ours
    """

    name: str | Path
    where: str
    described: saved.Description | None

    @classmethod
    def of(cls, name: str | Path, progress: Progress) -> Source:
        """Raises `InputError` for what is no checkpoint."""
        if saved.stands_in(name):
            return cls(name, str(Path(name) / saved.BODY), saved.read(Path(name)))
        return cls(name, checkpoint_path(name, progress), None)

    def config(self) -> Any:
        """The configuration of its body."""
        from transformers import AutoConfig

        with loading(self.name):
            return AutoConfig.from_pretrained(self.where, trust_remote_code=False)

    def labels(self, config: Any) -> tuple[str, ...]:
        """What its head was trained for; of a body alone, what transformers makes up."""
        if self.described is not None:
            return self.described.labels
        return tuple(str(config.id2label[i]) for i in range(config.num_labels))

    def load(
        self,
        config: Any,
        labels: Sequence[str],
        theirs: Sequence[str],
        head: str,
        task: Task,
        progress: Progress,
    ) -> Any:
        """Its body with the head asked for: its own where that is the same, else a new one, which is said.

        config          with what fine-tuning sets in it
        labels, theirs  those asked for, and those its own head was trained for
        """
        ours = self.described
        if ours is not None and (ours.head, ours.task, ours.labels) == (head, task.name, tuple(labels)):
            return saved.load(Path(self.name), ours, config)
        if ours is not None:
            progress.say(
                f'{self.name}: its head "{ours.head}" for {", ".join(ours.labels[:5])} is dropped'
                + (f"; --head {ours.head} would keep it" if ours.labels == tuple(labels) else "")
            )
        if head == STOCK:
            return self._with_stock_head(config, tuple(labels) == tuple(theirs), theirs, task, progress)
        return self._with_head(config, head, progress)

    def _with_stock_head(
        self, config: Any, same_labels: bool, theirs: Sequence[str], task: Task, progress: Progress
    ) -> PreTrainedModel:
        import transformers

        with loading(self.name):
            model, info = getattr(transformers, task.auto_class).from_pretrained(
                self.where, config=config, **LOADING, ignore_mismatched_sizes=True, output_loading_info=True
            )
        mismatched = _names(info, "mismatched_keys")
        for key in mismatched:
            if key.startswith(f"{model.base_model_prefix}."):
                raise InputError(
                    f"{self.name}: config.json and the weights tell different shapes of {key}",
                    hint="tokkit doctor TOKENIZER --model MODEL says which; fetch the checkpoint anew",
                )
        new = sorted({*_names(info, "missing_keys"), *mismatched})
        self._say(new, _names(info, "unexpected_keys"), progress)
        if not same_labels and not new:
            progress.say(
                f"{self.name}: its head was trained for other labels ({', '.join(theirs[:5])}); "
                "a new one is drawn"
            )
            body = model.base_model.state_dict()
            model = drawn(config, STOCK, task)
            model.base_model.load_state_dict(body)
        return model

    def _with_head(self, config: Any, head: str, progress: Progress) -> HeadedModel:
        from transformers import AutoModel

        from tokkit.model.network.heads.headed import HeadedModel

        with loading(self.name):
            body, info = AutoModel.from_pretrained(
                self.where, config=config, **LOADING, output_loading_info=True
            )
        model = HeadedModel(body, head, config.num_labels, head_dropout(config))
        new = [*_names(info, "missing_keys"), *model.head_weights()]
        self._say(new, _names(info, "unexpected_keys"), progress)
        return model

    def _say(self, new: Sequence[str], dropped: Sequence[str], progress: Progress) -> None:
        if new:
            progress.say(f"{self.name}: {len(new)} weights are new: {_some(new)}")
        if dropped:
            progress.say(f"{self.name}: {len(dropped)} weights are not used: {_some(dropped)}")


def _names(info: dict[str, Any], which: str) -> list[str]:
    """Names of weights in what transformers tells of a load; of those with a wrong shape they come first."""
    return sorted(key[0] if isinstance(key, tuple) else key for key in info.get(which, ()))


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
