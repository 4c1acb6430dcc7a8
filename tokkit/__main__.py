"""``python -m tokkit``: the same as the `tokkit` script."""

from tokkit.cli.start import main

if __name__ == "__main__":
    main()
