"""`history`: what ran when, why and how long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, Markdown, choose_one, complete_stage
from .output import say, say_json, say_table, seconds_text

if TYPE_CHECKING:
    from ..run.history import Past

_SHOWN = 20

Stages = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[STAGE]...",
        help="Stages, groups, or globs (fit@*).",
        show_default=False,
        autocompletion=complete_stage,
    ),
]
Most = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--lines",
        min=1,
        metavar="N",
        help="Only the last N (20; JSON: all).",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("history")(history)


def history(
    stages: Stages = None, lines: Most = None, as_json: Json = False, markdown: Markdown = False
) -> None:
    """Show what ran when, why, and how long: the newest first."""
    from ..commands import history as use_case

    choose_one({"--json": as_json, "--md": markdown})
    most = lines or (None if as_json else _SHOWN)
    found = use_case.history(os.getcwd(), tuple(stages or ()), most=most)
    if as_json:
        say_json({"entries": [use_case.past_data(past) for past in found]})
        return
    if not found and not markdown:
        say("Nothing has run in this work tree yet.")
        return
    rows = [[_when(past), past.stage, past.status, _took(past), _why(past)] for past in found]
    say_table(rows, ["when", "stage", "status", "took", "why"], markdown=markdown)


def last_run(root: str, stage: str) -> str | None:
    """One line on how a stage last ended; None where that is not known."""
    from ..commands.history import last_of

    past = last_of(root, stage)
    if past is None:
        return None
    took = f" in {_took(past)}" if past.status == "ran" else ""
    error = f": {_first_line(past.error)}" if past.error else ""
    cut_off = {"killed": "was killed", "interrupted": "was interrupted"}
    what = cut_off.get(past.status, past.status)
    return f"{stage} {what}{took} on {_when(past)}{error}"


def _when(past: Past) -> str:
    from ..commands.history import moment

    return moment(past).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _took(past: Past) -> str:
    return "-" if past.seconds is None or past.status == "restored" else seconds_text(past.seconds)


def _why(past: Past) -> str:
    from ..model import Reason
    from .wording import brief

    if past.status in ("failed", "killed") and past.error:
        return _first_line(past.error)
    reasons = [
        Reason(r.get("kind", "forced"), str(r.get("subject")), r.get("old"), r.get("new"))
        for r in past.reasons
    ]
    return brief(reasons)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
