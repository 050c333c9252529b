"""Which plots one version of a project defines, and what each is drawn from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..model import Stage, TopLevel
from ..tree import join, relative
from ..values import dataclass, field

#: What says how a plot looks, in a pipeline file and on the command line.
PROPERTIES = ("template", "x", "y", "x_label", "y_label", "title", "header")
#: Plots by the file that defines them ("" for outs of stages and files named as targets).
Definitions = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command asks for: plots by name, path or the beginning of one (none: all), and
    properties that go over those of the definitions.
    """

    targets: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def covers(self, plot: str, file: str) -> bool:
        """Whether `plot`, defined in `file`, is asked for, by its name or as `file::name`."""
        if not self.targets:
            return True
        names = (plot, f"{file}::{plot}") if file else (plot,)
        return any(_begins(name, target) for name in names for target in self.targets)


def collect(
    stages: Iterable[Stage],
    top_levels: Sequence[TopLevel],
    wanted: Wanted,
    cwd: str,
    files_below: Callable[[str], Sequence[str] | None],
) -> Definitions:
    """The plots of one version, with paths as seen from `cwd` (a folder of the project).

    `files_below` gives the files of a folder (paths relative to the project), None for anything
    that is not one: a folder stands for its files. Targets that are no plots are taken as files.
    """

    def unpacked(path: str, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        inside = files_below(path)
        paths = [path] if inside is None else inside
        return {relative(each, cwd): dict(options) for each in paths}

    found: Definitions = {}
    for top in top_levels:
        if not top.plots:
            continue
        file = relative(top.file, cwd)
        here = found.setdefault(file, {})
        places = [join(top.folder, name) for name, _ in top.plots]
        for name, options in dict(top.plots).items():
            if not wanted.covers(name, file):
                continue
            if isinstance(options.get("y"), Mapping):
                placed = _placed(options, relative(top.folder, cwd))
                _merge(here, {name: {**placed, **wanted.options}})
                continue
            path = join(top.folder, name)
            every = unpacked(path, {**options, **wanted.options})
            # a file below two definitions obeys the nearer one
            nearest = {each: _nearest(join(cwd, each), places) for each in every}
            _merge(here, {each: every[each] for each in every if nearest[each] == path})
    for stage in stages:
        for out in stage.outs:
            if out.kind != "plot":
                continue
            path = relative(out.path, cwd)
            if wanted.covers(path, relative(stage.file, cwd)):
                options = {key: out.plot[key] for key in PROPERTIES if key in out.plot}
                _merge(found.setdefault("", {}), unpacked(out.path, {**options, **wanted.options}))
    return found


def with_files(
    found: Definitions,
    wanted: Wanted,
    cwd: str,
    files_below: Callable[[str], Sequence[str] | None],
    exists: Callable[[str], bool],
) -> Definitions:
    """`found`, and the targets that are files of this version, plots or not."""
    for target in wanted.targets:
        path = join(cwd, target)
        if found and not exists(path):
            continue
        inside = files_below(path)
        paths = [path] if inside is None else inside
        files = {relative(each, cwd): dict(wanted.options) for each in paths}
        _merge(found.setdefault("", {}), files)
    return found


def by_name(found: Definitions) -> dict[str, tuple[str, dict[str, Any]]]:
    """Plot id -> (its name, options): `file::name` where several files define one of that name."""
    homes: dict[str, list[str]] = {}
    for file, plots in found.items():
        for name in plots:
            homes.setdefault(name, []).append(file)
    named: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, files in homes.items():
        for file in files:
            plot = f"{file}::{name}" if len(files) > 1 and file else name
            named[plot] = (name, found[file][name])
    return named


def _placed(options: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Options whose x and y name files, with those as seen from the current folder."""
    placed = dict(options)
    for axis in ("x", "y"):
        value = options.get(axis)
        if isinstance(value, Mapping):
            placed[axis] = {join(folder, str(file)): names for file, names in value.items()}
    return placed


def _nearest(path: str, places: Sequence[str]) -> str:
    best = ""
    for place in places:
        if len(place) > len(best) and (path == place or path.startswith(place + "/")):
            best = place
    return best or path


def _merge(into: dict[str, dict[str, Any]], more: Mapping[str, dict[str, Any]]) -> None:
    for name, options in more.items():
        into[name] = {**into.get(name, {}), **options}


def _begins(name: str, target: str) -> bool:
    try:
        return re.match(target, name) is not None
    except re.error:
        return name.startswith(target)
