"""The run loop: each stage is judged when it becomes ready, then restored, run or left alone."""

from __future__ import annotations

import graphlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ..errors import PivotError
from ..model import TO_RECORD, Decision, Stage, Status
from ..values import dataclass, field
from .events import INTERRUPTED, Event, Stopped
from .job import Outcome
from .launch import Launcher
from .logs import log_path
from .outputs import Outputs
from .settle import Settled, Settler, hand_over
from .survey import Survey
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run goes. `force` are stages to run whatever is known about them.

    `force_downstream` forces every stage below one that ran; `seconds` are the known durations
    of stages, for telling what a run saved.
    """

    jobs: int = 1
    keep_going: bool = False
    commit: bool = True
    run_cache: bool = True
    force: frozenset[str] = frozenset()
    force_downstream: bool = False
    allow_missing: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)
    confirm: Callable[[Decision], bool] | None = None  # asked before each stage is run
    progress: Callable[[int], None] | None = None  # told of bytes hashed and stored


class _Refused(Exception):
    """Nothing may run at all: wrong input, found before the first output was written."""

    def __init__(self, error: PivotError) -> None:
        super().__init__(str(error))
        self.error = error


class Loop:
    """One run over selected stages. Iterate `events()`; afterwards `failed` tells the outcome.

    `signals` counts the signals to stop; it is asked often. After the first, running stages are
    asked to end, their previous outputs come back, and nothing new starts; after a second one
    they are killed.
    """

    def __init__(
        self,
        space: Workspace,
        launcher: Launcher,
        outputs: Outputs,
        options: RunOptions,
        signals: Callable[[], int] = lambda: 0,
    ) -> None:
        self._space = space
        self._launcher = launcher
        self._options = options
        self._signals = signals
        self._survey = Survey(space, forced=options.force, allow_missing=options.allow_missing)
        self._settler = Settler(
            space,
            self._survey,
            outputs,
            commit=options.commit,
            progress=self._count,
        )
        self._forced_below: set[str] = set()
        self._names: list[str] = []
        self._ready: list[str] = []
        self._waiting: deque[tuple[Stage, Decision]] = deque()  # judged, not yet started
        self._running: dict[str, tuple[Stage, Decision]] = {}
        self._launched: dict[str, float] = {}
        self._held: Counter[str] = Counter()  # mutexes and resources in use
        self._stopping = False
        self._handed_over = False
        self._skipped: set[str] = set()
        self._ended: set[str] = set()  # done well
        self.failed: list[str] = []
        self.counts: Counter[Status] = Counter()
        self.saved = 0.0

    # --- the loop -------------------------------------------------------------------------

    def events(self, names: list[str]) -> Iterator[Event]:
        """Run `names` (in dependency order), telling what happens.

        Raises Stopped after a signal, and PivotError for what makes going on impossible.
        """
        started = time.monotonic()
        self._names = names
        yield Event("run_started", stages=tuple(names))
        sorter = self._sorter(names)
        sorter.prepare()
        self._space.observer.progress = self._count
        try:
            while True:
                self._check_signal()
                if sorter.is_active() and not self._stopping:
                    self._ready += sorter.get_ready()
                progressed = False
                while self._ready and not self._stopping:
                    self._check_signal()
                    progressed = True
                    yield from self._judge(sorter, self._ready.pop(0))
                    self._ready += sorter.get_ready() if sorter.is_active() else ()
                yield from self._start_waiting()
                if self._running:
                    yield from self._collect(sorter)
                elif not progressed and (self._stopping or not self._waiting):
                    break
        except Stopped:
            for name in self._abort():
                self.counts["failed"] += 1
                took = time.monotonic() - self._launched[name]
                yield Event("stage_finished", name, "failed", took, error=INTERRUPTED)
            yield self._run_finished(started, error=INTERRUPTED)
            raise
        except BaseException:
            self._abort()
            raise
        finally:
            self._space.observer.progress = None
        yield from self._blocked(names)
        yield self._run_finished(started)

    def _run_finished(self, started: float, error: str | None = None) -> Event:
        return Event(
            "run_finished",
            status="failed" if self.failed or error else None,
            seconds=time.monotonic() - started,
            error=error,
            saved=self.saved,
        )

    def _sorter(self, names: list[str]) -> graphlib.TopologicalSorter[str]:
        chosen = set(names)
        sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
        for name in names:
            above = self._space.graph.parents[name]
            frozen = self._space.graph.stages[name].frozen
            sorter.add(name, *(() if frozen else (up for up in above if up in chosen)))
        return sorter

    def _count(self, bytes_done: int) -> None:
        """Called while files are read and written, which may take long."""
        self._check_signal()
        if self._options.progress is not None:
            self._options.progress(bytes_done)

    def _check_signal(self) -> None:
        if self._signals():
            raise Stopped

    def _abort(self) -> list[str]:
        """End what runs and bring previous outputs back; the stages that ran."""
        ended = list(self._running)
        self._launcher.terminate_all(impatient=lambda: self._signals() > 1)
        for stage, _ in self._running.values():
            self._settler.roll_back(stage)
        self._running.clear()
        return ended

    # --- judging --------------------------------------------------------------------------

    def _judge(self, sorter: graphlib.TopologicalSorter[str], name: str) -> Iterator[Event]:
        """Decide about a stage whose parents are done; finish it here unless it must run."""
        stage = self._space.graph.stages[name]
        if name in self._forced_below:
            self._survey.force(name)
        try:
            decision = self._survey.decide(stage, {})
            gone = [reason.subject for reason in decision.reasons if reason.kind == "out"]
            if stage.frozen and decision.state == "unknown" and gone:
                lost = _lost(gone)
                if self._space.locks.as_dvc(stage):
                    raise lost  # as DVC does, whether anything needs it or not
                decision = replace(decision, notes=(*decision.notes, lost.message))
            if decision.state == "fresh" or (stage.frozen and gone):
                yield from self._leave(sorter, stage, decision)
                return
            if decision.key is None:  # without all its deps nothing can be run or looked up
                raise self._cannot_decide(stage, decision)
            self._hand_over()
            restored = None
            if self._options.run_cache:
                restored = self._settler.restore(stage, decision)
        except _Refused as refused:
            raise refused.error from None
        except PivotError as error:
            yield self._failed(stage, str(error), 0.0)
            return
        if restored is not None:
            self._done(sorter, stage, "restored")
            yield self._finished(stage, "restored", decision, restored)
            return
        absent = self._absent(stage)
        if absent and self._space.cache.source is not None:
            self._settler.bring_deps(stage)
            absent = self._absent(stage)
        if absent:  # known by a lock or a record, which is enough to judge, and not to run
            yield self._failed(stage, str(absent), 0.0)
            return
        decision = self._survey.explain(stage, decision)
        if self._options.confirm is not None and not self._options.confirm(decision):
            self._skipped.add(name)
            yield Event("stage_finished", name, "skipped", reasons=decision.reasons)
            return
        self._waiting.append((stage, decision))

    def _hand_over(self) -> None:
        """Once, before the first output is written."""
        if not self._handed_over:
            self._handed_over = True
            try:
                hand_over(self._space, [self._space.graph.stages[name] for name in self._names])
            except PivotError as error:
                raise _Refused(error) from None

    def _leave(
        self, sorter: graphlib.TopologicalSorter[str], stage: Stage, decision: Decision
    ) -> Iterator[Event]:
        status: Status = "fresh"
        settled = Settled()
        if decision.action == "checkout" and not self._options.allow_missing:
            self._hand_over()
            settled = self._settler.check_out(stage)
            status = "restored"
        if self._settler.was_changed_by_hand(stage):
            self._hand_over()
            settled = self._settler.accept(stage)
            notes = tuple(note for note in decision.notes if note != TO_RECORD)
            decision = replace(decision, notes=notes)
        if self._settler.renew(stage, decision):
            decision = replace(decision, notes=())  # what was unrecorded is recorded
        self._done(sorter, stage, status)
        yield self._finished(stage, status, decision, settled)

    def _done(self, sorter: graphlib.TopologicalSorter[str], stage: Stage, status: Status) -> None:
        sorter.done(stage.name)
        self._ended.add(stage.name)
        self.counts[status] += 1
        if status in ("fresh", "restored"):
            self.saved += self._options.seconds.get(stage.name, 0.0)

    def _finished(
        self, stage: Stage, status: Status, decision: Decision, settled: Settled, seconds: float = 0
    ) -> Event:
        return Event(
            "stage_finished",
            stage.name,
            status,
            seconds,
            decision.reasons,
            notes=(*decision.notes, *settled.notes),
        )

    def _cannot_decide(self, stage: Stage, decision: Decision) -> PivotError:
        fallback = decision.notes[0] if decision.notes else "it cannot be judged"
        return self._absent(stage) or PivotError(fallback)

    def _absent(self, stage: Stage) -> PivotError | None:
        """What a run of the stage would read, and is not there."""
        missing = self._survey.awaited.absent(stage)
        if not missing:
            return None
        listed = ", ".join(f"'{path}'" for path in missing)
        hint = f"`pivot pull {missing[0]}` fetches it where a remote has it"
        recorded = self._survey.awaited.recorded(missing[0]) is not None
        return PivotError(f"it needs {listed}, which is not there", hint=hint if recorded else None)

    # --- running --------------------------------------------------------------------------

    def _start_waiting(self) -> Iterator[Event]:
        """Start what may run now: a free slot, its mutexes free, its resources there."""
        held_back: list[tuple[Stage, Decision]] = []
        while self._waiting and not self._stopping and len(self._running) < self._options.jobs:
            stage, decision = self._waiting.popleft()
            if not self._free(stage):
                held_back.append((stage, decision))
                continue
            self._check_signal()
            try:
                notes = self._settler.prepare(stage)
            except PivotError as error:
                self._settler.roll_back(stage)
                yield self._failed(stage, str(error), 0.0)
                continue
            self._hold(stage, 1)
            self._running[stage.name] = (stage, decision)
            self._launched[stage.name] = time.monotonic()
            job = self._launcher.launch(stage, self._survey, self._unfinished())
            yield Event(
                "stage_started", stage.name, reasons=decision.reasons, log=job.log, notes=notes
            )
        self._waiting.extendleft(reversed(held_back))

    def _unfinished(self) -> list[str]:
        """Stages that may still run: their packages are worth loading ahead."""
        done = self.counts.total() + len(self.failed)
        return self._names if done < len(self._names) else []

    def _free(self, stage: Stage) -> bool:
        if any(self._held[f"mutex:{name}"] for name in stage.mutex):
            return False
        return all(
            self._held[name] + need <= self._launcher.capacity(name)
            for name, need in stage.resources.items()
        )

    def _hold(self, stage: Stage, sign: int) -> None:
        for name in stage.mutex:
            self._held[f"mutex:{name}"] += sign
        for name, need in stage.resources.items():
            self._held[name] += sign * need

    def _collect(self, sorter: graphlib.TopologicalSorter[str]) -> Iterator[Event]:
        """Wait for something to happen to running stages, and settle those that ended."""
        for stage_name, text in self._launcher.output():
            yield Event("stage_output", stage_name, text=text)
        for outcome in self._launcher.wait():
            for stage_name, text in self._launcher.output():
                yield Event("stage_output", stage_name, text=text)
            yield self._settle(sorter, outcome)

    def _settle(self, sorter: graphlib.TopologicalSorter[str], outcome: Outcome) -> Event:
        stage, decision = self._running[outcome.stage]
        settled = self._settler.settle(stage, decision, outcome)
        # only now: until it is settled, an abort must roll it back
        self._running.pop(outcome.stage)
        self._hold(stage, -1)
        if settled.error is not None:
            event = self._failed(stage, settled.error, outcome.seconds)
            return replace(event, detail=settled.detail, notes=settled.notes)
        self._done(sorter, stage, "ran")
        if self._options.force_downstream:
            self._forced_below.update(self._space.graph.children[stage.name])
        return self._finished(stage, "ran", decision, settled, outcome.seconds)

    def _failed(self, stage: Stage, error: str, seconds: float) -> Event:
        self.failed.append(stage.name)
        self.counts["failed"] += 1
        if not self._options.keep_going:
            self._stopping = True
        log = log_path(self._space.project.root, stage.name)
        return Event("stage_finished", stage.name, "failed", seconds, error=error, log=log)

    def _blocked(self, names: list[str]) -> Iterator[Event]:
        """Tell of the stages that were not reached, once nothing runs any more."""
        if not self.failed and not self._skipped:
            return
        below = self._space.graph.downstream([*self.failed, *self._skipped])
        told = {*self.failed, *self._skipped}
        for name in names:
            stage = self._space.graph.stages[name]
            if name in told or name in self._ended:
                continue
            status: Status = "blocked" if name in below else "skipped"
            self.counts[status] += 1
            cause = next((up for up in self._space.graph.parents[name] if up in below), None)
            error = f"needs '{cause}'" if status == "blocked" and cause else None
            yield Event("stage_finished", stage.name, status, error=error)


def _lost(outs: list[str]) -> PivotError:
    """What a frozen stage should have made is nowhere."""
    listed = ", ".join(f"'{path}'" for path in outs)
    return PivotError(
        f"it is frozen, and {listed} is neither here nor in the cache",
        hint="`pivot pull` fetches it where a remote has it, and `pivot unfreeze` lets it be made",
    )
