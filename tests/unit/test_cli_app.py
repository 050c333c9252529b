"""The application has the same commands, however much of it is loaded."""

from __future__ import annotations

import typer

from pivot.cli.app import _ROOMS, application
from pivot.cli.bindings import binding_change
from pivot.digest import canonical


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


def test_a_binding_is_told_by_what_differs() -> None:
    def bound(keep: object, path: str = "a b.txt") -> str:
        options = canonical({"keep": keep, "sep": ";}", "deep": {"x": [1, 2.5, None, False]}})
        return f"dep {path} loader=m:Lines options={options} as=pandas directory"

    assert binding_change(bound(2), bound(3)) == ("keep=2", "keep=3")
    assert binding_change(bound("x"), bound(True)) == ("keep=x", "keep=True")
    assert binding_change(bound(2), bound(2, "c")) == ("dep a b.txt", "dep c")
    assert binding_change(None, "dep a") == ("(none)", "dep a")
    whole = "dep a loader=l sep=; keep=1 deep={'x': [1, 2.5, None, False]} as=pandas directory"
    assert sorted(binding_change(bound(1, "a"), None)[0].split()) == sorted(
        whole.replace("loader=l", "loader=m:Lines").replace("sep=;", "sep=;}").split()
    )
    odd = "dep a options={x:"
    assert binding_change(odd, "dep a") == (odd, "dep a")
