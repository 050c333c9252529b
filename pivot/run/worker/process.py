"""Process groups and their ends: who is left, who they are, and dying with one's parent."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # of CPython; typeshed has none
import contextlib
import os
import sys
from collections.abc import Callable

LINUX = sys.platform.startswith("linux")

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36


def _load_prctl() -> Callable[..., int] | None:
    if not LINUX:
        return None
    try:
        import ctypes

        prctl: Callable[..., int] = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None  # an interpreter built without ctypes: end of file on the socket has to do
    return prctl


_prctl: Callable[..., int] | None = None


def load() -> None:
    """Make `die_with_parent`, `set_name` and `adopt_orphans` work where the system has them."""
    global _prctl
    if _prctl is None:
        _prctl = _load_prctl()


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process `signal_number` when its parent ends (Linux)."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal_number)


def set_name(name: str) -> None:
    """Name this process for `ps`, and so that descendants that never exec can be told (Linux)."""
    if _prctl is not None:
        _prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux)."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def group_exists(pgid: int) -> bool:
    """Whether any process, ended and unreaped ones included, is in group `pgid`."""
    try:
        os.killpg(pgid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def signal_group(pgid: int, number: int) -> None:
    """Send a signal to every process of a group, if it still exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, number)


def signal_process(pid: int, number: int) -> None:
    """Send a signal to a process, if it still exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def children() -> list[int]:
    """The pids of this process's children, adopted ones included (Linux; else none)."""
    pid = os.getpid()
    return [int(word) for word in _read(f"/proc/{pid}/task/{pid}/children").split()]


def status_fields(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat after the name: state, parent, group, ...; [] if gone."""
    text = _read(f"/proc/{pid}/stat")
    return text[text.rfind(b")") + 1 :].split()


def is_running(pid: int) -> bool:
    """Whether process `pid` exists and has not ended (an unreaped zombie has)."""
    fields = status_fields(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def members(pgid: int) -> list[int]:
    """The running processes of group `pgid` (Linux; else none)."""
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            fields = status_fields(int(name))
            if fields and fields[0] not in (b"Z", b"X") and int(fields[2]) == pgid:
                found.append(int(name))
    return found


def environment(pid: int) -> dict[bytes, bytes]:
    """The environment that process `pid` was started with, as far as it may be read (Linux)."""
    entries = _read(f"/proc/{pid}/environ").split(b"\0")
    return {key: value for key, _, value in (entry.partition(b"=") for entry in entries)}


def name_of(pid: int) -> str:
    """The name that `set_name` gave, or the program's."""
    return _read(f"/proc/{pid}/comm").rstrip(b"\n").decode("utf-8", "replace")


def command_line(pid: int) -> str:
    """What process `pid` runs, for people."""
    text = _read(f"/proc/{pid}/cmdline").rstrip(b"\0").replace(b"\0", b" ")
    shown = text.decode("utf-8", "replace").strip() or name_of(pid)
    return shown if len(shown) <= 100 else shown[:97] + "..."


def oom_kills() -> int:
    """How many processes the kernel has ended for want of memory since it started (Linux)."""
    for line in _read("/proc/vmstat").splitlines():
        if line.startswith(b"oom_kill "):
            return int(line.split()[1])
    return 0


def default_signals() -> None:
    """Undo what a server of jobs does with signals, as in a freshly started interpreter."""
    # `signal.signal` makes members of enumerations of what it takes and gives: a tenth of a fork
    take = _signal.signal
    _signal.set_wakeup_fd(-1)
    for number in (_signal.SIGCHLD, _signal.SIGTERM, _signal.SIGUSR2):
        take(number, _signal.SIG_DFL)
    take(_signal.SIGINT, _signal.default_int_handler)
