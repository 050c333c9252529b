"""Opens what a command works with: the project, its pipeline (compiled where unchanged), locks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import graph as graphs
from ..config import (
    ParamsReader,
    dump_pipeline,
    load_pipeline,
    renewed,
    still_current,
    version_of,
)
from ..errors import ConfigError, Where, raise_all
from ..model import Pipeline, Problem, Stage
from ..project import (
    Project,
    ProjectLock,
    open_project,
)
from ..run.journal import recover, scratch_folder
from ..run.memory import CodeMemory
from ..run.survey import Survey
from ..run.verdicts import Verdicts
from ..run.workspace import Workspace
from ..stamp import is_settled, signature
from ..store import CodeTables, LocalCache, RunCache
from ..tree import join
from ..values import dataclass, field
from .loading import open_ledger, read_pipeline, skipped

if TYPE_CHECKING:
    from ..config import Override
    from ..fingerprint import Fingerprinter
    from ..source import Sources


@dataclass(frozen=True, slots=True)
class Request:
    """What every command is told: the folder it was typed in, `-S` texts, setting overrides.

    A `partial` one goes on where pipeline files or records are broken, and looks itself whether it
    needs them (see `selecting`); others are refused then.
    """

    cwd: str
    overrides: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False


class Session:
    """An open workspace; close it to write its caches. Use as a context manager.

    With `exclusive` it holds the project's lock, and what a run that died had set aside is put
    back first (`recovered` tells people). Where another process holds the lock, `on_wait` is
    told who, or with `wait` false BusyError is raised. Readers never need the lock. `on_wait` is
    also told of a pipeline in Python that is long in running.
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
        self._on_wait = on_wait
        self.recovered: tuple[str, ...] = ()
        self.started = time.time_ns()  # before anything is looked at
        self.project: Project = self._open_project()
        self._lock: ProjectLock | None = None
        self._tracked: frozenset[str] | None = None
        self.told: set[Problem] = set()  # of the pipeline's problems, those that were raised
        self.lacks: tuple[Problem, ...] = ()  # those for which the answer is not whole
        try:
            self.overrides = _parsed(request.overrides)
            if exclusive:
                self._lock = self.project.lock()
                self._lock.acquire(wait=wait, on_wait=on_wait)
                if self.project.neighbour is not None:
                    self.project.neighbour.acquire(wait=wait, on_wait=on_wait)
                self.recovered = self._recover()
            self.space = self._open()
            self._refuse_foreign_folder()
        except BaseException:
            self._release()
            raise

    def _refuse_foreign_folder(self) -> None:
        """Raise ConfigError where a pipeline file lies here that the project passes over.

        Whoever types a command beside one does not mean the stages of a project around it.
        """
        cwd = self.cwd
        if cwd == "." or f"{cwd}/" in self.space.pipeline.sources:
            return
        from ..config.discovery import DVC_FILE, PIVOT_FILE  # only below the project's root

        for name in (PIVOT_FILE, DVC_FILE):
            if self.project.tree.kind(join(cwd, name)) == "file":
                raise ConfigError(
                    f"the project in '{self.project.root}' passes this folder over: it is data, "
                    "ignored, or one in which tools keep what they make",
                    hint="`pivot init --force` here makes it a project of its own",
                    where=Where(join(cwd, name)),
                )

    def _recover(self) -> tuple[str, ...]:
        """Put right what a run that died left; what there is to tell."""
        recovery = recover(self.project.root)
        if recovery.stages:
            from ..run.history import Writer  # only after a crash

            history = Writer(self.project.root)
            history.note_killed(recovery.stages)
            history.close()
        return recovery.notes

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what was learnt to the state database, and let the lock go."""
        self._write_records()
        self.space.memory.save(self.space.sources_read)
        self.space.locks.save(self.started)
        self.space.verdicts.save()
        self._release()

    def _write_records(self) -> None:
        """Write what the ledger collected; with `core.autostage` git's index gets it too."""
        if self._lock is None:
            return
        if self.project.neighbour is not None:
            self.project.neighbour.acquire()
        self.stage_files(self.space.locks.flush())

    def stage_files(self, paths: Sequence[str]) -> None:
        """Put records that were written into git's index, with `core.autostage`."""
        if paths and self.project.settings["core.autostage"] and self.project.git is not None:
            self.project.git.add(paths)

    @property
    def record_ending(self) -> str:
        """How records of tracked data are called in this project."""
        return ".dvc" if self.project.mode == "dvc" else ".pvt"

    def covered(self, stage: Stage) -> frozenset[str]:
        """The deps of a stage that its code's digest judges, so that their content does not."""
        facts = Survey(self.space).facts(stage)
        return facts.covered if facts else frozenset()

    def _release(self) -> None:
        self.project.close()
        if self._lock is not None and self.project.neighbour is not None:
            self.project.neighbour.let_go()
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

    def why_unknown(self, _: str) -> str | None:
        """Why the digest of an input is not known; None where it simply is not there."""
        return None

    @property
    def default_jobs(self) -> int:
        """Stages at a time where the command does not say."""
        return self.project.jobs

    def _open_project(self) -> Project:
        return open_project(self.request.cwd, options=self.request.options)

    def _open(self) -> Workspace:
        project = self.project
        index = project.state.blobs("modules")
        read: list[Sources] = []  # what the pipeline's signatures were read from

        def sources() -> Sources:
            from ..source import Sources  # 10 ms; only where a pipeline is read anew

            read.append(Sources(project.tree, index))
            return read[0]

        pipeline, self._version = load_cached(
            project, self.overrides, self.started, sources, self._on_wait
        )
        if not self.request.partial:
            raise_all([problem.error for problem in pipeline.problems])
        code_roots: Sequence[str] = project.settings["code.roots"]
        graph = graphs.build(pipeline)

        def fingerprinter() -> Fingerprinter:
            # 15 ms to import; not needed where no source has changed
            from ..fingerprint import Fingerprinter

            return Fingerprinter(
                project.tree,
                code_roots=code_roots,
                cache=index,
                distributions=project.distributions,
                tracked=self._is_tracked,
                sources=read.pop() if read else None,  # whoever reads again, reads anew
            )

        return Workspace(
            project=project,
            pipeline=pipeline,
            graph=graph,
            locks=open_ledger(project, pipeline, self.covered, self._code_context(pipeline)),
            params=ParamsReader(project.tree, self.overrides, project.state.blobs("params")),
            memory=CodeMemory(
                project.tree,
                project.state.blobs("code"),
                self._code_context(pipeline),
                self.started,
            ),
            verdicts=Verdicts(
                project.observer,
                project.state.blobs("verdicts"),
                self._verdict_context(),
                self.started,
            ),
            observer=project.observer,
            cache=LocalCache(
                project.cache_dir,
                algorithm=project.algorithm,
                link=project.settings["cache.link"],
                fsync=project.settings["core.fsync"],
                known=project.state.blobs("objects"),
                scratch=scratch_folder(project.root),
                skip=project.ignored.ignores if project.ignored else None,
                shared=project.settings["cache.shared"] == "group",
                former=project.former_cache if project.mode == "pivot" else None,
            ),
            run_cache=RunCache(f"{project.records_dir}/runs", fsync=project.settings["core.fsync"]),
            tables=CodeTables(f"{project.records_dir}/code"),
            environ=os.environ,
            new_fingerprinter=fingerprinter,
        )

    def check_signatures(self) -> None:
        """Check the names in YAML against the functions they call. Raises PivotErrors."""
        memory = self.space.memory
        stages = [stage for stage in self.space.pipeline.stages.values() if stage.is_python]
        if self._version is not None:
            stages = memory.unchecked(self._version, stages)
        if stages:
            # 5 ms to import; not needed where neither pipeline nor code has changed
            from ..config import check_signatures

            fingerprinter = self.space.fingerprinter
            bits = check_signatures(stages, self.project.tree, fingerprinter.sources)
            if self._version is not None:
                keys = {name: fingerprinter.keys_of(found) for name, found in bits.items()}
                memory.note_checked(self._version, keys)

    def _code_context(self, pipeline: Pipeline) -> str:
        """What facts about code depend on besides source files."""
        project = self.project
        parts: list[object] = [project.settings["code.roots"]]
        for folder in project.interpreter.site_packages:
            parts += [folder, self._stamp(folder)]
        if project.git is not None and not all(s.is_python for s in pipeline.stages.values()):
            # files named by commands count where git tracks them
            index = project.git.index_path()
            parts += [index, self._stamp(index)]
        return repr(parts)

    def _verdict_context(self) -> str | None:
        """What decides about every stage besides its files; None where nothing may be kept."""
        settings = self.project.settings
        if self._version is None or self.project.mode == "dvc":
            return None
        decisive = [settings[name] for name in ("code.track", "code.packages")]
        return repr([self._version, self.project.algorithm, *decisive])

    def _stamp(self, path: str) -> object:
        """What changes with a file or folder; something unique where a change could be hidden."""
        try:
            found = signature(os.stat(path))
        except OSError:
            return None
        return found if is_settled(found, self.started) else self.started

    def _is_tracked(self, path: str) -> bool:
        git = self.project.git
        if git is None:
            return True
        if self._tracked is None:
            self._tracked = git.tracked_files()
        return path in self._tracked

    @property
    def python(self) -> str:
        """The interpreter that runs python stages."""
        return self.project.interpreter.path


