"""``python -m tokkit``."""

from tokkit.cli.main import main

if __name__ == "__main__":
    main()
