"""One HTML file that shows plots and needs nothing else: no network, no file beside it."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ..errors import PivotError
from ..values import dataclass
from .anchors import PLOT_SIZE
from .charts import Failure, Picture, Plot

_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?")
_MEDIA = {"jpg": "jpeg", "svg": "svg+xml"}
#: Where a page of the user's own wants things.
_SCRIPTS, _PLOTS, _REFRESH = "{scripts}", "{plot_divs}", "{refresh_tag}"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it is drawn: its Vega-Lite specification, anchors filled."""

    name: str
    spec: Mapping[str, Any]


def page(
    charts: Sequence[Chart],
    plots: Sequence[Plot],
    revisions: Sequence[str],
    scripts: str,
    template: str | None = None,
) -> str:
    """The page with `charts`, then the pictures of `plots`, side by side by revision.

    `scripts` is JavaScript that defines `vegaEmbed`. A `template` of the user's own has
    {plot_divs}, and maybe {scripts}; raises PivotError where it has not.
    """
    sections = [_chart(number, chart) for number, chart in enumerate(charts)]
    sections += _galleries([plot for plot in plots if plot.is_image], revisions)
    sections += _failures([failure for plot in plots for failure in plot.failures])
    code = f"<script>{_code(scripts)}</script>\n<script>{_DRAW}</script>" if charts else ""
    body = "\n".join(sections)
    if template is not None:
        if _PLOTS not in template:
            raise PivotError(f"the HTML template has no {_PLOTS}, where the plots go")
        filled = template.replace(_REFRESH, "").replace(_SCRIPTS, code if code else "")
        return filled.replace(_PLOTS, body + ("" if _SCRIPTS in template else code))
    chips = "".join(f"<li>{escape(label)}</li>" for label in revisions)
    return _PAGE.format(style=_STYLE, revisions=chips, body=body, code=code)


def _chart(number: int, chart: Chart) -> str:
    spec = drawable(chart.spec)
    text = json.dumps(_plain(spec), ensure_ascii=False, allow_nan=False)
    text = text.replace("<", "\\u003c")  # or a text in the data could end the element
    heading = "" if spec.get("title") else f"<h2>{escape(chart.name)}</h2>"
    kind = "chart wide" if _is_faceted(spec) else "chart"
    return (
        f'<section class="{kind}">{heading}<div class="view" id="plot-{number}"></div>'
        f'<script type="application/json" class="spec">{text}</script></section>'
    )


def _is_faceted(spec: Mapping[str, Any]) -> bool:
    encoding = spec.get("encoding")
    channels = encoding if isinstance(encoding, Mapping) else {}
    several = ("facet", "repeat", "concat", "hconcat", "vconcat")
    return any(key in spec for key in several) or any(c in channels for c in ("row", "column"))


