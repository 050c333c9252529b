"""Runs and plans, shown to people: what `repro`, `run` and `plan` do once their options are read.

Imports nothing of the command-line library, which bare commands do without.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from .opening import cannot_write, may_write, metered, opened
from .output import note, say, say_json, seconds_text

if TYPE_CHECKING:
    from ..commands.repro import Plan, ReproRequest
    from ..commands.session import Session
    from ..model import Decision
    from ..project.root import Mode


def execute(
    request: ReproRequest,
    overrides: tuple[str, ...] = (),
    *,
    dry: str | None = None,
    wait: bool = True,
    as_json: bool = False,
) -> int:
    """Run what a request asks for, or tell what that would take; the exit code.

    `dry` is 'dry' for a plan, 'explain' for one with all reasons.
    """
    from ..commands.repro import ReproRequest, plan_run

    is_bare = request == ReproRequest() and not overrides and not as_json
    if dry is not None:
        with opened(overrides, partial=True) as session:
            with metered(session):
                planned = plan_run(session, _placed(request, session.cwd))
            if is_bare and planned.has_nothing_to_say and not session.project.warnings:
                _leave_witness(session, "plan", planned.decisions, planned.records)
            mode = session.project.mode
        where = "in the cache or on the remote" if request.pull else "in the cache"
        _print_plan(planned, mode, where, explained=dry == "explain", as_json=as_json)
        return 0
    if not may_write():
        with opened(overrides, partial=True) as session:
            return _run_none(session, _placed(request, session.cwd), as_json=as_json)
    with opened(overrides, exclusive=True, wait=wait, partial=True) as session:
        placed = _placed(request, session.cwd)
        return _run(session, placed, as_json=as_json, is_bare=is_bare)


def _placed(request: ReproRequest, cwd: str) -> ReproRequest:
    from dataclasses import replace

    return replace(request, selection=replace(request.selection, cwd=cwd))


def _run(session: Session, request: ReproRequest, *, as_json: bool, is_bare: bool) -> int:
    from dataclasses import replace

    from ..commands.repro import Run
    from ..errors import EXIT_FAILED, EXIT_INTERRUPTED, PivotError
    from ..model import HELD
    from ..run.events import Stopped
    from .progress import JsonReporter, LiveReporter, PlainReporter

    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and request.confirm is None
    mode = session.project.mode
    reporter = JsonReporter() if as_json else LiveReporter(mode) if live else PlainReporter(mode)
    if isinstance(reporter, LiveReporter):
        request = replace(request, progress=reporter.meter)
    run = Run(session, request)
    is_remarked = False
    try:
        with reporter:
            for event in run.events():
                reporter.report(event)
                is_remarked |= HELD in event.notes
    except BrokenPipeError:
        raise PivotError(
            "whoever read the output has gone, and the run was stopped",
            hint="previous outputs are back; run it again",
            exit_code=EXIT_FAILED,
        ) from None
    except Stopped:
        note("interrupted: running stages were ended and their previous outputs are back")
        return EXIT_INTERRUPTED
    if is_bare and run.had_nothing_to_do and not is_remarked:
        _leave_witness(session, "repro", [stage.name for stage in run.stages], run.records)
    return run.exit_code


def _run_none(session: Session, request: ReproRequest, *, as_json: bool) -> int:
    """Tell that there is nothing to do, in a project that may only be read. Raises StoreError."""
    from ..commands.repro import Run, plan_run
    from .progress import JsonReporter, PlainReporter

    planned = plan_run(session, request)
    if not planned.has_nothing_to_do or request.force or request.write_params:
        raise cannot_write(session)
    with JsonReporter() if as_json else PlainReporter(session.project.mode) as reporter:
        for event in Run(session, request).idle_events(planned.decisions):
            reporter.report(event)
    return 0


def _leave_witness(session: Session, command: str, names: Collection[str], records: int) -> None:
    from ..commands.witness import leave
    from .wording import up_to_date

    stages = [session.space.graph.stages[name] for name in names]
    text = up_to_date(len(names), records, mode=session.project.mode)
    leave(session, command, text, stages)


def _print_plan(planned: Plan, mode: Mode, where: str, *, explained: bool, as_json: bool) -> None:
    from ..commands.status import decision_data
    from ..model import HELD, RESTORABLE
    from .wording import brief, explanation, is_refused, is_settled, remark, state_word

    stale = [d for d in planned.decisions.values() if not is_settled(d)]
    if as_json:
        shown = [decision_data(decision) for decision in planned.decisions.values()]
        say_json({"stages": shown, "tracked": [], "environment": []})
        return
    if explained:
        for decision in stale:
            say("\n".join(explanation(decision)))
    else:
        held = [d for d in planned.decisions.values() if is_settled(d) and HELD in d.notes]
        width = max((len(decision.stage) for decision in [*stale, *held]), default=0)
        for decision in stale:
            known = planned.seconds.get(decision.stage)
            runs = decision.action == "run" and RESTORABLE not in decision.notes
            expected = f"  [about {seconds_text(known)}]" if known and runs else ""
            text = brief(decision.reasons, unknown=is_refused(decision))
            text = f"{text or f'its outs are missing, and {where}'}{remark(decision)}"
            say(f"{decision.stage:<{width}}  {state_word(decision):<9} {text}{expected}")
        for decision in held:
            say(f"{decision.stage:<{width}}  {state_word(decision):<9} {HELD}")
    _print_plan_summary(planned, stale, mode)


def _print_plan_summary(planned: Plan, stale: list[Decision], mode: Mode) -> None:
    from .wording import is_refused, up_to_date

    if not stale:
        say(up_to_date(len(planned.decisions), planned.records, mode=mode))
        return
    total = f", about {seconds_text(planned.expected)} of stage time" if planned.expected else ""
    fresh = len(planned.decisions) - len(stale)
    lost = sum(is_refused(decision) for decision in stale)
    count = len(stale) - lost
    what = "1 stage" if count == 1 else f"{count} stages"
    refused = f", {lost} refused" if lost else ""
    say(f"Would bring {what} up to date, {fresh} fresh{refused}{total}.")
