"""The stage graph: edges by artifact, cycles, and the selection of stages by target."""

from __future__ import annotations

import bisect
import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from .config.discovery import is_dvc_file
from .config.reserved import holds_project, reserved
from .errors import GraphError, PivotError, Where, nearest, raise_all
from .model import Pipeline, Stage, TrackedFile
from .tree import is_within, join, parent, relative
from .values import dataclass


@dataclass(frozen=True, slots=True)
class Graph:
    """Stages and their edges. `order` lists every stage after all of its parents.

    `parents` and `children` are direct neighbours in definition order; `producer` names the
    stage that makes each out.
    """

    stages: Mapping[str, Stage]
    order: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    children: Mapping[str, tuple[str, ...]]
    producer: Mapping[str, str]

    def upstream(self, names: Iterable[str]) -> set[str]:
        """`names` and all they depend on; a frozen stage's own parents do not count."""
        return _reach(
            names,
            lambda name: () if self.stages[name].frozen else self.parents[name],
        )

    def downstream(self, names: Iterable[str]) -> set[str]:
        """`names` and all that depends on them; a frozen stage passes nothing on."""
        return _reach(
            names,
            lambda name: [child for child in self.children[name] if not self.stages[child].frozen],
        )

    def component(self, names: Iterable[str]) -> set[str]:
        """All stages connected with `names`, whatever the direction."""
        return _reach(names, lambda name: (*self.parents[name], *self.children[name]))

    def maker_of(self, path: str) -> tuple[str, str] | None:
        """(out, stage) of the out that `path` is or lies in; None where no stage makes it."""
        for out in (path, *_folders(path)):
            if out in self.producer:
                return out, self.producer[out]
        return None

    def makers(self, path: str) -> list[str]:
        """The stages with an out that `path` is, lies in, or holds."""
        return [self.producer[out] for out in _Makers(self.producer).touching(path)]

    def sorted(self, names: Iterable[str]) -> list[str]:
        """`names` in dependency order."""
        wanted = set(names)
        return [name for name in self.order if name in wanted]


