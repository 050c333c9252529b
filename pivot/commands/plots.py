"""`plots`: what any version of the project plots, as charts, JSON, text, or one HTML file."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import disk
from ..errors import PivotError, did_you_mean
from ..plots.anchors import Filled, fill
from ..plots.charts import Content, Failure, Plot, RevisionPlots, plots_of
from ..plots.datapoints import sources_of
from ..plots.definitions import PROPERTIES, Definitions, Wanted, by_name, collect, with_files
from ..plots.page import Chart, page
from ..plots.sources import is_image, parse
from ..plots.templates import DEFAULT, find_template
from ..project import Project
from ..tree import is_within, join, relative
from ..values import dataclass
from .versions import HEAD, WORKSPACE, Version, Versions

EXTRA = "plots"
#: Where plots are written without -o, by the mode of the project.
FOLDERS = {"pivot": "pivot_plots", "dvc": "dvc_plots"}
#: A file of more bytes is not read for a plot: nobody could look at its points.
SIZE_LIMIT = 64 << 20
#: What DVC calls a file that is missing, in JSON.
ABSENT = "FileNotFoundError"
_HIDDEN = frozenset((".git", ".pivot", ".dvc"))
#: What the bundle does with the libraries in it.
_EXPORTS = "window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True, slots=True)
class Plots:
    """The plots of one or several versions.

    `failures` belong to none of them; `lacks` are those for which a version is not known whole, and
    `warnings` the others. `notes` say what was not looked into.
    """

    plots: tuple[Plot, ...]
    revisions: tuple[str, ...]
    failures: tuple[Failure, ...]
    warnings: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    lacks: tuple[PivotError, ...] = ()


def compared(versions: Versions, revisions: Sequence[str]) -> tuple[str, ...]:
    """The versions that a comparison shows: of one name and the working tree, or of several.

    Without names the last commit and the working tree, where those differ; none before the first
    commit. Raises PivotError without a repository.
    """
    wanted = [end for word in revisions for end in versions.ends(word)]
    if not wanted and versions.project.repository.head() is None:
        return ()
    if not wanted and versions.project.git is not None and versions.project.git.is_dirty():
        wanted = [HEAD]
    if len(wanted) < 2:
        wanted.append(WORKSPACE)
    if WORKSPACE in wanted:
        wanted = [WORKSPACE, *(name for name in wanted if name != WORKSPACE)]
    return tuple(dict.fromkeys(wanted))


def load(
    versions: Versions, revisions: Sequence[str], wanted: Wanted, *, fetch: bool = False
) -> Plots:
    """The plots of those versions. Raises PivotError for unknown revisions."""
    opened = [versions.at(name) for name in revisions]
    found = [_Reader(versions, version, wanted, fetch).plots() for version in opened]
    problems = [
        Failure(version.label, str(problem.error), kind="ConfigError")
        for version in opened
        for problem in version.pipeline.problems
    ]
    others = [failure for version in found for failure in _unknown_properties(version)]
    # files that were named are read without the pipeline
    lacks = tuple(e for version in opened for e in version.lacks if not wanted.targets)
    return Plots(
        plots_of(found),
        tuple(revisions),
        failures=(*problems, *others),
        warnings=tuple(others if lacks else [*problems, *others]),
        notes=tuple(dict.fromkeys(remark for version in opened for remark in version.notes)),
        lacks=lacks,
    )


def _unknown_properties(version: RevisionPlots) -> Iterator[Failure]:
    for file, plots in version.definitions.items():
        for plot, options in plots.items():
            for name in options:
                if name not in PROPERTIES:
                    meant = did_you_mean(str(name), PROPERTIES) or f"it has {', '.join(PROPERTIES)}"
                    said = f"{file}: plot '{plot}' has no property '{name}'; {meant}"
                    yield Failure(version.label, said, kind="ConfigError")


def unknown_targets(found: Plots, wanted: Wanted) -> list[str]:
    """The targets that name neither a plot nor a file of any version."""
    known = [
        plot.name
        for plot in found.plots
        if plot.series is not None
        or plot.pictures
        or any(failure.kind != ABSENT for failure in plot.failures)
        or not plot.failures
    ]
    names = {name.rpartition("::")[2] for name in known} | set(known)
    return [
        target
        for target in wanted.targets
        if not any(
            Wanted((target,)).covers(name, "") or is_within(name, target.rstrip("/"))
            for name in names
        )
        and not any("::" in name and name.startswith(target) for name in known)
    ]


def plot_names(versions: Versions, revisions: Sequence[str]) -> list[str]:
    """What the versions define as plots, folders as one, for suggestions."""
    names: dict[str, None] = {}
    for version in map(versions.at, revisions):
        pipeline = version.pipeline
        stages = pipeline.stages.values()
        found = collect(stages, pipeline.top_levels, Wanted(), versions.cwd, lambda _: None)
        names |= dict.fromkeys([*by_name(found), *_out_names(versions, version)])
    return list(names)


def by_out_names(versions: Versions, revisions: Sequence[str], wanted: Wanted) -> Wanted:
    """`wanted` with the paths of outs that stages name, for targets that are such names.

    A plot at the top of a pipeline file goes before one of a stage.
    """
    targets = dict.fromkeys(wanted.targets)
    for version in map(versions.at, revisions) if targets else ():
        tops = {name for top in version.pipeline.top_levels for name, _ in top.plots}
        for name, paths in _out_names(versions, version).items():
            if name in targets and name not in tops:
                del targets[name]
                targets |= dict.fromkeys(paths)
    return Wanted(tuple(targets), wanted.options)


def _out_names(versions: Versions, version: Version) -> dict[str, list[str]]:
    """The names that stages give their plots, with the paths seen from the current folder."""
    found: dict[str, list[str]] = {}
    for stage in version.pipeline.stages.values():
        for out in stage.outs:
            if out.kind == "plot" and out.name:
                found.setdefault(out.name, []).append(relative(out.path, versions.cwd))
    return found


class _Reader:
    """Reads what one version plots."""

    def __init__(self, versions: Versions, version: Version, wanted: Wanted, fetch: bool) -> None:
        self.version = version
        self.cwd = versions.cwd
        self.fetch = fetch
        self.root = versions.project.root
        targets = tuple(_from_root(target, self.root, versions.cwd) for target in wanted.targets)
        self.wanted = Wanted(targets, wanted.options)
        self.artifacts = version.artifacts()

    def plots(self) -> RevisionPlots:
        """The definitions, and every file they name, parsed."""
        version, pipeline = self.version, self.version.pipeline
        found = collect(
            pipeline.stages.values(), pipeline.top_levels, self.wanted, self.cwd, self.files_below
        )
        found = with_files(found, self.wanted, self.cwd, self.files_below, self.exists)
        contents: dict[str, Content] = {}
        for plots in found.values():
            for plot, options in plots.items():
                for path in sources_of(plot, options):
                    if path not in contents:
                        contents[path] = self.content(path, self.has_header(path, found))
        return RevisionPlots(version.label, found, contents)

    def has_header(self, path: str, found: Definitions) -> bool:
        """Whether a table's first line names its columns: as the out of that path says."""
        options = found.get("", {}).get(path, {})
        return bool({**options, **self.wanted.options}.get("header", True))

    def content(self, path: str, header: bool) -> Content:
        """The parsed content of a file, its path seen from the current folder."""
        label = self.version.label
        try:
            size = self.size(join(self.cwd, path))
            if size > SIZE_LIMIT:
                raise PivotError(f"'{path}' is too large to plot: {size >> 20} MB")
            data = self.version.read(join(self.cwd, path), fetch=self.fetch)
            if data is None:
                return Content(failure=self.absent(path))
            return Content(data if is_image(path) else parse(data, path, header=header))
        except PivotError as error:
            kind = type(error).__name__
            return Content(failure=Failure(label, str(error), source=path, kind=kind))

    def absent(self, path: str) -> Failure:
        """Why a file cannot be had."""
        digest = self.version.digest(join(self.cwd, path))
        text = f"'{path}' is not there"
        if digest is not None:
            text += f", and {digest} is not in the cache"
            text += "" if self.fetch else "; `--fetch` asks the remote"
        return Failure(self.version.label, text, source=path, kind=ABSENT)

    def size(self, path: str) -> int:
        """The bytes of a file, as far as they are known without reading it."""
        if self.version.commit is None:
            try:
                return os.stat(os.path.join(self.root, path)).st_size
            except OSError:
                pass  # not in the working tree
        digest = self.version.digest(path)
        return (digest.size or 0) if digest is not None else 0

    def exists(self, path: str) -> bool:
        """Whether this version has a file, folder or artifact of that name."""
        return (
            self.version.tree.kind(path) is not None
            or self.files_below(path) is not None
            or (self.version.digest(path) is not None)
        )

    def files_below(self, path: str) -> Sequence[str] | None:
        """The files of a folder, in the tree or of its outs; None for what is no folder."""
        tree = self.version.tree
        kind = tree.kind(path) if not path.startswith("..") else "file"
        own = self.artifacts.get(path)
        if kind == "file" or (kind is None and own is not None and not own.is_tree):
            return None
        found = set(self.walk(path)) if kind == "dir" else set()
        for out, digest in self.artifacts.items():
            if digest is None or not (is_within(out, path) or is_within(path, out)):
                continue
            if not digest.is_tree:
                found |= {out} - {path}
            elif kind is None or out != path:
                manifest = self.version.files(out)
                inside = {join(out, entry.path) for entry in manifest.entries} if manifest else ()
                found |= {file for file in inside if is_within(file, path) and file != path}
        return sorted(found) if found or kind == "dir" else None

    def walk(self, folder: str) -> Iterator[str]:
        """The files of a folder of the tree; links to folders are not followed."""
        if self.version.commit is None:
            start = os.path.join(self.root, folder)
            for place, folders, files in os.walk(start):
                folders[:] = [name for name in folders if name not in _HIDDEN]
                inside = os.path.relpath(place, start).replace(os.sep, "/")
                yield from (join(folder, f"{inside}/{name}") for name in files)
            return
        for name, is_dir in self.version.tree.list(folder):
            path = join(folder, name)
            if not is_dir:
                yield path
            elif name not in _HIDDEN:
                yield from self.walk(path)


