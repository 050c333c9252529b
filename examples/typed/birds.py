"""What the stages share: where the data lie, and how they are read."""

from pathlib import Path
from typing import Annotated, TypedDict

import pandas as pd

from pivot import Dep, Metric, Plot
from pivot.loaders import CSV, JSON

MADE = "results"

Raw = Annotated[
    pd.DataFrame, Dep("../penguins/data/penguins.csv", CSV(usecols=["species", "sex", "year",
    "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]))
]  # fmt: skip
Clean = Annotated[pd.DataFrame, Dep(f"{MADE}/clean.csv", CSV(float_format="%.6g"))]


class Centres:
    """A loader of our own: means by species and measure, one `species measure mean` a line."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def load(self, path: Path) -> dict[str, dict[str, float]]:
        centres: dict[str, dict[str, float]] = {}
        for line in path.read_text().splitlines():
            species, measure, mean = line.split()
            centres.setdefault(species, {})[measure] = float(mean)
        return centres

    def save(self, value: dict[str, dict[str, float]], path: Path) -> None:
        lines = [
            f"{species} {measure} {mean:.{self.digits}f}"
            for species, means in value.items()
            for measure, mean in means.items()
        ]
        path.write_text("\n".join(lines) + "\n")


class Judged(TypedDict):
    """What `judge` makes."""

    scores: Annotated[dict[str, float], Metric(f"{MADE}/scores.json", JSON(), cache=False)]
    mistakes: Annotated[pd.DataFrame, Plot(f"{MADE}/mistakes.csv", x="species", y="count")]
