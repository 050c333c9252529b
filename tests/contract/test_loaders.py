"""Every loader of `pivot.loaders`: what is saved comes back; a file is whole or not there."""

from __future__ import annotations

import dataclasses
import datetime
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pivot
from pivot import loaders as L
from pivot.declare.formats import files, placing, tables
from pivot.declare.formats.errors import LoaderError


def frame() -> Any:
    import pandas

    return pandas.DataFrame({"a": [1, 2], "b": ["x", "y,z"]})


def arrays() -> Any:
    import numpy

    return numpy.arange(6).reshape(2, 3)


ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": "y,z"}]

CASES: list[tuple[Any, Any, Any]] = [
    (L.Text(), "a\r\nb\u00e9", None),
    (L.Text(encoding="latin-1"), "\u00e9", None),
    (L.Bytes(), b"\x00\xff", None),
    (L.JSON(), {"a": [1, None, 0.5]}, None),
    (L.JSON(indent=None), [1, 2], None),
    (L.JSONL(), [{"a": 1}, 2, "x"], None),
    (L.YAML(), {"a": [1, None], "b": datetime.date(2024, 2, 29)}, None),
    (L.Pickle(), {1: {2, 3}}, None),
    (L.Joblib(), [1, "x"], None),
    (L.CSV(), ROWS, list),
    (L.CSV(delimiter=";"), ROWS, list[dict[str, str]]),
    (L.TSV(), ROWS, list),
]


@pytest.mark.parametrize(("loader", "value", "kind"), CASES, ids=lambda item: repr(item)[:30])
def test_values_come_back(tmp_path: Path, loader: Any, value: Any, kind: Any) -> None:
    place = tmp_path / "deep" / "file"

    loader.save(value, place)

    assert loader.load(place, kind) == value
    assert os.listdir(place.parent) == ["file"]


@pytest.mark.parametrize("loader", [L.CSV(), L.TSV(), L.Parquet(), L.Feather()], ids=repr)
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_tables_are_of_the_annotated_library(tmp_path: Path, loader: Any, library: str) -> None:
    module = pytest.importorskip(library)
    kind = module.Table if library == "pyarrow" else module.DataFrame
    made = {"pandas": frame, "polars": lambda: module.DataFrame(frame().to_dict("list")),
            "pyarrow": lambda: module.table(frame().to_dict("list"))}[library]()  # fmt: skip

    loader.save(made, tmp_path / "x")
    found = loader.load(tmp_path / "x", kind)

    assert isinstance(found, kind)
    assert found.equals(made)
    empty = loader.empty(kind)
    assert isinstance(empty, kind)
    assert len(empty) == 0


