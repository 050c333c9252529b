"""`repro`, `run` and `plan`: bring stages up to date, or say what that would take."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from ..config import conflicting_overrides
from ..errors import ConfigError, GraphError, PivotError, Where, nearest, raise_all
from ..graph import Selection, missing_inputs, select, targets_of
from ..model import Decision, Stage
from ..run.events import Event
from ..run.launch import Launcher
from ..run.loop import Loop, RunOptions
from ..run.outputs import Outputs
from ..run.survey import Survey, unreadable_code
from ..tree import join, parent
from .edit import write_params
from .session import Session


@dataclass(frozen=True, slots=True)
class ReproRequest:
    """What to bring up to date, and how. `jobs` None: as configured.

    `confirm` is asked before each stage runs (`--interactive`).
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
    write_params: bool = False
    confirm: Callable[[Decision], bool] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. `seconds` are durations of earlier runs, where known."""

    decisions: Mapping[str, Decision]
    seconds: Mapping[str, float]

    @property
    def expected(self) -> float | None:
        """Seconds that the stages to run took last time; None where one is not known."""
        times = [self.seconds.get(d.stage) for d in self.decisions.values() if d.action == "run"]
        return None if None in times else sum(time for time in times if time is not None)


def plan_run(session: Session, request: ReproRequest) -> Plan:
    """Judge the selected stages; nothing is run or written.

    Raises PivotErrors for what would keep a run from starting.
    """
    names = select(session.space.graph, request.selection)
    survey = Survey(
        session.space,
        forced=_forced(session, request, names),
        allow_missing=request.allow_missing,
    )
    _check(session, request, survey, names)
    return Plan(survey.plan(names), _known_seconds(session))


class Run:
    """One run. Iterate `events()`; then `exit_code` tells how it went.

    SIGINT, SIGTERM and SIGHUP end running stages and bring their previous outputs back.
    """

    def __init__(self, session: Session, request: ReproRequest) -> None:
        self._session = session
        self._request = request
        self._signals = 0
        self.loop: Loop | None = None
        self.stages: list[Stage] = []

    @property
    def exit_code(self) -> int:
        return 1 if self.loop is not None and self.loop.failed else 0

    @property
    def had_nothing_to_do(self) -> bool:
        """Whether every stage was fresh, and nothing else was worth a word."""
        session = self._session
        quiet = not session.recovered and not session.project.warnings
        return quiet and self.loop is not None and set(self.loop.counts) == {"fresh"}

    def events(self) -> Iterator[Event]:
        """Check everything, then run.

        The session must hold the project's lock. Raises PivotErrors before anything runs where
        the input is wrong.
        """
        session, request = self._session, self._request
        if request.write_params:
            write_params(session)
        names = select(session.space.graph, request.selection)
        self.stages = [session.space.graph.stages[name] for name in names]
        survey = Survey(session.space, allow_missing=request.allow_missing)
        _check(session, request, survey, names)
        jobs = request.jobs or session.default_jobs
        show_output = request.show_output or session.project.settings["run.output"] == "show"
        launcher = Launcher(
            session.space, lambda: session.python, jobs=jobs, show_output=show_output
        )
        raise_all(launcher.check_resources(self.stages))
        options = RunOptions(
            jobs=jobs,
            keep_going=request.keep_going,
            commit=request.commit,
            run_cache=request.run_cache and session.project.settings["core.run_cache"],
            force=_forced(session, request, names),
            force_downstream=request.force_downstream,
            allow_missing=request.allow_missing,
            seconds=_known_seconds(session),
            confirm=request.confirm,
        )
        outputs = Outputs(session.project.root)
        self.loop = Loop(session.space, launcher, outputs, options, lambda: self._signals)
        took: dict[str, float] = {}
        previous = self._catch_signals()
        try:
            for event in self.loop.events(names):
                if event.event == "stage_finished" and event.status == "ran" and event.stage:
                    took[event.stage] = event.seconds
                yield event
        finally:
            launcher.close()
            for number, handler in previous.items():
                signal.signal(number, handler)
            if took:
                _remember_seconds(session, took)

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


def _forced(session: Session, request: ReproRequest, names: list[str]) -> frozenset[str]:
    if request.force:
        return frozenset(names)
    if request.force_downstream and request.selection.targets:
        return frozenset(targets_of(session.space.graph, request.selection))
    return frozenset()


# --- what must hold before anything runs ---------------------------------------------------


def _check(session: Session, request: ReproRequest, survey: Survey, names: list[str]) -> None:
    stages = [session.space.graph.stages[name] for name in names]
    active = [stage for stage in stages if not stage.frozen]
    _check_overrides(session, request, active)
    session.check_signatures()
    errors: list[PivotError] = []
    if not request.keep_going:
        errors += unreadable_code(session.space, survey, names)
    if not request.allow_missing:
        errors += _missing_deps(session, [stage.name for stage in active])
    errors += _missing_params(session, active)
    raise_all(errors)


def _check_overrides(session: Session, request: ReproRequest, stages: list[Stage]) -> None:
    if request.write_params or not session.overrides:
        return
    errors: list[PivotError] = [
        ConfigError(
            f"-S {key} cannot reach stage '{stage.name}', which reads {file} itself",
            hint="take it by `${}` or as a parameter, or add --write-params to edit the file",
            where=Where(stage.file, stage.line),
        )
        for stage, file, key in conflicting_overrides(stages, session.overrides)
    ]
    raise_all(errors)


def _missing_deps(session: Session, names: list[str]) -> list[PivotError]:
    space = session.space
    deps = {dep.path for name in names for dep in space.graph.stages[name].deps}
    present = {path for path in deps if os.path.lexists(space.absolute(path))}
    present |= {file.path for file in space.pipeline.tracked if file.digest}
    errors: list[PivotError] = []
    for stage, path, line in missing_inputs(space.graph, names, present):
        near = _nearest_path(session, path)
        errors.append(
            GraphError(
                f"stage '{stage.name}' needs '{path}', which does not exist and no stage makes",
                hint=f"did you mean '{near}'?"
                if near
                else "create it, or add it to the outs of the stage that makes it",
                where=Where(stage.file, line),
            )
        )
    return errors


def _nearest_path(session: Session, path: str) -> str | None:
    """The out, or the file beside `path`, whose name is most like it."""
    folder = parent(path)
    beside = [join(folder, name) for name, _ in session.project.tree.list(folder)]
    return nearest(path, [*session.space.graph.producer, *beside])


def _missing_params(session: Session, stages: list[Stage]) -> list[PivotError]:
    errors: list[PivotError] = []
    made = session.space.graph.producer
    for stage in stages:
        lines = {file.path: file.line for file in stage.params_files}
        for file, key in session.space.params.missing(stage):
            if file in made:
                continue  # an upstream stage writes it
            what = f"param '{key}' of '{file}'" if key else f"params file '{file}'"
            errors.append(
                ConfigError(
                    f"stage '{stage.name}' tracks {what}, which does not exist",
                    hint=_nearest_key(session, file, key),
                    where=Where(stage.file, lines.get(file) or stage.line),
                )
            )
    return errors


def _nearest_key(session: Session, file: str, key: str) -> str | None:
    value = session.space.params.file(file)
    if not isinstance(value, Mapping):
        return f"create '{file}'"
    *above, last = key.split(".")
    for part in above:
        inner = value.get(part)
        if not isinstance(inner, Mapping):
            break
        value = inner
    found = nearest(last, [str(name) for name in value])
    return f"did you mean '{'.'.join([*above, found])}'?" if found else None


# --- durations of earlier runs -------------------------------------------------------------


def _known_seconds(session: Session) -> dict[str, float]:
    data = session.project.state.blobs("history").get("seconds")
    try:
        known = json.loads(data) if data else {}
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _remember_seconds(session: Session, took: Mapping[str, float]) -> None:
    known = {**_known_seconds(session), **{name: round(s, 3) for name, s in took.items()}}
    session.project.state.blobs("history").put("seconds", json.dumps(known).encode())
