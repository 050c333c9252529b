"""`repro`, `run` and `plan`: bring stages up to date, or say what that would take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..digest import Digest
from ..errors import raise_all
from ..graph import Selection
from ..model import HELD, RESTORABLE, Decision, Reason, Stage
from ..run.events import INTERRUPTED, Event
from ..run.survey import Survey
from ..values import dataclass, field
from .requirements import Requirements, check
from .selecting import Chosen, choose
from .session import Session

if TYPE_CHECKING:
    from ..run.launch import Launcher
    from ..run.loop import Loop


@dataclass(frozen=True, slots=True)
class ReproRequest:
    """What to bring up to date, and how. `jobs` None: as configured.

    `confirm` is asked before each stage runs (`--interactive`); `progress` is told of bytes
    hashed and stored.
    """

    selection: Selection = field(default_factory=Selection)
    force: bool = False
    force_downstream: bool = False
    keep_going: bool = False
    jobs: int | None = None
    commit: bool = True
    run_cache: bool = True
    show_output: bool = False
    allow_missing: bool = False
    pull: bool = False
    write_params: bool = False
    confirm: Callable[[Decision], bool] | None = None
    progress: Callable[[int], None] | None = None

    @property
    def requirements(self) -> Requirements:
        """What must hold before the run starts."""
        return Requirements(
            keep_going=self.keep_going,
            allow_missing=self.allow_missing,
            write_params=self.write_params,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. `seconds` are durations of earlier runs, where known."""

    decisions: Mapping[str, Decision]
    seconds: Mapping[str, float]
    records: int = 0  # of tracked data

    @property
    def expected(self) -> float | None:
        """Seconds that the stages to run took last time; None where one is not known."""
        times = [
            self.seconds.get(decision.stage)
            for decision in self.decisions.values()
            if decision.action == "run" and RESTORABLE not in decision.notes
        ]
        return None if None in times else sum(time for time in times if time is not None)

    @property
    def has_nothing_to_do(self) -> bool:
        """Whether every stage is fresh, with its outs in place."""
        return all(d.state == "fresh" and d.action == "none" for d in self.decisions.values())

    @property
    def has_nothing_to_say(self) -> bool:
        """Whether there is nothing to do, and no frozen stage for which there would be."""
        held = any(HELD in decision.notes for decision in self.decisions.values())
        return self.has_nothing_to_do and not held


def plan_run(session: Session, request: ReproRequest) -> Plan:
    """Judge the selected stages; nothing is run, written or, with `pull`, brought.

    Remotes are then asked for the objects that locks and records here name, not for run records.
    Raises PivotErrors for what would keep a run from starting.
    """
    if not request.pull:
        return _plan(session, request, None)
    from .pulling import Pull

    pull = Pull(session)
    try:
        return _plan(session, request, pull.offers)
    finally:
        pull.close()


def _plan(session: Session, request: ReproRequest, offers: Callable[[Digest], bool] | None) -> Plan:
    chosen = choose(session, request.selection)
    names = chosen.stages
    survey = Survey(
        session.space,
        forced=_forced(request, names),
        allow_missing=request.allow_missing,
        offers=offers,
    )
    check(session, request.requirements, survey, _doubtful(session, survey, names))
    decisions = survey.plan(names, restores=request.run_cache)
    return Plan(decisions, _known_seconds(session), _records(chosen))


