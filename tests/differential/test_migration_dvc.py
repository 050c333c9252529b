"""From DVC to Pivot and back: nothing runs again, and DVC agrees with what it is given."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import DVC, Both

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Make = Callable[[str], Both]

TYPICAL = {
    "dvc.yaml": """\
# the pipeline of the spring release
vars: [config.yaml]
stages:
  prepare:
    cmd: python src/prepare.py ${names}   # templated
    deps: [src/prepare.py, data/raw.csv]
    params: [prepare.factor]
    outs: [data/clean]
  train:
    matrix: {model: [linear, forest]}
    cmd: python src/train.py ${item.model}
    deps: [data/clean]
    outs:
    - models/${item.model}.txt
    metrics:
    - metrics-${item.model}.json: {cache: false}
  plot:
    wdir: plots
    cmd: printf 'x,y\\n1,2\\n' > roc.csv
    deps: [../models]
    plots:
    - roc.csv: {cache: false, x: x, y: y}
""",
    "config.yaml": "names: all\n",
    "params.yaml": "prepare: {factor: 2}  # twice\n",
    "plots/.keep": "",
    "models/.keep": "",
    "src/prepare.py": """\
import os, sys
import common
os.makedirs("data/clean", exist_ok=True)
for name in "ab":
    open(f"data/clean/{name}", "w").write(common.read() * 2)
""",
    "src/common.py": "def read():\n    return open('data/raw.csv').read()\n",
    "src/train.py": """\
import json, sys
kind = sys.argv[1]
text = open("data/clean/a").read()
open(f"models/{kind}.txt", "w").write(kind + text)
json.dump({"n": len(text)}, open(f"metrics-{kind}.json", "w"))
""",
    "data/raw.csv": "1,2\n",
    "sub/dvc.yaml": "stages:\n  report:\n    cmd: cat ../metrics-linear.json > report.txt\n"
    "    deps: [../metrics-linear.json]\n    outs: [report.txt]\n",
}


def typical(both: Both) -> Both:
    both.write(TYPICAL)
    both.dvc("add", "-q", "data/raw.csv").well()
    both.dvc("remote", "add", "-q", "-d", "storage", str(both.root.parent / "storage")).well()
    both.commit()
    return both


def fresh(both: Both) -> bool:
    return all(stage["state"] == "fresh" for stage in both.states().values())


@pytest.mark.parametrize("runner", ["dvc", "pivot"])
def test_nothing_runs_again_after_a_migration(both: Make, runner: str) -> None:
    project = typical(both("project"))
    project.dvc("repro", "-q", "-P").well() if runner == "dvc" else project.pivot(
        "repro", "-P"
    ).well()
    project.commit()
    assert project.dvc_changed() == {}
    assert project.dvc("push", "-q").code == 0
    before = project.git("status", "--short")

    shown = project.pivot("migrate", "--dry-run").well().out
    assert "rename dvc.yaml -> pivot.yaml" in shown or "pivot.yaml" in shown
    assert project.git("status", "--short") in (before, before + "?? .pivot/\n")

    project.pivot("migrate").well()
    assert "# the pipeline of the spring release" in project.read("pivot.yaml")
    assert not (project.root / ".dvc").exists()
    assert fresh(project)
    done = project.pivot("repro", "-P", "--json").well()
    assert '"ran"' not in done.out
    project.remove("models/linear.txt")
    project.remove("data/clean")
    project.remove("data/raw.csv")
    project.pivot("checkout").well()
    assert fresh(project)
    project.write({"src/common.py": TYPICAL["src/common.py"].replace("read()", "read().upper()", 1)
                   .replace("def read().upper()", "def read()")})  # fmt: skip
    project.write({"src/common.py": "def read():\n    return open('data/raw.csv').read() + '!'\n"})
    assert project.states()["prepare"]["state"] == "stale"


def test_a_migration_is_taken_back_as_it_says(both: Make) -> None:
    project = typical(both("project"))
    project.dvc("repro", "-q", "-P").well()
    project.commit()
    said = project.pivot("migrate").well().err
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    subprocess.run(["bash", "-ec", "\n".join(commands)], cwd=project.root, check=True)
    assert project.git("status", "--short") == ""
    assert project.dvc_changed() == {}
    project.remove("data/clean")
    project.dvc("checkout", "-q").well()


def test_dvc_finds_an_export_up_to_date(both: Make) -> None:
    project = both("project")
    project.remove(".dvc")
    project.git("rm", "-rq", "--cached", ".dvc", ".dvcignore")
    project.write(
        {
            "pivot.yaml": """\
params: [params.yaml]
metrics: [counts.json]
plots:
- curve.csv: {x: a, y: b}
- "both ${times}": {x: a, y: {curve.csv: b}}
artifacts: {doubled: {path: out/doubled.txt, desc: "it's ${quoted}"}}
stages:
  double:
    python: work.double
    deps: {raw: raw.txt}
    params: {times: "${times}", label: "it's ${quoted}"}
    outs: {made: out/doubled.txt}
  count:
    foreach: [one, two]
    do:
      cmd: wc -c < out/doubled.txt > counts/${item}.txt
      deps: [out/doubled.txt]
      params: [times]
      outs: ["counts/${item}.txt": {cache: false}]
""",
            "params.yaml": "times: 2\nquoted: '\"x\"'\n",
            "work.py": "import helper\ndef double(raw, made, times: int, label: str):\n"
            "    made.write_text(helper.join(raw.read_text(), times) + label)\n",
            "helper.py": "def join(text, times):\n    return text * times\n",
            "raw.txt": "abc",
            "counts.json": '{"n": 3}',
            "curve.csv": "a,b\n1,2\n3,4\n",
            "only/pivot.yaml": "metrics: [more.json]\n",
            "only/more.json": '{"m": 4}',
        }
    )
    project.pivot("track", "raw.txt").well()
    project.pivot("repro").well()
    made = project.read("out/doubled.txt")
    project.pivot("export").well()
    assert project.dvc_changed() == {}
    shown = project.dvc("metrics", "show", "--json").well().json
    assert set(shown[""]["data"]) == {"counts.json", "only/more.json"}
    project.commit()
    project.write({"params.yaml": "times: 2\nquoted: '\"y\"'\n"})
    diff = project.dvc("params", "diff", "--json").well().json
    assert diff == {"params.yaml": {"quoted": {"old": '"x"', "new": '"y"'}}}
    project.write({"params.yaml": "times: 2\nquoted: '\"x\"'\n"})
    plots = project.dvc("plots", "show", "--json").well().json
    assert set(plots["data"]) == {"curve.csv", "both 2"}
    project.dvc("repro", "-q", "--force").well()
    assert project.read("out/doubled.txt") == made
    assert project.dvc_changed() == {}
    project.remove("out/doubled.txt")
    project.dvc("checkout", "-q").well()
    assert project.read("out/doubled.txt") == made
    assert fresh(project)