def drawable(spec: Mapping[str, Any]) -> dict[str, Any]:
    """`spec` as the page's libraries want it: without channels that say nothing, without a
    version that they would only warn of, and with columns of numbers that are written as texts,
    as CSV has them, as numbers (transforms such as smoothing do not convert).
    """
    drawn: dict[str, Any] = {key: _without_empty(value) for key, value in spec.items()}
    if "/vega-lite/" in str(drawn.get("$schema")):
        del drawn["$schema"]
    data = spec.get("data")
    values = data.get("values") if isinstance(data, Mapping) else None
    if isinstance(data, Mapping) and isinstance(values, list):
        drawn["data"] = {**data, "values": _with_numbers(values)}
    if drawn.get("width") == PLOT_SIZE and not _is_faceted(drawn):  # as wide as there is room
        drawn |= {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
    return drawn


def _without_empty(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {
            key: _without_empty(value)
            for key, value in node.items()
            if not (isinstance(value, Mapping) and not value)
        }
    return [_without_empty(item) for item in node if item != {}] if isinstance(node, list) else node


def _with_numbers(rows: list[Any]) -> list[Any]:
    if not all(isinstance(row, Mapping) for row in rows):
        return rows
    columns = {name for row in rows for name in row} - {"rev", "filename", "field"}
    numeric = {name for name in columns if all(_is_number(row.get(name)) for row in rows)}
    return [
        {
            name: float(value) if name in numeric and isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value) and value[-1] not in "+-" and _NUMBER.fullmatch(value) is not None
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _plain(value: Any) -> Any:
    """`value` as strict JSON can hold it: numbers that are none become null, dates texts."""
    if isinstance(value, Mapping):
        return {"null" if key is None else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _galleries(plots: Sequence[Plot], revisions: Sequence[str]) -> Iterable[str]:
    """A row for each picture, a column for each revision, under the folder they lie in."""
    folders: dict[str, list[Plot]] = {}
    for plot in plots:
        folders.setdefault(plot.name.rpartition("/")[0], []).append(plot)
    for folder, members in sorted(folders.items()):
        rows = []
        for plot in sorted(members, key=lambda plot: _natural(plot.name)):
            shown = {picture.revision: picture for picture in plot.pictures}
            cells = "".join(
                _figure(shown.get(label), label, is_only=len(revisions) < 2) for label in revisions
            )
            name = plot.name.rpartition("/")[2]
            rows.append(f'<div class="row"><h3>{escape(name)}</h3>{cells}</div>')
        title = escape(folder or "images")
        yield f'<section class="images"><h2>{title}</h2>{"".join(rows)}</section>'


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that puts 2.png before 10.png."""
    return tuple((int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name))


def _figure(picture: Picture | None, label: str, *, is_only: bool) -> str:
    caption = "" if is_only else f"<figcaption>{escape(label)}</figcaption>"
    if picture is None:
        return f'<figure class="absent">{caption}<p>not there</p></figure>'
    kind = picture.path.rpartition(".")[2].lower()
    source = f"data:image/{_MEDIA.get(kind, kind)};base64,{base64.b64encode(picture.data).decode()}"
    return (
        f'<figure>{caption}<img src="{source}" alt="{escape(picture.path, quote=True)}"></figure>'
    )


def _failures(failures: Sequence[Failure]) -> Iterable[str]:
    if failures:
        items = "".join(
            f"<li><b>{escape(failure.plot or '')}</b> at {escape(failure.revision)}: "
            f"{escape(failure.message)}</li>"
            for failure in failures
        )
        yield f'<section class="failures"><h2>not shown</h2><ul>{items}</ul></section>'


def _code(script: str) -> str:
    """JavaScript that may stand in a script element: no text in it ends the element."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", script, flags=re.IGNORECASE)


_DRAW = """
for (const section of document.querySelectorAll("section.chart")) {
  const view = section.querySelector(".view");
  const spec = JSON.parse(section.querySelector(".spec").textContent);
  vegaEmbed(view, spec, {
    mode: spec.$schema ? undefined : "vega-lite",
    renderer: "svg",
    actions: {export: true, source: true, compiled: false, editor: false},
  }).catch((error) => { view.textContent = String(error); console.error(error); });
}
"""
_STYLE = """
:root { font: 15px/1.45 system-ui, sans-serif; color: #1d2433; background: #f5f6f8; }
body { max-width: 1440px; margin: 0 auto; padding: 1.2rem; }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 1.25rem; margin: .2rem 0; }
h2 { font-size: .95rem; margin: 0 0 .6rem; font-weight: 600; overflow-wrap: anywhere; }
h3 { font-size: .85rem; margin: 0; font-weight: 500; flex-basis: 100%; color: #5a6478; }
header ul { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0; margin: 0; }
header li { background: #e4e7ed; border-radius: 1rem; padding: .05rem .7rem; font-size: .85rem; }
main { display: grid; gap: 1rem; margin-top: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); }
section { background: white; border: 1px solid #dfe3ea; border-radius: .5rem; padding: 1rem;
  overflow-x: auto; }
section.images, section.failures, section.wide { grid-column: 1 / -1; }
h2 { color: #5a6478; }
.view { width: 100%; }
.row { display: flex; flex-wrap: wrap; gap: .8rem; margin-bottom: 1rem; }
figure { margin: 0; }
figcaption { font-size: .8rem; color: #5a6478; }
figure img { max-width: min(100%, 620px); border: 1px solid #dfe3ea; }
figure.absent p { border: 1px dashed #c3cad6; color: #5a6478; padding: 2rem; margin: 0; }
.failures { border-color: #e5b5b0; }
.failures ul { margin: 0; padding-left: 1.2rem; }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plots</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header><h1>Plots</h1><ul>{revisions}</ul></header>
<main>
{body}
</main>
{code}
</body>
</html>
"""
