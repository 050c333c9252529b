"""Which artifacts targets mean: outs of stages, tracked data, and files inside of either."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..digest import Digest
from ..errors import GraphError, PivotError, did_you_mean, raise_all
from ..graph import Selection, meant_target, targets_of
from ..model import Out, TrackedFile
from ..tree import is_within, join
from ..values import dataclass

if TYPE_CHECKING:
    from ..graph import Graph
    from .session import Session
    from .versions import Version


@dataclass(frozen=True, slots=True)
class Item:
    """One artifact, and what it must be; `digest` None where no lock or record says so.

    `owner` is the stage that makes it, or the record that tracks it; `part` is a path inside it
    where only that is meant.
    """

    path: str
    owner: str
    digest: Digest | None
    out: Out
    tracked: TrackedFile | None = None
    part: str | None = None

    def covers(self, inner: str) -> bool:
        """Whether the file at `inner`, a path inside the artifact, is meant."""
        return self.part is None or is_within(inner, self.part)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one version of the project makes and tracks; `locked` gives a stage's outs."""

    graph: Graph
    tracked: Sequence[TrackedFile]
    locked: Callable[[str], Mapping[str, Digest] | None]


@dataclass(frozen=True, slots=True)
class Targets:
    """What was asked for, in the folder `cwd`: nothing means all there is."""

    names: tuple[str, ...] = ()
    cwd: str = "."
    recursive: bool = False
    glob: bool = False
    with_deps: bool = False


def inventory_of(session: Session) -> Inventory:
    """What the project makes and tracks as it lies in the work tree."""
    space = session.space

    def locked(name: str) -> Mapping[str, Digest] | None:
        record = space.locks.record(name)
        return record.outs if record else None

    return Inventory(space.graph, space.pipeline.tracked, locked)


def inventory_at(version: Version) -> Inventory:
    """What the project makes and tracks in one version, as its locks and records have it."""
    from .. import graph as graphs

    pipeline = version.pipeline
    built = graphs.build(pipeline)

    def locked(name: str) -> Mapping[str, Digest] | None:
        digests = {out.path: version.digest(out.path) for out in built.stages[name].outs}
        return {path: digest for path, digest in digests.items() if digest is not None}

    return Inventory(built, pipeline.tracked, locked)


def items_of(inventory: Inventory, targets: Targets) -> list[Item]:
    """The artifacts that the targets mean, each once. Raises PivotErrors for what means nothing."""
    if not targets.names:
        return [*_of_stages(inventory, inventory.graph.order), *_of_files(inventory.tracked)]
    found: dict[tuple[str, str | None], Item] = {}
    errors: list[PivotError] = []
    for name in targets.names:
        try:
            chosen = _one(inventory, name, targets)
        except PivotError as error:
            errors.append(error)
            continue
        found.update({(item.path, item.part): item for item in chosen})
    raise_all(errors)
    return list(found.values())


def _one(inventory: Inventory, target: str, targets: Targets) -> list[Item]:
    graph = inventory.graph
    path = join(targets.cwd, target.rstrip("/") or target)
    exact = [file for file in inventory.tracked if path in (file.name, file.path)]
    if exact:
        return _of_files(exact)
    selection = Selection(
        (target,), targets.cwd, recursive=targets.recursive, glob=targets.glob, single=True
    )
    problem: GraphError | None = None
    names: list[str] = []
    try:
        names = targets_of(graph, selection)
    except GraphError as error:
        problem = error
    if names and (targets.with_deps or targets.recursive or _is_named(names, target)):
        wanted = graph.sorted(graph.upstream(names)) if targets.with_deps else names
        found = _of_stages(inventory, wanted)
        if targets.with_deps:
            inputs = {dep.path for name in wanted for dep in graph.stages[name].deps}
            found += _of_files(file for file in inventory.tracked if file.path in inputs)
        return found if not targets.recursive else [*found, *_below(inventory, path, found)]
    below = _below(inventory, path, [])
    if below:
        return below
    inside = _inside(inventory, path)
    if inside is not None:
        return [inside]
    if targets.glob or any(sign in target for sign in "*?["):
        everything = [*_of_stages(inventory, graph.order), *_of_files(inventory.tracked)]
        matched = [item for item in everything if fnmatch.fnmatchcase(item.path, path)]
        if matched:
            return matched
    if names:
        return _of_stages(inventory, names)
    known = [name for file in inventory.tracked for name in (file.name, file.path)]
    assert problem is not None  # no stage was found
    meant = meant_target(target, targets.cwd, (), known)
    raise GraphError(problem.message, hint=meant or problem.hint)


def _is_named(names: Sequence[str], target: str) -> bool:
    """Whether the target is the name of stages, and not of what they make."""
    short = {name.rpartition(":")[2] for name in names}
    groups = {name.partition("@")[0] for name in short}
    return target in short or target in groups or target in names or ":" in target


def _of_stages(inventory: Inventory, names: Iterable[str]) -> list[Item]:
    found = []
    for name in names:
        locked = inventory.locked(name)
        for out in inventory.graph.stages[name].outs:
            digest = locked.get(out.path) if locked is not None else None
            found.append(Item(out.path, name, digest, out))
    return found


def _of_files(files: Iterable[TrackedFile]) -> list[Item]:
    return [
        Item(
            file.path,
            file.name,
            file.digest,
            Out(file.path, cache=file.cache, push=file.push, remote=file.remote),
            file,
        )
        for file in files
    ]


def _below(inventory: Inventory, path: str, known: Sequence[Item]) -> list[Item]:
    """The artifacts that lie at `path` or below it."""
    makers = [
        maker
        for out, maker in inventory.graph.producer.items()
        if path == "." or is_within(out, path)
    ]
    made = _of_stages(inventory, dict.fromkeys(makers))
    files = _of_files(inventory.tracked)
    there = {item.path for item in known}
    return [
        item
        for item in (*made, *files)
        if (path == "." or is_within(item.path, path)) and item.path not in there
    ]


def _inside(inventory: Inventory, path: str) -> Item | None:
    """The artifact that `path` lies in, for that part."""
    made = inventory.graph.maker_of(path)
    if made is not None:
        [item] = [item for item in _of_stages(inventory, [made[1]]) if item.path == made[0]]
    else:
        files = [file for file in inventory.tracked if is_within(path, file.path)]
        if not files:
            return None
        [item] = _of_files(files[:1])
    part = path[len(item.path) + 1 :]
    if item.digest is not None and not item.digest.is_tree:
        raise no_part(item.path, part)
    return Item(item.path, item.owner, item.digest, item.out, item.tracked, part)


def no_part(path: str, part: str, files: Iterable[str] | None = None) -> PivotError:
    """What to say where artifact `path` has no `part`: of its `files` (None: it is a file)."""
    if files is None:
        return GraphError(f"'{path}' is a file, and has no '{part}' in it")
    return GraphError(f"'{path}' has no '{part}' in it", hint=did_you_mean(part, files))
