"""Data tracked by records (.dvc, .pvt): is it there, is it as recorded, and back again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from ..digest import Digest
from ..disk import explain, write_atomic
from ..errors import PivotError, StoreError, Where
from ..lockfile import LEGACY
from ..lockfile.data_records import parse_data_record
from ..lockfile.record_text import with_digest
from ..model import Out, Stage, Status, TrackedFile
from ..tree import Tree, is_within
from ..values import dataclass
from .journal import scratch_folder
from .placing import place
from .workspace import Workspace

State = Literal["fresh", "missing", "changed", "absent", "unrecorded"]


@dataclass(frozen=True, slots=True)
class TrackedState:
    """How tracked data stands against its record.

    `missing` can be checked out; `absent` is neither in the work tree nor in the cache; of what is
    `unrecorded` no record says what it must be. `imported`: it came from elsewhere (not looked up
    of what is fresh).
    """

    file: TrackedFile
    state: State
    now: Digest | None
    imported: bool = False


def is_imported(tree: Tree, file: TrackedFile) -> bool:
    """Whether tracked data came from elsewhere, as its record says; that can bring it again."""
    if not file.frozen:
        return False
    return bool(parse_data_record(tree.read(file.name) or b"", file.name).deps)


def needed_by(space: Workspace, stages: Iterable[Stage]) -> list[TrackedFile]:
    """The tracked data that the stages read, as a whole or in part."""
    tracked = space.pipeline.tracked
    if not tracked:
        return []
    inputs = {dep.path for stage in stages for dep in stage.deps}
    inputs |= {file.path for stage in stages for file in stage.params_files}
    exact = [file for file in tracked if file.path in inputs]
    rest = inputs.difference(file.path for file in exact)
    found = {
        file.path: file
        for file in tracked
        if any(is_within(path, file.path) or is_within(file.path, path) for path in rest)
    }
    found.update({file.path: file for file in exact})
    return [file for file in tracked if file.path in found]


class TrackedData:
    """Looks at tracked data, puts it back from the cache, and records what it has become."""

    def __init__(self, space: Workspace) -> None:
        self._space = space

    def state(self, file: TrackedFile) -> TrackedState:
        """How the data of one record stands now."""
        found = self._state(file)
        if found.state == "fresh":
            return found
        return replace(found, imported=is_imported(self._space.project.tree, file))

    def _state(self, file: TrackedFile) -> TrackedState:
        space = self._space
        if file.digest is None:
            return TrackedState(file, "unrecorded", space.observer.observe(file.path))
        if file.digest.algorithm == LEGACY:
            legacy = space.project.legacy_observer.observe(file.path)
            now = file.digest if legacy == file.digest else space.observer.observe(file.path)
        else:
            now = space.observer.observe(file.path)
        if now == file.digest:
            return TrackedState(file, "fresh", now)
        if now is not None:
            return TrackedState(file, "changed", now)
        return TrackedState(file, "missing" if self._is_stored(file.digest) else "absent", None)

    def _is_stored(self, digest: Digest) -> bool:
        cache = self._space.cache
        is_frugal = cache.source is None or cache.source.frugal
        return cache.has(digest) if is_frugal else cache.obtain(digest)

    def states(self, files: Iterable[TrackedFile] | None = None) -> list[TrackedState]:
        """The states of `files`, or of all tracked data."""
        return [self.state(f) for f in (self._space.pipeline.tracked if files is None else files)]

    def put_back(self, file: TrackedFile) -> None:
        """Make the data what its record says. Raises StoreError where its bytes are not stored."""
        assert file.digest is not None
        place(self._space, Out(file.path, cache=file.cache), file.digest)

    def store(self, path: str) -> Digest:
        """Put the data at `path` into the cache. Raises StoreError."""
        space = self._space
        return space.cache.add(space.absolute(path), digests=space.observer.noting(path))

    def record(self, file: TrackedFile) -> TrackedFile:
        """Store what the data is now and write that into its record. Raises PivotError.

        An import says where its data came from, so what was changed here is not written there.
        """
        space = self._space
        data = space.project.tree.read(file.name) or b""
        record = parse_data_record(data, file.name)
        if record.deps:
            raise PivotError(
                f"'{file.path}' was imported, and has been changed here",
                hint=f"`pivot checkout {file.name}` brings back what was imported",
                where=Where(file.name),
            )
        digest = self.store(file.path)
        position = [out.path for out in record.outs].index(file.path)
        text = with_digest(data, position, digest, as_dvc=file.name.endswith(".dvc"))
        write_record(space.project.root, file.name, text)
        return replace(file, digest=digest)


def write_record(root: str, path: str, text: bytes) -> None:
    """Give a record file its new text, in one instant. Raises StoreError."""
    try:
        write_atomic(f"{root}/{path}", text, scratch=scratch_folder(root))
    except OSError as error:
        raise explain(error, "write", path) from None


def bring_up(
    space: Workspace, stages: Iterable[Stage], files: Iterable[TrackedFile] = ()
) -> list[tuple[TrackedFile, Status, str]]:
    """Before a run: put back missing data of the stages, and `files`; all with what was done.

    In a DVC project data that was changed is recorded as it is now, as `dvc repro` does it.
    Raises StoreError where one of `files` is neither here nor in the cache.
    """
    done: list[tuple[TrackedFile, Status, str]] = []
    tracked = TrackedData(space)
    asked = {file.path: file for file in files}
    wanted = {**{file.path: file for file in needed_by(space, stages)}, **asked}
    for found in tracked.states(wanted.values()):
        file = found.file
        if file.path in asked and found.now is None and found.state != "missing":
            raise StoreError(
                f"'{file.path}' is neither here nor in the cache",
                hint="put it in place, or fetch it from a remote",
                where=Where(file.name, file.line),
            )
        if found.state == "fresh" and file.name.endswith(".dvc") and file.cache:
            if file.digest and file.digest.algorithm != LEGACY and not space.cache.has(file.digest):
                tracked.store(file.path)  # DVC expects it there
        elif found.state == "missing":
            tracked.put_back(file)
            done.append((file, "restored", f"'{file.path}'"))
        elif found.state in ("changed", "unrecorded") and found.now and file.name.endswith(".dvc"):
            try:
                tracked.record(file)
            except StoreError:
                raise
            except PivotError as problem:
                done.append((file, "skipped", str(problem)))
                continue
            done.append((file, "recorded", f"'{file.path}' as it is now"))
    return done
