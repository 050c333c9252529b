"""`list` and `dag`: the stages of a project, and how they hang together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import typer

from .opening import opened
from .options import InProject, Json, Markdown, Rev, Targets, choose_one
from .output import note, say, say_json, say_table

if TYPE_CHECKING:
    from ..digest import Digest
    from ..errors import PivotError
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
    """List the stages, or with the URL or folder of another repository its artifacts."""
    from ..commands.listing import list_stages, stage_data
    from ..errors import PivotError
    from ..graph import Selection

    choose_one({"--json": as_json, "--md": markdown})
    choose_one({"--json": as_json, "--deps": deps})
    if targets and len(targets) == 1 and _is_repository(targets[0]):
        choose_one({"REPO": True, "--deps": deps})
        _list_other(targets[0], rev, as_json=as_json, markdown=markdown)
        return
    try:
        with opened(partial=True, rev=rev, folder=project) as session:
            selection = Selection(tuple(targets or ()), session.cwd, single=True)
            stages, records = list_stages(session, selection)
            if as_json:
                say_json({"stages": [*map(stage_data, stages), *records]})
            elif deps or markdown:
                _print_table(stages, markdown=markdown)
            else:
                _print_lines(stages, records if targets else [])
    except PivotError as error:
        if not targets or len(targets) > 1 or not _is_elsewhere(targets[0], error):
            raise
        _list_other(targets[0], rev, as_json=as_json, markdown=markdown)  # says why it is none


def _is_repository(target: str) -> bool:
    """Whether a target is another git repository: a URL, or a folder that is one."""
    if "://" in target or target.startswith("git@"):
        return True
    if not os.path.isdir(target):
        return False
    is_bare = all(os.path.exists(os.path.join(target, name)) for name in ("HEAD", "objects"))
    is_one = is_bare or os.path.lexists(os.path.join(target, ".git"))
    return is_one and not _is_around_us(target)


def _is_elsewhere(target: str, error: PivotError) -> bool:
    """Whether a target that ended in an error is a folder that no project here has to do with."""
    from ..errors import GraphError
    from ..project import find_root

    if not os.path.isdir(target) or _is_around_us(target):
        return False
    root = find_root(os.getcwd())
    if root is None:
        return True
    inside = os.path.relpath(os.path.realpath(target), os.path.realpath(root))
    return isinstance(error, GraphError) and inside.startswith("..")


def _is_around_us(folder: str) -> bool:
    return os.path.realpath(folder) in (os.getcwd(), *_folders_above(os.getcwd()))


def _folders_above(folder: str) -> list[str]:
    found = []
    while os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
        found.append(folder)
    return found


def _list_other(url: str, rev: str | None, *, as_json: bool, markdown: bool) -> None:
    from ..commands.importing import artifact_data, list_artifacts

    artifacts, commit, shown = list_artifacts(os.getcwd(), url, rev)
    if as_json:
        data = [artifact_data(artifact) for artifact in artifacts]
        say_json({"repository": shown, "commit": commit, "artifacts": data})
        return
    rows = [
        [item.path + ("/" if item.is_folder else ""), _size_of(item.digest), item.owner or ""]
        for item in artifacts
    ]
    if rows or markdown:
        say_table(rows, ["artifact", "size", "made by"], markdown=markdown)
    else:
        note(f"{shown} has no stages and tracks no data at {commit[:8]}")


def _size_of(digest: Digest | None) -> str:
    from .meter import size_text

    return "" if digest is None or digest.size is None else size_text(digest.size)


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
