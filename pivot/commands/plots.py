"""`plots`: what any version of the project plots, as charts, JSON, text, or one HTML file."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from typing import Any

from .. import disk
from ..errors import PivotError
from ..plots.anchors import Filled, fill
from ..plots.charts import Content, Failure, Plot, RevisionPlots, plots_of
from ..plots.datapoints import sources_of
from ..plots.definitions import Definitions, Wanted, collect, with_files
from ..plots.page import Chart, page
from ..plots.sources import is_image, parse
from ..plots.templates import find_template
from ..project import Project
from ..tree import Tree, is_within, join, relative
from ..values import dataclass
from .versions import HEAD, WORKSPACE, Version, Versions

EXTRA = "plots"
#: What the bundle does with the libraries in it.
_EXPORTS = "window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True, slots=True)
class Plots:
    """The plots of one or several versions; `failures` are what none of them could be read for."""

    plots: tuple[Plot, ...]
    revisions: tuple[str, ...]
    failures: tuple[Failure, ...]


def compared(versions: Versions, revisions: Sequence[str]) -> tuple[str, ...]:
    """The versions that a comparison shows: of one name and the working tree, or of several.

    Without names the last commit and the working tree, where those differ. None before the first
    commit. Raises PivotError without a repository.
    """
    if versions.project.repository.head() is None:
        return ()
    wanted = list(revisions)
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
    failures = [
        Failure(version.label, str(problem.message), kind="ConfigError")
        for version in opened
        for problem in version.pipeline.problems
    ]
    return Plots(plots_of(found), tuple(revisions), tuple(failures))


class _Reader:
    """Reads what one version plots."""

    def __init__(self, versions: Versions, version: Version, wanted: Wanted, fetch: bool) -> None:
        self.version = version
        self.cwd = versions.cwd
        self.fetch = fetch
        root = versions.project.root
        targets = tuple(_from_root(target, root, versions.cwd) for target in wanted.targets)
        self.wanted = Wanted(targets, wanted.options)

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
            data = self.version.read(join(self.cwd, path), fetch=self.fetch)
            if data is None:
                return Content(failure=_absent(label, path))
            return Content(data if is_image(path) else parse(data, path, header=header))
        except PivotError as error:
            kind = type(error).__name__
            return Content(failure=Failure(label, str(error), source=path, kind=kind))

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
        kind = tree.kind(path)
        if kind == "file":
            return None
        found = set(_walk(tree, path)) if kind == "dir" else set()
        for out, digest in self.version.artifacts().items():
            if digest is None or not (is_within(out, path) or is_within(path, out)):
                continue
            if not digest.is_tree:
                found |= {out} - {path}
            elif kind is None or out != path:
                manifest = self.version.files(out)
                inside = {join(out, entry.path) for entry in manifest.entries} if manifest else ()
                found |= {file for file in inside if is_within(file, path) and file != path}
        return sorted(found) if found or kind == "dir" else None


def _absent(label: str, path: str) -> Failure:
    text = f"'{path}' is not there, and neither is it in the cache"
    return Failure(label, text, source=path, kind="FileNotFoundError")


def _from_root(target: str, root: str, cwd: str) -> str:
    """A target as typed, seen from the current folder where it is an absolute path."""
    if os.path.isabs(target):
        inside = os.path.relpath(os.path.realpath(target), root).replace(os.sep, "/")
        return relative(inside, cwd)
    return target.rstrip("/") or target


def _walk(tree: Tree, folder: str) -> list[str]:
    files: list[str] = []
    for name, is_dir in tree.list(folder):
        path = join(folder, name)
        files += _walk(tree, path) if is_dir else [path]
    return files


# --- what is shown -------------------------------------------------------------------------


def specification(project: Project, cwd: str, plot: Plot, *, split: bool = False) -> Filled:
    """The Vega-Lite specification of a plot that has a series. Raises PivotError."""
    assert plot.series is not None
    name = plot.template
    folders = [os.path.join(project.root, each, "plots") for each in (".pivot", ".dvc")]
    content = find_template(name, lambda path: _template(path, project.root, cwd), tuple(folders))
    return fill(content, plot.series, split=split, name=name or "linear")


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


def as_data(
    project: Project, cwd: str, found: Plots, folder: str, *, split: bool = False
) -> dict[str, Any]:
    """The plots as DVC's `--json` has them; pictures are written to `folder`, and named there."""
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
            filled = specification(project, cwd, plot, split=split)
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
    project: Project, cwd: str, found: Plots, path: str, template: str | None = None
) -> str:
    """Write the plots as one HTML file; its absolute path.

    `template` is a page of the user's own. Raises PivotError where the extra that carries the
    charts' JavaScript is not installed.
    """
    charts = [
        Chart(plot.series.title, specification(project, cwd, plot).content)
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
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
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
