"""`export`: a Pivot project for people with DVC: dvc.yaml, dvc.lock, .dvc files and DVC's cache.

What is written says what the pipeline is now, templating done. Functions become commands that
need no Pivot, where their arguments can be written down in Python; the code behind them becomes
deps, so that DVC sees edits too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import lockfile
from ..config import load
from ..config.discovery import EXPORTED
from ..disk import explain, write_atomic
from ..errors import PivotError, SourceError
from ..lockfile.data_records import new_record_data, parse_data_record
from ..lockfile.dvc_text import edited
from ..lockfile.import_records import Origin, new_import, origin_of
from ..lockfile.record_text import record_text
from ..model import Command, Out, Pipeline, Stage, StageRecord, TopLevel, TrackedFile
from ..project import Observer
from ..run.survey import Survey
from ..store import LocalCache
from ..tree import join, parent, relative
from .calling import CallWriter
from .dvc_settings import as_dvc, yaml_text
from .overlay import Overlay
from .session import Session

_IGNORED = "/config.local\n/tmp\n/cache\n"


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, how many stages are up to date in it, and what DVC has no word for."""

    written: tuple[str, ...]
    stages: int
    locked: int
    notes: tuple[str, ...] = field(default=())


def export(session: Session, *, force: bool = False) -> Export:
    """Write the project as DVC has it. Raises PivotError where files are there already."""
    project = session.project
    if project.mode == "dvc":
        raise PivotError("this is a DVC project already")
    writer = _Writer(session)
    files = writer.pipeline_files()
    present = [path for path in files if project.tree.kind(path) == "file"]
    if present and not force:
        raise PivotError(
            f"'{present[0]}' is there already", hint="--force replaces what an export wrote before"
        )
    if not os.path.lexists(f"{project.root}/.dvc/config"):
        made, notes = as_dvc(project.root)
        files |= {path: data for path, data in made.items() if project.tree.kind(path) is None}
        files[".dvc/.gitignore"] = _IGNORED.encode()
        writer.notes += notes
    files |= writer.records()
    pipeline = load(Overlay(project.tree, files), mode="dvc")
    locks, locked = writer.locks(pipeline)
    files |= locks
    if project.settings["core.mode"] is None:
        from ..project import write_setting  # only commands that write one

        write_setting(project.root, "project", "core.mode", "pivot")
        writer.notes.append("set core.mode: pivot, since both tools' files are here now")
    try:
        for path, data in files.items():
            is_own = path == ".dvc/config.local"  # it may hold credentials
            write_atomic(f"{project.root}/{path}", data, mode=0o600 if is_own else 0o644)
    except OSError as error:
        raise explain(error, "write", error.filename or project.root) from None
    return Export(tuple(files), len(pipeline.stages), locked, tuple(dict.fromkeys(writer.notes)))


