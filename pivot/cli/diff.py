"""`diff`: what differs between two versions: artifacts, and what is in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from .options import InProject, Json, Markdown, choose_one
from .output import note, say, say_json, say_table, styled
from .reviews import Fetch, OnlyThese, spread
from .tables import ROWS, FileView, say_file_diff

if TYPE_CHECKING:
    from ..commands.differences import Artifacts, Question
    from ..commands.versions import Versions
    from ..diff import Difference

_PATHS = "pivot.paths"
_COLOURS = {"added": "green", "deleted": "red", "renamed": "green", "modified": "yellow"}

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[A] [B] [-- PATH...]",
        help="Revisions (HEAD and the working tree), then paths.",
        show_default=False,
    ),
]
ShowHash = Annotated[bool, typer.Option("--show-hash", help="Show hashes.")]
HideMissing = Annotated[
    bool, typer.Option("--hide-missing", help="Leave out what is not in the cache.")
]
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code", help="End with 1 where something differs, 2 where that is unknown."
    ),
]
Key = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="COLUMN",
        help="Match rows by this column, or by several (a,b), not by position.",
        show_default=False,
    ),
]
OnlySummary = Annotated[bool, typer.Option("--summary", help="Of files only the numbers.")]
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", min=0, help="Rows to show; 0 shows all.")
]
Interactive = Annotated[
    bool, typer.Option("-i", "--tui", help="Look at a table's differences interactively.")
]


class _TakesPaths(TyperCommand):
    """A command that is told which words stood after `--`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[_PATHS] = args[at + 1 :]
            args = args[:at]
        return list(super().parse_args(ctx, spread(args)))


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("diff", cls=_TakesPaths)(diff)


def diff(
    context: typer.Context,
    words: Words = None,
    targets: OnlyThese = None,
    as_json: Json = False,
    markdown: Markdown = False,
    show_hash: ShowHash = False,
    hide_missing: HideMissing = False,
    exit_code: ExitCode = False,
    key: Key = None,
    summary: OnlySummary = False,
    limit: Limit = ROWS,
    interactive: Interactive = False,
    fetch: Fetch = False,
    project: InProject = None,
) -> None:
    """Compare two versions: the artifacts that differ, or what differs in files."""
    from ..commands.differences import compare_artifacts, names_files, read_words
    from ..commands.session import Request
    from ..commands.versions import NO_COMMIT, WORKSPACE, opened_versions
    from ..errors import raise_all

    choose_one({"--json": as_json, "--md": markdown, "--tui": interactive})
    view = FileView(as_json, markdown, summary, limit)
    keys = [name for text in key or () for name in text.split(",")]
    only_files = {
        "--key COLUMN": bool(keys),
        "--summary": summary,
        "--tui": interactive,
        "--fetch": fetch,
    }
    revision = words[0] if words else WORKSPACE
    with opened_versions(Request(os.getcwd()), revision, project) as versions:
        cwd = versions.cwd
        if versions.project.repository.head() is None:
            note(NO_COMMIT)
            if as_json:
                say_json({})
            return
        question = read_words(versions, words or (), context.meta.get(_PATHS))
        if names_files(question, [name for name, given in only_files.items() if given]):
            differs = _say_files(
                versions, question, keys, view, interactive=interactive, fetch=fetch
            )
            for remark in dict.fromkeys([*question.old.notes, *question.new.notes]):
                note(remark)
            if exit_code and differs:
                raise typer.Exit(1)
            return
        found = compare_artifacts(versions, question, tuple(targets or ()))
    for remark in found.notes:
        note(remark)
    missing = question.new.commit is None and not hide_missing
    if as_json:
        say_json(found.data(hashes=show_hash, missing=missing))
    elif markdown:
        _say_markdown(found, show_hash, missing)
    else:
        _say_text(found, show_hash, missing, cwd)
    raise_all(found.lacks)
    if exit_code and found.found:
        raise typer.Exit(1)


def _say_files(
    versions: Versions,
    question: Question,
    key: list[str],
    view: FileView,
    *,
    interactive: bool,
    fetch: bool,
) -> bool:
    """Show how each file differs; whether any does."""
    from ..commands.tables import file_diff, sources_of
    from .browser import browse

    several = len(question.paths) > 1
    if several and (interactive or view.as_json):
        from ..errors import PivotError

        raise PivotError("--tui and --json take one file", hint="name one after `--`")
    if several:  # all of them are there, before anything is said of one
        for path in question.paths:
            sources_of(versions, question.old, question.new, path, fetch=fetch)
    differs = False
    for position, path in enumerate(question.paths):
        with file_diff(versions, question.old, question.new, path, key, fetch=fetch) as found:
            differs |= found.differs
            if interactive:
                browse(found, view)
                continue
            if position and not view.as_json:
                say()
            say_file_diff(found, view)
    return differs


def _groups(found: Artifacts, missing: bool) -> list[tuple[str, tuple[Difference, ...]]]:
    from ..commands.differences import KINDS, MISSING

    groups = [(kind, getattr(found.found, kind)) for kind in KINDS]
    return [*groups, (MISSING, found.missing)] if missing else groups


def _say_markdown(found: Artifacts, show_hash: bool, missing: bool) -> None:
    rows = [
        [kind, *([_hash(one)] if show_hash else []), _path(one), _size(found, one)]
        for kind, group in _groups(found, missing)
        for one in group
    ]
    header = ["Status", *(["Hash"] if show_hash else []), "Path", "Size"]
    say_table(rows, header, markdown=True)


def _say_text(found: Artifacts, show_hash: bool, missing: bool, cwd: str) -> None:
    import sys

    counts = []
    for kind, group in _groups(found, missing):
        if not group:
            continue
        say(styled(f"{kind.capitalize()}:", _COLOURS.get(kind, "yellow"), sys.stdout))
        width = max(len(_path(one, cwd)) for one in group)
        for one in group:
            head = f"{_hash(one)}  " if show_hash else ""
            say(f"    {head}{_path(one, cwd):<{width}}  {_size(found, one)}".rstrip())
        say()
        files = sum(not one.is_folder for one in group)
        counts += [f"{files} {kind}"] if files else []
    if counts:
        say(f"files summary: {', '.join(counts)}")


def _path(one: Difference, cwd: str = ".") -> str:
    """A path as it is seen from `cwd`, so that it can be given back to `diff` there."""
    from ..commands.differences import shown
    from ..tree import relative

    path = shown(relative(one.path, cwd), one.is_folder)
    if one.former is None:
        return path
    return f"{shown(relative(one.former, cwd), one.is_folder)} -> {path}"


def _hash(one: Difference) -> str:
    sides = [digest.value[:8] for digest in (one.old, one.new) if digest is not None]
    return "..".join(dict.fromkeys(sides)) or "-"


def _size(found: Artifacts, one: Difference) -> str:
    from .meter import size_text

    sizes = [found.size(digest) for digest in (one.old, one.new) if digest is not None]
    known = [size_text(size) for size in sizes if size is not None]
    return " -> ".join(dict.fromkeys(known))
