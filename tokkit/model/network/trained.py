"""How a model was trained, as far as its answers depend on it: what the receipt in its folder tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tokkit import files
from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.tokenizer.load import read_json


@dataclass(frozen=True)
class Trained:
    """Each None where it is not known.

    max_length  tokens that rows were cut at
    pairs       whether rows were pairs of texts
    """

    max_length: int | None = None
    pairs: bool | None = None

    @classmethod
    def of(cls, folder: str | Path) -> Trained:
        """Of a folder that `finetune` wrote; raises `InputError` for a receipt that is no JSON."""
        result = read_json(files.receipt_path(Path(folder))).get("result") if Path(folder).is_dir() else None
        if not isinstance(result, dict):
            return cls()
        settings = result.get("settings")
        length = settings.get("max_length") if isinstance(settings, dict) else None
        pairs = result.get("pairs")
        return cls(length if isinstance(length, int) else None, pairs if isinstance(pairs, bool) else None)

    def check(self, name: str | Path, rows: Rows, progress: Progress) -> None:
        """Raises `InputError` for single texts where it learned from pairs; the reverse is said."""
        if not rows.texts or self.pairs is None or self.pairs == bool(rows.pairs):
            return
        if self.pairs:
            raise InputError(
                f"{name}: was trained on pairs of texts, and these are single ones",
                hint="a file with both: --text-column and --pair-column name their columns",
            )
        progress.say(f"{name}: was trained on single texts, and these are pairs")


UNKNOWN = Trained()
