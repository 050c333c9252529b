"""The chart of the report."""

from pathlib import Path

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot


def draw(tables: dict[str, list[dict[str, str]]], target: Path) -> None:
    """Bars of the mean delay by month and by wind."""
    figure, sides = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True)
    units = {"month": "month", "wind": "wind, knots"}
    for side, (name, unit) in zip(sides, units.items(), strict=True):
        rows = tables[name]
        side.bar([row["group"] for row in rows], [float(row["delay"]) for row in rows])
        side.set_xlabel(unit)
    sides[0].set_ylabel("mean delay, minutes")
    figure.tight_layout()
    # without the version of matplotlib, the file is the same for the same picture
    figure.savefig(target, dpi=100, metadata={"Software": None})
