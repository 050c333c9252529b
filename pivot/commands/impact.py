"""`impact`: which stages one version makes stale relative to another, nothing being run.

The later version's pipeline, code, params and data are judged by the ordinary survey, against the
locks that the earlier version would have if it had just been reproduced (`run.reproduced`). So
what is affected is what `status` would call stale after checking out the later sources over the
earlier version's locks and results; what the earlier version itself had neglected is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Literal

from .. import lockfile
from ..config.discovery import RECORDS
from ..errors import PivotError
from ..graph import Graph
from ..model import Decision, OutKind, Problem, Reason, ReasonKind, Stage
from ..plan import is_callback
from ..project.committed import NoProject
from ..run.recorded import RecordedObserver
from ..run.reproduced import Reproduced
from ..run.survey import Survey
from ..run.verdicts import Verdicts
from ..tree import parent
from ..values import dataclass
from .committed import CommittedSession
from .loading import open_ledger
from .session import Request, Session
from .status import reason_data
from .versions import WORKSPACE, hiding, range_of

Change = Literal["added", "removed", "code", "params", "command", "deps", "config", "upstream"]

_CHANGES: dict[ReasonKind, Change] = {
    "code": "code",
    "observed": "code",
    "params": "params",
    "command": "command",
    "dep": "deps",
    "out": "deps",
    "upstream": "upstream",
}


@dataclass(frozen=True, slots=True)
class StageImpact:
    """What a version does to one stage.

    `state` is what `status` would say (None of a stage that is gone). `fresh` tells whether the
    version's own lock already stands for it: its author ran it and committed the result (None of a
    stage that is gone, or that the version does not show).
    """

    name: str
    change: Change
    state: Literal["stale", "unknown", "fresh"] | None
    reasons: tuple[Reason, ...]
    fresh: bool | None


@dataclass(frozen=True, slots=True)
class ImpactedArtifact:
    """An out of an affected stage."""

    path: str
    kind: OutKind
    stage: str
    change: Literal["affected", "added", "removed"]


@dataclass(frozen=True, slots=True)
class Impact:
    """What version `to` changes since `base`; both are ids of commits, or WORKSPACE.

    `shown` are the two as people call them; `total` counts the stages of the later version.
    `uncommitted` are locks of the work tree that stand for stages, and that HEAD has not so.
    `unread` are files, and definitions in them, of whose stages nothing is known from either side.
    """

    base: str
    to: str
    shown: tuple[str, str]
    direct: bool
    total: int
    stages: tuple[StageImpact, ...]
    artifacts: tuple[ImpactedArtifact, ...]
    notes: tuple[str, ...] = ()
    lacks: tuple[Problem, ...] = ()
    uncommitted: tuple[str, ...] = ()
    unread: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ImpactRequest:
    """The two versions as typed (None: the usual ones), and how they are compared.

    With `direct` the later one is held against the earlier itself, not against where they parted.
    """

    cwd: str
    a: str | None = None
    b: str | None = None
    direct: bool = False
    folder: str | None = None


def impact(request: ImpactRequest) -> Impact:
    """Compare two versions from git alone (and the work tree, where that is meant).

    Raises PivotError where a version cannot be found or its pipeline cannot be read.
    """
    request = _apart(request)
    with ExitStack() as stack:
        later, label = stack.enter_context(_later(request))
        repository = later.project.repository
        a = request.a or repository.default_branch()
        there = "HEAD" if label == WORKSPACE else label
        base = repository.resolve(a) if request.direct else repository.merge_base(a, there)
        earlier = stack.enter_context(_earlier(request, base, later))
        return _compared(
            Impact(
                base,
                later.project.commit or WORKSPACE,
                (a, label),
                request.direct,
                len(later.space.graph.stages),
                (),
                (),
            ),
            earlier,
            later,
        )


def _apart(request: ImpactRequest) -> ImpactRequest:
    """The request with a range as the two that it names, the first itself meant by `A..B`."""
    found = range_of(request.a) if request.a else None
    if found is None:
        return request
    if request.b is not None:
        raise PivotError("a range is two revisions, and one more is given", hint="leave it out")
    if request.direct and found.parted:
        raise PivotError(
            f"--direct compares with A itself, and '{request.a}' with where it parted",
            hint=f"give {found.first}..{found.last}",
        )
    return replace(request, a=found.first, b=found.last, direct=not found.parted)


@contextmanager
def _later(request: ImpactRequest) -> Iterator[tuple[Session, str]]:
    """B: what was named, else the work tree where it has changes, else HEAD."""
    asked = Request(request.cwd, partial=True)
    revision = request.b
    if revision is None:
        from ..project import open_repository

        with open_repository(request.cwd) as repository:
            has_changes = repository.has_changes()
        revision = WORKSPACE if has_changes else "HEAD"
    if revision == WORKSPACE:
        if request.folder is not None:
            raise PivotError("--project is for two revisions", hint="use `-C FOLDER`")
        with Session(asked) as session:
            yield session, WORKSPACE
        return
    with CommittedSession(asked, revision, folder=request.folder) as session:
        yield session, revision


@contextmanager
def _earlier(
    request: ImpactRequest, commit: str, later: Session
) -> Iterator[CommittedSession | None]:
    """A, or where they parted; None where there was no project yet."""
    try:
        session = CommittedSession(Request(request.cwd, partial=True), commit, beside=later.project)
    except NoProject:
        yield None
        return
    with session:
        yield session


def _compared(empty: Impact, earlier: CommittedSession | None, later: Session) -> Impact:
    before = _before(earlier, later)
    decisions, unreadable = _judged(earlier, later, before)
    graph = later.space.graph
    affected = [
        name for name in graph.order if decisions[name].state != "fresh" or name not in before
    ]
    own = _own(later, affected)
    problems = _problems(earlier)
    stages: list[StageImpact] = []
    for name in affected:
        stage = graph.stages[name]
        problem = None
        if earlier is not None and name not in before:
            problem = hiding(problems, stage, earlier.project.tree)
        if problem is not None:
            stages.append(_unknown(stage, problem, f"at {empty.base[:8]}, ", own[name]))
        else:
            known, fresh = name in before, own[name]
            stages.append(_stage_impact(decisions[name], stage, known, fresh, unreadable))
    gone: list[Stage] = []
    for name, stage in before.items():
        if name in graph.stages:
            continue
        problem = hiding(later.space.pipeline.problems, stage, later.project.tree)
        if problem is not None:
            stages.append(_unknown(stage, problem, "", None))
        else:
            gone.append(stage)
            stages.append(StageImpact(name, "removed", None, (), None))
    stages += _of_programs(earlier, later, {stage.name for stage in stages})
    notes = [f"at {empty.base[:8]}, {problem.error}" for problem in problems]
    if earlier is None:
        notes.append(f"there is no project at {empty.base[:8]}: everything is new")
    lacks = later.space.pipeline.problems
    notes += [f"{problem.error}" for problem in lacks if _is_program(problem)]
    return replace(
        empty,
        stages=tuple(stages),
        artifacts=tuple(_artifacts(stages, graph, before, gone)),
        notes=tuple(notes),
        lacks=tuple(problem for problem in lacks if not _is_program(problem)),
        uncommitted=tuple(_uncommitted(later, [stage.name for stage in stages if stage.fresh])),
        unread=tuple(_unread(earlier, later, stages)),
    )


def _before(earlier: CommittedSession | None, later: Session) -> dict[str, Stage]:
    """The stages of the earlier version, by the names that they have in the later one.

    Where one of the two is DVC's project and the other Pivot's, pipelines in subfolders have got
    another name, and have the same stages.
    """
    if earlier is None:
        return {}
    before, now = earlier.space.graph.stages, later.space.graph.stages
    if earlier.project.mode == later.project.mode:
        return dict(before)
    moved = {_place(stage): name for name, stage in now.items() if name not in before}
    return {
        name if name in now else moved.get(_place(stage), name): stage
        for name, stage in before.items()
    }


def _place(stage: Stage) -> tuple[str, str]:
    return parent(stage.file), stage.short_name


def _unread(
    earlier: CommittedSession | None, later: Session, told: Sequence[StageImpact]
) -> Iterator[Problem]:
    """The first problem of each file, or definition, that no stage of the other side stands for."""
    sides = [later.space.graph.stages, earlier.space.graph.stages if earlier else {}]
    known: set[tuple[str, str | None]] = set()
    for stage in (stage for side in sides for stage in side.values()):
        known |= {(stage.file, None), (stage.file, stage.short_name)}
    known |= {(reason.file, None) for stage in told for reason in stage.reasons if reason.file}
    for problem in (*later.space.pipeline.problems, *_problems(earlier)):
        place = (problem.source, problem.stage)
        if place in known or problem.source.endswith(RECORDS):
            continue
        if _is_program(problem) and earlier is not None and _same_files(earlier, later):
            continue
        known.add(place)
        yield problem


def _uncommitted(later: Session, names: Iterable[str]) -> list[str]:
    """The locks of stages that the work tree has otherwise than HEAD."""
    project, space = later.project, later.space
    if project.commit is not None:
        return []
    head = project.repository.head()
    there = project.repository.tree(head) if head is not None else None
    stages = (space.graph.stages[name] for name in names)
    paths = [
        (*space.locks.rests_on(stage), space.locks.path(stage.name))[0]  # dvc.lock, or its own
        for stage in stages
    ]
    return [
        path
        for path in dict.fromkeys(paths)
        if there is None or there.read(path) != project.tree.read(path)
    ]


def _unknown(stage: Stage, problem: Problem, place: str, fresh: bool | None) -> StageImpact:
    where = problem.error.where
    line = where.line if where is not None and where.line else None
    text = f"{place}{problem.message}"
    reason = Reason("config", text, None, None, where.file if where else problem.source, line)
    return StageImpact(stage.name, "config", "unknown", (reason,), fresh)


def _of_programs(
    earlier: CommittedSession | None, later: Session, told: set[str]
) -> Iterator[StageImpact]:
    """The stages of pipelines that would have to be run, as far as locks have their names."""
    programs = {p.source: p for p in later.space.pipeline.problems if _is_program(p)}
    if not programs or (earlier is not None and _same_files(earlier, later)):
        return
    names: set[str] = set()
    for session in (later, earlier) if earlier is not None else (later,):
        for path in session.space.locks.orphans():
            try:
                names.add(lockfile.loads(session.project.tree.read(path) or b"").stage)
            except lockfile.BadLock:
                continue  # of whatever stage
    for name in sorted(names - told):
        file = name.rpartition(":")[0]
        for source, problem in programs.items():
            if file == source or (not file and parent(source) == "."):
                where = problem.error.where
                line = where.line or None if where is not None else None
                reason = Reason("config", problem.message, None, None, source, line)
                yield StageImpact(name, "config", "unknown", (reason,), None)


def _same_files(earlier: CommittedSession, later: Session) -> bool:
    return earlier.project.tree.signature(".") == later.project.tree.signature(".")


def _is_program(problem: Problem) -> bool:
    """Whether it is a pipeline that would have to be run: that is never done, and no mistake."""
    return problem.source.endswith(".py")


def _problems(session: Session | None) -> tuple[Problem, ...]:
    return session.space.pipeline.problems if session is not None else ()


# --- judging -------------------------------------------------------------------------------


def _judged(
    earlier: CommittedSession | None, later: Session, before: Mapping[str, Stage]
) -> tuple[dict[str, Decision], Mapping[str, PivotError]]:
    """A decision for each stage of the later version, and what was unreadable in the earlier."""
    space = later.space
    if earlier is None:
        new = {
            name: Decision(name, "stale", "run", (Reason("never-run", name, None, None,
                                                         stage.written_in, stage.line),))
            for name, stage in space.graph.stages.items()
        }  # fmt: skip
        return new, {}
    listed = {
        name: stage for name, stage in space.graph.stages.items() if space.locks.as_dvc(stage)
    }
    # locks of stages that the earlier version does not have any more
    left = open_ledger(earlier.project, space.pipeline, later.covered, "committed")
    locks = Reproduced(earlier.space, before, listed, left)
    graph = _without_always(space.graph, [name for name in before if before[name].always_changed])
    observer = RecordedObserver(
        later.project.observer,
        graph,
        space.pipeline.tracked,
        locks,
        space.cache,
        results=locks.observer,
        has_data=later.project.commit is None,
        assumed=locks.assumed,
    )
    joined = replace(
        space,
        graph=graph,
        locks=locks,
        observer=observer,
        verdicts=_no_verdicts(later),
        tables=locks.tables,
        here=False,
    )
    found = Survey(joined).plan(list(graph.order), restores=False)
    for name, decision in found.items():
        error = locks.unreadable.get(name)
        if decision.state == "unknown" and error is not None and str(error) in decision.notes:
            # its code was as broken before
            found[name] = replace(decision, state="fresh", action="none", reasons=())
        if all(reason.kind == "always" for reason in decision.reasons) and (
            name in before and is_callback(before[name]) and is_callback(graph.stages[name])
        ):
            found[name] = replace(decision, state="fresh", action="none", reasons=())
    return found, locks.unreadable


def _own(later: Session, affected: Sequence[str]) -> dict[str, bool]:
    """Whether the later version's own locks stand for its stages; data need not be there."""
    graph = _without_always(later.space.graph, later.space.graph.stages)
    space = replace(later.space, graph=graph, verdicts=_no_verdicts(later), here=False)
    survey = Survey(space, allow_missing=True)
    decisions: dict[str, Decision] = {}
    for name in graph.sorted(graph.upstream(affected)):
        decisions[name] = survey.decide(graph.stages[name], decisions)
    return {name: decision.state == "fresh" for name, decision in decisions.items()}


