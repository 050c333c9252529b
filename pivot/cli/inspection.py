"""Commands that only look: `status`, `explain`, `list`, `dag`, `logs`, `fingerprint`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from .options import Json, Markdown, SetParam, Targets, complete_stage
from .output import note, say, say_json, say_table, styled


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status")(status)
    app.command("explain")(explain)
    app.command("list")(list_)
    app.command("dag")(dag)
    app.command("logs")(logs)
    fingerprint = typer.Typer(help="Everything that counts for a stage.", no_args_is_help=True)
    fingerprint.command("show")(fingerprint_show)
    fingerprint.command("reset")(fingerprint_reset)
    app.add_typer(fingerprint, name="fingerprint")


def status(
    targets: Targets = None,
    explained: bool = typer.Option(False, "-e", "--explain", help="Every change, with its chain."),
    diff: bool = typer.Option(False, "--diff", help="With --explain: source diffs against git."),
    verbose: bool = typer.Option(False, "-v", "--verbose", help="Fresh stages and notes too."),
    exit_code: bool = typer.Option(False, "--exit-code", help="Exit with 1 if anything is stale."),
    set_param: SetParam = None,
    as_json: Json = False,
) -> None:
    """Say which stages are stale, and why. Runs and imports nothing of the project."""
    from ..commands import status as use_case
    from ..commands.session import Request, Session
    from ..graph import Selection
    from .wording import up_to_date

    with Session(Request(os.getcwd(), tuple(set_param or ()))) as session:
        selection = Selection(tuple(targets or ()), session.cwd, single=bool(targets))
        result = use_case.status(session, selection, opaque=verbose)
        if as_json:
            say_json(use_case.status_data(result))
        elif explained or diff:
            _print_explanations(session, result, diff=diff, all_stages=bool(targets))
        else:
            _print_status(result, verbose=verbose)
            if not (targets or set_param or verbose) and result.is_plain:
                from ..commands.witness import leave

                stages = session.space.pipeline.stages.values()
                leave(session, "status", up_to_date(len(stages)), stages)
        fresh = result.is_fresh
    if exit_code and not fresh:
        raise typer.Exit(1)


def _print_explanations(session, result, *, diff: bool, all_stages: bool) -> None:  # type: ignore[no-untyped-def]
    from ..commands.definitions import definition_diff
    from .wording import explanation, up_to_date

    shown = [d for d in result.decisions.values() if all_stages or d.state != "fresh"]
    for decision in shown:
        say("\n".join(explanation(decision)))
        for reason in decision.reasons if diff else ():
            text = definition_diff(session, decision.stage, reason)
            if text:
                say(text)
    if not shown:
        say(up_to_date(len(result.decisions)))


def _print_status(result, *, verbose: bool) -> None:  # type: ignore[no-untyped-def]
    from .wording import brief, state_word, up_to_date

    stale = [d for d in result.decisions.values() if d.state != "fresh" or d.action != "none"]
    width = max(
        (len(d.stage) for d in (result.decisions.values() if verbose else stale)), default=0
    )
    for decision in result.decisions.values():
        if decision in stale:
            word = styled(f"{state_word(decision):<9}", "yellow")
            text = brief(decision.reasons) or "its outs are missing, and in the cache"
            say(f"{decision.stage:<{width}}  {word} {text}".rstrip())
        elif verbose:
            notes = ", ".join(decision.notes)
            say(f"{decision.stage:<{width}}  {state_word(decision):<9} {notes}".rstrip())
    for change in result.environment:
        stages = ", ".join(change.stages[:3]) + (", ..." if len(change.stages) > 3 else "")
        say(f"environment changed: {change.package} {change.old} -> {change.new} ({stages})")
    for path in result.orphans:
        note(f"{path} belongs to no stage; `pivot gc` removes it")
    for text in result.notes:
        note(text)
    if verbose:
        for name, references in (result.opaque or {}).items():
            for reference in references:
                note(f"{name}: cannot follow {reference.what} ({reference.file}:{reference.line})")
    if not stale:
        say(up_to_date(len(result.decisions)))
    else:
        fresh = len(result.decisions) - len(stale)
        say(f"{len(stale)} of {len(result.decisions)} stages to do, {fresh} fresh.")


def explain(
    targets: Targets = None,
    diff: bool = typer.Option(False, "--diff", help="Source diffs of definitions against git."),
    set_param: SetParam = None,
) -> None:
    """Say why a stage is stale, to the definition (= `status --explain`)."""
    status(
        targets,
        explained=True,
        diff=diff,
        verbose=False,
        exit_code=False,
        set_param=set_param,
        as_json=False,
    )


def list_(
    targets: Targets = None,
    deps: bool = typer.Option(False, "--deps", help="Show deps and outs."),
    as_json: Json = False,
    markdown: Markdown = False,
) -> None:
    """List the stages."""
    from ..commands.listing import list_stages, stage_data
    from ..commands.session import Request, Session
    from ..graph import Selection

    with Session(Request(os.getcwd())) as session:
        selection = Selection(tuple(targets or ()), session.cwd, single=True)
        stages = list_stages(session, selection)
    if as_json:
        say_json({"stages": [stage_data(stage) for stage in stages]})
    elif deps or markdown:
        rows = [
            [
                stage.name,
                "\n".join(dep.path for dep in stage.deps),
                "\n".join(out.path for out in stage.outs),
            ]
            for stage in stages
        ]
        if markdown:
            rows = [[cell.replace("\n", "<br>") for cell in row] for row in rows]
        say_table(rows, ["stage", "deps", "outs"], markdown=markdown)
    else:
        width = max((len(stage.name) for stage in stages), default=0)
        for stage in stages:
            entry = stage_data(stage)
            text = stage.desc or entry["python"] or _first_line(entry["cmd"])
            say(f"{stage.name:<{width}}  {text}".rstrip())


def _first_line(cmd: str | list[str]) -> str:
    lines = cmd if isinstance(cmd, list) else cmd.strip().splitlines()
    first = lines[0] if lines else ""
    return first if len(lines) < 2 else f"{first} ..."


def dag(
    targets: Targets = None,
    dot: bool = typer.Option(False, "--dot", help="Print Graphviz."),
    mermaid: bool = typer.Option(False, "--mermaid", help="Print Mermaid."),
    markdown: Markdown = False,
    outs: bool = typer.Option(False, "-o", "--outs", help="Artifacts instead of stages."),
    full: bool = typer.Option(False, "--full", help="All that is connected with the targets."),
    as_json: Json = False,
) -> None:
    """Print the graph of stages."""
    from ..commands import dag as use_case
    from ..commands.session import Request, Session
    from ..graph import Selection

    with Session(Request(os.getcwd())) as session:
        selection = Selection(tuple(targets or ()), session.cwd, pipeline=full)
        result = use_case.stage_dag(session, selection, outs=outs)
    if as_json:
        say_json({"nodes": list(result.nodes), "edges": [list(edge) for edge in result.edges]})
    elif dot:
        say(use_case.as_dot(result))
    elif mermaid:
        say(use_case.as_mermaid(result))
    elif markdown:
        say(use_case.as_markdown(result))
    else:
        say(use_case.as_text(result))


def logs(
    stage: Annotated[str, typer.Argument(autocompletion=complete_stage)],
    follow: bool = typer.Option(False, "-f", "--follow", help="Go on while the stage runs."),
    lines: int | None = typer.Option(None, "-n", "--lines", min=1, help="Only the last lines."),
) -> None:
    """Print what a stage printed when it last ran."""
    import sys

    from ..commands.logs import read_log
    from ..commands.session import Request, Session

    with Session(Request(os.getcwd())) as session:
        pieces = read_log(session, stage, lines=lines, follow=follow)
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


def fingerprint_show(targets: Targets = None, as_json: Json = False) -> None:
    """Print all that goes into a stage's fingerprint: code, params, deps, environment."""
    from ..commands.fingerprints import show
    from ..commands.session import Request, Session

    with Session(Request(os.getcwd())) as session:
        shown = show(session, tuple(targets or ()))
    if as_json:
        say_json({"stages": shown})
        return
    for data in shown:
        _print_fingerprint(data)


def _print_fingerprint(data) -> None:  # type: ignore[no-untyped-def]
    say(f"{data['stage']}  {data['key'] or '(a dep is missing)'}")
    say(f"  {'entry' if 'entry' in data else 'cmd'}: {data.get('entry') or data.get('cmd')}")
    if data["wdir"] != ".":
        say(f"  wdir: {data['wdir']}")
    for title in ("binding", "params", "deps", "env", "packages", "observed"):
        entries = {name: value for name, value in (data.get(title) or {}).items() if value != {}}
        if entries:
            say(f"  {title}:")
            for name, value in entries.items():
                say(f"    {name or '(inline)'}: {value}")
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
    from ..commands.session import Request, Session

    with Session(Request(os.getcwd())) as session:
        reset(session)
    note("cached fingerprints forgotten")