def _parsed(texts: Sequence[str]) -> tuple[Override, ...]:
    if not texts:
        return ()
    from ..config import parse_override  # loads the YAML reader

    return tuple(map(parse_override, texts))


def load_cached(
    project: Project,
    overrides: Sequence[Override],
    started: int,
    sources: Callable[[], Sources | None] = lambda: None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> tuple[Pipeline, str | None]:
    """The project's pipeline, from its compiled form where what it was read from is unchanged.

    With it comes a name for this version of it (None with overrides). Nothing is kept of files
    that may have changed within a clock tick before `started` (ns since the epoch). `sources`
    shares what is read of the project's modules; `on_wait` is told of what takes long.
    """
    if overrides:
        return read_pipeline(project, overrides, sources(), on_wait), None
    store = project.state.blobs("pipeline" if project.commit is None else "pipeline-committed")
    context = [project.mode, *project.settings["code.roots"]]
    context += [project.settings["parsing.bool"], project.settings["parsing.list"]]
    name = f"pipeline:{','.join(context)}"
    data = store.get(name)
    compiled = load_pipeline(data) if data else None
    pipeline = still_current(project.tree, compiled, skipped(project)) if compiled else None
    if pipeline is None:
        pipeline = read_pipeline(project, (), sources(), on_wait)
        if not pipeline.keeps:
            return pipeline, None
    if data is None or pipeline is not compiled:
        if data and compiled is not None and pipeline.stages is compiled.stages:
            data = renewed(data, pipeline.sources)
        else:
            data = dump_pipeline(pipeline)
        if _all_settled(pipeline.sources.values(), started):
            store.put(name, data)
    return pipeline, version_of(data)


def _all_settled(sources: Iterable[object], started: int) -> bool:
    for source in sources:
        # a file's stat numbers, or a folder's with the names in it
        numbers = source[0] if isinstance(source, tuple) and source else None
        stamp: Any = numbers if isinstance(numbers, tuple) else source
        is_file = isinstance(stamp, tuple) and stamp and isinstance(stamp[0], int)
        if is_file and not is_settled(stamp, started):
            return False
    return True
