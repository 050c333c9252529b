"""Params, metrics and artifacts of revisions, as DVC shows and compares them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from histories import History
from peers import Both

Make = Callable[[str], Both]


def answers(project: Both, *argv: str) -> tuple[Any, Any]:
    """What both say, parsed. DVC prints nothing where nothing differs."""
    theirs, ours = project.dvc(*argv).well(), project.pivot(*argv).well()
    return json.loads(theirs.out or "{}"), json.loads(ours.out or "{}")


def agree(project: Both, *argv: str) -> None:
    theirs, ours = answers(project, *argv)
    assert ours == theirs, "\n".join(project.told[-2:])


def pairs(history: History, count: int, seed: int) -> list[tuple[str, ...]]:
    """Revisions to compare: ids, names, ancestors of HEAD, and the working tree."""
    rng = random.Random(seed)
    names = [*history.commits, *history.labels, "HEAD", "HEAD~3", "main"]
    found: list[tuple[str, ...]] = [(), ("HEAD",), ("HEAD~1", "HEAD")]
    while len(found) < count:
        found.append((rng.choice(names), rng.choice([*names, "workspace"])))
    return found


def compared(history: History, count: int, seed: int) -> None:
    """Everything that compares, over pairs of revisions and options."""
    project = history.project
    rng = random.Random(seed)
    for revisions in pairs(history, count, seed):
        for command in ("params", "metrics"):
            options = [rng.choice([(), ("--all",)])]
            if command == "params":
                options.append(rng.choice([(), ("--deps",)]))
            if rng.random() < 0.2:
                options.append(("--targets", "params.yaml", "m.json", "nothing.json", "sub"))
            flags = [word for option in options for word in option]
            agree(project, command, "diff", *revisions, "--json", *flags)
    for flags in (["-a", "-T"], ["-A"], ["m.json", "sub"], ["-R", "out"]):
        agree(project, "metrics", "show", "--json", *flags)
    for argv in (
        ("params", "diff", "HEAD~4", "--md"),
        ("metrics", "diff", "HEAD~4", "--md", "--precision", "2"),
        ("metrics", "diff", "HEAD~9", "HEAD", "--no-path", "--all"),
        ("metrics", "show", "--md", "-a"),
    ):
        # DVC's order of files is that of a set
        theirs, ours = project.dvc(*argv).well(), project.pivot(*argv).well()
        assert sorted(ours.out.split("\n")) == sorted([*theirs.out.rstrip("\n").split("\n"), ""])
    # from a folder of the project, paths are seen from there
    below = Both(project.root / "below", project._dvc, project._pivot)
    below.root.mkdir()
    agree(below, "metrics", "show", "--json")
    agree(below, "params", "diff", "HEAD~2", "--json")
    agree(below, "metrics", "diff", "HEAD~2", "--json", "--targets", "../m.json")


def sizeless(found: Any) -> Any:
    """Our answer without what DVC's lacks."""
    for entries in found.values():
        for entry in entries:
            entry.pop("size")
    return found


def same_artifacts(history: History, count: int, seed: int) -> None:
    """The artifacts that differ, over pairs of revisions and options."""
    project = history.project
    rng = random.Random(seed)
    for revisions in pairs(history, count, seed):
        words = tuple(word for word in revisions if word != "workspace")
        flags = rng.choice([(), (), ("--show-hash",), ("--hide-missing",)])
        theirs, ours = answers(project, "diff", *words, "--json", *flags)
        assert sizeless(ours) == theirs, "\n".join(project.told[-2:])


def test_a_history_shows_and_compares_as_dvc_does(both: Make) -> None:
    history = History(both("walk"), seed=1)
    history.walk(30)
    compared(history, 6, seed=1)
    same_artifacts(history, 8, seed=1)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(2, 12))
def test_more_histories(both: Make, seed: int) -> None:
    history = History(both("walk"), seed=seed)
    history.walk(40)
    same_artifacts(history, 40, seed=seed)
    compared(history, 30, seed=seed)
