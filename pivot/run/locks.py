"""The committed locks of a project: read on demand, written one file a stage."""

from __future__ import annotations

from collections.abc import Iterable

from .. import lockfile
from ..disk import write_atomic
from ..model import StageRecord
from ..tree import Tree


class Locks:
    """The locks of the named stages in one tree. A lock that cannot be trusted counts as absent."""

    def __init__(self, tree: Tree, names: Iterable[str]) -> None:
        self._tree = tree
        self._paths = lockfile.lock_paths(names)
        self._read: dict[str, StageRecord | None] = {}
        self._problems: dict[str, str] = {}

    def path(self, name: str) -> str:
        """Where the lock of a stage lies, relative to the project root."""
        return self._paths[name]

    def record(self, name: str) -> StageRecord | None:
        """The record of the stage's last success; None where there is none to trust."""
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def problem(self, name: str) -> str | None:
        """Why a lock that exists counts as absent."""
        self.record(name)
        return self._problems.get(name)

    def _load(self, name: str) -> StageRecord | None:
        data = self._tree.read(self._paths[name])
        if data is None:
            return None
        try:
            record = lockfile.loads(data)
        except lockfile.BadLock as error:
            self._problems[name] = f"{self._paths[name]} counts as absent: {error}"
            return None
        if record.stage != name:
            self._problems[name] = (
                f"{self._paths[name]} counts as absent: it is the lock of stage '{record.stage}'"
            )
            return None
        return record

    def write(self, root: str, record: StageRecord, *, fsync: bool = False) -> None:
        """Write the lock of a stage, unless the file says the same already.

        The bytes that it names must be stored before.
        """
        path = self._paths[record.stage]
        text = lockfile.dumps(record).encode()
        if self._read.get(record.stage) != record or self._tree.read(path) != text:
            write_atomic(f"{root}/{path}", text, fsync=fsync, kind="lock")
        self._read[record.stage] = record
        self._problems.pop(record.stage, None)

    def orphans(self) -> list[str]:
        """Lock files of stages that no longer exist, relative to the project root."""
        known = set(self._paths.values())
        found: list[str] = []
        pending = [lockfile.stages_folder]
        while pending:
            folder = pending.pop()
            for entry, is_dir in self._tree.list(folder):
                path = f"{folder}/{entry}"
                if is_dir:
                    pending.append(path)
                elif entry.endswith(".lock") and path not in known:
                    found.append(path)
        return sorted(found)
