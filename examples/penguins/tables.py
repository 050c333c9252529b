"""Reading, cleaning, splitting and writing tables of birds."""

from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

MEASURED = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


def write(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g")


def complete(birds: pd.DataFrame) -> pd.DataFrame:
    """The birds with a known sex and all four measurements."""
    return birds.dropna(subset=["sex", *MEASURED])


def split(birds: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and held-out birds, each sex held out in the same share."""
    train, test = train_test_split(birds, test_size=share, random_state=seed, stratify=birds["sex"])
    return train.sort_index(), test.sort_index()


def inputs_and_answer(birds: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The feature columns, and whether the bird is female."""
    return birds.drop(columns="sex"), birds["sex"] == "female"
