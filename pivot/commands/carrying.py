"""The records of stages in a DVC project, as a Pivot project would have written them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from .. import lockfile
from ..errors import SourceError
from ..model import Reason, Stage, StageRecord
from ..plan import Evidence
from ..run.locks import Locks
from ..run.survey import Survey
from ..run.workspace import Workspace
from .session import Session

_Changed = Collection[tuple[str, str]]
_Params = Mapping[str, Mapping[str, Any]]


def carried_locks(session: Session) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Pivot's locks for what dvc.lock says, and the names of stages that are stale, and stay so."""
    space = session.space
    survey = Survey(space, allow_missing=True)
    names = [migrated_name(name) for name in space.graph.order]
    paths = lockfile.lock_paths(names)
    beside = Locks(session.project.tree, space.graph.order)
    written: dict[str, bytes] = {}
    stale: list[str] = []
    for name, new in zip(space.graph.order, names, strict=True):
        stage = space.graph.stages[name]
        record = space.locks.record(name)
        if record is None:
            continue
        made: StageRecord | None
        try:
            made, is_fresh = _carried(space, survey, stage)
        except SourceError:
            made, is_fresh = _unread(record, beside.record(name)), False
        if not is_fresh:
            stale.append(name)
        if made is not None:
            written[paths[new]] = lockfile.dumps(replace(made, stage=new)).encode()
    return written, tuple(stale)


def migrated_name(name: str) -> str:
    """What a stage of a DVC project is called once its pipeline is a pivot.yaml."""
    return name.replace("dvc.yaml:", "pivot.yaml:")


def _carried(space: Workspace, survey: Survey, stage: Stage) -> tuple[StageRecord, bool]:
    """The record of a stage in Pivot's terms, and whether it is fresh. Raises SourceError."""
    evidence = survey.gather(stage, {})
    record = evidence.record
    assert record is not None
    is_fresh = survey.judge(stage, evidence).state == "fresh"
    if space.locks.as_dvc(stage):
        melted = replace(stage, frozen=False)  # what differs of a frozen one is not told
        made = _in_our_terms(
            stage,
            record,
            evidence,
            counted=survey.counted_deps(stage),
            differences=survey.judge(melted, evidence).reasons,
        )
    else:
        made = record
    manifest = survey.manifest(stage)
    if manifest is not None and manifest.digest == made.key.code:
        space.tables.put(manifest)
    return made, is_fresh


def _unread(record: StageRecord, lock: StageRecord | None) -> StageRecord | None:
    """What is known of a stage whose code cannot be read: the lock that Pivot wrote, if it did."""
    return replace(lock, basis=None) if lock and lock.basis == record.basis else None


def _in_our_terms(
    stage: Stage,
    record: StageRecord,
    evidence: Evidence,
    *,
    counted: Collection[str],
    differences: Collection[Reason],
) -> StageRecord:
    """`record` in the terms of pivot.yaml, by which the stage is as stale as it was by DVC's.

    What did not differ stands as it is now, since DVC's rules pass over more than those of
    pivot.yaml: a dep that was dropped, `1` for `1.0`. What did stands as it was recorded. dvc.lock
    lists scripts too which the digest of the code judges: only `counted` deps are taken over.
    """
    changed = {(reason.kind, reason.subject) for reason in differences}
    then, now = record.key, evidence.key
    code = then.code
    if code is None and not any(("dep", path) in changed for path in evidence.scripts):
        code = now.code  # as DVC's entries without known code are judged
    known = {path: then.deps[path] for path in counted if path in then.deps}
    same = {path: digest for path, digest in now.deps.items() if ("dep", path) not in changed}
    made = {out.path: record.outs[out.path] for out in stage.outs if out.path in record.outs}
    key = replace(
        now,
        entry=then.entry,
        code=code,
        params=_params(stage, then.params, now.params, changed),
        deps={**known, **same},
        outs=tuple(sorted(made)),
    )
    return replace(record, key=key, outs=made, basis=None)


def _params(stage: Stage, then: _Params, now: _Params, changed: _Changed) -> _Params:
    """Values by file: as they are now, those in `changed` as they were."""
    found = dict(now)
    for file in stage.params_files:
        before, prefix = then.get(file.path, {}), f"{file.path}:"
        subjects = {text for kind, text in changed if kind == "params" and text.startswith(prefix)}
        if subjects and file.keys is None:
            found[file.path] = before
        elif subjects:
            same = {k: v for k, v in now.get(file.path, {}).items() if prefix + k not in subjects}
            found[file.path] = {k: v for k, v in before.items() if prefix + k in subjects} | same
    return found
