"""`list` and `dag`: the stages of a project, and how they hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from .opening import opened
from .options import InProject, Json, Markdown, Rev, Targets, choose_one
from .output import say, say_json, say_table

if TYPE_CHECKING:
    from ..model import Stage


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("list")(list_)
    app.command("dag")(dag)


def list_(
    targets: Targets = None,
    deps: bool = typer.Option(False, "--deps", help="Show deps and outs."),
    rev: Rev = None,
    project: InProject = None,
    as_json: Json = False,
    markdown: Markdown = False,
) -> None:
    """List the stages."""
    from ..commands.listing import list_stages, stage_data
    from ..graph import Selection

    choose_one({"--json": as_json, "--md": markdown})
    choose_one({"--json": as_json, "--deps": deps})
    with opened(partial=True, rev=rev, folder=project) as session:
        selection = Selection(tuple(targets or ()), session.cwd, single=True)
        stages, records = list_stages(session, selection)
        if as_json:
            say_json({"stages": [*map(stage_data, stages), *records]})
        elif deps or markdown:
            _print_table(stages, markdown=markdown)
        else:
            _print_lines(stages, records if targets else [])


def _print_table(stages: list[Stage], *, markdown: bool) -> None:
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


def _print_lines(stages: list[Stage], records: list[dict[str, Any]]) -> None:
    from ..commands.listing import stage_data

    lines = []
    for stage in stages:
        entry = stage_data(stage)
        lines.append((stage.name, stage.desc or entry["python"] or _first_line(entry["cmd"])))
    for record in records:
        paths = ", ".join(out["path"] for out in record["outs"])
        lines.append((record["name"], record["desc"] or f"tracks {paths}"))
    width = max((len(name) for name, _ in lines), default=0)
    for name, text in lines:
        say(f"{name:<{width}}  {text}".rstrip())


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
    rev: Rev = None,
    project: InProject = None,
    as_json: Json = False,
) -> None:
    """Print the graph of stages: a tree in the direction of the data."""
    from ..commands import dag as use_case
    from ..graph import Selection

    choose_one({"--dot": dot, "--mermaid": mermaid, "--md": markdown, "--json": as_json})
    with opened(partial=True, rev=rev, folder=project) as session:
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