class Run:
    """One run. Iterate `events()`; then `exit_code` tells how it went.

    SIGINT, SIGTERM and SIGHUP end running stages and bring their previous outputs back.
    """

    def __init__(self, session: Session, request: ReproRequest) -> None:
        self._session = session
        self._request = request
        self._signals = 0
        self.loop: Loop | None = None  # None also where there was nothing to do
        self.stages: list[Stage] = []
        self.records = 0  # of tracked data

    @property
    def exit_code(self) -> int:
        return 1 if self.loop is not None and self.loop.failed else 0

    @property
    def had_nothing_to_do(self) -> bool:
        """Whether every stage was fresh, and nothing else was worth a word."""
        session = self._session
        quiet = not session.recovered and not session.project.warnings
        return quiet and (self.loop is None or set(self.loop.counts) == {"fresh"})

    def events(self) -> Iterator[Event]:
        """Check everything, then run; with `pull`, what is not here comes from the remotes.

        The session must hold the project's lock. Raises PivotErrors before anything runs where
        the input is wrong.
        """
        if not self._request.pull:
            yield from self._events()
            return
        from .pulling import Pull

        pull = Pull(self._session, ahead=not self._request.allow_missing)
        pull.begin()
        try:
            yield from self._events()
        finally:
            pull.close()

    def _events(self) -> Iterator[Event]:
        session, request = self._session, self._request
        chosen = choose(session, request.selection)
        names = chosen.stages
        self.stages = [session.space.graph.stages[name] for name in names]
        self.records = _records(chosen)
        survey = Survey(session.space, allow_missing=request.allow_missing)
        check(session, request.requirements, survey, _doubtful(session, survey, names))
        decisions = None if chosen.tracked else self._idle(survey)
        if decisions is not None:
            yield from self.idle_events(decisions)
            return
        # 20 ms to import; not needed where nothing runs
        from ..run.launch import Launcher
        from ..run.loop import Loop, RunOptions
        from ..run.outputs import Outputs
        from ..run.tracked import bring_up

        jobs = request.jobs or session.default_jobs
        show_output = request.show_output or session.project.settings["run.output"] == "show"
        launcher = Launcher(
            session.space, lambda: session.python, jobs=jobs, show_output=show_output
        )
        raise_all(launcher.check_resources(self.stages))
        if request.write_params:
            from .edit import write_params  # 10 ms to import, and rarely asked for

            write_params(session)
        self._check_params(launcher, survey, names)
        known = _known_seconds(session)
        options = RunOptions(
            jobs=jobs,
            keep_going=request.keep_going,
            commit=request.commit,
            run_cache=request.run_cache and session.project.settings["core.run_cache"],
            force=_forced(request, names),
            force_downstream=request.force_downstream,
            allow_missing=request.allow_missing,
            seconds=known,
            confirm=request.confirm,
            progress=request.progress,
        )
        done = bring_up(session.space, self.stages, chosen.tracked)
        for file, status, what in done:
            yield Event("stage_finished", file.name, status, notes=(what,))
        for name in dict.fromkeys(file.name for file in chosen.tracked):
            if name not in {file.name for file, _, _ in done}:
                yield Event("stage_finished", name, "fresh")
        outputs = Outputs(session.project.root)
        self.loop = Loop(session.space, launcher, outputs, options, lambda: self._signals)
        chronicle = _Chronicle(session, known)
        previous = self._catch_signals()
        try:
            for event in self.loop.events(names):
                chronicle.tell(event)
                yield event
        finally:
            launcher.close()
            for number, handler in previous.items():
                signal.signal(number, handler)
            chronicle.close()

    def _check_params(self, launcher: Launcher, survey: Survey, names: list[str]) -> None:
        """Hold params against classes that have validators of their own, where stages will run."""
        doubtful = [stage for stage in self.stages if not stage.params_settled]
        if not doubtful:
            return
        decisions = survey.plan(names, restores=self._request.run_cache)
        coming = [
            stage
            for stage in doubtful
            if decisions[stage.name].action == "run"
            and RESTORABLE not in decisions[stage.name].notes
        ]
        try:
            raise_all(launcher.check_params(coming, survey) if coming else [])
        except BaseException:
            launcher.close()
            raise

    def _idle(self, survey: Survey) -> Mapping[str, Decision] | None:
        """Decisions, where there is nothing to do; None where the loop has to judge.

        Resources are no part of what is remembered of a stage.
        """
        request = self._request
        if request.force or request.force_downstream or request.confirm or request.write_params:
            return None
        if not self.stages or any(stage.resources for stage in self.stages):
            return None
        if self._session.space.pipeline.tracked:
            return None  # data that is missing is put back, though no stage has to run
        if self._session.project.mode == "dvc":
            return None  # dvc.lock may have to follow scripts whose edit makes nothing stale
        decisions: dict[str, Decision] = {}
        for stage in self.stages:
            decision = survey.decide(stage, decisions)
            if decision.state != "fresh" or decision.action != "none":
                return None
            if not survey.is_unchanged(stage) and survey.is_outdated(stage):
                return None  # its lock is to be written anew
            decisions[stage.name] = decision
        return decisions

    def idle_events(self, decisions: Mapping[str, Decision]) -> Iterator[Event]:
        """The events of a run with nothing to do."""
        seconds = _known_seconds(self._session)
        yield Event("run_started", stages=tuple(decisions))
        for name, decision in decisions.items():
            yield Event("stage_finished", name, "fresh", notes=decision.notes)
        saved = sum(seconds.get(name, 0.0) for name in decisions)
        yield Event("run_finished", saved=saved)

    def _catch_signals(self) -> dict[int, Any]:
        def interrupt(_number: int, _frame: FrameType | None) -> None:
            self._signals += 1

        if threading.current_thread() is not threading.main_thread():
            return {}
        return {
            number: signal.signal(number, interrupt)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN  # as `nohup` and `&` have it
        }


