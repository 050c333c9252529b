"""Plots as text for a terminal: sparklines, bars, and counts of pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..values import dataclass
from .anchors import Series

_BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40
#: More names than this are no longer read as a table.
NAMES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart in numbers. `shape` is its sparkline, '' where y are no numbers."""

    revision: str
    source: str
    shape: str
    count: int
    first: Any
    last: Any
    least: Any
    most: Any


def lines_of(series: Series, width: int = WIDTH) -> Iterator[Line]:
    """The lines of a chart, one for each revision and source, by x where that is a number."""
    several = len(series.sources) > 1
    points: dict[tuple[str, str], list[tuple[float | None, Any]]] = {}
    for point in series.points:
        source = f"{point.get('filename')}::{point.get('field')}" if several else ""
        x = number_of(point.get(series.x))
        points.setdefault((point["rev"], source), []).append((x, point.get(series.y)))
    groups = {key: [y for _, y in _by_x(found)] for key, found in points.items()}
    every = [number for values in groups.values() for number in map(number_of, values)]
    known = [number for number in every if number is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    for (revision, source), values in groups.items():
        numbers = [number_of(value) for value in values]
        present = [number for number in numbers if number is not None]
        shape = sparkline(numbers, low, high, width) if present else ""
        yield Line(
            revision,
            source,
            shape,
            len(values),
            values[0],
            values[-1],
            min(present) if present else None,
            max(present) if present else None,
        )


def _by_x(points: list[tuple[float | None, Any]]) -> list[tuple[float | None, Any]]:
    if any(x is None for x, _ in points):
        return points
    return sorted(points, key=lambda point: point[0] or 0.0)


def has_numbers(series: Series) -> bool:
    """Whether any y is a number, so that lines say something."""
    return any(number_of(point.get(series.y)) is not None for point in series.points)


def bars_of(series: Series, width: int = WIDTH // 2) -> list[list[str]] | None:
    """Names as y and numbers as x, as in bar charts: a row a name, a cell a revision, the last x of
    that name as a bar and a number. The head comes first. None where x are no numbers either, or
    names are too many.
    """
    found: dict[str, dict[str, float]] = {}
    for point in series.points:
        number = number_of(point.get(series.x))
        if number is None:
            return None
        found.setdefault(str(point.get(series.y)), {})[point["rev"]] = number
    if not found or len(found) > NAMES:
        return None
    most = max(abs(number) for numbers in found.values() for number in numbers.values()) or 1.0
    rows = [[str(series.y_label or series.y), *series.revisions]]
    for name, numbers in found.items():
        cells = [
            f"{'█' * round(abs(numbers[label]) / most * width)} {numbers[label]:.4g}".strip()
            if label in numbers
            else "-"
            for label in series.revisions
        ]
        rows.append([name, *cells])
    return rows


def counts_of(series: Series, revision: str) -> list[list[str]] | None:
    """How often each pair of x and y occurs at a revision: a row a y, a column an x; the head
    comes first. None where names are too many.
    """
    pairs = Counter(
        (str(point.get(series.y)), str(point.get(series.x)))
        for point in series.points
        if point["rev"] == revision
    )
    columns, names = sorted({x for _, x in pairs}), sorted({y for y, _ in pairs})
    if len(columns) > NAMES or len(names) > NAMES:
        return None
    head = [f"{revision}: {series.y_label or series.y}", *columns]
    return [head, *([name, *(str(pairs[name, x]) for x in columns)] for name in names)]


def sparkline(numbers: Sequence[float | None], low: float, high: float, width: int = WIDTH) -> str:
    """`numbers` as bars between `low` and `high`, averaged into at most `width` columns."""
    columns = min(width, len(numbers))
    text = ""
    for column in range(columns):
        start, end = column * len(numbers) // columns, (column + 1) * len(numbers) // columns
        part = [number for number in numbers[start:end] if number is not None]
        if not part:
            text += " "
            continue
        share = (sum(part) / len(part) - low) / (high - low) if high > low else 0.5
        text += _BARS[min(len(_BARS) - 1, max(0, int(share * len(_BARS))))]
    return text


def number_of(value: Any) -> float | None:
    """A value as a number, texts that say one too; None for others, and what is not finite."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None  # NaN compares as false