class _Writer:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._space = session.space
        self._survey = Survey(session.space)
        self._calls = CallWriter(session)
        self.notes: list[str] = []
        project = session.project
        self._observer = Observer(project.root, project.state, "md5", spaces="-export")
        self._cache = LocalCache(f"{project.root}/.dvc/cache", algorithm="md5")

    # --- dvc.yaml ---------------------------------------------------------------------------

    def pipeline_files(self) -> dict[str, bytes]:
        """The text of each dvc.yaml."""
        files: dict[str, dict[str, Any]] = {}
        for stage in self._space.pipeline.stages.values():
            content = files.setdefault(join(parent(stage.file), "dvc.yaml"), {})
            content.setdefault("stages", {})[_plain_name(stage)] = self._definition(stage)
        for top in self._space.pipeline.top_levels:
            files.setdefault(join(top.folder, "dvc.yaml"), {}).update(_top_level(top))
        head = EXPORTED + b"; the pipeline itself is elsewhere.\n"
        return {path: head + yaml_text(content) for path, content in files.items()}

    def _definition(self, stage: Stage) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if stage.desc:
            made["desc"] = _literal(stage.desc)
        made["cmd"] = self._command(stage)
        folder = parent(stage.file)
        if stage.wdir != folder:
            made["wdir"] = relative(stage.wdir, folder)
        deps = [_literal(relative(dep.path, stage.wdir)) for dep in stage.deps]
        deps += [path for path in self._code(stage) if path not in deps]
        if deps:
            made["deps"] = deps
        params = [_params_entry(stage, file.path, file.keys) for file in stage.params_files]
        if params:
            made["params"] = params
        for key, kind in (("outs", "out"), ("metrics", "metric"), ("plots", "plot")):
            outs = [_out_entry(stage, out) for out in stage.outs if out.kind == kind]
            if outs:
                made[key] = outs
        for name in ("frozen", "always_changed"):
            if getattr(stage, name):
                made[name] = True
        if stage.meta is not None:
            made["meta"] = stage.meta
        for name in ("timeout", "mutex", "resources", "env_tracked"):
            if getattr(stage, name):
                word = "env" if name == "env_tracked" else name
                self.notes.append(f"stage '{stage.name}': DVC knows no {word}; it is left out")
        return made

    def _command(self, stage: Stage) -> str | list[str]:
        folders = dict.fromkeys(parent(relative(out.path, stage.wdir)) for out in stage.outs)
        made = [folder for folder in folders if folder not in (".", "..")]
        if isinstance(stage.entry, Command):
            prefix = "".join(f"{name}={_shell(v)} " for name, v in stage.env_set.items())
            lines = [_literal(f"{prefix}{line}") for line in stage.entry.lines]
            if made:
                return [f"mkdir -p {' '.join(map(_shell, made))}", *lines]
            return lines if stage.entry.is_list else lines[0]
        text, note = self._calls.command(stage, made)
        if note:
            self.notes.append(f"stage '{stage.name}': {note}")
        return _literal(text)

    def _code(self, stage: Stage) -> Iterator[str]:
        """The project files behind a function."""
        if not stage.is_python:
            return
        try:
            manifest = self._survey.manifest(stage)
        except SourceError:
            return
        for file in sorted(
            {symbol.file for symbol in manifest.symbols.values()} if manifest else ()
        ):
            if self._session.project.tree.kind(file) == "file":
                yield _literal(relative(file, stage.wdir))

    # --- results ----------------------------------------------------------------------------

    def records(self) -> dict[str, bytes]:
        """.dvc files for tracked data that is there, and for imports, which can be had again."""
        made: dict[str, bytes] = {}
        for file in self._space.pipeline.tracked:
            place = self._space.absolute(file.path)
            name = f"{file.path}.dvc"
            origin = self._origin(file)
            is_there = os.path.lexists(place)
            digest = self._cache.add(place) if is_there else None
            if origin is not None:
                made[name] = new_import(file.path, name, origin, digest, desc=file.desc)
                if not is_there:
                    self.notes.append(f"'{file.path}' is not there; `dvc update` downloads it")
            elif digest is not None:
                made[name] = record_text(new_record_data(file.path, name, digest, file.desc))
            else:
                self.notes.append(f"'{file.path}' is not there; it gets no .dvc file")
        return made

    def _origin(self, file: TrackedFile) -> Origin | None:
        data = self._session.project.tree.read(file.name) or b""
        return origin_of(parse_data_record(data, file.name))

    def locks(self, pipeline: Pipeline) -> tuple[dict[str, bytes], int]:
        """dvc.lock files with the stages that are up to date, and how many those are."""
        # by what lies here: of a stored result nothing is in place yet
        decisions = self._survey.plan(list(self._space.graph.order), restores=False)
        fresh = {
            (join(parent(stage.file), "dvc.yaml"), _plain_name(stage))
            for name, stage in self._space.pipeline.stages.items()
            if decisions[name].state == "fresh" and decisions[name].action == "none"
        }
        entries: dict[str, dict[str, lockfile.Entry | None]] = {}
        for stage in pipeline.stages.values():
            if (stage.file, stage.short_name) in fresh:
                lock = join(parent(stage.file), "dvc.lock")
                entries.setdefault(lock, {})[stage.short_name] = self._entry(stage)
        made = {path: edited(None, found, path) or b"" for path, found in entries.items()}
        return made, sum(map(len, entries.values()))

    def _entry(self, stage: Stage) -> lockfile.Entry:
        seen = {dep.path: self._observer.observe(dep.path) for dep in stage.deps}
        deps = {path: digest for path, digest in seen.items() if digest is not None}
        outs = {out.path: self._cache.add(self._space.absolute(out.path)) for out in stage.outs}
        blank = lockfile.record_of_entry(stage, {"cmd": ""})
        key = replace(blank.key, params=self._space.params.values(stage))
        return lockfile.entry_of_record(stage, StageRecord(stage.name, key, outs), deps)


def _top_level(top: TopLevel) -> dict[str, Any]:
    """What a file declares outside its stages, paths as seen from its folder."""
    made = {
        "params": [relative(path, top.folder) for path in top.params],
        "metrics": [relative(path, top.folder) for path in top.metrics],
        "plots": [{name: dict(options)} if options else name for name, options in top.plots],
        "artifacts": dict(top.artifacts),
    }
    return {key: _literals(value) for key, value in made.items() if value}


def _literals(value: Any) -> Any:
    """A value with all of its texts literal."""
    if isinstance(value, str):
        return _literal(value)
    if isinstance(value, Mapping):
        return {_literals(key): _literals(item) for key, item in value.items()}
    return [_literals(item) for item in value] if isinstance(value, (list, tuple)) else value


def _plain_name(stage: Stage) -> str:
    """A name that DVC takes: `fit@linear-1` becomes `fit-linear-1`."""
    return "".join("-" if sign in "@/\\:" else sign for sign in stage.short_name)


def _literal(text: str) -> str:
    """A text in which DVC sees no templates."""
    return text.replace("${", "\\${")


def _shell(text: str) -> str:
    import shlex

    return shlex.quote(text)


def _params_entry(stage: Stage, path: str, keys: tuple[str, ...] | None) -> dict[str, Any]:
    return {relative(path, stage.wdir): None if keys is None else list(keys)}


def _out_entry(stage: Stage, out: Out) -> str | dict[str, Any]:
    flags: dict[str, Any] = {}
    if out.desc:
        flags["desc"] = out.desc
    if not out.cache:
        flags["cache"] = False
    if out.persist or out.incremental or out.resume:
        flags["persist"] = True
    if not out.push:
        flags["push"] = False
    if out.remote:
        flags["remote"] = out.remote
    flags.update(out.plot)
    path = _literal(relative(out.path, stage.wdir))
    return {path: flags} if flags else path
