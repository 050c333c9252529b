"""Which lines a `cmd` means."""

from __future__ import annotations

import pytest

from pivot.model import Command
from pivot.run.shell import command_lines


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (Command(("echo a",)), ("echo a",)),
        (Command(("echo a\n\n  \necho b\n",)), ("echo a", "echo b")),
        (Command(("echo a\necho b", "echo c"), is_list=True), ("echo a\necho b", "echo c")),
        (Command(("echo a", ""), is_list=True), ("echo a",)),
    ],
)
def test_a_string_is_split_into_lines_and_items_are_run_whole(
    command: Command, lines: tuple[str, ...]
) -> None:
    assert command_lines(command) == lines
