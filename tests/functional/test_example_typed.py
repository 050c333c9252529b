"""The typed example: its signatures are the pipeline, and edits of them count as they should."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from harness import Sandbox

HERE = "examples/typed"
ALL = {"clean", "by_species", "fit", "judge"}


def test_the_typed_example(checkout: Path, tmp_path: Path) -> None:
    project = Sandbox(tmp_path / "project")
    project.write({"pivot.yaml": "stages: {}\n"})  # as in the repository, the root is above
    made = shutil.ignore_patterns("__pycache__", "results")
    shutil.copytree(checkout / HERE, project.root / HERE, ignore=made)
    data = "examples/penguins/data"
    (project.root / data).mkdir(parents=True)
    shutil.copy(checkout / data / "penguins.csv", project.root / data)

    def short(names: set[str]) -> set[str]:
        return {name.rpartition(":")[2] for name in names}

    assert short(project.ran("-P")) == ALL
    results = f"{HERE}/results"
    assert project.rows(f"{results}/clean.csv") == 333
    assert len(list((project.root / results / "by_species").rglob("*.csv"))) == 9
    assert project.json(f"{results}/scores.json")["accuracy"] > 0.9
    assert project.rows(f"{results}/mistakes.csv") == 3
    assert project.stale() == set()
    listed = project.run("list", "--json").ended().json["stages"]
    assert {out["kind"] for stage in listed for out in stage["outs"]} == {"out", "metric", "plot"}

    for file, old, new, stages in (
        ("stages.py", "scaled: bool = True", "scaled: bool = False", {"fit", "judge"}),
        ("stages.py", '("bill_length_mm",)', '("body_mass_g",)', set()),
        ("birds.py", ".split()", '.split(" ")', {"fit", "judge"}),
        ("birds.py", 'x="species"', 'x="count"', set()),
        ("params.yaml", "4", "5", {"judge"}),
    ):
        text = project.read(f"{HERE}/{file}")
        project.edit(f"{HERE}/{file}", old, new)
        assert short(project.stale()) == stages, (old, new)
        project.write({f"{HERE}/{file}": text})

    project.edit(f"{HERE}/pivot.yaml", "bill_length_mm,", "bill_lenght_mm,")
    told = project.run("repro", "-P").ended(2).stderr
    assert "pivot.yaml:9:25: stage 'examples/typed/pivot.yaml:fit': param 'measures[0]'" in told
    assert "did you mean 'bill_length_mm'?" in told
    project.edit(f"{HERE}/pivot.yaml", "bill_lenght_mm,", "bill_depth_mm,")
    assert short(project.ran("-P")) == {"fit", "judge"}
    lines = project.read(f"{results}/scores.jsonl").splitlines()
    assert [json.loads(line)["measures"][0] for line in lines] == [
        "bill_length_mm",
        "bill_depth_mm",
    ]
