"""Should a stage run, and why? The only place that answers; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .digest import Digest, canonical, fingerprint
from .graph import Graph
from .model import (
    Action,
    CodeManifest,
    Command,
    Decision,
    PythonEntry,
    Reason,
    ReasonKind,
    Stage,
    StageKey,
    StageRecord,
    Symbol,
)

#: Stands for a value that does not exist, where None is a value.
MISSING = "(none)"


def _never(_: Digest) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about a stage when it is judged.

    `key` is what it would run with now. `uncertain` are deps whose digest is not final since a
    stage upstream will or may run; `absent` are deps found neither on disk nor in any record.
    `outs` are the digests now on disk (None: nothing there); `stored` tells whether the bytes of
    a digest can be had from the cache. `observed` holds the hashes, as of today, of the modules
    that the lock names as observed (None: the module is gone).
    """

    key: StageKey
    record: StageRecord | None = None
    lock_problem: str | None = None
    observed: Mapping[str, str | None] = field(default_factory=dict)
    outs: Mapping[str, Digest | None] = field(default_factory=dict)
    stored: Callable[[Digest], bool] = _never
    uncertain: frozenset[str] = frozenset()
    upstream: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    forced: bool = False


def entry_of(stage: Stage) -> str | tuple[str, ...]:
    """What a key and a lock call the entry: `module.function`, or the exact command."""
    match stage.entry:
        case PythonEntry(module=module, qualname=qualname):
            return f"{module}.{qualname}"
        case Command():
            return stage.entry.exact


def stage_key(
    stage: Stage,
    *,
    binding: Mapping[str, str],
    code: str | None,
    params: Mapping[str, Mapping[str, Any]],
    deps: Mapping[str, Digest],
    environ: Mapping[str, str],
    packages: Mapping[str, str] | None = None,
) -> StageKey:
    """The key of a stage: everything that decides its result.

    `params` holds the values tracked in files; `environ` is the environment the stage would see;
    `packages` the versions, only where they are to count.
    """
    env = {name: env_digest(environ.get(name)) for name in stage.env_tracked}
    env |= {name: env_digest(value) for name, value in stage.env_set.items()}
    inline = {"": dict(stage.params)} if stage.params else {"": {}}
    return StageKey(
        entry=entry_of(stage),
        kind="python" if stage.is_python else "cmd",
        wdir=stage.wdir,
        binding=binding,
        code=code,
        params={**inline, **params},
        deps=deps,
        outs=tuple(sorted(out.path for out in stage.outs)),
        env=env,
        packages=packages or {},
    )


def env_digest(value: str | None) -> str:
    """The digest that stands for a variable's value (never the value); '' where it is unset."""
    return "" if value is None else fingerprint("env", value)


def decide(stage: Stage, evidence: Evidence) -> Decision:
    """Whether `stage` should run. In order: frozen, always changed, no lock, key, outs."""
    record = evidence.record
    key = None if evidence.uncertain or evidence.absent else evidence.key
    if stage.frozen and not evidence.forced:
        return _frozen(stage, evidence, key)
    reasons: list[Reason] = []
    if evidence.forced:
        reasons.append(Reason("forced", stage.name, file=stage.file, line=stage.line))
    if stage.always_changed or _is_callback(stage):
        reasons.append(Reason("always", stage.name, file=stage.file, line=stage.line))
    if record is None:
        reasons.append(
            Reason("never-run", stage.name, evidence.lock_problem, file=stage.file, line=stage.line)
        )
    else:
        reasons += compare(stage, record, evidence)
    reasons += [Reason("upstream", name) for name in evidence.upstream]
    if reasons:
        return Decision(stage.name, "stale", "run", tuple(reasons), key)
    if evidence.absent:
        unknown = tuple(
            Reason("dep", path, _old_dep(record, path), None, stage.file, _line_of(stage, path))
            for path in evidence.absent
        )
        return Decision(stage.name, "unknown", "none", unknown, None)
    assert record is not None  # its absence is a reason
    return _judge_outs(stage, evidence, record, key)


