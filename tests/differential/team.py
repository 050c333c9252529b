"""Three people with a clone each of one repository: they edit, run either tool, and merge."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from peers import Both, Server

PREP = """\
import sys
import lib
# first note
rows = open("data/raw.txt").read().split()
extra = open("data/big.txt").read()
factor = 1
# second note
text = " ".join(lib.clean(row) * factor for row in rows)
open("out/clean.txt", "w").write(text + sys.argv[1] + extra)
"""
LIB = """\
# about rows
def clean(row):
    mark = 0
    return row.upper() + str(mark)


# about nothing
def unused():
    return 1
"""
DVC_YAML = """\
stages:
  prep:
    cmd: python src/prep.py ${prep.k}
    deps: [data/raw.txt, data/big.txt, src/prep.py, src/lib.py]
    outs: [out/clean.txt]


  each:
    foreach: [x, y]
    do:
      cmd: cat out/clean.txt > parts/${item} && echo ${note} >> parts/${item}
      deps: [out/clean.txt]
      outs: ["parts/${item}"]


  pair:
    cmd: mkdir -p pair && cp parts/x pair/one && echo 0 > pair/two
    deps: [parts/x]
    outs: [pair]


  final:
    wdir: out
    cmd:
    - cat ../parts/y ../pair/two > final.txt
    - grep sep ../params.yaml >> final.txt
    deps: [../parts/y, ../pair]
    params: [../params.yaml: [sep]]
    outs: [final.txt: {cache: false}]


  free:
    cmd: echo ${free} > free.txt
    outs: [free.txt]
