"""Each flight with the weather of its hour and the plane it flew with."""

from pathlib import Path

import pandas as pd

from . import tables
from .units import knots

FLIGHT = ["month", "carrier", "tailnum", "origin", "dest", "dep_delay", "arr_delay", "time_hour"]
WEATHER = ["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]
PLANE = ["tailnum", "year", "seats"]


def join(flights: Path, weather: Path, planes: Path, origin: str, joined: Path) -> None:
    """Join the flights of one origin; flights without weather or plane keep empty cells."""
    rows = tables.read(flights, FLIGHT)
    skies = tables.read(weather, WEATHER)
    fleet = tables.read(planes, PLANE).rename(columns={"year": "built"})
    rows = with_weather(rows, skies[skies["origin"] == origin])
    rows = rows.merge(fleet, how="left", on="tailnum", validate="many_to_one")
    tables.write(rows.drop(columns="time_hour"), joined)
    print(f"{origin}: {len(rows):,} flights, {rows['temp'].notna().mean():.1%} with weather")


def with_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Add the weather that the airport reported for the hour of departure."""
    weather = weather.assign(wind_knots=knots(weather["wind_speed"])).drop(columns="wind_speed")
    return flights.merge(weather, how="left", on=["origin", "time_hour"], validate="many_to_one")