def _reach(names: Iterable[str], neighbours: Callable[[str], Iterable[str]]) -> set[str]:
    """`names` and everything that can be reached from them."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(neighbours(name))
    return found


def build(pipeline: Pipeline) -> Graph:
    """The graph of a pipeline. Raises GraphError for overlapping outs and for cycles.

    An edge runs from the maker of an out to each stage with a dep (or params file) that is the
    out, lies below it, or is a folder above it.
    """
    stages = pipeline.stages
    raise_all(_impossible_outs(pipeline))
    producer = _producers(stages)
    if pipeline.tracked:
        raise_all(_overlapping_data(pipeline, producer))
    makers = _Makers(producer)
    parents: dict[str, tuple[str, ...]] = {}
    children: dict[str, list[str]] = {name: [] for name in stages}
    errors: list[PivotError] = []
    for name, stage in stages.items():
        found: dict[str, None] = {}
        for path, line in _inputs(stage):
            for out in makers.touching(path):
                maker = producer[out]
                if maker == name:
                    errors.append(_own_input(stage, path, out, line))
                else:
                    found[maker] = None
        parents[name] = tuple(found)
        for maker in found:
            children[maker].append(name)
    raise_all(errors)
    order = _topological(stages, parents)
    frozen_children = {name: tuple(found) for name, found in children.items()}
    return Graph(stages, order, parents, frozen_children, producer)


def missing_inputs(
    graph: Graph, names: Iterable[str], exists: Iterable[str] | None = None
) -> list[tuple[Stage, str, int]]:
    """(stage, path, line) of each dep of `names` that no stage makes and `exists` lacks."""
    present = set(exists or ())
    makers = _Makers(graph.producer)
    missing = []
    for name in names:
        stage = graph.stages[name]
        for dep in stage.deps:
            if dep.path not in present and "://" not in dep.path and not makers.touching(dep.path):
                missing.append((stage, dep.path, dep.line or stage.line))
    return missing


def _inputs(stage: Stage) -> Iterator[tuple[str, int]]:
    for dep in stage.deps:
        yield dep.path, dep.line
    for file in stage.params_files:
        yield file.path, file.line


def _own_input(stage: Stage, path: str, out: str, line: int) -> GraphError:
    where = Where(stage.written_in, line or stage.line)
    if path == out:
        return GraphError(
            f"stage '{stage.name}' has '{path}' both as a dep and as an out",
            hint="a stage cannot read what it makes; drop one of the two, "
            "or mark the out `persist: true` and drop the dep",
            where=where,
        )
    return GraphError(
        f"dep '{path}' and out '{out}' of stage '{stage.name}' lie one within the other",
        hint="give the out a folder of its own",
        where=where,
    )


class _Makers:
    """Finds the outs that are, contain or lie below a path, without comparing all pairs."""

    def __init__(self, producer: Mapping[str, str]) -> None:
        self._producer = producer
        self._sorted = sorted(producer)

    def touching(self, path: str) -> list[str]:
        found = []
        folder = path
        while True:
            if folder in self._producer:
                found.append(folder)
            above = parent(folder)
            if above in (folder, ".") or not above:
                break
            folder = above
        prefix = "" if holds_project(path) else path + "/"
        index = bisect.bisect_left(self._sorted, prefix)
        while index < len(self._sorted) and self._sorted[index].startswith(prefix):
            found.append(self._sorted[index])
            index += 1
        return found


def _impossible_outs(pipeline: Pipeline) -> list[PivotError]:
    """Errors for outs that are the project itself, or its own files."""
    errors: list[PivotError] = []
    for stage in pipeline.stages.values():
        for out in stage.outs:
            what = reserved(out.path, pipeline.files, as_dvc=is_dvc_file(stage.file))
            if what is None:
                continue
            errors.append(
                GraphError(
                    f"stage '{stage.name}' cannot have '{out.path}' as an out: it is {what}",
                    hint="give the out a path of its own",
                    where=Where(stage.written_in, out.line or stage.line),
                )
            )
    return errors


def _producers(stages: Mapping[str, Stage]) -> dict[str, str]:
    producer: dict[str, str] = {}
    lines: dict[str, int] = {}
    errors: list[PivotError] = []
    for name, stage in stages.items():
        for out in stage.outs:
            if out.path in producer:
                other = producer[out.path]
                errors.append(
                    GraphError(
                        f"stage '{name}' makes '{out.path}', which stage '{other}' "
                        f"({stages[other].file}:{lines[out.path]}) makes already"
                        if other != name
                        else f"stage '{name}' names out '{out.path}' twice",
                        hint=_same_out_hint(name, other),
                        where=Where(stage.written_in, out.line or stage.line),
                    )
                )
                continue
            producer[out.path] = name
            lines[out.path] = out.line or stage.line
    raise_all(errors)
    for path, name in producer.items():
        folder = parent(path)
        while folder != "." and folder:
            if folder in producer:
                other = producer[folder]
                errors.append(
                    GraphError(
                        f"out '{path}' of stage '{name}' lies within out '{folder}' of stage "
                        f"'{other}' ({stages[other].file}:{lines[folder]})",
                        hint="outs may not overlap; move one of them",
                        where=Where(stages[name].file, lines[path]),
                    )
                )
                break
            above = parent(folder)
            if above == folder:
                break
            folder = above
    raise_all(errors)
    return producer


def _overlapping_data(pipeline: Pipeline, producer: Mapping[str, str]) -> list[PivotError]:
    """Errors for tracked data that a stage makes, or that other records track, wholly or partly."""
    errors: list[PivotError] = []
    seen: dict[str, TrackedFile] = {}
    made = _Makers(producer)
    for file in pipeline.tracked:
        for out in made.touching(file.path):
            stage = pipeline.stages[producer[out]]
            line = next((o.line for o in stage.outs if o.path == out), 0) or stage.line
            errors.append(
                _overlap(file, out, f"stage '{stage.name}' makes", Where(stage.written_in, line))
            )
        other = seen.setdefault(file.path, file)
        if other is not file:
            place = Where(other.name, other.line)
            errors.append(_overlap(file, other.path, "another record tracks", place))
    tracked = _Makers({path: file.name for path, file in seen.items()})
    for path, file in seen.items():
        place = Where(file.name, file.line)
        inner = [seen[below] for below in tracked.touching(path) if len(below) > len(path)]
        errors += [_overlap(below, path, "another record tracks", place) for below in inner]
    return errors


def _overlap(file: TrackedFile, other: str, who: str, place: Where) -> GraphError:
    what = f"{who} it too" if other == file.path else f"{who} '{other}', which overlaps it"
    return GraphError(
        f"'{file.path}' is tracked here, and {what} ({place})",
        hint=f"drop one of the two: the record {file.name}, or what overlaps it",
        where=Where(file.name, file.line),
    )


def _same_out_hint(name: str, other: str) -> str:
    group, at, _ = name.partition("@")
    if at and other.startswith(f"{group}@"):
        return "put what differs into its path, as in ${item}"
    return "one artifact has one stage; rename one of the outs"


def _topological(
    stages: Mapping[str, Stage], parents: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """All stages, each after its parents, stable in definition order. Raises on a cycle."""
    order: list[str] = []
    state: dict[str, bool] = {}  # False: being visited, True: done
    for root in stages:
        if root in state:
            continue
        path = [root]
        state[root] = False
        pending = [iter(parents[root])]
        while pending:
            for above in pending[-1]:
                if above not in state:
                    state[above] = False
                    path.append(above)
                    pending.append(iter(parents[above]))
                    break
                if state[above] is False:
                    raise _cycle(stages, path[path.index(above) :])
            else:
                done = path.pop()
                pending.pop()
                state[done] = True
                order.append(done)
    return tuple(order)


def _cycle(stages: Mapping[str, Stage], loop: Sequence[str]) -> GraphError:
    # `loop` leads upstream; people read in the direction of the data
    names = [*reversed(loop)]
    links = []
    for maker, user in zip(names, [*names[1:], names[0]], strict=True):
        outs = {out.path for out in stages[maker].outs}
        inputs = [path for path, _ in _inputs(stages[user])]
        via = next(
            (
                path
                for path in inputs
                for out in outs
                if is_within(path, out) or is_within(out, path)
            ),
            "?",
        )
        links.append(f"{maker} -> {user} (by '{via}')")
    first = stages[names[0]]
    return GraphError(
        f"stages form a cycle: {' -> '.join([*names, names[0]])}",
        hint=f"break one of these links: {', '.join(links)}",
        where=Where(first.written_in, first.line),
    )


# --- targets -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selection:
    """How targets become stages. `cwd` is the project-relative folder they were typed in."""

    targets: tuple[str, ...] = ()
    cwd: str = "."
    single: bool = False  # only the targets themselves
    pipeline: bool = False  # everything connected with them
    everything: bool = False  # all pipelines
    recursive: bool = False  # folders stand for the stages of the files below them
    glob: bool = False
    reach: Literal["upstream", "downstream"] = "upstream"


def select(graph: Graph, selection: Selection) -> list[str]:
    """The stages meant, in dependency order. Raises GraphError for a target that is nothing.

    Without targets: the stages of the pipeline file in `cwd`, or all where it has none.
    """
    named = targets_of(graph, selection)
    if selection.everything:
        chosen: set[str] = set(graph.stages)
    elif selection.pipeline:
        chosen = graph.component(named)
    elif selection.single:
        chosen = set(named)
    elif selection.reach == "downstream":
        chosen = graph.downstream(named)
    else:
        chosen = graph.upstream(named)
    return graph.sorted(chosen)


def targets_of(graph: Graph, selection: Selection) -> list[str]:
    """The stages that the targets name, without what they pull in."""
    if not selection.targets:
        here = [name for name, stage in graph.stages.items() if parent(stage.file) == selection.cwd]
        return here or list(graph.stages)
    found: dict[str, None] = {}
    errors: list[PivotError] = []
    for target in selection.targets:
        names = _resolve(graph, target, selection)
        if not names:
            errors.append(_unknown_target(graph, target, selection.cwd))
        found.update(dict.fromkeys(names))
    raise_all(errors)
    return list(found)


def _resolve(graph: Graph, target: str, selection: Selection) -> list[str]:
    stages = graph.stages
    cwd = selection.cwd
    file, colon, short = target.rpartition(":")
    # a bare name means the file of this folder first, then the root's
    if colon and file:
        path = join(cwd, file)
        prefix = "" if "/" not in path else f"{path}:"
        candidates = [f"{prefix}{short}"] if _is_pipeline_file(graph, path) else []
    else:
        here = [stage.file for stage in stages.values() if parent(stage.file) == cwd]
        prefix = f"{here[0]}:" if here and cwd != "." else ""
        candidates = [f"{prefix}{short}", short] if prefix else [short]
    candidates.append(target)
    for name in candidates:
        if name in stages:
            return [name]
    for name in candidates:
        group = [known for known in stages if known.startswith(f"{name}@")]
        if group:
            return group
    if selection.glob or any(sign in target for sign in "*?["):
        for name in candidates:
            # a pattern speaks of one file's stages, as a name does
            alike = [known for known in stages if (":" in known) == (":" in name)]
            matched = [known for known in alike if fnmatch.fnmatchcase(known, name)]
            if matched:
                return matched
    path = join(cwd, target)
    if _is_pipeline_file(graph, path):
        return [name for name, stage in stages.items() if stage.file == path]
    made = graph.maker_of(path)
    if made is not None:
        return [made[1]]
    below = [maker for out, maker in graph.producer.items() if is_within(out, path)]
    if selection.recursive:
        inside = [name for name, stage in stages.items() if is_within(stage.file, path)]
        return inside or list(dict.fromkeys(below))
    return list(dict.fromkeys(below)) if path != "." else []


def _folders(path: str) -> Iterator[str]:
    folder = parent(path)
    while folder not in (".", "") and folder != path:
        yield folder
        path, folder = folder, parent(folder)


def _is_pipeline_file(graph: Graph, path: str) -> bool:
    return any(stage.file == path for stage in graph.stages.values())


def meant_target(target: str, cwd: str, names: Iterable[str], paths: Iterable[str]) -> str | None:
    """`did you mean 'x'?` of names, and of paths from the root, told as seen from `cwd`."""
    shown = {path: relative(path, cwd) for path in paths}
    found = nearest(target, [*names, *shown.values(), *shown])
    return f"did you mean '{shown.get(found, found)}'?" if found else None


def _unknown_target(graph: Graph, target: str, cwd: str) -> GraphError:
    known = [*graph.stages, *(stage.short_name for stage in graph.stages.values())]
    groups = {name.partition("@")[0] for name in graph.stages if "@" in name}
    hint = meant_target(target, cwd, [*known, *groups], graph.producer)
    where = f" in '{cwd}'" if cwd != "." else ""
    return GraphError(
        f"'{target}' is neither a stage nor an artifact that a stage makes{where}",
        hint=hint or "`pivot list` names the stages",
    )
