"""Both tools on one project: DVC by its served command line, Pivot by its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import PATIENCE

DVC = os.environ.get("PIVOT_TEST_DVC", "")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """How one command ended."""

    command: str
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def well(self) -> Answer:
        assert self.code == 0, self
        return self

    def __repr__(self) -> str:
        return f"$ {self.command}\n{self.out}\n--- stderr ---\n{self.err}\n--- exit {self.code} ---"


class Server:
    """A process that serves one of the tools."""

    def __init__(self, name: str, python: str, script: str, environment: dict[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [python, str(HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"{self.name} died of {request}"
        return json.loads(line)

    def __call__(self, folder: Path, *argv: str) -> Answer:
        answer = self.ask({"cwd": str(folder), "argv": list(argv)})
        command = f"{self.name} {' '.join(argv)}"
        return Answer(command, answer["code"], answer["out"], answer["err"])

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(PATIENCE)


def serve_dvc(scratch: Path) -> Server:
    """DVC without what the machine has set up for it."""
    environment = {
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(scratch / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(scratch / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(scratch / "system"),
        "CI": "1",
    }
    return Server("dvc", str(Path(DVC).parent / "python"), "dvc_server.py", environment)


def serve_pivot() -> Server:
    return Server("pivot", sys.executable, "pivot_server.py", {"PIVOT_CORE_PYTHON": sys.executable})


class Both:
    """One project, and both tools to work on it."""

    def __init__(self, root: Path, dvc: Server, pivot: Server) -> None:
        self.root = root
        self._dvc = dvc
        self._pivot = pivot
        self.told: list[str] = []

    def beside(self, name: str) -> Both:
        """Another folder beside this one's, for both tools to work in."""
        return Both(self.root.parent / name, self._dvc, self._pivot)

    def dvc(self, *argv: str) -> Answer:
        answer = self._dvc(self.root, *argv)
        self.told.append(repr(answer))
        return answer

    def pivot(self, *argv: str) -> Answer:
        answer = self._pivot(self.root, *argv)
        self.told.append(repr(answer))
        return answer

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ["git", *argv], cwd=self.root, capture_output=True, text=True, check=True
        )
        self.told.append(f"$ git {' '.join(argv)}\n{done.stdout}")
        return done.stdout

    def write(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            self.told.append(f"write {path}: {text!r}")
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink() or (target.exists() and not os.access(target, os.W_OK)):
                target.unlink()
            target.write_text(text)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def remove(self, path: str) -> None:
        self.told.append(f"remove {path}")
        target = self.root / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        elif target.is_symlink() or target.exists():
            target.unlink()

    def start(self) -> None:
        """An empty repository that DVC has initialized."""
        self.root.mkdir(parents=True)
        self.git("init", "-q", ".")
        self.git("config", "user.email", "a@example.org")
        self.git("config", "user.name", "A")
        self.dvc("init", "-q").well()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state")

    def states(self) -> dict[str, dict[str, Any]]:
        """What Pivot says of each stage."""
        found = self.pivot("status", "--json").well().json
        return {stage["name"]: stage for stage in found["stages"]}

    def dvc_changed(self) -> dict[str, Any]:
        """What DVC says of what changed."""
        answer = self.dvc("status", "--json").well()
        return dict(json.loads(answer.out or "{}"))
