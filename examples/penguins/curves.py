"""How good predicted chances are."""

import pandas as pd
from sklearn import metrics


def scores(answer: pd.Series, chance: pd.Series) -> dict[str, float]:
    """Accuracy, F1 and area under the curve, to four digits."""
    said = chance >= 0.5
    return {
        "accuracy": round(float(metrics.accuracy_score(answer, said)), 4),
        "f1": round(float(metrics.f1_score(answer, said)), 4),
        "auc": round(float(metrics.roc_auc_score(answer, chance)), 4),
    }


def roc(answer: pd.Series, chance: pd.Series) -> pd.DataFrame:
    """False and true positive rates as the threshold falls."""
    fpr, tpr, _ = metrics.roc_curve(answer, chance)
    return pd.DataFrame({"fpr": fpr, "tpr": tpr})
