"""Which species is it? A nearest-centre guess, in stages whose signatures say all."""

from __future__ import annotations

from typing import Annotated, Literal

import pandas as pd
from birds import MADE, Centres, Clean, Judged, Raw

from pivot import Dep, DirectoryOut, IncrementalOut, Out, StageParams
from pivot.loaders import CSV, JSONL

Measure = Literal["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


class FitParams(StageParams):
    """What the guess is made from, and whether large numbers are to weigh as much as small ones."""

    measures: tuple[Measure, ...] = ("bill_length_mm",)
    scaled: bool = True


class JudgeParams(StageParams):
    held_out: int


def clean(raw: Raw) -> Annotated[pd.DataFrame, Out(f"{MADE}/clean.csv", CSV(float_format="%.6g"))]:
    """Keep the birds that were measured."""
    return raw.dropna().reset_index(drop=True)


def by_species(
    birds: Clean,
) -> Annotated[dict[str, pd.DataFrame], DirectoryOut(f"{MADE}/by_species", CSV())]:
    """One file a species and year."""
    groups = birds.groupby(["species", "year"])
    return {f"{species}/{year}.csv": group for (species, year), group in groups}


def fit(
    birds: Clean, params: FitParams
) -> Annotated[dict[str, dict[str, float]], Out(f"{MADE}/centres.txt", Centres(digits=3))]:
    """The centre of each species."""
    chosen = birds[["species", *params.measures]]
    if params.scaled:
        chosen = chosen.assign(
            **{name: chosen[name] / chosen[name].std() for name in params.measures}
        )
    means = chosen.groupby("species").mean()
    return {str(species): dict(row) for species, row in means.iterrows()}


def judge(
    birds: Clean,
    centres: Annotated[dict[str, dict[str, float]], Dep(f"{MADE}/centres.txt", Centres(digits=3))],
    scores_so_far: Annotated[list[dict], IncrementalOut(f"{MADE}/all.jsonl", JSONL())],
    params: JudgeParams,
) -> Judged:
    """Guess some of the birds, and add the score to those of the runs before."""
    names = list(next(iter(centres.values())))
    some = birds.iloc[:: params.held_out]
    scaled = some[names] / birds[names].std()
    guesses = [
        min(centres, key=lambda s: _distance(row, centres[s])) for _, row in scaled.iterrows()
    ]
    right = some["species"] == guesses
    score = {"accuracy": round(float(right.mean()), 4), "birds": len(some)}
    scores_so_far.append({"measures": names, **score})
    wrong = some[~right].groupby("species").size()
    mistakes = wrong.reindex(sorted(centres), fill_value=0).rename("count").reset_index()
    return {"scores": score, "mistakes": mistakes}


def _distance(bird: pd.Series, centre: dict[str, float]) -> float:
    return sum((bird[name] - mean) ** 2 for name, mean in centre.items())