def _records(chosen: Chosen) -> int:
    return len({file.name for file in chosen.tracked})


def _doubtful(session: Session, survey: Survey, names: list[str]) -> list[str]:
    """The stages to be checked: others were, and nothing that counts for them was touched since.

    Folders that stages work in are no part of what is remembered of a stage.
    """
    space = session.space

    def is_certain(stage: Stage) -> bool:
        known = survey.is_unchanged(stage) and space.verdicts.is_accepted(stage.name)
        return known and stage.wdir == "."

    return [name for name in names if not is_certain(space.graph.stages[name])]


def _forced(request: ReproRequest, names: list[str]) -> frozenset[str]:
    if request.force:
        return frozenset(names)
    return frozenset()


# --- what earlier runs were like -----------------------------------------------------------


def _known_seconds(session: Session) -> dict[str, float]:
    from ..run.history import durations

    return durations(session.project.root, session.project.state.blobs("history"))


class _Chronicle:
    """Writes down how stages ended, as the events of a run tell it."""

    def __init__(self, session: Session, known: Mapping[str, float]) -> None:
        from ..run.history import Writer

        self._session = session
        self._known = known
        self._writer = Writer(session.project.root)
        self._begun: dict[str, tuple[float, tuple[Reason, ...]]] = {}
        self._took: dict[str, float] = {}

    def tell(self, event: Event) -> None:
        """Note what there is to note of an event; of stages that were fresh, nothing."""
        if event.stage is None:
            return
        if event.event == "stage_started":
            self._begun[event.stage] = (time.time(), event.reasons)
        elif event.event == "stage_finished" and event.status in ("ran", "restored", "failed"):
            at, reasons = self._begun.pop(event.stage, (time.time(), event.reasons))
            seconds = 0.0 if event.status == "restored" else event.seconds
            is_cut_off = event.status == "failed" and event.error == INTERRUPTED
            ended = INTERRUPTED if is_cut_off else event.status
            error = None if is_cut_off else event.error
            self._writer.note(event.stage, ended, at, seconds, reasons, error)
            if event.status == "ran":
                self._took[event.stage] = round(event.seconds, 3)

    def close(self) -> None:
        """End the run's part of the history."""
        from ..run.history import remember

        self._writer.close()
        if self._took:
            kept = self._session.project.state.blobs("history")
            remember(self._session.project.root, kept, self._known, self._took)