def _frozen(stage: Stage, evidence: Evidence, key: StageKey | None) -> Decision:
    action: Action = "none"
    if evidence.record is not None:
        lost = [
            digest
            for path, digest in evidence.record.outs.items()
            if evidence.outs.get(path) is None
        ]
        if lost and all(evidence.stored(digest) for digest in lost):
            action = "checkout"
    return Decision(stage.name, "fresh", action, (), key, ("frozen",))


def _is_callback(stage: Stage) -> bool:
    """DVC's rule: a command with neither deps nor outs is there for its effect."""
    return (
        isinstance(stage.entry, Command)
        and not stage.deps
        and not stage.params_files
        and not stage.params
    ) and not stage.outs


def _judge_outs(
    stage: Stage, evidence: Evidence, record: StageRecord, key: StageKey | None
) -> Decision:
    changed: list[Reason] = []
    action: Action = "none"
    for out in stage.outs:
        then, now = record.outs.get(out.path), evidence.outs.get(out.path)
        if then is None or then == now:
            continue
        if now is None and evidence.stored(then):
            action = "checkout"
            continue
        changed.append(
            Reason(
                "out",
                out.path,
                then.short,
                now.short if now else None,
                stage.file,
                out.line or stage.line,
            )
        )
    if changed:
        return Decision(stage.name, "stale", "run", tuple(changed), key)
    return Decision(stage.name, "fresh", action, (), key)


# --- comparing two keys --------------------------------------------------------------------


def compare(stage: Stage, record: StageRecord, evidence: Evidence) -> list[Reason]:
    """What differs between the run that made `record` and a run now, apart from outs' bytes."""
    old, new = record.key, evidence.key
    here = (stage.file, stage.line)
    reasons: list[Reason] = []
    if old.entry != new.entry or old.kind != new.kind:
        reasons.append(Reason("command", stage.name, _text(old.entry), _text(new.entry), *here))
    if old.code != new.code:
        reasons.append(Reason("code", _text(new.entry), _short(old.code), _short(new.code), *here))
    for module, then in record.observed.items():
        now = evidence.observed.get(module)
        if now != then:
            reasons.append(Reason("observed", module, _short(then), _short(now), *here))
    reasons += _param_changes(stage, old, new)
    for path in [*old.deps, *(path for path in new.deps if path not in old.deps)]:
        if path in evidence.uncertain or path in evidence.absent:
            continue
        before, after = old.deps.get(path), new.deps.get(path)
        if before != after:
            reasons.append(
                Reason(
                    "dep",
                    path,
                    before.short if before else None,
                    after.short if after else None,
                    stage.file,
                    _line_of(stage, path),
                )
            )
    # a new dep whose digest is not final yet was certainly not there before
    for path in sorted(evidence.uncertain):
        if path not in old.deps:
            reasons.append(Reason("dep", path, None, None, stage.file, _line_of(stage, path)))
    reasons += _mapping_changes("env", old.env, new.env, here, digests=True)
    if new.packages:  # they count now, whatever the policy was when the lock was made
        reasons += _mapping_changes("packages", record.packages, new.packages, here)
    reasons += _config_changes(stage, old, new)
    if not reasons and old.version != new.version:
        reasons.append(Reason("config", "key version", old.version, new.version, *here))
    return reasons


def _param_changes(stage: Stage, old: StageKey, new: StageKey) -> list[Reason]:
    reasons = []
    lines = {file.path: file.line for file in stage.params_files}
    for file in dict.fromkeys([*new.params, *old.params]):
        then, now = old.params.get(file, {}), new.params.get(file, {})
        for name in sorted({*then, *now}, key=str):
            before, after = then.get(name, MISSING), now.get(name, MISSING)
            if canonical(before) == canonical(after):
                continue
            subject = name if not file else f"{file}:{name}" if name else file
            reasons.append(
                Reason(
                    "params",
                    subject,
                    None if before is MISSING else before,
                    None if after is MISSING else after,
                    file or stage.file,
                    None if file else lines.get(file) or stage.line,
                )
            )
    return reasons


