"""The models that are compared."""

from collections.abc import Callable
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def linear(options: dict[str, Any], seed: int) -> ClassifierMixin:
    regression = LogisticRegression(C=options["C"], max_iter=1000, random_state=seed)
    return make_pipeline(StandardScaler(), regression)


def forest(options: dict[str, Any], seed: int) -> ClassifierMixin:
    return RandomForestClassifier(
        n_estimators=options["trees"],
        max_depth=options["depth"],
        random_state=seed,
    )


KINDS: dict[str, Callable[[dict[str, Any], int], ClassifierMixin]] = {
    "linear": linear,
    "forest": forest,
}


def build(kind: str, options: dict[str, Any], seed: int) -> ClassifierMixin:
    """An unfitted model of the named kind."""
    return KINDS[kind](options, seed)
