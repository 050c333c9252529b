"""Driving Pivot from programs: values of any version of a project, and runs. Plain data comes back.

Every function takes `project`, a folder of the project (default: the current one), and raises
PivotError with the message that the command line would print.
"""

from __future__ import annotations

import builtins
import io
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Literal

from .errors import PivotError, raise_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .commands.measures import Reading
    from .commands.versions import Version, Versions

_MODES = ("r", "rt", "rb")


def open(  # noqa: A001 (as `dvc.api.open` has it)
    path: str | os.PathLike[str],
    rev: str | None = None,
    *,
    mode: str = "r",
    encoding: str = "utf-8",
    repo: str | None = None,
    project: str | os.PathLike[str] = ".",
    fetch: bool = True,
) -> IO[Any]:
    """A file of the project, opened for reading: as it lies there, or as `rev` has it.

    An out or tracked file that is not in place comes from the cache or, with `fetch`, the remote.
    `repo` names another repository, whose default branch is read without `rev`. Close it as any
    file. Raises PivotError where there is no such file or revision, where it is no text in that
    encoding, and for other modes.
    """
    if mode not in _MODES:
        hint = "it is opened to read from; write to the path itself" if mode[:1] in "wax+" else None
        raise PivotError(f"mode is one of {', '.join(_MODES)}, not {mode!r}", hint=hint)
    data = _bytes(os.fspath(path), rev, repo, os.fspath(project), fetch)
    stream = io.BytesIO(data)
    if mode == "rb":
        return stream
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        hint = "mode='rb' gives its bytes"
        raise PivotError(f"'{path}' is no text in {encoding}", hint=hint) from None
    except LookupError:
        raise PivotError(f"there is no encoding {encoding!r}") from None
    return io.TextIOWrapper(stream, encoding=encoding, newline=None)


def read(
    path: str | os.PathLike[str],
    rev: str | None = None,
    *,
    mode: str = "r",
    encoding: str = "utf-8",
    repo: str | None = None,
    project: str | os.PathLike[str] = ".",
    fetch: bool = True,
) -> Any:
    """The content of a file as `open` would open it: a text, or with mode 'rb' bytes."""
    with open(
        path, rev, mode=mode, encoding=encoding, repo=repo, project=project, fetch=fetch
    ) as stream:
        return stream.read()


def params(
    rev: str | None = None,
    *,
    targets: Sequence[str] | str = (),
    project: str | os.PathLike[str] = ".",
) -> dict[str, Any]:
    """The params of the working tree or of a revision: values by file, as `params show` has them.

    `targets` are files to look at instead of all, or folders of them, seen from `project`. Raises
    PivotError for a file that cannot be read, or a target that is not there.
    """
    from .commands.measures import read_params

    with _versions(os.fspath(project)) as versions:
        names = tuple(map(versions.artifact, _names(targets)))
        reading = read_params(_chosen(versions, rev), names)
        _check_targets(versions, "params", reading, names)
        return _checked(reading)


def metrics(
    rev: str | None = None,
    *,
    targets: Sequence[str] | str = (),
    project: str | os.PathLike[str] = ".",
    fetch: bool = True,
) -> dict[str, Any]:
    """The metrics of the working tree or of a revision: values by file, as `metrics show` has them.

    Files that are not there yet are left out. Raises PivotError for one that cannot be read, or a
    target that is not there.
    """
    from .commands.measures import read_metrics

    with _versions(os.fspath(project)) as versions:
        names = tuple(map(versions.artifact, _names(targets)))
        reading = read_metrics(_chosen(versions, rev), names, fetch=fetch)
        _check_targets(versions, "metrics", reading, names)
        return _checked(reading)


def status(
    targets: Sequence[str] | str = (), *, project: str | os.PathLike[str] = "."
) -> dict[str, Any]:
    """Which stages are stale, and why: what `status --json` prints."""
    from .commands.session import Request, Session
    from .commands.status import status as use_case
    from .commands.status import status_data
    from .graph import Selection

    with Session(Request(os.fspath(project))) as session:
        return status_data(use_case(session, Selection(_names(targets), session.cwd)))


