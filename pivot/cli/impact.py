"""`impact`: what a revision makes stale, for a terminal, a pull request or a program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .options import InProject, Json, Markdown, choose_one
from .output import note, say, say_json, styled, value_text

if TYPE_CHECKING:
    from ..commands.impact import Impact, StageImpact
    from ..model import Problem, Reason

#: So much of a list is shown in a comment, which has a limit of its own.
_MOST = 100
_FEW = 6


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("impact")(impact)


def impact(
    a: Annotated[
        str | None,
        typer.Argument(metavar="[A]", help="Where it goes (default: origin/HEAD, main or master)."),
    ] = None,
    b: Annotated[
        str | None,
        typer.Argument(
            metavar="[B]",
            help="What is looked at (default: HEAD, or `workspace` if it has changes).",
        ),
    ] = None,
    direct: bool = typer.Option(
        False, "--direct", help="Compare with A itself, not with where B parted from it."
    ),
    explained: bool = typer.Option(False, "-e", "--explain", help="Every change, with its chain."),
    exit_code: bool = typer.Option(
        False, "--exit-code", help="Exit with 1 if a stage is affected."
    ),
    project: InProject = None,
    as_json: Json = False,
    markdown: Markdown = False,
) -> None:
    """Say which stages a revision makes stale, and why: from git alone, nothing being run."""
    from ..commands import impact as use_case
    from ..errors import raise_all

    choose_one({"--json": as_json, "--md": markdown, "--explain": explained})
    request = use_case.ImpactRequest(os.getcwd(), a, b, direct, project)
    result = use_case.impact(request)
    if as_json:
        say_json(use_case.impact_data(result))
    elif markdown:
        say("\n".join(_markdown(result)))
    elif explained:
        _print_explanations(result)
    else:
        _print_lines(result)
    for remark in result.notes:
        note(remark)
    raise_all([problem.error for problem in result.lacks])
    if exit_code and (result.stages or result.unread):
        raise typer.Exit(1)


# --- for a terminal ------------------------------------------------------------------------


def _print_lines(result: Impact) -> None:
    say(_headline(result))
    rows = _together(result.stages)
    width = max((len(names) for names, _ in rows), default=0)
    for names, stage in rows:
        mark = styled(f"{_mark(stage):<10}", _COLOURS[stage.fresh], sys.stdout)
        say(f"  {names:<{width}}  {mark} {_why(stage)}".rstrip())
    if result.artifacts:
        say(f"Artifacts: {_listed([artifact.path for artifact in result.artifacts], 10)}")
    pending = _pending(result)
    if pending:
        say(pending)


def _print_explanations(result: Impact) -> None:
    from .wording import change_lines

    say(_headline(result))
    for names, stage in _together(result.stages):
        say(f"Stage: {names}")
        say(f"  Change: {_CHANGES[stage.change]}")
        if stage.state in ("stale", "fresh"):
            say(f"  Lock: {'re-run and committed' if stage.fresh else 'not re-run'}")
        for reason in stage.reasons if stage.change != "added" else ():
            say("\n".join(f"    {line}" for line in change_lines(reason)))


def _together(stages: Iterable[StageImpact]) -> list[tuple[str, StageImpact]]:
    """The stages, those that are unknown for one and the same reason as one."""
    groups: dict[object, list[StageImpact]] = {}
    for stage in stages:
        key = stage.reasons if stage.state == "unknown" else stage.name
        groups.setdefault(key, []).append(stage)
    return [(_listed([one.name for one in found], _FEW), found[0]) for found in groups.values()]


_CHANGES = {
    "added": "new",
    "removed": "removed",
    "code": "code changed",
    "params": "params changed",
    "command": "command changed",
    "deps": "deps changed",
    "config": "configuration changed",
    "upstream": "something above it changed",
}
_COLOURS = {True: "green", False: "yellow", None: "dim"}


def _headline(result: Impact) -> str:
    a, b = result.shown
    against = a if result.direct else f"{a}, from which it parted at {result.base[:8]}"
    return f"{b} {_counts(result)} (against {against})."


def _counts(result: Impact) -> str:
    if not result.stages and not result.unread:
        return "affects no stage"
    gone = sum(stage.state is None for stage in result.stages)
    unknown = sum(stage.state == "unknown" for stage in result.stages)
    count = len(result.stages) - gone - unknown
    parts = [f"affects {count} of {_stages(result.total)}"] if count else []
    parts += [f"removes {gone}"] if gone else []
    parts += [f"leaves {unknown} unknown"] if unknown else []
    if result.unread:
        whose = [_unread(problem) for problem in result.unread]
        parts.append(f"leaves {_listed(whose, _FEW)} unknown")
    return " and ".join(parts)


def _unread(problem: Problem) -> str:
    if problem.stage is not None:
        return f"stage '{problem.stage}' of {problem.source}"
    return f"all stages of {problem.source}"


def _stages(count: int) -> str:
    return f"{count} {'stage' if count == 1 else 'stages'}"


def _mark(stage: StageImpact) -> str:
    if stage.state is None:
        return "removed"
    if stage.state == "unknown":
        return "unknown"
    return "re-run" if stage.fresh else "not re-run"


def _why(stage: StageImpact) -> str:
    from .wording import brief

    if stage.change in ("added", "removed"):
        return "new" if stage.change == "added" else ""
    return brief([reason for reason in stage.reasons if reason.kind != "upstream"]) or brief(
        stage.reasons
    )


def _pending(result: Impact) -> str:
    judged = [stage for stage in result.stages if stage.state in ("stale", "fresh")]
    waiting = sum(not stage.fresh for stage in judged)
    if not judged:
        return ""
    left = _listed(result.uncommitted, _FEW)
    if not waiting and left:
        return f"All of them were re-run; not committed yet: {left}."
    if not waiting:
        return "All of them were re-run: the committed locks stand for them."
    said = f"{waiting} of {len(judged)} not re-run: the committed locks do not stand for them."
    return f"{said} Not committed yet: {left}." if left else said


def _listed(names: Sequence[str], most: int) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


# --- for a pull request --------------------------------------------------------------------


def _markdown(result: Impact) -> Iterable[str]:
    """A short comment: what causes it, what follows, and the rest folded away."""
    a, b = result.shown
    yield f"### This change {_counts(result)}"
    yield ""
    for problem in result.unread:
        yield f"- {_escaped(str(problem.error))}"
    if result.unread:
        yield ""
    if not result.stages:
        yield f"{_code(b)} against {_code(a)} ({_code(result.base[:8])})."
        return
    where = f"{_code(b)} against {_code(a)} ({_code(result.base[:8])})."
    yield f"{where} {_bold(_pending(result))}".rstrip()
    yield ""
    yield "| change | stages |"
    yield "| --- | --- |"
    causes = _causes(result)
    for text, names in causes[:_MOST]:
        yield f"| {text} | {_listed([_code(name) for name in names], _FEW)} |"
    if len(causes) > _MOST:
        yield f"| and {len(causes) - _MOST} more | |"
    yield ""
    yield from _folded(
        "Stages", [f"{_code(s.name)}: {_CHANGES[s.change]}, {_mark(s)}" for s in result.stages]
    )
    yield from _folded("How the changes are reached", _chains(result))
    words = {"affected": "", "added": " (new)", "removed": " (removed)"}
    yield from _folded(
        "Artifacts", [f"{_code(item.path)}{words[item.change]}" for item in result.artifacts]
    )


def _causes(result: Impact) -> list[tuple[str, list[str]]]:
    """Each change with the stages that it reaches at once; then those further down."""
    found: dict[str, list[str]] = {}
    last: dict[str, list[str]] = {}
    for stage in result.stages:
        if stage.change in ("added", "removed", "upstream") and stage.state != "unknown":
            word = {"added": "new stage", "removed": "removed", "upstream": "follows from these"}
            place = last if stage.change == "upstream" else found
            place.setdefault(word[stage.change], []).append(stage.name)
            continue
        for reason in stage.reasons:
            if reason.kind != "upstream":
                found.setdefault(_cause(reason), []).append(stage.name)
    return [*found.items(), *last.items()]


def _cause(reason: Reason) -> str:
    from .wording import one_line

    place = ""
    if reason.file:
        place = f" in {_code(f'{reason.file}:{reason.line}' if reason.line else reason.file)}"
    if reason.kind in ("code", "observed"):
        return f"code {_code(reason.subject)}{place}"
    if reason.kind in ("params", "dep", "config", "packages") and reason.old != reason.new:
        old, new = value_text(reason.old), value_text(reason.new)
        return f"{reason.kind} {_code(reason.subject)}: {_code(old)} to {_code(new)}"
    return _escaped(one_line(reason))


def _chains(result: Impact) -> list[str]:
    """How stages reach what changed: one chain for each change."""
    found: dict[str, str] = {}
    for stage in result.stages:
        for reason in stage.reasons:
            if len(reason.chain) > 1:
                steps = list(reason.chain)
                if len(steps) > 8:
                    steps = [*steps[:4], "...", *steps[-3:]]
                found.setdefault(reason.subject, f"{_code(stage.name)}: {_code(' > '.join(steps))}")
    return list(found.values())


def _folded(title: str, lines: Sequence[str]) -> Iterable[str]:
    if not lines:
        return
    yield f"<details><summary>{title} ({len(lines)})</summary>"
    yield ""
    yield from (f"- {line}" for line in lines[:_MOST])
    if len(lines) > _MOST:
        yield f"- and {len(lines) - _MOST} more"
    yield ""
    yield "</details>"
    yield ""


def _bold(text: str) -> str:
    return f"**{text}**" if text else ""


def _code(text: str) -> str:
    """A name as code, whatever is in it; a bar would end a cell of a table."""
    plain = text.replace("\n", " ").replace("|", "\\|")
    fence = "``" if "`" in plain else "`"
    room = " " if "`" in plain else ""
    return f"{fence}{room}{plain}{room}{fence}"


def _escaped(text: str) -> str:
    """A text that has no meaning in Markdown."""
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))


_SIGNS = {sign: f"&#{ord(sign)};" for sign in "\\`*_[]<>|#@&~"}
