"""Options that several commands share, each with one name and one meaning."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

import typer

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGETS]...",
        help="Stages, file:stage, groups, globs (fit@*), or artifacts (their stage).",
        show_default=False,
        autocompletion=lambda incomplete: complete_stage(incomplete),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Markdown = Annotated[bool, typer.Option("--md", help="Print Markdown.")]
SetParam = Annotated[
    list[str] | None,
    typer.Option(
        "-S",
        "--set-param",
        metavar="[FILE:]KEY=VALUE",
        help="Use another value for a parameter; no file is changed.",
        show_default=False,
    ),
]

Rev = Annotated[
    str | None,
    typer.Option(
        "--rev",
        metavar="REV",
        help="As committed at a branch, tag or commit: from git alone.",
        show_default=False,
    ),
]
InProject = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="FOLDER",
        help="With a revision: the project's folder in the repository (for bare clones).",
        show_default=False,
    ),
]


def complete_stage(incomplete: str) -> list[str]:
    """Stage names for shell completion; nothing where the project does not load."""
    from ..commands.session import Request, Session
    from ..errors import PivotError

    try:
        with Session(Request(os.getcwd(), partial=True)) as session:
            names = list(session.space.pipeline.stages)
    except PivotError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def choose_one(flags: Mapping[str, bool]) -> None:
    """Raise PivotError where more than one of the options is given."""
    given = [name for name, is_given in flags.items() if is_given]
    if len(given) > 1:
        from ..errors import PivotError

        raise PivotError(f"{' and '.join(given)} cannot be combined", hint="give one of them")
