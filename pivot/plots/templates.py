"""The charts that plots are drawn with: Vega-Lite specifications with anchors to be filled.

Names and anchors are DVC's, so a project's own templates work in both tools.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import PivotError, did_you_mean

DEFAULT = "linear"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def anchor(name: str) -> str:
    """What stands in a template where `name` is filled in: `<DVC_METRIC_X_LABEL>`."""
    return f"<DVC_METRIC_{name.upper()}>"


def builtin_names() -> tuple[str, ...]:
    """The templates that need no file, in the order in which they are listed."""
    return tuple(_BUILTIN)


def builtin(name: str) -> dict[str, Any]:
    """A template by name. Raises PivotError with a did-you-mean."""
    if name not in _BUILTIN:
        raise PivotError(
            f"there is no plot template '{name}'",
            hint=did_you_mean(name, _BUILTIN) or f"there are {', '.join(_BUILTIN)}",
        )
    return copy.deepcopy(_BUILTIN[name]())


def find_template(name: str | None, read: Callable[[str], Any], folders: tuple[str, ...]) -> Any:
    """The template `name` (None: linear): a file in one of `folders`, with or without `.json`,
    or at that very path; else a built-in one.

    `read` gives the parsed content of a file, None where there is none. Raises PivotError.
    """
    wanted = name or DEFAULT
    for folder in folders:
        for path in (f"{folder}/{wanted}", f"{folder}/{wanted}.json"):
            found = read(path)
            if found is not None:
                return found
    found = read(wanted) if wanted not in _BUILTIN else None
    return builtin(wanted) if found is None else found


def _frame(**parts: Any) -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "title": {"text": anchor("title"), "anchor": "middle"},
        "data": {"values": anchor("data")},
        **parts,
    }


def _size() -> dict[str, Any]:
    return {"width": anchor("plot_width"), "height": anchor("plot_height")}


def _axis(name: str, kind: str | None = "quantitative", **more: Any) -> dict[str, Any]:
    axis = {"field": anchor(name), "title": anchor(f"{name}_label")}
    return {**axis, **({"type": kind} if kind else {}), **more}


def _value_axis() -> dict[str, Any]:
    return _axis("y", scale={"zero": False})


def _simple() -> dict[str, Any]:
    return _frame(
        **_size(),
        params=[anchor("zoom_and_pan")],
        mark={"type": "line", "tooltip": {"content": "data"}},
        encoding={
            "x": _axis("x"),
            "y": _value_axis(),
            "color": anchor("color"),
            "strokeDash": anchor("stroke_dash"),
            "tooltip": anchor("tooltip"),
        },
    )


def _series(**more: Any) -> dict[str, Any]:
    """Encoding of a layer that draws one line or symbol for each revision and source."""
    return {
        "y": _value_axis(),
        "color": anchor("color"),
        "strokeDash": anchor("stroke_dash"),
        **more,
    }


def _hovering() -> dict[str, Any]:
    """A rule at the x nearest to the pointer, whose tooltip holds the y of every series there."""
    return {
        "transform": [
            {"calculate": anchor("pivot_field"), "as": "series"},
            {"pivot": "series", "value": anchor("y"), "groupby": [anchor("x")], "op": "mean"},
        ],
        "params": [
            {
                "name": "hover",
                "select": {
                    "type": "point",
                    "fields": [anchor("x")],
                    "nearest": True,
                    "on": "pointermove",
                    "clear": "pointerout",
                },
            }
        ],
        "mark": {"type": "rule", "color": "gray", "tooltip": {"content": "data"}},
        "encoding": {"opacity": _if_hovered(0.4)},
    }


def _if_hovered(opacity: float) -> dict[str, Any]:
    return {"condition": {"param": "hover", "empty": False, "value": opacity}, "value": 0}


def _linear() -> dict[str, Any]:
    return _frame(
        **_size(),
        encoding={"x": _axis("x")},
        layer=[
            {"params": [anchor("zoom_and_pan")], "mark": "line", "encoding": _series()},
            {
                "mark": {"type": "point", "filled": True, "size": 40},
                "encoding": {
                    "y": _value_axis(),
                    "color": anchor("color"),
                    "opacity": _if_hovered(1),
                },
            },
            _hovering(),
        ],
    )


def _smooth() -> dict[str, Any]:
    slider = {"input": "range", "min": 0.001, "max": 1, "step": 0.001, "name": "smoothing "}
    loess = {
        "loess": anchor("y"),
        "on": anchor("x"),
        "groupby": anchor("group_by"),
        "bandwidth": {"signal": "smooth"},
    }
    faint = {"type": "line", "opacity": 0.25}
    return _frame(
        **_size(),
        params=[{"name": "smooth", "value": 0.3, "bind": slider}],
        encoding={"x": _axis("x")},
        layer=[
            {
                "params": [anchor("zoom_and_pan")],
                "transform": [loess],
                "mark": "line",
                "encoding": _series(),
            },
            {"mark": faint, "encoding": _series()},
            _hovering(),
        ],
    )


def _scatter() -> dict[str, Any]:
    return _frame(
        **_size(),
        params=[anchor("zoom_and_pan")],
        mark={"type": "point", "tooltip": {"content": "data"}},
        encoding={
            "x": _axis("x"),
            "y": _axis("y"),
            "color": anchor("color"),
            "shape": anchor("shape"),
            "tooltip": anchor("tooltip"),
        },
    )


def _scatter_jitter() -> dict[str, Any]:
    return _frame(
        **_size(),
        transform=[
            {"calculate": "random()", "as": "jitter_x"},
            {"calculate": "random()", "as": "jitter_y"},
        ],
        mark={"type": "point", "tooltip": {"content": "data"}},
        encoding={
            "x": _axis("x", "nominal"),
            "y": _axis("y", "nominal"),
            "xOffset": {"field": "jitter_x", "type": "quantitative"},
            "yOffset": {"field": "jitter_y", "type": "quantitative"},
            "color": anchor("color"),
            "shape": anchor("shape"),
            "tooltip": anchor("tooltip"),
        },
    )


def _bars(**order: Any) -> dict[str, Any]:
    return _frame(
        **_size(),
        params=[anchor("zoom_and_pan")],
        mark={"type": "bar", "tooltip": {"content": "data"}},
        encoding={
            "x": _axis("x", scale={"zero": True}),
            "y": _axis("y", "nominal", **order),
            "yOffset": {"field": "rev", "sort": []},
            "color": anchor("color"),
            "column": anchor("column"),
        },
    )


def _matrix(shown: str, share: list[dict[str, Any]], **text: Any) -> dict[str, Any]:
    """A confusion matrix a revision: `shown` is what is coloured and written, `share` says how
    the number between 0 and 1 is made that decides about the colour of the text.
    """
    x, y = anchor("x"), anchor("y")
    cell = {"field": shown, "type": "quantitative", **text}
    counted = [
        {"aggregate": [{"op": "count", "as": "count"}], "groupby": [y, x]},
        {"impute": "count", "key": x, "value": 0, "groupby": anchor("group_by_y")},
        {"impute": "count", "key": y, "value": 0, "groupby": anchor("group_by_x")},
    ]
    return _frame(
        facet={"column": {"field": "rev", "sort": [], "title": None}, "row": anchor("row")},
        spec={
            "transform": [*counted, *share],
            "encoding": {
                "x": _axis("x", "nominal", sort="ascending"),
                "y": _axis("y", "nominal", sort="ascending"),
            },
            "layer": [
                {
                    **_size(),
                    "mark": "rect",
                    "encoding": {
                        "color": {
                            "field": shown,
                            "type": "quantitative",
                            "title": None,
                            "scale": {"domainMin": 0},
                        },
                        "tooltip": [
                            {"field": x, "type": "nominal"},
                            {"field": y, "type": "nominal"},
                            cell,
                        ],
                    },
                },
                {
                    "mark": "text",
                    "encoding": {
                        "text": cell,
                        "color": {
                            "condition": {"test": "datum.share > 0.5", "value": "white"},
                            "value": "black",
                        },
                    },
                },
            ],
        },
    )


def _confusion() -> dict[str, Any]:
    return _matrix(
        "count",
        [
            {"joinaggregate": [{"op": "max", "field": "count", "as": "most"}], "groupby": []},
            {"calculate": "datum.count / datum.most", "as": "share"},
        ],
    )


def _confusion_normalized() -> dict[str, Any]:
    return _matrix(
        "share",
        [
            {
                "joinaggregate": [{"op": "sum", "field": "count", "as": "row_total"}],
                "groupby": [anchor("y")],
            },
            {"calculate": "datum.row_total ? datum.count / datum.row_total : 0", "as": "share"},
        ],
        format=".2f",
    )


_BUILTIN: Mapping[str, Callable[[], dict[str, Any]]] = {
    "simple": _simple,
    "linear": _linear,
    "confusion": _confusion,
    "confusion_normalized": _confusion_normalized,
    "scatter": _scatter,
    "scatter_jitter": _scatter_jitter,
    "smooth": _smooth,
    "bar_horizontal_sorted": lambda: _bars(sort="-x"),
    "bar_horizontal": _bars,
}
