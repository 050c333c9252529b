"""`migrate`: a DVC project becomes a Pivot project, with everything that was computed.

Pipeline files keep their text and get another name; locks take over what dvc.lock says, so that
nothing runs again; the cache moves as it is. All is planned first, and checked by loading the
project that it would give, before anything is written.
"""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .. import lockfile
from ..config import FlagStyle, load
from ..disk import explain, write_atomic
from ..errors import PivotError, SourceError
from ..lockfile.data_records import parse_data_record, pivot_record_data
from ..lockfile.record_text import record_text
from ..model import Pipeline, Stage
from ..project import find_git
from ..project.dvc_config import dvc_config_files, parse_dvc_config
from ..run.survey import Survey
from ..tree import Tree, parent
from .session import Session

_RUNS = "dvc-runs"


@dataclass(frozen=True, slots=True)
class Migration:
    """What is to be done: files written and removed, folders moved; and remarks about it."""

    root: str
    writes: Mapping[str, bytes]
    removes: tuple[str, ...]
    moves: tuple[tuple[str, str], ...]
    stages: int
    notes: tuple[str, ...] = field(default=())

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


def plan_migration(session: Session) -> Migration:
    """What a migration would do. Raises PivotError where the project cannot be migrated."""
    project = session.project
    if project.mode != "dvc":
        raise PivotError("this is a Pivot project already", hint="there is nothing to migrate")
    beside = [file for file in session.space.pipeline.files if not file.endswith("dvc.yaml")]
    if beside:
        raise PivotError(
            f"'{beside[0]}' is there already",
            hint="a project that is partly Pivot's has to be brought together by hand",
        )
    writes: dict[str, bytes] = {}
    removes: list[str] = []
    for file in session.space.pipeline.files:
        writes[_pivot_file(file)] = project.tree.read(file) or b""
        removes.append(file)
        lock = file[: -len("yaml")] + "lock"
        if project.tree.kind(lock) == "file":
            removes.append(lock)
    for name in dict.fromkeys(file.name for file in session.space.pipeline.tracked):
        record = parse_data_record(project.tree.read(name) or b"", name)
        writes[f"{name[: -len('.dvc')]}.pvt"] = record_text(pivot_record_data(record))
        removes.append(name)
    moves = _cache_moves(project.root, project.cache_dir)
    writes |= _configuration(project.root, moved=bool(moves))
    _check_alike(session, writes, removes)
    locks, notes = _locks(session)
    writes |= locks
    removes += [
        path
        for path in (".dvc/config", ".dvc/config.local", ".dvc/.gitignore", ".dvc/plots")
        if os.path.lexists(f"{project.root}/{path}")
    ]
    count = len(session.space.pipeline.stages)
    return Migration(project.root, writes, tuple(removes), tuple(moves), count, tuple(notes))


def _pivot_file(path: str) -> str:
    return path[: -len("dvc.yaml")] + "pivot.yaml"


# --- configuration -------------------------------------------------------------------------


def _configuration(root: str, *, moved: bool) -> dict[str, bytes]:
    """.dvc/config and config.local as Pivot's files of the same scope."""
    written: dict[str, bytes] = {}
    for path, shown in dvc_config_files(root)[2:]:
        local = shown.endswith(".local")
        data = _bytes(path)
        if data is None and local:
            continue
        values, remotes = parse_dvc_config(data or b"", shown, path)
        content: dict[str, Any] = {}
        for key, value in values.items():
            section, _, name = key.partition(".")
            if key == "cache.dir":
                value = _relative(root, str(value))
                if moved:
                    continue
            if key == "cache.link":
                value = next(kind for kind in str(value).split(",") if kind != "reflink")
            if key == "core.hardlink_lock":
                continue  # of DVC's own locks
            content.setdefault(section, {})[name] = value
        if not local:
            # objects keep their names, here and in remotes
            content.setdefault("core", {})["hash"] = "md5"
        for name, remote in remotes.items():
            url = remote.url if "://" in remote.url else _relative(root, remote.url)
            options = {"url": url, **remote.options} if url else dict(remote.options)
            content.setdefault("remotes", {})[name] = url if not remote.options else options
        target = ".pivot/config.local.yaml" if local else ".pivot/config.yaml"
        written[target] = _yaml(content)
    return written


def _relative(root: str, path: str) -> str:
    """A folder as seen from the root where it lies near, else as it is."""
    if not path.startswith("/"):
        return path
    short = os.path.relpath(path, root)
    return short if short.count("..") <= 2 else path


