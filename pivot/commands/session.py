"""Opens what a command works with: the project, its pipeline (compiled where unchanged), locks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import graph as graphs
from ..config import (
    Override,
    ParamsReader,
    check_signatures,
    dump_pipeline,
    load,
    load_pipeline,
    parse_override,
    still_current,
)
from ..fingerprint import Fingerprinter
from ..model import Pipeline
from ..project import (
    Project,
    ProjectLock,
    open_project,
)
from ..run.journal import recover
from ..run.locks import Locks
from ..run.workspace import Workspace
from ..source import Sources
from ..store import CodeTables, LocalCache, RunCache
from ..tree import join


@dataclass(frozen=True, slots=True)
class Request:
    """What every command is told: the folder it was typed in, `-S` texts, setting overrides."""

    cwd: str
    overrides: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


class Session:
    """An open workspace; close it to write its caches. Use as a context manager.

    With `exclusive` it holds the project's lock, and what a run that died had set aside is put
    back first (`recovered` tells people). Where another process holds the lock, `on_wait` is
    told who, or with `wait` false BusyError is raised. Readers never need the lock.
    """

    def __init__(
        self,
        request: Request,
        *,
        exclusive: bool = False,
        wait: bool = True,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.request = request
        self.recovered: tuple[str, ...] = ()
        self.project: Project = open_project(request.cwd, options=request.options)
        self._lock: ProjectLock | None = None
        try:
            self.overrides: tuple[Override, ...] = tuple(map(parse_override, request.overrides))
            if exclusive:
                self._lock = self.project.lock()
                self._lock.acquire(wait=wait, on_wait=on_wait)
                self.recovered = recover(self.project.root).notes
            self.space = self._open()
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what was learnt to the state database, and let the lock go."""
        self._release()

    def _release(self) -> None:
        self.project.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def cwd(self) -> str:
        """The folder the command was typed in, relative to the project root."""
        path = os.path.relpath(os.path.realpath(self.request.cwd), self.project.root)
        return path.replace(os.sep, "/")

    def artifact(self, path: str) -> str:
        """A path as typed in the current folder, as the project knows it."""
        return join(self.cwd, path)

    @property
    def default_jobs(self) -> int:
        """Stages at a time where the command does not say."""
        return self.project.jobs

    def _open(self) -> Workspace:
        project = self.project
        pipeline = load_cached(project, self.overrides)
        code_roots: Sequence[str] = project.settings["code.roots"]
        index = project.state.blobs("modules")
        graph = graphs.build(pipeline)

        def fingerprinter() -> Fingerprinter:
            return Fingerprinter(
                project.tree,
                code_roots=code_roots,
                cache=index,
                distributions=project.distributions,
            )

        return Workspace(
            project=project,
            pipeline=pipeline,
            graph=graph,
            locks=Locks(project.tree, pipeline.stages),
            params=ParamsReader(project.tree, self.overrides, project.state.blobs("params")),
            fingerprinter=fingerprinter(),
            observer=project.observer,
            cache=LocalCache(
                project.cache_dir,
                algorithm=project.algorithm,
                link=project.settings["cache.link"],
                fsync=project.settings["core.fsync"],
                known=project.state.blobs("objects"),
            ),
            run_cache=RunCache(f"{project.cache_dir}/runs", fsync=project.settings["core.fsync"]),
            tables=CodeTables(f"{project.cache_dir}/code"),
            environ=os.environ,
            new_fingerprinter=fingerprinter,
        )

    def check_signatures(self) -> None:
        """Check the names in YAML against the functions they call. Raises PivotErrors."""
        sources = Sources(self.project.tree, self.project.state.blobs("modules"))
        check_signatures(self.space.pipeline, self.project.tree, sources)

    @property
    def python(self) -> str:
        """The interpreter that runs python stages."""
        return self.project.interpreter.path


def load_cached(project: Project, overrides: Sequence[Override]) -> Pipeline:
    """The project's pipeline, from its compiled form where what it was read from is unchanged."""
    store = project.state.blobs("pipeline")
    roots: Sequence[str] = project.settings["code.roots"]
    name = f"pipeline:{project.mode}:{','.join(roots)}"
    if not overrides:
        data = store.get(name)
        pipeline = load_pipeline(data) if data else None
        if pipeline is not None and still_current(project.tree, pipeline):
            return pipeline
    pipeline = load(project.tree, mode=project.mode, overrides=overrides, code_roots=roots)
    if not overrides:
        store.put(name, dump_pipeline(pipeline))
    return pipeline
