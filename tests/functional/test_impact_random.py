"""What `impact` says is what `status` says after checking out the sources: random, fixed seeds.

Given a version that was reproduced and committed, and any edits of its sources (committed on a
branch, results left alone), then the stages that `impact` calls affected, and why, are those that
`status` calls stale with the edits in the work tree of that version.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Sandbox

from pivot.commands.impact import Impact, ImpactRequest, impact
from pivot.commands.session import Request, Session
from pivot.commands.status import status
from pivot.graph import Selection

SOURCES = {
    "code/__init__.py": "",
    "code/first.py": """
        from .help import shout

        def run(src, times, out):
            out.write_text(shout(src.read_text()) * times)
        """,
    "code/second.py": """
        from . import help, more

        def run(src, folder, out):
            out.mkdir()
            names = sorted(file.name for file in folder.rglob("*.txt"))
            (out / "names.txt").write_text(more.joined(names))
        """,
    "code/help.py": "MARK = 1\n\ndef shout(text):\n    return text.upper() + str(MARK)\n",
    "code/more.py": "def joined(names):\n    return ','.join(names)\n\ndef unused():\n    return 1\n",
    "tool.sh": "cat $1 $2\n",
    "show.py": """
        import sys
        from code_help import text

        print(text(open(sys.argv[1]).read()))
        """,
    "code_help.py": "def text(value):\n    return value[:40]\n",
    "data/a.txt": "aaaa\n",
    "data/b.txt": "bbbb\n",
    "data/c.txt": "cccc\n",
    "data/many/one.txt": "1\n",
    "data/many/in/two.txt": "2\n",
    "params.yaml": "times: 2\ndeep: {er: {x: 1}}\n",
    "other.yaml": "depth: 1\nrest: [1, 2]\n",
    ".gitignore": "__pycache__/\n",
}

#: A stage each, as the edits below can take it apart.
PIVOT = {
    "first": [
        "python: code.first.run",
        "deps: {src: data/a.txt}",
        'params: {times: "${times}"}',
        "outs: {out: made/first.txt}",
    ],
    "second": [
        "python: code.second.run",
        "deps: {src: made/first.txt, folder: data/many}",
        "outs: {out: made/second}",
    ],
    "third": [
        "cmd: sh tool.sh made/first.txt data/b.txt > made/third.txt",
        "deps: [made/first.txt, data/b.txt]",
        "params: [other.yaml: [depth], params.yaml: [deep.er]]",
        "outs: [made/third.txt]",
    ],
    "fourth": [
        "cmd: cat made/third.txt made/second/names.txt > fourth.txt",
        "deps: [made/third.txt, made/second/names.txt]",
        "metrics: [fourth.txt: {cache: false}]",
    ],
    "fifth": [
        "cmd: python show.py fourth.txt > made/fifth.txt",
        "deps: [fourth.txt]",
        "outs: [made/fifth.txt]",
    ],
    "sixth": [
        "cmd: ls made data > sixth.txt",
        "deps: [data, made]",
        "outs: [sixth.txt]",
    ],
}

DVC = {
    **PIVOT,
    "first": [
        "cmd: python first.py",
        "deps: [data/a.txt, first.py]",
        "params: [times]",
        "outs: [made/first.txt]",
    ],
    "second": [
        "cmd: mkdir -p made/second && cp -r data/many/. made/second && touch made/second/names.txt",
        "deps: [made/first.txt, data/many]",
        "outs: [made/second]",
    ],
    "third": [
        "cmd: cat made/first.txt data/b.txt > made/third.txt",
        "deps: [made/first.txt, data/b.txt]",
        "params: [other.yaml: [depth], deep.er]",
        "outs: [made/third.txt]",
    ],
}


def text(stages: dict[str, list[str]]) -> str:
    lines = ["stages:"]
    for name, body in stages.items():
        lines += [f"  {name}:", *(f"    {line}" for line in body)]
    return "\n".join(lines) + "\n"


class Edits:
    """Edits of sources, drawn at random."""

    def __init__(self, project: Sandbox, rng: random.Random, mode: str) -> None:
        self.project = project
        self.rng = rng
        self.mode = mode
        self.file = "dvc.yaml" if mode == "dvc" else "pivot.yaml"
        self.stages = {name: list(body) for name, body in (DVC if mode == "dvc" else PIVOT).items()}
        self.done: list[str] = []

    def any(self) -> None:
        kinds = [
            self.body, self.body, self.comment, self.data, self.params, self.command, self.dep,
            self.drop_dep, self.add, self.remove, self.rename, self.freeze, self.settings,
            self.new_file, self.rename_out, self.add_out, self.tracked, self.undo_import,
            self.always, self.env, self.remove_file, self.wdir,
        ]  # fmt: skip
        kind = self.rng.choice(kinds)
        kind()
        self.project.write({self.file: text(self.stages)})

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        file = self.project.root / path
        if file.is_file():
            file.write_text(change(file.read_text()))
            self.done.append(f"edit {path}")

    def code(self) -> str:
        names = ["code/first.py", "code/help.py", "code/more.py", "code/second.py", "code_help.py"]
        return self.rng.choice([*names, "show.py", "tool.sh", "first.py"])

    def body(self) -> None:
        changes = [
            lambda t: t.replace("MARK = 1", "MARK = 2"),
            lambda t: t.replace("upper", "lower"),
            lambda t: t.replace("','", "';'"),
            lambda t: t.replace("[:40]", "[:41]"),
            lambda t: t.replace("return 1", "return 2"),
            lambda t: t.replace("cat", "cat -u"),
            lambda t: t.replace("print(", "print('x', "),
            lambda t: t.replace("write_text", "write_text "),
        ]
        self.edit(self.code(), self.rng.choice(changes))

    def comment(self) -> None:
        self.edit(self.code(), lambda t: t + "# a comment\n")

    def undo_import(self) -> None:
        self.edit("code/first.py", lambda t: t.replace("from .help import", "from .more import"))

    def data(self) -> None:
        path = self.rng.choice(["data/a.txt", "data/b.txt", "data/c.txt", "data/many/in/two.txt"])
        self.edit(path, lambda t: t + "more\n")

    def new_file(self) -> None:
        path = self.rng.choice(["data/many/three.txt", "data/new.txt", "code/extra.py", "code.py"])
        self.project.write({path: "x = 3\n"})
        self.done.append(f"new {path}")

    def remove_file(self) -> None:
        path = self.rng.choice(["data/many/one.txt", "data/c.txt", "code/more.py", "data/b.txt"])
        (self.project.root / path).unlink(missing_ok=True)
        self.done.append(f"remove {path}")

    def params(self) -> None:
        path = self.rng.choice(["params.yaml", "other.yaml"])
        changes = [
            lambda t: t.replace("2", "3"),
            lambda t: t.replace("1", "1.0"),
            lambda t: t.replace("depth: 1", "depth: 7"),
            lambda t: t.replace("x: 1", "x: 1, y: 2"),
            lambda t: t + "# nothing\nfurther: 1\n",
            lambda t: t.replace("depth: 1\n", ""),
        ]
        self.edit(path, self.rng.choice(changes))

    # --- the pipeline

    def some(self) -> str:
        return self.rng.choice(list(self.stages))

    def at(self, name: str, key: str) -> int | None:
        return next((i for i, line in enumerate(self.stages[name]) if line.startswith(key)), None)

    def change(self, name: str, key: str, change: Callable[[str], str]) -> None:
        place = self.at(name, key)
        if place is not None:
            before = self.stages[name][place]
            self.stages[name][place] = change(before)
            self.done.append(f"{name}: {before} -> {self.stages[name][place]}")

    def command(self) -> None:
        self.change(self.some(), "cmd:", lambda line: line + " && true")

    def dep(self) -> None:
        name = self.some()
        new = self.rng.choice(["data/c.txt", "tool.sh", "made/nowhere.txt", "code_help.py"])
        self.change(name, "deps: [", lambda line: f"{line[:-1]}, {new}]")

    def drop_dep(self) -> None:
        def drop(line: str) -> str:
            items = line[len("deps: [") : -1].split(", ")
            return f"deps: [{', '.join(items[:-1])}]" if len(items) > 1 else line

        self.change(self.some(), "deps: [", drop)

    def add(self) -> None:
        source = self.rng.choice(["data/c.txt", "fourth.txt", "made/first.txt"])
        number = len(self.done)
        self.stages[f"new{number}"] = [
            f"cmd: cat {source} > new{number}.txt", f"deps: [{source}]", f"outs: [new{number}.txt]",
        ]  # fmt: skip
        self.done.append(f"add new{number}")

    def remove(self) -> None:
        if len(self.stages) > 2:
            name = self.some()
            del self.stages[name]
            self.done.append(f"remove {name}")

    def rename(self) -> None:
        name = self.some()
        self.stages = {(f"{k}x" if k == name else k): v for k, v in self.stages.items()}
        self.done.append(f"rename {name}")

    def freeze(self) -> None:
        name = self.some()
        if self.at(name, "frozen") is None:
            self.stages[name].append("frozen: true")
            self.done.append(f"freeze {name}")

    def always(self) -> None:
        name = self.some()
        if self.at(name, "always_changed") is None:
            self.stages[name].append("always_changed: true")
            self.done.append(f"always {name}")

    def env(self) -> None:
        name = self.some()
        if self.mode == "pivot" and self.at(name, "env") is None:
            self.stages[name].append(self.rng.choice(["env: {A_B: '1'}", "env: [A_B]"]))
            self.done.append(f"env {name}")

    def wdir(self) -> None:
        name = self.some()
        # dvc.lock then names outs that are nowhere on disk, and that another stage would read
        if self.mode == "pivot" and self.at(name, "wdir") is None and self.rng.random() < 0.3:
            self.stages[name].append("wdir: data")
            self.done.append(f"wdir {name}")

    def rename_out(self) -> None:
        self.change(self.some(), "outs: [", lambda line: line.replace("]", ".other]"))

    def add_out(self) -> None:
        name = self.some()
        self.change(name, "outs: [", lambda line: line.replace("]", f", {name}.more]"))

    def tracked(self) -> None:
        """A record of data, changed as `track` would have changed it."""
        ending = "dvc" if self.mode == "dvc" else "pvt"
        self.edit(f"data/raw.txt.{ending}", lambda t: t.replace("0", "1", 1))

    def settings(self) -> None:
        line = self.rng.choice(
            ["code: {track: false}", "code: {packages: rerun}", "core: {jobs: 3}"]
        )
        self.project.write({".pivot/config.yaml": line + "\n"})
        if self.mode == "dvc":
            self.project.write(
                {
                    ".pivot/config.yaml": f"{line}\n".replace("core: {", "core: {mode: dvc, ")
                    if "core" in line
                    else f"{line}\ncore: {{mode: dvc}}\n"
                }
            )
        self.done.append(line)


def base(root: Path, mode: str) -> Sandbox:
    """A project that was run and committed."""
    project = Sandbox(root)
    project.write(SOURCES)
    stages = DVC if mode == "dvc" else PIVOT
    project.write({"dvc.yaml" if mode == "dvc" else "pivot.yaml": text(stages)})
    (root / "made").mkdir()
    if mode == "dvc":
        project.write(
            {
                ".dvc/config": "",
                ".dvc/.gitignore": "/cache\n/tmp\n/config.local\n",
                "first.py": """
                    from code.help import shout
                    from pathlib import Path

                    text = shout(Path("data/a.txt").read_text())
                    Path("made/first.txt").write_text(text)
                    """,
            }
        )
    project.write({"raw.txt": "0123\n"})
    shutil.move(root / "raw.txt", root / "data/raw.txt")
    project.run("track", "data/raw.txt").ended(0)
    project.commit("sources")
    project.run("repro").ended(0)
    project.commit("results")
    assert not project.stale()
    project.git("branch", "base")
    return project


def truth(project: Sandbox) -> tuple[dict[str, str], dict[str, set[tuple[str, str]]]]:
    """State and reasons of each stage that `status` does not call fresh."""
    with Session(Request(str(project.root))) as session:
        decisions = status(session, Selection()).decisions
    stale = {name: d for name, d in decisions.items() if d.state != "fresh"}
    return (
        {name: d.state for name, d in stale.items()},
        {name: {(r.kind, r.subject) for r in d.reasons} for name, d in stale.items()},
    )


def tidy(project: Sandbox) -> set[str]:
    """Remove what a stage left that is no more; the outs that there are."""
    with Session(Request(str(project.root))) as session:
        made = {out.path for stage in session.space.graph.stages.values() for out in stage.outs}
    for path in OUTS - made:
        target = project.root / path
        if target.is_dir():
            shutil.rmtree(target)
        elif target.exists():
            target.unlink()
    return made


OUTS = {
    "made/first.txt",
    "made/second",
    "made/third.txt",
    "made/fifth.txt",
    "sixth.txt",
    "fourth.txt",
}


def said(result: Impact) -> tuple[dict[str, str], dict[str, set[tuple[str, str]]]]:
    stages = [s for s in result.stages if s.state not in (None, "fresh")]
    return (
        {s.name: s.state or "" for s in stages},
        {s.name: {(r.kind, r.subject) for r in s.reasons} for s in stages},
    )


@pytest.mark.parametrize("mode", ["pivot", "dvc"])
def test_impact_says_what_status_would(tmp_path: Path, mode: str) -> None:
    project = base(tmp_path / mode, mode)
    agree(project, mode, range(10))


@pytest.mark.thorough
@pytest.mark.parametrize("mode", ["pivot", "dvc"])
def test_impact_says_what_status_would_of_many_edits(tmp_path: Path, mode: str) -> None:
    agree(base(tmp_path / mode, mode), mode, range(1000, 1400))


def agree(project: Sandbox, mode: str, seeds: range) -> None:
    kept = {path: (project.root / path) for path in OUTS}
    aside = project.root.parent / "aside"
    for path, place in kept.items():
        (aside / path).parent.mkdir(parents=True, exist_ok=True)
        if not (aside / path).exists():
            (shutil.copytree if place.is_dir() else shutil.copy2)(place, aside / path)
    for seed in seeds:
        rng = random.Random(seed)
        edits = Edits(project, rng, mode)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            edits.any()
        told = f"seed {seed}: {edits.done}"
        made = tidy(project)
        worktree = impact(ImpactRequest(str(project.root), "base", "workspace"))
        project.commit("edits")
        committed = impact(ImpactRequest(str(project.root), "base", "HEAD"))
        expected = truth(project)
        assert said(committed) == expected, told
        assert said(worktree) == expected, told
        # results that were committed with the edits are not sources
        if "fourth.txt" in made:
            project.write({"fourth.txt": "another result\n"})
        shutil.rmtree(project.root / ".pivot/stages")
        project.commit("results")
        assert said(impact(ImpactRequest(str(project.root), "base", "HEAD"))) == expected, told
        project.git("reset", "--hard", "--quiet", "base")
        project.git("clean", "-fdq")
        for path, place in kept.items():
            if not os.path.lexists(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (aside / path).is_dir() else shutil.copy2)(aside / path, place)


@pytest.mark.thorough
@pytest.mark.parametrize("mode", ["pivot", "dvc"])
def test_what_the_base_neglected_does_not_count(tmp_path: Path, mode: str) -> None:
    """Given a base that was edited and not run, then impact is as if it had been."""
    compared = sum(neglected(tmp_path / str(seed), mode, seed) for seed in range(12))
    assert compared > 3  # the others cannot be run


def neglected(root: Path, mode: str, seed: int) -> bool:
    project = base(root, mode)
    edits = Edits(project, random.Random(seed), mode)
    edits.any()
    project.commit("neglected")
    project.git("branch", "neglected")
    edits.any()
    edits.any()
    project.commit("edits")
    found = impact(ImpactRequest(str(root), "neglected", "HEAD"))
    project.git("checkout", "--quiet", "-b", "reproduced", "neglected")
    always = any(done.startswith("always") for done in edits.done)  # stale whatever is edited
    if always or project.run("repro").code != 0:
        return False
    project.commit("results")
    # the edits, over what it made
    outs = [f":(exclude){path}" for path in ("fourth.txt", ".pivot/stages", "dvc.lock")]
    patch = project.git("diff", "--binary", "neglected", "main", "--", ".", *outs)
    (root.parent / "edits.patch").write_text(patch)
    if patch:
        project.git("apply", "--index", str(root.parent / "edits.patch"))
    tidy(project)
    states = {s.name: s.state for s in found.stages if s.state not in (None, "fresh")}
    assert states == truth(project)[0], f"seed {seed}: {edits.done}"
    return True
