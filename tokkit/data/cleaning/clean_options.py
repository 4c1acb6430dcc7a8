"""The options of `clean`: rules, duplicates, conflicts and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tokkit.data.cleaning.repair_rules import DEFAULT
from tokkit.data.output_options import OutputOptions
from tokkit.errors import UsageError
from tokkit.options import flag, option

NONE, EXACT, NORMALIZED, NEAR = "none", "exact", "normalized", "near"
DUPLICATES = (EXACT, NORMALIZED, NEAR, NONE)
FIRST, LONGEST, MAJORITY_LABEL = "first", "longest", "majority-label"
KEEP = (FIRST, LONGEST, MAJORITY_LABEL)
REPORT, DROP, MAJORITY = "report", "drop", "majority"
CONFLICTS = (REPORT, DROP, MAJORITY)
MERGE = "merge"
LABELS = (REPORT, MERGE)
REFUSE, SKIP = "refuse", "skip"


@dataclass(frozen=True)
class CleanOptions(OutputOptions):
    """What is repaired, and what is dropped."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Decisions": ("apply", "new_labels", "changed_rows"),
    }

    apply: str | None = option(
        None,
        "review file of audit, explore or suggest-rows with decisions: its rows are kept, dropped or "
        "relabeled before anything else is done",
        metavar="FILE",
    )
    new_labels: bool = option(False, "with --apply: also accept labels that no row has yet")
    changed_rows: str = option(
        REFUSE, "with --apply: decisions about rows that have changed since", choices=(REFUSE, SKIP)
    )
    rules: tuple[str, ...] = option(
        (DEFAULT,), "repairs to make, or default, all, none", metavar="RULE,...", comma_separated=True
    )
    duplicates: str = option(EXACT, "texts that count as one, of which one row stays", choices=DUPLICATES)
    keep: str = option(FIRST, "the row that stays of duplicates", choices=KEEP)
    conflicts: str = option(
        REPORT,
        "one text with several labels: only say it, drop its rows, or those without the majority label "
        "(in a tie, all)",
        choices=CONFLICTS,
    )
    labels: str = option(
        REPORT,
        "labels that differ only in white space, case, Unicode form or a final .0: say it, or make them one",
        choices=LABELS,
    )
    leaks: str = option("drop", "training rows whose text is in another split", choices=("drop", "keep"))
    min_words: int | None = option(None, "drop texts of fewer words", minimum=1, metavar="N")
    max_words: int | None = option(None, "drop texts of more words", minimum=1, metavar="N")
    min_characters: int | None = option(None, "drop texts of fewer characters", minimum=1, metavar="N")
    max_characters: int | None = option(None, "drop texts of more characters", minimum=1, metavar="N")
    max_tokens: int | None = option(
        None, "drop texts of more tokens, special ones included; needs --tokenizer", minimum=1, metavar="N"
    )
    dry_run: bool = option(False, "write nothing; show with examples what each rule and reason would do")

    def check(self, tokenizer: bool) -> None:
        """Raises `UsageError` for limits that leave nothing, or tokens without a tokenizer to count with."""
        for name in ("new_labels", "changed_rows"):
            if self.apply is None and getattr(self, name) != getattr(CleanOptions, name):
                raise UsageError(
                    f"{flag(name)}: is about decisions, and none are applied",
                    hint="name the review file (--apply)",
                )
        if self.max_tokens is not None and not tokenizer:
            raise UsageError("--max-tokens: needs a tokenizer to count with", hint="name it (--tokenizer)")
        for unit in ("words", "characters"):
            least, most = getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if least is not None and most is not None and least > most:
                raise UsageError(
                    f"{flag(f'min_{unit}')} {least} is above {flag(f'max_{unit}')} {most}",
                    hint="take a lower limit below the upper one",
                )