def _no_verdicts(session: Session) -> Verdicts:
    """Nothing that was found of the locks as they lie here."""
    blobs = session.project.state.blobs("verdicts")
    return Verdicts(session.project.observer, blobs, None, session.started)


def _without_always(graph: Graph, names: Iterable[str]) -> Graph:
    """The graph with stages judged that always run: they would be stale whatever is changed."""
    plain = {
        name: replace(graph.stages[name], always_changed=False)
        for name in names
        if name in graph.stages and graph.stages[name].always_changed
    }
    return replace(graph, stages={**graph.stages, **plain}) if plain else graph


# --- telling -------------------------------------------------------------------------------


def _stage_impact(
    decision: Decision,
    stage: Stage,
    known: bool,
    fresh: bool,
    unreadable: Mapping[str, PivotError],
) -> StageImpact:
    reasons = decision.reasons
    error = unreadable.get(stage.name)
    if error is not None and decision.state != "unknown":
        rest = tuple(reason for reason in reasons if reason.kind != "never-run")
        text = f"could not be read before ({error.message})"
        reasons = (Reason("code", text, None, None, stage.written_in, stage.line), *rest)
    change: Change = "added"
    if known:
        kinds = [_CHANGES.get(reason.kind, "config") for reason in reasons]
        change = next((kind for kind in kinds if kind != "upstream"), "upstream")
    return StageImpact(stage.name, change, decision.state, reasons, fresh)


