"""What makes a stage of a dvc.yaml stale: DVC's own rules, and its code.

They differ from those of pivot.yaml on purpose, so that both tools agree: a dep or param that was
dropped does not count, values compare as Python compares them (`1`, `1.0` and `true` are equal),
and neither the working directory nor dropped outs matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Reason, Stage, StageRecord
from .comparison import code_changes, line_of, text_of
from .evidence import Evidence


def compare_as_dvc(stage: Stage, record: StageRecord, evidence: Evidence) -> list[Reason]:
    """What differs between the run that made `record` and a run now, apart from outs' bytes.

    A record without code is DVC's own: then listed scripts count by content.
    """
    old, new = record.key, evidence.key
    here = (stage.written_in, stage.line)
    reasons: list[Reason] = []
    if old.entry != new.entry:
        reasons.append(Reason("command", stage.name, text_of(old.entry), text_of(new.entry), *here))
    if new.code is not None:
        known = old.code is not None
        found = code_changes(record, evidence, here)
        reasons += [reason for reason in found if known or reason.kind != "code"]
    reasons += _param_changes(stage, record, evidence)
    reasons += _dep_changes(stage, record, evidence)
    return reasons


def _dep_changes(stage: Stage, record: StageRecord, evidence: Evidence) -> list[Reason]:
    now = dict(evidence.key.deps)
    if record.key.code is None:
        now.update({path: found for path, found in evidence.scripts.items() if found is not None})
    reasons = []
    for dep in stage.deps:
        then = record.key.deps.get(dep.path)
        found = now.get(dep.path)
        unknown = dep.path in evidence.uncertain or dep.path in evidence.absent
        # whatever a new one is, it was not there before
        changed = then is None or (not unknown and dep.path in now and found != then)
        if changed:
            reasons.append(
                Reason(
                    "dep",
                    dep.path,
                    then.short if then else None,
                    found.short if found else None,
                    stage.written_in,
                    line_of(stage, dep.path),
                )
            )
    return reasons


_MISSING = object()


def _param_changes(stage: Stage, record: StageRecord, evidence: Evidence) -> list[Reason]:
    reasons = []
    for file in stage.params_files:
        then = record.key.params.get(file.path, {})
        now = evidence.key.params.get(file.path, {})
        if file.keys is None:
            then, now = _whole(then), _whole(now)
            names = list(dict.fromkeys([*now, *then]))
        else:
            names = list(file.keys)
        for name in names:
            before, after = then.get(name, _MISSING), now.get(name, _MISSING)
            if before is not _MISSING and after is not _MISSING and _equal(before, after):
                continue
            reasons.append(
                Reason(
                    "params",
                    f"{file.path}:{name}",
                    None if before is _MISSING else before,
                    None if after is _MISSING else after,
                    file.path,
                    None,
                )
            )
    return reasons


def _whole(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of a file that is tracked whole, as a record or a reading has it under ''."""
    inner = values.get("", _MISSING)
    if inner is _MISSING:
        return values
    return inner if isinstance(inner, Mapping) else {}


def _equal(before: Any, after: Any) -> bool:
    # a lock has no tuples, and a Python params file may
    return bool(before == (list(after) if isinstance(after, tuple) else after))
