"""The application has the same commands, however much of it is loaded."""

from __future__ import annotations

import typer

from pivot.cli.app import _ROOMS, application


def commands(*argv: str) -> dict[str, str]:
    group = typer.main.get_command(application(list(argv)))
    found: dict[str, str] = {
        name: command.get_short_help_str(200)
        for name, command in group.commands.items()  # type: ignore[attr-defined]
    }
    return found


def test_help_lists_what_there_is() -> None:
    assert commands("--help") == commands() == commands("no-such-command")


def test_each_command_is_found_in_its_module() -> None:
    everything = commands("no-such-command")
    for names in _ROOMS.values():
        for name in names:
            assert commands(name).keys() == set(names)
            assert commands("-C", "elsewhere", name).keys() == set(names)
    assert everything.keys() == {name for names in _ROOMS.values() for name in names}
