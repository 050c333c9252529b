"""`impact` of one changed helper, in a checkout and in a bare clone that knows nothing yet."""

from __future__ import annotations

import os
import shutil
import sys
from functools import partial
from pathlib import Path

from . import generate
from .measuring import Cost, in_turn, run
from .report import Report

PIVOT = str(Path(sys.executable).parent / "pivot")
#: What is promised of 1,000 stages on a machine that does nothing else.
SECONDS = 1.5

#: Branch: what is changed, the file, and the edit.
EDITS = {
    "all": ("a helper of all stages", "lib/shared3.py", "LIMIT_5 = 5", "LIMIT_5 = 6"),
    "one": ("a helper of one stage", "steps/module_3.py", "text.upper()", "text.lower()"),
    "no": ("a comment", "lib/shared3.py", "import json", "import json  # read"),
}


def measure(root: Path, report: Report, times: int, stages: int) -> None:
    """A branch each for a helper of all stages, of one, and for a comment."""
    folder = root / f"impact-{stages}"
    generate.pivot(folder, stages)
    git = partial(_git, folder)
    git("init", "--quiet", "--initial-branch", "main")
    run([PIVOT, "repro", "-j", "2"], folder)
    git("add", "--all")
    git("commit", "--quiet", "--message", "base")
    for name, (_, path, old, new) in EDITS.items():
        git("checkout", "--quiet", "-b", name, "main")
        file = folder / path
        file.write_text(file.read_text().replace(old, new, 1))
        git("commit", "--quiet", "--all", "--message", name)
    git("checkout", "--quiet", "main")
    bare = root / f"impact-{stages}.git"
    git("clone", "--quiet", "--bare", str(folder), str(bare))

    def first() -> Cost:
        cache = root / "impact-cache"
        shutil.rmtree(cache, ignore_errors=True)
        return run([PIVOT, "impact", "main", "all"], bare, env={"XDG_CACHE_HOME": str(cache)})

    works = {"import typer": partial(run, [sys.executable, "-c", "import typer"], folder)}
    for name, (what, *_) in EDITS.items():
        words = [PIVOT, "impact", "main", name]
        works[f"impact: {what} changed"] = partial(run, words, folder)
    works["impact: a helper of all stages changed, bare clone, first time"] = first
    for work in works.values():
        work()
    found = in_turn(works, max(3, times // 2))
    floor = found.pop("import typer")
    for name, costs in found.items():
        row = report.add(name, costs, stages, floor)
        if "bare" not in name:
            report.promise(f"{name}: {SECONDS} s", costs.cpu, SECONDS * stages / 1000, row)


def _git(folder: Path, *words: str) -> None:
    who = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@b", "HOME": os.devnull}
    who |= {"GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@b"}
    run(["git", *words], folder, env=who)
