"""Charts and pictures of one or several versions, from what those versions define and hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PivotError
from ..values import dataclass, field
from .anchors import Series
from .datapoints import Points, points_of, sources_of
from .definitions import Definitions, by_name
from .sources import is_image


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that could not be had at one revision: a plot's file, or the plot itself."""

    revision: str
    message: str
    plot: str | None = None
    source: str | None = None
    kind: str = "PivotError"


@dataclass(frozen=True, slots=True)
class Content:
    """A file that plots read: its parsed value (bytes of a picture), or why there is none."""

    value: Any = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class RevisionPlots:
    """What one version holds: the definitions, the files they read, by path, and their rows."""

    label: str
    definitions: Definitions
    contents: Mapping[str, Content] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """One image file at one revision."""

    revision: str
    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot over all revisions: pictures, or a series (None: no revision has any rows)."""

    name: str
    is_image: bool
    series: Series | None = None
    template: str | None = None
    pictures: tuple[Picture, ...] = ()
    failures: tuple[Failure, ...] = ()


def plots_of(versions: Sequence[RevisionPlots]) -> tuple[Plot, ...]:
    """Each plot that any version defines; what versions disagree about, the first one decides."""
    groups: dict[str, list[tuple[RevisionPlots, str, dict[str, Any]]]] = {}
    for version in versions:
        for plot, (name, options) in by_name(version.definitions).items():
            groups.setdefault(plot, []).append((version, name, options))
    return tuple(_plot(plot, group) for plot, group in groups.items())


def _plot(plot: str, group: Sequence[tuple[RevisionPlots, str, dict[str, Any]]]) -> Plot:
    options: dict[str, Any] = {}
    for _, _, theirs in reversed(group):
        options |= theirs
    failures: list[Failure] = []
    pictures: list[Picture] = []
    found: list[tuple[str, Points]] = []
    name = group[-1][1]
    for version, name, theirs in group:
        paths = sources_of(name, theirs)
        contents = {path: version.contents[path] for path in paths if path in version.contents}
        for content in contents.values():
            if content.failure is not None:
                failures.append(_of(content.failure, plot))
        values = {path: content.value for path, content in contents.items() if content.value}
        if is_image(name):
            pictures += [Picture(version.label, path, data) for path, data in values.items()]
            continue
        try:
            points = points_of(name, options, values, version.label)
        except PivotError as error:
            failures.append(Failure(version.label, _text(error), plot))
            continue
        if points is not None:
            found.append((version.label, points))
    if is_image(name):
        return Plot(name, True, pictures=tuple(pictures), failures=tuple(failures))
    series = _series(found, str(options.get("title", plot))) if found else None
    return Plot(plot, False, series, options.get("template"), failures=tuple(failures))


def _series(found: Sequence[tuple[str, Points]], title: str) -> Series:
    first = found[0][1]
    return Series(
        points=tuple(row for _, points in found for row in points.rows),
        x=first.x,
        y=first.y,
        title=title,
        x_label=first.x_label,
        y_label=first.y_label,
        revisions=tuple(dict.fromkeys(label for label, _ in found)),
        sources=first.sources,
    )


def _of(failure: Failure, plot: str) -> Failure:
    return Failure(failure.revision, failure.message, plot, failure.source, failure.kind)


def _text(error: PivotError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message
