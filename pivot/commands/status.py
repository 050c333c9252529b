"""`status` and `explain`: what is stale and why, nothing being run or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import SourceError
from ..graph import Selection
from ..model import FINGERPRINT_VERSION, HELD, Decision, OpaqueReference, Reason, TrackedFile
from ..plan import RULES
from ..run.journal import read_journal
from ..run.survey import Survey
from ..run.tracked import TrackedData, TrackedState, needed_by
from ..values import dataclass
from .requirements import refusals
from .selecting import Chosen, named
from .session import Session


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A third-party distribution whose version differs from that of the recorded runs."""

    package: str
    old: str | None
    new: str | None
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """Decisions in dependency order, and what else a person should know about the project."""

    decisions: Mapping[str, Decision]
    environment: tuple[PackageChange, ...] = ()
    orphans: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    opaque: Mapping[str, tuple[OpaqueReference, ...]] | None = None
    tracked: tuple[TrackedState, ...] = ()

    @property
    def is_fresh(self) -> bool:
        return all(decision.state == "fresh" for decision in self.decisions.values()) and all(
            data.state in ("fresh", "missing") for data in self.tracked
        )

    @property
    def records(self) -> int:
        """How many records the tracked data has."""
        return len({data.file.name for data in self.tracked})

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to do and nothing else to say."""
        odd = any(data.state != "fresh" for data in self.tracked)
        remarks = self.environment or self.orphans or self.notes or odd
        return not remarks and all(
            decision.state == "fresh" and decision.action == "none" and HELD not in decision.notes
            for decision in self.decisions.values()
        )


def status(session: Session, selection: Selection, *, opaque: bool = False) -> Status:
    """Judge the stages that the targets name (all of the project without targets).

    What lies above them is judged too, since a stage is stale where its upstream is.
    """
    space = session.space
    graph = space.graph
    chosen = named(session, selection)
    names = chosen.stages
    survey = Survey(space)
    judged = survey.plan(graph.sorted(graph.upstream(names)))
    decisions = {name: judged[name] for name in names}
    # where there is no stage, every command says them
    notes = list(space.pipeline.notes if space.pipeline.stages else ())
    touched = {
        name: decision
        for name, decision in decisions.items()
        if not survey.is_unchanged(graph.stages[name])
    }
    refused = refusals(session, [graph.stages[name] for name in touched])
    notes += [f"`pivot repro` will refuse: {error}" for error in refused]
    told = (problem for name in touched if (problem := space.locks.problem(name)))
    notes += dict.fromkeys(told)  # one dvc.lock is that of many stages
    notes += _other_rules(session, touched)
    notes += _unknown_inputs(session, decisions)
    notes += [
        f"a run of stage '{entry.stage}' did not end; the next `pivot repro` puts its previous "
        "outputs back"
        for entry in (read_journal(space.project.root) if space.here else ())
    ]
    references = None
    if opaque:
        references = {name: found for name in names if (found := _opaque(session, survey, name))}
    return Status(
        decisions,
        _environment(session, survey, names),
        () if space.pipeline.problems else tuple(space.locks.orphans()),
        tuple(notes),
        references,
        tuple(TrackedData(space).states(_tracked(session, chosen))),
    )


def _tracked(session: Session, chosen: Chosen) -> Iterable[TrackedFile]:
    """The tracked data that the answer is about: what was named, and what the stages read."""
    stages = [session.space.graph.stages[name] for name in chosen.stages]
    wanted = [*chosen.tracked, *needed_by(session.space, stages)]
    return {file.path: file for file in wanted}.values()


def _unknown_inputs(session: Session, decisions: Mapping[str, Decision]) -> list[str]:
    """Why the digests of deps are unknown at a commit, each once."""
    paths = {
        reason.subject: None
        for decision in decisions.values()
        for reason in decision.reasons
        if decision.state == "unknown" and reason.kind == "dep"
    }
    return [why for path in paths if (why := session.why_unknown(path))]


def _other_rules(session: Session, decisions: Mapping[str, Decision]) -> list[str]:
    """What to say of locks that were written by another version of the fingerprint rules."""
    locks = session.space.locks
    found: dict[int, list[Decision]] = {}
    for name, decision in decisions.items():
        record = locks.record(name)
        if record is None or record.key.code is None:
            continue
        if record.fingerprint_version != FINGERPRINT_VERSION:
            found.setdefault(record.fingerprint_version, []).append(decision)
    notes = []
    for version, judged in sorted(found.items()):
        unknown = sum(any(reason.subject == RULES for reason in d.reasons) for d in judged)
        text = (
            f"{len(judged)} of the locks have code fingerprints of version {version}, and this "
            f"Pivot makes version {FINGERPRINT_VERSION}: "
        )
        same = len(judged) - unknown
        if version > FINGERPRINT_VERSION:
            text += f"{same} are known to be of the same sources; a newer Pivot wrote them"
        else:
            text += f"`pivot repro` records {same} anew without running them"
        if unknown:
            text += (
                f"; of {unknown} it is not known whether their code is the same, so they count as "
                "changed (`pivot commit` accepts what is there)"
            )
        notes.append(text)
    return notes


def _opaque(session: Session, survey: Survey, name: str) -> tuple[OpaqueReference, ...]:
    try:
        manifest = survey.manifest(session.space.graph.stages[name])
    except SourceError:
        return ()  # the decision says so
    return manifest.opaque if manifest else ()


def _environment(session: Session, survey: Survey, names: list[str]) -> tuple[PackageChange, ...]:
    found: dict[tuple[str, str | None, str | None], list[str]] = {}
    for name in names:
        packages = survey.packages_then(session.space.graph.stages[name])
        if not packages:
            continue
        try:
            facts = survey.facts(session.space.graph.stages[name])
        except SourceError:
            continue  # the decision says so
        for package, then in packages.items():
            now = facts.packages.get(package) if facts else None
            if now is not None and now != then:
                found.setdefault((package, then, now), []).append(name)
    return tuple(
        PackageChange(package, then, now, tuple(stages))
        for (package, then, now), stages in sorted(found.items(), key=str)
    )


def status_data(result: Status) -> dict[str, Any]:
    """The result in the form of `status --json` (schemas/status.schema.json)."""
    return {
        "stages": [decision_data(decision) for decision in result.decisions.values()],
        "tracked": [
            {
                "name": data.file.name,
                "path": data.file.path,
                "state": data.state,
                "old": data.file.digest.short if data.file.digest else None,
                "new": data.now.short if data.now else None,
            }
            for data in result.tracked
        ],
        "environment": [
            {
                "package": change.package,
                "old": change.old,
                "new": change.new,
                "stages": list(change.stages),
            }
            for change in result.environment
        ],
    }


def decision_data(decision: Decision) -> dict[str, Any]:
    """One decision in the form of `status --json`."""
    return {
        "name": decision.stage,
        "state": decision.state,
        "reasons": [reason_data(reason) for reason in decision.reasons],
        "action": decision.action,
    }


def reason_data(reason: Reason) -> dict[str, Any]:
    """One reason in the form of `status --json`."""
    return {
        "kind": reason.kind,
        "subject": reason.subject,
        "old": reason.old,
        "new": reason.new,
        "file": reason.file,
        "line": reason.line,
    }
