"""`params show|diff` and `metrics show|diff`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from .options import InProject, Json, Markdown, choose_one
from .output import note, say_json, say_table

if TYPE_CHECKING:
    from ..commands.reviews import Kind, Selected

#: Digits after the point of metrics in tables.
_PRECISION = 5

Old = Annotated[
    str | None,
    typer.Argument(
        metavar="[A]", help="The old revision (HEAD), or a range A..B.", show_default=False
    ),
]
New = Annotated[
    str | None,
    typer.Argument(metavar="[B]", help="The new one (the working tree).", show_default=False),
]
OnlyThese = Annotated[
    list[str] | None,
    typer.Option(
        "--targets",
        metavar="PATH...",
        help="Only these files, declared or not.",
        show_default=False,
    ),
]
Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Only these files or folders.", show_default=False),
]
Branches = Annotated[bool, typer.Option("-a", "--all-branches", help="Of all branches.")]
Tags = Annotated[bool, typer.Option("-T", "--all-tags", help="Of all tags.")]
Commits = Annotated[bool, typer.Option("-A", "--all-commits", help="Of all commits.")]
Revisions = Annotated[
    list[str] | None,
    typer.Option("--rev", metavar="REV", help="Of this revision too.", show_default=False),
]
Recursive = Annotated[
    bool, typer.Option("-R", "--recursive", help="Folders among the targets (always so).")
]
All = Annotated[bool, typer.Option("--all", help="Show what did not change, too.")]
Deps = Annotated[bool, typer.Option("--deps", help="Only what stages track.")]
Fetch = Annotated[bool, typer.Option("--fetch", help="Ask the remote for what no cache has.")]
NoPath = Annotated[bool, typer.Option("--no-path", help="Leave the files' column out.")]
Precision = Annotated[
    int | None,
    typer.Option("--precision", metavar="N", min=0, help="Round to N digits after the point (5)."),
]


class TakesTargets(TyperCommand):
    """A command whose `--targets` takes all words up to the next option, as DVC's does."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return list(super().parse_args(ctx, spread(args)))


def spread(words: list[str]) -> list[str]:
    """`--targets a b` as `--targets a --targets b`."""
    found: list[str] = []
    is_inside = False
    for word in words:
        if word.startswith("-"):
            is_inside = word == "--targets"
            if not is_inside:
                found.append(word)
        else:
            found += ["--targets", word] if is_inside else [word]
    return found


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    params = typer.Typer(help="Show and compare params.", no_args_is_help=True)
    params.command("show")(params_show)
    params.command("diff", cls=TakesTargets)(params_diff)
    app.add_typer(params, name="params")
    metrics = typer.Typer(help="Show and compare metrics.", no_args_is_help=True)
    metrics.command("show")(metrics_show)
    metrics.command("diff", cls=TakesTargets)(metrics_diff)
    app.add_typer(metrics, name="metrics")


def params_show(
    targets: Paths = None,
    all_branches: Branches = False,
    all_tags: Tags = False,
    all_commits: Commits = False,
    rev: Revisions = None,
    deps: Deps = False,
    fetch: Fetch = False,
    as_json: Json = False,
    markdown: Markdown = False,
    precision: Precision = None,
    project: InProject = None,
) -> None:
    """Show params of the working tree, or of revisions."""
    from ..commands.reviews import Scope, Selected

    selected = Selected(all_branches, all_tags, all_commits, tuple(rev or ()))
    scope = Scope(tuple(targets or ()), deps, fetch, project)
    _show("params", scope, selected, as_json, markdown, precision)


def metrics_show(
    targets: Paths = None,
    all_branches: Branches = False,
    all_tags: Tags = False,
    all_commits: Commits = False,
    rev: Revisions = None,
    _: Recursive = False,
    fetch: Fetch = False,
    as_json: Json = False,
    markdown: Markdown = False,
    precision: Precision = None,
    project: InProject = None,
) -> None:
    """Show metrics of the working tree, or of revisions."""
    from ..commands.reviews import Scope, Selected

    selected = Selected(all_branches, all_tags, all_commits, tuple(rev or ()))
    digits = precision or _PRECISION
    scope = Scope(tuple(targets or ()), fetch=fetch, folder=project)
    _show("metrics", scope, selected, as_json, markdown, digits)


def _show(
    kind: Kind,
    scope: Any,
    selected: Selected,
    as_json: bool,
    markdown: bool,
    precision: int | None,
) -> None:
    from ..commands.reviews import show
    from ..commands.session import Request
    from ..errors import raise_all

    choose_one({"--json": as_json, "--md": markdown})
    shown = show(Request(os.getcwd()), kind, scope, selected)
    for remark in shown.notes:
        note(remark)
    header, rows = shown.rows(precision)
    if not selected.has_revisions:
        header, rows = header[1:], [row[1:] for row in rows]
    if as_json:
        say_json(shown.data)
    elif markdown or not shown.is_told_whole:
        say_table(rows, header, markdown=markdown)
    raise_all(shown.lacks)


def params_diff(
    old: Old = None,
    new: New = None,
    targets: OnlyThese = None,
    unchanged: All = False,
    deps: Deps = False,
    fetch: Fetch = False,
    as_json: Json = False,
    markdown: Markdown = False,
    no_path: NoPath = False,
    project: InProject = None,
) -> None:
    """Compare params of two revisions, or of one and the working tree."""
    from ..commands.reviews import Scope, compare
    from ..commands.session import Request

    choose_one({"--json": as_json, "--md": markdown})
    scope = Scope(tuple(targets or ()), deps, fetch, project)
    words = [word for word in (old, new) if word is not None]
    found = compare(Request(os.getcwd()), "params", scope, words, unchanged=unchanged)
    _say_compared(found, ["Path", "Param", *found.labels], as_json, markdown, no_path, None)


def metrics_diff(
    old: Old = None,
    new: New = None,
    targets: OnlyThese = None,
    unchanged: All = False,
    _: Recursive = False,
    fetch: Fetch = False,
    as_json: Json = False,
    markdown: Markdown = False,
    no_path: NoPath = False,
    precision: Precision = None,
    project: InProject = None,
) -> None:
    """Compare metrics of two revisions, or of one and the working tree."""
    from ..commands.reviews import Scope, compare
    from ..commands.session import Request

    choose_one({"--json": as_json, "--md": markdown})
    scope = Scope(tuple(targets or ()), fetch=fetch, folder=project)
    words = [word for word in (old, new) if word is not None]
    found = compare(Request(os.getcwd()), "metrics", scope, words, unchanged=unchanged)
    header = ["Path", "Metric", *found.labels, "Change"]
    _say_compared(found, header, as_json, markdown, no_path, precision or _PRECISION)


def _say_compared(
    found: Any,
    header: list[str],
    as_json: bool,
    markdown: bool,
    no_path: bool,
    precision: int | None,
) -> None:
    from ..errors import raise_all

    for remark in found.notes:
        note(remark)
    rows = [row[: len(header)] for row in found.rows(precision)]
    if no_path:
        header, rows = header[1:], [row[1:] for row in rows]
    if as_json:
        say_json(found.data)
    elif rows or markdown:
        say_table(rows, header, markdown=markdown)
    raise_all(found.lacks)  # what could be read is shown; the exit code tells
