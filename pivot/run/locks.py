"""The committed locks of a project: read on demand, written one file a stage."""

from __future__ import annotations

import marshal
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from shlex import quote
from typing import Any

from .. import lockfile
from ..disk import write_atomic
from ..errors import ConfigError, Where
from ..model import Stage, StageKey, StageRecord, Symbol
from ..stamp import is_settled
from ..tree import Tree
from .journal import scratch_folder
from .memory import Blobs

_NAME = "checked-1"
_FEW = 8


class WithoutDvc:
    """What a ledger answers to all that only dvc.lock has a part in (see `ledger.Ledger`)."""

    def rests_on(self, _: Stage) -> tuple[str, ...]:
        return ()

    def as_dvc(self, _: Stage) -> bool:
        return False

    def symbols(self, _: str) -> Mapping[str, Symbol] | None:
        return None

    def remark(self, _: str) -> str | None:
        return None

    def check(self, _: Iterable[Stage]) -> None:
        return

    def renew(self, _: Stage, __: StageKey) -> bool:
        return False

    def flush(self) -> tuple[str, ...]:
        return ()


class Locks(WithoutDvc):
    """The locks of the named stages in one tree. A lock that cannot be trusted counts as absent.

    `kept` remembers, by stat signature, the data of locks whose seal was found to match.
    """

    def __init__(self, tree: Tree, names: Collection[str], kept: Blobs | None = None) -> None:
        self._tree = tree
        self._blobs = kept
        self._kept: dict[str, tuple[Any, dict[str, Any]]] | None = None  # read when first needed
        self._new: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._names = names
        self._read: dict[str, StageRecord | None] = {}
        self._problems: dict[str, ConfigError] = {}

    @cached_property
    def _paths(self) -> dict[str, str]:
        return lockfile.lock_paths(self._names)

    def path(self, name: str) -> str:
        """Where the lock of a stage lies, relative to the project root."""
        return self._paths[name]

    def paths(self) -> Iterable[str]:
        """Where all locks lie, relative to the project root."""
        return self._paths.values()

    def record(self, name: str) -> StageRecord | None:
        """The record of the stage's last success; None where there is none to trust."""
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def problem(self, name: str) -> str | None:
        """Why a lock that exists counts as absent."""
        error = self.fault(name)
        return f"{error.where} counts as absent: {error.message}" if error else None

    def fault(self, name: str) -> ConfigError | None:
        """The same as an error, for commands that cannot do without the lock."""
        self.record(name)
        return self._problems.get(name)

    def blocker(self, _: str) -> ConfigError | None:
        return None  # a run writes the lock anew

    def _load(self, name: str) -> StageRecord | None:
        path = self._paths[name]
        signature = self._tree.signature(path)
        if signature is None:
            return None
        try:
            data = self._data(path, signature)
            if data is None:
                return None
            record = lockfile.record_of(data)
        except lockfile.BadLock as error:
            self._problems[name] = self._bad(name, str(error), error.line)
            return None
        if record.stage != name:
            self._problems[name] = self._bad(name, f"it is the lock of stage '{record.stage}'")
            return None
        return record

    def _bad(self, name: str, why: str, line: int | None = None) -> ConfigError:
        return ConfigError(
            why,
            hint=f"`pivot repro {quote(name)}` writes it anew",
            where=Where(self._paths[name], line or 0),
        )

    def _data(self, path: str, signature: Any) -> dict[str, Any] | None:
        known = self._kept_data(path, signature)
        if known is not None:
            return known
        text = self._tree.read(path)
        if text is None:
            return None
        data = lockfile.checked(text)
        self._new[path] = (signature, data)
        return data

    def _kept_data(self, path: str, signature: Any) -> dict[str, Any] | None:
        if self._kept is None and len(self._new) < _FEW:
            return None  # to read one is cheaper than to load what is known of all
        known = self._known().get(path)
        return known[1] if known is not None and known[0] == signature else None

    def _known(self) -> dict[str, tuple[Any, dict[str, Any]]]:
        if self._kept is None:
            self._kept = _kept_locks(self._blobs.get(_NAME)) if self._blobs is not None else {}
        return self._kept

    def save(self, started: int) -> None:
        """Keep what was checked, for the next run; `started` (ns) is before the first reading."""
        settled = {
            path: entry
            for path, entry in self._new.items()
            if isinstance(entry[0], tuple) and is_settled(entry[0], started)
        }
        if self._kept is None and len(self._new) < _FEW:
            return  # to read these again is cheaper than to write what is known of all
        if settled and self._blobs is not None:
            self._blobs.put(_NAME, marshal.dumps({**self._known(), **settled}))

    def write(self, root: str, record: StageRecord, *, fsync: bool = False) -> None:
        """Write the lock of a stage, unless the file says the same already.

        The bytes that it names must be stored before.
        """
        path = self._paths[record.stage]
        text = lockfile.dumps(record).encode()
        if self._read.get(record.stage) != record or self._tree.read(path) != text:
            # beside it a killed run would leave something that git could come to track
            write_atomic(
                f"{root}/{path}", text, fsync=fsync, kind="lock", scratch=scratch_folder(root)
            )
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


def _kept_locks(data: bytes | None) -> dict[str, tuple[Any, dict[str, Any]]]:
    if data is None:
        return {}
    try:
        kept = marshal.loads(data)  # noqa: S302 - written by `save`
    except (ValueError, EOFError, TypeError):
        return {}
    return kept if isinstance(kept, dict) else {}
