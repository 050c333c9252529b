"""Features made from the measurements of a bird."""

import pandas as pd


def with_ratios(birds: pd.DataFrame) -> pd.DataFrame:
    """Add what does not depend on how large a species is."""
    return birds.assign(
        bill_ratio=bill_ratio(birds),
        mass_per_mm=birds["body_mass_g"] / birds["flipper_length_mm"],
    )


def bill_ratio(birds: pd.DataFrame) -> pd.Series:
    return birds["bill_length_mm"] / birds["bill_depth_mm"]


def with_indicators(birds: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Replace columns of names by one 0/1 column for each name."""
    return pd.get_dummies(birds, columns=columns, dtype=int)
