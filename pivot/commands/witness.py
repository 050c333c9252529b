"""Leaves the witness from which `instant` answers the next bare command that has nothing to do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..digest import hash_file
from ..disk import write_atomic
from ..lockfile import stages_folder
from ..model import CheckMode, Stage
from ..project import config_path, dvc_config_files
from ..stamp import Signature, is_settled, signature
from .instant import (
    FORMAT,
    is_off,
    kind_at,
    place_of,
    relevant_environment,
    sealed,
    walk,
    witness_path,
)
from .session import Session

#: Sources up to this size are known by content too, so that touching them costs a hash.
_HASHED_BYTES = 1 << 22


class _Unclear(Exception):
    """Something changed too lately, or is of a kind that stat numbers cannot vouch for."""


def leave(session: Session, name: str, text: str, stages: Iterable[Stage]) -> None:
    """Note all that the answer `text` to command `name` depended on.

    To be called only where every stage was fresh with nothing to check out. Leaves nothing where
    any of it changed since, or shortly before, the command began, and none in DVC's projects:
    what counts there lies in many more places.
    """
    pipeline = session.space.pipeline
    if is_off() or session.project.mode == "dvc" or pipeline.problems or not pipeline.keeps:
        return
    if pipeline.notes and not pipeline.stages:
        return  # they are said each time
    try:
        witness = _Witness(session, list(stages))
    except (_Unclear, OSError):
        return
    place = place_of(session.project.root, os.path.realpath(session.request.cwd))
    form = (FORMAT, text, place, witness.environment, witness.files, witness.folders, witness.kinds)
    try:
        write_atomic(witness_path(session.project.root, name), sealed(form))
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
        self._code({**session.space.memory.seen, **session.space.sources_read})
        self._settings()
        for stage in stages:
            self._stage(stage)
        for data in session.space.pipeline.tracked:
            self._artifact(data.path, "content")
        for file in session.space.pipeline.tracked:
            self._artifact(file.path, "content")

    def _sources(self, sources: Mapping[str, Any]) -> None:
        """What the pipeline was loaded from, in the form of `Pipeline.sources`."""
        for key, seen in sources.items():
            if key.endswith("?"):
                self._kind(key[:-1], seen)
            elif key.endswith("#"):
                self._source(key[:-1], exists=True)
            elif key.endswith("/"):
                self._folder(key[:-1] or ".")
            else:
                self._source(key, exists=seen is not None)

    def _code(self, seen: Mapping[str, object]) -> None:
        """What code was read from, in the form of `Fingerprinter.sources_read`."""
        for key, state in seen.items():
            if key.endswith("//"):  # its entries count
                self._folder(key.rstrip("/"))
            elif key.endswith("/"):
                self._kind(key[:-1], "dir" if state else None, only_folder=True)
            else:
                self._source(key, exists=state is not None)

    def _settings(self) -> None:
        project = self._session.project
        for scope in ("user", "project", "local"):
            self._present(config_path(self._root, scope))
        if project.mode == "dvc":
            for path, _ in dvc_config_files(self._root):
                self._present(path)
        self._interpreter()
        self._surroundings()
        self._folder(".")
        if project.git is not None and any(not stage.is_python for stage in self._stages):
            # files that commands name count where git tracks them
            self._present(project.git.index_path())
        # locks that belong to no stage are worth a word
        self._kind(stages_folder, kind_at(self._place(stages_folder)))
        if os.path.isdir(self._place(stages_folder)):
            for folder, _, _ in walk(self._place(stages_folder)):
                self._folder(folder)

    def _interpreter(self) -> None:
        """Which Python runs stages, and what is installed for it."""
        project = self._session.project
        found = project.interpreter
        self._present(found.path)
        self._present(os.path.join(os.path.dirname(os.path.dirname(found.path)), "pyvenv.cfg"))
        self._present(".venv/pyvenv.cfg")
        for folder in (*found.site_packages, os.path.dirname(found.path)):
            self._folder(folder)
        configured = project.settings["core.python"]
        if configured and "/" not in configured:
            for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
                place = os.path.join(os.path.abspath(folder), configured)
                self._kind(place, kind_at(place))

    def _surroundings(self) -> None:
        """What would make another folder the project's root, or another repository its own."""
        folder = os.path.realpath(self._session.request.cwd)
        while True:
            for name in (".git", ".dvc"):
                self._kind(f"{folder}/{name}", kind_at(f"{folder}/{name}"))
            above = os.path.dirname(folder)
            if above == folder:
                return
            folder = above

    def _stage(self, stage: Stage) -> None:
        space = self._session.space
        lock = space.locks.path(stage.name)
        self._source(lock, exists=space.locks.record(stage.name) is not None)
        for path in space.locks.rests_on(stage):
            self._present(path)
        for file in stage.params_files:
            self._present(file.path)
        for dep in stage.deps:
            self._artifact(dep.path, dep.check)
        for out in stage.outs:
            self._artifact(out.path, "content")

    def _artifact(self, path: str, check: CheckMode) -> None:
        if "://" in path:
            raise _Unclear
        place = self._place(path)
        if path in self.files:
            if check == "stat" and self.files[path] is not None:
                self.files[path] = (self._settled(place), "")
            return
        if not os.path.lexists(place):
            self.files[path] = None  # its digest comes from a lock or a record
            return
        if os.path.isdir(place):
            for folder, _, names in walk(place):
                self._folder(folder)
                for name in names:
                    self._file(f"{folder}/{name}", "")
            return
        digest = self._session.space.observer.observe(path, check=check)
        if digest is None:
            raise _Unclear
        self._file(path, str(digest) if check == "content" else "")

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

    def _present(self, path: str) -> None:
        """A file that may be there or not, as it is now."""
        self._source(path, exists=os.path.lexists(self._place(path)))

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
        digest = str(hash_file("xxh128", place)) if small else ""
        if self._settled(place) != found:
            raise _Unclear
        self.files[path] = (found, digest)

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
