"""What Pivot makes of a project's files, in the form of `resolved_by_dvc`."""

from __future__ import annotations

from typing import Any

from pivot import graph as graphs
from pivot.commands.loading import load_tree
from pivot.config.discovery import records_of
from pivot.errors import PivotError, raise_all
from pivot.lockfile.data_records import DataRecord, parse_data_record
from pivot.lockfile.dvc_text import parse_dvc_lock
from pivot.model import Pipeline, Stage
from pivot.project.configuration import read_settings
from pivot.project.dvcignore import DvcIgnore
from pivot.tree import DictTree


def read(files: dict[str, str]) -> Any:
    """The stages, edges and declarations; or a mapping with the error by which it is refused."""
    tree = DictTree(files)
    ignored = DvcIgnore(tree, "/project")
    try:
        pipeline = load_tree(tree, "dvc", read_settings("/project"), (), ignored.skips_folder)
        raise_all([problem.error for problem in pipeline.problems])
        records = [
            parse_data_record(tree.read(path) or b"", path)
            for path in records_of(pipeline)
            if path.endswith(".dvc")
        ]
        graph = graphs.build(pipeline)
        for path in pipeline.files:
            lock = path.removesuffix("yaml") + "lock"
            data = tree.read(lock)
            if data is not None:
                parse_dvc_lock(data, lock)
    except PivotError as error:
        return {"refused": str(error)}
    return {
        "stages": {name: described(stage) for name, stage in pipeline.stages.items()},
        "data": {found.path: _record(found) for found in records},
        "edges": sorted(
            [name, above] for name in graph.stages for above in graph.parents[name]
        ),
        **_declared(pipeline),
    }  # fmt: skip


def described(stage: Stage) -> dict[str, Any]:
    command: Any = stage.entry.exact  # type: ignore[union-attr]
    return {
        "cmd": list(command) if isinstance(command, tuple) else command,
        "wdir": stage.wdir,
        "deps": sorted({dep.path for dep in stage.deps}),
        "outs": sorted(
            [out.path, out.kind, out.cache, out.persist, out.push, out.remote, out.desc]
            for out in stage.outs
        ),
        "plots": sorted([out.path, dict(out.plot)] for out in stage.outs if out.plot),
        "params": {item.path: sorted(item.keys or ()) for item in stage.params_files},
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "meta": stage.meta,
    }


def _record(found: DataRecord) -> dict[str, Any]:
    return {
        "frozen": found.frozen,
        "outs": sorted(
            [out.path, _value(out.digest), out.cache, out.push, out.remote] for out in found.outs
        ),
        "deps": sorted(str(dep.get("path")) for dep in found.deps),
    }


def _value(digest: Any) -> str | None:
    if digest is None:
        return None
    return digest.value + (".dir" if digest.is_tree else "")


def _declared(pipeline: Pipeline) -> dict[str, Any]:
    levels = pipeline.top_levels
    return {
        "metrics": sorted(path for level in levels for path in level.metrics),
        "params": sorted(path for level in levels for path in level.params),
        "plots": sorted(
            ([level.folder, [[name, dict(options)] for name, options in level.plots]]
             for level in levels if level.plots), key=repr,
        ),
        "artifacts": sorted(
            [level.folder, dict(level.artifacts)] for level in levels if level.artifacts
        ),
    }  # fmt: skip
