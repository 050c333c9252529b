"""`verify`: whether what is committed stands, for a CI."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from .opening import metered, opened
from .options import InProject, Json, Rev, Targets
from .output import note, say, say_json

if TYPE_CHECKING:
    from ..commands.verify import Problem, Verification


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("verify")(verify)


def verify(
    targets: Targets = None,
    allow_missing: bool = typer.Option(
        False, "--allow-missing", help="Artifacts need not be here where a remote has them."
    ),
    deep: bool = typer.Option(False, "--deep", help="Read every byte that is here again."),
    remote: bool = typer.Option(
        False, "--remote", help="What is pushed has to be on its remote as well."
    ),
    rev: Rev = None,
    project: InProject = None,
    as_json: Json = False,
) -> None:
    """Check that every stage is fresh and all its artifacts can be had; exit 1 if not.

    Runs nothing, changes nothing, and needs no data: what is absent counts as its lock says.
    """
    from ..commands import verify as use_case

    request = use_case.VerifyRequest(tuple(targets or ()), allow_missing, deep, remote)
    with opened(rev=rev, folder=project, partial=True) as session:
        with metered(session):
            result = use_case.verify(session, request)
        if as_json:
            say_json(use_case.verify_data(result))
        else:
            _print(result)
        for text in [*session.space.cache.reports, *result.notes]:
            note(text)
    if not result.is_ok:
        raise typer.Exit(1)


def _print(result: Verification) -> None:
    from .wording import brief, headline

    count = 0
    for stage in result.stages:
        told = stage.problems and all(r.kind == "out" for r in stage.decision.reasons)
        if stage.decision.state != "fresh" and not told:
            unknown = stage.decision.state == "unknown"
            why = brief(stage.decision.reasons, unknown=unknown) or headline(stage.decision)
            say(f"{stage.name}: {stage.decision.state}: {why}")
            count += 1
        for problem in stage.problems:
            say(f"{stage.name}: {_text(problem)}")
        count += len(stage.problems)
    for problem in result.artifacts:
        say(_text(problem))
    count += len(result.artifacts)
    stages = f"{len(result.stages)} {'stage' if len(result.stages) == 1 else 'stages'}"
    if count:
        say(f"{count} {'problem' if count == 1 else 'problems'} in {stages}.")
    elif result.is_whole or result.stages:
        artifacts = "artifact" if result.checked == 1 else "artifacts"
        rest = "" if result.is_whole else ", and not what could not be read"
        say(f"Verified {stages} and {result.checked} {artifacts}{rest}.")


def _text(problem: Problem) -> str:
    match problem.problem, problem.where:
        case "missing", "remote":
            return f"{problem.path} is not on remote '{problem.remote}' ({problem.digest})"
        case "missing", "local" if problem.digest is None:
            return f"{problem.path} was imported without its data; `pivot pull` brings it"
        case "missing", "local":
            return f"{problem.path} is neither here nor in the cache ({problem.digest})"
        case "missing", _:
            return f"{problem.path} is missing"
        case "corrupt", _:
            again = f", or `pivot repro {problem.stage}` makes it again" if problem.stage else ""
            return (
                f"{problem.path} is corrupt in the cache ({problem.digest}); "
                f"`pivot fetch {problem.path}` brings it from a remote{again}"
            )
        case _:
            old = problem.digest.short if problem.digest else "(none)"
            new = problem.now.short if problem.now else "(none)"
            return f"{problem.path} is not what its lock says: {old} -> {new}"
