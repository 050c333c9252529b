"""What delays go with: the airline, the month, the wind."""

import json
from pathlib import Path

import pandas as pd

from . import tables

USED = ["month", "carrier", "origin", "arr_delay", "wind_knots"]


def delays(
    joined: list[Path],
    airlines: Path,
    late_minutes: int,
    wind_knots: list[int],
    summary: Path,
    metrics: Path,
) -> None:
    """Write one table for each question, and the overall numbers."""
    flights = pd.concat([tables.read(path, USED) for path in joined], ignore_index=True)
    arrived = flights["arr_delay"].notna()
    flights["late"] = (flights["arr_delay"] > late_minutes).astype(float).where(arrived)
    names = tables.read(airlines).set_index("carrier")["name"]
    summary.mkdir(exist_ok=True)
    answers = {
        "airline": by(flights, flights["carrier"].map(names)),
        "month": by(flights, flights["month"]),
        "wind": by(flights, strength(flights["wind_knots"], wind_knots)),
        "origin": by(flights, flights["origin"]),
    }
    for name, answer in answers.items():
        tables.write(answer, summary / f"{name}.csv")
    metrics.write_text(json.dumps(overall(flights), indent=2) + "\n")


def by(flights: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    """Flights, mean delay in minutes and share of late flights for each value of `group`."""
    grouped = flights.groupby(group.rename("group"), observed=False)
    return grouped.agg(
        flights=("arr_delay", "size"), delay=("arr_delay", "mean"), late=("late", "mean")
    ).reset_index()


def strength(knots: pd.Series, bounds: list[int]) -> pd.Series:
    """Wind in classes: below the first bound, between two of them, above the last."""
    edges = [-1.0, *bounds, float("inf")]
    starts = [0, *bounds]
    labels = [f"{low}-{high}" for low, high in zip(starts, [*bounds, "more"], strict=True)]
    return pd.cut(knots, edges, right=False, labels=labels)


def overall(flights: pd.DataFrame) -> dict[str, float]:
    return {
        "flights": len(flights),
        "arrived": int(flights["arr_delay"].notna().sum()),
        "mean_delay": round(float(flights["arr_delay"].mean()), 3),
        "late": round(float(flights["late"].mean()), 4),
    }
