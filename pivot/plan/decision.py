"""Should a stage run, and why? In order: frozen, lost deps, always changed, no lock, key, outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..graph import Graph
from ..model import Action, Command, Decision, Reason, Stage, StageKey, StageRecord
from .comparison import compare, line_of, old_dep
from .dvc_rules import compare_as_dvc
from .evidence import Evidence


def decide(stage: Stage, evidence: Evidence) -> Decision:
    """Whether `stage` should run, in the order that the module names."""
    record = evidence.record
    key = None if evidence.uncertain or evidence.absent else evidence.key
    if stage.frozen and not evidence.forced:
        return _frozen(stage, evidence, key)
    reasons: list[Reason] = []
    if evidence.forced:
        reasons.append(Reason("forced", stage.name, file=stage.file, line=stage.line))
    if stage.always_changed or is_callback(stage):
        reasons.append(Reason("always", stage.name, file=stage.file, line=stage.line))
    if record is None:
        reasons.append(
            Reason("never-run", stage.name, evidence.lock_problem, file=stage.file, line=stage.line)
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
    missing = tuple(
        Reason("dep", path, old_dep(evidence.record, path), None, stage.file, line_of(stage, path))
        for path in paths
    )
    return Decision(stage.name, "unknown", "none", (*missing, *besides), None)


def _frozen(stage: Stage, evidence: Evidence, key: StageKey | None) -> Decision:
    action: Action = "none"
    if evidence.record is not None:
        lost = [
            digest
            for path, digest in evidence.record.outs.items()
            if evidence.outs.get(path) is None
        ]
        if lost and all(evidence.stored(digest) for digest in lost):
            action = "checkout"
    return Decision(stage.name, "fresh", action, (), key, ("frozen",))


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
    unrecorded = record.key.code is None and evidence.key.code is not None
    notes = ("code unrecorded",) if unrecorded and evidence.as_dvc else ()
    return Decision(stage.name, "fresh", action, (), key, notes)


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
        changed.append(
            Reason(
                "out",
                out.path,
                then.short if then else None,
                now.short if now else None,
                stage.file,
                out.line or stage.line,
            )
        )
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
