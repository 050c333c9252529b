"""Commands that share results: `push`, `fetch`, `pull`."""

from __future__ import annotations

import sys
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import opened
from .options import Json, complete_stage
from .output import counted, note, say, say_json

if TYPE_CHECKING:
    from ..commands.inventory import Targets
    from ..commands.sharing import Pulled, Shared
    from .transfer import TransferMeter


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("push")(push)
    app.command("fetch")(fetch)
    app.command("pull")(pull)


Artifacts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGETS]...",
        help="Stages, groups, globs, artifacts, folders, or files inside of artifacts.",
        show_default=False,
        autocompletion=complete_stage,
    ),
]
Remote = Annotated[
    str | None,
    typer.Option("-r", "--remote", metavar="NAME", help="The remote.", show_default=False),
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", min=1, metavar="N", help="Objects at a time.", show_default=False),
]
WithDeps = Annotated[
    bool, typer.Option("-d", "--with-deps", help="With all that the targets depend on.")
]
Recursive = Annotated[
    bool, typer.Option("-R", "--recursive", help="Folders stand for the stages below them too.")
]
Glob = Annotated[bool, typer.Option("--glob", help="Targets are patterns.")]
RunCache = Annotated[bool, typer.Option("--run-cache", help="With the results of earlier runs.")]
Revision = Annotated[
    list[str] | None,
    typer.Option(
        "--rev", metavar="REV", help="Of that revision, not the work tree.", show_default=False
    ),
]
AllBranches = Annotated[
    bool, typer.Option("-a", "--all-branches", help="Of all local branches too.")
]
AllTags = Annotated[bool, typer.Option("-T", "--all-tags", help="Of all tags too.")]
AllCommits = Annotated[bool, typer.Option("-A", "--all-commits", help="Of all commits too.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="What cannot be had is no failure.")
]


def push(
    targets: Artifacts = None,
    remote: Remote = None,
    jobs: Jobs = None,
    with_deps: WithDeps = False,
    recursive: Recursive = False,
    glob: Glob = False,
    run_cache: RunCache = False,
    revision: Revision = None,
    all_branches: AllBranches = False,
    all_tags: AllTags = False,
    all_commits: AllCommits = False,
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Send also what is there, in case it is spoilt.")
    ] = False,
    allow_missing: AllowMissing = False,
    as_json: Json = False,
) -> None:
    """Send results and tracked data to a remote, as far as it lacks them."""
    from ..commands import sharing
    from ..commands.wanted import ShareRequest

    with opened(partial=True) as session:
        with _meter("sending") as meter:
            request = ShareRequest(
                _targets(targets, session.cwd, with_deps, recursive, glob),
                remote=remote,
                jobs=jobs,
                run_cache=run_cache,
                revisions=_all(revision),
                all_branches=all_branches,
                all_tags=all_tags,
                all_commits=all_commits,
                progress=meter,
                again=force,
            )
            shared = sharing.push(session, request)
        _tell(shared, "sent", as_json=as_json, whole=not session.lacks)
    _end(shared, allow_missing)


def fetch(
    targets: Artifacts = None,
    remote: Remote = None,
    jobs: Jobs = None,
    with_deps: WithDeps = False,
    recursive: Recursive = False,
    glob: Glob = False,
    run_cache: RunCache = False,
    revision: Revision = None,
    all_branches: AllBranches = False,
    all_tags: AllTags = False,
    all_commits: AllCommits = False,
    allow_missing: AllowMissing = False,
    as_json: Json = False,
) -> None:
    """Bring results and tracked data from a remote into the cache."""
    from ..commands import sharing
    from ..commands.wanted import ShareRequest

    with opened(partial=True) as session:
        with _meter("fetching") as meter:
            request = ShareRequest(
                _targets(targets, session.cwd, with_deps, recursive, glob),
                remote=remote,
                jobs=jobs,
                run_cache=run_cache,
                revisions=_all(revision),
                all_branches=all_branches,
                all_tags=all_tags,
                all_commits=all_commits,
                progress=meter,
            )
            shared = sharing.fetch(session, request)
        _tell(shared, "fetched", as_json=as_json, whole=not session.lacks)
    _end(shared, allow_missing)


