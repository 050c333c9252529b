"""Plots as text for a terminal: a sparkline and the range of every line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..values import dataclass
from .anchors import Series

_BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40


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
    """The lines of a chart, one for each revision and source, in the order of their points."""
    several = len(series.sources) > 1
    groups: dict[tuple[str, str], list[Any]] = {}
    for point in series.points:
        source = f"{point.get('filename')}::{point.get('field')}" if several else ""
        groups.setdefault((point["rev"], source), []).append(point.get(series.y))
    every = [number for values in groups.values() for number in map(_number, values)]
    known = [number for number in every if number is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    for (revision, source), values in groups.items():
        numbers = [_number(value) for value in values]
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


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None  # NaN compares as false
