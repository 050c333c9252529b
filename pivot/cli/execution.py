"""Commands that run stages: `repro`, `run`, `plan`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .options import SetParam, Targets, choose_one
from .output import note
from .running import execute

if TYPE_CHECKING:
    from ..commands.repro import ReproRequest
    from ..model import Decision


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("repro")(repro)
    app.command("run")(run)
    app.command("plan")(plan)


DryRun = Annotated[
    bool,
    typer.Option("-n", "--dry-run", "--dry", help="Print what would run and why; run nothing."),
]
Explain = Annotated[bool, typer.Option("-e", "--explain", help="Print all reasons; run nothing.")]
Force = Annotated[bool, typer.Option("-f", "--force", help="Run even what is up to date.")]
Single = Annotated[
    bool, typer.Option("-s", "--single-item", help="Only the targets, not what they depend on.")
]
Downstream = Annotated[
    bool, typer.Option("-d", "--downstream", help="The targets and all that depends on them.")
]
ForceDownstream = Annotated[
    bool, typer.Option("--force-downstream", help="Run everything below a stage that ran.")
]
Interactive = Annotated[bool, typer.Option("-i", "--interactive", help="Ask before each stage.")]
KeepGoing = Annotated[
    bool, typer.Option("-k", "--keep-going", help="After a failure, run what does not need it.")
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", min=1, metavar="N", help="Stages at a time.", show_default=False),
]
WholePipeline = Annotated[
    bool, typer.Option("-p", "--pipeline", help="All stages connected with the targets.")
]
AllPipelines = Annotated[bool, typer.Option("-P", "--all-pipelines", help="All stages there are.")]
Recursive = Annotated[
    bool, typer.Option("-R", "--recursive", help="Folders stand for the stages below them.")
]
Glob = Annotated[bool, typer.Option("--glob", help="Targets are patterns.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Absent data counts as unchanged, per the locks.")
]
PullFirst = Annotated[
    bool, typer.Option("--pull", help="Fetch from the remote what is needed and not here.")
]
NoCommit = Annotated[bool, typer.Option("--no-commit", help="Do not store results in the cache.")]
NoRunCache = Annotated[
    bool, typer.Option("--no-run-cache", help="Do not restore results of earlier runs.")
]
ShowOutput = Annotated[
    bool, typer.Option("--show-output", help="Print what stages print, as they print it.")
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Exit with 75 if another run holds the project.")
]
WriteParams = Annotated[
    bool, typer.Option("--write-params", help="Write -S values into their files.")
]
JsonEvents = Annotated[bool, typer.Option("--json", help="Print one JSON event a line.")]


def repro(
    targets: Targets = None,
    dry_run: DryRun = False,
    explain: Explain = False,
    force: Force = False,
    single: Single = False,
    downstream: Downstream = False,
    force_downstream: ForceDownstream = False,
    interactive: Interactive = False,
    keep_going: KeepGoing = False,
    jobs: Jobs = None,
    pipeline: WholePipeline = False,
    all_pipelines: AllPipelines = False,
    recursive: Recursive = False,
    glob: Glob = False,
    allow_missing: AllowMissing = False,
    pull: PullFirst = False,
    no_commit: NoCommit = False,
    no_run_cache: NoRunCache = False,
    show_output: ShowOutput = False,
    no_wait: NoWait = False,
    set_param: SetParam = None,
    write_params: WriteParams = False,
    as_json: JsonEvents = False,
) -> None:
    """Bring stages up to date: run what changed, restore what was run before."""
    from ..commands.repro import ReproRequest
    from ..errors import PivotError
    from ..graph import Selection

    if downstream and not targets:
        raise PivotError("--downstream needs a target", hint="as in `pivot repro -d STAGE`")
    if write_params and not set_param:
        raise PivotError("--write-params needs a value to write", hint="as in `-S train.C=0.5`")
    if all_pipelines and targets:
        raise PivotError("--all-pipelines takes no targets", hint="leave one of the two out")
    choose_one({"--single-item": single, "--pipeline": pipeline, "--all-pipelines": all_pipelines})
    choose_one({"--single-item": single, "--downstream": downstream})
    choose_one({"--pipeline": pipeline, "--downstream": downstream})
    for name, is_given in (("--dry-run", dry_run), ("--explain", explain)):
        choose_one({name: is_given, "--interactive": interactive})
        choose_one({name: is_given, "--write-params": write_params})
    choose_one({"--interactive": interactive, "--json": as_json})
    selection = Selection(
        tuple(targets or ()),
        single=single,
        pipeline=pipeline,
        everything=all_pipelines,
        recursive=recursive,
        glob=glob,
        reach="downstream" if downstream else "upstream",
    )
    request = ReproRequest(
        selection,
        force=force,
        force_downstream=force_downstream,
        keep_going=keep_going,
        jobs=jobs,
        commit=not no_commit,
        run_cache=not no_run_cache,
        show_output=show_output,
        allow_missing=allow_missing,
        pull=pull,
        write_params=write_params,
        confirm=_ask if interactive else None,
    )
    _execute(
        request,
        tuple(set_param or ()),
        dry="explain" if explain else "dry" if dry_run else None,
        wait=not no_wait,
        as_json=as_json,
    )


def run(
    stages: Targets = None,
    dry_run: DryRun = False,
    force: Force = False,
    keep_going: KeepGoing = False,
    jobs: Jobs = None,
    show_output: ShowOutput = False,
    no_wait: NoWait = False,
    set_param: SetParam = None,
    as_json: JsonEvents = False,
) -> None:
    """Run these stages alone, where they are stale; without a stage, the pipeline."""
    from ..commands.repro import ReproRequest
    from ..graph import Selection

    request = ReproRequest(
        Selection(tuple(stages or ()), single=bool(stages)),
        force=force,
        keep_going=keep_going,
        jobs=jobs,
        show_output=show_output,
    )
    _execute(
        request,
        tuple(set_param or ()),
        dry="dry" if dry_run else None,
        wait=not no_wait,
        as_json=as_json,
    )


def plan(
    targets: Targets = None,
    force: Force = False,
    single: Single = False,
    downstream: Downstream = False,
    all_pipelines: AllPipelines = False,
    allow_missing: AllowMissing = False,
    set_param: SetParam = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what `repro` would run, and why (= `repro --dry-run`)."""
    from ..commands.repro import ReproRequest
    from ..graph import Selection

    selection = Selection(
        tuple(targets or ()),
        single=single,
        everything=all_pipelines,
        reach="downstream" if downstream else "upstream",
    )
    request = ReproRequest(selection, force=force, allow_missing=allow_missing)
    _execute(request, tuple(set_param or ()), dry="dry", wait=True, as_json=as_json)


def _ask(decision: Decision) -> bool:
    """Ask on stderr whether to run a stage; Ctrl-C at the question ends the run at once."""
    import signal

    from ..errors import PivotError
    from .wording import brief

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while True:
            sys.stderr.write(f"Run {decision.stage} ({brief(decision.reasons)})? [y/N]: ")
            sys.stderr.flush()
            answer = sys.stdin.readline()
            if not answer:
                note("")  # the question has no end of line
                raise PivotError(
                    "the input ended before every question was answered",
                    hint="leave --interactive out where nobody can answer",
                )
            if answer.strip().lower() in ("y", "yes", "n", "no", ""):
                return answer.strip().lower() in ("y", "yes")
    finally:
        signal.signal(signal.SIGINT, previous)


def _execute(
    request: ReproRequest,
    overrides: tuple[str, ...],
    *,
    dry: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    code = execute(request, overrides, dry=dry, wait=wait, as_json=as_json)
    if code:
        raise typer.Exit(code)