def _from_root(target: str, root: str, cwd: str) -> str:
    """A target as typed, seen from the current folder where it is an absolute path."""
    if os.path.isabs(target):
        inside = os.path.relpath(os.path.realpath(target), root).replace(os.sep, "/")
        return relative(inside, cwd)
    return target.rstrip("/") or target


# --- what is shown -------------------------------------------------------------------------


def specification(project: Project, cwd: str, plot: Plot, *, split: bool = False) -> Filled:
    """The Vega-Lite specification of a plot that has a series. Raises PivotError."""
    assert plot.series is not None
    content = check_template(project, cwd, plot.template)
    return fill(content, plot.series, split=split, name=plot.template or DEFAULT)


def check_template(project: Project, cwd: str, name: str | None) -> Any:
    """The content of a template. Raises PivotError where there is none of that name."""
    folders = [os.path.join(project.root, each, "plots") for each in (".pivot", ".dvc")]
    return find_template(name, lambda path: _template(path, project.root, cwd), tuple(folders))


def _template(path: str, root: str, cwd: str) -> Any:
    place = path if os.path.isabs(path) else os.path.join(root, cwd, path)
    try:
        with open(place, "rb") as stream:
            data = stream.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise disk.explain(error, "read", place) from None
    try:
        return json.loads(data)
    except ValueError as error:
        raise PivotError(f"plot template '{os.path.relpath(place)}' is not JSON: {error}") from None


