"""Gathers what `plan.decide` needs to know about a stage: digests, code, params, locks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import plan
from ..config import call_binding
from ..digest import Digest
from ..errors import ConfigError, PivotError, SourceError
from ..lockfile import LEGACY
from ..model import (
    FINGERPRINT_VERSION,
    OLDER,
    RESTORABLE,
    CodeManifest,
    Decision,
    Reason,
    Stage,
    StageKey,
    StageRecord,
    Symbol,
)
from ..plan import Evidence
from ..tree import is_within
from .awaited import Awaited
from .memory import CodeFacts
from .verdicts import tracked
from .workspace import Workspace

if TYPE_CHECKING:
    from ..config import DeclarationReader

_NONE: Mapping[str, StageRecord] = {}


class Survey:
    """Evidence for stages, read from a workspace. One survey sees each artifact once.

    `forced` are stages to run whatever is known; with `allow_missing` a dep that is absent counts
    as unchanged where the lock knows its digest. With `rested` stages that always run are judged
    like the others; what is not here, and `offers` tells of, a run would bring from remotes.
    """

    def __init__(
        self,
        space: Workspace,
        *,
        forced: frozenset[str] = frozenset(),
        allow_missing: bool = False,
        rested: bool = False,
        offers: Callable[[Digest], bool] | None = None,
    ) -> None:
        self._space = space
        self.awaited = Awaited(space, allow_missing=allow_missing, offers=offers)
        self._rested = rested
        self._forced = set(forced)
        self._allow_missing = allow_missing
        self._bad_code: dict[str, SourceError] = {}
        self._converted: dict[str, StageRecord] = {}
        self._unchanged: dict[str, bool] = {}
        self._reader: DeclarationReader | None = None
        self._code_counts = bool(space.project.settings["code.track"])

    def force(self, name: str) -> None:
        """From now on, treat the stage as one to run whatever is known."""
        self._forced.add(name)

    # --- the parts of a key ---------------------------------------------------------------

    def manifest(self, stage: Stage) -> CodeManifest | None:
        """The code behind a stage; None where code does not count. Raises SourceError."""
        if not self._counts(stage):
            return None
        known = self._bad_code.get(stage.name)
        if known is not None:
            raise known
        try:
            return self._space.fingerprinter.manifest(stage)
        except SourceError as error:
            self._bad_code[stage.name] = error
            raise

    def facts(self, stage: Stage) -> CodeFacts | None:
        """What deciding needs of the stage's code; None where code does not count.

        Reads no source that has not changed since the facts were found. Raises SourceError.
        """
        if not self._counts(stage):
            return None
        known = self._space.memory.facts(stage)
        if known is not None:
            return known
        manifest = self.manifest(stage)
        assert manifest is not None  # the code counts
        covered: frozenset[str] = frozenset()
        if not stage.is_python:
            covered = self._space.fingerprinter.scripts_covered(stage)
        rests_on = self._space.fingerprinter.rests_on(stage)
        return self._space.memory.note(stage, manifest, covered, rests_on)

    def _counts(self, stage: Stage) -> bool:
        return stage.code and self._code_counts

    def code_changed(self, stage: Stage) -> bool:
        """Whether the code of a stage, read anew, has another digest than it had."""
        then = self.manifest(stage)
        try:
            now = self._space.new_fingerprinter().manifest(stage)
        except SourceError:
            return True
        return then is None or now.digest != then.digest

    def counted_deps(self, stage: Stage) -> list[str]:
        """The deps that count by content: all but scripts that the fingerprint judges."""
        facts = self.facts(stage)
        covered = facts.covered if facts else ()
        return [dep.path for dep in stage.deps if dep.path not in covered]

    def key(self, stage: Stage, deps: Mapping[str, Digest]) -> StageKey:
        """The key of a stage with the given dep digests. Raises SourceError."""
        facts = self.facts(stage)
        rerun = self._space.here and self._space.project.settings["code.packages"] == "rerun"
        return plan.stage_key(
            stage,
            binding=call_binding(stage),
            code=facts.digest if facts else None,
            params=self._space.params.values(stage),
            deps=deps,
            environ=self._space.environ,
            packages=facts.packages if facts and rerun else None,
            history=self._history(stage),
        )

    def _history(self, stage: Stage) -> dict[str, str]:
        """What each incremental out goes on from: the locked version, else what is there."""
        found: dict[str, str] = {}
        for out in stage.outs:
            if out.incremental:
                record = self._space.locks.record(stage.name)
                digest = record.outs.get(out.path) if record else None
                digest = digest or self._space.observer.observe(out.path)
                found[out.path] = str(digest) if digest else ""
        return found

    # --- evidence -------------------------------------------------------------------------

    def gather(
        self,
        stage: Stage,
        decisions: Mapping[str, Decision],
        coming: Mapping[str, StageRecord] = _NONE,
    ) -> Evidence:
        """What is known about `stage`, given decisions about stages that have not run.

        In a run, `decisions` is empty for stages that are done: their outs are on disk. `coming`
        are the stored results that a run would put in place for stages above.
        """
        space = self._space
        record = self.record(stage)
        restored = self._restored(stage, decisions, coming)
        arriving = {path: digest for part in restored.values() for path, digest in part.items()}
        waiting = tuple(n for n in self._waiting(stage, decisions) if n not in restored)
        deps: dict[str, Digest] = {}
        uncertain: set[str] = set()
        absent: list[str] = []
        checks = {dep.path: dep.check for dep in stage.deps}
        for path in self.counted_deps(stage):
            makers = [name for name in waiting if self.awaited.makes(name, path)]
            digest = None
            if makers:
                uncertain.add(path)
            elif path in arriving:
                digest = arriving[path]
            else:
                digest = space.observer.observe(path, check=checks[path])
                placed: Mapping[str, Digest] = {}
                if checks[path] == "content" and (digest is None or digest.is_tree):
                    placed = self.awaited.to_come(stage, path, decisions, coming)
                if placed:
                    whole = self.awaited.composed(path, placed)
                    digest = None if whole is None and self._allow_missing else whole or digest
                if digest is None and checks[path] == "content":
                    digest = self.awaited.recorded(path)
                if digest is None and self._allow_missing and record:
                    digest = record.key.deps.get(path)
                if digest is None:
                    absent.append(path)
            if digest is not None and digest.algorithm == LEGACY and record is not None:
                digest = self.awaited.as_of(record.key.deps.get(path), digest)
            if digest is not None:
                deps[path] = digest
        key = self.key(stage, deps)
        if not space.here and record is not None:
            key, unread = self._not_judged(stage, key, record)
            absent += [] if self._allow_missing else unread
        as_dvc = space.locks.as_dvc(stage)
        return Evidence(
            key=key,
            record=record,
            lock_problem=space.locks.problem(stage.name),
            observed=self.observed_now(stage, record),
            outs={out.path: self._out_now(record, out.path) for out in stage.outs},
            stored=self.awaited.is_stored,
            uncertain=frozenset(uncertain),
            upstream=waiting,
            absent=tuple(absent),
            nowhere=tuple(path for path in absent if self._is_refused(stage, path)),
            forced=stage.name in self._forced,
            rested=self._rested,
            as_dvc=as_dvc,
            scripts=self._scripts(stage) if as_dvc and record and record.key.code is None else {},
        )

    def _is_refused(self, stage: Stage, path: str) -> bool:
        """Whether a run is refused for want of a dep: no stage makes what is not there."""
        if not self._space.here or self._allow_missing:
            return False
        return not self.awaited.is_made(stage, path)

    def _not_judged(
        self, stage: Stage, key: StageKey, record: StageRecord
    ) -> tuple[StageKey, list[str]]:
        """`key` with what only another machine could tell as the record has it.

        Those are the values of variables, and of params files that a stage makes and whose bytes
        are not here: of these the paths are given.
        """
        then = record.key
        env = {name: then.env.get(name, key.env[name]) for name in stage.env_tracked}
        unread = [
            file.path
            for file in stage.params_files
            if file.path in then.params
            and file.path not in key.params
            and self._space.observer.observe(file.path) is not None
        ]
        params = {**key.params, **{path: then.params[path] for path in unread}}
        return replace(key, env={**key.env, **env}, params=params), unread

    def _out_now(self, record: StageRecord | None, path: str) -> Digest | None:
        digest = self._space.observer.observe(path)
        if digest is None and self._allow_missing and record:
            return record.outs.get(path)
        return digest

    def _scripts(self, stage: Stage) -> dict[str, Digest | None]:
        """The deps that the fingerprint judges, as they are on disk."""
        facts = self.facts(stage)
        return {
            path: self._space.observer.observe(path) for path in (facts.covered if facts else ())
        }

    def record(self, stage: Stage) -> StageRecord | None:
        """The record of the stage's last success, in terms of today's fingerprints where possible.

        One made by another version of their rules is brought up to date where the sources behind
        it are, byte for byte, those that lie here; otherwise it is given as it is.
        """
        record = self._space.locks.record(stage.name)
        if record is None or record.fingerprint_version == FINGERPRINT_VERSION:
            return record
        if stage.name not in self._converted:
            from .conversion import converted  # 4 ms, after an update of Pivot alone

            self._converted[stage.name] = converted(self._space, stage, record, self.facts(stage))
        return self._converted[stage.name]

    def is_outdated(self, stage: Stage) -> bool:
        """Whether the stage's lock was written by older rules of fingerprinting."""
        record = self._space.locks.record(stage.name)
        return record is not None and record.fingerprint_version < FINGERPRINT_VERSION

    def observed_now(self, stage: Stage, record: StageRecord | None) -> dict[str, str | None]:
        """Today's hashes of the modules that a record names as observed."""
        if record is None or not record.observed or not self._counts(stage):
            return {}
        return {module: self._observed_hash(stage, module) for module in record.observed}

    def _observed_hash(self, stage: Stage, module: str) -> str | None:
        known = self._space.memory.observed(stage, module)
        if known is not None:
            return known[0]
        fingerprinter = self._space.fingerprinter
        found = fingerprinter.observed_hash(stage, module)
        rests_on = fingerprinter.rests_on(stage, module)
        self._space.memory.note_observed(stage, module, found, rests_on)
        return found

    # --- decisions ------------------------------------------------------------------------

    def decide(
        self,
        stage: Stage,
        decisions: Mapping[str, Decision],
        coming: Mapping[str, StageRecord] = _NONE,
    ) -> Decision:
        """The decision about one stage; code that cannot be read makes it `unknown`.

        `coming` are the stored results that a run would put in place for stages above.
        """
        if self.is_unchanged(stage) and not self._waiting(stage, decisions):
            return Decision(stage.name, "fresh", "none", (), None, self.remarks(stage))
        blocker = self._space.locks.blocker(stage.name)
        if blocker is not None:
            return _unrecorded(stage, blocker)
        try:
            evidence = self.gather(stage, decisions, coming)
        except SourceError as error:
            return _unreadable(stage, error)
        decision = plan.decide(stage, evidence)
        remark = self._space.locks.remark(stage.name) if decision.state == "stale" else None
        if remark and any(reason.kind == "code" for reason in decision.reasons):
            decision = replace(decision, notes=(*decision.notes, remark))
        is_settled = decision.state == "fresh" and decision.action == "none"
        # what was judged by results that are still to come says nothing of what lies here
        if is_settled and not self._allow_missing and not self._waiting(stage, decisions):
            self._keep(stage, evidence, decision)
        return decision

    def stored_result(self, stage: Stage, decision: Decision) -> StageRecord | None:
        """The record of an earlier result that stands for a run, all of its bytes being stored.

        The locked one where only outs have changed: what is committed goes before what else was
        made here from the same key. Then those of the run cache, newest first, of which one
        applies only if its observed modules hash today as they did then; in a DVC project those of
        DVC's run cache too. None where there is none, or where the stage has to run whatever is
        stored.
        """
        if decision.key is None or _must_run(decision):
            return None
        candidates: list[StageRecord] = []
        locked = self.record(stage)
        # an entry of dvc.lock may be of fewer outs than are declared now
        if (
            locked is not None
            and all(reason.kind == "out" for reason in decision.reasons)
            and all(out.path in locked.outs or out.resume for out in stage.outs)
        ):
            candidates.append(locked)
        candidates += self._space.run_cache.find(decision.key.id)
        if self._space.locks.as_dvc(stage):
            candidates += self._made_by_dvc(stage, decision.key)
        for record in candidates:
            now = self.observed_now(stage, record)
            if any(now.get(module) != then for module, then in record.observed.items()):
                continue
            if all(self.awaited.is_stored(digest) for digest in record.outs.values()):
                return record
        return None

    def _made_by_dvc(self, stage: Stage, key: StageKey) -> list[StageRecord]:
        folder = f"{self._space.project.cache_dir}/runs"
        if not os.path.isdir(folder):
            return []
        from .dvc_runs import earlier_result, is_listed  # for stages that would run

        try:
            if not is_listed(self.manifest(stage), stage):
                return []
        except SourceError:
            return []
        scripts = {path: digest for path, digest in self._scripts(stage).items() if digest}
        found = earlier_result(folder, stage, key, {**key.deps, **scripts})
        return [found] if found is not None else []

    def judge(self, stage: Stage, evidence: Evidence) -> Decision:
        """The decision that follows from evidence that was gathered before."""
        return plan.decide(stage, evidence)

    def _restored(
        self,
        stage: Stage,
        decisions: Mapping[str, Decision],
        coming: Mapping[str, StageRecord],
    ) -> dict[str, dict[str, Digest]]:
        """What the stage will find of stages above whose stored results come: by stage and path.

        Those are left out of which it reads what only their files themselves can tell.
        """
        above = [name for name in self._space.graph.parents[stage.name] if name in coming]
        found: dict[str, dict[str, Digest]] = {}
        for name in above:
            counted = set(self.counted_deps(stage))
            by_content = {dep.path for dep in stage.deps if dep.check == "content"} & counted
            read = [dep.path for dep in stage.deps] + [file.path for file in stage.params_files]
            seen: dict[str, Digest | None] = {}
            for path in read:
                if self.awaited.makes(name, path):
                    digest = self._of(coming[name], path)
                    if digest is None:
                        placed = self.awaited.to_come(stage, path, decisions, coming)
                        digest = self.awaited.composed(path, placed) if placed else None
                    there = path in by_content or self._space.observer.observe(path) == digest
                    seen[path] = digest if there else None
            if seen and None not in seen.values():
                found[name] = {path: digest for path, digest in seen.items() if digest}
        return found

    def _of(self, record: StageRecord, path: str) -> Digest | None:
        """The digest of what is an out of a record, or lies in one."""
        if path in record.outs:
            return record.outs[path]
        for out, digest in record.outs.items():
            if digest.is_tree and is_within(path, out) and not self._space.cache.missing(digest):
                return self.awaited.entry(digest, path[len(out) + 1 :])
        return None

    def _waiting(self, stage: Stage, decisions: Mapping[str, Decision]) -> tuple[str, ...]:
        """The stages directly above that will run first."""
        if stage.frozen or not decisions:
            return ()
        return tuple(
            name
            for name in self._space.graph.parents[stage.name]
            if name in decisions and decisions[name].action == "run"
        )

    def is_unchanged(self, stage: Stage) -> bool:
        """Whether the stage was found fresh by an earlier command, and nothing was touched since.

        That it is fresh still follows only where no stage above it will run.
        """
        if stage.name in self._forced:
            return False
        if stage.name not in self._unchanged:
            self._unchanged[stage.name] = self._looks_unchanged(stage)
        return self._unchanged[stage.name]

    def _looks_unchanged(self, stage: Stage) -> bool:
        space = self._space
        if not space.verdicts.knows(stage.name):
            return False
        code: object = ()
        if self._counts(stage):
            code = space.memory.state(stage)
            if code is None:  # what it rests on was touched; it may say the same as before
                try:
                    self.facts(stage)
                except SourceError:
                    return False
                code = space.memory.state(stage)
        return space.verdicts.holds(stage, code, space.environ, self._observed_or_read(stage))

    def _observed_or_read(self, stage: Stage) -> Callable[[str], tuple[str | None] | None]:
        """Gives the hash of an observed module, as a tuple of one; None where it has none."""

        def hash_of(module: str) -> tuple[str | None] | None:
            try:
                return (self._observed_hash(stage, module),)
            except SourceError:
                return None

        return hash_of

    def remarks(self, stage: Stage) -> tuple[str, ...]:
        """What an earlier command remarked about a stage that is unchanged."""
        return self._space.verdicts.remarks(stage.name)

    def packages_then(self, stage: Stage) -> Mapping[str, str]:
        """The packages that the stage's lock records."""
        if self.is_unchanged(stage):
            return self._space.verdicts.packages(stage.name)
        record = self._space.locks.record(stage.name)
        return record.packages if record else {}

    def _keep(self, stage: Stage, evidence: Evidence, decision: Decision) -> None:
        """Remember a stage that is fresh, and what that rests on."""
        space = self._space
        record = space.locks.record(stage.name)  # as it is written
        if record is None or stage.name in self._forced:
            return
        if record.fingerprint_version != FINGERPRINT_VERSION:
            return  # the next run writes it anew
        folders = [path for path, digest in evidence.key.deps.items() if digest.is_tree]
        if any(self.awaited.lacks(stage, folder) for folder in folders):
            return  # what lies there now is not what a run finds
        paths: dict[str, str] = {space.locks.path(stage.name): "content"}
        paths |= dict.fromkeys(space.locks.rests_on(stage), "content")
        paths |= {file.path: "content" for file in stage.params_files}
        paths |= {out.path: "content" for out in stage.outs}
        counted = set(self.counted_deps(stage))
        # one path may be checked in two ways: by its stat numbers is the stricter one
        paths |= {dep.path: dep.check for dep in stage.deps if dep.path in counted}
        code = space.memory.state(stage) if self._counts(stage) else ()
        basis = (code, tracked(stage, space.environ), dict(evidence.observed))
        space.verdicts.note(stage, basis, paths, record, decision.notes)

    def plan(self, names: list[str], *, restores: bool = True) -> dict[str, Decision]:
        """Decisions for `names`, in dependency order, nothing being run.

        With `restores`, one that an earlier result makes unnecessary to run is noted RESTORABLE,
        and what lies below is judged by that result.
        """
        restores = restores and bool(self._space.project.settings["core.run_cache"])
        decisions: dict[str, Decision] = {}
        coming: dict[str, StageRecord] = {}
        for name in names:
            stage = self._space.graph.stages[name]
            decision = self.decide(stage, decisions, coming)
            if decision.state == "fresh" and (above := self._undecided(stage, decisions)):
                decision = plan.below_unknown(decision, above)
            if decision.action == "run":
                stored = self.stored_result(stage, decision) if restores else None
                if stored is not None:
                    decision = replace(decision, notes=(*decision.notes, RESTORABLE))
                    coming[name] = stored
                elif lost := self._lost(stage, decisions):
                    decision = plan.lacking(stage, decision, lost)
                elif restores and self._is_older(decision):
                    decision = replace(decision, notes=(*decision.notes, OLDER))
            decisions[name] = self.explain(stage, decision) if decision.reasons else decision
        return decisions

    def _undecided(self, stage: Stage, decisions: Mapping[str, Decision]) -> tuple[str, ...]:
        """The stages directly above of which it is unknown what they would give."""
        if stage.frozen:
            return ()
        parents = self._space.graph.parents[stage.name]
        return tuple(n for n in parents if n in decisions and decisions[n].state == "unknown")

    def _lost(self, stage: Stage, decisions: Mapping[str, Decision]) -> dict[str, Digest | None]:
        """The data for want of which a run of the stage is refused, though it could be judged.

        Of that a lock or a record has the digest, and nothing here has the bytes.
        """
        space = self._space
        if not space.here or self.awaited.offers is not None or space.cache.source is not None:
            return {}
        record = self.record(stage)
        then = record.key.deps if record else {}
        return {
            path: then.get(path) or self.awaited.recorded(path)
            for path in self.awaited.absent(stage)
            if not self.awaited.comes(stage, path, decisions)
        }

    def _is_older(self, decision: Decision) -> bool:
        """Whether all that is wrong are outs, whose bytes an earlier run left, in the cache.

        So it is where locks came from another machine, and the data has yet to come.
        """
        space = self._space
        if not space.here or not space.project.settings.remotes:
            return False
        if any(reason.kind not in ("out", "upstream") for reason in decision.reasons):
            return False
        changed = [reason.subject for reason in decision.reasons if reason.kind == "out"]
        present = [space.observer.observe(path) for path in changed]
        return bool(changed) and all(d is not None and space.cache.has(d) for d in present)

    def explain(self, stage: Stage, decision: Decision) -> Decision:
        """`decision` with changed code broken down to definitions, where the table is known."""
        if decision.state == "unknown" and decision.reasons[0].kind == "code":
            return decision  # code that cannot be read has no definitions to name
        reasons: list[Reason] = []
        for reason in decision.reasons:
            if reason.kind == "params" and ":" in reason.subject and reason.line is None:
                reason = self._locate_param(reason)
            elif reason.kind in ("params", "config"):
                reason = self._locate_declared(stage, reason)
            found = self._in_observed(stage, reason) if reason.kind == "observed" else [reason]
            told = {(item.kind, item.subject, item.file) for item in reasons}
            reasons += [item for item in found if (item.kind, item.subject, item.file) not in told]
        decision = replace(decision, reasons=tuple(reasons))
        if not any(reason.kind == "code" for reason in reasons):
            return decision
        manifest = self.manifest(stage)
        if manifest is None:
            return decision
        before = self._placed(stage, manifest, self.table_before(stage))
        return plan.explain_code(decision, manifest, before, lambda name: self.chain(stage, name))

    def _in_observed(self, stage: Stage, reason: Reason) -> list[Reason]:
        """The definitions that changed behind an observed module, or the module itself."""
        code, module = self._space.fingerprinter, reason.subject
        file = code.observed_file(stage, module)
        whole = [replace(reason, file=file, line=1) if file else reason]
        record = self.record(stage)
        table = self._space.tables.get(record.observed[module]) if record else None
        now = code.observed_manifest(stage, module)
        if now is None or table is None:
            return whole
        before = self._placed(stage, now, table.symbols) or {}
        chains = {name: (module, *code.chain(now, name)) for name in now.symbols}
        return plan.causes("observed", now, before, lambda name: chains[name]) or whole

    def _placed(
        self, stage: Stage, manifest: CodeManifest, table: Mapping[str, Symbol] | None
    ) -> Mapping[str, Symbol] | None:
        """`table` with definitions that are gone where their modules lie for this stage.

        Stages of equal code share a table, which has the places of one of them.
        """
        gone = set(table).difference(manifest.symbols) if table is not None else ()
        if table is None or not gone:
            return table
        placed = dict(table.items())
        for label in gone:
            file = self._space.fingerprinter.file_of(stage, label.partition(":")[0])
            placed[label] = replace(placed[label], file=file or placed[label].file)
        return placed

    def _locate_declared(self, stage: Stage, reason: Reason) -> Reason:
        """`reason` with its place in the signature, where that declares what has changed."""
        kind, _, name = reason.subject.rpartition(" ")
        of_default = reason.kind == "params" and name in stage.defaults
        of_artifact = kind == "binding" and any(
            artifact.name == name and not artifact.line
            for artifacts in (stage.deps, stage.outs)
            for artifact in artifacts
        )
        if not (of_default or of_artifact):
            return reason
        from ..config import DeclarationReader, place_of_declared  # for such stale stages alone

        if self._reader is None:
            self._reader = DeclarationReader(self._space.fingerprinter.sources)
        where = place_of_declared(self._reader, stage, name, param=of_default)
        return replace(reason, file=where.file, line=where.line) if where else reason

    def _locate_param(self, reason: Reason) -> Reason:
        file, _, key = reason.subject.partition(":")
        if not file.endswith((".yaml", ".yml")):
            return reason
        data = self._space.project.tree.read(file)
        if data is None:
            return reason
        from ..config import load_yaml_marked  # only a stale stage needs the line

        _, marks = load_yaml_marked(data, file)
        where = marks.where(tuple(key.split(".")), key=True)
        return replace(reason, line=where.line) if where.line else reason

    def table_before(self, stage: Stage) -> Mapping[str, Symbol] | None:
        """The symbol table that the stage's lock was made from, where it is still stored."""
        record = self._space.locks.record(stage.name)
        if record is None or record.key.code is None:
            return None
        table = self._space.tables.get(record.key.code)
        return table.symbols if table else self._space.locks.symbols(stage.name)

    def chain(self, stage: Stage, symbol: str) -> tuple[str, ...]:
        """How the stage reaches a definition: entry first."""
        manifest = self.manifest(stage)
        return self._space.fingerprinter.chain(manifest, symbol) if manifest else ()


