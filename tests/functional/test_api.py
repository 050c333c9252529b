"""The Python API: values of versions and runs, as plain data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from harness import Sandbox

import pivot

FILES = {
    "pivot.yaml": """
        stages:
          fit:
            python: stages.fit
            params: [C]
            outs: {model: model.txt}
            metrics: {scores: {path: scores.json, cache: false}}
          report:
            cmd: cp model.txt report.txt
            deps: [model.txt]
            outs: [report.txt]
        """,
    "stages.py": """
        import json
        def fit(C, model, scores):
            model.write_text(str(C))
            scores.write_text(json.dumps({"score": C * 2}))
        """,
    "params.yaml": "C: 1\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    made = Sandbox(tmp_path_factory.mktemp("api") / "project").write(FILES)
    made.repro()
    made.commit()
    made.git("tag", "v1")
    made.write({"params.yaml": "C: 3\n"})
    made.repro()
    made.commit()
    return made


def test_values_of_any_version_come_back_as_plain_data(project: Sandbox) -> None:
    here: dict[str, Any] = {"project": project.root}
    assert pivot.params(**here) == {"params.yaml": {"C": 3}}
    assert pivot.params("v1", **here) == {"params.yaml": {"C": 1}}
    assert pivot.metrics(**here) == {"scores.json": {"score": 6}}
    assert pivot.metrics("v1", **here) == {"scores.json": {"score": 2}}
    assert pivot.metrics(targets="scores.json", **here) == {"scores.json": {"score": 6}}
    assert pivot.read("model.txt", **here) == "3"
    assert pivot.read("model.txt", "v1", **here) == "1"
    assert pivot.read("stages.py", "v1", mode="rb", **here) == (
        textwrap.dedent(FILES["stages.py"]).lstrip("\n").encode()
    )
    with pivot.open(project.root / "report.txt", "HEAD~1", **here) as stream:
        assert json.load(stream) == 1
    assert pivot.read("model.txt", "v1", repo=os.fspath(project.root)) == "1"


def test_what_is_not_there_is_an_error_with_its_message(project: Sandbox) -> None:
    here: dict[str, Any] = {"project": project.root}
    with pytest.raises(pivot.PivotError, match=r"there is no 'nope.txt' in workspace"):
        pivot.read("nope.txt", **here)
    for read, name, meant in ((pivot.params, "param.yaml", "params.yaml"),
                              (pivot.metrics, "score.json", "scores.json")):  # fmt: skip
        with pytest.raises(pivot.PivotError, match=f"no '{name}'; did you mean '{meant}'"):
            read(targets=[name], **here)
    with pytest.raises(pivot.PivotError, match="v7"):
        pivot.params("v7", **here)
    with pytest.raises(pivot.PivotError, match="is a folder"):
        pivot.open(".", **here)
    with pytest.raises(pivot.PivotError, match="mode is one of"):
        pivot.open("params.yaml", mode="w", **here)
    with pytest.raises(pivot.PivotError, match="there is no Pivot project"):
        pivot.params(project="/")
    text = project.read("pivot.yaml")
    project.write({"pivot.yaml": "a: b: c\n"})
    for function in (pivot.params, pivot.metrics, pivot.status):
        with pytest.raises(pivot.PivotError, match=r"pivot\.yaml:1:5"):
            function(**here)
    broken = "stages:\n  a: {cmd: echo, dep: x}\n  b: {cmd: echo, otus: y}\n"
    project.write({"pivot.yaml": broken})
    with pytest.raises(pivot.PivotError) as two:
        pivot.repro(**here)
    assert [(error.where.line, error.hint) for error in two.value.errors if error.where] == [
        (2, "did you mean 'deps'?"),
        (3, "did you mean 'outs'?"),
    ]
    with pytest.raises(pivot.PivotError) as one:
        pivot.open(".", **here)
    assert one.value.errors == (one.value,)
    project.write({"pivot.yaml": text})


def test_what_cannot_be_meant_is_an_error_before_anything_is_done(tmp_path: Path) -> None:
    project = Sandbox(tmp_path / "p").write({**FILES, "bytes.bin": b"\xff\xfe\x00"})
    here: dict[str, Any] = {"project": project.root}
    jobs: Any
    for jobs in (0, -5, "x", 1.5, True):
        with pytest.raises(pivot.PivotError, match="jobs takes a whole number from 1 on"):
            pivot.repro(jobs=jobs, **here)
    assert not project.has("model.txt")
    for read in (pivot.read, pivot.open):
        with pytest.raises(pivot.PivotError, match=r"'bytes.bin' is no text in utf-8; mode='rb'"):
            read("bytes.bin", **here)
        with pytest.raises(pivot.PivotError, match="mode is one of r, rt, rb, not 'w'"):
            read("params.yaml", mode="w", **here)
        with pytest.raises(pivot.PivotError, match="no encoding 'utf-9'"):
            read("params.yaml", encoding="utf-9", **here)
    assert pivot.read("bytes.bin", mode="rb", **here) == b"\xff\xfe\x00"


def test_a_run_tells_how_each_stage_ended(project: Sandbox, tmp_path: Path) -> None:
    copy = project.copy(tmp_path / "copy")
    here: dict[str, Any] = {"project": copy.root}
    fresh = pivot.repro(**here)
    assert fresh["ok"]
    assert {stage["status"] for stage in fresh["stages"].values()} == {"fresh"}
    ran = pivot.repro("fit", set_params={"C": 7}, **here)
    assert ran["stages"]["fit"]["status"] == "ran"
    assert copy.read("model.txt") == "7"
    assert copy.read("params.yaml") == "C: 3\n"
    assert {s["name"]: s["state"] for s in pivot.status(**here)["stages"]} == {
        "fit": "stale", "report": "fresh",  # what it stands on is restored
    }  # fmt: skip
    copy.edit("stages.py", "json.dumps", "json.dump")
    failed = pivot.repro(keep_going=True, **here)
    assert not failed["ok"]
    assert failed["stages"]["fit"]["status"] == "failed"
    assert "TypeError" in failed["stages"]["fit"]["error"]
    with pytest.raises(pivot.PivotError, match="did you mean 'fit'"):
        pivot.repro(["fitt"], **here)


def test_importing_pivot_costs_next_to_nothing(tmp_path: Path) -> None:
    text = (
        "import sys; before = set(sys.modules); import pivot; pivot.Dep; pivot.Pipeline; "
        "pivot.stage; pivot.loaders.CSV; print(len(set(sys.modules) - before)); "
        "print(*sorted({n.partition('.')[0] for n in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    count, names = done.stdout.splitlines()
    assert int(count) < 40
    assert not {"pandas", "boto3", "pydantic", "typer", "yaml", "numpy"} & set(names.split())
