"""Should a stage run, and why? In order: frozen, lost deps, always changed, no lock, key, outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..digest import Digest
from ..graph import Graph
from ..model import (
    HELD,
    TO_FETCH,
    TO_RECORD,
    Action,
    Command,
    Decision,
    Out,
    Reason,
    Stage,
    StageKey,
    StageRecord,
)
from .comparison import compare, line_of, old_dep
from .dvc_rules import compare_as_dvc
from .evidence import Evidence


def decide(stage: Stage, evidence: Evidence) -> Decision:
    """Whether `stage` should run, in the order that the module names."""
    record = evidence.record
    key = None if evidence.uncertain or evidence.absent else evidence.key
    if stage.frozen:
        return _frozen(stage, evidence, key)
    reasons: list[Reason] = []
    if evidence.forced:
        reasons.append(Reason("forced", stage.name, file=stage.written_in, line=stage.line))
    if (stage.always_changed or is_callback(stage)) and not evidence.rested:
        reasons.append(Reason("always", stage.name, file=stage.written_in, line=stage.line))
    if record is None:
        reasons.append(
            Reason(
                "never-run",
                stage.name,
                evidence.lock_problem,
                file=stage.written_in,
                line=stage.line,
            )
        )
    else:
        differences = compare_as_dvc if evidence.as_dvc else compare
        reasons += differences(stage, record, evidence)
    if evidence.upstream and record is not None and not reasons:
        # these make it stale whatever those above it give
        reasons += _changed_outs(stage, evidence, record)[0]
    if evidence.nowhere:  # whatever else has changed, nothing can be done before it is there
        known = [r for r in reasons if r.kind != "dep" or r.old is not None or r.new is not None]
        return _without(stage, evidence, evidence.nowhere, known)
    reasons += [Reason("upstream", name) for name in evidence.upstream]
    if reasons:
        return Decision(stage.name, "stale", "run", tuple(reasons), key)
    if evidence.absent:
        return _without(stage, evidence, evidence.absent)
    assert record is not None  # its absence is a reason
    return _judge_outs(stage, evidence, record, key)


def _without(
    stage: Stage, evidence: Evidence, paths: Sequence[str], besides: Sequence[Reason] = ()
) -> Decision:
    """The decision about a stage whose deps at `paths` are missing; `besides` is what changed."""
    missing = _lost(stage, {path: old_dep(evidence.record, path) for path in paths})
    return Decision(stage.name, "unknown", "none", (*missing, *besides), None)


def below_unknown(decision: Decision, above: Sequence[str]) -> Decision:
    """`decision` about a stage that would be fresh, were it known what those `above` will give."""
    reasons = tuple(Reason("upstream", name, None, "unknown") for name in above)
    return replace(decision, state="unknown", action="none", reasons=reasons, key=None)


def _lost(stage: Stage, then: Mapping[str, str | None]) -> tuple[Reason, ...]:
    return tuple(
        Reason("dep", path, old, None, stage.written_in, line_of(stage, path))
        for path, old in then.items()
    )


def lacking(stage: Stage, decision: Decision, lost: Mapping[str, Digest | None]) -> Decision:
    """`decision` to run a stage for which the data at `lost` is not here, whose digests are known.

    It is as stale as it was; nothing is done about it.
    """
    missing = _lost(stage, {path: then.short if then else None for path, then in lost.items()})
    besides = (r for r in decision.reasons if r.kind != "dep" or r.subject not in lost)
    notes = (*decision.notes, TO_FETCH)
    return replace(decision, action="none", reasons=(*missing, *besides), notes=notes)


def _frozen(stage: Stage, evidence: Evidence, key: StageKey | None) -> Decision:
    """It is never run: fresh, but where its outs are nowhere or, to DVC, have become others."""
    record = evidence.record
    then = record.outs if record is not None else {}
    differences = compare_as_dvc if evidence.as_dvc else compare
    held = evidence.forced or (record is not None and differences(stage, record, evidence))
    notes = ("frozen", HELD) if held else ("frozen",)
    lost = [out for out in stage.outs if evidence.outs.get(out.path) is None and not out.resume]
    gone = [out for out in lost if out.path not in then or not evidence.stored(then[out.path])]
    if gone:
        reasons = tuple(_out_reason(stage, evidence, record, out) for out in gone)
        return Decision(stage.name, "unknown", "none", reasons, key, notes)
    if lost:
        return Decision(stage.name, "fresh", "checkout", (), key, notes)
    others = [out for out in stage.outs if evidence.outs.get(out.path) != then.get(out.path)]
    if others and evidence.as_dvc:
        reasons = tuple(_out_reason(stage, evidence, record, out) for out in others)
        told = () if evidence.absent else (TO_RECORD,)
        return Decision(stage.name, "stale", "none", reasons, key, (*notes, *told))
    return Decision(stage.name, "fresh", "none", (), key, notes)


def _out_reason(stage: Stage, evidence: Evidence, record: StageRecord | None, out: Out) -> Reason:
    then = record.outs.get(out.path) if record is not None else None
    now = evidence.outs.get(out.path)
    return Reason(
        "out",
        out.path,
        then.short if then else None,
        now.short if now else None,
        stage.written_in,
        out.line or stage.line,
    )


def is_callback(stage: Stage) -> bool:
    """DVC's rule: a command with neither deps nor outs is there for its effect."""
    return (
        isinstance(stage.entry, Command)
        and not stage.deps
        and not stage.params_files
        and not stage.params
    ) and not stage.outs


def _judge_outs(
    stage: Stage, evidence: Evidence, record: StageRecord, key: StageKey | None
) -> Decision:
    changed, action = _changed_outs(stage, evidence, record)
    if changed:
        return Decision(stage.name, "stale", "run", tuple(changed), key)
    notes: list[str] = []
    if evidence.as_dvc and record.key.code is None and evidence.key.code is not None:
        notes.append("code unrecorded")
    if evidence.lock_problem is not None:  # of the lock beside the record that was read
        notes.append(evidence.lock_problem)
    return Decision(stage.name, "fresh", action, (), key, tuple(notes))


def _changed_outs(
    stage: Stage, evidence: Evidence, record: StageRecord
) -> tuple[list[Reason], Action]:
    """The outs that are not as recorded, and what brings those back that are only missing."""
    changed: list[Reason] = []
    action: Action = "none"
    for out in stage.outs:
        then, now = record.outs.get(out.path), evidence.outs.get(out.path)
        if then == now if then is not None else not evidence.as_dvc:
            continue  # to DVC an out that its lock does not name has changed, there or not
        if then is not None and now is None and evidence.stored(then):
            action = "checkout"
            continue
        changed.append(_out_reason(stage, evidence, record, out))
    return changed, action


def plan(
    graph: Graph,
    names: Sequence[str],
    gather: Callable[[Stage, Mapping[str, Decision]], Evidence],
) -> dict[str, Decision]:
    """A decision for each of `names` (in dependency order), nothing being run.

    `gather` gives the evidence for a stage, seeing the decisions made so far.
    """
    decisions: dict[str, Decision] = {}
    for name in names:
        stage = graph.stages[name]
        decisions[name] = decide(stage, gather(stage, decisions))
    return decisions
