"""Options that several commands share, each with one name and one meaning."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

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


_NEGATIVE = re.compile(r"-\.?\d")


class TakesNumbers(TyperCommand):
    """A command whose arguments may be numbers below zero; all its options are flags."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" not in args and any(map(_NEGATIVE.match, args)):
            flags = [word for word in args if word[:1] == "-" and not _NEGATIVE.match(word)]
            args = [*flags, "--", *(word for word in args if word not in flags)]
        return list(super().parse_args(ctx, args))


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
