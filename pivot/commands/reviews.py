"""`params` and `metrics`: shown of versions, and compared between two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from ..diff import Change, changed_values, flat, plain
from ..errors import ConfigError, PivotError, did_you_mean
from ..tree import join, relative
from ..values import dataclass
from .measures import DEFAULT_PARAMS, Failure, Reading, read_metrics, read_params
from .session import Request
from .versions import HEAD, NO_COMMIT, WORKSPACE, Version, Versions, opened_versions, range_of

Kind = Literal["params", "metrics"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at: `targets` alone (files or folders, as typed), or all that is declared.

    `deps`: of params only those that stages track. `fetch`: ask the remote for what no cache has.
    `folder`: the project's, in a bare repository of several.
    """

    targets: tuple[str, ...] = ()
    deps: bool = False
    fetch: bool = False
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """The versions to show: the working tree alone, or with revisions."""

    all_branches: bool = False
    all_tags: bool = False
    all_commits: bool = False
    revisions: tuple[str, ...] = ()

    @property
    def has_revisions(self) -> bool:
        return bool(self.all_branches or self.all_tags or self.all_commits or self.revisions)


@dataclass(frozen=True, slots=True)
class Shown:
    """By version, the values of files as they are seen from the current folder.

    `lacks` are the targets that no version has, and what cannot be read of the working tree, where
    it is shown alone, or of a revision that was named.
    """

    data: dict[str, Any]
    notes: tuple[str, ...]
    lacks: tuple[PivotError, ...] = ()

    @property
    def is_told_whole(self) -> bool:
        """Whether `lacks` say all there is to say: no file has values."""
        files = [file for version in self.data.values() for file in version["data"].values()]
        return len(files) <= len(self.lacks) and all("error" in file for file in files)

    def rows(self, precision: int | None) -> tuple[list[str], list[list[str]]]:
        """(header, rows) of the table: a row a file and version, a column a value."""
        found: list[tuple[str, str, dict[str, str]]] = []
        for label, version in self.data.items():
            for path, file in version["data"].items():
                value = file.get("data", {})
                leaves = flat(plain(value)) if isinstance(value, dict) else {"": value}
                cells = {str(key): cell(item, precision) for key, item in leaves.items()}
                found.append((label, path, cells))
        keys = sorted({key for *_, cells in found for key in cells})
        rows = [[label, path, *(cells.get(k, "-") for k in keys)] for label, path, cells in found]
        return ["Revision", "Path", *keys], rows


@dataclass(frozen=True, slots=True)
class Compared:
    """By file (seen from the current folder) and key, what differs between two versions.

    `labels` are the two as people call them; `lacks` says what of either cannot be read: nothing
    is told of that.
    """

    data: dict[str, dict[str, Change]]
    notes: tuple[str, ...]
    labels: tuple[str, str]
    lacks: tuple[PivotError, ...] = ()

    def rows(self, precision: int | None) -> list[list[str]]:
        """Path, key, old, new, difference, as texts."""
        return [
            [
                file,
                str(key),
                *(cell(change.get(name), precision) for name in ("old", "new", "diff")),
            ]
            for file, changes in self.data.items()
            for key, change in changes.items()
        ]