def _must_run(decision: Decision) -> bool:
    """Whether an earlier result of the same key may not stand in for a run."""
    return any(reason.kind in ("forced", "always") for reason in decision.reasons)


def _unrecorded(stage: Stage, error: ConfigError) -> Decision:
    """The decision about a stage whose lock file cannot be read, so that no run may write there."""
    where = error.where
    reason = Reason(
        "config",
        error.message,
        file=where.file if where else None,
        line=(where.line or None) if where else None,
    )
    return Decision(stage.name, "unknown", "none", (reason,), None, (str(error),))


def _unreadable(stage: Stage, error: SourceError) -> Decision:
    where = error.where
    reason = Reason(
        "code",
        error.message,
        file=where.file if where else stage.written_in,
        line=(where.line or None) if where else stage.line,
    )
    return Decision(stage.name, "unknown", "none", (reason,), None, (str(error),))


def unreadable_code(space: Workspace, survey: Survey, names: list[str]) -> list[PivotError]:
    """The errors of all stages among `names` whose code cannot be read, each once."""
    errors: dict[str, PivotError] = {}
    for name in names:
        stage = space.graph.stages[name]
        if stage.frozen:
            continue
        try:
            survey.facts(stage)
        except SourceError as error:
            errors.setdefault(str(error), error)
    return list(errors.values())
