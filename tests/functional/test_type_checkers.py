"""Type checkers on typed stages: no word where they are right, and one for each mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict

import pivot
from pivot import Dep, DirectoryOut, IncrementalOut, Metric, Out, PlaceholderDep, Plot, loaders as L
from pivot.loaders import CSV, JSON, Loader, LoaderError

Rows = Annotated[list[dict[str, str]], Dep("rows.csv", CSV(delimiter=";"))]


class Params(pivot.StageParams):
    C: float = 0.5
    names: tuple[str, ...] = ()


class Trained(TypedDict):
    model: Annotated[dict[str, float], Out("model.json", JSON(indent=1), cache=False)]
    scores: Annotated[dict[str, float], Metric("scores.json")]


class Named(NamedTuple):
    curve: Annotated[list[list[float]], Plot("curve.csv", CSV(), x="a", y=["b"], template="linear")]


@dataclasses.dataclass
class Data:
    whole: Annotated[bytes, Out("whole.bin", L.Bytes())]


class Lines:
    def __init__(self, keep: int) -> None:
        self.keep = keep

    def load(self, path: Path) -> list[str]:
        return path.read_text().splitlines()[: self.keep]

    def save(self, value: list[str], path: Path) -> None:
        path.write_text("\\n".join(value))


def train(rows: Rows, params: Params) -> Trained:
    return {"model": {"C": params.C}, "scores": {"n": float(len(rows))}}


def draw(rows: Annotated[Any, PlaceholderDep(CSV())]) -> Named:
    return Named(curve=[[1.0]])


def whole(parts: Annotated[list[Path], Dep(["a", Path("b")], check="stat")]) -> Data:
    return Data(b"".join(part.read_bytes() for part in parts))


def lines(
    text: Annotated[list[str], Dep("a.txt", Lines(3))],
    log: Annotated[list[str], IncrementalOut("log.jsonl", L.JSONL())],
    folder: Annotated[Path, DirectoryOut("folder")],
) -> Annotated[dict[str, list[str]], DirectoryOut("parts", Lines(0))]:
    log.append(text[0])
    return {"a.txt": text}


one: Loader = Lines(1)
trained = train([{"a": "1"}], Params(C=2))
scores: dict[str, float] = trained["scores"]
try:
    value = CSV(sep=";").load("x.csv")
except LoaderError:
    value = None
"""

#: Each line is a mistake.
BAD = """
from typing import Annotated
import pivot
from pivot import loaders
pivot.Depp("a")
pivot.Dep(3)
pivot.Dep("a", loader="csv")
pivot.Dep("a", check="some")
pivot.Out("a", cahce=False)
pivot.Plot("a", x=3)
loaders.CVS()
loaders.PathOnly(sep=";")
def f(rows: Annotated[list[str], pivot.Dep("a.csv", loaders.CSV())]) -> None: ...
f(3)
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    return tmp_path


def wrong_lines() -> set[int]:
    return {
        number
        for number, line in enumerate(BAD.splitlines(), 1)
        if line and not line.startswith(("from", "import", "def"))
    }


def test_mypy_accepts_the_annotations(sample: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir=cache"]
    done = subprocess.run(
        [*command, "good.py", "bad.py"], cwd=sample, capture_output=True, text=True, check=False
    )

    found = {tuple(line.split(":")[:2]) for line in done.stdout.splitlines() if ": error:" in line}
    assert {name for name, _ in found} == {"bad.py"}, done.stdout
    assert {int(line) for _, line in found} == wrong_lines(), done.stdout


def test_pyright_accepts_the_annotations(sample: Path) -> None:
    config = {"typeCheckingMode": "strict", "reportUnusedExpression": False}
    (sample / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        command,
        cwd=sample,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    told = json.loads(done.stdout)["generalDiagnostics"]
    errors = {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1, item["message"])
        for item in told
        if item["severity"] == "error"
    }
    assert not [error for error in errors if error[0] == "good.py"]
    assert wrong_lines() <= {line for _, line, _ in errors}
