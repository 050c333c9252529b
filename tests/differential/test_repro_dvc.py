"""`dvc repro` and `pivot repro` in one project, taking turns: each finds what the other left.

Random sequences of edits and commands, by seed. After `pivot repro` DVC sees nothing to do, and the
outputs are those that commands give when run from nothing; after `dvc repro` Pivot sees nothing to
do; in between both see the same changes, save where code tells Pivot more.
"""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import DVC, Both

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")

PREP = """import json, sys
# count lines
import lib
rows = open("data/raw.csv").read().split()
with open("data/clean.txt", "w") as stream:
    stream.write("\\n".join(lib.clean(row, {factor}) for row in rows))
"""
LIB = """def clean(row, factor):
    return row.upper() * factor + "{mark}"

def unused():
    return 1
"""
TRAIN = """import json, os, sys, yaml
p = yaml.safe_load(open("params.yaml"))
text = open("data/clean.txt").read()
os.makedirs("models/sub", exist_ok=True)
open("models/a.bin", "w").write(text + str(float(p["train"]["lr"])))
open("models/sub/b.bin", "w").write(str(len(text)))
json.dump({{"n": len(text), "k": {k}}}, open("metrics.json", "w"))
"""
DVC_YAML = """\
vars: [{{names: [x, y]}}]
stages:
  prep:
    cmd: python src/prep.py
    deps: [data/raw.csv, src/prep.py{lib}]
    outs: [data/clean.txt]
  train:
    cmd: python src/train.py
    deps: [data/clean.txt, ./src/train.py]
    params: [train.lr{more}]
    outs: [models/]
    metrics: [metrics.json: {{cache: false}}]
  each:
    foreach: ${{names}}
    do:
      cmd: cat data/clean.txt > parts/${{item}} && echo ${{flag}} ${{item}} >> parts/${{item}}
      deps: [data/clean.txt]
      params:
      - other.yaml:
      outs:
      - parts/${{item}}: {{persist: false, desc: words}}
  report:
    wdir: sub
    cmd:
    - cat ../models/sub/b.bin > report.txt
    - echo done >> report.txt
    deps: [../models, ../metrics.json]
    outs: [report.txt: {{cache: {cached}}}]
"""

OUTS = {
    "prep": ["data/clean.txt"],
    "train": ["models", "metrics.json"],
    "each@x": ["parts/x"],
    "each@y": ["parts/y"],
    "report": ["sub/report.txt"],
}


