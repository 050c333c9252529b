"""The record of a stage in a DVC project, as a Pivot project would have written it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ..model import Reason, Stage, StageRecord
from ..plan import Evidence

_Changed = Collection[tuple[str, str]]
_Params = Mapping[str, Mapping[str, Any]]


def carried(
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
