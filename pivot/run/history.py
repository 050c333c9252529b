"""What ran when, why and how long: one line of JSON for each stage that ended, in a local file.

A line is appended in one write when its stage ends, so a crash loses nothing that was there; a
torn line is passed over. Only who holds the project's lock writes. The file is kept small: beyond
a limit the older half goes, except for the last good run of each stage, which tells how long the
next one may take. How long stages took is cached in the state by the file's stat numbers.
"""

from __future__ import annotations

import json
import marshal
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from ..disk import write_atomic
from ..model import Reason
from ..stamp import Signature, signature
from ..values import dataclass
from .journal import scratch_folder
from .logs import log_path
from .memory import Blobs

Ended = Literal["ran", "restored", "failed", "interrupted", "killed"]

_LIMIT_BYTES = 1 << 20
_MOST_REASONS = 8
_LONGEST_VALUE = 200
_LONGEST_ERROR = 1000
_KEY = "seconds-2"


@dataclass(frozen=True, slots=True)
class Past:
    """One stage of one run: how it ended, when it began (seconds since the epoch), its reasons.

    `run` is the same for all stages of a run; `seconds` is None where the run was killed.
    """

    stage: str
    status: Ended
    at: float
    seconds: float | None = None
    run: str = ""
    reasons: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None


def history_path(root: str) -> str:
    """Where the history of the project at `root` is kept. Git ignores it."""
    return os.path.join(root, ".pivot", "logs", "history.jsonl")


class Writer:
    """Appends to the history during one run; close it at the end.

    A disk that takes nothing costs the history, never the run.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._path = history_path(root)
        self._descriptor = -1
        self._is_broken = False
        self._run = f"{time.time_ns():x}-{os.getpid():x}"

    def note(
        self,
        stage: str,
        status: Ended,
        at: float,
        seconds: float | None = None,
        reasons: Sequence[Reason] = (),
        error: str | None = None,
    ) -> None:
        """Add one line."""
        line: dict[str, Any] = {"at": round(at, 3), "stage": stage, "status": status}
        if seconds is not None:
            line["seconds"] = round(seconds, 3)
        line["run"] = self._run
        if reasons:
            line["why"] = [_reason_data(reason) for reason in reasons[:_MOST_REASONS]]
        if error:
            line["error"] = error[:_LONGEST_ERROR]
        text = json.dumps(line, ensure_ascii=True, default=str, separators=(",", ":"))
        self._append(text.encode() + b"\n")

    def note_killed(self, stages: Iterable[str]) -> None:
        """Add stages whose run died without telling; they last wrote to their logs."""
        for stage in stages:
            try:
                at = os.stat(log_path(self._root, stage)).st_mtime
            except OSError:
                at = time.time()
            self.note(stage, "killed", at, error="the run was killed")

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: bytes) -> None:
        if self._is_broken:
            return
        try:
            if self._descriptor < 0:
                self._open()
            os.write(self._descriptor, line)
        except OSError:
            self._is_broken = True

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        try:
            size = os.stat(self._path).st_size
        except FileNotFoundError:
            size = 0
        if size > _LIMIT_BYTES:
            _shorten(self._root, self._path)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o644)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")  # after what a crash tore


def _reason_data(reason: Reason) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": reason.kind, "subject": reason.subject}
    for name, value in (("old", reason.old), ("new", reason.new)):
        if value is not None:
            data[name] = _short(value)
    return data


def _short(value: Any) -> Any:
    """A value as it is where it is small, else the beginning of its text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if len(text) > _LONGEST_VALUE:
        return text[:_LONGEST_VALUE] + "..."
    return value


def _shorten(root: str, path: str) -> None:
    """Keep the newer half of the file, and before it the last good run of every other stage."""
    with open(path, "rb") as stream:
        lines = stream.read().splitlines(keepends=True)
    kept: list[bytes] = []
    size = 0
    while lines and size < _LIMIT_BYTES // 2:
        kept.append(lines.pop())
        size += len(kept[-1])
    stages = {past.stage for past in _parsed(kept) if past.status == "ran"}
    for line in reversed(lines):
        for past in _parsed([line]):
            if past.status == "ran" and past.stage not in stages:
                stages.add(past.stage)
                kept.append(line)
    write_atomic(path, b"".join(reversed(kept)), scratch=scratch_folder(root))


def read_history(root: str) -> list[Past]:
    """All that is known, the oldest first."""
    return list(_parsed(_lines(history_path(root))))


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as stream:
            return stream.read().split(b"\n")
    except OSError:
        return []


def _parsed(lines: Iterable[bytes]) -> Iterator[Past]:
    for line in lines:
        try:
            data = json.loads(line)
            past = Past(
                stage=str(data["stage"]),
                status=data["status"],
                at=float(data["at"]),
                seconds=float(data["seconds"]) if "seconds" in data else None,
                run=str(data.get("run", "")),
                reasons=tuple(data.get("why", ())),
                error=data.get("error"),
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # torn, or of another version
        yield past


# --- how long stages take -------------------------------------------------------------------


def durations(root: str, kept: Blobs) -> dict[str, float]:
    """Seconds that the last good run of each stage took, by its name."""
    seen = _seen(history_path(root))
    if seen is None:
        return {}
    try:
        known, seconds = marshal.loads(kept.get(_KEY) or b"")  # noqa: S302 (checked by the state)
        if known == seen:
            return dict(seconds)
    except (ValueError, EOFError, TypeError):
        pass  # not kept yet
    took = {
        past.stage: past.seconds
        for past in read_history(root)
        if past.status == "ran" and past.seconds is not None
    }
    kept.put(_KEY, marshal.dumps((seen, took)))
    return took


def remember(root: str, kept: Blobs, known: Mapping[str, float], took: Mapping[str, float]) -> None:
    """Keep what `durations` would find after a run that took `took`, `known` being from before."""
    kept.put(_KEY, marshal.dumps((_seen(history_path(root)), {**known, **took})))


def _seen(path: str) -> Signature | None:
    try:
        return signature(os.stat(path))
    except OSError:
        return None
