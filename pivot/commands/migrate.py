"""`migrate`: a DVC project becomes a Pivot project, with everything that was computed.

Pipeline files keep their text and get another name; locks take over what dvc.lock says, so that
nothing runs again; the cache moves as it is. All is planned first, and checked by loading the
project that it would give, before anything is written.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..config import FlagStyle, load
from ..config.discovery import is_dvc_file
from ..disk import explain, write_atomic
from ..errors import PivotError, raise_all
from ..lockfile.data_records import parse_data_record, pivot_record_data
from ..lockfile.dvc_text import parse_dvc_lock
from ..lockfile.record_text import record_text
from ..model import Pipeline, Stage
from ..project.root import DVC_CONFIG, SCRATCH, find_root, projects_below
from .carrying import carried_locks, migrated_name
from .dvc_settings import as_pivot, ignoring
from .overlay import Overlay
from .session import Session
from .way_back import lacking

_RUNS = "dvc-runs"
_LOCAL = ".dvc/config.local"


@dataclass(frozen=True, slots=True)
class Migration:
    """What is to be done: files written and removed, folders moved; and remarks about it."""

    root: str
    writes: Mapping[str, bytes]
    removes: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]
    stages: int
    stale: tuple[str, ...] = ()  # stages that are so before and after
    notes: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()  # of what is written: that was there before
    is_rest: bool = False  # what another's migration left of a clone's own
    links: tuple[str, ...] = ()  # symbolic links into folders that move

    def diff(self) -> str:
        """The changes as a unified diff, locks and data left out."""
        lines: list[str] = []
        renamed = {
            path: other
            for path in self.writes
            for other in self.removes
            if path != other and _stem(path) == _stem(other)
        }
        for path, text in sorted(self.writes.items()):
            if path.endswith(".lock"):
                continue
            old = renamed.get(path, path)
            changed = difflib.unified_diff(
                _lines(f"{self.root}/{old}"),
                text.decode("utf-8", "replace").splitlines(),
                old if os.path.exists(f"{self.root}/{old}") else "/dev/null",
                path,
                lineterm="",
            )
            lines += list(changed) or [f"rename {old} -> {path}"]
        gone = [path for path in self.removes if path not in renamed.values()]
        lines += [f"remove {path}" for path in sorted(gone)]
        lines += [f"move {old} -> {new}" for old, new in self.moves]
        return "\n".join(lines)


def _stem(path: str) -> str:
    for ending in ("dvc.yaml", "pivot.yaml", ".dvc", ".pvt"):
        if path.endswith(ending):
            return path[: -len(ending)] + ("yaml" if ending.endswith("yaml") else "record")
    return path


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []


def require_place(start: str) -> None:
    """Raise PivotError where folder `start` lies in no project, and none lies below it."""
    if find_root(start) is None and not projects_below(start):
        raise PivotError(
            f"there is no DVC project in '{start}' or above it to migrate",
            hint="make a Pivot project with `pivot init`",
        )


def plan_migration(session: Session) -> Migration:
    """What a migration would do. Raises PivotError where the project cannot be migrated."""
    project = session.project
    if project.mode != "dvc":
        rest = _rest(session)
        if rest is None:
            raise PivotError("this is a Pivot project already", hint="there is nothing to migrate")
        return rest
    theirs = [file for file in session.space.pipeline.files if is_dvc_file(file)]
    for file in theirs:
        if project.tree.kind(_pivot_file(file)) is not None:
            raise PivotError(
                f"'{_pivot_file(file)}' is there already, and '{file}' is to become it",
                hint="bring the two together in one of them, or move one to another folder",
            )
    writes: dict[str, bytes] = {}
    removes: list[str] = []
    broken: list[PivotError] = []
    for file in theirs:
        writes[_pivot_file(file)] = project.tree.read(file) or b""
        removes.append(file)
        lock = file[: -len("yaml")] + "lock"
        if project.tree.kind(lock) == "file":
            removes.append(lock)
            try:
                parse_dvc_lock(project.tree.read(lock) or b"", lock)
            except PivotError as error:
                broken.append(error)
    raise_all(broken)
    for name in dict.fromkeys(file.name for file in session.space.pipeline.tracked):
        record = parse_data_record(project.tree.read(name) or b"", name)
        writes[f"{name[: -len('.dvc')]}.pvt"] = record_text(pivot_record_data(record))
        removes.append(name)
    moves = _cache_moves(project.root, project.cache_dir)
    writes |= as_pivot(project.root, moved=bool(moves))
    moves += _template_moves(project.root)
    writes |= ignoring(project)
    _check_alike(session, writes, removes)
    locks, stale = carried_locks(session)
    writes |= locks
    removes += [
        path
        for path in (DVC_CONFIG, ".dvc/.gitignore")
        if os.path.lexists(f"{project.root}/{path}")
    ]
    notes: list[str] = []
    if ".pivot/config.local.yaml" in writes and os.path.exists(f"{project.root}/{_LOCAL}"):
        notes.append(f"{_LOCAL} stays for the way back; .pivot/config.local.yaml is used now")
    count = len(session.space.pipeline.stages)
    root = project.root
    moves = [move for move in moves if not os.path.lexists(f"{root}/{move[1]}")]
    replaced = tuple(path for path in writes if os.path.lexists(f"{root}/{path}"))
    return Migration(
        root,
        writes,
        tuple(removes),
        tuple(moves),
        count,
        stale,
        tuple(notes),
        replaced,
        links=_links(session, moves),
    )


def _rest(session: Session) -> Migration | None:
    """What is left to do in a clone that has pulled a migration; None where nothing is."""
    project = session.project
    root = project.root
    if os.path.lexists(f"{root}/{DVC_CONFIG}") or not os.path.isdir(f"{root}/.dvc"):
        return None
    writes: dict[str, bytes] = {}
    target = ".pivot/config.local.yaml"
    if os.path.isfile(f"{root}/{_LOCAL}"):
        writes = {target: as_pivot(root, moved=False)[target]}
        if project.tree.read(target) == writes[target]:
            writes = {}
    usual = os.path.join(root, SCRATCH, "cache")
    moves = _cache_moves(root, f"{root}/.dvc/cache") if project.cache_dir == usual else []
    moves += _template_moves(root)
    moves = [move for move in moves if not os.path.lexists(f"{root}/{move[1]}")]
    if not writes and not moves:
        return None
    return Migration(root, writes, (), tuple(moves), 0, is_rest=True, links=_links(session, moves))


def _pivot_file(path: str) -> str:
    return path[: -len("dvc.yaml")] + "pivot.yaml"


# --- configuration and cache ------------------------------------------------------------------


def _template_moves(root: str) -> list[tuple[str, str]]:
    """Plot templates, and where they go."""
    try:
        names = sorted(os.listdir(f"{root}/.dvc/plots"))
    except OSError:
        return []
    return [(f".dvc/plots/{name}", f".pivot/plots/{name}") for name in names]


def _cache_moves(root: str, cache_dir: str) -> list[tuple[str, str]]:
    """The parts of the cache inside `.dvc`, and where they go; nothing where it lies elsewhere."""
    folder = f"{root}/.dvc/cache"
    if os.path.normpath(cache_dir) != os.path.normpath(folder) or not os.path.isdir(folder):
        return []
    return [
        (f".dvc/cache/{name}", f".pivot/cache/{_RUNS if name == 'runs' else name}")
        for name in sorted(os.listdir(folder))
        if name != "tmp"
    ]


def _links(session: Session, moves: list[tuple[str, str]]) -> tuple[str, ...]:
    """The outs and data, or files of them, that are symbolic links into the cache that moves."""
    if not moves or "symlink" not in session.project.settings["cache.link"]:
        return ()
    root = session.project.root
    pipeline = session.space.pipeline
    outs = [out.path for stage in pipeline.stages.values() for out in stage.outs]
    found: list[str] = []
    for path in (*outs, *(file.path for file in pipeline.tracked)):
        inside = (f"{folder}/{n}" for folder, _, names in os.walk(f"{root}/{path}") for n in names)
        for place in (f"{root}/{path}", *inside):
            if os.path.islink(place) and os.readlink(place).startswith(f"{root}/.dvc/cache/"):
                found.append(os.path.relpath(place, root))
    return tuple(found)


# --- stages and their results --------------------------------------------------------------


def _check_alike(session: Session, writes: Mapping[str, bytes], removes: list[str]) -> None:
    """Raise PivotError where the stages would not be the same as now."""
    settings = session.project.settings
    after = load(
        Overlay(session.project.tree, writes, removes),
        mode="pivot",
        code_roots=settings["code.roots"],
        skip_dirs=session.project.ignored.skips_folder if session.project.ignored else None,
        flags=FlagStyle(settings["parsing.bool"], settings["parsing.list"]),
    )
    before, now = _comparable(session.space.pipeline), _comparable(after)
    differing = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if differing:
        raise PivotError(
            f"{len(differing)} stages would not be the same in pivot.yaml, such as "
            f"'{differing[0]}'",
            hint="nothing was changed; please report this with the definition of the stage",
        )


def _comparable(pipeline: Pipeline) -> dict[str, Stage]:
    return {
        migrated_name(name): replace(stage, name="", file="", line=0)
        for name, stage in pipeline.stages.items()
    }


# --- doing it ------------------------------------------------------------------------------


def migrate(session: Session, *, force: bool = False) -> Migration:
    """Plan and do it. What is written comes first, what is removed last.

    Raises PivotError, unless `force`d also where what git does not have would be lost for good.
    """
    migration = plan_migration(session)
    refused = None if force else lacking(migration)
    if refused is not None:
        raise refused
    root = session.project.root
    try:
        for path, data in migration.writes.items():
            is_own = path == ".pivot/config.local.yaml"  # it may hold credentials
            write_atomic(f"{root}/{path}", data, mode=0o600 if is_own else 0o644)
        for old, new in migration.moves:
            os.makedirs(os.path.dirname(f"{root}/{new}"), exist_ok=True)
            if not os.path.lexists(f"{root}/{new}"):
                os.rename(f"{root}/{old}", f"{root}/{new}")
        for path in migration.links:
            old = os.path.relpath(os.readlink(f"{root}/{path}"), root)
            for before, after in migration.moves:
                if old.startswith(f"{before}/"):
                    os.unlink(f"{root}/{path}")
                    os.symlink(f"{root}/{after}{old[len(before) :]}", f"{root}/{path}")
        for path in migration.removes:
            _remove(f"{root}/{path}")
        for path in (".dvc/tmp", ".dvc/cache/tmp"):
            _remove(f"{root}/{path}")
        for folder in (".dvc/cache", ".dvc/plots", ".dvc"):
            if os.path.isdir(f"{root}/{folder}") and not os.listdir(f"{root}/{folder}"):
                os.rmdir(f"{root}/{folder}")
    except OSError as error:
        raise explain(error, "migrate", error.filename or root) from None
    return migration


def _remove(path: str) -> None:
    import shutil

    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