def with_specifications(
    project: Project, cwd: str, found: Plots, *, split: bool = False
) -> tuple[Plots, dict[str, Filled]]:
    """The specification of every plot that has a series, by name; a plot whose template cannot
    be used has a failure instead.
    """
    filled: dict[str, Filled] = {}
    plots: list[Plot] = []
    for plot in found.plots:
        if plot.series is not None:
            try:
                filled[plot.name] = specification(project, cwd, plot, split=split)
            except PivotError as error:
                label = plot.series.revisions[0]
                failures = (*plot.failures, Failure(label, str(error), plot.name))
                plot = replace(plot, series=None, failures=failures)
        plots.append(plot)
    return replace(found, plots=tuple(plots)), filled


def as_data(
    project: Project, cwd: str, found: Plots, folder: str, *, split: bool = False
) -> dict[str, Any]:
    """The plots as DVC's `--json` has them; pictures are written to `folder`, and named there."""
    found, specified = with_specifications(project, cwd, found, split=split)
    data: dict[str, list[dict[str, Any]]] = {}
    errors = [
        {
            "name": plot.name,
            "rev": failure.revision,
            **({"source": failure.source} if failure.source else {}),
            "type": failure.kind,
            "msg": failure.message,
        }
        for plot in found.plots
        for failure in plot.failures
    ]
    errors += [
        {"rev": failure.revision, "type": failure.kind, "msg": failure.message}
        for failure in found.failures
    ]
    for plot in found.plots:
        entries = data.setdefault(plot.name, [])
        if plot.series is not None:
            filled = specified[plot.name]
            entry = {
                "type": "vega",
                "revisions": list(plot.series.revisions),
                "content": filled.content,
            }
            entries.append({**entry, "anchor_definitions": filled.anchors} if split else entry)
        for picture in plot.pictures:
            name = f"{picture.revision}_{picture.path}".replace("/", "_")
            place = os.path.join(os.path.abspath(folder), name)
            _write(place, picture.data)
            entries.append({"type": "image", "revisions": [picture.revision], "url": place})
    parts = {"errors": errors, "data": data}
    return {key: value for key, value in parts.items() if value}