def repro(
    targets: Sequence[str] | str = (),
    *,
    force: bool = False,
    keep_going: bool = False,
    jobs: int | None = None,
    set_params: Mapping[str, Any] | None = None,
    project: str | os.PathLike[str] = ".",
) -> dict[str, Any]:
    """Bring stages up to date: `{"ok": bool, "stages": {name: {"status", "seconds", "error"}}}`.

    `set_params` are values over params and vars, by `key` or `file:key`, as `-S` gives them.
    Raises PivotError where the input is wrong, before anything runs; a stage that fails is told by
    its status, and `ok` is false.
    """
    from .commands.repro import ReproRequest, Run
    from .commands.session import Request, Session
    from .graph import Selection

    if jobs is not None and (type(jobs) is not int or jobs < 1):
        raise PivotError(f"jobs takes a whole number from 1 on, not {jobs!r}")
    overrides = tuple(f"{key}={json.dumps(value)}" for key, value in (set_params or {}).items())
    found: dict[str, Any] = {}
    with Session(Request(os.fspath(project), overrides), exclusive=True) as session:
        selection = Selection(_names(targets), session.cwd)
        request = ReproRequest(selection, force=force, keep_going=keep_going, jobs=jobs)
        run = Run(session, request)
        for event in run.events():
            if event.event == "stage_finished" and event.stage is not None:
                found[event.stage] = {
                    "status": event.status,
                    "seconds": event.seconds,
                    "error": event.error,
                }
        return {"ok": run.exit_code == 0, "stages": found}


def _names(targets: Sequence[str] | str) -> tuple[str, ...]:
    return (targets,) if isinstance(targets, str) else tuple(targets)


def _check_targets(
    versions: Versions, kind: Literal["params", "metrics"], reading: Reading, names: Sequence[str]
) -> None:
    """Raise PivotError for a target that is not there."""
    absent = sorted(reading.absent & {*names})
    if absent:
        from .commands.reviews import unknown_target

        raise unknown_target(versions, kind, [reading], absent[0])


def _checked(reading: Reading) -> dict[str, Any]:
    """The values that were read. Raises PivotErrors for what could not be."""
    broken = [failure.error for failure in reading.failures if not failure.is_absent]
    raise_all([*(problem.error for problem in reading.version.pipeline.problems), *broken])
    return reading.values


@contextmanager
def _versions(project: str) -> Iterator[Versions]:
    from .commands.session import Request
    from .commands.versions import opened_versions

    with opened_versions(Request(os.path.abspath(project))) as versions:
        yield versions


def _chosen(versions: Versions, rev: str | None) -> Version:
    return versions.workspace if rev is None else versions.at(rev)


def _bytes(path: str, rev: str | None, repo: str | None, project: str, fetch: bool) -> bytes:
    if repo is not None:
        return _of_repository(path, rev, repo, project)
    with _versions(project) as versions:
        version = _chosen(versions, rev)
        root = versions.project.root
        inside = os.path.relpath(os.path.join(os.path.abspath(project), path), root)
        if os.path.isabs(path):
            inside = os.path.relpath(path, root)
        inside = inside.replace(os.sep, "/")
        data = version.read(inside, fetch=fetch)
        if data is None:
            digest = version.digest(inside)
            if version.tree.kind(inside) == "dir" or (digest is not None and digest.is_tree):
                raise PivotError(f"'{path}' is a folder", hint="name a file in it")
            raise PivotError(
                f"there is no '{path}' in {version.label}"
                + (", nor its bytes in the cache" if digest is not None else "")
            )
        return data


def _of_repository(path: str, rev: str | None, repo: str, project: str) -> bytes:
    import tempfile

    from .commands.importing import ImportRequest, get

    with tempfile.TemporaryDirectory(prefix="pivot-") as folder:
        if "://" not in repo and os.path.isdir(os.path.join(project, repo)):
            repo = os.path.abspath(os.path.join(project, repo))
        target, _ = get(folder, ImportRequest(repo, path, "data", rev))
        if os.path.isdir(target):
            raise PivotError(f"'{path}' is a folder", hint="name a file in it")
        with builtins.open(target, "rb") as stream:
            return stream.read()
