"""What DVC makes of a project's files: a module for the interpreter that has DVC installed.

`resolved` gives the stages that DVC sees, the edges of its graph, and what is declared outside
stages (paths relative to the project); or the error by which it refuses.
"""

import json
import os
import tempfile
from typing import Any


def resolved(files: dict[str, str]) -> Any:
    from dvc.exceptions import DvcException  # type: ignore[import-not-found,unused-ignore]
    from dvc.repo import Repo  # type: ignore[import-not-found,unused-ignore]

    with tempfile.TemporaryDirectory() as name:
        folder = os.path.realpath(name)
        os.mkdir(os.path.join(folder, ".dvc"))
        write(folder, {".dvc/config": "[core]\nno_scm = true\n", **files})
        os.chdir(folder)
        try:
            with Repo(folder) as repo:
                return json.loads(json.dumps(plain(seen(repo, folder)), default=said))
        except Exception as error:
            kind = "refused" if isinstance(error, DvcException) else "crashed"
            return {kind: f"{type(error).__name__}: {error}"}
        finally:
            os.chdir("/")


def said(value: Any) -> str:
    """A value that JSON has not: dates, sets, bytes."""
    return str(sorted(value) if isinstance(value, set) else value)


def write(folder: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)


def seen(repo: Any, folder: str) -> dict[str, Any]:
    index = repo.index
    graph = index.graph  # raises for overlaps and cycles

    def of(file: str) -> str:
        return os.path.relpath(os.path.dirname(file), folder)

    def paths(found: dict[str, list[str]]) -> list[str]:
        return sorted(
            os.path.normpath(os.path.join(of(file), path))
            for file, listed in found.items()
            for path in listed
        )

    return {
        "stages": {
            stage.addressing: described(stage, folder)
            for stage in index.stages
            if type(stage).__name__ == "PipelineStage"
        },
        "data": {
            stage.addressing: record(stage, folder)
            for stage in index.stages
            if type(stage).__name__ != "PipelineStage"
        },
        "edges": sorted([below.addressing, above.addressing] for below, above in graph.edges),
        "metrics": paths(index._metrics),
        "params": paths(index._params),
        "plots": sorted(
            ([of(file), pairs(found)] for file, found in index._plots.items()), key=repr
        ),
        "artifacts": sorted([of(file), found] for file, found in index._artifacts.items()),
    }


def pairs(plots: list[Any]) -> list[Any]:
    """Top-level plots as [path or name, options]."""
    found: list[Any] = []
    for item in plots:
        each = item.items() if isinstance(item, dict) else [(item, None)]
        found.extend([name, options or {}] for name, options in each)
    return found


def described(stage: Any, folder: str) -> dict[str, Any]:
    params = [dep for dep in stage.deps if type(dep).__name__ == "ParamsDependency"]
    return {
        "cmd": stage.cmd,
        "wdir": os.path.relpath(stage.wdir, folder),
        "deps": sorted({place(dep, folder) for dep in stage.deps if dep not in params}),
        "outs": sorted(
            [
                place(out, folder),
                "metric" if out.metric else "plot" if out.plot else "out",
                out.use_cache,
                out.persist,
                out.can_push,
                out.remote,
                out.annot.desc,
            ]
            for out in stage.outs
        ),
        "plots": sorted(
            [place(out, folder), out.plot] for out in stage.outs if isinstance(out.plot, dict)
        ),
        "params": tracked(params, folder),
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "meta": stage.meta,
    }


def tracked(params: list[Any], folder: str) -> dict[str, list[str]]:
    """The keys by file; none is all of it. A file that is spelled in two ways is one."""
    found: dict[str, list[list[str]]] = {}
    for dep in params:
        found.setdefault(place(dep, folder), []).append(dep.params)
    return {
        path: sorted({str(key) for keys in listed for key in keys}) if all(listed) else []
        for path, listed in found.items()
    }


def plain(value: Any) -> Any:
    """A value with keys that JSON has too."""
    if isinstance(value, dict):
        keys = (str, int, float, bool, type(None))
        return {k if isinstance(k, keys) else repr(k): plain(v) for k, v in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def record(stage: Any, folder: str) -> dict[str, Any]:
    return {
        "frozen": stage.frozen,
        "outs": sorted(
            [
                place(out, folder),
                out.hash_info.value or None,
                out.use_cache,
                out.can_push,
                out.remote,
            ]
            for out in stage.outs
        ),
        "deps": sorted(str(dep.def_path) for dep in stage.deps),
    }


def place(item: Any, folder: str) -> str:
    external = "://" in item.def_path or item.def_path.startswith("/")
    return str(item.def_path) if external else os.path.relpath(item.fs_path, folder)
