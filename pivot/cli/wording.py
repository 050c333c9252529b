"""Reasons, decisions and results in words; one place, so every command says the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..model import OLDER, RESTORABLE, TO_FETCH, TO_RECORD, Decision, Reason
from .output import counted, value_text

if TYPE_CHECKING:
    from ..project.root import Mode

_KIND_WORDS = {
    "code": "code changed",
    "observed": "code changed",
    "params": "params changed",
    "dep": "deps changed",
    "out": "outs changed",
    "command": "command changed",
    "config": "configuration changed",
    "env": "environment variable changed",
    "packages": "packages changed",
    "upstream": "upstream will run",
    "always": "always runs",
    "never-run": "never run",
    "forced": "forced",
}


_UNKNOWN_WORDS = {
    "code": "code cannot be read",
    "dep": "a dep is missing",
    "out": "an out is missing",
    "config": "its lock cannot be read",
    "upstream": "what is above it is unknown",
}


def up_to_date(count: int, records: int = 0, *, mode: Mode, whole: bool = True) -> str:
    """What every command says where there is nothing to do: of so many stages, and records.

    `mode` is that of the project, which says the name of the file for a first stage. Not `whole` is
    an answer that leaves out files which cannot be read; nothing is said of nothing.
    """
    known = [counted(n, what) for n, what in ((count, "stage"), (records, "record")) if n]
    if not whole:
        return f"What could be read is up to date ({' and '.join(known)})." if known else ""
    if not known:
        return f"There are no stages yet: describe one in {mode}.yaml."
    return f"Everything is up to date ({' and '.join(known)})."


def is_settled(decision: Decision) -> bool:
    """Whether nothing is to be done about the stage."""
    return decision.state == "fresh" and decision.action == "none"


def is_refused(decision: Decision) -> bool:
    """Whether a run is refused, since something that it needs cannot be read or is nowhere."""
    return decision.state == "unknown" or TO_FETCH in decision.notes


def headline(decision: Decision) -> str:
    """All kinds of reasons of a decision, each once: `code changed, params changed`."""
    words = dict.fromkeys(_KIND_WORDS.get(reason.kind, reason.kind) for reason in decision.reasons)
    if is_refused(decision) and decision.reasons:
        first = decision.reasons[0].kind  # why nothing can be done; the others are changes
        if all(reason.new is None for reason in decision.reasons if reason.kind == "dep"):
            words.pop("deps changed", None)
        words = {_UNKNOWN_WORDS.get(first, first): None, **words}
        if first != "dep":
            words.pop(_KIND_WORDS.get(first, first), None)
    return ", ".join(words)


def state_word(decision: Decision) -> str:
    """What a run would do with the stage."""
    if is_refused(decision):
        return "UNKNOWN"
    if decision.action == "run":
        if RESTORABLE in decision.notes:
            return "RESTORE"
        only_upstream = all(reason.kind == "upstream" for reason in decision.reasons)
        return "MAY RUN" if only_upstream else "WILL RUN"
    if decision.action == "checkout":
        return "CHECKOUT"
    return "frozen" if "frozen" in decision.notes else "fresh"


def one_line(reason: Reason) -> str:
    """A reason in one short line: what changed, and where that stands."""
    place = ""
    if reason.file:
        place = f" ({reason.file}{f':{reason.line}' if reason.line else ''})"
    match reason.kind:
        case "params":
            change = f"{value_text(reason.old)} -> {value_text(reason.new)}"
            return f"params {reason.subject}: {change}"
        case "code" | "observed":
            return f"{reason.kind} {reason.subject}{place}"
        case "dep" | "out":
            if reason.new is None and reason.old is not None:
                return f"{reason.kind} {reason.subject} is missing"
            if reason.old is None:
                return f"{reason.kind} {reason.subject} is new"
            return f"{reason.kind} {reason.subject}: {reason.old} -> {reason.new}"
        case "upstream":
            return f"upstream {reason.subject} {'is unknown' if reason.new else 'runs first'}"
        case "never-run":
            return f"never run{f': {reason.old}' if reason.old else ''}"
        case "always" | "forced":
            return _KIND_WORDS[reason.kind]
        case "command":
            return f"command: {value_text(reason.old)} -> {value_text(reason.new)}"
        case "env":
            return f"env {reason.subject} has another value, or came or went"
        case _:
            if reason.old is None and reason.new is None:
                return f"{reason.kind} {reason.subject}{place}"
            return f"{reason.kind} {reason.subject}: {_change(reason)}"


def _change(reason: Reason) -> str:
    """What a reason's subject was and is."""
    old, new = reason.old, reason.new
    if reason.kind == "config" and reason.subject.startswith("binding "):
        from .bindings import binding_change  # for such stages alone

        old, new = binding_change(old, new)
    return f"{value_text(old)} -> {value_text(new)}"


def brief(reasons: Sequence[Reason], most: int = 2, *, unknown: bool = False) -> str:
    """The first reasons in one line, and how many more there are; deps of an `unknown` are lost."""
    shown = "; ".join((unknown and _loss(reason)) or one_line(reason) for reason in reasons[:most])
    rest = len(reasons) - most
    return f"{shown}; and {rest} more" if rest > 0 else shown


def _loss(reason: Reason) -> str | None:
    """A reason for which nothing can be said of a stage; None where it is another."""
    if reason.kind in ("dep", "out") and reason.new is None:
        return f"{reason.kind} {reason.subject} is missing"
    if reason.kind == "config" and reason.old is None and reason.new is None:
        return f"{reason.file} cannot be read"
    return None


def remark(decision: Decision) -> str:
    """What belongs beside the reasons in one line: what else would help, or will be done."""
    told = [note for note in decision.notes if note in (OLDER, TO_FETCH, TO_RECORD)]
    return f" ({told[0]})" if told else ""


def explanation(decision: Decision) -> list[str]:
    """The lines of `status --explain` for one stage."""
    lines = [f"Stage: {decision.stage}", f"  Status: {state_word(decision)}"]
    if decision.reasons:
        lines.append(f"  Reason: {headline(decision)}")
        lines.append("  Changes:")
        for reason in decision.reasons:
            lines += [f"    {line}" for line in change_lines(reason)]
    elif decision.action == "checkout":
        lines.append("  Reason: outs are missing; their bytes are in the cache")
    elif "frozen" in decision.notes:
        lines.append("  Reason: it is frozen, whatever has changed; `pivot unfreeze` ends that")
    else:
        lines.append("  Reason: nothing changed since its last run")
    lines += [f"  Note: {note}" for note in decision.notes if note != "frozen"]
    return lines


def change_lines(reason: Reason) -> list[str]:
    """A reason as an explanation shows it: what it was and is, where, and how it is reached."""
    if reason.kind == "upstream" and reason.new:
        return [f"{reason.subject} is {reason.new}, and so is what it will make"]
    if reason.kind == "upstream":
        return [f"{reason.subject} runs first; what it makes may change"]
    if reason.kind in ("always", "forced", "never-run"):
        return [one_line(reason)]
    place = f"{reason.file}{f':{reason.line}' if reason.line else ''}" if reason.file else ""
    if reason.old is None and reason.new is None:
        return [f"{reason.subject}  {place}".rstrip()]
    change = _change(reason)
    lines = [f"{reason.subject:<24} {change:<26} {place}".rstrip()]
    if len(reason.chain) > 1:
        lines.append(f"  reached by {' -> '.join(reason.chain)}")
    return lines
