"""What differs between the run that made a record and a run now; the rules of pivot.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..digest import canonical
from ..model import FINGERPRINT_VERSION, Reason, ReasonKind, Stage, StageKey, StageRecord
from .evidence import Evidence

#: Stands for a value that does not exist, where None is a value.
MISSING = "(none)"
#: The subject of the reason that a record was made by other rules of fingerprinting.
RULES = "fingerprint version"


def compare(stage: Stage, record: StageRecord, evidence: Evidence) -> list[Reason]:
    """What differs between the run that made `record` and a run now, apart from outs' bytes."""
    old, new = record.key, evidence.key
    here = (stage.written_in, stage.line)
    reasons: list[Reason] = []
    if old.entry != new.entry or old.kind != new.kind:
        reasons.append(Reason("command", stage.name, text_of(old.entry), text_of(new.entry), *here))
    reasons += code_changes(record, evidence, here)
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
                    stage.written_in,
                    line_of(stage, path),
                )
            )
    # a new dep whose digest is not final yet was certainly not there before
    for path in sorted(evidence.uncertain):
        if path not in old.deps:
            reasons.append(Reason("dep", path, None, None, stage.written_in, line_of(stage, path)))
    reasons += _mapping_changes("env", old.env, new.env, here, digests=True)
    if new.packages:  # they count now, whatever the policy was when the lock was made
        reasons += _mapping_changes("packages", record.packages, new.packages, here)
    reasons += _config_changes(stage, old, new)
    if not reasons and old.version != new.version:
        reasons.append(Reason("config", "key version", old.version, new.version, *here))
    return reasons


def code_changes(record: StageRecord, evidence: Evidence, here: tuple[str, int]) -> list[Reason]:
    """What differs in code: that of the entry, and of modules that only a run could show.

    A record in terms of other rules cannot be compared; that alone is told.
    """
    old, new = record.key, evidence.key
    reasons: list[Reason] = []
    if old.code != new.code:
        if record.fingerprint_version != FINGERPRINT_VERSION and old.code and new.code:
            versions = record.fingerprint_version, FINGERPRINT_VERSION
            return [Reason("config", RULES, *versions, *here)]
        short = short_of(old.code), short_of(new.code)
        reasons.append(Reason("code", text_of(new.entry), *short, *here))
    for module, then in record.observed.items():
        now = evidence.observed.get(module)
        if now != then:
            reasons.append(Reason("observed", module, short_of(then), short_of(now), *here))
    return reasons


def _param_changes(stage: Stage, old: StageKey, new: StageKey) -> list[Reason]:
    reasons = []
    lines = {file.path: file.line for file in stage.params_files}
    for file in dict.fromkeys([*new.params, *old.params]):
        then, now = old.params.get(file, {}), new.params.get(file, {})
        for name in sorted({*then, *now}, key=str):
            pair = then.get(name, MISSING), now.get(name, MISSING)
            for key, before, after in _changed_leaves(str(name), *pair):
                reasons.append(
                    Reason(
                        "params",
                        key if not file else f"{file}:{key}" if key else file,
                        None if before is MISSING else before,
                        None if after is MISSING else after,
                        file or stage.written_in,
                        None if file else lines.get(file) or stage.line,
                    )
                )
    return reasons


def _changed_leaves(name: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """(key, before, after) of what differs; of two mappings, only the keys that do."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        if canonical(before) != canonical(after):
            yield name, before, after
        return
    for key in dict.fromkeys([*after, *before]):
        inner = f"{name}.{key}" if name else str(key)
        yield from _changed_leaves(inner, before.get(key, MISSING), after.get(key, MISSING))


def _config_changes(stage: Stage, old: StageKey, new: StageKey) -> list[Reason]:
    here = (stage.written_in, stage.line)
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
    shown = short_of if digests else str
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


def old_dep(record: StageRecord | None, path: str) -> str | None:
    """The short digest of a dep as the record has it."""
    digest = record.key.deps.get(path) if record else None
    return digest.short if digest else None


def line_of(stage: Stage, path: str) -> int:
    """Where the stage names a dep."""
    return next((dep.line for dep in stage.deps if dep.path == path and dep.line), stage.line)


def text_of(entry: str | tuple[str, ...]) -> str:
    """An entry as one text."""
    return entry if isinstance(entry, str) else "\n".join(entry)


def short_of(digest: str | None) -> str | None:
    """The first eight hex digits of `algorithm:hex` or of bare hex."""
    return digest.rpartition(":")[2][:8] if digest else digest
