"""A DVC repository of the size of large real ones: loading it, and listing its stages."""

from __future__ import annotations

import hashlib
import shutil
import sys
from functools import partial
from pathlib import Path

from .generate import write
from .measuring import Cost, in_turn, run
from .report import Report

FOLDERS = 33
STAGES = 650
RECORDS = 130
PIVOT = str(Path(sys.executable).parent / "pivot")

#: Fifteen stages, in the forms that occur: templates, foreach, matrix, working folders, flags.
PIPELINE = """\
vars:
- common.yaml
- names: [north, south, east]
  root: ../data
stages:
  load:
    cmd: python src/load.py ${{root}}/raw_{number}.csv out/clean.csv --rows ${{rows}}
    deps: [src/load.py, "${{root}}/raw_{number}.csv"]
    params: [load.minimum, load.columns]
    outs:
    - out/clean.csv
  split:
    foreach: ${{names}}
    do:
      wdir: work
      cmd: python ../src/split.py ${{item}} ${{rows}} ../out/clean.csv ../out/${{item}}.csv
      deps: [../src/split.py, ../out/clean.csv]
      params: [../params.yaml: [split.seed, "split.${{item}}"]]
      outs: ["../out/${{item}}.csv"]
  fit:
    matrix:
      name: ${{names}}
      model: [{{kind: linear, rate: 0.1}}, {{kind: forest, rate: 0.5}}]
    cmd: >-
      python src/fit.py --name ${{item.name}} --kind ${{item.model.kind}}
      --rate ${{item.model.rate}} ${{options}}
    deps:
    - src/fit.py
    - out/${{item.name}}.csv
    params: [fit]
    outs:
    - models/${{item.name}}-${{item.model.kind}}.bin: {{persist: false, desc: a model}}
    metrics:
    - metrics/${{item.name}}-${{item.model.kind}}.json: {{cache: false}}
    plots:
    - plots/${{item.name}}-${{item.model.kind}}.csv: {{cache: false, x: step, y: loss}}
  check:
    foreach: {{first: {{limit: 1}}, second: {{limit: 2}}}}
    do:
      cmd: python src/check.py ${{key}} ${{item.limit}}
      deps: [src/check.py, models]
      outs: ["reports/${{key}}.txt"]
  report:
    cmd:
    - python src/report.py
    - wc -l report.md > report.count
    deps: [src/report.py, metrics, reports]
    outs: [report.md, report.count]
{more}
"""
MORE = """\
  step_{number}:
    cmd: python src/step.py {number} ${{rows}}
    deps: [src/step.py, report.md]
    params: [fit.depth]
    outs: [steps/{number}.txt]
"""
PARAMS = """\
rows: 100
options: {fast: true, level: 3}
load: {minimum: 1, columns: [a, b, c]}
split: {seed: 1, north: 0.1, south: 0.2, east: 0.3}
fit: {depth: 3, leaves: 10}
"""
FIXED = 13  # stages that PIPELINE makes


def generate(root: Path) -> None:
    """Write the repository."""
    write(root / ".dvc/config", "[core]\n    analytics = false\n")
    write(root / ".dvcignore", "*.tmp\n")
    each, rest = divmod(STAGES, FOLDERS)
    for number in range(FOLDERS):
        folder = root / f"part_{number:02}"
        more = range(each + (number < rest) - FIXED)
        steps = "".join(MORE.format(number=step) for step in more)
        write(folder / "dvc.yaml", PIPELINE.format(number=number, more=steps))
        write(folder / "params.yaml", PARAMS)
        write(folder / "common.yaml", "owner: somebody\nregions: {a: 1, b: 2}\n")
        for name in ("load", "split", "fit", "check", "report", "step"):
            write(folder / f"src/{name}.py", "import json\n")
        write(folder / "work/.keep", "")
    for number in range(RECORDS):
        text = f"{number}\n"
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        place = root / "data" / f"raw_{number}.csv"
        write(place, text)
        write(
            place.with_name(place.name + ".dvc"),
            f"outs:\n- md5: {digest}\n  size: {len(text)}\n  hash: md5\n  path: {place.name}\n",
        )


def measure(root: Path, report: Report, times: int) -> None:
    """`list` where nothing is known of the repository yet, and again."""
    folder = root / "monorepo"
    generate(folder)
    run(["git", "init", "-q"], folder)
    said: list[str] = []
    run([PIVOT, "list"], folder, output=said.append)
    report.demand(f"{STAGES} stages are listed", said[0].count("\n") == STAGES)

    def cold() -> Cost:
        shutil.rmtree(folder / ".pivot", ignore_errors=True)
        return run([PIVOT, "list"], folder)

    found = in_turn(
        {
            "floor: import typer": partial(run, [sys.executable, "-c", "import typer"], folder),
            "cold": cold,
            "settle": partial(run, [PIVOT, "list"], folder),
            "warm": partial(run, [PIVOT, "list"], folder),
        },
        times,
    )
    floor = found["floor: import typer"]
    # on the machine of the first measurements the floor is 75 ms
    for name, most in (("cold", 13.0), ("warm", 4.0)):
        row = report.add(f"list of a DVC repository, {name}", found[name], STAGES, floor)
        report.promise(
            f"list, {name}: {STAGES} stages in {FOLDERS} files, {RECORDS} .dvc: {most} x floor",
            found[name].cpu / floor.cpu,
            most,
            row,
        )
