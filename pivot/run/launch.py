"""Turns stages into jobs and hands them to an executor, which starts when the first one comes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ..declare.formats.files import PATH
from ..disk import remove_quietly
from ..errors import ConfigError, PivotError, Where
from ..model import Command, Dep, Out, PythonEntry, Stage
from ..tree import relative
from .executor import GRACE_SECONDS, Executor, LocalExecutor
from .job import Argument, Job, Misfit, Outcome, ParamsCheck, Save
from .journal import Journal
from .logs import log_path
from .survey import Survey
from .worker.saving import RESULT
from .workspace import Workspace

#: What typed stages import of Pivot, which loads it only when asked for it.
_DECLARING = ("pivot.declare.artifacts", "pivot.loaders")

#: How jobs are called that check params; no stage has such a name.
_CHECK = "params:"

_Artifact = TypeVar("_Artifact", Dep, Out)


class Launcher:
    """Owns the executor of one run. `python` is asked for the interpreter when first needed."""

    def __init__(
        self,
        space: Workspace,
        python: Callable[[], str],
        *,
        jobs: int,
        show_output: bool = False,
        make: Callable[..., Executor] = LocalExecutor,
    ) -> None:
        self._space = space
        self._python = python
        self._jobs = jobs
        self._show_output = show_output
        self._make = make
        self._executor: Executor | None = None
        self._launched: set[str] = set()
        self._output: list[tuple[str, str]] = []
        self._capacities: Counter[str] = Counter(dict(space.project.settings["core.resources"]))

    def capacity(self, resource: str) -> int:
        """How much of a resource there is; one that no setting names is not limited by itself.

        Stages that need an undeclared resource run one after another, as if there were just
        enough for the greediest of them.
        """
        if resource not in self._capacities:
            stages = self._space.pipeline.stages.values()
            self._capacities[resource] = max(s.resources.get(resource, 0) for s in stages)
        return self._capacities[resource]

    def check_resources(self, stages: Sequence[Stage]) -> list[PivotError]:
        """An error for each stage that needs more of a resource than the machine has."""
        return [
            ConfigError(
                f"stage '{stage.name}' needs {need} of '{name}', and core.resources has "
                f"{self.capacity(name)}",
                hint=f"`pivot config set core.resources {name}={need}` where that is true",
                where=Where(stage.written_in, stage.line),
            )
            for stage in stages
            for name, need in stage.resources.items()
            if need > self.capacity(name)
        ]

    def launch(self, stage: Stage, survey: Survey, pending: Sequence[str]) -> Job:
        """Start a stage. `pending` are stages whose packages are worth loading ahead."""
        executor = self._started(survey, pending)
        job = self.job(stage)
        executor.submit(job)
        self._launched.add(stage.name)
        return job

    def _started(self, survey: Survey, pending: Sequence[str]) -> Executor:
        if self._executor is None:
            self._executor = self._make(
                self._python,
                root=self._space.project.root,
                third_party=self._third_party(survey, pending),
                jobs=self._jobs,
                on_output=self._take_output if self._show_output else None,
            )
        return self._executor

    def check_params(self, stages: Sequence[Stage], survey: Survey) -> list[PivotError]:
        """An error for each param that the class of its stage's params does not take.

        The project's modules are imported, in a process of their own, and nothing is called.
        """
        groups: dict[tuple[str, ...], list[ParamsCheck]] = {}
        for stage in stages:
            assert isinstance(stage.entry, PythonEntry)
            [value] = [
                argument.value
                for argument in arguments(stage, self._space.params.values(stage))
                if argument.name == "params"
            ]
            check = ParamsCheck(stage.name, stage.entry.module, stage.entry.qualname, value)
            groups.setdefault(stage.roots, []).append(check)
        executor = self._started(survey, [stage.name for stage in stages])
        root = self._space.project.root
        for number, (roots, checks) in enumerate(groups.items()):
            name = f"{_CHECK}{number}"
            executor.submit(
                Job(
                    stage=name,
                    kind="python",
                    root=root,
                    cwd=root,
                    log=log_path(root, name),
                    roots=self._roots(roots),
                    observe=False,
                    checks=tuple(checks),
                )
            )
        misfits: list[Misfit] = []
        waiting = len(groups)
        journal = Journal(root)
        while waiting:
            for outcome in executor.wait(0.5):
                waiting -= 1
                misfits += outcome.misfits
                journal.end(outcome.stage)  # it had nothing to put back
                remove_quietly([log_path(root, outcome.stage)])
        journal.close()
        return [misfit_error(self._space, misfit) for misfit in misfits]

    def _roots(self, roots: Sequence[str]) -> tuple[str, ...]:
        space = self._space
        return tuple(space.project.root if r == "." else space.absolute(r) for r in roots)

    def _third_party(self, survey: Survey, pending: Sequence[str]) -> list[str]:
        found: dict[str, None] = {}
        for name in pending:
            stage = self._space.graph.stages[name]
            if stage.is_python and not stage.frozen:
                try:
                    manifest = survey.manifest(stage)
                except PivotError:
                    continue  # it will be told when that stage's turn comes
                names = manifest.third_party if manifest else ()
                found.update(dict.fromkeys(names))
                if "pivot" in names:
                    found.update(dict.fromkeys(_DECLARING))
                    if stage.params_class:
                        found["pydantic"] = None  # what StageParams is made of
        return sorted(found)

    def _take_output(self, stage: str, data: bytes) -> None:
        self._output.append((stage, data.decode("utf-8", "replace")))

    def output(self) -> list[tuple[str, str]]:
        """(stage, text) pieces of output since the last call."""
        taken, self._output = self._output, []
        return taken

    def wait(self, timeout: float = 0.5) -> list[Outcome]:
        """The stages that ended, after at most `timeout` seconds."""
        outcomes = self._executor.wait(timeout) if self._executor else []
        self._launched.difference_update(outcome.stage for outcome in outcomes)
        return outcomes

    def terminate_all(self, impatient: Callable[[], bool] = lambda: False) -> None:
        """End every running stage with its process group, by force once `impatient` says so.

        Returns in bounded time: an executor that does not tell how its stages ended is let go,
        and its processes end with it.
        """
        if self._executor is None:
            return
        waiting = set(self._launched)
        for stage in waiting:
            self._executor.kill(stage)
        until = time.monotonic() + 3 * GRACE_SECONDS
        while waiting and not impatient() and time.monotonic() < until:
            waiting.difference_update(outcome.stage for outcome in self._executor.wait(0.1))
        if waiting and impatient():
            self._executor.terminate_all(0)
        elif waiting:
            self.close()
        self._launched.clear()

    def close(self) -> None:
        """Stop the executor and its processes."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None

    # --- jobs -----------------------------------------------------------------------------

    def job(self, stage: Stage) -> Job:
        """The self-contained description of running `stage`."""
        space = self._space
        settings = space.project.settings
        module = qualname = ""
        commands: tuple[str, ...] = ()
        match stage.entry:
            case PythonEntry(module=module, qualname=qualname):
                pass
            case Command() as command:
                commands = _shell_lines(command)
        return Job(
            stage=stage.name,
            kind="python" if stage.is_python else "cmd",
            root=space.project.root,
            cwd=space.absolute(stage.wdir) if stage.wdir != "." else space.project.root,
            log=log_path(space.project.root, stage.name),
            module=module,
            qualname=qualname,
            arguments=arguments(stage, space.params.values(stage)),
            saves=saves(stage),
            commands=commands,
            roots=self._roots(stage.roots),
            env_set=dict(stage.env_set),
            timeout=stage.timeout,
            preload=stage.preload,
            observe=bool(settings["code.observe"]) and stage.code,
            known=tuple(
                space.absolute(path)
                for path in (
                    *(dep.path for dep in stage.deps),
                    *(out.path for out in stage.outs),
                    *(file.path for file in stage.params_files),
                )
            ),
        )


