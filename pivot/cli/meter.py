"""How much has been read and written, told on a terminal once it takes longer than a second."""

from __future__ import annotations

import sys
import threading
import time

_PATIENCE = 1.0  # seconds of work before anything is shown
_PAUSE = 0.5  # seconds without bytes after which a new piece of work begins
_REDRAW = 0.1


class Meter:
    """Counts bytes; called from any thread. `text` is what to show now, '' for nothing.

    With `draws` it keeps a line of its own up to date on stderr, until `yield_line`.
    """

    def __init__(self, *, draws: bool = False) -> None:
        self._draws = draws
        self._guard = threading.Lock()
        self._bytes = 0
        self._since = 0.0
        self._last = 0.0
        self._drawn = 0.0
        self._width = 0

    def __call__(self, count: int) -> None:
        """Note that `count` more bytes were read or written."""
        now = time.monotonic()
        with self._guard:
            if now - self._last > _PAUSE:
                self._bytes, self._since = 0, now
            self._bytes += count
            self._last = now
            if self._draws and now - self._drawn > _REDRAW:
                self._drawn = now
                self._draw(self.text(now))

    def text(self, now: float | None = None) -> str:
        """`hashing and storing 1.2 GB (3.1 GB/s)`, or '' where nothing has gone on for a second."""
        now = time.monotonic() if now is None else now
        took = now - self._since
        if not self._bytes or took < _PATIENCE or now - self._last > _PAUSE:
            return ""
        return f"hashing and storing {size_text(self._bytes)} ({size_text(self._bytes / took)}/s)"

    def yield_line(self) -> None:
        """Take the line away, and draw no more."""
        with self._guard:
            if self._draws:
                self._draws = False
                self._draw("")

    def _draw(self, text: str) -> None:
        if text or self._width:
            sys.stderr.write("\r" + text.ljust(self._width) + ("\r" if not text else ""))
            sys.stderr.flush()
            self._width = len(text)


def size_text(size: float) -> str:
    """A number of bytes for people: 812 B, 14 kB, 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