def write_page(
    project: Project,
    found: Plots,
    specified: Mapping[str, Filled],
    path: str,
    template: str | None = None,
) -> str:
    """Write the plots, with their specifications by name, as one HTML file; its absolute path.

    `template` is a page of the user's own. Raises PivotError where the extra that carries the
    charts' JavaScript is not installed.
    """
    charts = [
        Chart(plot.series.title, specified[plot.name].content)
        for plot in found.plots
        if plot.series is not None
    ]
    scripts = chart_scripts(project) if charts else ""
    content = None
    if template is not None:
        try:
            with open(template, encoding="utf-8") as stream:
                content = stream.read()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise PivotError(f"cannot read the HTML template '{template}': {said}") from None
    text = page(charts, found.plots, found.revisions, scripts, content)
    place = os.path.abspath(path)
    _write(place, text.encode())
    return place


def _write(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    is_ours = os.path.basename(folder) in FOLDERS.values() and not os.path.lexists(folder)
    try:
        os.makedirs(folder, exist_ok=True)
        if is_ours:  # made anew whenever it is wanted: nothing for git
            disk.write_atomic(os.path.join(folder, ".gitignore"), b"*\n")
        disk.write_atomic(path, data)
    except OSError as error:
        raise disk.explain(error, "write", path) from None


def has_scripts() -> bool:
    """Whether charts can be drawn in a page: the extra `plots` is installed."""
    from importlib.util import find_spec

    return find_spec("vl_convert") is not None


def chart_scripts(project: Project) -> str:
    """Vega, Vega-Lite and vega-embed as one script. Raises PivotError where they are missing."""
    try:
        import vl_convert  # 20 ms; only pages with charts need it
    except ImportError:
        raise PivotError(
            "charts in HTML need the extra 'plots'",
            hint=f"pip install 'pivot-repro[{EXTRA}]'; `--text` and `--json` work without",
        ) from None
    kept = project.state.blobs("scripts")
    from importlib.metadata import version

    name = f"vega:{version('vl-convert-python')}"
    known = kept.get(name)
    if known is not None:
        return zlib.decompress(known).decode()
    text: str = vl_convert.javascript_bundle(_EXPORTS)  # takes a second
    kept.put(name, zlib.compress(text.encode()))
    return text