def pull(
    targets: Artifacts = None,
    remote: Remote = None,
    jobs: Jobs = None,
    with_deps: WithDeps = False,
    recursive: Recursive = False,
    glob: Glob = False,
    run_cache: RunCache = False,
    revision: Revision = None,
    all_branches: AllBranches = False,
    all_tags: AllTags = False,
    all_commits: AllCommits = False,
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Replace changed files too.")
    ] = False,
    allow_missing: AllowMissing = False,
    as_json: Json = False,
) -> None:
    """Fetch results and tracked data, and put them into the work tree."""
    from ..commands import sharing
    from ..commands.wanted import ShareRequest

    with opened(exclusive=True, partial=True) as session:
        with _meter("fetching") as meter:
            request = ShareRequest(
                _targets(targets, session.cwd, with_deps, recursive, glob),
                remote=remote,
                jobs=jobs,
                run_cache=run_cache,
                revisions=_all(revision),
                all_branches=all_branches,
                all_tags=all_tags,
                all_commits=all_commits,
                progress=meter,
            )
            pulled = sharing.pull(session, request, force=force)
        _tell_pulled(pulled, as_json=as_json, whole=not session.lacks)
    if pulled.refused:
        raise typer.Exit(1)
    _end(pulled.shared, allow_missing)


def _tell_pulled(pulled: Pulled, *, as_json: bool, whole: bool) -> None:
    from ..commands.sharing import shared_data

    if as_json:
        say_json(shared_data(pulled.shared, pulled))
        return
    for path in pulled.restored:
        note(f"restored {path}")
    for path in pulled.refused:
        note(f"{path} was changed and is stored nowhere; `--force` replaces it")
    _tell(pulled.shared, "fetched", as_json=False, whole=whole, quiet=bool(pulled.restored))
    say(
        f"{len(pulled.restored)} restored, {len(pulled.unchanged)} unchanged"
        + (f", {len(pulled.refused)} refused" if pulled.refused else "")
        + "."
    )


def _all(given: list[str] | None) -> tuple[str, ...]:
    return tuple(given or ())


def _targets(
    names: list[str] | None, cwd: str, with_deps: bool, recursive: bool, glob: bool
) -> Targets:
    from ..commands.inventory import Targets

    return Targets(_all(names), cwd, recursive=recursive, glob=glob, with_deps=with_deps)


def _meter(doing: str) -> TransferMeter:
    from .transfer import TransferMeter

    return TransferMeter(doing, draws=sys.stderr.isatty())


def _tell(shared: Shared, word: str, *, as_json: bool, whole: bool, quiet: bool = False) -> None:
    """Print what went over; `quiet` where nothing did and something else is told."""
    from ..commands.sharing import shared_data

    if as_json:
        say_json(shared_data(shared))
        return
    for text in shared.notes:
        note(text)
    for item in shared.lacking:
        whose = "tracked by" if item.tracked else "stage"
        note(f"{item.artifact} ({whose} '{item.owner}'): {item.why}")
    moved = _moved(shared, word)
    if not moved and not shared.lacking:
        if quiet:
            return
        there = f": {_files(shared.already)} already there" if shared.already else ""
        if whole:  # else the error that follows says why there was nothing
            say(f"Nothing to do{there}.")
        return
    say(
        (moved or f"Nothing {word}")
        + (f", {shared.already} already there" if shared.already else "")
        + (f", {counted(len(shared.lacking), 'artifact')} incomplete" if shared.lacking else "")
        + "."
    )


def _moved(shared: Shared, word: str) -> str:
    """What went over; empty where nothing did."""
    from .meter import size_text

    where = "to" if word == "sent" else "from"
    remotes = " and ".join(f"'{name}'" for name in shared.remotes)
    parts = []
    if shared.files:
        parts.append(f"{_files(shared.files)} {word} {where} {remotes} ({size_text(shared.size)})")
    if shared.runs:
        place = "" if shared.files else f" {where} {remotes}"
        parts.append(f"{counted(shared.runs, 'earlier result')} {word}{place}")
    if shared.imported:
        whose = "its source" if len(shared.imported) == 1 else "their sources"
        parts.append(f"{counted(len(shared.imported), 'import')} brought from {whose}")
    return ", ".join(parts)


def _files(count: int) -> str:
    return counted(count, "file")


def _end(shared: Shared, allow_missing: bool) -> None:
    if shared.lacking and not allow_missing:
        made = [i for i in shared.lacking if not i.tracked and i.may_be_pushed]
        owners = list(dict.fromkeys(item.owner for item in made))
        if owners:
            made_by = f"`pivot repro {quote(owners[0])}` makes"
            note(f"{made_by} what is missing; or push it from a machine that has it")
        raise typer.Exit(1)
