"""The flights example, through the command line: 336,776 rows, parallel stages, a followed command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Sandbox

ORIGINS = {"EWR": 120_835, "JFK": 111_279, "LGA": 104_662}
EXPORT = {f"export@{table}" for table in ("flights", "weather", "planes", "airlines")}
JOIN = {f"join@{origin}" for origin in ORIGINS}
ALL = EXPORT | JOIN | {"split", "delays", "report"}


def fresh_copy(checkout: Path, root: Path, *, below: str = ".") -> Sandbox:
    sandbox = Sandbox(root)
    made = shutil.ignore_patterns(
        "__pycache__", "data", "metrics.json", "report.html", "delays.png"
    )
    shutil.copytree(checkout / "examples/flights", root / below, ignore=made, dirs_exist_ok=True)
    sandbox.commit("the example")
    return sandbox


@pytest.fixture(scope="module")
def finished(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The example after its first run; tests change copies of it."""
    sandbox = fresh_copy(checkout, tmp_path_factory.mktemp("flights") / "project")
    assert sandbox.repro("-j", "2") == dict.fromkeys(ALL, "ran")
    return sandbox


@pytest.fixture
def flights(finished: Sandbox, tmp_path: Path) -> Sandbox:
    return finished.copy(tmp_path / "project")


def test_first_run_keeps_every_flight(finished: Sandbox) -> None:
    assert finished.rows("data/raw/flights.csv") == 336_776
    for origin, rows in ORIGINS.items():
        assert finished.rows(f"data/by_origin/{origin}.csv") == rows
        assert finished.rows(f"data/joined/{origin}.csv") == rows
    metrics = finished.json("metrics.json")
    assert metrics["flights"] == 336_776
    assert metrics["arrived"] == 327_346
    assert 6.8 < metrics["mean_delay"] < 7
    assert 0.2 < metrics["late"] < 0.3
    assert finished.rows("data/delays/airline.csv") == 16
    assert finished.rows("data/delays/month.csv") == 12
    assert "336,776 flights" in finished.read("report.html")
    assert (finished.root / "delays.png").read_bytes().startswith(b"\x89PNG")


def test_a_directory_is_one_output(finished: Sandbox) -> None:
    assert set(finished.lock("split")["outs"]) == {"data/by_origin"}
    assert set(finished.lock("join@EWR")["deps"]) == {
        "data/by_origin/EWR.csv",
        "data/raw/planes.csv",
        "data/raw/weather.csv",
    }


def test_second_run_has_nothing_to_do(flights: Sandbox) -> None:
    locks = flights.contents(".pivot/stages")
    assert flights.stale() == set()
    assert flights.repro() == dict.fromkeys(ALL, "fresh")
    assert flights.contents(".pivot/stages") == locks


EDITS = {
    "helper of the joins": (
        "nyc/units.py",
        "0.868976",
        "0.8",
        JOIN | {"delays", "report"},
    ),
    "what the script imports": (
        "scripts/charts.py",
        "dpi=100",
        "dpi=80",
        {"report"},
    ),
    "the script, which is a dep too": (
        "scripts/report.py",
        "<h2>By",
        "<h2>Delays by",
        {"report"},
    ),
    "a param": (
        "params.yaml",
        "late_minutes: 15",
        "late_minutes: 30",
        {"delays", "report"},
    ),
    "a param in the command": (
        "params.yaml",
        "title: Flights",
        "title: All flights",
        {"report"},
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_an_edit_runs_exactly_its_stages(flights: Sandbox, case: str) -> None:
    file, old, new, expected = EDITS[case]
    flights.edit(file, old, new)
    assert flights.ran() == expected
    assert flights.stale() == set()


COSMETIC = {
    "comment in a helper": ("nyc/units.py", "KNOTS_PER_MPH =", "# by definition\nKNOTS_PER_MPH ="),
    "comment in the script, which is a dep": (
        "scripts/report.py",
        "def main(",
        "# the command\ndef main(",
    ),
    "docstring of what the script imports": ("scripts/charts.py", "Bars of the", "Bars with the"),
}


@pytest.mark.parametrize("case", COSMETIC)
def test_an_edit_that_cannot_matter_runs_nothing(flights: Sandbox, case: str) -> None:
    flights.edit(*COSMETIC[case])
    assert flights.stale() == set()
    assert flights.ran() == set()


def test_undoing_an_edit_restores_without_running(finished: Sandbox, flights: Sandbox) -> None:
    flights.edit("params.yaml", "late_minutes: 15", "late_minutes: 30")
    assert flights.ran() == {"delays", "report"}

    flights.git("checkout", "--", "params.yaml")

    assert flights.ran() == set()
    assert flights.contents("data/delays") == finished.contents("data/delays")
    assert flights.read("report.html") == finished.read("report.html")


def test_a_lost_folder_comes_back_from_the_cache(finished: Sandbox, flights: Sandbox) -> None:
    flights.remove("data/by_origin", "report.html")
    assert flights.ran() == set()
    assert flights.contents("data") == finished.contents("data")


def test_below_the_root_stages_are_addressed_by_their_file(checkout: Path, tmp_path: Path) -> None:
    sandbox = fresh_copy(checkout, tmp_path / "project", below="examples/flights")
    sandbox.write({"pivot.yaml": "stages: {}\n"})
    prefix = "examples/flights/pivot.yaml:"

    assert sandbox.stale() == {prefix + name for name in ALL}
    assert sandbox.ran(prefix + "export@airlines") == {prefix + "export@airlines"}

    assert sandbox.rows("examples/flights/data/raw/airlines.csv") == 16
    assert set(sandbox.lock(prefix + "export@airlines")["outs"]) == {
        "examples/flights/data/raw/airlines.csv"
    }
