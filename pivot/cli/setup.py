"""`init`, `schema`, `doctor`."""

from __future__ import annotations

import os

import typer

from .options import Json
from .output import note, say, say_json, styled


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init")(init)
    app.command("schema")(schema)
    app.command("doctor")(doctor)


def init(
    example: bool = typer.Option(False, "--example", help="Write a pipeline that runs."),
    force: bool = typer.Option(False, "-f", "--force", help="Add what is missing; keep the rest."),
) -> None:
    """Make this folder a Pivot project (works without git)."""
    from ..commands.init import init as initialize

    result = initialize(os.getcwd(), example=example, force=force)
    for path in result.written:
        say(f"wrote {path}")
    if example:
        note("next: `pivot repro`, then edit words.py and see `pivot status`")
    else:
        file = "pivot.yaml" if "pivot.yaml" in result.written else "your pipeline file"
        note(f"next: describe a stage in {file}, then `pivot repro`")


def schema(
    name: str | None = typer.Argument(None, metavar="[NAME]", help="One schema, printed whole."),
) -> None:
    """Print the JSON Schema of a file or an output; without NAME, the names."""
    from ..commands.schemas import schema_of
    from ..config import schema_names

    if name is None:
        for known in schema_names():
            say(known)
        return
    say_json(schema_of(name))


def doctor(as_json: Json = False) -> None:
    """Say what Pivot found: interpreter, project, cache, git; and what is wrong with it."""
    from ..commands.doctor import examine

    findings = examine(os.getcwd())
    if as_json:
        say_json([{"what": f.what, "state": f.state, "detail": f.detail} for f in findings])
    else:
        marks = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "error": ("error", "red")}
        for finding in findings:
            word, style = marks[finding.state]
            say(f"{styled(f'{word:<8}', style)} {finding.what}: {finding.detail}")
    if any(finding.state == "error" for finding in findings):
        raise typer.Exit(1)
