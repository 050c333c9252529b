"""The rows that a chart draws, from the content of the files that a plot names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import PivotError, did_you_mean
from ..values import dataclass

STEP = "step"
JOINED_X = "dvc_inferred_x_value"
JOINED_Y = "dvc_inferred_y_value"


@dataclass(frozen=True, slots=True)
class Points:
    """The rows of one revision, with `rev`, `filename` and `field` beside their own columns."""

    rows: tuple[dict[str, Any], ...]
    x: str
    y: str
    x_label: str
    y_label: str
    sources: tuple[Mapping[str, str], ...]


def sources_of(plot: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that a plot reads: the keys of its y and x, or the plot's own path."""
    x, y = options.get("x"), options.get("y")
    found = list(y) if isinstance(y, Mapping) else [plot]
    if isinstance(x, Mapping) and x:
        found.append(next(iter(x)))
    return tuple(dict.fromkeys(found))


def points_of(
    plot: str, options: Mapping[str, Any], contents: Mapping[str, Any], revision: str
) -> Points | None:
    """The rows of `plot` at one revision; None where its files hold none.

    `contents` are parsed files by path. What `options` leave open is inferred as DVC does: y is
    the last column, x the number of the row. Raises PivotError for unknown columns, and for x and
    y that do not fit together.
    """
    rows = {file: rows_of(content) for file, content in contents.items()}
    xs = list(_pairs(_x_axis(plot, options), rows))
    ys = list(_pairs(_y_axis(plot, options, contents), rows))
    if len(xs) > 1 and len(xs) != len(ys):
        raise PivotError(
            f"plot '{plot}' has {len(xs)} sources of x and {len(ys)} of y",
            hint="give one x for all, or one for each y",
        )
    x_fields = {name for _, name in xs}
    y_fields = {name for _, name in ys}
    x = JOINED_X if len(x_fields) > 1 else xs[0][1] if xs else STEP
    files = {file for file, _ in ys}
    shared = len(os.path.commonpath(files)) if len(files) > 1 else 0
    found: list[dict[str, Any]] = []
    sources: list[dict[str, str]] = []
    for position, (file, name) in enumerate(ys):
        source = {"filename": file[shared:].strip("/\\"), "field": name}
        sources.append(source)
        copied = [dict(row) for row in rows.get(file, ())]
        if len(y_fields) > 1:
            _take(copied, JOINED_Y, copied, name)
        if xs:
            x_file, x_name = xs[position if len(xs) > 1 else 0]
            others = rows.get(x_file, [])
            if len(others) != len(copied):
                raise PivotError(
                    f"plot '{plot}' cannot join '{x_name}' of '{x_file}' ({len(others)} rows) "
                    f"with '{name}' of '{file}' ({len(copied)} rows)"
                )
            _take(copied, x, others, x_name)
        else:
            for index, row in enumerate(copied):
                row[STEP] = index
        for row in copied:
            row.update(rev=revision, **source)
        found += copied
    if not found:
        return None
    return Points(
        rows=tuple(found),
        x=x,
        y=JOINED_Y if len(y_fields) > 1 else next(iter(y_fields)),
        x_label=options.get("x_label") or _label(x_fields, STEP, "x"),
        y_label=options.get("y_label") or _label(y_fields, "y", "y"),
        sources=tuple(sources),
    )


def rows_of(content: Any) -> list[dict[str, Any]]:
    """All lists of like mappings in a value, side by side: their first rows make the first row."""
    found: list[dict[str, Any]] = []
    for rows in _lists(content):
        if not rows or not all(isinstance(row, dict) for row in rows):
            continue
        if set(rows[0]) != {key for row in rows for key in row}:
            continue
        for index, row in enumerate(rows):
            if len(found) <= index:
                found.append({})
            found[index].update(row)
    return found


def _lists(content: Any) -> Iterator[list[Any]]:
    if isinstance(content, list):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            if isinstance(value, (dict, list)):
                yield from _lists(value) if isinstance(value, dict) else (value,)
    else:
        raise PivotError(f"a plot needs rows, not {type(content).__name__} alone")


def _x_axis(plot: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    x, y = options.get("x"), options.get("y")
    if isinstance(x, Mapping):
        return x
    if x is None:
        return {}
    if isinstance(y, Mapping):
        return {
            file: [x] * len(names) if isinstance(names, (list, tuple)) else x
            for file, names in y.items()
        }
    return {plot: x}


def _y_axis(
    plot: str, options: Mapping[str, Any], contents: Mapping[str, Any]
) -> Mapping[str, Any]:
    y = options.get("y")
    if y is not None:
        return y if isinstance(y, Mapping) else {plot: y}
    for rows in _lists(contents[plot]) if plot in contents else ():
        if rows and all(isinstance(row, dict) for row in rows) and rows[0]:
            return {plot: list(rows[0])[-1]}
    return {}


def _pairs(
    axis: Mapping[str, Any], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[tuple[str, str]]:
    for file, names in axis.items():
        for name in names if isinstance(names, (list, tuple)) else [names]:
            if file in rows:
                if not rows[file]:
                    raise PivotError(f"'{file}' has no rows, or not all have the same columns")
                if name not in rows[file][0]:
                    known = [str(each) for each in rows[file][0]]
                    raise PivotError(
                        f"'{file}' has no column '{name}'; it has {', '.join(known)}",
                        hint=did_you_mean(str(name), known),
                    )
            yield file, name


def _take(
    rows: Sequence[dict[str, Any]], name: str, others: Sequence[Mapping[str, Any]], theirs: str
) -> None:
    for row, other in zip(rows, others, strict=True):
        if theirs in other:
            row[name] = other[theirs]


def _label(fields: set[str], none: str, several: str) -> str:
    if not fields:
        return none
    return next(iter(fields)) if len(fields) == 1 else several
