"""What both tools plot of one repository: points, revisions, anchors, whole custom templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import DVC, Both

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Make = Callable[[str], Both]

OPTIONAL = (
    "color", "column", "group_by", "group_by_x", "group_by_y", "pivot_field", "plot_height",
    "plot_width", "row", "shape", "stroke_dash", "tooltip", "zoom_and_pan",
)  # fmt: skip
#: Every anchor, alone, within a text, in lists.
OWN = {
    "data": {"values": "<DVC_METRIC_DATA>"},
    "title": "about <DVC_METRIC_TITLE> and <DVC_METRIC_Y_LABEL>",
    "x": ["<DVC_METRIC_X>", {"label": "<DVC_METRIC_X_LABEL>"}, "in <DVC_METRIC_X>"],
    "y": {"<DVC_METRIC_Y>": "<DVC_METRIC_Y>", "label": "<DVC_METRIC_Y_LABEL>"},
    "all": [f"<DVC_METRIC_{name.upper()}>" for name in OPTIONAL],
    "nested": [["<DVC_METRIC_COLOR>"]],
}
PIPELINE = """
stages:
  make:
    cmd: sh make.sh
    deps: [make.sh, seed.txt]
    plots:
      - plots/loss.csv: {x: epoch, y: val, title: Validation}
      - plots/acc.json: {cache: false}
      - plots/cm.csv: {template: confusion, x: guess, y: truth}
      - plots/deep.yaml
      - plots/bare.tsv: {header: false}
      - plots/tree
plots:
  - Both losses:
      x: epoch
      y: {plots/loss.csv: [train, val]}
  - Many:
      x: {plots/loss.csv: epoch, plots/acc.json: step}
      y: {plots/loss.csv: val, plots/acc.json: acc}
      x_label: time
      y_label: value
      template: own
  - Same field:
      y: {plots/loss.csv: val, plots/tree/b.csv: val}
      template: scatter
  - Odd columns:
      x: {plots/loss.csv: "a.b[0]"}
      y: {plots/loss.csv: val}
      template: own
  - Uneven:
      x: {plots/loss.csv: epoch}
      y: {plots/short.json: v}
  - plots/cm.csv: {template: confusion_normalized, x: guess, y: truth}
  - plots/short.json
  - pictures
  - absent.csv
"""
SCRIPT = """
s=$(cat seed.txt)
mkdir -p plots/tree/in
{ echo 'epoch,train,val,a.b[0]'; for i in 1 2 3; do echo "$i,$i.$s,0.$i$s,$i"; done; } > plots/loss.csv
echo '{"acc": [{"step": 1, "acc": 0.1}, {"step": 2, "acc": 0.'$s'}, {"step": 3, "acc": 1}], "n": 5}' > plots/acc.json
printf 'truth,guess\\na,b\\na,a\\nb,b\\n' > plots/cm.csv
printf 'one:\\n  two:\\n  - {x: 1, y: '$s'}\\n  - {x: 2, y: 5}\\nother:\\n- {z: 1}\\n' > plots/deep.yaml
printf '1\\n'$s'\\n' > plots/bare.tsv
cp plots/loss.csv plots/tree/b.csv
echo '[{"q": '$s'}]' > plots/tree/in/c.json
printf x$s > plots/tree/p.png
"""


def charts(answer: Any) -> dict[str, Any]:
    """What is specified of an answer: not the wording of built-in templates, nor of errors."""
    found = {}
    for name, plots in answer.get("data", {}).items():
        found[name] = [
            {key: value for key, value in plot.items() if key != "content"}
            | {"values": _values(plot.get("content"))}
            for plot in plots
        ]
    errors = sorted(
        (error.get("name", ""), error["rev"], error.get("source", ""))
        for error in answer.get("errors", ())
    )
    return {"charts": found, "errors": errors}


def _values(content: Any) -> Any:
    if not content:
        return None
    if "all" in content:  # the project's own template: every byte of it
        return content
    return content["data"]["values"], content["title"]["text"]


@pytest.fixture
def project(both: Make) -> Both:
    project = both("project")
    project.write(
        {
            "dvc.yaml": PIPELINE,
            "make.sh": SCRIPT,
            "seed.txt": "1",
            "plots/short.json": '[{"v": 1}, {"v": 2}]',
            "pictures/1.svg": "<svg/>",
            "pictures/more/2.png": "no picture",
            ".dvc/plots/own.json": json.dumps(OWN),
            "sub/dvc.yaml": "plots:\n- here.csv: {y: b}\n- ../plots/cm.csv\n- ../plots/short.json\n",
            "sub/here.csv": "a,b\n1,2\n3,4\n",
        }
    )
    project.dvc("repro", "-q").well()
    project.commit()
    project.write({"seed.txt": "2", "sub/here.csv": "a,b\n1,2\n3,5\n5,6\n"})
    project.dvc("repro", "-q").well()
    project.commit()
    project.write({"seed.txt": "3"})
    project.dvc("repro", "-q").well()
    return project


def test_the_same_plots(project: Both) -> None:
    calls = [
        ["plots", "diff", "HEAD~1", "HEAD", "workspace", "--json", "--split"],
        ["plots", "diff", "HEAD~1", "--json"],
        ["plots", "diff", "--json"],
        ["plots", "show", "--json", "--split", "-o", "there"],
        ["plots", "diff", "HEAD~1", "--targets", "Many", "plots/tree", "sub/dvc.yaml", "--json"],
        ["plots", "show", "plots/loss.csv", "-x", "train", "-y", "val", "-t", "own",
         "--title", "T", "--x-label", "X", "--y-label", "Y", "--json"],
        ["plots", "show", "plots/bare.tsv", "--no-header", "--json"],
    ]  # fmt: skip
    for call in calls:
        theirs = charts(project.dvc(*call).well().json)
        ours = charts(project.pivot(*call).well().json)
        assert ours == theirs, call
        assert ours["charts"]

    # from a folder below
    call = ["--cd", "sub", "plots", "diff", "HEAD~1", "--json", "--split"]
    ours, theirs = (charts(tool(*call).well().json) for tool in (project.pivot, project.dvc))
    for found in (ours, theirs):  # here DVC forgets that the table has no header
        del found["charts"]["../plots/bare.tsv"]
    assert ours == theirs

    names = ["plots", "templates"]
    assert project.pivot(*names).well().out == project.dvc(*names).well().out
    vega = ["plots", "show", "--show-vega", "Many"]
    assert project.pivot(*vega).well().json == project.dvc(*vega).well().json
