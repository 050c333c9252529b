"""`history`: what ran when, why and how long, as this work tree remembers it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from ..errors import PivotError, did_you_mean
from ..project import require_root
from ..run.history import Past, read_history


def history(cwd: str, targets: Sequence[str] = (), *, most: int | None = None) -> tuple[Past, ...]:
    """The newest first, at most so many: of all stages, or of those that `targets` name.

    A target is a stage's name, a group (`fit`), or a glob (`fit@*`); stages that are gone count.
    Raises PivotError for one that names nothing which ever ran here.
    """
    found = read_history(require_root(cwd))
    for target in targets:
        if not any(_is_meant(past.stage, target) for past in found):
            raise PivotError(
                f"'{target}' has not run in this work tree",
                hint=did_you_mean(target, {past.stage for past in found})
                or "`pivot history` shows what has",
            )
    chosen = [
        past for past in found if not targets or any(_is_meant(past.stage, t) for t in targets)
    ]
    chosen.reverse()
    return tuple(chosen[:most])


def last_of(root: str, stage: str) -> Past | None:
    """How the stage last ended, other than by being restored; None where that is not known."""
    runs = (past for past in reversed(read_history(root)) if past.stage == stage)
    return next((past for past in runs if past.status != "restored"), None)


def moment(past: Past) -> datetime:
    """When it began."""
    return datetime.fromtimestamp(past.at, UTC)


def past_data(past: Past) -> dict[str, Any]:
    """As `history --json` prints it."""
    return {
        "stage": past.stage,
        "status": past.status,
        "started": moment(past).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "seconds": past.seconds,
        "reasons": [
            {
                "kind": r.get("kind"),
                "subject": r.get("subject"),
                "old": r.get("old"),
                "new": r.get("new"),
            }
            for r in past.reasons
        ],
        "error": past.error,
        "run": past.run,
    }


def _is_meant(stage: str, target: str) -> bool:
    if target in (stage, stage.partition("@")[0]):
        return True
    return any(sign in target for sign in "*?[") and fnmatchcase(stage, target)
