"""The options of `split`: sizes, folds, and which rows stay together."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.data.output_options import OutputOptions
from tokkit.errors import UsageError, counted
from tokkit.options import LARGEST_SEED, option

VALIDATION, TEST = "validation", "test"

# Default share of validation and of test.
SHARE = 0.1
# Every fold writes all rows again.
LARGEST_FOLDS = 1_000


@dataclass(frozen=True)
class SplitOptions(OutputOptions):
    """The sizes of the splits, a share below 1 or a number of rows each, and which rows stay together."""

    validation: float | None = option(
        None, "share or number of rows", minimum=0, metavar="SHARE|N", default_text=str(SHARE)
    )
    test: float | None = option(
        None, "share or number of rows", minimum=0, metavar="SHARE|N", default_text=f"{SHARE}, 0 with --folds"
    )
    folds: int | None = option(
        None,
        "K folds in folders fold-1 to fold-K, each row in one validation split",
        minimum=2,
        maximum=LARGEST_FOLDS,
        metavar="K",
    )
    group_column: str | None = option(
        None, "rows with the same value here, such as an author, stay together", metavar="NAME"
    )
    near: bool = option(False, "near duplicates stay together, as copies of a text always do")
    stable: bool = option(
        False,
        "a text's split depends on the text and the seed alone: rows added later move none; not stratified",
    )
    seed: int = option(42, "seed of the random assignment", minimum=0, maximum=LARGEST_SEED)

    def amounts(self) -> dict[str, float]:
        """The sizes of validation and test: shares below 1, or numbers of rows.

        Raises `UsageError` for a value that is neither, and for options that contradict each other.
        """
        if self.folds is not None and self.validation is not None:
            raise UsageError(
                f"--folds {self.folds} validates on 1/{self.folds} of the rows each: leave --validation out",
                hint="hold out rows before the folds (--test)",
            )
        # folds validate on themselves, and hold out a test split only on request
        default = SHARE if self.folds is None else 0.0
        requested = {VALIDATION: self.validation, TEST: self.test}
        amounts = {name: default if value is None else value for name, value in requested.items()}
        for name, value in amounts.items():
            if value > 1 and value != int(value):
                raise UsageError(f"--{name} {value:g}: neither a share below 1 nor a whole number of rows")
            if self.stable and value >= 1:
                raise UsageError(
                    f"--{name} {value:g}: --stable assigns each text by itself and meets no number of rows",
                    hint=f"give a share:\n--{name} 0.1",
                )
        return amounts

    def rows_wanted(self, rows: int) -> dict[str, int]:
        """Rows of validation and test out of so many; a share that is not 0 gives one row at least.

        Raises `UsageError` where none is left to train on.
        """
        amounts = self.amounts()
        wanted = {
            name: int(value) if value >= 1 else max(round(value * rows), 1 if value else 0)
            for name, value in amounts.items()
        }
        if sum(wanted.values()) >= rows:
            raise UsageError(
                f"--validation {amounts[VALIDATION]:g} and --test {amounts[TEST]:g} "
                f"leave none of the {counted(rows, 'row')} to train on",
                hint="smaller shares:\n--validation 0.1 --test 0.1"
                if rows > 2
                else "collect more rows: there are fewer than splits",
            )
        return wanted
