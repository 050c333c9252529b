"""What surrounds the running of one stage: its outputs before, its results after.

Order of writing: objects, then the record, then the lock. A crash at any instant leaves no lock
that names bytes which do not exist.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from ..digest import Digest
from ..disk import explain, step
from ..errors import GraphError, PivotError, RunError, StoreError, Where, raise_all
from ..model import FINGERPRINT_VERSION, Decision, Out, Stage, StageKey, StageRecord
from ..tree import is_within
from ..values import dataclass
from .job import Outcome
from .launch import misfit_error
from .observed import observed_hashes, unpredicted
from .outputs import Outputs
from .placing import is_changed_in_place, place
from .survey import Survey
from .tracked import TrackedData, needed_by
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class Settled:
    """How a stage came out: an error with the end of its output, or remarks about a success."""

    error: str | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()
    record: StageRecord | None = None


def hand_over(space: Workspace, stages: Iterable[Stage]) -> None:
    """Have git ignore the cached outs of `stages`: two git processes, however many there are.

    To be called once, before the first of them is written. Raises PivotErrors for outs that git
    tracks, each with its place.
    """
    stages = list(stages)
    space.locks.check(stages)
    outs = {out.path: (stage, out) for stage in stages for out in stage.outs if out.cache}
    _claim(space, stages)
    git = space.project.git
    if git is None or not outs:
        return
    errors: list[PivotError] = []
    for path in sorted(git.tracked(outs)):
        stage, out = outs[path]
        errors.append(
            GraphError(
                f"out '{path}' of stage '{stage.name}' is tracked by git",
                hint=f"`git rm -r --cached {path}` leaves the file and hands it over to Pivot; "
                "or mark the out `cache: false`",
                where=Where(stage.written_in, out.line or stage.line),
            )
        )
    raise_all(errors)
    space.project.gitignore.add(_in_order(space, outs))


def _in_order(space: Workspace, outs: Mapping[str, tuple[Stage, Out]]) -> list[str]:
    """The outs as DVC would come to them: folders that are deps count with their `.gitignore`."""
    if space.project.mode != "dvc":
        return sorted(outs)
    from .dvc_order import in_dvc_order  # only where stages run

    owners = dict.fromkeys(stage.name for stage, _ in outs.values())
    rank = {name: at for at, name in enumerate(in_dvc_order(owners, space.graph.stages))}
    return sorted(outs, key=lambda path: rank[outs[path][0].name])


def _claim(space: Workspace, stages: Iterable[Stage]) -> None:
    """Keep DVC's commands away from what the stages read and write, and let others in."""
    neighbour = space.project.neighbour
    if neighbour is not None:
        stages = list(stages)
        read = {dep.path for stage in stages for dep in stage.deps if "://" not in dep.path}
        write = {out.path for stage in stages for out in stage.outs if "://" not in out.path}
        neighbour.claim(
            map(space.absolute, sorted(read - write)), map(space.absolute, sorted(write))
        )


