"""The entry point of the `tokkit` script."""

import os
import sys

# OpenMP threads that wait for each other spin: two trainings at once on two cores then run 12 times slower
# each. A short spin keeps 95 % of the speed on idle cores and is four times as fast on shared ones.
# It has to be set before torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

# Ctrl-C while the command line is being imported ends as it does later, without a traceback.
try:
    from tokkit.cli.main import main as main
except KeyboardInterrupt:
    sys.exit(130)
