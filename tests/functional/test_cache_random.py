"""After any series of changes, what is cached answers as if nothing were: random, with fixed seeds."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import Forked
from harness import Sandbox

FORGOTTEN = ("state.db", "tmp")

PIPELINE = """
    stages:
      first:
        python: code.first.run
        deps: {src: data/a.txt}
        params: {times: "${times}"}
        outs: {out: made/first.txt}
      second:
        python: code.second.run
        deps: {src: made/first.txt, folder: data/many}
        env: [MODE]
        outs: {out: {path: made/second, type: directory}}
      third:
        cmd: sh tool.sh made/first.txt data/b.txt > made/third.txt
        deps: [made/first.txt, data/b.txt]
        params: [other.yaml: [depth]]
        outs: [made/third.txt]
      fourth:
        cmd: cat made/third.txt data/b.txt > made/fourth.txt
        deps: [made/third.txt, data/b.txt]
        outs: [made/fourth.txt]
    """


def start(root: Path) -> Sandbox:
    made = Forked(root)
    made.write(
        {
            "pivot.yaml": PIPELINE,
            "params.yaml": "times: 2\n",
            "other.yaml": "depth: 1\n",
            "code/__init__.py": "",
            "code/first.py": """
                from .help import shout

                def run(src, times, out):
                    out.write_text(shout(src.read_text()) * times)
                """,
            "code/second.py": """
                from . import help, more

                def run(src, folder, out):
                    out.mkdir(exist_ok=True)
                    names = sorted(file.name for file in folder.rglob("*.txt"))
                    (out / "names.txt").write_text(more.joined(names))
                """,
            "code/help.py": "MARK = 1\n\ndef shout(text):\n    return text.upper() + str(MARK)\n",
            "code/more.py": "def joined(names):\n    return ','.join(names)\n",
            "data/a.txt": "aaaa\n",
            "data/b.txt": "bbbb\n",
            "data/many/one.txt": "1\n",
            "data/many/in/two.txt": "2\n",
            "tool.sh": "cat $1 $2\n",
            ".gitignore": "made/\n",
        }
    )
    made.commit("start")
    return made


def call(project: Sandbox, *words: str, full: bool = False) -> tuple[int, str, str]:
    done = project.run(*words, env={"PIVOT_INSTANT": "0"} if full else None)
    return done.code, done.stdout, done.stderr


class Changes:
    """Everything that may happen to a project, drawn at random."""

    def __init__(self, project: Sandbox, rng: random.Random) -> None:
        self.project = project
        self.rng = rng
        self.saved: list[tuple[Path, bytes, int]] = []
        self.commits = [project.git("rev-parse", "HEAD").strip()]
        self.log: list[str] = []

    def one(self) -> None:
        """Change something."""
        found: list[Callable[[], None]] = [
            self.edit, self.edit, self.edit, self.edit_hidden, self.edit_hidden, self.touch,
            self.copy, self.bring_back, self.code, self.code, self.comment, self.parameter,
            self.out, self.lock, self.add_file, self.remove_file, self.commit, self.checkout,
            self.state, self.witness, self.variable, self.module, self.stage, self.link, self.nothing,
        ]  # fmt: skip
        change = self.rng.choice(found)
        self.log.append(change.__name__)
        change()

    def path(self, *names: str) -> Path:
        return self.project.root / self.rng.choice(names)

    def data(self) -> Path:
        return self.path("data/a.txt", "data/b.txt", "data/many/one.txt", "data/many/in/two.txt")

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists():
            self.saved.append((path, path.read_bytes(), path.stat().st_mtime_ns))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def edit(self) -> None:
        self._write(self.data(), f"{self.rng.randrange(4)}\n".encode() * self.rng.randrange(1, 3))

    def edit_hidden(self) -> None:
        path = self.data()
        if not path.is_file():
            return
        before = path.stat()
        data = path.read_bytes()
        self._write(path, bytes([48 + self.rng.randrange(5)]) + data[1:])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def touch(self) -> None:
        path = self.path("data/a.txt", "code/help.py", "pivot.yaml", "params.yaml", "tool.sh")
        if path.exists():
            path.touch()
        if self.rng.random() < 0.3 and path.exists():
            os.utime(path, (1_500_000_000, 1_500_000_000))

    def copy(self) -> None:
        path = self.path("data/b.txt", "code/more.py", "pivot.yaml", ".pivot/stages/third.lock")
        if path.exists():
            shutil.copy2(path, str(path) + ".copy")
            os.replace(str(path) + ".copy", path)

    def bring_back(self) -> None:
        """An earlier version, with its modification time."""
        if self.saved:
            path, data, when = self.rng.choice(self.saved)
            if path.parent.is_dir() and not path.is_dir():
                path.unlink(missing_ok=True)
                path.write_bytes(data)
                os.utime(path, ns=(when, when))

    def code(self) -> None:
        number = self.rng.randrange(4)
        body = f"MARK = {number}\n\ndef shout(text):\n    return text.upper() + str(MARK)\n"
        self._write(self.project.root / "code/help.py", body.encode())

    def comment(self) -> None:
        path = self.path("code/help.py", "code/more.py", "code/second.py", "pivot.yaml")
        if path.exists():
            self._write(path, path.read_bytes() + f"# {self.rng.randrange(9)}\n".encode())

    def parameter(self) -> None:
        if self.rng.random() < 0.5:
            text = f"times: {self.rng.randrange(1, 4)}\n"
            self._write(self.project.root / "params.yaml", text.encode())
        else:
            text = f"depth: {self.rng.randrange(3)}\nunused: {self.rng.randrange(9)}\n"
            self._write(self.project.root / "other.yaml", text.encode())

    def out(self) -> None:
        path = self.path("made/first.txt", "made/third.txt", "made/second/names.txt")
        if not path.exists():
            return
        if self.rng.random() < 0.5:
            path.unlink()
        else:
            before = path.stat()
            path.chmod(0o644)
            path.write_bytes(b"#" + path.read_bytes()[1:])
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def lock(self) -> None:
        path = self.path(".pivot/stages/first.lock", ".pivot/stages/fourth.lock")
        if path.exists():
            if self.rng.random() < 0.5:
                path.unlink()
            else:
                self._write(path, path.read_bytes().replace(b"1", b"2", 1))

    def add_file(self) -> None:
        self._write(self.project.root / f"data/many/in/{self.rng.randrange(4)}.txt", b"x\n")

    def remove_file(self) -> None:
        files = sorted((self.project.root / "data/many/in").glob("*.txt"))
        if len(files) > 1:
            self.rng.choice(files).unlink()

    def commit(self) -> None:
        self.commits.append(self.project.commit("more"))

    def checkout(self) -> None:
        self.project.git("checkout", "--quiet", "--force", self.rng.choice(self.commits))

    def state(self) -> None:
        path = self.project.root / ".pivot/state.db"
        if path.exists():
            self._damage(path)

    def witness(self) -> None:
        found = sorted((self.project.root / ".pivot/tmp").glob("instant-*"))
        if found:
            self._damage(self.rng.choice(found))

    def _damage(self, path: Path) -> None:
        data = path.read_bytes()
        place = self.rng.randrange(max(1, len(data)))
        how = self.rng.randrange(3)
        if how == 0:
            path.unlink()
        elif how == 1:
            path.write_bytes(data[:place])
        else:
            path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])

    def variable(self) -> None:
        self.project.env["MODE"] = self.rng.choice(["", "fast", "slow"])

    def module(self) -> None:
        """A package that shadows a module comes, or goes."""
        folder = self.project.root / "code/more"
        if folder.exists():
            shutil.rmtree(folder)
        else:
            self._write(folder / "__init__.py", b"def joined(names):\n    return '|'.join(names)\n")

    def stage(self) -> None:
        path = self.project.root / "pivot.yaml"
        text = path.read_text()
        extra = "  fifth: {cmd: cat data/b.txt > made/fifth.txt, deps: [data/b.txt], outs: [made/fifth.txt]}\n"
        self._write(path, (text.replace(extra, "") if extra in text else text + extra).encode())

    def link(self) -> None:
        """A file becomes a link to another one."""
        path = self.project.root / "data/b.txt"
        target = self.project.root / "data" / f"target-{self.rng.randrange(2)}.txt"
        target.write_text(f"linked {target.name}\n")
        path.unlink(missing_ok=True)
        path.symlink_to(target.name)

    def nothing(self) -> None:
        time.sleep(0.03)  # what was just written settles


def forgotten(project: Sandbox, place: Path) -> Sandbox:
    """The project as it would be after a clone: with its locks and cache, and no memory."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(project.root, place, symlinks=True)
    other = Forked(place, git=False)
    other.env = dict(project.env)
    for name in FORGOTTEN:
        if other.has(f".pivot/{name}"):
            other.remove(f".pivot/{name}")
    return other


