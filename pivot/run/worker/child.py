"""What happens in the process of one job: it becomes the stage's, runs it, and says how it went.

A result is one JSON object: `{"ok": true, "modules", "opened"}` or `{"ok": false, "error",
"detail", "exit_code", ...}`, written last of all. A process that ends without one was ended.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from typing import Any, NoReturn

from . import calling, ending, failures, imports, shared, shell
from .observation import REPORT_VARIABLE, Observation, merge_report
from .places import Places

#: The modules a bare interpreter has loaded before it runs any of our code.
STARTED_WITH: set[str] = set()

#: The modules loaded before the fork, and those of them by top-level name that a project module
#: may stand in for; empty in an interpreter of the job's own.
_prepared: frozenset[str] = frozenset()
_replaceable: dict[str, list[str]] = {}

_places: dict[tuple[str, ...], Places] = {}

_HERE = os.path.dirname(os.path.abspath(__file__))
#: Folders whose frames are nobody's business.
_OURS = (_HERE, shared.FOLDER)


def prepare() -> None:
    """Import and compute ahead of the forks what every job needs."""
    import inspect  # noqa: F401
    import traceback  # noqa: F401

    global _prepared
    _settle_interpreter()
    _prepared = frozenset(sys.modules)


def _settle_interpreter() -> None:
    """Do what is the same for every job: in a zygote once, before the first of them."""
    _find_replaceable()
    imports.prepare()
    # a blank one: `multiprocessing` would import our script again in the processes it spawns
    main = type(sys)("__main__")
    sys.modules["__main__"], main.__dict__["__worker__"] = main, sys.modules["__main__"]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    import faulthandler

    faulthandler.enable()


def _find_replaceable() -> None:
    for name, module in list(sys.modules.items()):
        if name in STARTED_WITH or getattr(module, "__file__", None) is None:
            continue
        top = name.partition(".")[0]
        if top not in ("__main__", "_pivot_worker", "_pivot_formats"):
            _replaceable.setdefault(top, []).append(name)


def places_of(job: dict[str, Any]) -> Places:
    """The folders of the job's project, found once for all jobs that share them."""
    key = (job["root"], *job["roots"])
    if key not in _places:
        _places[key] = Places(job["root"], job["roots"])
        imports.forget(_places[key])
    return _places[key]


def report_path(job: dict[str, Any], pid: int) -> str | None:
    """Where processes that the job starts report what they open; None: it is not observed."""
    return f"{job['log']}.{pid}.observed" if job["observe"] else None


def run(mode: str, message: dict[str, Any], result: int) -> NoReturn:
    """Do the job of `message` in this freshly forked process, then leave it."""
    job = message["job"]
    try:
        error = _enter(job)
        _take_environment(job, message["id"])
        if error is None and mode == "exec":
            error = _execute(job, message["python"], result)
    except BaseException as problem:
        error = f"cannot start: {failures.one_line(problem)}"
    if error is not None:
        _leave({"ok": False, "error": error}, result, 1)
    if mode == "shell":
        run_shell(job, result)
    run_call(job, result)


def run_shell(job: dict[str, Any], result: int) -> NoReturn:
    """Run the job's command lines, one shell each, and leave."""
    report = report_path(job, os.getpid())
    environment = dict(os.environ)
    if report is not None:
        site = os.path.join(_HERE, "site")
        path = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = site + os.pathsep + path if path else site
        environment[REPORT_VARIABLE] = os.pathsep.join([report, job["root"], *job["roots"]])
    outcome = shell.run_lines(job["commands"], environment)
    code = outcome.get("exit_code")
    if report is not None:
        modules: dict[str, str] = {}
        opened: dict[str, str] = {}
        merge_report(report, job["root"], job["known"], modules, opened)
        outcome["modules"] = modules
        outcome["opened"] = sorted(opened.items())
    _leave(outcome, result, code if isinstance(code, int) else 1)


