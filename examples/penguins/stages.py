"""One function a stage; `pivot.yaml` at the repository root says what each reads and makes."""

import json
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from . import curves, measures, models, tables


def prepare(raw: Path, drop: list[str], clean: Path) -> None:
    """Keep the birds whose sex and measurements are known."""
    birds = tables.read(raw)
    tables.write(tables.complete(birds).drop(columns=drop), clean)


def features(clean: Path, seed: int, test_share: float, training: Path, held_out: Path) -> None:
    """Turn measurements into features, and hold some birds of each sex out."""
    birds = measures.with_ratios(tables.read(clean))
    birds = measures.with_indicators(birds, ["species", "island"])
    seen, unseen = tables.split(birds, test_share, seed)
    tables.write(seen, training)
    tables.write(unseen, held_out)


def train(training: Path, kind: str, options: dict[str, Any], seed: int, model: Path) -> None:
    """Fit one kind of model to the training birds; `options` has those of every kind."""
    inputs, female = tables.inputs_and_answer(tables.read(training))
    fitted = models.build(kind, options[kind], seed).fit(inputs, female)
    joblib.dump(fitted, model)


def evaluate(held_out: Path, fitted: list[Path], metrics: Path, roc: Path) -> None:
    """Score every model on the held-out birds; print the table, write metrics and curves."""
    inputs, female = tables.inputs_and_answer(tables.read(held_out))
    scores, points = {}, []
    for path in fitted:
        chance = joblib.load(path).predict_proba(inputs)[:, 1]
        scores[path.stem] = curves.scores(female, chance)
        points.append(curves.roc(female, chance).assign(model=path.stem))
    metrics.write_text(json.dumps(scores, indent=2) + "\n")
    tables.write(pd.concat(points), roc)
    print(pd.DataFrame(scores).T.to_string())
