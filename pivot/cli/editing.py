"""`freeze` and `unfreeze`: stages that stay as they are."""

from __future__ import annotations

from typing import Annotated

import typer

from .opening import opened
from .options import complete_stage
from .output import note, say

Stages = Annotated[
    list[str],
    typer.Argument(
        metavar="STAGE...",
        help="Stages, as `repro` takes them.",
        autocompletion=complete_stage,
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("freeze")(freeze)
    app.command("unfreeze")(unfreeze)


def freeze(stages: Stages) -> None:
    """Keep stages from running: writes `frozen: true` into their definitions."""
    _set(stages, frozen=True)


def unfreeze(stages: Stages) -> None:
    """Let stages run again: takes `frozen` out of their definitions."""
    _set(stages, frozen=False)


def _set(stages: list[str], *, frozen: bool) -> None:
    from ..commands.edit import set_frozen

    word = "frozen" if frozen else "unfrozen"
    with opened(exclusive=True, partial=True) as session:
        changed = set_frozen(session, tuple(stages), frozen)
    for stage in changed:
        note(f"{word} {stage}")
    if not changed:
        say(f"Already {word}.")
