"""`logs` and `fingerprint`: what a stage printed, and everything that counts for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .opening import opened
from .options import InProject, Json, Rev, Targets, complete_stage
from .output import note, say, say_json, value_text


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("logs")(logs)
    fingerprint = typer.Typer(help="Everything that counts for a stage.", no_args_is_help=True)
    fingerprint.command("show")(fingerprint_show)
    fingerprint.command("reset")(fingerprint_reset)
    app.add_typer(fingerprint, name="fingerprint")


def logs(
    stage: Annotated[str, typer.Argument(metavar="STAGE", autocompletion=complete_stage)],
    follow: bool = typer.Option(False, "-f", "--follow", help="Go on while the stage runs."),
    lines: int | None = typer.Option(
        None, "-n", "--lines", min=1, metavar="N", help="Only the last N lines."
    ),
) -> None:
    """Print what a stage printed when it last ran."""
    import sys

    from ..commands.logs import named_stage, read_log
    from .history import last_run

    with opened(partial=True) as session:
        name = named_stage(session, stage)
        ended = last_run(session.project.root, name)
        if ended is not None:
            note(ended)
        pieces = read_log(session, name, lines=lines, follow=follow)
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def fingerprint_show(
    targets: Targets = None, rev: Rev = None, project: InProject = None, as_json: Json = False
) -> None:
    """Print all that goes into a stage's fingerprint: code, params, deps, environment."""
    from ..commands.fingerprints import show

    with opened(partial=True, rev=rev, folder=project) as session:
        shown = show(session, tuple(targets or ()))
    if as_json:
        say_json({"stages": shown})
        return
    for data in shown:
        _print_fingerprint(data)


def _print_fingerprint(data: Mapping[str, Any]) -> None:
    say(f"{data['stage']}  {data['key'] or '(no key: a dep is missing)'}")
    say(f"  {'entry' if 'entry' in data else 'cmd'}: {data.get('entry') or data.get('cmd')}")
    if data["wdir"] != ".":
        say(f"  wdir: {data['wdir']}")
    for title in ("binding", "params", "deps", "env", "history", "packages", "observed"):
        entries = {name: value for name, value in (data.get(title) or {}).items() if value != {}}
        if entries:
            say(f"  {title}:")
            for name, value in entries.items():
                say(f"    {name or '(inline)'}: {value_text(value) or '(unset)'}")
    for path in data["absent"]:
        say(f"  missing: {path}")
    say(f"  code: {data['code'] or '(does not count)'}")
    width = max((len(name) for name in data.get("symbols", {})), default=0)
    for name, symbol in data.get("symbols", {}).items():
        say(f"    {name:<{width}}  {symbol['hash'][:8]}  {symbol['file']}:{symbol['line']}")
    for variable, place in data.get("environ", {}).items():
        say(f"  reads variable {variable} at {place}; it counts where `env:` lists it")
    for reference in data.get("opaque", ()):
        say(f"  cannot follow: {reference['what']} ({reference['file']}:{reference['line']})")


def fingerprint_reset() -> None:
    """Forget cached fingerprints; sources are read again next time. Runs nothing."""
    from ..commands.fingerprints import reset

    with opened() as session:
        reset(session)
    note("cached fingerprints forgotten")
