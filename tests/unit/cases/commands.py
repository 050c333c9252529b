"""What counts behind a command line."""

from .builders import Case

COMMANDS: list[Case] = []
