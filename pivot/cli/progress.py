"""Reporters of a run: live lines on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import sys
import time
from collections import Counter
from shlex import quote
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .meter import Meter
from .output import note, say, say_json, seconds_text, styled
from .wording import brief, up_to_date

if TYPE_CHECKING:
    from ..project.root import Mode
    from ..run.events import Event

#: How often a second the lines of running stages are drawn.
_REFRESHES = 8

_STYLES = {
    "ran": "green",
    "restored": "cyan",
    "recorded": "cyan",
    "failed": "red",
    "blocked": "yellow",
    "skipped": "yellow",
}


class Reporter:
    """Takes the events of one run, in order; a context, so that a live display ends with it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def report(self, event: Event) -> None:
        """Show an event."""
        raise NotImplementedError


class PlainReporter(Reporter):
    """A line when a stage starts and one when it ends; fresh stages are only counted."""

    def __init__(self, mode: Mode) -> None:
        self._mode: Mode = mode
        self._counts: Counter[str] = Counter()
        self._records = 0  # of the counted, records of tracked data

    def report(self, event: Event) -> None:
        """Print what a person should see of an event."""
        match event.event:
            case "stage_started":
                self._line(f"{event.stage}: running ({brief(event.reasons)})")
                self._notes(event)
            case "stage_output":
                self._output(event)
            case "stage_finished":
                self._finished(event)
            case "run_finished":
                self._summary(event)
            case "run_started":
                pass

    def _line(self, text: str) -> None:
        note(text)

    def _output(self, event: Event) -> None:
        sys.stderr.write(event.text)

    def _notes(self, event: Event) -> None:
        for text in event.notes:
            if text != "frozen":
                self._line(f"{event.stage}: {text}")

    def _finished(self, event: Event) -> None:
        status = event.status or "ran"
        self._counts[status] += 1
        self._records += (event.stage or "").endswith((".pvt", ".dvc"))
        word = styled(status, _STYLES[status]) if status in _STYLES else status
        if status == "failed":
            took = f" after {seconds_text(event.seconds)}" if event.seconds else ""
            self._line(f"{event.stage}: {word}{took}: {event.error}")
            detail = event.detail.strip("\n").rstrip()
            if detail.strip() == event.error:
                detail = ""
            for line in detail.splitlines():
                self._line(f"    {line}")
            if event.log and detail:
                self._line(f"  the whole output: pivot logs {quote(event.stage or '')}")
        elif status == "ran":
            self._line(f"{event.stage}: {word} in {seconds_text(event.seconds)}")
        elif (event.stage or "").endswith((".pvt", ".dvc")) and event.notes:
            self._line(f"{event.stage}: {word} {'; '.join(event.notes)}")  # one thing, one line
            return
        elif status != "fresh":
            self._line(f"{event.stage}: {word}{f' ({event.error})' if event.error else ''}")
        self._notes(event)

    def _summary(self, event: Event) -> None:
        if set(self._counts) <= {"fresh"}:
            stages = self._counts.total() - self._records
            say(up_to_date(stages, self._records, mode=self._mode))
            return
        order = ("ran", "restored", "recorded", "fresh", "failed", "blocked", "skipped")
        parts = [f"{self._counts[word]} {word}" for word in order if self._counts[word]]
        saved = f", {seconds_text(event.saved)} saved" if event.saved >= 0.1 else ""
        say(f"{', '.join(parts)} in {seconds_text(event.seconds)}{saved}.")


class LiveReporter(PlainReporter):
    """On a terminal: finished stages scroll by, running ones keep one live line each."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._live: Any = None
        self._console: Any = None
        self._since: dict[str, float] = {}
        self.meter = Meter(draws=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def report(self, event: Event) -> None:
        if event.event == "stage_started" and event.stage:
            self._since[event.stage] = time.monotonic()
            self._start()
        elif event.event == "stage_finished" and event.stage:
            self._ended(event.stage)
        elif event.event == "run_finished":
            self._stop()
        super().report(event)

    def _ended(self, stage: str) -> None:
        since = self._since.pop(stage, None)
        was_shown = since is not None and time.monotonic() - since > 1 / _REFRESHES
        if self._live is not None and was_shown:
            self._live.refresh()  # else its line would be drawn once more below what follows

    def _start(self) -> None:
        if self._live is None:
            self.meter.yield_line()  # from here on it is part of the picture
            from rich.console import Console  # 44 ms to import; only a run on a terminal needs it
            from rich.live import Live

            self._console = Console(stderr=True, highlight=False)
            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=_REFRESHES,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()

    def _stop(self) -> None:
        self.meter.yield_line()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> Any:
        from rich.text import Text

        now = time.monotonic()
        # a copy: the picture is drawn in rich's own thread
        rows = [
            f"  {stage}  {seconds_text(now - since)}" for stage, since in list(self._since.items())
        ]
        working = self.meter.text(now)
        return Text("\n".join([*rows, f"  {working}"] if working else rows))

    def _line(self, text: str) -> None:
        if self._live is None:
            note(text)
        else:
            from rich.text import Text

            self._console.print(Text.from_ansi(text))

    def _output(self, event: Event) -> None:
        if self._live is None:
            sys.stderr.write(event.text)
        else:
            self._line(event.text.rstrip("\n"))


class JsonReporter(Reporter):
    """One JSON object a line on stdout (schemas/events.schema.json)."""

    def report(self, event: Event) -> None:
        """Print an event."""
        from ..commands.status import reason_data

        data: dict[str, Any] = {
            "event": event.event,
            "stage": event.stage,
            "status": event.status,
            "seconds": round(event.seconds, 3),
            "reasons": [reason_data(reason) for reason in event.reasons],
            "error": event.error,
        }
        if event.event == "stage_output":
            data["output"] = event.text
        if event.notes:
            data["notes"] = list(event.notes)
        say_json(data, indent=None)
        sys.stdout.flush()
