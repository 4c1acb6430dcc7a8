"""``python -m tokkit``, and the `tokkit` script."""

import sys


def main() -> None:
    """Runs the command line; Ctrl-C while it is still being loaded ends as it does later."""
    try:
        from tokkit.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
