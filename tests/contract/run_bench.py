"""A project folder and an executor over it, for the tests of the run room."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from waiting import PATIENCE

from pivot.run.executor import LocalExecutor
from pivot.run.job import Argument, Job, Outcome, Save
from pivot.run.logs import log_path

VERSIONS = Path.home() / ".pyenv" / "versions"


def interpreters() -> dict[str, str]:
    """Python programs to try as the project's interpreter, by version."""
    found = {"this": sys.executable}
    root = Path(os.environ.get("PYENV_ROOT") or "/root/.pyenv") / "versions"
    for minor in ("3.8", "3.12", "3.13"):
        for program in sorted(root.glob(f"{minor}.*/bin/python")):
            found[minor] = str(program)
    return found


class Bench:
    """Runs jobs of a project in `root`; executors are closed with the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._executors: list[LocalExecutor] = []

    def executor(
        self, python: str | Callable[[], str] = sys.executable, **options: Any
    ) -> LocalExecutor:
        made = LocalExecutor(python, root=str(self.root), **options)
        self._executors.append(made)
        return made

    def close(self) -> None:
        for executor in self._executors:
            executor.close()

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def log(self, stage: str = "stage") -> str:
        return Path(log_path(str(self.root), stage)).read_text(errors="replace")

    def job(self, entry: str = "steps.run", *, stage: str = "stage", **options: Any) -> Job:
        module, _, qualname = entry.partition(".")
        root = str(self.root)
        options = {"cwd": root, "roots": (root,), "log": log_path(root, stage), **options}
        return Job(
            stage=stage, kind="python", root=root, module=module, qualname=qualname, **options
        )

    def command(self, *lines: str, stage: str = "stage", **options: Any) -> Job:
        root = str(self.root)
        options = {"cwd": root, "log": log_path(root, stage), **options}
        return Job(stage=stage, kind="cmd", root=root, commands=lines, **options)

    def run(self, job: Job, executor: LocalExecutor | None = None) -> Outcome:
        """The outcome of one job."""
        executor = executor or self.executor()
        executor.submit(job)
        (outcome,) = executor.wait(PATIENCE)
        return outcome

    def call(
        self, source: str, *arguments: Argument, saves: tuple[Save, ...] = (), **options: Any
    ) -> Outcome:
        """The outcome of calling `run` of a module with this source."""
        self.write("steps.py", source)
        return self.run(self.job(arguments=arguments, saves=saves, **options))


def value(name: str, given: Any) -> Argument:
    return Argument(name, "value", value=given)


def path(name: str, *paths: str, is_list: bool = False) -> Argument:
    return Argument(name, "path", paths, is_list=is_list)
