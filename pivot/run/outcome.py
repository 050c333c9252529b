"""What a supervisor's report on a process means for its stage, in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .job import Job, Misfit, Outcome
from .logs import tail
from .worker.failures import signal_name

#: How many lines of output an outcome without a traceback carries.
OUTPUT_LINES = 20


def outcome_of(job: Job, message: Mapping[str, Any], pid: int | None, *, stopped: bool) -> Outcome:
    """The outcome of a job whose process ended with `status`, having said `result` or nothing."""
    result: Mapping[str, Any] = message.get("result") or {}
    status: int | None = message.get("status")
    timed_out = bool(message.get("timed_out"))
    code, signal_text = _end_of(status)
    signal = signal_text.partition(" ")[0] if signal_text else result.get("signal")
    left: list[str] = message.get("left", [])
    ok = False
    detail: str | None = result.get("detail")
    if timed_out:
        error: str | None = f"timed out after {_duration(job.timeout)}"
    elif stopped:
        error = "stopped"
    elif result.get("ok") and status is not None and signal_text is None:
        ok, error = True, None
    elif result.get("error"):
        error = str(result["error"])
        code = result.get("exit_code", code)
    elif signal_text is not None:
        error = f"killed by {signal_text}{_blame(signal, out_of_memory=bool(message.get('oom')))}"
    else:
        error = f"the process left with exit code {code} before the stage had returned"
    if not ok and detail is None:
        detail = tail(job.log, OUTPUT_LINES).rstrip("\n") or None
    if left:
        said = f"ended what the stage left running: {'; '.join(left)}"
        detail = f"{detail}\n{said}" if detail else said
    return Outcome(
        stage=job.stage,
        ok=ok,
        error=error,
        detail=detail,
        exit_code=None if signal_text else code,
        signal=signal,
        timed_out=timed_out,
        stopped=stopped and not timed_out,
        seconds=float(message.get("seconds", 0.0)),
        module_files=dict(sorted(result.get("modules", {}).items())),
        opened=tuple((path, mode) for path, mode in result.get("opened", ())),
        pgid=pid,
        misfits=tuple(
            Misfit(stage, text, tuple(path)) for stage, text, path in result.get("misfits", ())
        ),
    )


def lost_outcome(job: Job, pid: int | None) -> Outcome:
    """The outcome of a job whose supervisor died while it ran."""
    return Outcome(
        stage=job.stage,
        ok=False,
        error="worker process lost",
        detail=tail(job.log, OUTPUT_LINES).rstrip("\n") or None,
        pgid=pid,
    )


def stopped_before_start(job: Job) -> Outcome:
    """The outcome of a job that was stopped before it had a process."""
    return Outcome(stage=job.stage, ok=False, error="stopped before it started", stopped=True)


def _end_of(status: int | None) -> tuple[int | None, str | None]:
    """Exit code, or the name of the signal, in a wait status."""
    if status is None:
        return None, None
    if os.WIFSIGNALED(status):
        return None, signal_name(os.WTERMSIG(status))
    return os.WEXITSTATUS(status), None


def _blame(signal: str | None, *, out_of_memory: bool) -> str:
    if signal != "SIGKILL":
        return ""
    if out_of_memory:
        return " (the system ran out of memory)"
    return " (by the system for want of memory, or by somebody)"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "its time"
    return f"{seconds:g} s"
