"""`track` and `untrack`: data with a record of its own beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..config.reserved import reserved
from ..errors import GraphError, PivotError, StoreError, did_you_mean
from ..lockfile.data_records import new_record_data
from ..lockfile.record_text import record_text
from ..model import TrackedFile
from ..run.tracked import TrackedData, write_record
from ..tree import is_within
from .session import Session


@dataclass(frozen=True, slots=True)
class Tracked:
    """One artifact that was put under tracking, or looked at again."""

    path: str
    record: str
    changed: bool


def track(session: Session, paths: tuple[str, ...], *, desc: str | None = None) -> list[Tracked]:
    """Store data and write a record for each path, or renew it. Raises PivotError, before any.

    Git ignores the data from then on, and tracks the record.
    """
    space = session.space
    artifacts = [session.artifact(path.rstrip("/") or path) for path in paths]
    known = {file.path: file for file in space.pipeline.tracked}
    for artifact in artifacts:
        _check(session, artifact, known)
    if space.project.git is not None:
        space.project.gitignore.refuse_tracked(artifacts)
    data = TrackedData(space)
    done: list[Tracked] = []
    written: list[str] = []
    for artifact in artifacts:
        file = known.get(artifact)
        if file is not None:
            changed = data.state(file).state != "fresh"
            if changed:
                data.record(file)
            else:
                data.store(artifact)
            record = file.name
        else:
            record = f"{artifact}{session.record_ending}"
            digest = data.store(artifact)
            content = new_record_data(artifact, record, digest, desc)
            write_record(space.project.root, record, record_text(content))
            changed = True
        if changed:
            written.append(record)
        done.append(Tracked(artifact, record, changed))
    written += space.project.gitignore.add(artifacts)
    session.stage_files(written)
    return done


def _check(session: Session, artifact: str, known: dict[str, TrackedFile]) -> None:
    space = session.space
    if not os.path.lexists(space.absolute(artifact)):
        raise PivotError(f"'{artifact}' does not exist")
    check_place(session, artifact, known)


def check_place(session: Session, artifact: str, known: Mapping[str, TrackedFile]) -> None:
    """Raise PivotError where data at a path could not be tracked: outside, made by a stage, ..."""
    space = session.space
    if artifact == ".." or artifact.startswith(("../", "/")) or "://" in artifact:
        raise PivotError(
            f"'{artifact}' is not a file or folder inside the project",
            hint="move it into the project",
        )
    what = reserved(artifact, space.pipeline.files, as_dvc=session.project.mode == "dvc")
    if what is not None:
        raise PivotError(
            f"'{artifact}' cannot be tracked: it is {what}",
            hint="data has a place of its own",
        )
    made = space.graph.maker_of(artifact)
    if made is not None:
        raise GraphError(
            f"'{artifact}' is made by stage '{made[1]}'",
            hint=f"`pivot commit {made[1]}` accepts what is there as its result",
        )
    below = [out for out in space.graph.producer if is_within(out, artifact)]
    if below:
        raise GraphError(f"'{artifact}' holds '{below[0]}', which a stage makes")
    for path, file in known.items():
        if path != artifact and (is_within(path, artifact) or is_within(artifact, path)):
            raise GraphError(
                f"'{artifact}' and '{path}', which {file.name} tracks, lie one within the other",
                hint=f"`pivot track {path}` records what changed in it",
            )


def untrack(session: Session, targets: tuple[str, ...]) -> list[TrackedFile]:
    """Remove records; the data stays where it is, as independent copies. Raises PivotError."""
    from ..store import unprotect

    space = session.space
    found: list[TrackedFile] = []
    for target in targets:
        files = tracked_by(session, target)
        if not files:
            raise PivotError(f"no record tracks '{target}'", hint=meant(session, target))
        found += files
    for name in dict.fromkeys(file.name for file in found):
        try:
            os.unlink(space.absolute(name))
        except OSError as error:
            raise StoreError(f"cannot remove '{name}': {error.strerror}") from None
    for file in found:
        place = space.absolute(file.path)
        if os.path.lexists(place):
            unprotect(place)
    space.project.gitignore.remove([file.path for file in found])
    return found


def tracked_by(session: Session, target: str) -> list[TrackedFile]:
    """The tracked data that a target names: by its record, by its path, or by a folder above."""
    artifact = session.artifact(target.rstrip("/") or target)
    tracked = session.space.pipeline.tracked
    exact = [file for file in tracked if artifact in (file.name, file.path)]
    return exact or [file for file in tracked if is_within(file.path, artifact)]


def meant(session: Session, target: str) -> str | None:
    """Which tracked data was probably meant by a target that names none, as a hint."""
    names = [name for file in session.space.pipeline.tracked for name in (file.name, file.path)]
    return did_you_mean(session.artifact(target), names)
