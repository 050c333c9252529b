"""What one version's locks would be if it had just been reproduced; what another is held against.

So two versions are compared by what they are, not by what was neglected in either: where a lock
lags behind its own version, both sides see the version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from ..digest import Digest, fingerprint
from ..errors import SourceError
from ..model import FINGERPRINT_VERSION, CodeManifest, Stage, StageRecord
from ..store import CodeTables
from ..store.code import CodeTable
from ..tree import join, relative
from .ledger import Ledger
from .locks import WithoutDvc
from .recorded import RecordedObserver
from .survey import Survey
from .workspace import Workspace


class Reproduced(WithoutDvc):
    """The records of a version as a run of it would leave them (a `Ledger` that is only read).

    Outs and inputs that neither git, locks nor records know stand as `assumed`, each the same
    wherever it is met. `stages` are those of the version, by the names that they have in the other
    one; `unreadable` those whose code could not be read. Of stages that it does not have, `left`
    has the locks that may still be there. `later` are the stages of the other version that are
    judged by dvc.lock.
    """

    def __init__(
        self,
        space: Workspace,
        stages: Mapping[str, Stage],
        later: Mapping[str, Stage],
        left: Ledger,
    ) -> None:
        self.assumed = _assumed(space)
        self.unreadable: dict[str, SourceError] = {}
        self._stages = stages
        self._later = later
        self._left = left
        observer = space.observer
        assert isinstance(observer, RecordedObserver)
        self.observer = observer.assuming(self.assumed)
        self._space = replace(space, observer=self.observer)
        self._survey = Survey(self._space)
        self._records: dict[str, StageRecord | None] = {}
        self.tables = _Tables()

    def record(self, name: str) -> StageRecord | None:
        if name not in self._records:
            stage = self._stages.get(name)
            self._records[name] = self._make(name, stage) if stage else self._left.record(name)
        return self._records[name]

    def _make(self, name: str, stage: Stage) -> StageRecord | None:
        space = self._space
        locked = space.locks.record(stage.name)
        if stage.frozen and locked is not None:
            return locked  # a run would leave it alone
        try:
            evidence = self._survey.gather(stage, {})
        except SourceError as error:
            self.unreadable[name] = error
            return None
        outs = {out.path: space.observer.observe(out.path) for out in stage.outs}
        record = StageRecord(
            stage=name,
            key=evidence.key,
            outs={path: digest for path, digest in outs.items() if digest is not None},
            observed={module: now for module, now in evidence.observed.items() if now},
            packages=locked.packages if locked is not None else {},
            fingerprint_version=FINGERPRINT_VERSION,
        )
        self._note_tables(stage, record)
        later = self._later.get(name)
        return record if later is None else self._in_dvc_lock(stage, later, record)

    def _note_tables(self, stage: Stage, record: StageRecord) -> None:
        """Where the definitions are to be had that the digests were made from."""
        code = self._space.fingerprinter
        if record.key.code is not None:
            self.tables.note(record.key.code, partial(self._survey.manifest, stage))
        for module, digest in record.observed.items():
            self.tables.note(digest, partial(code.observed_manifest, stage, module))

    def _in_dvc_lock(self, stage: Stage, later: Stage, record: StageRecord) -> StageRecord:
        """`record` as it comes back from dvc.lock for a stage as it is in the later version.

        There all deps are listed, those too that the code's digest judges, and paths are seen
        from the working directory, wherever that is then.
        """
        seen = {dep.path: self._space.observer.observe(dep.path) for dep in stage.deps}
        listed = {path: digest for path, digest in seen.items() if digest is not None}
        record = replace(record, key=replace(record.key, deps={**listed, **record.key.deps}))
        if stage.wdir == later.wdir:
            return record

        def moved(path: str) -> str:
            return join(later.wdir, relative(path, stage.wdir))

        key = record.key
        return replace(
            record,
            key=replace(
                key,
                deps={moved(path): digest for path, digest in key.deps.items()},
                params={moved(path) if path else "": value for path, value in key.params.items()},
            ),
            outs={moved(path): digest for path, digest in record.outs.items()},
        )

    # what else a ledger is asked, and this one has nothing to say to

    def problem(self, _: str) -> str | None:
        return None

    def fault(self, _: str) -> None:
        return None

    def blocker(self, _: str) -> None:
        return None  # what an earlier version would have refused does not matter

    def path(self, name: str) -> str:
        return self._left.path(name)

    def paths(self) -> Iterable[str]:
        return ()

    def orphans(self) -> list[str]:
        return []

    def as_dvc(self, stage: Stage) -> bool:
        return stage.name in self._later

    def save(self, _: int) -> None:
        return

    def write(self, *_: object, **__: object) -> None:
        raise AssertionError("another version is never written")


class _Tables(CodeTables):
    """The tables behind the digests of a version, made where they are asked for."""

    def __init__(self) -> None:
        super().__init__("")
        self._manifests: dict[str, Callable[[], CodeManifest | None]] = {}

    def note(self, digest: str, find: Callable[[], CodeManifest | None]) -> None:
        self._manifests[digest] = find

    def get(self, digest: str) -> CodeTable | None:
        find = self._manifests.get(digest)
        manifest = find() if find is not None else None
        return CodeTable(manifest.symbols, manifest.reached_by) if manifest is not None else None


def _assumed(space: Workspace) -> dict[str, Digest]:
    """What stands in for the artifacts of a version of which nothing says what they are.

    The digest that the lock of a reader has, where there is one: such inputs are neither in git
    nor recorded, so both versions are taken to have the same.
    """
    found: dict[str, Digest] = {}
    unknown: dict[str, None] = {}
    for name, stage in space.graph.stages.items():
        for dep in stage.deps:
            if dep.path in found or space.observer.observe(dep.path, check=dep.check) is not None:
                continue
            record = space.locks.record(name)
            locked = record.key.deps.get(dep.path) if record is not None else None
            if locked is not None:
                found[dep.path] = locked
            else:
                unknown[dep.path] = None
        for out in stage.outs:
            if space.observer.observe(out.path) is None:
                unknown[out.path] = None
    for path in unknown:
        found.setdefault(path, _unknown(path))
    return found


def _unknown(path: str) -> Digest:
    return Digest("unknown", fingerprint("unknown-artifact", path).partition(":")[2])