@pytest.mark.parametrize("loader", [L.Parquet(), L.Feather()])
def test_what_pandas_alone_cannot_do_is_said_with_what_to_install(
    tmp_path: Path, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas

    monkeypatch.setattr(tables, "_has", lambda module: module == "pandas")
    (tmp_path / "x").write_bytes(b"")
    for act in (
        lambda: loader.load(tmp_path / "x"),
        lambda: loader.save(pandas.DataFrame({"a": [1]}), tmp_path / "y"),
    ):
        with pytest.raises(LoaderError, match="install pyarrow into the project's environment"):
            act()


def test_arrays_pictures_and_figures(tmp_path: Path) -> None:
    L.NumPy().save(arrays(), tmp_path / "a.npy")
    L.NumPy().save({"x": arrays()}, tmp_path / "a.npz")
    assert (L.NumPy().load(tmp_path / "a.npy") == arrays()).all()
    assert (L.NumPy().load(tmp_path / "a.npz")["x"] == arrays()).all()

    L.Image().save(arrays().astype("uint8"), tmp_path / "a.png")
    assert L.Image().load(tmp_path / "a.png").size == (3, 2)

    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    for name in ("a.png", "a.svg", "a.pdf"):
        L.MatplotlibFigure(dpi=20).save(axes, tmp_path / f"fig-{name}")
    L.MatplotlibFigure(dpi=20).save(axes.figure, tmp_path / "again.svg")
    # no time of drawing in it
    assert b"<dc:date>" not in (tmp_path / "again.svg").read_bytes()
    with pytest.raises(LoaderError, match="cannot be loaded"):
        L.MatplotlibFigure().load(tmp_path / "fig-a.png")
    with pytest.raises(TypeError, match="figure or axes"):
        L.MatplotlibFigure().save(3, tmp_path / "x.png")


def test_toml(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("a = 1\n")
    assert L.TOML().load(tmp_path / "a.toml") == {"a": 1}


def test_a_failed_save_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "a.json"
    L.JSON().save({"a": 1}, place)
    before = place.read_bytes()

    with pytest.raises(TypeError, match="object has no JSON form"):
        L.JSON().save({"a": object()}, place)

    assert place.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize(
    ("loader", "kind", "value"),
    [
        (L.Text(), None, ""),
        (L.Bytes(), None, b""),
        (L.JSON(), None, {}),
        (L.JSON(), list[int], []),
        (L.JSON(), "list[int]", []),
        (L.JSONL(), None, []),
        (L.YAML(), dict, {}),
        (L.CSV(), list[dict], []),
        (L.Pickle(), None, None),
        (L.Pickle(), set, set()),
    ],
    ids=repr,
)
def test_what_an_incremental_out_starts_from(loader: Any, kind: Any, value: Any) -> None:
    assert loader.empty(kind) == value


def test_loaders_are_values() -> None:
    assert L.CSV(sep=";") == L.CSV(sep=";") != L.CSV() != L.TSV()
    assert repr(L.CSV(sep=";")) == "CSV(sep=';')"
    assert len({L.JSON(), L.JSON(), L.YAML()}) == 2
    assert pivot.Dep("a", L.CSV()) == pivot.Dep("a", L.CSV()) != pivot.Dep("a", L.TSV())
    assert "check='stat'" in repr(pivot.Dep("a", check="stat"))


def test_every_format_has_its_class_and_every_class_its_format() -> None:
    ours = {
        kind.format for name in L.__all__ if hasattr(kind := getattr(L, name), "format")
    }  # fmt: skip
    assert ours == set(files.LOADERS)
    assert set(files.SUFFIXES.values()) <= set(files.LOADERS)
    from pivot.config import schema

    assert schema("pivot")["$defs"]["loader"]["examples"] == sorted(files.LOADERS)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/../b", "/a", "a//b", "a/", "a\\b", "a\nb", "a\0b", "C:a", "a /b", "a.", "x" * 300, 3, "\u2028"],
)  # fmt: skip
def test_unsafe_names_of_files_in_a_folder(tmp_path: Path, name: Any) -> None:
    with pytest.raises(LoaderError, match="cannot name a file in a folder"):
        placing.save_folder(str(tmp_path / "out"), ["ok", name], lambda *_: None)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "names",
    [["a", "A"], ["a/x", "A/y"], ["a", "a"], ["a", "a/b"], ["\u00e9", "e\u0301"], ["A", "a/b"]],
)
def test_names_that_could_not_lie_beside_each_other(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(LoaderError):
        placing.save_folder(str(tmp_path / "out"), names, lambda *_: None)


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def write(name: str, place: str) -> None:
        if name == "bad":
            raise ValueError("no")
        Path(place).write_text(name)

    placing.save_folder(str(out), ["a", "deep/b"], write)
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()) == ["a", "deep/b"]
    with pytest.raises(ValueError, match="no"):
        placing.save_folder(str(out), ["c", "bad"], write)
    assert (out / "a").read_text() == "a"
    placing.save_folder(str(out) + "/", ["c"], write)
    assert os.listdir(out) == ["c"]
    assert os.listdir(tmp_path) == ["out"]


def test_json_takes_what_scientists_have(tmp_path: Path) -> None:
    import numpy

    @dataclasses.dataclass
    class Point:
        x: float

    value = {"n": numpy.float64(0.5), "a": arrays(), "p": Point(1.0), "d": datetime.date(2024, 1, 2),
             "f": Path("a"), "s": {1}}  # fmt: skip
    L.JSON().save(value, tmp_path / "x.json")
    assert L.JSON().load(tmp_path / "x.json") == {
        "n": 0.5, "a": [[0, 1, 2], [3, 4, 5]], "p": {"x": 1.0}, "d": "2024-01-02", "f": "a", "s": [1],
    }  # fmt: skip


def test_importing_pivot_imports_little() -> None:
    code = (
        "import sys; before = set(sys.modules); import pivot; from pivot import loaders, Dep; "
        "Dep('a', loaders.CSV()); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert "pivot.declare.loaders" in found
    assert not found & {"pandas", "boto3", "pydantic", "typer", "numpy", "yaml", "json", "inspect"}


def test_names_that_pivot_does_not_have() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Depp'"):
        pivot.Depp  # type: ignore[attr-defined] # noqa: B018
    assert {"Dep", "loaders", "StageParams", "__version__"} <= set(dir(pivot))
    assert pivot.StageParams.model_config["extra"] == "forbid"
