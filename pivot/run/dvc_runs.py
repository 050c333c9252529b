"""DVC's run cache (`.dvc/cache/runs`), read: results that `dvc repro` made of the same inputs.

DVC names an entry by command, deps, params and paths of outs, and knows nothing of code that is
imported; so an entry stands for a run only where all code behind the stage is among its deps. The
folder is never written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .. import lockfile
from ..config import load_yaml
from ..digest import Digest
from ..disk import read_if_exists
from ..errors import ConfigError
from ..model import CodeManifest, Stage, StageKey, StageRecord
from ..tree import is_within

_UNCOUNTED = frozenset(("size", "nfiles"))


def earlier_result(
    folder: str, stage: Stage, key: StageKey, deps: Mapping[str, Digest]
) -> StageRecord | None:
    """The newest result in the run cache at `folder`, as a record of `key`; None without one.

    `deps` has the digests of all deps of the stage.
    """
    if not _is_kept(stage) or len(deps) < len(stage.deps):
        return None
    entry = lockfile.entry_of_record(stage, StageRecord(stage.name, key, {}), deps)
    name = _name(stage, entry)
    if name is None:
        return None
    for path in _newest_first(f"{folder}/{name[:2]}/{name}"):
        try:
            found = load_yaml(read_if_exists(path) or b"", path)
        except (ConfigError, OSError):
            continue
        if isinstance(found, Mapping):
            record = lockfile.record_of_entry(stage, found)
            if record.outs.keys() == {out.path for out in stage.outs}:
                return replace(record, key=key, basis=None)
    return None


def is_listed(manifest: CodeManifest | None, stage: Stage) -> bool:
    """Whether all project code behind the stage is among its deps."""
    if manifest is None:
        return True  # the code does not count
    files = {symbol.file for symbol in manifest.symbols.values()}
    listed = all(any(is_within(file, dep.path) for dep in stage.deps) for file in files)
    return listed and not manifest.opaque


def _is_kept(stage: Stage) -> bool:
    """Whether DVC keeps results of such stages."""
    if stage.always_changed or not stage.outs or not (stage.deps or stage.params_files):
        return False
    paths = [*(dep.path for dep in stage.deps), *(out.path for out in stage.outs)]
    is_local = not any("://" in path for path in paths)
    inside = not any(out.persist or out.path.startswith(("/", "../")) for out in stage.outs)
    return is_local and inside


def _name(stage: Stage, entry: lockfile.Entry) -> str | None:
    """The name under which DVC keeps the results of a stage."""
    outs = sorted(lockfile.written(stage, out) for out in stage.outs)
    try:
        text = json.dumps({**_counted(dict(entry)), "outs": outs}, sort_keys=True)
    except TypeError:
        return None  # a date among the params, for one
    return hashlib.sha256(text.encode()).hexdigest()


def _counted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _counted(item) for key, item in value.items() if key not in _UNCOUNTED}
    return [_counted(item) for item in value] if isinstance(value, list) else value


def _newest_first(folder: str) -> Iterable[str]:
    try:
        paths = [entry.path for entry in os.scandir(folder) if entry.is_file()]
        return sorted(paths, key=os.path.getmtime, reverse=True)
    except OSError:
        return ()