def show(request: Request, kind: Kind, scope: Scope, selected: Selected) -> Shown:
    """The values of the working tree, or of it and the selected revisions.

    The working tree is left out where the branch checked out has the same. What cannot be read of
    one of many branches, tags or commits is a note. Raises PivotError.
    """
    first = next(iter(selected.revisions), None)
    with opened_versions(request, first, scope.folder) as versions:
        if not selected.has_revisions:
            reading = _read(versions, versions.workspace, kind, scope)
            unknown = _nowhere(versions, kind, scope, [reading], reading.absent)
            lacks, told = _told(reading, scope)
            return Shown(
                {"": reading.data(versions.cwd)},
                (*told, *unknown.notes),
                (*lacks, *unknown.lacks),
            )
        named = [versions.at(text) for text in selected.revisions if text != WORKSPACE]
        chosen = chain(
            [] if versions.is_bare else [versions.workspace],
            named,
            versions.selected(
                all_branches=selected.all_branches,
                all_tags=selected.all_tags,
                all_commits=selected.all_commits,
            ),
        )
        branch = versions.project.repository.branch()
        data: dict[str, Any] = {}
        notes: list[str] = []
        lacks = []
        compared: dict[str, Reading] = {}
        absent: frozenset[str] | None = None
        last: list[Reading] = []
        for version in chosen:
            reading = _read(versions, version, kind, scope)
            data[version.label] = reading.data(versions.cwd)
            wrong, told = _told(reading, scope) if version.is_named else ([], reading.notes)
            lacks += wrong
            notes += told
            last = [reading]
            absent = reading.absent if absent is None else absent & reading.absent
            if version.label in (WORKSPACE, branch):  # of others nothing is kept
                compared[version.label] = reading
        if len(compared) == 2 and _is_same(*compared.values()):
            del data[WORKSPACE]
        unknown = _nowhere(versions, kind, scope, last, absent or frozenset())
        notes += unknown.notes
    return Shown(data, tuple(dict.fromkeys(notes)), (*lacks, *unknown.lacks))


def compare(
    request: Request, kind: Kind, scope: Scope, words: Sequence[str], *, unchanged: bool = False
) -> Compared:
    """What differs between two versions, each `workspace` or a revision. Raises PivotError.

    `words` are none, one or two of them, or a range; without, HEAD and the working tree are meant.
    Two names of one commit differ in nothing, even with `unchanged`; so it is in DVC.
    """
    newest = words[-1] if len(words) > 1 or any(map(range_of, words)) else WORKSPACE
    with opened_versions(request, newest, scope.folder) as versions:
        if versions.project.repository.head() is None:
            return Compared({}, (NO_COMMIT,), (HEAD, WORKSPACE))
        before, after = versions.two([end for word in words for end in versions.ends(word)])
        labels = (before.label, after.label)
        if before.commit is not None and before.commit == after.commit and before is not after:
            return Compared({}, (), labels)
        readings = [_read(versions, version, kind, scope) for version in (before, after)]
        values = [reading.values for reading in readings]
        if versions.project.mode != "dvc":  # there, what cannot be read counts as not there
            pairs = (readings, readings[::-1])
            values = [_known(one, other, kind, scope) for one, other in pairs]
        lacks = [error for reading in readings for error in _unreadable(reading)]
        found = changed_values(values[0], values[1], unchanged=unchanged)
        data = {relative(path, versions.cwd): changes for path, changes in found.items()}
        notes = [note for reading in readings for note in reading.notes if not lacks]
        notes += [text for reading in readings if lacks for text in reading.remarks]
        absent = readings[0].absent & readings[1].absent
        unknown = _nowhere(versions, kind, scope, readings, absent)
        notes += unknown.notes
    return Compared(data, tuple(dict.fromkeys(notes)), labels, (*lacks, *unknown.lacks))


def _told(reading: Reading, scope: Scope) -> tuple[list[PivotError], list[str]]:
    """What of a version cannot be read, and what else there is to say of it.

    Files that were named are read without the pipeline: what is wrong with that is only said.
    """
    lacks = _unreadable(reading)
    if scope.targets and reading.version.lacks:
        own = {*map(str, reading.version.lacks)}
        lacks = [error for error in lacks if str(error) not in own]
        return lacks, [*own, *reading.remarks]
    return lacks, reading.remarks if lacks else reading.notes


def _unreadable(reading: Reading) -> list[PivotError]:
    """What of a version cannot be read, with the files of values that are no such files.

    Nothing in projects of DVC's, as with `Version.lacks`.
    """
    if reading.version.is_dvcs:
        return []
    lacks = list(reading.version.lacks)
    places = [str(error.where) for error in lacks]
    for failure in reading.failures:
        error = failure.error
        if isinstance(error, ConfigError) and str(error.where) not in places:
            message = f"{error.message} (at {reading.version.label})"
            lacks.append(ConfigError(message, hint=error.hint, where=error.where))
    return lacks