class Settler:
    """Prepares outputs, stores results, writes records and locks, or brings outputs back.

    Without `commit`, results are locked but their bytes stay in the work tree alone. `progress`
    is called with bytes read and written; what it raises ends the work, nothing being lost.
    """

    def __init__(
        self,
        space: Workspace,
        survey: Survey,
        outputs: Outputs,
        *,
        commit: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._space = space
        self._survey = survey
        self._outputs = outputs
        self._commit = commit
        self._progress = progress
        self._started: dict[str, int] = {}  # when stages began, in nanoseconds
        self._fsync = bool(space.project.settings["core.fsync"])

    # --- before a run ---------------------------------------------------------------------

    def prepare(self, stage: Stage) -> tuple[str, ...]:
        """Keep the bytes of present outs that are stored nowhere, then set the outs aside.

        Returns remarks about bytes that were kept. Raises PivotError where that is impossible;
        nothing is lost then.
        """
        # a checkpoint is gone on with, not overwritten
        notes = self.keep_unknown(stage, [out for out in stage.outs if not out.resume])
        self._go_back(stage)
        self._outputs.set_aside(stage)
        self._forget(stage)
        self._started[stage.name] = time.time_ns()
        return notes

    def _go_back(self, stage: Stage) -> None:
        """Make incremental outs what the lock says: that is the history which the stage goes on.

        Without a lock the stage goes on with what is there. Raises RunError where the locked
        version cannot be had.
        """
        space = self._space
        record = space.locks.record(stage.name)
        for out in stage.outs:
            then = record.outs.get(out.path) if record and out.incremental else None
            if then is None or space.observer.observe(out.path) == then:
                continue
            if not space.cache.has(then):
                lock = space.locks.path(stage.name)
                raise RunError(
                    f"'{out.path}' goes on from its previous version {then.short}, which is in no "
                    "cache here",
                    hint=f"`pivot pull {out.path}` fetches it; without {lock} the stage goes on "
                    "with what is there",
                )
            place(space, out, then, progress=self._progress)

    def keep_unknown(self, stage: Stage, outs: Iterable[Out]) -> tuple[str, ...]:
        """Store each present one of `outs` whose bytes are in no cache; remarks with digests."""
        space = self._space
        notes = []
        record = space.locks.record(stage.name)
        for out in outs:
            digest = space.observer.observe(out.path)
            if digest is None or space.cache.has(digest):
                continue
            kept = self._add(out)
            if record is None or record.outs.get(out.path) != kept:
                notes.append(f"kept the previous '{out.path}' as {kept}")
        return tuple(notes)

    def bring_deps(self, stage: Stage) -> None:
        """Put what a stage is about to read, and that is not there, in place from a source."""
        space = self._space
        if space.cache.source is None:
            return
        observer = space.observer
        for dep in stage.deps:
            if "://" in dep.path:
                continue
            is_there = observer.observe(dep.path, check=dep.check) is not None
            if is_there and not self._survey.awaited.lacks(stage, dep.path):
                continue
            for file in needed_by(space, [stage]):
                is_meant = is_within(file.path, dep.path) or is_within(dep.path, file.path)
                if not is_meant or (is_there and observer.observe(file.path) is not None):
                    continue
                if file.digest is not None and space.cache.obtain(file.digest):
                    TrackedData(space).put_back(file)
            for path, maker in space.graph.producer.items():
                if not (is_within(path, dep.path) or is_within(dep.path, path)):
                    continue
                if is_there and observer.observe(path) is not None:
                    continue
                record = space.locks.record(maker)
                digest = record.outs.get(path) if record else None
                if digest is not None and space.cache.obtain(digest):
                    outs = {out.path: out for out in space.graph.stages[maker].outs}
                    place(space, outs[path], digest, progress=self._progress)

    def roll_back(self, stage: Stage) -> None:
        """Bring the previous outputs back."""
        self._outputs.restore(stage)
        self._forget(stage)

    def _forget(self, stage: Stage) -> None:
        """What is known about the outs no longer holds."""
        for out in stage.outs:
            self._space.observer.forget(out.path)
            self._space.params.forget(out.path)

    def _add(self, out: Out) -> Digest:
        return self._space.cache.add(
            self._space.absolute(out.path),
            progress=self._progress,
            digests=self._space.observer.noting(out.path),
        )

    # --- after a run ----------------------------------------------------------------------

    def settle(self, stage: Stage, decision: Decision, outcome: Outcome) -> Settled:
        """Store and lock what a finished process left, or bring the previous outputs back."""
        if not outcome.ok:
            self.roll_back(stage)
            if outcome.misfits:
                return Settled(str(misfit_error(self._space, outcome.misfits[0])), "")
            return Settled(outcome.error or "failed", outcome.detail or "")
        step("stage.finished")
        notes = list(self._undeclared(stage, outcome))
        error = self._missing_outs(stage) or self._undeclared_error(notes)
        if error:
            self.roll_back(stage)
            return Settled(error)
        record: StageRecord | None = None
        try:
            outs = self.store_outs(stage)
            changed = self._changed_meanwhile(stage, decision, outcome)
            if changed:
                notes.append(
                    f"{changed} changed while the stage ran; its outputs are kept, "
                    "no lock is written"
                )
            else:
                assert decision.key is not None  # a stage runs only with all its deps known
                record = self.record(stage, decision.key, outs, outcome.module_files)
                self.write(stage, record)
        except PivotError as problem:
            self.roll_back(stage)
            return Settled(str(problem))
        self._outputs.drop(stage)
        return Settled(notes=tuple(notes), record=record)

    def _missing_outs(self, stage: Stage) -> str | None:
        missing = [
            out.path
            for out in stage.outs
            if not os.path.lexists(self._space.absolute(out.path)) and not out.resume
        ]
        if not missing:
            return None
        listed = ", ".join(f"'{path}'" for path in missing)
        return (
            f"the stage ended well but did not make {listed} "
            f"({Where(stage.written_in, stage.line)} declares it)"
        )

    def store_outs(self, stage: Stage) -> dict[str, Digest]:
        """Digest each out and, where results are committed, store its bytes."""
        space = self._space
        outs: dict[str, Digest] = {}
        for out in stage.outs:
            path = space.absolute(out.path)
            if not os.path.lexists(path):
                continue  # a checkpoint that the stage removed itself
            if out.directory and not os.path.isdir(path):
                raise RunError(f"'{out.path}' is declared a directory, and the stage made a file")
            space.params.forget(out.path)
            if self._commit:
                digest = self._add(out)
                self._link(out, digest)
            else:
                space.observer.forget(out.path)
                seen = space.observer.observe(out.path)
                if seen is None:
                    raise StoreError(f"'{out.path}' vanished while it was read")
                digest = seen
            outs[out.path] = digest
        step("outputs.hashed")
        return outs

    def _link(self, out: Out, digest: Digest) -> None:
        """Where links are opted in, replace the fresh file by a link to its object."""
        if self._space.project.settings["cache.link"] != "copy" and not is_changed_in_place(out):
            place(self._space, out, digest, progress=self._progress)

    def _changed_meanwhile(self, stage: Stage, decision: Decision, outcome: Outcome) -> str | None:
        """A dep, params or source file that is no longer what the decision was made from."""
        key = decision.key
        assert key is not None
        checks = {dep.path: dep.check for dep in stage.deps}
        observer = self._space.observer
        for path, digest in key.deps.items():
            check = checks.get(path, "content")
            was_there = observer.observe(path, check=check) is not None
            now = observer.fresh_observe(path, check=check)
            # one that was absent from the start counted by its maker's lock
            if now != digest and (now is not None or was_there):
                return path
        changed = self._space.params.changed(stage)
        if changed is not None:
            return changed
        return self._code_changed_meanwhile(stage, key, outcome)

    def _code_changed_meanwhile(self, stage: Stage, key: StageKey, outcome: Outcome) -> str | None:
        manifest = self._survey.manifest(stage)
        if manifest is None:
            return None
        if manifest.digest != key.code:
            return "the code of the stage"  # edited between deciding and reading it whole
        seen = self._space.fingerprinter.sources_read
        for file in sorted(self._space.fingerprinter.rests_on(stage)):
            if file.endswith("/"):
                continue  # what lies in a folder; the files that would count are looked at
            touched = self._space.project.tree.signature(file) != seen[file]
            if touched and self._survey.code_changed(stage):
                return file
        # modules that only the run could show are read after it: they must be older than it
        for file in unpredicted(stage, manifest, outcome.module_files).values():
            found = self._space.project.tree.signature(file)
            if isinstance(found, tuple) and found[1] >= self._started[stage.name]:
                return file
        return None

    def record(
        self,
        stage: Stage,
        key: StageKey,
        outs: Mapping[str, Digest],
        module_files: Mapping[str, str] | None = None,
    ) -> StageRecord:
        """The record of a success: key, outs, and the modules only the run could show."""
        manifest = self._survey.manifest(stage)
        observed: dict[str, str] = {}
        if manifest is not None and module_files:
            observed = observed_hashes(self._space, stage, manifest, module_files)
        return StageRecord(
            stage=stage.name,
            key=key,
            outs=outs,
            observed=observed,
            packages=manifest.packages if manifest else {},
            fingerprint_version=FINGERPRINT_VERSION,
        )

    def with_observed(self, record: StageRecord, observed: Mapping[str, str]) -> StageRecord:
        """`record` with the modules that an earlier run of the same code was seen to import."""
        return replace(record, observed=observed)

    def write(self, stage: Stage, record: StageRecord) -> None:
        """Write the symbol table, the run-cache record and the lock, in that order."""
        self._keep_tables(stage, record)
        if self._commit:
            self._space.run_cache.put(record)
        try:
            self._space.locks.write(self._space.project.root, record, fsync=self._fsync)
        except OSError as error:
            path = self._space.locks.path(stage.name)
            raise explain(error, "write the lock", path) from None

    # --- without a run --------------------------------------------------------------------

    def renew(self, stage: Stage, decision: Decision) -> bool:
        """Bring what is written of a fresh stage in line with its code; whether it was not."""
        if decision.key is None or stage.frozen:
            return False
        record = self._survey.record(stage)
        if record is not None and self._commit and self._space.locks.as_dvc(stage):
            self._store_present(stage, record)
        older = record is not None and record.fingerprint_version < FINGERPRINT_VERSION
        if record is not None and older and record.key.code and decision.key.code:
            key, version = decision.key, FINGERPRINT_VERSION
            self.write(stage, replace(record, key=key, fingerprint_version=version))
            return True
        try:
            if not self._space.locks.renew(stage, decision.key):
                return False
        except OSError as error:
            raise explain(error, "write the lock", self._space.locks.path(stage.name)) from None
        self._keep_tables(stage, self._space.locks.record(stage.name))
        return True

    def was_changed_by_hand(self, stage: Stage) -> bool:
        """Whether the outs of a frozen stage of DVC's are there, and are not what is recorded."""
        if not (stage.frozen and self._commit and self._space.locks.as_dvc(stage)):
            return False
        record = self._survey.record(stage)
        known = record.outs if record is not None else {}
        now = {out.path: self._space.observer.observe(out.path) for out in stage.outs}
        return all(now.values()) and any(known.get(path) != seen for path, seen in now.items())

    def accept(self, stage: Stage) -> Settled:
        """Record what is there as the result of the stage, as `dvc repro` does where it is frozen.

        Nothing where one of its deps is not there.
        """
        evidence = self._survey.gather(stage, {})
        if evidence.absent:
            return Settled()
        record = self.record(stage, evidence.key, self.store_outs(stage))
        self.write(stage, record)
        return Settled(notes=("recorded its outs as they are now",), record=record)

    def _store_present(self, stage: Stage, record: StageRecord) -> None:
        """Have the cache hold all that DVC expects there: an out may not have been cached."""
        for out in stage.outs:
            digest = record.outs.get(out.path)
            if not out.cache or digest is None or self._space.cache.has(digest):
                continue
            if self._space.observer.observe(out.path) == digest:
                self._add(out)

    def _keep_tables(self, stage: Stage, record: StageRecord | None) -> None:
        """Keep what the digests of a record's code were made from, to explain changes by."""
        code, tables = self._space.fingerprinter, self._space.tables
        manifest = self._survey.manifest(stage)
        if manifest is None:
            return
        tables.put(manifest, code.contents(stage))
        for module, digest in (record.observed if record else {}).items():
            seen = code.observed_manifest(stage, module)
            if seen is not None and seen.digest == digest:
                tables.put(seen, code.contents(stage, module))

    def restore(self, stage: Stage, decision: Decision) -> Settled | None:
        """Put an earlier result of the same key into the work tree; None where there is none."""
        record = self._survey.stored_result(stage, decision)
        if record is None or decision.key is None:
            return None
        # what it was made from stays what it was
        key = replace(decision.key, history=record.key.history)
        renamed = replace(record, stage=stage.name, key=key)
        notes = self._materialize(stage, record.outs)
        self.write(stage, renamed)
        return Settled(notes=notes, record=renamed)

    def check_out(self, stage: Stage) -> Settled:
        """Put the locked outs into the work tree from the cache. Raises StoreError."""
        record = self._space.locks.record(stage.name)
        assert record is not None  # only a fresh stage has something to check out
        return Settled(notes=self._materialize(stage, record.outs), record=record)

    def _materialize(self, stage: Stage, outs: Mapping[str, Digest]) -> tuple[str, ...]:
        notes = self.keep_unknown(stage, stage.outs)
        flags = {out.path: out for out in stage.outs}
        for path, digest in outs.items():
            out = flags.get(path)
            if out is None or self._space.observer.observe(path) == digest:
                continue
            place(self._space, out, digest, progress=self._progress)
            step("outputs.materialized")
            self._space.params.forget(path)
        return notes

    # --- what a stage touched without declaring it ----------------------------------------

    def _undeclared(self, stage: Stage, outcome: Outcome) -> list[str]:
        policy = self._space.project.settings["code.undeclared"]
        if policy == "off" or not outcome.opened:
            return []
        declared = [
            *(dep.path for dep in stage.deps),
            *(out.path for out in stage.outs),
            *(file.path for file in stage.params_files),
        ]
        manifest = self._survey.manifest(stage)
        code = {symbol.file for symbol in manifest.symbols.values()} if manifest else set()
        notes = []
        for path, mode in outcome.opened:
            if path in code or path.endswith((".py", ".pyc")) or path.startswith(".pivot/"):
                continue
            if any(is_within(path, known) for known in declared):
                continue
            if "w" in mode:
                notes.append(f"wrote '{path}', which is no out of the stage")
            else:
                notes.append(f"read '{path}', which is no dep of the stage; add it to `deps`")
        return notes

    def _undeclared_error(self, notes: list[str]) -> str | None:
        if self._space.project.settings["code.undeclared"] == "error" and notes:
            return f"the stage {notes[0]} (code.undeclared: error)"
        return None