class Project:
    """The sources of a project that both tools work on, and what may happen to them."""

    def __init__(self, both: Both, seed: int) -> None:
        self.both = both
        self.random = random.Random(seed)
        self.values: dict[str, Any] = {
            "factor": 1, "mark": "m", "k": 1, "lib": "", "more": "", "cached": "true", "lr": 0.5,
            "extra": 1, "flag": True, "other": 1, "raw": "a b c",
        }  # fmt: skip
        #: definitions that DVC does not know of were edited since the last run of both
        self.hidden = False
        #: ... and at a time when Pivot had no record of them either: nobody can know
        self.blind = False
        self.recorded = False
        self.comments = 0
        both.write({"parts/.gitignore": "", "sub/.keep": ""})
        self.write()
        both.dvc("add", "-q", "data/raw.csv").well()
        both.commit()

    def write(self) -> None:
        v = self.values
        lib = ", src/lib.py" if v["lib"] else ""
        more = ", extra" if v["more"] else ""
        comments = "# note\n" * self.comments
        params = f"train: {{lr: {v['lr']}}}\nextra: {v['extra']}\nflag: {str(v['flag']).lower()}\n"
        self.both.write(
            {
                "src/prep.py": comments + PREP.format(factor=v["factor"]),
                "src/lib.py": LIB.format(mark=v["mark"]),
                "src/train.py": comments + TRAIN.format(k=v["k"]),
                "dvc.yaml": DVC_YAML.format(lib=lib, more=more, cached=v["cached"]),
                "params.yaml": params,
                "other.yaml": f"a: {v['other']}\nb: [1, two, 3.0]\n",
                "data/raw.csv": v["raw"],
            }
        )

    def change(self, key: str, *choices: Any) -> None:
        self.values[key] = self.random.choice(choices)
        self.write()

    # --- what may happen

    def edit_data(self) -> None:
        self.change("raw", "a b c", "a b", "d e f g")

    def edit_listed_script(self) -> None:
        self.change("factor", 1, 2, 3)

    def edit_other_script(self) -> None:
        self.change("k", 1, 2, 3)

    def edit_imported_module(self) -> None:
        before = self.values["mark"]
        self.change("mark", "m", "n", "o")
        edited = self.values["mark"] != before
        self.hidden |= edited
        self.blind |= edited and not self.recorded

    def comment(self) -> None:
        self.comments = (self.comments + 1) % 3
        self.write()

    def edit_param(self) -> None:
        self.change("lr", 0.5, 1, 1.0, 1e-3)

    def edit_untracked_param(self) -> None:
        self.change("extra", 1, 2)

    def edit_command(self) -> None:
        self.change("flag", True, False)

    def edit_whole_file(self) -> None:
        self.change("other", 1, 2)

    def toggle_dep(self) -> None:
        self.change("lib", "", "yes")

    def toggle_param(self) -> None:
        self.change("more", "", "yes")

    def toggle_cache(self) -> None:
        self.change("cached", "true", "false")
        # git may have been given it while it was not cached: both tools refuse to take it over
        self.both.git("rm", "-q", "-r", "--cached", "--ignore-unmatch", "sub/report.txt")

    def remove_out(self) -> None:
        self.both.remove(
            self.random.choice(["data/clean.txt", "models", "parts/x", "metrics.json"])
        )

    def remove_data(self) -> None:
        self.both.remove("data/raw.csv")

    def spoil_out(self) -> None:
        name = self.random.choice(["data/clean.txt", "parts/y", "sub/report.txt", "models/a.bin"])
        if (self.both.root / name).exists():
            self.both.write({name: "spoilt"})

    def git_commit(self) -> None:
        self.both.commit()

    def dvc_checkout(self) -> None:
        self.both.dvc("checkout", "-q", "--force")

    def pivot_checkout(self) -> None:
        self.both.pivot("checkout", "--force")

    def dvc_commit(self) -> None:
        self.both.dvc("commit", "-q", "--force")

    EDITS = (
        edit_data, edit_listed_script, edit_other_script, edit_imported_module, comment,
        edit_param, edit_untracked_param, edit_command, edit_whole_file, toggle_dep, toggle_param,
        toggle_cache, remove_out, spoil_out, git_commit, pivot_checkout, remove_data,
    )  # fmt: skip

    # --- judges

    def repro_by_dvc(self) -> None:
        if not (self.both.root / "data/raw.csv").exists():
            self.both.dvc("checkout", "-q", "data/raw.csv.dvc")
        self.both.dvc("repro", "-q").well()
        self.recorded = False
        states = self.both.states()
        for name, stage in states.items():
            kinds = {reason["kind"] for reason in stage["reasons"]}
            excused = self.hidden and kinds <= {"code", "upstream"}
            assert stage["state"] == "fresh" or excused, (name, stage)

    def repro_by_pivot(self) -> None:
        self.both.pivot("repro", *(["--force"] if self.blind else [])).well()
        self.hidden = self.blind = False
        self.recorded = True
        assert self.both.dvc_changed() == {}
        assert all(stage["state"] == "fresh" for stage in self.both.states().values())
        self.judge_outputs()

    def judge_outputs(self) -> None:
        """The outputs are what the commands make from nothing."""
        root = self.both.root
        clean = root.parent / f"{root.name}-clean"
        shutil.rmtree(clean, ignore_errors=True)
        ignore = shutil.ignore_patterns(".git", ".dvc", ".pivot")
        shutil.copytree(root, clean, ignore=ignore)
        for out in itertools.chain.from_iterable(OUTS.values()):
            target = clean / out
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        flag = str(self.values["flag"]).lower()
        script = (
            "python src/prep.py && python src/train.py && "
            + " && ".join(
                f"cat data/clean.txt > parts/{i} && echo {flag} {i} >> parts/{i}" for i in "xy"
            )
            + " && cd sub && cat ../models/sub/b.bin > report.txt && echo done >> report.txt"
        )
        subprocess.run(["bash", "-c", script], cwd=clean, check=True, capture_output=True)
        for out in ["data/clean.txt", "models/a.bin", "models/sub/b.bin", "parts/x", "parts/y",
                    "metrics.json", "sub/report.txt"]:  # fmt: skip
            assert (root / out).read_text() == (clean / out).read_text(), out

    def compare_status(self) -> None:
        """What DVC calls changed Pivot has something to do about, and the other way."""
        changed = self.both.dvc_changed()
        states = self.both.states()
        coming = {
            out for name, stage in states.items() if stage["state"] == "stale" for out in OUTS[name]
        }
        for name, stage in states.items():
            idle = stage["state"] == "fresh" and stage["action"] == "none"
            if name in changed and idle:
                excused = _is_excused(changed[name], coming) or _is_about_cache(changed[name])
                assert excused, (name, changed[name])
            if name not in changed and not idle:
                for reason in stage["reasons"]:
                    foreseen = reason["kind"] == "dep" and reason["subject"] in coming
                    assert foreseen or reason["kind"] in ("code", "observed", "upstream"), (
                        name, stage,
                    )  # fmt: skip


