"""What the `cmd` of a stage means: which lines are run, one shell each."""

from __future__ import annotations

from pivot.model import Command


def command_lines(command: Command) -> tuple[str, ...]:
    """The lines to run in order, stopping at the first that fails.

    As DVC does it: a string is split into its lines, an item of a list is run whole. Lines
    without a word are left out. The worker runs each as `$SHELL -c LINE` (else /bin/sh).
    """
    lines = command.lines if command.is_list else command.lines[0].splitlines()
    return tuple(line for line in lines if line.strip())
