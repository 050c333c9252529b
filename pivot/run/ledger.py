"""Where results are written down: Pivot's own locks, and in a DVC project dvc.lock beside them.

In a DVC project the entry in dvc.lock is what counts, since both tools write it; the lock of
Pivot's own adds the code that the result was made by, and belongs to the one entry whose digest
it names. An entry that DVC has written since then stands alone: its code is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from .. import lockfile
from ..digest import Digest
from ..disk import explain, write_atomic
from ..errors import ConfigError, PivotError, SourceError, Where, raise_all
from ..lockfile import Entry
from ..lockfile.dvc_text import edited, parse_dvc_lock
from ..model import Command, Stage, StageKey, StageRecord, Symbol
from ..project import Git, Observer
from ..stamp import is_settled
from ..tree import Tree, join, parent
from .baseline import Baseline, Origin
from .journal import scratch_folder
from .locks import Locks
from .memory import Blobs

_LOCK_NAME = "dvc.lock"


class Ledger(Protocol):
    """What was recorded of stages, by whoever recorded it."""

    def record(self, name: str) -> StageRecord | None: ...

    def problem(self, name: str) -> str | None: ...

    def fault(self, name: str, /) -> ConfigError | None:
        """What is wrong with the file that a stage's record lies in, where that cannot be read."""

    def blocker(self, name: str, /) -> ConfigError | None:
        """The fault where a run is refused for it, so that nothing can be said of the stage."""

    def path(self, name: str) -> str: ...

    def paths(self) -> Iterable[str]: ...

    def orphans(self) -> list[str]: ...

    def write(self, root: str, record: StageRecord, *, fsync: bool = False) -> None: ...

    def save(self, started: int) -> None: ...

    def rests_on(self, stage: Stage, /) -> tuple[str, ...]:
        """Files that a record depends on besides the stage's own lock."""

    def as_dvc(self, stage: Stage, /) -> bool:
        """Whether the stage is judged by DVC's rules."""

    def symbols(self, name: str, /) -> Mapping[str, Symbol] | None:
        """The definitions that a record's code was made of, where only the ledger knows them."""

    def remark(self, name: str, /) -> str | None:
        """What a record's code was compared with, where that is not the record's own."""

    def check(self, stages: Iterable[Stage], /) -> None:
        """Raise PivotErrors where results of `stages` could not be written down."""

    def renew(self, stage: Stage, key: StageKey, /) -> bool:
        """Bring what is written of a fresh stage in line with `key`; whether that took writing."""

    def flush(self) -> tuple[str, ...]:
        """Write what was collected; the files that changed."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the ledger of a DVC project looks at besides dvc.lock.

    `legacy` observes as DVC did before version 3; `covered` tells which deps the digest of a
    stage's code judges; `baseline` finds the code behind entries that only DVC has written.
    """

    root: str
    observer: Observer
    legacy: Callable[[], Observer]
    git: Git | None
    covered: Callable[[Stage], frozenset[str]]
    kept: Blobs
    baseline: Baseline | None