def _is_excused(changes: list[Any], coming: set[str]) -> bool:
    """Whether all that DVC saw was another text of a script, or data that is only to be put back.

    Pivot judges absent data by its record, and an out in `coming`, that another stage is to put in
    place, by the earlier result that will be there; it says so of whatever makes or tracks it.
    """
    deps = [change["changed deps"] for change in changes if "changed deps" in change]
    return len(deps) == len(changes) and all(
        state == "deleted" or (state == "modified" and (path.endswith(".py") or path in coming))
        for dep in deps
        for path, state in dep.items()
    )


def _is_about_cache(changes: list[Any]) -> bool:
    """Whether all that DVC saw were outputs that lie in the work tree and not in the cache."""
    return all(
        state == "not in cache"
        for change in changes
        for seen in change.values()
        for state in (seen.values() if isinstance(seen, dict) else [seen])
    )


def wander(both: Both, seed: int, steps: int) -> None:
    project = Project(both, seed)
    try:
        for _ in range(steps):
            for _ in range(project.random.randint(0, 3)):
                project.random.choice(Project.EDITS)(project)
            if project.random.random() < 0.5:
                project.compare_status()
            project.random.choice([project.repro_by_dvc, project.repro_by_pivot])()
        project.repro_by_pivot()
    except BaseException:
        print("\n".join(text[:3000] for text in both.told[-40:]))
        raise


Make = Callable[[str], Both]


@pytest.mark.parametrize("seed", range(2))
def test_taking_turns(both: Make, seed: int) -> None:
    wander(both("project"), seed, steps=4)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(100, 200))
def test_taking_turns_at_length(both: Make, seed: int) -> None:
    wander(both("project"), seed, steps=8)


def test_both_write_the_same_lock(both: Make) -> None:
    """From equal sources both tools write equal files, to the byte."""
    ours, theirs = both("ours"), both("theirs")
    for project in (ours, theirs):
        Project(project, 0)
    ours.pivot("repro").well()
    theirs.dvc("repro", "-q").well()
    assert ours.read("dvc.lock") == theirs.read("dvc.lock")
    assert ours.read(".gitignore") == theirs.read(".gitignore")
    assert objects(ours) == objects(theirs)


#: Graphs whose stages are not defined in the order in which they run.
GRAPHS = {
    "a fork": """\
stages:
  top: {cmd: cat b a > t, deps: [b, a], outs: [t]}
  a: {cmd: echo a > a, outs: [a]}
  c: {cmd: cat b > c, deps: [b], outs: [c]}
  b: {cmd: echo b > b, outs: [b]}
  alone: {cmd: echo z > z, outs: [z]}
""",
    "a foreach, and two roots": """\
stages:
  a: {cmd: echo a > a, outs: [a]}
  b: {cmd: cat a > b, deps: [a], outs: [b]}
  c: {cmd: echo c > c, outs: [c]}
  each:
    foreach: [y, x]
    do: {cmd: "cat c b > ${item}", deps: [c, b], outs: ["${item}"]}
""",
    "outs in a folder that is a dep": """\
stages:
  sum: {cmd: cat d/* > s, deps: [d, p], outs: [s]}
  one: {cmd: mkdir -p d && echo 1 > d/1 && echo 0 > d/0, outs: [d/1, d/0]}
  two: {cmd: mkdir -p d && cat q > d/2, deps: [q], outs: [d/2]}
  q: {cmd: echo q > q, outs: [q]}
  p: {cmd: cat q > p, deps: [q], outs: [p]}
  more: {cmd: cat p > more, deps: [p], outs: [more]}
""",
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_both_give_the_entries_of_a_lock_the_same_order(both: Make, graph: str) -> None:
    ours, theirs = both("ours"), both("theirs")
    more = "  late: {cmd: cat n > l, deps: [n], outs: [l]}\n  n: {cmd: echo n > n, outs: [n]}\n"
    for text in (GRAPHS[graph], GRAPHS[graph].replace("stages:\n", f"stages:\n{more}")):
        for project in (ours, theirs):
            project.write({"dvc.yaml": text})
        ours.pivot("repro").well()
        theirs.dvc("repro", "-q").well()
        assert ours.read("dvc.lock") == theirs.read("dvc.lock")
        assert ours.read(".gitignore") == theirs.read(".gitignore")


def objects(both: Both) -> dict[str, bytes]:
    """The cache, whoever filled it."""
    folder = both.root / ".dvc/cache/files/md5"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
