"""Fills the anchors of a template, as DVC fills them: which there are, and what each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PivotError
from ..values import dataclass, field
from .templates import anchor

SEPARATOR = "::"
PLOT_SIZE = 300
_PLACE = ("filename", "field")
#: Filled only where a template has them.
_OPTIONAL = (
    "color",
    "column",
    "group_by_x",
    "group_by_y",
    "group_by",
    "pivot_field",
    "plot_height",
    "plot_width",
    "row",
    "shape",
    "stroke_dash",
    "tooltip",
    "zoom_and_pan",
)
#: What `--split` gives beside the template instead of in it.
_SPLIT = frozenset(
    (
        "color",
        "data",
        "plot_height",
        "plot_width",
        "shape",
        "stroke_dash",
        "title",
        "tooltip",
        "x_label",
        "y_label",
        "zoom_and_pan",
    )
)
_COLOURS = ("#945dd6", "#13adc7", "#f46837", "#48bb78", "#4299e1", "#ed8936", "#f56565")
_RANGES: Mapping[str, Sequence[Any]] = {
    "color": _COLOURS,
    "stroke_dash": ([1, 0], [8, 8], [8, 4], [4, 4], [4, 2], [2, 1], [1, 1]),
    "shape": ("circle", "square", "triangle", "diamond"),
}


@dataclass(frozen=True, slots=True)
class Series:
    """What one chart shows: its points (rows of all revisions), and how its axes are called.

    `sources` says for each line of one revision which file and field its y comes from.
    """

    points: tuple[dict[str, Any], ...]
    x: str
    y: str
    title: str
    x_label: str | None
    y_label: str | None
    revisions: tuple[str, ...]
    sources: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with its anchors filled; with `split`, the large ones stand beside it."""

    content: dict[str, Any]
    anchors: Mapping[str, Any] = field(default_factory=dict)


def fill(template: Any, series: Series, *, split: bool = False, name: str = "") -> Filled:
    """The specification that draws `series`. Raises PivotError for a template that cannot."""
    if not isinstance(template, dict):
        raise PivotError(f"plot template '{name}' is not a JSON object")
    optional = [each for each in _OPTIONAL if _has(template, anchor(each))]
    varied, known = _optional_values(series)
    values = {each: known.get(each, {}) for each in optional}
    points = _points(series, varied if optional else None)
    values |= {
        "title": series.title,
        "x": _escaped(series.x),
        "y": _escaped(series.y),
        "x_label": series.x_label,
        "y_label": series.y_label,
        "data": points,
    }
    values = {each: value for each, value in values.items() if value is not None}
    if not split and not _has(template, anchor("data")):
        raise PivotError(f"plot template '{name}' has no {anchor('data')} for the data")
    beside: dict[str, Any] = {}
    if split:
        # what an only source has no use for is emptied in the template itself
        beside = {
            anchor(each): value
            for each, value in values.items()
            if each in _SPLIT and (each not in optional or each in known)
        }
    filling = {anchor(each): value for each, value in values.items() if anchor(each) not in beside}
    return Filled(_replaced(template, filling), beside)


def _optional_values(series: Series) -> tuple[list[str], Mapping[str, Any]]:
    """Which of filename and field tell the lines of a revision apart, and the anchors' values."""
    known: dict[str, Any] = {
        "color": _scale("rev", "color", series.revisions),
        "zoom_and_pan": {"name": "grid", "select": "interval", "bind": "scales"},
        "plot_height": PLOT_SIZE,
        "plot_width": PLOT_SIZE,
    }
    varied = [key for key in _PLACE if len({source[key] for source in series.sources}) > 1]
    if len(series.sources) > 1 and not varied:
        varied = ["filename"]
    joined = SEPARATOR.join(varied)
    groups = ["rev", *([joined] if varied else [])]
    tooltip = ["rev", series.x, series.y, *([joined] if varied else [])]
    known |= {
        "group_by": groups,
        "group_by_x": [*groups, series.x],
        "group_by_y": [*groups, series.y],
        "pivot_field": f" + '{SEPARATOR}' + ".join(f"datum.{key}" for key in ["rev", *varied]),
        "tooltip": [{"field": name} for name in tooltip],
    }
    if varied:
        domain = sorted(
            {SEPARATOR.join(source[key] for key in varied) for source in series.sources}
        )
        known |= {
            "row": {"field": joined, "sort": []},
            "column": {"field": joined, "sort": []},
            "stroke_dash": _scale(joined, "stroke_dash", domain),
            "shape": _scale(joined, "shape", domain),
        }
    return varied, known


def _scale(name: str, channel: str, domain: Sequence[str]) -> dict[str, Any]:
    choices = _RANGES[channel]
    scale = {
        "field": name,
        "scale": {
            "domain": list(domain),
            "range": [choices[position % len(choices)] for position in range(len(domain))],
        },
    }
    if channel != "color":  # else the legend shows filled symbols
        scale["legend"] = {"symbolFillColor": "transparent", "symbolStrokeColor": "grey"}
    return scale


def _points(series: Series, varied: Sequence[str] | None) -> list[dict[str, Any]]:
    """The rows, with one column that tells sources apart (all columns where none is used)."""
    if varied is None:
        return [dict(point) for point in series.points]
    points: list[dict[str, Any]] = []
    for point in series.points:
        row = dict(point)
        if len(varied) == len(_PLACE):
            row[SEPARATOR.join(varied)] = SEPARATOR.join(row[key] for key in varied)
        for key in _PLACE:
            if len(varied) == len(_PLACE) or key not in varied:
                row.pop(key, None)
        points.append(row)
    return points


def _escaped(name: str) -> str:
    for character in ".[]":
        name = name.replace(character, "\\" + character)
    return name


def _has(node: Any, wanted: str) -> bool:
    if isinstance(node, dict):
        return any(
            any(_has(item, wanted) for item in value)
            if isinstance(value, list)
            else _has(value, wanted)
            for value in node.values()
        )
    return isinstance(node, str) and node == wanted


def _replaced(node: Any, values: Mapping[str, Any], *, inside: bool = True) -> Any:
    if isinstance(node, dict):
        return {key: _replaced(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(item, values, inside=False) for item in node]
    if not isinstance(node, str):
        return node
    if node in values:
        return values[node]
    if inside:
        for name, value in values.items():
            if isinstance(value, str):
                node = node.replace(name, value)
    return node
