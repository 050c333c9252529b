"""The smallest cause of changed code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..model import CodeManifest, Decision, Reason, ReasonKind, Symbol


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
    found = causes("code", manifest, before, chain)
    reasons: list[Reason] = []
    for reason in decision.reasons:
        reasons += found if reason.kind == "code" and found else [reason]
    return replace(decision, reasons=tuple(reasons))


def causes(
    kind: ReasonKind,
    manifest: CodeManifest,
    before: Mapping[str, Symbol],
    chain: Callable[[str], Sequence[str]],
) -> list[Reason]:
    """A reason for each definition that differs between a table and a manifest."""
    # looked into often, and slow to look into
    before, after = dict(before.items()), dict(manifest.symbols.items())
    changed = [
        name
        for name, now in after.items()
        if (then := before.get(name)) is not None and then.hash != now.hash
    ]
    names = changed or sorted({*before} ^ {*after})
    reasons = []
    for name in names:
        then, now = before.get(name), after.get(name)
        stands = now or then
        assert stands is not None  # the name comes from one of the two tables
        reasons.append(
            Reason(
                kind,
                name,
                then.hash[:8] if then else None,
                now.hash[:8] if now else None,
                stands.file,
                stands.line,
                tuple(chain(name)) if now else (),
            )
        )
    return reasons
