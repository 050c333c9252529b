"""`python -m pivot`, and the console script."""

import sys


def main() -> None:
    """Run the command line on `sys.argv` and exit with its code."""
    from .cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