def misfit_error(space: Workspace, misfit: Misfit) -> ConfigError:
    """What is said of a param that its stage does not take, with the place where it is written."""
    from ..config import place_of_param  # reads YAML again; only errors ask

    stage = space.graph.stages[misfit.stage]
    where = place_of_param(space.project.tree, stage, misfit.param)
    return ConfigError(
        f"stage '{stage.name}': {misfit.message}",
        where=where or Where(stage.written_in, stage.line),
    )


def _shell_lines(command: Command) -> tuple[str, ...]:
    """A string runs line by line, each in a shell of its own; items of a list run whole."""
    if command.is_list:
        return command.lines
    return tuple(line for line in command.lines[0].splitlines() if line.strip())


def arguments(stage: Stage, tracked: Mapping[str, Mapping[str, Any]]) -> tuple[Argument, ...]:
    """What the function's parameters receive by name: deps, outs, then params.

    `tracked` are the values of keys tracked in files; each is bound by the last part of its key.
    """
    if not stage.is_python:
        return ()
    made: list[Argument] = []
    for name, group in _by_name(stage.deps).items():
        first = group[0]
        made.append(
            Argument(
                name,
                "load" if _converts(first) else "path",
                tuple(relative(dep.path, stage.wdir) for dep in group),
                is_list=first.group is not None,
                loader=first.loader,
                options=first.options,
            )
        )
    for name, outs in _by_name(stage.outs).items():
        out = outs[0]
        going_on = out.incremental and _converts(out)
        made.append(
            Argument(
                name,
                "update" if going_on else "path",
                tuple(relative(item.path, stage.wdir) for item in outs),
                is_list=out.group is not None,
                loader=out.loader if going_on else None,
                options=out.options if going_on else {},
                optional=out.returned,
            )
        )
    params: dict[str, Any] = {}
    for values in tracked.values():
        for key, value in values.items():
            if key:
                params[key.rpartition(".")[2]] = value
            elif isinstance(value, Mapping):  # a whole file
                params.update(value)
    # defaults of the params' own class are given by that class
    given = {name: item for name, item in stage.params.items() if name not in stage.defaults}
    params.update(given)
    # a tracked key may serve its tracking alone; a value in the stage is meant for the function,
    # unless an artifact has its name: then it is one of `params`
    artifacts = {argument.name for argument in made}
    made += [
        Argument(name, "value" if name in given else "params", value=value)
        for name, value in params.items()
        if name not in artifacts
    ]
    if "params" not in params:
        made.append(Argument("params", "params", value=params))
    return tuple(made)


def saves(stage: Stage) -> tuple[Save, ...]:
    """The outs that are written from what the function returns: those with a loader."""
    return tuple(
        Save(
            name,
            tuple(relative(out.path, stage.wdir) for out in outs),
            loader=outs[0].loader,
            options=outs[0].options,
            is_list=outs[0].group is not None,
            directory=outs[0].directory,
            by_name=outs[0].returned and name != RESULT,
        )
        for name, outs in _by_name(stage.outs).items()
        if _converts(outs[0])
    )


def _converts(artifact: Dep | Out) -> bool:
    """Whether a value goes between the function and the file, and not the file's path."""
    return artifact.loader is not None and artifact.loader != PATH


def _by_name(artifacts: Sequence[_Artifact]) -> dict[str, list[_Artifact]]:
    groups: dict[str, list[_Artifact]] = {}
    for artifact in artifacts:
        if artifact.name is not None:
            groups.setdefault(artifact.name, []).append(artifact)
    return groups
