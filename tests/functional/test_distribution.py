"""What users install: the wheel holds the package, its schemas and its licence, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the installed build backend, so without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    script = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, folder], cwd=checkout, check=True)
    [built] = folder.iterdir()
    return built


def test_the_wheel_holds_every_module_and_schema(checkout: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(checkout)) for path in (checkout / "pivot").rglob("*.py")}
    schemas = {f"pivot/_schemas/{path.name}" for path in (checkout / "schemas").glob("*.json")}
    assert schemas
    assert modules | schemas | {"pivot/py.typed"} <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"pivot"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_it_works_from_the_wheel_as_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(unpacked)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pivot import config\n"
        "assert config.__file__.startswith(sys.argv[1]), config.__file__\n"
        "print(sorted(config.schema('pivot'))[:1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(unpacked)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},  # and so not measured: it is not the checkout's code
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "$" in done.stdout
