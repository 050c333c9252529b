"""What changed in a definition: its source now against the version that a lock was made from."""

from __future__ import annotations

import difflib

from ..model import Reason
from ..source import excerpt
from .session import Session


def definition_diff(session: Session, stage: str, reason: Reason) -> str | None:
    """A unified diff of the definition that `reason` (of a stage) names.

    The other side is the file at the commit that last wrote the stage's lock, or at HEAD where
    the lock is not committed. None where git has no such version, where the texts are equal, or
    where the reason names no definition.
    """
    if reason.kind != "code" or reason.file is None or session.project.git is None:
        return None
    repository = session.project.repository
    wrote = repository.commits_of(session.space.locks.path(stage))
    revision = wrote[0] if wrote else repository.head()
    now = session.project.tree.read(reason.file)
    then = repository.tree(revision).read(reason.file) if revision else None
    if revision is None or then is None:
        return None
    name = reason.subject.partition(":")[2]
    old, new = _part(then, reason.file, name), _part(now or b"", reason.file, name)
    lines = difflib.unified_diff(
        old.splitlines(),
        new.splitlines(),
        f"{reason.file} at {revision[:8]}",
        f"{reason.file} now",
        lineterm="",
    )
    return "\n".join(lines) or None


def _part(data: bytes, file: str, name: str) -> str:
    """The definition's text; all of the file for what is no definition (effects, scripts)."""
    if name.startswith("<") or not file.endswith(".py"):
        return data.decode("utf-8", "replace")
    return excerpt(data, file, name) or ""