"""
PARAMS = """\
prep: {k: 1}
#
#
#
note: 1
#
#
#
sep: 1
#
#
#
free: 1
"""
OUTS = ("out/clean.txt", "parts/x", "parts/y", "pair/one", "pair/two", "out/final.txt", "free.txt")
#: What git merges that is no result of a stage.
SOURCES = (
    "dvc.yaml", "params.yaml", "src/prep.py", "src/lib.py", "data/raw.txt", "data/big.txt.dvc",
    "out/.keep", "parts/.keep",
)  # fmt: skip


def found_team(folder: Path, dvc: Server, pivot: Server) -> None:
    """The repository, run once, and the clones a, b and c; a copy of the folder is as good."""
    first = Both(folder / "a", dvc, pivot)
    first.start()
    first.write(
        {
            "dvc.yaml": DVC_YAML, "params.yaml": PARAMS, "src/prep.py": PREP, "src/lib.py": LIB,
            "data/raw.txt": "a b\nc d\ne f\n", "data/big.txt": "big 0\n", "out/.keep": "", "parts/.keep": "",
        }
    )  # fmt: skip
    first.dvc("add", "-q", "data/big.txt").well()
    first.dvc("remote", "add", "-q", "-d", "shared", "../remote").well()
    first.dvc("repro", "-q").well()
    first.commit()
    first.git("init", "-q", "--bare", "../origin.git")
    first.git("remote", "add", "origin", "../origin.git")
    first.git("branch", "-q", "-m", "main")
    first.git("push", "-q", "origin", "main")
    first.dvc("push", "-q").well()
    for name in "bc":
        clone = Both(folder / name, dvc, pivot)
        first.git("clone", "-q", "-b", "main", "../origin.git", f"../{name}")
        clone.git("remote", "set-url", "origin", "../origin.git")
        clone.git("config", "user.email", f"{name}@example.org")
        clone.git("config", "user.name", name)
        clone.dvc("pull", "-q").well()


class Team:
    """One repository, three clones of it, and what may happen to them."""

    def __init__(self, folder: Path, dvc: Server, pivot: Server, seed: int) -> None:
        """A team in `folder`, which `found_team` has made, or a copy of it."""
        self.random = random.Random(seed)
        self.folder = folder
        self._dvc = dvc
        self._known: dict[tuple[str, ...], tuple[dict[str, str], Any]] = {}
        self.clones = [Both(folder / name, dvc, pivot) for name in "abc"]

    # --- edits

    def edit(self, clone: Both) -> None:
        self.random.choice(self.EDITS)(self, clone)

    def replace(self, clone: Both, path: str, pattern: str, new: str) -> None:
        text = clone.read(path)
        clone.write({path: re.sub(pattern, new, text, count=1, flags=re.MULTILINE)})

    def edit_param(self, clone: Both) -> None:
        name, value = self.random.choice(["k", "note", "sep", "free"]), self.random.randint(1, 5)
        self.replace(clone, "params.yaml", rf"\b{name}: \w+", f"{name}: {value}")

    def edit_data(self, clone: Both) -> None:
        line = self.random.choice("ace")
        self.replace(clone, "data/raw.txt", rf"^{line} .*$", f"{line} {self.random.randint(1, 5)}")

    def edit_tracked_data(self, clone: Both) -> None:
        clone.write({"data/big.txt": f"big {self.random.randint(0, 4)}\n"})
        if self.random.random() < 0.5:
            clone.dvc("add", "-q", "data/big.txt").well()
        else:
            clone.pivot("track", "data/big.txt").well()

    def edit_comment(self, clone: Both) -> None:
        path, word = self.random.choice(
            [("src/prep.py", "first"), ("src/prep.py", "second"), ("src/lib.py", "about")]
        )
        number = self.random.randint(1, 9)
        self.replace(clone, path, rf"^# {word}.*$", f"# {word} {number}")

    def edit_code(self, clone: Both) -> None:
        path, name = self.random.choice([("src/prep.py", "factor"), ("src/lib.py", "mark")])
        self.replace(clone, path, rf"{name} = \d+", f"{name} = {self.random.randint(1, 3)}")

    def edit_pipeline(self, clone: Both) -> None:
        pattern, new = self.random.choice(
            [
                (r"echo \d > pair/two", f"echo {self.random.randint(1, 3)} > pair/two"),
                (r"\[../params.yaml: .*\]$", "[../params.yaml: [sep, note]]"),
                (r"\[../params.yaml: .*\]$", "[../params.yaml: [sep]]"),
                (r"deps: \[out/clean.txt\]", "deps: [out/clean.txt, data/raw.txt]"),
                (r"foreach: .*$", f"foreach: [x, y{self.random.choice(['', ', z'])}]"),
            ]
        )
        self.replace(clone, "dvc.yaml", pattern, new)

    EDITS: tuple[Callable[[Team, Both], None], ...] = (
        edit_param, edit_param, edit_data, edit_tracked_data, edit_comment, edit_code, edit_pipeline,
    )  # fmt: skip

    # --- runs

    def run(self, clone: Both) -> None:
        """Either tool, which the other one agrees with."""
        if self.random.random() < 0.5:
            clone.dvc("repro", "-q").well()
            states = clone.states()
            assert {stage["state"] for stage in states.values()} == {"fresh"}, states
        else:
            clone.pivot("repro").well()
            assert clone.dvc_changed() == {}
            assert {stage["state"] for stage in clone.states().values()} == {"fresh"}

    def judge(self, clone: Both) -> None:
        """The outs, and what dvc.lock says, are those of a run from nothing by DVC."""
        outs, lock = self.from_nothing(clone)
        assert {path: clone.read(path) for path in outs} == outs
        ours = yaml.safe_load(clone.read("dvc.lock"))["stages"]
        for name, entry in lock["stages"].items():
            mine = ours[name]
            assert mine["cmd"] == entry["cmd"]
            assert mine["outs"] == entry["outs"], name
            assert all(dep in mine.get("deps", []) for dep in entry.get("deps", [])), name
            for file, values in entry.get("params", {}).items():
                assert values.items() <= mine["params"][file].items(), name

    def from_nothing(self, clone: Both) -> tuple[dict[str, str], Any]:
        key = (*(clone.read(path) for path in SOURCES), clone.read("data/big.txt"))
        if key not in self._known:
            place = self.folder / "clean"
            shutil.rmtree(place, ignore_errors=True)
            for path in (*SOURCES, "data/big.txt"):
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(clone.root / path, place / path)
            (place / ".dvc").mkdir()
            (place / ".dvc/config").write_text("[core]\nno_scm = true\n")
            self._dvc(place, "repro", "-q").well()
            outs = {path: (place / path).read_text() for path in OUTS}
            self._known[key] = outs, yaml.safe_load((place / "dvc.lock").read_text())
        return self._known[key]

    # --- merges

    def sync(self, clone: Both) -> None:
        """Commit, merge what others pushed, settle conflicts, run, push."""
        clone.commit()
        self.merge(clone)
        if self.random.random() < 0.3:
            clone.dvc("fetch", "-q")  # what nobody pushed is made again
        if clone.dvc("checkout", "-q", "data/big.txt.dvc", "--force").code:
            clone.dvc("pull", "-q", "--force", "data/big.txt.dvc").well()
        self.run(clone)
        self.judge(clone)
        clone.commit()
        clone.git("push", "-q", "origin", "HEAD:refs/heads/main")
        clone.dvc(
            "push", "-q", *([] if self.random.random() < 0.5 else ["data/big.txt.dvc"])
        ).well()

    def merge(self, clone: Both) -> None:
        clone.git("fetch", "-q", "origin")
        done = subprocess.run(
            ["git", "merge", "-q", "--no-edit", "origin/main"], cwd=clone.root, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        clone.told.append(f"$ git merge\n{done.stdout}{done.stderr}")
        if done.returncode == 0:
            return
        conflicts = clone.git("diff", "--name-only", "--diff-filter=U").split()
        for path in conflicts:
            self.settle(clone, path)
        clone.git("add", "-A")
        clone.git("commit", "-q", "-m", "merge")

    def settle(self, clone: Both, path: str) -> None:
        """One conflict, as people do it: a side, or both where that can be."""
        way = self.random.choice(["ours", "theirs", "both"])
        clone.told.append(f"settle {path}: {way}")
        sides = []
        for number in (2, 3):
            found = subprocess.run(
                ["git", "show", f":{number}:{path}"], cwd=clone.root, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            sides.append(found.stdout if found.returncode == 0 else None)
        ours, theirs = sides
        if ours is None or theirs is None:  # one removed it
            kept = ours if theirs is None else theirs
            (clone.root / path).unlink(missing_ok=True)
            if kept is not None:
                clone.write({path: kept})
        elif way == "both" and path == "dvc.lock":
            one, other = yaml.safe_load(ours), yaml.safe_load(theirs)
            stages = {**other["stages"], **one["stages"]}
            for name in stages:
                if name in other["stages"] and self.random.random() < 0.5:
                    stages[name] = other["stages"][name]
            text = yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False)
            clone.write({path: text})
        elif way == "both" and path.startswith(".pivot/"):
            return  # left with its markers: it counts as absent
        else:
            clone.write({path: theirs if way == "theirs" else ours})


def collaborate(team: Team, rounds: int) -> None:
    try:
        for _ in range(rounds):
            clone = team.random.choice(team.clones)
            for _ in range(team.random.randint(1, 3)):
                team.edit(clone)
                if team.random.random() < 0.4:
                    team.run(clone)
            if team.random.random() < 0.7:
                team.sync(clone)
        for clone in (*team.clones, *team.clones[:2]):
            team.sync(clone)
        contents = [{path: clone.read(path) for path in OUTS} for clone in team.clones]
        assert contents[0] == contents[1] == contents[2]
    except BaseException:
        for clone in team.clones:
            print(f"=== {clone.root.name}")
            print("\n".join(text[:2500] for text in clone.told[-25:]))
        raise
