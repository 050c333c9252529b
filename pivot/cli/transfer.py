"""How far a transfer is, in files and bytes, on one line of a terminal."""

from __future__ import annotations

import sys
import threading
import time

from .meter import size_text

_REDRAW = 0.1
_PATIENCE = 0.5  # seconds before anything is shown


class TransferMeter:
    """Counts files and bytes from any thread; draws its line where it `draws`."""

    def __init__(self, doing: str, *, draws: bool) -> None:
        self._doing = doing
        self._draws = draws
        self._guard = threading.Lock()
        self._expected = 0
        self._done = 0
        self._size = 0
        self._moved = 0
        self._began = time.monotonic()
        self._drawn = self._began + _PATIENCE - _REDRAW
        self._width = 0

    def __enter__(self) -> TransferMeter:
        return self

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._draws = False
            if self._width:
                sys.stderr.write("\r" + " " * self._width + "\r")
                sys.stderr.flush()

    def expect(self, files: int, size: int) -> None:
        """So many files, and bytes as far as known, are to be moved as well."""
        with self._guard:
            self._expected += files
            self._size += size

    def moved(self, size: int) -> None:
        """So many bytes more are on the other side."""
        with self._guard:
            self._moved += size
            self._draw()

    def finished(self) -> None:
        """One file more is whole."""
        with self._guard:
            self._done += 1
            self._draw()

    def text(self, now: float) -> str:
        """`fetching 812/2,000 files, 8.3 MB of 20 MB (2.1 MB/s)`."""
        whole = f" of {size_text(self._size)}" if self._size >= self._moved else ""
        speed = size_text(self._moved / max(now - self._began, 0.001))
        files = f"{self._done:,}/{self._expected:,} files"
        return f"{self._doing} {files}, {size_text(self._moved)}{whole} ({speed}/s)"

    def _draw(self) -> None:
        now = time.monotonic()
        if not self._draws or now - self._drawn < _REDRAW:
            return
        self._drawn = now
        text = self.text(now)
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = max(self._width, len(text))
