"""The entry point of the `tokkit` script."""

import gc
import os

from tokkit.cli import early_interrupt

# OpenMP threads that wait for each other spin: two trainings at once on two cores then run 12 times slower
# each. A short spin keeps 95 % of the speed on idle cores and is four times as fast on shared ones.
# It has to be set before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# Collections of garbage among objects that stay, as those of imports do, take a tenth of the time until a
# model is loaded.
gc.set_threshold(100_000, 20, 50)

# Before the command line is imported, which takes most of the first moments.
early_interrupt.install()

from tokkit.cli.main import main as main  # noqa: E402