def _yaml(content: Mapping[str, Any]) -> bytes:
    from ruamel.yaml import YAML  # 60 ms to import; only this command

    stream = io.BytesIO()
    editor = YAML()
    editor.default_flow_style = False
    editor.dump(dict(content), stream)
    return stream.getvalue()


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


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


# --- stages and their results --------------------------------------------------------------


class _Overlay:
    """The work tree as it would be afterwards."""

    def __init__(self, tree: Tree, writes: Mapping[str, bytes], removes: list[str]) -> None:
        self._tree = tree
        self._writes = writes
        self._removed = set(removes)

    def read(self, path: str) -> bytes | None:
        if path in self._writes:
            return self._writes[path]
        return None if path in self._removed else self._tree.read(path)

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        if path in self._writes:
            return "file"
        return None if path in self._removed else self._tree.kind(path)

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        found = dict(self._tree.list(path))
        for name in self._removed:
            if parent(name) == path:
                found.pop(name.rpartition("/")[2], None)
        for name in self._writes:
            if parent(name) == path:
                found[name.rpartition("/")[2]] = False
        return tuple(sorted(found.items()))

    def signature(self, path: str) -> str:
        return (
            f"{path}:{self.kind(path)}"  # told apart, so that no folder looks like its own parent
        )


def _check_alike(session: Session, writes: Mapping[str, bytes], removes: list[str]) -> None:
    """Raise PivotError where the stages would not be the same as now."""
    settings = session.project.settings
    after = load(
        _Overlay(session.project.tree, writes, removes),
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
        name.replace("dvc.yaml:", "pivot.yaml:"): replace(stage, name="", file="", line=0)
        for name, stage in pipeline.stages.items()
    }


def _locks(session: Session) -> tuple[dict[str, bytes], list[str]]:
    """Pivot's locks for what dvc.lock says: as it is now where fresh, else as it was."""
    space = session.space
    survey = Survey(space, allow_missing=True)
    names = [name.replace("dvc.yaml:", "pivot.yaml:") for name in space.graph.order]
    paths = lockfile.lock_paths(names)
    written: dict[str, bytes] = {}
    stale: list[str] = []
    for name, new in zip(space.graph.order, names, strict=True):
        stage = space.graph.stages[name]
        record = space.locks.record(name)
        if record is None:
            continue
        try:
            evidence = survey.gather(stage, {})
            decision = survey.judge(stage, evidence)
            manifest = survey.manifest(stage)
        except SourceError:
            stale.append(name)
            continue
        if decision.state != "fresh":
            stale.append(name)
        key = record.key
        if decision.state == "fresh":
            key = replace(evidence.key, outs=tuple(sorted(out.path for out in stage.outs)))
            if manifest is not None:
                space.tables.put(manifest)
        made = replace(record, stage=new, key=key, basis=None)
        written[paths[new]] = lockfile.dumps(made).encode()
    notes = []
    if stale:
        notes.append(f"{len(stale)} stages are stale now and stay so: {', '.join(stale[:5])}")
    return written, notes


# --- doing it ------------------------------------------------------------------------------


def migrate(session: Session) -> Migration:
    """Plan and do it. What is written comes first, what is removed last. Raises PivotError."""
    migration = plan_migration(session)
    root = session.project.root
    try:
        for path, data in migration.writes.items():
            write_atomic(f"{root}/{path}", data)
        for old, new in migration.moves:
            os.makedirs(os.path.dirname(f"{root}/{new}"), exist_ok=True)
            if not os.path.lexists(f"{root}/{new}"):
                os.rename(f"{root}/{old}", f"{root}/{new}")
        for path in migration.removes:
            _remove(f"{root}/{path}")
        for path in (".dvc/tmp", ".dvc/cache/tmp"):
            _remove(f"{root}/{path}")
        for folder in (".dvc/cache", ".dvc"):
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


def undo_text(migration: Migration) -> str:
    """How to take a migration back, in commands."""
    lines = []
    if migration.moves:
        lines += ["mkdir -p .dvc/cache", *(f"mv {new} {old}" for old, new in migration.moves)]
    if find_git(migration.root) is not None:
        made = " ".join(p for p in migration.writes if not p.endswith((".lock", ".local.yaml")))
        lines += [f"rm -r .pivot {made.replace('.pivot/config.yaml', '').strip()}", "git restore ."]
    else:
        lines.append("restore dvc.yaml, dvc.lock, .dvc files and .dvc/ from your backup")
    return "\n".join(lines)