def made(project: Sandbox) -> dict[str, bytes]:
    return project.contents("made") if project.has("made") else {}


def done(text: str) -> list[str]:
    """The lines that tell what became of stages."""
    return sorted(line.split(" in ")[0] for line in text.splitlines() if ": " in line)


THOROUGH = [pytest.param(seed, 25, marks=pytest.mark.thorough) for seed in range(2, 8)]


@pytest.mark.parametrize(("seed", "steps"), [(0, 10), (1, 10), *THOROUGH])
def test_the_caches_answer_as_if_there_were_none(tmp_path: Path, seed: int, steps: int) -> None:
    rng = random.Random(seed)
    project = start(tmp_path / "project")
    changes = Changes(project, rng)
    assert call(project, "repro")[0] == 0
    for step in range(steps):
        for _ in range(rng.randrange(1, 3)):
            changes.one()
        bare = forgotten(project, tmp_path / f"copy-{step}")
        quick = call(project, "status")
        full = call(project, "status", full=True)
        expected = call(bare, "status", full=True)
        assert quick[:2] == full[:2] == expected[:2], (changes.log, quick, full, expected)
        assert call(project, "status")[:2] == full[:2], changes.log
        if rng.random() < 0.5:
            plans = [call(project, "repro", "-n")[:2], call(bare, "repro", "-n")[:2]]
            assert plans[0][0] == plans[1][0], changes.log
            assert _judged(plans[0][1]) == _judged(plans[1][1]), changes.log
        if rng.random() < 0.6:
            ours, theirs = call(project, "repro"), call(bare, "repro", full=True)
            assert ours[0] == theirs[0], (changes.log, ours, theirs)
            assert done(ours[2]) == done(theirs[2]), (changes.log, ours, theirs)
            assert made(project) == made(bare), changes.log
        shutil.rmtree(bare.root)


def _judged(text: str) -> list[str]:
    """The lines of a dry run without expected times, which only a memory has."""
    return [
        line.partition("  [about")[0].partition(", about")[0].rstrip(".")
        for line in text.splitlines()
    ]
