"""The guard over all tests: nothing writes to the home directory or reaches the network.

Processes started by tests inherit a home of their own, proxies that lead nowhere and a git that
speaks to folders only. Inside the test process an audit hook refuses; what it refused fails the
test, even where the code under test swallowed the error.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
#: Written to without harm: the checkout, temporary files, the interpreter's own bytecode.
ALLOWED = tuple(
    os.path.join(os.path.realpath(folder), "")
    for folder in (ROOT, tempfile.gettempdir(), sys.prefix, sys.base_prefix)
)
#: The processes of pytest-xdist are started with the temporary home already set.
REAL_HOME = "PIVOT_TEST_REAL_HOME"
HOMES = tuple(
    os.path.join(os.path.realpath(home), "")
    for home in {
        pwd.getpwuid(os.getuid()).pw_dir,
        os.environ.setdefault(REAL_HOME, os.path.expanduser("~")),
    }
    if home != "/"
)
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
#: Audit events that change a path, with the positions of the paths among their arguments.
CHANGES = {
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.link": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
}

_refused: list[str] = []
_temporary_home: str | None = None


def pytest_configure(config: pytest.Config) -> None:
    global _temporary_home
    _temporary_home = tempfile.mkdtemp(prefix="pivot-test-home-")
    os.environ.update(isolated_environment(_temporary_home))
    for name in list(os.environ):
        if name.startswith(("PIVOT_", "AWS_", "DVC_")) and name not in KEPT:
            del os.environ[name]
    # the clock of a busy machine says nothing about the code; what is held against a change is the
    # same each time, and `-m ''`, for thorough tests, looks further at random
    is_suite = config.getoption("markexpr") == "not thorough"
    settings.register_profile("suite", deadline=None, derandomize=is_suite)
    settings.load_profile("suite")
    sys.addaudithook(_refuse)
    # started by a script, or under nohup, it ignores these, and so would every process below
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)  # when coverage has begun
def pytest_sessionstart() -> None:
    """Have threads take their tracers one at a time.

    CPython asks the audit hooks as it puts one in. Where another thread gets its turn then and
    starts a third, that one ends before it has done anything: "Cannot install a trace function
    while another trace function is being installed".
    """
    hook = threading.gettrace()
    if hook is None:
        return
    turn = threading.RLock()

    def in_turn(function: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(*arguments: Any) -> Any:
            with turn:
                return function(*arguments)

        return waiting

    os.register_at_fork(
        before=turn.acquire, after_in_parent=turn.release, after_in_child=turn.release
    )
    sys.settrace = in_turn(sys.settrace)  # `threading` calls it in each new thread
    threading.settrace(in_turn(hook))


def pytest_unconfigure() -> None:
    if _temporary_home is not None:
        shutil.rmtree(_temporary_home, ignore_errors=True)


#: PIVOT_TEST_*: where peers are installed. The rest comes from `isolated_environment`.
KEPT = frozenset(
    {
        "PIVOT_TEST_DVC",
        "PIVOT_TEST_BROWSER",
        "PIVOT_TEST_SFTP_SERVER",
        "PIVOT_TEST_AZURITE",
        REAL_HOME,
        "AWS_EC2_METADATA_DISABLED",
    }
)


def isolated_environment(home: str) -> dict[str, str]:
    """What every process of a test is given: a home of its own, and no way out."""
    nowhere = "http://127.0.0.1:9"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), nowhere)
    return {
        "HOME": home,
        "XDG_CONFIG_HOME": os.path.join(home, ".config"),
        "XDG_CACHE_HOME": os.path.join(home, ".cache"),
        "XDG_DATA_HOME": os.path.join(home, ".local", "share"),
        "XDG_STATE_HOME": os.path.join(home, ".local", "state"),
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PIP_NO_INDEX": "1",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITING:
            _refuse_path(event, path)
    elif event in CHANGES:
        for position in CHANGES[event]:
            _refuse_path(event, arguments[position])
    elif event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and address:
            _refuse_host(event, address[0])
    elif event == "socket.getaddrinfo" and arguments[0]:
        _refuse_host(event, arguments[0])


def _refuse_path(event: str, path: Any) -> None:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    place = os.path.abspath(os.fsdecode(path))
    if place.startswith(HOMES) and not place.startswith(ALLOWED):
        _refused.append(f"{event} {place}")
        raise PermissionError(f"a test must not write to the home directory: {place}")


def _refuse_host(event: str, host: Any) -> None:
    name = os.fsdecode(host) if isinstance(host, (str, bytes)) else str(host)
    if not name.startswith(LOOPBACK):
        _refused.append(f"{event} {name}")
        raise PermissionError(f"a test must not reach the network: {name}")


@pytest.fixture(autouse=True)
def guard() -> Iterator[list[str]]:
    """What was refused during this test; anything left in it fails the test."""
    _refused.clear()
    yield _refused
    assert not _refused, f"refused: {_refused}"


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The repository that is under test."""
    return Path(ROOT)
