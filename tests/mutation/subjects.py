"""The examples as something to run: stages with small inputs, each in a process of its own."""

from __future__ import annotations

import hashlib
import os
import pickle
import runpy
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pivot import config
from pivot.errors import SourceError
from pivot.fingerprint import Fingerprinter
from pivot.model import Command, PythonEntry, Stage
from pivot.tree import DictTree

ROOT = Path(__file__).parents[2]
SECONDS = 30
#: Imported before forking, so that each process is ready at once.
HEAVY = (
    "pandas", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline", "sklearn.metrics",
    "sklearn.preprocessing", "sklearn.model_selection", "joblib", "matplotlib.pyplot", "html",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a run made: the digest of its outs' bytes, or the exception that ended it.

    `importing` says that it rose from the body of a module; `loaded` are the project's files
    that were imported.
    """

    outs: str = ""
    error: str = ""
    importing: bool = False
    loaded: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Subject:
    """An example: its files, which of them are mutated, its stages, rows of its large table."""

    name: str
    files: Mapping[str, bytes]
    mutated: tuple[str, ...]
    stages: tuple[str, ...]
    rows: Mapping[str, int]

    def texts(self) -> dict[str, str]:
        return {path: self.files[path].decode() for path in self.mutated}


def penguins() -> Subject:
    files = _files("examples/penguins", "examples/penguins")
    files |= _files(".", ".", only=("pivot.yaml", "params.yaml"))
    files["examples/__init__.py"] = b""
    stages = ("prepare", "features", "train@linear", "train@forest", "evaluate")
    return Subject("penguins", files, _sources(files), stages, {})


def flights() -> Subject:
    files = _files("examples/flights", ".")
    stages = (
        "export@planes", "export@flights", "export@weather", "export@airlines", "split",
        "join@EWR", "join@JFK", "join@LGA", "delays", "report",
    )  # fmt: skip
    rows = {"data/raw/flights.csv": 900}
    return Subject("flights", files, _sources(files), stages, rows)


def _files(folder: str, target: str, only: tuple[str, ...] = ()) -> dict[str, bytes]:
    found = {}
    base = ROOT / folder
    paths = [base / name for name in only] or sorted(base.rglob("*"))
    made = ("clean.csv", "training.csv", "held_out.csv", "models/", "plots/", "__pycache__", ".md")
    for path in paths:
        relative = path.relative_to(base).as_posix()
        if not path.is_file() or any(part in relative for part in made):
            continue
        if not relative.startswith(("data/raw", "data/joined", "data/by_origin", ".pivot")):
            found[os.path.normpath(os.path.join(target, relative))] = path.read_bytes()
    return found


def _sources(files: Mapping[str, bytes]) -> tuple[str, ...]:
    return tuple(path for path in files if path.endswith(".py"))


class Bench:
    """Runs the stages of one subject; the inputs are those of its unmutated run."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject = subject
        self.folder = folder
        pipeline = config.load(DictTree(dict(subject.files)))
        self.stages = {name: pipeline.stages[name] for name in subject.stages}
        self.base = folder / "base"
        self._write(self.base, {})
        for stage in self.stages.values():
            outcome = self._fork(stage, self.base)
            assert not outcome.error, outcome
            for path, rows in subject.rows.items():
                if path in {out.path for out in stage.outs}:
                    _shorten(self.base / path, rows)
        for module in HEAVY:
            import_module(module)

    def run(self, stage: str, change: Mapping[str, str]) -> Outcome:
        """What the stage makes with some files changed."""
        place = self.folder / "work"
        self._write(place, change)
        found = self.stages[stage]
        for dep in found.deps:
            if not dep.path.endswith(".py"):
                _copy(self.base / dep.path, place / dep.path)
        try:
            return self._fork(found, place)
        finally:
            shutil.rmtree(place)

    def fingerprints(self, change: Mapping[str, str]) -> dict[str, str]:
        """The code digest of each stage, or why it has none."""
        tree = DictTree({**self.subject.files, **change})
        fingerprinter = Fingerprinter(tree)
        found = {}
        for name, stage in self.stages.items():
            try:
                found[name] = fingerprinter.manifest(stage).digest
            except SourceError as error:
                found[name] = f"unreadable: {error.message}"
        return found

    def _write(self, place: Path, change: Mapping[str, str]) -> None:
        texts: dict[str, bytes] = {**self.subject.files}
        texts.update({path: text.encode() for path, text in change.items()})
        for path, data in texts.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(data)

    def _fork(self, stage: Stage, place: Path) -> Outcome:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _in_child(stage, place, writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            data = stream.read()
        os.waitpid(child, 0)
        found = pickle.loads(data) if data else Outcome(error="died")
        assert isinstance(found, Outcome)
        return found


def _in_child(stage: Stage, place: Path, writer: int) -> None:
    result = Outcome(error="unknown")
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.dont_write_bytecode = True
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest has a handler for it
        signal.alarm(SECONDS)
        os.chdir(place)
        for out in stage.outs:
            Path(out.path).parent.mkdir(parents=True, exist_ok=True)
        sys.path[:0] = [str(place / root) for root in stage.roots]
        _call(stage, place)
        result = Outcome(_digest(stage), loaded=_loaded(place))
    except BaseException as error:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.startswith(str(place))
        ]
        what = f"{type(error).__name__}: {error}"
        importing = bool(frames) and frames[-1].name == "<module>"
        result = Outcome("", what, importing or isinstance(error, SyntaxError))
    finally:
        os.write(writer, pickle.dumps(result))
        os._exit(0)


def _call(stage: Stage, place: Path) -> None:
    match stage.entry:
        case PythonEntry(module=module, qualname=qualname):
            arguments: dict[str, Any] = dict(stage.params)
            for item in (*stage.deps, *stage.outs):
                if item.name is None:
                    continue
                if item.group is None:
                    arguments[item.name] = Path(item.path)
                else:
                    arguments.setdefault(item.name, []).append(Path(item.path))
            getattr(import_module(module), qualname)(**arguments)
        case Command(lines=(line,)):
            words = shlex.split(line)
            sys.argv = words[1:]
            sys.path.insert(0, str(place / Path(words[1]).parent))
            runpy.run_path(words[1], run_name="__main__")


def _loaded(place: Path) -> frozenset[str]:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    prefix = f"{place}{os.sep}"
    return frozenset(file[len(prefix) :] for file in files if file and file.startswith(prefix))


def _digest(stage: Stage) -> str:
    found = hashlib.sha256()
    for out in stage.outs:
        path = Path(out.path)
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            found.update(f"{file} {file.stat().st_size}\n".encode())
            found.update(file.read_bytes())
    return found.hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def _shorten(path: Path, rows: int) -> None:
    """Keep the header and rows from all over the table."""
    head, *lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([head, *lines[:: max(1, len(lines) // rows)]]))
