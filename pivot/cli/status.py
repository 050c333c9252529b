"""`status` and `explain`: what is stale, and why."""

from __future__ import annotations

import typer

from .options import InProject, Json, Rev, SetParam, Targets, choose_one
from .standing import show


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status")(status)
    app.command("explain")(explain)


def status(
    targets: Targets = None,
    explained: bool = typer.Option(False, "-e", "--explain", help="Every change, with its chain."),
    diff: bool = typer.Option(False, "--diff", help="Explain, with source diffs against git."),
    verbose: bool = typer.Option(
        False, "-v", "--verbose", help="Fresh stages too, and code that cannot be followed."
    ),
    exit_code: bool = typer.Option(False, "--exit-code", help="Exit with 1 if anything is stale."),
    set_param: SetParam = None,
    rev: Rev = None,
    project: InProject = None,
    cloud: bool = typer.Option(
        False, "-c", "--cloud", help="Compare the cache with the remote instead."
    ),
    remote: str | None = typer.Option(
        None, "-r", "--remote", metavar="NAME", help="The remote, for --cloud.", show_default=False
    ),
    jobs: int | None = typer.Option(
        None,
        "-j",
        "--jobs",
        min=1,
        metavar="N",
        help="Requests at a time, for --cloud.",
        show_default=False,
    ),
    as_json: Json = False,
) -> None:
    """Say which stages are stale, and why. Runs and imports nothing of the project."""
    if cloud or remote or jobs:
        choose_one({"--cloud": True, "--explain": explained, "--diff": diff})
        from .cloud import show_cloud

        revisions = (rev,) if rev else ()
        is_same = show_cloud(
            targets or (), remote=remote, jobs=jobs, revisions=revisions, as_json=as_json
        )
        if exit_code and not is_same:
            raise typer.Exit(1)
        return
    choose_one({"--explain": explained, "--json": as_json})
    choose_one({"--diff": diff, "--json": as_json})
    choose_one({"--diff": diff, "--rev": rev is not None})
    is_fresh = show(
        targets or (),
        set_param or (),
        explained=explained,
        diff=diff,
        verbose=verbose,
        as_json=as_json,
        rev=rev,
        folder=project,
    )
    if exit_code and not is_fresh:
        raise typer.Exit(1)


def explain(
    targets: Targets = None,
    diff: bool = typer.Option(False, "--diff", help="Source diffs of definitions against git."),
    set_param: SetParam = None,
    rev: Rev = None,
    project: InProject = None,
) -> None:
    """Say why a stage is stale, to the definition (= `status --explain`)."""
    choose_one({"--diff": diff, "--rev": rev is not None})
    show(targets or (), set_param or (), explained=True, diff=diff, rev=rev, folder=project)
