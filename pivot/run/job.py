"""What an executor is asked to run, and what it answers: plain data that crosses as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from ..lockfile import encode_value
from ..values import dataclass, field

How = Literal["path", "load", "update", "value", "params"]
JobKind = Literal["python", "cmd"]


@dataclass(frozen=True, slots=True)
class Argument:
    """What one parameter of a stage's function receives.

    `path`: the paths as `pathlib.Path` (`str` where so annotated), as the stage sees them:
    relative to its working directory. `load`: what `loader` (None: by suffix) reads from them.
    `update`: the same, or an empty value where nothing lies there yet; it is saved after the call.
    `value`: a param. `params`: one or all of them, passed where asked for. With `is_list` a list
    arrives. One that is `optional` goes to functions that ask for it alone.
    """

    name: str
    how: How
    paths: tuple[str, ...] = ()
    is_list: bool = False
    value: Any = None
    loader: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Save:
    """An out that is written from what the function returns (`name`: its key in a mapping).

    A `directory` is made of a mapping of relative paths to values. With `by_name` the value is a
    field of what is returned, although it may be the only one.
    """

    name: str
    paths: tuple[str, ...]
    loader: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    is_list: bool = False
    directory: bool = False
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class ParamsCheck:
    """Params to be held against the class that a function takes as `params`, without calling it."""

    stage: str
    module: str
    qualname: str
    value: Any


@dataclass(frozen=True, slots=True)
class Job:
    """One stage to run, self-contained: any machine with the same files could run it.

    All paths but those of arguments and saves are absolute. `roots` come before everything else
    on the import path. `observe` notes project modules and files; files at or below `known`
    (the stage's deps and outs) are not worth reporting. `env_set` is laid over the environment
    after `env_drop` was taken from it. `timeout` is in seconds. A job with `checks` calls nothing:
    it tells which params do not fit.
    """

    stage: str
    kind: JobKind
    root: str
    cwd: str
    log: str
    module: str = ""
    qualname: str = ""
    arguments: tuple[Argument, ...] = ()
    saves: tuple[Save, ...] = ()
    commands: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    env_set: Mapping[str, str] = field(default_factory=dict)
    env_drop: tuple[str, ...] = ()
    timeout: float | None = None
    preload: bool = True
    observe: bool = True
    known: tuple[str, ...] = ()
    checks: tuple[ParamsCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong with a param of a stage; `param` leads to the value among the params."""

    stage: str
    message: str
    param: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    `error` is one line, `detail` the traceback or the last lines of output. `exit_code` is None
    where a signal ended the process (`signal` names it) or it never started; `timed_out` and
    `stopped` (by `kill` or `terminate_all`) say that we ended it. `module_files` maps the project
    modules that were really imported to their files, and `file:x.py` to scripts that were run;
    `opened` are the project files with how they were opened ('r', 'w', 'rw'); both relative to
    the root. `seconds` is wall-clock time of the process. `misfits` are the params that the stage
    does not take, where that is what went wrong.
    """

    stage: str
    ok: bool
    error: str | None = None
    detail: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    timed_out: bool = False
    stopped: bool = False
    seconds: float = 0.0
    module_files: Mapping[str, str] = field(default_factory=dict)
    opened: tuple[tuple[str, str], ...] = ()
    pgid: int | None = None
    misfits: tuple[Misfit, ...] = ()

    @property
    def observed_modules(self) -> tuple[str, ...]:
        """The names of `module_files`, sorted; scripts that were run are no modules."""
        return tuple(sorted(name for name in self.module_files if not name.startswith("file:")))


def job_data(job: Job) -> dict[str, Any]:
    """`job` as JSON-able data: what the worker program reads."""
    return {
        "stage": job.stage,
        "kind": job.kind,
        "root": job.root,
        "cwd": job.cwd,
        "log": job.log,
        "module": job.module,
        "qualname": job.qualname,
        "arguments": [
            {
                "name": argument.name,
                "how": argument.how,
                "paths": argument.paths,
                "is_list": argument.is_list,
                "value": encode_value(argument.value),
                "loader": argument.loader,
                "options": encode_value(argument.options),
                "optional": argument.optional,
            }
            for argument in job.arguments
        ],
        "saves": [
            {
                "name": save.name,
                "paths": save.paths,
                "loader": save.loader,
                "options": encode_value(save.options),
                "is_list": save.is_list,
                "directory": save.directory,
                "by_name": save.by_name,
            }
            for save in job.saves
        ],
        "commands": job.commands,
        "roots": job.roots,
        "env_set": dict(job.env_set),
        "env_drop": job.env_drop,
        "timeout": job.timeout,
        "preload": job.preload,
        "observe": job.observe,
        "known": job.known,
        "checks": [
            {
                "stage": check.stage,
                "module": check.module,
                "qualname": check.qualname,
                "value": encode_value(check.value),
            }
            for check in job.checks
        ],
    }


def job_from_data(data: Mapping[str, Any]) -> Job:
    """The inverse of `job_data`."""
    from .worker.values import decode_value

    arguments = tuple(
        Argument(
            entry["name"],
            entry["how"],
            tuple(entry["paths"]),
            entry["is_list"],
            decode_value(entry["value"]),
            entry["loader"],
            decode_value(entry["options"]),
            entry["optional"],
        )
        for entry in data["arguments"]
    )
    saves = tuple(
        Save(
            entry["name"],
            tuple(entry["paths"]),
            entry["loader"],
            decode_value(entry["options"]),
            entry["is_list"],
            entry["directory"],
            entry["by_name"],
        )
        for entry in data["saves"]
    )
    known: dict[str, Any] = {name: data[name] for name in Job.__dataclass_fields__}
    for name in ("commands", "roots", "env_drop", "known"):
        known[name] = tuple(known[name])
    checks = tuple(
        ParamsCheck(
            entry["stage"], entry["module"], entry["qualname"], decode_value(entry["value"])
        )
        for entry in data["checks"]
    )
    return Job(**{**known, "arguments": arguments, "saves": saves, "checks": checks})


def job_text(job: Job) -> str:
    """`job` as one line of JSON."""
    return json.dumps(job_data(job))


def job_from_text(text: str) -> Job:
    """The inverse of `job_text`."""
    return job_from_data(json.loads(text))