def _artifacts(
    stages: Iterable[StageImpact],
    graph: Graph,
    before: Mapping[str, Stage],
    gone: Iterable[Stage],
) -> Iterator[ImpactedArtifact]:
    """What the affected stages make, and what is not made any more."""
    earlier = {out.path for stage in before.values() for out in stage.outs}
    for impacted in stages:
        stage = graph.stages.get(impacted.name)
        for out in stage.outs if stage is not None else ():
            is_new = out.path not in earlier
            change: Literal["affected", "added"] = "added" if is_new else "affected"
            yield ImpactedArtifact(out.path, out.kind, impacted.name, change)
    dropped = [stage for name, stage in before.items() if name in graph.stages]
    for stage in (*dropped, *gone):
        for out in stage.outs:
            if out.path not in graph.producer:
                yield ImpactedArtifact(out.path, out.kind, stage.name, "removed")


def impact_data(result: Impact) -> dict[str, Any]:
    """The result in the form of `impact --json` (schemas/impact.schema.json)."""
    data: dict[str, Any] = {
        "from": result.base,
        "to": result.to,
        "stages": [
            {
                "name": stage.name,
                "change": stage.change,
                "state": stage.state,
                "reasons": [
                    {**reason_data(reason), "chain": list(reason.chain)} for reason in stage.reasons
                ],
                "fresh": stage.fresh,
            }
            for stage in result.stages
        ],
        "artifacts": [
            {
                "path": artifact.path,
                "kind": artifact.kind,
                "stage": artifact.stage,
                "change": artifact.change,
            }
            for artifact in result.artifacts
        ],
    }
    if result.unread:
        data["unread"] = [
            {"file": problem.source, "stage": problem.stage, "message": str(problem.error)}
            for problem in result.unread
        ]
    return data
