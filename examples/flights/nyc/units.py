"""Units of the weather table."""

import pandas as pd

KNOTS_PER_MPH = 0.868976


def knots(miles_per_hour: pd.Series) -> pd.Series:
    return (miles_per_hour * KNOTS_PER_MPH).round(1)