class DvcLedger:
    """dvc.lock files, read on demand and written once by `flush`, with Pivot's locks beside."""

    def __init__(
        self, tree: Tree, stages: Mapping[str, Stage], own: Locks, around: Surroundings
    ) -> None:
        self._tree = tree
        self._stages = stages
        self._own = own
        self._around = around
        self._files: dict[str, dict[str, Entry]] = {}
        self._broken: dict[str, ConfigError] = {}
        self._records: dict[str, StageRecord | None] = {}
        self._pending: dict[str, dict[str, Entry | None]] = {}
        self._new: dict[str, bytes] = {}
        self._unrecorded: set[str] = set()  # whose entry is DVC's alone
        self._origins: dict[str, Origin] = {}

    # --- reading --------------------------------------------------------------------------

    def record(self, name: str) -> StageRecord | None:
        stage = self._stages[name]
        if not self.as_dvc(stage):
            return self._own.record(name)
        if name in self._records:
            return self._records[name]
        record = self._load(stage)
        # what is not there may yet come, and be named as of today then
        if record is None or not _is_legacy(record):
            self._records[name] = record
        return record

    def problem(self, name: str) -> str | None:
        stage = self._stages[name]
        if not self.as_dvc(stage):
            return self._own.problem(name)
        broken = self.blocker(name)
        if broken is not None:
            return f"{broken.where}: {broken.message}; `pivot repro` refuses to run"
        return self._own.problem(name) if self.record(name) is not None else None

    def fault(self, name: str) -> ConfigError | None:
        return self.blocker(name) if self.as_dvc(self._stages[name]) else self._own.fault(name)

    def blocker(self, name: str) -> ConfigError | None:
        stage = self._stages[name]
        if not self.as_dvc(stage):
            return None
        self._entries(_lock_file(stage))
        return self._broken.get(_lock_file(stage))

    def path(self, name: str) -> str:
        return self._own.path(name)

    def paths(self) -> Iterable[str]:
        return [*self._own.paths(), *dict.fromkeys(map(_lock_file, self._dvc_stages()))]

    def orphans(self) -> list[str]:
        return self._own.orphans()

    def rests_on(self, stage: Stage) -> tuple[str, ...]:
        return (_lock_file(stage), *self._around.covered(stage)) if self.as_dvc(stage) else ()

    def as_dvc(self, stage: Stage) -> bool:
        return stage.file.rpartition("/")[2] == "dvc.yaml" and isinstance(stage.entry, Command)

    def symbols(self, name: str) -> Mapping[str, Symbol] | None:
        origin = self._origins.get(name)
        if origin is None or self._around.baseline is None:
            return None
        return self._around.baseline.symbols(self._stages[name], origin)

    def remark(self, name: str) -> str | None:
        origin = self._origins.get(name)
        return (
            f"compared with the code of commit {origin.commit[:8]}, which recorded it"
            if origin
            else None
        )

    def _dvc_stages(self) -> list[Stage]:
        return [stage for stage in self._stages.values() if self.as_dvc(stage)]

    def _load(self, stage: Stage) -> StageRecord | None:
        entry = self._entries(_lock_file(stage)).get(stage.short_name)
        if entry is None:
            return None
        record = lockfile.record_of_entry(stage, entry)
        record = replace(
            record,
            key=replace(record.key, deps=self._modern(record.key.deps)),
            outs=self._modern(record.outs),
        )
        lock = self._own.record(stage.name)
        if lock is not None and lock.basis == record.basis:
            return replace(
                record,
                key=replace(record.key, code=lock.key.code),
                observed=lock.observed,
                packages=lock.packages,
                fingerprint_version=lock.fingerprint_version,
            )
        self._unrecorded.add(stage.name)
        origin = self._origin(stage, entry)
        return (
            record if origin is None else replace(record, key=replace(record.key, code=origin.code))
        )

    def _origin(self, stage: Stage, entry: Entry) -> Origin | None:
        if self._around.baseline is None or not stage.code:
            return None
        try:
            covered = self._around.covered(stage)
        except SourceError:
            return None  # whoever judges the stage says so
        origin = self._around.baseline.of(stage, entry, covered)
        if origin is not None:
            self._origins[stage.name] = origin
        return origin

    def _modern(self, digests: Mapping[str, Digest]) -> dict[str, Digest]:
        """Digests of old entries as those of today, where the bytes on disk still have them."""
        return {path: self.modern(path, digest) for path, digest in digests.items()}

    def modern(self, path: str, digest: Digest) -> Digest:
        """As DVC names the bytes of a digest today, where they lie at `path`; else as it is."""
        if digest.algorithm != lockfile.LEGACY:
            return digest
        # who puts data in place tells only the project's own observer
        if self._around.legacy().fresh_observe(path) != digest:
            return digest
        return self._around.observer.observe(path) or digest

    def _entries(self, file: str) -> dict[str, Entry]:
        if file not in self._files:
            try:
                self._files[file] = self._read(file)
            except ConfigError as error:
                self._broken[file] = error
                self._files[file] = {}
        return self._files[file]

    def _read(self, file: str) -> dict[str, Entry]:
        signature = self._tree.signature(file)
        if signature is None:
            return {}
        kept = self._around.kept.get(file)
        if kept is not None:
            found: Any = _opened(kept)
            if found is not None and found[0] == signature:
                return dict(found[1])
        data = self._tree.read(file)
        if data is None:
            return {}
        entries = parse_dvc_lock(data, file)
        closed = _closed(signature, entries)
        if closed is not None:
            self._new[file] = closed
        return entries

    def save(self, started: int) -> None:
        self._own.save(started)
        for file, data in self._new.items():
            signature: Any = self._tree.signature(file)
            if isinstance(signature, tuple) and is_settled(signature, started):
                self._around.kept.put(file, data)

    # --- writing --------------------------------------------------------------------------

    def check(self, stages: Iterable[Stage]) -> None:
        files = dict.fromkeys(_lock_file(stage) for stage in stages if self.as_dvc(stage))
        errors: list[PivotError] = []
        for file in files:
            self._entries(file)
            if file in self._broken:
                errors.append(self._broken[file])
        git = self._around.git
        if git is not None and files:
            errors += [
                ConfigError(
                    f"git ignores '{file}', which has to be committed",
                    hint="take the rule out of .gitignore; `git check-ignore -v` shows it",
                    where=Where(file),
                )
                for file in sorted(git.ignored(files))
            ]
        raise_all(errors)

    def write(self, root: str, record: StageRecord, *, fsync: bool = False) -> None:
        stage = self._stages[record.stage]
        if not self.as_dvc(stage):
            self._own.write(root, record, fsync=fsync)
            return
        deps = {**record.key.deps, **self._digests(self._around.covered(stage))}
        entry = lockfile.entry_of_record(stage, record, deps)
        self._write(stage, record, entry, fsync=fsync)

    def renew(self, stage: Stage, key: StageKey) -> bool:
        record = self.record(stage.name)
        if record is None or not self.as_dvc(stage):
            return False
        before = self._entries(_lock_file(stage))[stage.short_name]
        known = record.key.deps
        now = self._digests(self._around.covered(stage))
        moved = {path: digest for path, digest in now.items() if known.get(path) != digest}
        entry = lockfile.renewed(stage, before, moved)
        recorded = stage.name not in self._unrecorded and record.key.code == key.code
        if recorded and entry == before:
            return False
        self._write(stage, replace(record, key=key), entry)
        return True

    def _digests(self, paths: Iterable[str]) -> dict[str, Digest]:
        seen = {path: self._around.observer.observe(path) for path in paths}
        return {path: digest for path, digest in seen.items() if digest is not None}

    def _write(
        self, stage: Stage, record: StageRecord, entry: Entry, *, fsync: bool = False
    ) -> None:
        file = _lock_file(stage)
        lock = replace(record, basis=lockfile.entry_digest(entry))
        self._own.write(self._around.root, lock, fsync=fsync)
        entries = self._entries(file)
        if entries.get(stage.short_name) != entry:
            self._pending.setdefault(file, {})[stage.short_name] = entry
            entries[stage.short_name] = entry
        self._records.pop(stage.name, None)
        self._unrecorded.discard(stage.name)
        self._origins.pop(stage.name, None)

    def flush(self) -> tuple[str, ...]:
        changed = []
        for file, changes in self._pending.items():
            # read anew: somebody else may have written other entries meanwhile
            text = edited(self._tree.read(file), self._ordered(file, changes), file)
            path = f"{self._around.root}/{file}"
            try:
                write_atomic(path, text or b"", scratch=scratch_folder(self._around.root))
            except OSError as error:
                raise explain(error, "write", file) from None
            changed.append(file)
        self._pending.clear()
        return tuple(changed)

    def _ordered(
        self, file: str, changes: Mapping[str, Entry | None]
    ) -> Mapping[str, Entry | None]:
        """`changes` in the order in which DVC would have made them."""
        if len(changes) < 2:
            return changes
        from .dvc_order import in_dvc_order  # only where stages have run

        names = {
            name: stage.short_name
            for name, stage in self._stages.items()
            if self.as_dvc(stage) and _lock_file(stage) == file
        }
        wanted = [name for name, short in names.items() if short in changes]
        order = [names[name] for name in in_dvc_order(wanted, self._stages)]
        return {short: changes[short] for short in order}


def _is_legacy(record: StageRecord) -> bool:
    """Whether some of its digests are still those of DVC before version 3."""
    digests = (*record.key.deps.values(), *record.outs.values())
    return any(digest.algorithm == lockfile.LEGACY for digest in digests)


def _lock_file(stage: Stage) -> str:
    return join(parent(stage.file), _LOCK_NAME)


def _closed(signature: Any, entries: Mapping[str, Entry]) -> bytes | None:
    from ..config.compiled import dump_value  # 1 ms; only where a dvc.lock was read anew

    try:
        return dump_value((signature, dict(entries)))
    except TypeError:
        return None


def _opened(data: bytes) -> Any:
    from ..config.compiled import load_value

    found = load_value(data)
    return found if isinstance(found, tuple) else None
