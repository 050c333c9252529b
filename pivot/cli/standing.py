"""The standing of stages, shown to people: what `status` does once its options are read.

Imports nothing of the command-line library, which bare commands do without.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .opening import metered, opened
from .output import note, say, say_json, styled

if TYPE_CHECKING:
    from ..commands.session import Session
    from ..commands.status import Status
    from ..model import Decision


def show(
    targets: Sequence[str] = (),
    overrides: Sequence[str] = (),
    *,
    explained: bool = False,
    diff: bool = False,
    verbose: bool = False,
    as_json: bool = False,
    rev: str | None = None,
    folder: str | None = None,
) -> bool:
    """Print how stages stand, all without `targets`; whether all of them are fresh.

    With `rev`, as that revision has them (in `folder` of the repository).
    """
    from ..commands import status as use_case
    from ..graph import Selection

    with opened(overrides, partial=True, rev=rev, folder=folder) as session:
        selection = Selection(tuple(targets), session.cwd, single=bool(targets))
        with metered(session):
            result = use_case.status(session, selection, opaque=verbose)
        if as_json:
            say_json(use_case.status_data(result))
        elif explained or diff:
            _print_explanations(session, result, diff=diff, all_stages=verbose or bool(targets))
        elif result.decisions or result.tracked or not session.lacks:
            _print_status(session, result, verbose=verbose)
            if not (targets or overrides or verbose or rev) and result.is_plain:
                _leave_witness(session, result.records)
        _print_remarks(result)
    return result.is_fresh


def _print_explanations(session: Session, result: Status, *, diff: bool, all_stages: bool) -> None:
    from ..commands.definitions import definition_diff
    from .wording import explanation, is_settled

    shown = [d for d in result.decisions.values() if all_stages or not is_settled(d)]
    for decision in shown:
        say("\n".join(explanation(decision)))
        told: set[str] = set()
        for reason in decision.reasons if diff else ():
            text = definition_diff(session, decision.stage, reason)
            if text and text not in told:
                told.add(text)
                say(text)
    if not shown and (result.decisions or not session.lacks):
        _say_up_to_date(session, result)


def _print_status(session: Session, result: Status, *, verbose: bool) -> None:
    """The stale ones, or that nothing is."""
    from ..model import HELD
    from .wording import is_settled

    stale = [d for d in result.decisions.values() if not is_settled(d)]
    held = [d for d in result.decisions.values() if HELD in d.notes and is_settled(d)]
    names = {d.stage for d in [*stale, *held]}
    shown = [d for d in result.decisions.values() if verbose or d.stage in names]
    width = max((len(decision.stage) for decision in shown), default=0)
    for decision in shown:
        say(_line(decision, width))
    odd = [data for data in result.tracked if data.state != "fresh"]
    for data in odd:
        words = _IMPORTED_WORDS if data.imported else _TRACKED_WORDS
        say(f"{data.file.path}  {styled(words[data.state], 'yellow', sys.stdout)}")
    for change in result.environment:
        stages = ", ".join(change.stages[:3]) + (", ..." if len(change.stages) > 3 else "")
        say(f"environment changed: {change.package} {change.old} -> {change.new} ({stages})")
    if not stale:
        if not odd:
            _say_up_to_date(session, result)
        return
    total = len(result.decisions)
    fresh = f", {total - len(stale)} fresh" if total > len(stale) else ""
    say(f"{len(stale)} of {total} {'stage' if total == 1 else 'stages'} to do{fresh}.")


def _say_up_to_date(session: Session, result: Status) -> None:
    from .wording import up_to_date

    count, whole = len(result.decisions), not session.lacks
    say(up_to_date(count, result.records, whole=whole, mode=session.project.mode))


_TRACKED_WORDS = {
    "missing": "is missing, and in the cache (`pivot checkout`)",
    "absent": "is missing, and not in the cache",
    "changed": "differs from its record (`pivot track` records it)",
    "unrecorded": "has no digest in its record (`pivot track` records it)",
}
#: What changed in an import is not recorded: it would not be what its source has.
_IMPORTED_WORDS = {
    "missing": _TRACKED_WORDS["missing"],
    "absent": "is missing, and not in the cache (`pivot pull` brings it from its source)",
    "changed": "is not what was imported (`pivot checkout` puts that back, `pivot update` renews)",
    "unrecorded": "was imported without its data (`pivot pull` brings it)",
}


def _line(decision: Decision, width: int) -> str:
    from .wording import brief, is_refused, is_settled, remark, state_word

    word = f"{state_word(decision):<9}"
    if is_settled(decision):
        text = ", ".join(note for note in decision.notes if note != "frozen")
    else:
        word = styled(word, "yellow", sys.stdout)
        text = (
            brief(decision.reasons, unknown=is_refused(decision))
            or "its outs are missing, and in the cache"
        )
        text += remark(decision)
    return f"{decision.stage:<{width}}  {word} {text}".rstrip()


def _leave_witness(session: Session, records: int) -> None:
    from ..commands.witness import leave
    from .wording import up_to_date

    stages = session.space.pipeline.stages.values()
    text = up_to_date(len(stages), records, mode=session.project.mode)
    leave(session, "status", text, stages)


def _print_remarks(result: Status) -> None:
    for path in result.orphans:
        note(f"{path} belongs to no stage: delete it where the stage is gone for good")
    for text in result.notes:
        note(text)
    for name, references in (result.opaque or {}).items():
        for reference in references:
            note(f"{name}: cannot follow {reference.what} ({reference.file}:{reference.line})")
