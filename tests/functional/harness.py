"""A project in a temporary git repository, driven through the installed `pivot`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PIVOT = BIN / "pivot"

#: What a process of the tool is given of the tests' environment; the guard has set most of it.
PASSED = (
    "HOME", "TMPDIR", "LANG", "TZ", "no_proxy", "NO_PROXY", "PIP_NO_INDEX",
    "AWS_EC2_METADATA_DISABLED",
)  # fmt: skip
PASSED_PREFIXES = ("COVERAGE_", "COV_", "XDG_", "GIT_", "http_", "https_", "all_", "HTTP_", "ALL_")


@dataclass(frozen=True)
class Result:
    """How one call of the tool ended."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """stdout as one JSON value."""
        return json.loads(self.stdout)

    @property
    def events(self) -> list[dict[str, Any]]:
        """stdout as one JSON value a line."""
        return [json.loads(line) for line in self.stdout.splitlines() if line]

    @property
    def statuses(self) -> dict[str, str]:
        """Of `repro --json`: how each stage ended."""
        finished = [event for event in self.events if event["event"] == "stage_finished"]
        return {event["stage"]: event["status"] for event in finished}

    def ended(self, code: int = 0) -> Result:
        """This result, if it ended with `code`."""
        assert self.code == code, self
        return self

    def __str__(self) -> str:
        call = " ".join(["pivot", *self.arguments])
        return f"$ {call}\n{self.stdout}\n--- stderr ---\n{self.stderr}\n--- exit {self.code} ---"

    __repr__ = __str__  # what a failed assertion shows


class Sandbox:
    """A project folder. Everything is written, run and read through it; paths are relative."""

    def __init__(self, root: Path, *, git: bool = True) -> None:
        self.root = root
        self.env: dict[str, str] = {}  # added to every call
        root.mkdir(parents=True, exist_ok=True)
        if git:
            shutil.copytree(_git_template(), root / ".git")

    # --- files

    def write(self, files: Mapping[str, str | bytes]) -> Sandbox:
        """Write the files, folders included; texts are dedented."""
        for path, content in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                content = textwrap.dedent(content).lstrip("\n").encode()
            target.write_bytes(content)
        return self

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands in the file."""
        text = self.read(path)
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        (self.root / path).write_text(text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        (self.root / path).write_text(self.read(path) + text)

    def remove(self, *paths: str) -> None:
        for path in paths:
            target = self.root / path
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink()

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def json(self, path: str) -> Any:
        return json.loads(self.read(path))

    def has(self, path: str) -> bool:
        return (self.root / path).exists()

    def rows(self, path: str) -> int:
        """The number of lines of a CSV file after its header."""
        return (self.root / path).read_bytes().count(b"\n") - 1

    def contents(self, *folders: str) -> dict[str, bytes]:
        """All files below the folders (all of the project but .git and .pivot, if none)."""
        found: dict[str, bytes] = {}
        for folder in folders or (".",):
            for place, names, files in os.walk(self.root / folder):
                hidden = {".git", "__pycache__"} | ({".pivot"} if not folders else set())
                names[:] = [name for name in names if name not in hidden]
                for name in files:
                    file = Path(place, name)
                    found[str(file.relative_to(self.root))] = file.read_bytes()
        return found

    def lock(self, stage: str) -> dict[str, Any]:
        """The lock of a stage, by the name that `list` shows."""
        file, _, name = stage.rpartition(":")
        folder = self.root / ".pivot" / "stages" / os.path.dirname(file)
        lock: dict[str, Any] = json.loads((folder / f"{name}.lock").read_text())
        return lock

    # --- processes

    def run(
        self,
        *arguments: str,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Result:
        """One call of `pivot`, with neither input nor a terminal."""
        done = subprocess.run(
            [PIVOT, *arguments],
            cwd=self.root / cwd,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(arguments, done.returncode, done.stdout, done.stderr)

    def start(
        self, *arguments: str, cwd: str = ".", env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A call that goes on while the test does; the test ends it."""
        return subprocess.Popen(
            [PIVOT, *arguments],
            cwd=self.root / cwd,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a call is given: the tests' interpreter first on the path, and little else."""
        passed = {
            name: value
            for name, value in os.environ.items()
            if name in PASSED or name.startswith(PASSED_PREFIXES)
        }
        path = os.pathsep.join([str(BIN), "/usr/local/bin", "/usr/bin", "/bin"])
        return {**passed, "PATH": path, "SHELL": "/bin/sh", **self.env, **(more or {})}

    def git(self, *arguments: str) -> str:
        """What git prints. Raises CalledProcessError where it fails."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def commit(self, message: str = "change") -> str:
        """Commit everything; the commit's name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    # --- what is asked most

    def repro(self, *arguments: str) -> dict[str, str]:
        """Run `repro` to its good end: how each stage ended."""
        return self.run("repro", "--json", *arguments).ended(0).statuses

    def ran(self, *arguments: str) -> set[str]:
        """The stages that a good `repro` executed."""
        return {stage for stage, status in self.repro(*arguments).items() if status == "ran"}

    def states(self, *arguments: str) -> dict[str, str]:
        """What `status` says of each stage."""
        stages = self.run("status", "--json", *arguments).ended(0).json["stages"]
        return {stage["name"]: stage["state"] for stage in stages}

    def stale(self, *arguments: str) -> set[str]:
        """The stages that `status` does not call fresh."""
        return {name for name, state in self.states(*arguments).items() if state != "fresh"}

    def reasons(self, stage: str) -> set[tuple[str, str]]:
        """Why `status` calls a stage stale: (kind, subject)."""
        stages = self.run("status", "--json").ended(0).json["stages"]
        [found] = [entry for entry in stages if entry["name"] == stage]
        return {(reason["kind"], reason["subject"]) for reason in found["reasons"]}

    def copy(self, root: Path) -> Sandbox:
        """The same project, with all that Pivot keeps, at another place."""
        shutil.copytree(self.root, root, symlinks=True)
        other = Sandbox(root, git=False)
        other.env = dict(self.env)
        return other


@cache
def _git_template() -> Path:
    """An empty repository, made once a process: copying it is faster than `git init`."""
    import atexit
    import tempfile

    folder = tempfile.mkdtemp(prefix="pivot-test-git-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        ["git", "init", "--quiet", "--template=", "--initial-branch=main", folder], check=True
    )
    return Path(folder, ".git")
