"""The options of `rebalance`: the rows of every class, and how they are chosen."""

from __future__ import annotations

from dataclasses import dataclass

from tokkit.data.output_options import OutputOptions
from tokkit.data.rebalancing import samplers
from tokkit.errors import UsageError
from tokkit.options import LARGEST_SEED, option

WEIGHTS = ("balanced", "sqrt", "effective")


@dataclass(frozen=True)
class RebalanceOptions(OutputOptions):
    """The rows every class is to have, and how they are chosen."""

    strategy: str | None = option(
        None,
        "how rows are chosen, see above",
        metavar="NAME",
        default_text="oversample, unless targets, a cap, a floor, a ratio or a temper are given",
    )
    target: tuple[str, ...] = option(
        (), "rows of one class, over all other options; repeatable", metavar="LABEL=N"
    )
    max_per_class: int | None = option(None, "cut larger classes to N rows", minimum=1, metavar="N")
    min_per_class: int | None = option(None, "raise smaller classes to N rows", minimum=1, metavar="N")
    ratio: float | None = option(
        None,
        "no class has more than R times the rows of another: larger ones are cut, or with oversample smaller "
        "ones raised",
        minimum=1,
        metavar="R",
    )
    temper: str | None = option(
        None,
        "rows in proportion to the square root of what each class has, as many in all; with oversample none "
        "is cut, with undersample none raised",
        choices=("sqrt",),
    )
    weights: str = option(
        WEIGHTS[0],
        "class weights written with the rows: 1 / rows, 1 / square root, or effective number",
        choices=WEIGHTS,
    )
    beta: float | None = option(
        None,
        "of effective weights, from 0, no weights, to below 1, balanced",
        minimum=0,
        metavar="BETA",
        default_text="(N - 1) / N of N rows",
    )
    vectors: str | None = option(
        None, "compare rows by these vectors, .npy or Parquet, not by TF-IDF", metavar="FILE"
    )
    leaks: str = option(
        "drop", "training rows whose text is in another split", choices=("drop", "refuse", "keep")
    )
    dry_run: bool = option(False, "write nothing; show the result")
    seed: int = option(42, "seed of sampling and shuffling", minimum=0, maximum=LARGEST_SEED)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strategy is not None:
            object.__setattr__(self, "strategy", samplers.strategy_named(self.strategy))
        if self.beta is not None and (self.beta >= 1 or self.weights != "effective"):
            raise UsageError(
                f"--beta {self.beta:g}: is for --weights effective, and below 1",
                hint="as the paper has it:\n--weights effective --beta 0.999",
            )
        if self.vectors is not None and self.strategy not in samplers.SAMPLERS:
            raise UsageError(
                f"--vectors: --strategy {self.strategy or samplers.OVERSAMPLE} compares no rows",
                hint=f"it is for {', '.join(samplers.SAMPLERS)}",
            )
        if self.temper is not None and self.ratio is not None:
            raise UsageError("--temper and --ratio both set the rows of a class", hint="use one")

    @property
    def sets_rows(self) -> bool:
        """Whether an option other than the strategy says how many rows a class is to have."""
        return any((self.target, self.max_per_class, self.min_per_class, self.ratio, self.temper))
