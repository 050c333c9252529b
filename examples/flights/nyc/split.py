"""One file of flights for each airport they left from."""

from pathlib import Path

from . import tables


def split(flights: Path, origins: list[str], by_origin: Path) -> None:
    """Write `by_origin/<origin>.csv`; an origin outside the list is an error."""
    everything = tables.read(flights)
    unknown = set(everything["origin"]) - set(origins)
    if unknown:
        raise ValueError(f"flights from {sorted(unknown)}, which params do not list")
    by_origin.mkdir(exist_ok=True)
    for origin, some in everything.groupby("origin"):
        tables.write(some, by_origin / f"{origin}.csv")
        print(f"{origin}: {len(some):,} flights")