def run_call(job: dict[str, Any], result: int) -> NoReturn:
    """Call the job's function in this process, and leave."""
    pid = os.getpid()
    _prepare_interpreter(job)
    places = places_of(job)
    imports.install(places)
    observation = None
    if job["observe"]:
        observation = Observation(places, job["known"], report_path(job, pid))
        before = _prepared or frozenset(sys.modules)
        observation.start()
    outcome: dict[str, Any] = {"ok": True}
    code = 0
    try:
        calling.call(job)
    except BaseException as error:
        if observation is not None:
            observation.stop()
        outcome = failures.describe(error, job["root"], _OURS)
        code = outcome["exit_code"]
        if outcome.get("detail"):
            _print_error(outcome["detail"])
    if os.getpid() != pid:
        # a process that the stage forked came back out of its function
        ending.end_threads_and_exits()
        os._exit(code)
    problem = ending.end()
    if problem is not None and outcome["ok"]:
        outcome = failures.describe(problem, job["root"], _OURS)
        code = outcome["exit_code"]
        _print_error(outcome["detail"])
    if observation is not None:
        modules, opened = observation.finish(before)
        outcome["modules"] = modules
        outcome["opened"] = opened
    _leave(outcome, result, code)


# --- becoming the stage's process -----------------------------------------------------------


def _enter(job: dict[str, Any]) -> str | None:
    """Take the job's input, output and folder; what is wrong where that cannot be."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    try:
        log = os.open(job["log"], flags, 0o644)
    except OSError as error:
        return "cannot write the log '{}': {}".format(job["log"], error.strerror)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(null)
    os.close(log)
    try:
        os.chdir(job["cwd"])
    except OSError as error:
        return "cannot enter the working directory '{}': {}".format(job["cwd"], error.strerror)
    return None


def _take_environment(job: dict[str, Any], number: int) -> None:
    environment = os.environ
    for name in job["env_drop"]:
        environment.pop(name, None)
    if environment.get("PIVOT_ROOT") != job["root"]:
        environment["PIVOT_ROOT"] = job["root"]
    environment["PIVOT_STAGE"] = job["stage"]
    environment["PIVOT_JOB"] = f"{environment.get('PIVOT_RUN_ID', '')}-{number}"
    if job["kind"] == "cmd":
        # what DVC sets for commands; some scripts look for them
        environment.setdefault("DVC_ROOT", job["root"])
        environment["DVC_STAGE"] = job["stage"]
    if environment.get("PWD") != job["cwd"]:
        environment["PWD"] = job["cwd"]
    for name, value in job["env_set"].items():
        environment[name] = value


def _execute(job: dict[str, Any], python: str, result: int) -> str:
    """Replace this process by a fresh interpreter for the same job; what hindered it."""
    path = f"{job['log']}.{os.getpid()}.job"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(path)
    _write_all(descriptor, json.dumps(job).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    os.set_inheritable(result, True)
    program = [python, os.path.join(_HERE, "__main__.py"), "--job", str(descriptor), str(result)]
    try:
        os.execv(python, program)  # noqa: S606 - no shell is wanted
    except OSError as error:
        return f"cannot run the interpreter '{python}': {error.strerror}"


def _prepare_interpreter(job: dict[str, Any]) -> None:
    """Make this interpreter look as if it had been started for the stage alone."""
    gc.enable()
    roots = list(job["roots"])
    sys.path[:] = roots + [entry for entry in sys.path if entry not in roots]
    sys.argv = [job["module"]]
    if not _prepared:
        _settle_interpreter()
    _forget_shadowed(roots)
    _reseed()


def _forget_shadowed(roots: list[str]) -> None:
    """Let project modules named like standard ones be found, as in a plain interpreter."""
    for root in roots:
        try:
            entries = os.listdir(root)
        except OSError:
            continue
        for entry in entries:
            for name in _replaceable.get(entry[:-3] if entry.endswith(".py") else entry, ()):
                sys.modules.pop(name, None)


def _reseed() -> None:
    """Give every stage its own random numbers: a fork copies the generators' state.

    `random` does so itself after a fork.
    """
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


# --- leaving --------------------------------------------------------------------------------


def _print_error(text: str) -> None:
    """Write a traceback to the stage's log, whatever the stage did to `sys.stderr`."""
    ending.flush_standard_streams()
    with contextlib.suppress(OSError):
        _write_all(2, text.encode("utf-8", "backslashreplace") + b"\n")


def _leave(outcome: dict[str, Any], result: int, code: int) -> NoReturn:
    with contextlib.suppress(OSError):  # nobody listens any more
        _write_all(result, json.dumps(outcome).encode())
    os._exit(code & 0xFF)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
