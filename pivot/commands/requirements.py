"""What must hold before anything runs: everything that would fail later is said now, at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping

from ..errors import (
    ConfigError,
    GraphError,
    PivotError,
    Where,
    did_you_mean,
    nearest,
    raise_all,
)
from ..graph import missing_inputs
from ..model import Dep, Out, Stage
from ..run.survey import Survey, unreadable_code
from ..run.tracked import is_imported
from ..tree import is_within, join, parent
from ..values import dataclass
from .session import Session

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """How strict to be: `keep_going` leaves unreadable code to its stage's turn, `allow_missing`
    absent deps; `write_params` says that `-S` values go into their files first.
    """

    keep_going: bool = False
    allow_missing: bool = False
    write_params: bool = False


def check(session: Session, required: Requirements, survey: Survey, names: list[str]) -> None:
    """Raise all that keeps `names` from running, in one PivotErrors. Frozen stages are not judged.

    Nothing is written, and no code of the project runs.
    """
    stages = [session.space.graph.stages[name] for name in names]
    active = [stage for stage in stages if not stage.frozen]
    if session.overrides and not required.write_params:
        raise_all(list(_unreachable_overrides(session, active)))
    session.check_signatures()
    errors: list[PivotError] = list(_unreadable_locks(session, names))
    if not required.keep_going:
        errors += unreadable_code(session.space, survey, names)
    errors += _loaders(active)
    if not required.allow_missing:
        errors += _deps(session, active)
    errors += _places(session, active)
    errors += _missing_params(session, active)
    raise_all(errors)
    session.space.verdicts.accept(names)


def refusals(session: Session, stages: list[Stage]) -> list[PivotError]:
    """What `check` would raise of the definitions of `stages`, whatever lies there of their data.

    Signatures are those of the whole pipeline.
    """
    errors: list[PivotError] = []
    try:
        session.check_signatures()
    except PivotError as problem:
        errors += problem.errors
    active = [stage for stage in stages if not stage.frozen]
    if session.space.here:
        errors += [*_loaders(active), *_places(session, active), *_missing_params(session, active)]
    return errors


def _unreadable_locks(session: Session, names: list[str]) -> Iterable[PivotError]:
    """Lock files that a run would have to write into, and that cannot be read, each once."""
    found = [session.space.locks.blocker(name) for name in names]
    return {str(error): error for error in found if error is not None}.values()


def _unreachable_overrides(session: Session, stages: list[Stage]) -> Iterator[PivotError]:
    from ..config import conflicting_overrides

    for stage, file, key in conflicting_overrides(stages, session.overrides):
        yield ConfigError(
            f"-S {key} cannot reach stage '{stage.name}', which reads {file} itself",
            hint="take it by `${}` or as a parameter, or add --write-params to edit the file",
            where=Where(stage.written_in, stage.line),
        )


def _loaders(stages: Iterable[Stage]) -> Iterator[PivotError]:
    for stage in stages:
        given: tuple[Dep | Out, ...] = (*stage.deps, *stage.outs)
        for artifact in given:
            if artifact.loader is None or ":" in artifact.loader:
                continue
            from ..declare.formats.files import LOADERS  # only where a stage names one

            if artifact.loader not in LOADERS:
                near = did_you_mean(artifact.loader, LOADERS)
                yield ConfigError(
                    f"stage '{stage.name}': there is no loader '{artifact.loader}' "
                    f"for '{artifact.path}'",
                    hint=near or f"there are {', '.join(sorted(LOADERS))}",
                    where=Where(stage.written_in, artifact.line or stage.line),
                )


# --- deps ----------------------------------------------------------------------------------


def _deps(session: Session, stages: list[Stage]) -> Iterator[PivotError]:
    """Deps that no stage makes and that are not there, or are nothing that has content."""
    space = session.space
    modes = {path: _mode(space.absolute(path)) for s in stages for path in _files(s)}
    present = {path for path, mode in modes.items() if mode is not None}
    present |= {file.path for file in space.pipeline.tracked if file.digest}
    for stage, path, line in missing_inputs(space.graph, [stage.name for stage in stages], present):
        yield _absent(session, stage, path, line)
    for stage in stages:
        for dep in stage.deps:
            where = Where(stage.written_in, dep.line or stage.line)
            if "://" in dep.path:
                yield GraphError(
                    f"stage '{stage.name}' has the URL '{dep.path}' as a dep, "
                    "and only files are watched",
                    hint="fetch it in a stage of its own, and depend on the file it makes",
                    where=where,
                )
                continue
            mode = modes.get(dep.path)
            kind = next((word for is_a, word in _KINDS if mode and is_a(mode)), None)
            if kind is not None:
                yield GraphError(
                    f"stage '{stage.name}' needs '{dep.path}', which is {kind}",
                    hint="a dep is a file or a folder",
                    where=where,
                )


def _files(stage: Stage) -> list[str]:
    return [dep.path for dep in stage.deps if "://" not in dep.path]


def _mode(path: str) -> int | None:
    """What lies at `path`, links followed; None where nothing does, or a link leads nowhere."""
    try:
        return os.stat(path).st_mode
    except PermissionError:
        return 0  # it is there; reading it will say what is wrong
    except (OSError, ValueError):
        return None


def _absent(session: Session, stage: Stage, path: str, line: int) -> PivotError:
    absolute = session.space.absolute(path)
    where = Where(stage.written_in, line)
    if os.path.islink(absolute):
        return GraphError(
            f"stage '{stage.name}' needs '{path}', a symbolic link to '{os.readlink(absolute)}', "
            "which leads nowhere",
            hint="put its target in place, or remove the link",
            where=where,
        )
    hollow = [f for f in session.space.pipeline.tracked if not f.digest and is_within(path, f.path)]
    if hollow and is_imported(session.project.tree, hollow[0]):
        return GraphError(
            f"stage '{stage.name}' needs '{path}', which was imported without its data",
            hint=f"`pivot pull {hollow[0].path}` brings it",
            where=where,
        )
    near = _nearest_path(session, path)
    return GraphError(
        f"stage '{stage.name}' needs '{path}', which does not exist and no stage makes",
        hint=f"did you mean '{near}'?"
        if near
        else "create it, or add it to the outs of the stage that makes it",
        where=where,
    )


def _nearest_path(session: Session, path: str) -> str | None:
    """The out, or the file beside `path`, whose name is most like it."""
    folder = parent(path)
    beside = [join(folder, name) for name, _ in session.project.tree.list(folder)]
    return nearest(path, [*session.space.graph.producer, *beside])


# --- where stages work and what they make --------------------------------------------------


def _places(session: Session, stages: list[Stage]) -> Iterator[PivotError]:
    space = session.space
    kinds: dict[str, bool | None] = {}  # folder -> whether it is one; None: nothing there

    def is_folder(path: str) -> bool | None:
        if path not in kinds:
            mode = _mode(space.absolute(path))
            kinds[path] = None if mode is None else stat.S_ISDIR(mode)
        return kinds[path]

    for stage in stages:
        if not is_folder(stage.wdir) and space.graph.maker_of(stage.wdir) is None:
            yield ConfigError(
                f"stage '{stage.name}' works in '{stage.wdir}', which is "
                + ("not there" if is_folder(stage.wdir) is None else "no folder"),
                hint="create the folder, or correct `wdir`",
                where=Where(stage.written_in, stage.line),
            )
        for out in stage.outs:
            where = Where(stage.written_in, out.line or stage.line)
            problem = _outside(out) or _blocked(out, is_folder)
            if problem:
                message, hint = problem
                yield GraphError(f"stage '{stage.name}': {message}", hint=hint, where=where)


def _outside(out: Out) -> tuple[str, str] | None:
    if "://" in out.path:
        return (
            f"out '{out.path}' is a URL, and an out is a file or a folder",
            "make a file, and upload it in the command",
        )
    if out.cache and (out.path.startswith(("/", "../")) or out.path == ".."):
        return (
            f"out '{out.path}' lies outside the project",
            "make it within, or mark it `cache: false`",
        )
    return None


def _blocked(out: Out, is_folder: Callable[[str], bool | None]) -> tuple[str, str] | None:
    folder = parent(out.path)
    while folder not in (".", "", "/") and is_folder(folder) is None:
        folder = parent(folder)
    if folder in (".", "", "/") or is_folder(folder):
        return None
    return f"out '{out.path}' lies below '{folder}', which is no folder", "move one of the two"


# --- params --------------------------------------------------------------------------------


def _missing_params(session: Session, stages: list[Stage]) -> Iterator[PivotError]:
    made = session.space.graph.producer
    for stage in stages:
        lines = {file.path: file.line for file in stage.params_files}
        for file, key in session.space.params.missing(stage):
            if file in made:
                continue  # an upstream stage writes it
            what = f"param '{key}' of '{file}'" if key else f"params file '{file}'"
            yield ConfigError(
                f"stage '{stage.name}' tracks {what}, which does not exist",
                hint=_nearest_key(session, file, key),
                where=Where(stage.written_in, lines.get(file) or stage.line),
            )


def _nearest_key(session: Session, file: str, key: str) -> str:
    value = session.space.params.file(file)
    if not isinstance(value, Mapping):
        if session.project.tree.kind(file) == "file":
            return f"'{file}' holds no mapping of keys"
        return f"create '{file}'"
    *above, last = key.split(".")
    for part in above:
        inner = value.get(part)
        if not isinstance(inner, Mapping):
            break
        value = inner
    found = nearest(last, [str(name) for name in value])
    if found:
        return f"did you mean '{'.'.join([*above, found])}'?"
    return f"add it to '{file}', or drop it from the stage's params"
