"""Params and metrics of versions: which files hold them, and what is in these.

What is read, and how failures are called, is as DVC 3 has it, so that scripts which read its JSON
read ours.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..config import load_params_file
from ..errors import ConfigError, PivotError, StoreError
from ..tree import join, relative
from ..values import dataclass
from .versions import Version

DEFAULT_PARAMS = "params.yaml"
#: What a folder holds beside its data.
_OWN_FILES = ("dvc.yaml", "pivot.yaml", ".dvcignore")
_RECORDS = (".dvc", ".pvt")
_OWN_FOLDERS = frozenset((".git", ".hg", ".pivot", ".dvc"))
#: Endings of the files that are looked at in folders which people name.
_DATA = frozenset(("json", "yaml", "yml", "toml", "csv", "tsv"))
_TABLES = {"csv": ",", "tsv": "\t"}
_CORRUPTED = {
    "json": ("JSONFileCorruptedError", "JSON file structure is corrupted"),
    "toml": ("TOMLFileCorruptedError", "TOML file structure is corrupted"),
    "py": ("PythonFileCorruptedError", "Python file structure is corrupted"),
}
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_YAML = ("YAMLFileCorruptedError", "YAML file structure is corrupted")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file has no values: by DVC's words (`kind`, `text`), and by ours (`error`).

    `is_absent` where it simply is not in that version.
    """

    kind: str
    text: str
    error: PivotError
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What is in the files of one version: of each its value, or the Failure."""

    version: Version
    files: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """What could be read."""
        return {path: v for path, v in self.files.items() if not isinstance(v, Failure)}

    @property
    def failures(self) -> list[Failure]:
        """What could not."""
        return [found for found in self.files.values() if isinstance(found, Failure)]

    @property
    def absent(self) -> frozenset[str]:
        """The files that this version simply lacks."""
        found = self.files.items()
        return frozenset(p for p, v in found if isinstance(v, Failure) and v.is_absent)

    def data(self, folder: str) -> dict[str, Any]:
        """As `dvc metrics show --json` shows one revision, seen from `folder`."""
        shown: dict[str, Any] = {}
        for path, found in self.files.items():
            if isinstance(found, Failure):
                entry: dict[str, Any] = {"error": {"type": found.kind, "msg": found.text}}
            else:
                entry = {"data": found}
            shown[relative(path, folder)] = entry
        return {"data": shown}

    @property
    def notes(self) -> list[str]:
        """What people should know: files that could not be read, parts that could not be loaded."""
        problems = self.version.pipeline.problems
        said = [f"{self.version.label}: {problem.error}" for problem in problems]
        return list(dict.fromkeys([*self._failed(), *said, *self.version.notes]))

    @property
    def remarks(self) -> list[str]:
        """Of the notes, what is no mistake in a file."""
        return [*self._failed(but=ConfigError), *self.version.notes]

    def _failed(self, but: type[PivotError] | tuple[()] = ()) -> Iterator[str]:
        for failure in self.failures:
            if not failure.is_absent and not isinstance(failure.error, but):
                yield f"{self.version.label}: {failure.error}"


# --- metrics --------------------------------------------------------------------------------


def read_metrics(version: Version, targets: Iterable[str] = (), *, fetch: bool = False) -> Reading:
    """The metrics of a version: of stages and of `metrics` lists; of `targets` alone with these.

    Kept are numbers, texts and mappings of them; of a table (CSV, TSV) its last row.
    """
    paths = list(targets)
    if not paths:
        stages = version.pipeline.stages.values()
        paths = [out.path for stage in stages for out in stage.outs if out.kind == "metric"]
        paths += [path for top in version.pipeline.top_levels for path in top.metrics]
    files: dict[str, Any] = {}
    for path in dict.fromkeys(_expanded(version, paths, targets)):
        found = _load(version, path, fetch)
        files[path] = found if isinstance(found, Failure) else _measured(found) or {}
    return Reading(version, files)


def _measured(value: Any) -> Any:
    """The numbers and texts in a value; None where there are none."""
    if isinstance(value, (int, float, str)):
        return value
    if not isinstance(value, Mapping):
        return None
    found = {key: _measured(item) for key, item in value.items()}
    return {key: item for key, item in found.items() if item is not None and item != {}}


# --- params ---------------------------------------------------------------------------------


def read_params(
    version: Version,
    targets: Iterable[str] = (),
    *,
    deps: bool = False,
    fetch: bool = False,
) -> Reading:
    """The params of a version: what stages track, `params` lists, and params.yaml at the root.

    Beside them what stages use of other files by `${}`, and values that a stage holds itself, with
    the defaults of its params' class: under its pipeline file, as `stage.name`. With `deps` no
    lists and no params.yaml for its own sake, with `targets` these files alone, all of each.
    """
    given = tuple(targets)
    wanted: dict[str, tuple[str, ...]] = (
        dict.fromkeys(given, ()) if given else _tracked(version, deps)
    )
    files: dict[str, Any] = {}
    for file, keys in wanted.items():
        for path in _expanded(version, [file], given):
            found = _load(version, path, fetch)
            if keys and not isinstance(found, Failure):
                found = picked(found, keys)
            files[path] = found
    if not given:
        for path, values in {**version.usage.files, **_inline(version)}.items():
            files.setdefault(path, values)
    return Reading(version, files)


def _inline(version: Version) -> dict[str, dict[str, dict[str, Any]]]:
    """By pipeline file and stage, the values that it holds, and those its params' class gives."""
    found = {file: dict(stages) for file, stages in version.usage.inline.items()}
    for stage in version.pipeline.stages.values():
        if stage.defaults:
            given = {name: stage.params[name] for name in stage.defaults}
            stages = found.setdefault(stage.file, {})
            stages[stage.short_name] = {**given, **stages.get(stage.short_name, {})}
    return found