def _known(reading: Reading, other: Reading, kind: Kind, scope: Scope) -> dict[str, Any]:
    """The values of a version, without what is unknown of the other one."""
    failed = {path for path, found in other.files.items() if isinstance(found, Failure)}
    lacks = bool(other.version.lacks) and not scope.targets
    found: dict[str, Any] = {}
    for path, value in reading.values.items():
        if path in failed - other.absent:
            continue
        is_whole = kind == "metrics" or (path == DEFAULT_PARAMS and not scope.deps)
        if lacks and path not in other.values:
            if other.version.hides(path, reading.version):
                continue
        elif lacks and not is_whole and isinstance(value, Mapping):
            # only keys that stages name count, and some stages are not known
            there = other.values[path]
            known = flat(there) if isinstance(there, Mapping) else {}
            value = {key: item for key, item in flat(value).items() if key in known}
        found[path] = value
    return found


@dataclass(frozen=True, slots=True)
class _Unknown:
    notes: tuple[str, ...] = ()
    lacks: tuple[PivotError, ...] = ()


def _nowhere(
    versions: Versions, kind: Kind, scope: Scope, readings: list[Reading], absent: frozenset[str]
) -> _Unknown:
    """What to say of targets that no version has: a mistake, in projects of Pivot's."""
    if not scope.targets:
        return _Unknown()  # of what is declared, a part may not be made yet
    found = [unknown_target(versions, kind, readings, path) for path in sorted(absent)]
    if versions.project.mode == "dvc":
        return _Unknown(notes=tuple(error.message for error in found))
    made = [any(r.version.is_artifact(path) for r in readings) for path in sorted(absent)]
    return _Unknown(
        tuple(e.message for e, is_made in zip(found, made, strict=True) if is_made),
        tuple(e for e, is_made in zip(found, made, strict=True) if not is_made),
    )


def unknown_target(
    versions: Versions, kind: Kind, readings: Iterable[Reading], path: str
) -> PivotError:
    """What to say of a file that none of the versions has, with the one that may be meant."""
    read = read_metrics if kind == "metrics" else read_params
    known = {file for reading in readings for file in read(reading.version).values}
    shown = [relative(file, versions.cwd) for file in known]
    said = relative(path, versions.cwd)
    return PivotError(
        f"there is no '{said}'",
        hint=did_you_mean(said, shown) or f"`pivot {kind} show` shows all {kind} there are",
    )


def cell(value: Any, precision: int | None) -> str:
    """A value in a table: floats rounded to `precision` digits after the point."""
    return "-" if value is None else str(_rounded(value, precision))


def _rounded(value: Any, precision: int | None) -> Any:
    if isinstance(value, float) and precision:
        return round(value, precision)
    if isinstance(value, dict):
        return {key: _rounded(item, precision) for key, item in value.items()}
    return [_rounded(item, precision) for item in value] if isinstance(value, list) else value


def _read(versions: Versions, version: Version, kind: Kind, scope: Scope) -> Reading:
    if kind == "metrics":
        paths = map(versions.artifact, scope.targets)
        return read_metrics(version, tuple(paths), fetch=scope.fetch)
    targets = tuple(_params_file(versions, version, text) for text in scope.targets)
    return read_params(version, targets, deps=scope.deps, fetch=scope.fetch)


def _params_file(versions: Versions, version: Version, text: str) -> str:
    """A path as the project knows it: from the current folder, else from the root as DVC does."""
    path, rooted = versions.artifact(text), join(".", text)
    return rooted if version.tree.kind(path) is None and version.tree.kind(rooted) else path


def _is_same(one: Reading, other: Reading) -> bool:
    return not (one.failures or other.failures) and one.values == other.values