def _config_changes(stage: Stage, old: StageKey, new: StageKey) -> list[Reason]:
    here = (stage.file, stage.line)
    reasons = []
    if old.wdir != new.wdir:
        reasons.append(Reason("config", "wdir", old.wdir, new.wdir, *here))
    for name in sorted({*old.binding, *new.binding}):
        before, after = old.binding.get(name), new.binding.get(name)
        if before != after:
            reasons.append(Reason("config", f"binding {name}", before, after, *here))
    for path in sorted({*old.outs} ^ {*new.outs}):
        is_new = path in new.outs
        reasons.append(
            Reason(
                "config", f"outs {path}", None if is_new else path, path if is_new else None, *here
            )
        )
    return reasons


def _mapping_changes(
    kind: ReasonKind,
    old: Mapping[str, str],
    new: Mapping[str, str],
    here: tuple[str, int],
    *,
    digests: bool = False,
) -> list[Reason]:
    shown = _short if digests else str
    reasons = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before != after:
            reasons.append(
                Reason(
                    kind,
                    name,
                    shown(before) if before is not None else None,
                    shown(after) if after is not None else None,
                    *here,
                )
            )
    return reasons


def _old_dep(record: StageRecord | None, path: str) -> str | None:
    digest = record.key.deps.get(path) if record else None
    return digest.short if digest else None


def _line_of(stage: Stage, path: str) -> int:
    return next((dep.line for dep in stage.deps if dep.path == path and dep.line), stage.line)


def _text(entry: str | tuple[str, ...]) -> str:
    return entry if isinstance(entry, str) else "\n".join(entry)


def _short(digest: str | None) -> str | None:
    """The first eight hex digits of `algorithm:hex` or of bare hex."""
    return digest.rpartition(":")[2][:8] if digest else digest


# --- the smallest cause of changed code ----------------------------------------------------


def explain_code(
    decision: Decision,
    manifest: CodeManifest,
    before: Mapping[str, Symbol] | None,
    chain: Callable[[str], Sequence[str]],
) -> Decision:
    """`decision` with its `code` reason replaced by the definitions that changed.

    `before` is the symbol table the lock was made from; where it is not known the reason stays as
    it is. Definitions that were only added or dropped are named where nothing else changed: a
    new helper follows from the edit that calls it.
    """
    if before is None or not any(reason.kind == "code" for reason in decision.reasons):
        return decision
    after = manifest.symbols
    changed = [name for name in after if name in before and before[name].hash != after[name].hash]
    names = changed or sorted({*before} ^ {*after})
    causes = []
    for name in names:
        then, now = before.get(name), after.get(name)
        stands = now or then
        assert stands is not None  # the name comes from one of the two tables
        causes.append(
            Reason(
                "code",
                name,
                then.hash[:8] if then else None,
                now.hash[:8] if now else None,
                stands.file,
                stands.line,
                tuple(chain(name)) if now else (),
            )
        )
    reasons: list[Reason] = []
    for reason in decision.reasons:
        reasons += causes if reason.kind == "code" and causes else [reason]
    return replace(decision, reasons=tuple(reasons))


# --- all stages ----------------------------------------------------------------------------


def plan(
    graph: Graph,
    names: Sequence[str],
    gather: Callable[[Stage, Mapping[str, Decision]], Evidence],
) -> dict[str, Decision]:
    """A decision for each of `names` (in dependency order), nothing being run.

    `gather` gives the evidence for a stage, seeing the decisions made so far.
    """
    decisions: dict[str, Decision] = {}
    for name in names:
        stage = graph.stages[name]
        decisions[name] = decide(stage, gather(stage, decisions))
    return decisions