def _tracked(version: Version, deps: bool) -> dict[str, tuple[str, ...]]:
    """The params files of a version with the keys that count in them, () for all."""
    keys: dict[str, list[str]] = {}
    whole: set[str] = set()
    for stage in version.pipeline.stages.values():
        for file in stage.params_files:
            keys.setdefault(file.path, []).extend(file.keys or ())
            if not file.keys:
                whole.add(file.path)
    if not deps:
        for path in (path for top in version.pipeline.top_levels for path in top.params):
            whole.add(path)
        if version.tree.kind(DEFAULT_PARAMS) or version.digest(DEFAULT_PARAMS):
            whole.add(DEFAULT_PARAMS)
    found = {path: () if path in whole else tuple(names) for path, names in keys.items()}
    return {**found, **dict.fromkeys(sorted(whole - found.keys()), ())}


def picked(value: Any, keys: Iterable[str]) -> dict[Any, Any]:
    """The parts of `value` that dotted keys name, each at its place; globs match names."""
    found: dict[Any, Any] = {}
    for key in dict.fromkeys(keys):
        _pick(value, key.split("."), found)
    return found


def _pick(value: Any, parts: list[str], into: dict[Any, Any]) -> None:
    if not isinstance(value, Mapping):
        return
    for name, item in value.items():
        if not fnmatchcase(str(name), parts[0]):
            continue
        if len(parts) == 1:
            into[name] = item
            continue
        inner: dict[Any, Any] = {}
        _pick(item, parts[1:], inner)
        if inner:
            before = into.get(name)
            into[name] = {**before, **inner} if isinstance(before, Mapping) else inner


# --- files ----------------------------------------------------------------------------------


def _expanded(version: Version, paths: Iterable[str], targets: Iterable[str] = ()) -> Iterator[str]:
    """`paths`, with the files of those that are folders.

    Of folders that people name only files that can hold values count; to DVC every file may.
    """
    chosen = () if version.mode == "dvc" else frozenset(targets)
    for path in paths:
        inside = _files(version, path)
        if inside is None:
            yield path
        else:
            yield from sorted(f for f in inside if path not in chosen or _is_data(f, path))


def _is_data(file: str, folder: str) -> bool:
    """Whether a file found in a folder is one of values: no code, picture or hidden file."""
    *folders, name = relative(file, folder).split("/")
    ending = name.rpartition(".")[2].lower()
    return ending in _DATA and not any(part[:1] == "." for part in (*folders, name))


def _files(version: Version, path: str) -> set[str] | None:
    """Every file below a folder, of the tree and of artifacts; None for what is no folder."""
    manifest = version.files(path)
    is_folder = manifest is not None or version.tree.kind(path) == "dir"
    found = {join(path, entry.path) for entry in manifest.entries} if manifest else set()
    for artifact in version.artifacts_below(path):
        if version.is_cached(artifact):
            found |= _files(version, artifact) or {artifact}
            is_folder = True
    pending = [path] if version.tree.kind(path) == "dir" else []
    while pending:
        folder = pending.pop()
        for name, is_dir in version.tree.list(folder):
            place = join(folder, name)
            if is_dir:
                pending += [place] if name not in _OWN_FOLDERS else []
            elif name not in _OWN_FILES and not name.endswith(_RECORDS):
                found.add(place)
    return found if is_folder else None


def _load(version: Version, path: str, fetch: bool) -> Any:
    """What is in a file, or the Failure."""
    try:
        data = version.read(path, fetch=fetch)
    except StoreError as error:
        return Failure("OSError", str(error), error)
    if data is None:
        return _absent(version, path, fetch)
    if data.startswith(_LFS_POINTER):
        pointer = PivotError(f"git has only a pointer to the large file '{path}'")
        return Failure("OSError", str(pointer), pointer)
    # DVC calls the file by its place below the root, seen from the current folder
    called = os.path.relpath(f"/{path}") if version.is_dvcs else version.seen(path)
    shown = f"unable to read: '{called}', "
    try:
        data.decode()
    except UnicodeDecodeError:
        said = ConfigError(f"'{path}' is not UTF-8 text")
        return Failure("EncodingError", f"{shown}is not valid utf-8", said)
    suffix = path.rpartition("/")[2].rpartition(".")[2].lower()
    try:
        if suffix in _TABLES:
            return _last_row(data.decode(), _TABLES[suffix])
        return load_params_file(data, path) or {}
    except ConfigError as error:
        kind, text = _CORRUPTED.get(suffix, _YAML)
        return Failure(kind, shown + text, error)


def _absent(version: Version, path: str, fetch: bool) -> Failure:
    is_kept = version.is_cached(path)
    what = "No storage files available" if is_kept else os.strerror(errno.ENOENT)
    text = f"[Errno {errno.ENOENT}] {what}: '{path}'"
    if is_kept and version.digest(path) is not None:
        asked = f", nor on remote '{version.asked_remote(path)}'" if fetch else ""
        hint = None if fetch else "`--fetch` asks the remote"
        error = StoreError(f"'{path}' is not in the cache{asked}", hint=hint)
        return Failure("FileNotFoundError", text, error)
    return Failure("FileNotFoundError", text, PivotError(f"'{path}' is not there"), is_absent=True)


def _last_row(text: str, delimiter: str) -> dict[str, Any]:
    """The last row of a table by its header's names, numbers as numbers."""
    import csv  # 3 ms; few metrics are tables

    last: dict[str, Any] = {}
    for row in csv.DictReader(text.splitlines(), delimiter=delimiter):
        last = {name: _cell(cell) for name, cell in row.items() if name and cell is not None}
    return last


def _cell(text: Any) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            continue
    return text
