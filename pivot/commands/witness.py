"""Leaves the witness from which `instant` answers the next bare command that has nothing to do."""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..digest import hash_file
from ..disk import write_atomic
from ..model import Stage
from ..project import config_path
from ..stamp import Signature, is_settled, signature
from .instant import FORMAT, kind_at, relevant_environment, walk, witness_path
from .session import Session

#: Sources up to this size are known by content too, so that touching them costs a hash.
_HASHED_BYTES = 1 << 22


class _Unclear(Exception):
    """Something changed too lately, or is of a kind that stat numbers cannot vouch for."""


def leave(session: Session, name: str, text: str, stages: Iterable[Stage]) -> None:
    """Note all that the answer `text` to command `name` depended on.

    To be called only where every stage was fresh with nothing to check out. Leaves nothing where
    any of it changed since, or shortly before, the command began.
    """
    try:
        witness = _Witness(session, list(stages))
    except (_Unclear, OSError):
        return
    place = [session.project.root, os.path.realpath(session.request.cwd)]
    form = (FORMAT, text, place, witness.environment, witness.files, witness.folders, witness.kinds)
    try:
        write_atomic(witness_path(session.project.root, name), marshal.dumps(form))
    except OSError:
        return  # an unwritable project: every answer is the ordinary one


class _Witness:
    def __init__(self, session: Session, stages: list[Stage]) -> None:
        self._session = session
        self._stages = stages
        self._root = session.project.root
        self._started = session.started
        self.files: dict[str, tuple[Signature, str] | None] = {}
        self.folders: dict[str, tuple[Signature, list[str]]] = {}
        self.kinds: dict[str, str | None] = {}
        tracked = {variable: "" for stage in stages for variable in stage.env_tracked}
        self.environment = relevant_environment(tracked)
        self._sources(session.space.pipeline.sources)
        self._code(session.space.memory.seen)
        self._settings()
        for stage in stages:
            self._stage(stage)

    def _sources(self, sources: Mapping[str, Any]) -> None:
        """What the pipeline was loaded from, in the form of `Pipeline.sources`."""
        for key, seen in sources.items():
            if key.endswith("?"):
                self._kind(key[:-1], seen)
            elif key.endswith("/"):
                self._folder(key[:-1] or ".")
            else:
                self._source(key, exists=seen is not None)

    def _code(self, seen: Mapping[str, object]) -> None:
        """What code was read from, in the form of `Fingerprinter.sources_read`."""
        for key, state in seen.items():
            if key.endswith("/"):
                self._kind(key[:-1], "dir" if state else None, only_folder=True)
            else:
                self._source(key, exists=state is not None)

    def _settings(self) -> None:
        project = self._session.project
        for scope in ("user", "project", "local"):
            path = config_path(self._root, scope)
            self._source(path, exists=os.path.exists(path))
        for folder in (
            *project.interpreter.site_packages,
            os.path.dirname(project.interpreter.path),
        ):
            self._folder(folder)
        self._folder(".")
        if project.git is not None and any(not stage.is_python for stage in self._stages):
            # files that commands name count where git tracks them
            path = project.git.index_path()
            self._source(path, exists=os.path.exists(path))
        for folder in _folders_of(self._session.space.locks.paths()):
            if os.path.isdir(f"{self._root}/{folder}"):
                self._folder(folder)

    def _stage(self, stage: Stage) -> None:
        space = self._session.space
        lock = space.locks.path(stage.name)
        self._source(lock, exists=space.locks.record(stage.name) is not None)
        for file in stage.params_files:
            self._source(file.path, exists=True)
        for path in (*(dep.path for dep in stage.deps), *(out.path for out in stage.outs)):
            if "://" in path:
                raise _Unclear
            self._artifact(path)

    def _artifact(self, path: str) -> None:
        place = self._place(path)
        if os.path.isdir(place):
            for folder, _, names in walk(place):
                self._folder(folder)
                for name in names:
                    self._file(f"{folder}/{name}", "")
            return
        digest = self._session.space.observer.observe(path)
        if digest is None:
            raise _Unclear
        self._file(path, str(digest))

    # --- single entries -------------------------------------------------------------------

    def _place(self, path: str) -> str:
        return path if path.startswith("/") else f"{self._root}/{path}"

    def _settled(self, place: str) -> Signature:
        found = signature(os.stat(place))
        if not is_settled(found, self._started):
            raise _Unclear
        return found

    def _file(self, path: str, digest: str) -> None:
        if path not in self.files:
            self.files[path] = (self._settled(self._place(path)), digest)

    def _source(self, path: str, *, exists: bool) -> None:
        place = self._place(path)
        if path in self.files:
            return
        if not exists:
            if os.path.lexists(place):
                raise _Unclear
            self.files[path] = None
            return
        found = self._settled(place)
        small = os.path.isfile(place) and found[2] <= _HASHED_BYTES
        self.files[path] = (found, str(hash_file("xxh128", place)) if small else "")

    def _folder(self, path: str) -> None:
        place = self._place(path)
        if path not in self.folders:
            self.folders[path] = (self._settled(place), sorted(os.listdir(place)))

    def _kind(self, path: str, seen: object, *, only_folder: bool = False) -> None:
        now = kind_at(self._place(path))
        if only_folder:
            if (now == "dir") != (seen == "dir"):
                raise _Unclear
        elif now != seen:
            raise _Unclear
        self.kinds[path] = now


def _folders_of(paths: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(path.rpartition("/")[0] for path in paths)
