"""What a run tells while it goes on; `cli` renders it, `--json` prints it line by line."""

from __future__ import annotations

from typing import Final, Literal

from ..model import Reason, Status
from ..values import dataclass

EventKind = Literal[
    "run_started", "stage_started", "stage_output", "stage_finished", "run_finished"
]

#: The error of a stage, and of a run, that a signal ended.
INTERRUPTED: Final = "interrupted"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `seconds` is wall-clock time of the stage, or of the whole run.

    `text` holds a piece of a stage's output; `detail` the end of a failed stage's output;
    `notes` what the user should know beyond the status; `stages` what a run will consider.
    """

    event: EventKind
    stage: str | None = None
    status: Status | None = None
    seconds: float = 0.0
    reasons: tuple[Reason, ...] = ()
    error: str | None = None
    text: str = ""
    detail: str = ""
    log: str | None = None
    notes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    saved: float = 0.0  # seconds the run did not have to spend again, as far as known


class Stopped(Exception):
    """The run was told to stop by a signal; everything it had begun has been put back."""
