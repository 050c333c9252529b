"""`plots show`, `diff` and `templates` as people call them, rightly and wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Sandbox

PIPELINE = """
    stages:
      train:
        cmd: sh train.sh
        deps: [train.sh, seed.txt]
        plots:
          loss: {path: out/loss.csv, x: epoch, y: loss, title: Loss}
          tree: {path: out/tree}
    plots:
      - flat.json
      - cells.csv: {template: confusion, x: guess, y: truth}
      - Compared: {y: {flat.json: v, out/loss.csv: loss}, template: mine}
    """
SCRIPT = """
    mkdir -p out/tree
    s=$(cat seed.txt)
    printf 'epoch,loss\\n1,9\\n2,'$s'\\n' > out/loss.csv
    printf 'a,b\\n1,'$s'\\n' > out/tree/deep.csv
    printf '<svg width="5" height="6"/>' > out/tree/picture.svg
    """


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    sandbox = Sandbox(tmp_path_factory.mktemp("plots") / "project")
    sandbox.write(
        {
            "pivot.yaml": PIPELINE,
            "train.sh": SCRIPT,
            "seed.txt": "5",
            "flat.json": '[{"v": 1}, {"v": 2}]',
            "cells.csv": "truth,guess\na,b\nb,b\n",
            ".pivot/plots/mine.json": '{"data": {"values": "<DVC_METRIC_DATA>"}, "mark": "bar"}',
            "words.txt": "words",
            "binary.csv": b"\xff\xfe\x00",
            "empty.csv": "",
            "scalar.json": "5",
            "broken.json": "{",
            "huge.csv": "x",
            "bad.json": '{"mark": "bar"}',
            "list.json": "[]",
            "page.html": "<html></html>",
        }
    )
    sandbox.run("repro").ended(0)
    sandbox.commit()
    sandbox.write({"seed.txt": "7"})
    sandbox.run("repro").ended(0)
    with open(sandbox.root / "huge.csv", "wb") as stream:
        stream.truncate(100 << 20)
    return sandbox


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_text_of_two_versions(project: Sandbox) -> None:
    done = project.run("plots", "diff", "--text").ended(0)
    assert project.run("plots", "diff", "--text", "..workspace").ended(0).stdout == done.stdout

    assert words(done.stdout) == words(
        "flat.json: v over step\n"
        "               rows    first    last    least    most\n"
        "workspace  ▁█  2       1        2       1        2\n"
        "HEAD       ▁█  2       1        2       1        2\n"
        "\n"
        "cells.csv: truth over guess\n"
        "workspace: truth  b\n"
        "a                 1\n"
        "b                 1\n"
        "HEAD: truth  b\n"
        "a            1\n"
        "b            1\n"
        "\n"
        "Compared: y over step\n"
        "           source                   rows    first    last    least    most\n"
        "workspace  flat.json::v         ▁▂  2       1        2       1        2\n"
        "workspace  out/loss.csv::loss   █▇  2       9        7       7        9\n"
        "HEAD       flat.json::v         ▁▂  2       1        2       1        2\n"
        "HEAD       out/loss.csv::loss   █▅  2       9        5       5        9\n"
        "\n"
        "Loss: loss over epoch\n"
        "               rows    first    last    least    most\n"
        "workspace  █▅  2       9        7       7        9\n"
        "HEAD       █▁  2       9        5       5        9\n"
        "\n"
        "out/tree/deep.csv: b over step\n"
        "              rows    first    last    least    most\n"
        "workspace  █  1       7        7       7        7\n"
        "HEAD       ▁  1       5        5       5        5\n"
        "\n"
        "out/tree/picture.svg: a picture\n"
        "workspace  5 x 6, 27 bytes\n"
        "HEAD       5 x 6, 27 bytes\n"
    )


def test_json_reads_outs_of_a_revision_from_the_cache(project: Sandbox, tmp_path: Path) -> None:
    found = project.run("plots", "diff", "HEAD", "--json", "-o", str(tmp_path / "p")).ended(0).json

    assert "errors" not in found
    [loss] = found["data"]["out/loss.csv"]
    assert loss["revisions"] == ["workspace", "HEAD"]
    assert [row["loss"] for row in loss["content"]["data"]["values"]] == ["9", "7", "9", "5"]
    assert [picture["revisions"] for picture in found["data"]["out/tree/picture.svg"]] == [
        ["workspace"],
        ["HEAD"],
    ]
    for picture in found["data"]["out/tree/picture.svg"]:
        assert Path(picture["url"]).read_text().startswith("<svg")


def test_one_plot_s_specification_and_templates(project: Sandbox) -> None:
    spec = project.run("plots", "show", "Loss", "out/loss.csv", "--show-vega")
    assert "--show-vega takes one target" in spec.ended(2).stderr
    spec = project.run(
        "plots", "show", "--show-vega", "-t", "simple", "out/loss.csv", "--title", "T"
    )
    assert spec.ended(0).json["title"]["text"] == "T"
    names = project.run("plots", "templates").ended(0).stdout.split()
    assert json.loads(project.run("plots", "templates", names[0]).ended(0).stdout)["data"]


def test_pages_go_where_they_are_asked_to(project: Sandbox) -> None:
    done = project.run("plots", "show", "out/tree/picture.svg", cwd="out/..").ended(0)
    assert done.stdout == (project.root / "pivot_plots/index.html").as_uri() + "\n"
    assert project.read("pivot_plots/.gitignore") == "*\n"
    done = project.run("plots", "show", "tree", "-o", "../there.html", cwd="out").ended(0)
    assert "deep.csv" in project.read("there.html")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("show nosuch", "'nosuch' is neither a plot nor a file that can be plotted"),
        ("show flat.jsn", "did you mean 'flat.json'"),
        pytest.param("show plots(", "'plots(' is neither", marks=pytest.mark.thorough),
        ("show flat.json -x nosuch", "'flat.json' has no column 'nosuch'; it has v"),
        ("show flat.json -t smoth", "did you mean 'smooth'?"),
        ("show flat.json -t broken.json", "plot template 'broken.json' is not JSON"),
        ("show flat.json -t bad.json", "has no <DVC_METRIC_DATA> for the data"),
        pytest.param(
            "show flat.json -t list.json",
            "plot template 'list.json' is not a JSON object",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            "show flat.json -t .", "there is no plot template '.'", marks=pytest.mark.thorough
        ),
        pytest.param("show words.txt", "'words.txt' cannot be plotted", marks=pytest.mark.thorough),
        ("show binary.csv", "'binary.csv' is not UTF-8 text"),
        ("show empty.csv", "empty.csv: there are no rows to plot"),
        pytest.param(
            "show scalar.json", "a plot needs rows, not int alone", marks=pytest.mark.thorough
        ),
        pytest.param("show broken.json", "not valid JSON", marks=pytest.mark.thorough),
        ("show huge.csv", "'huge.csv' is too large to plot: 100 MB"),
        ("show --show-vega", "--show-vega takes one target"),
        ("show out/tree/picture.svg --show-vega", "'out/tree/picture.svg' is no chart"),
        ("show --split", "--split goes with --json"),
        ("show --text --json", "--text and --json cannot be combined"),
        pytest.param(
            "show --open --json", "--open and --json cannot be combined", marks=pytest.mark.thorough
        ),
        ("show --html-template nosuch", "cannot read the HTML template 'nosuch'"),
        pytest.param(
            "show --html-template page.html", "has no {plot_divs}", marks=pytest.mark.thorough
        ),
        ("diff nosuch", "there is no revision 'nosuch'"),
        pytest.param("diff HEAD..nosuch", "no revision 'nosuch'", marks=pytest.mark.thorough),
        pytest.param(
            "templates nosuch", "there is no plot template 'nosuch'", marks=pytest.mark.thorough
        ),
        pytest.param("shwo", "No such command 'shwo'", marks=pytest.mark.thorough),
    ],
)
def test_wrong_inputs(project: Sandbox, command: str, says: str) -> None:
    done = project.run("plots", *command.split())

    assert done.code == 2, done
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_plots_go_by_the_names_that_stages_give_them(tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "named").write(
        {
            "pivot.yaml": """
                stages:
                  a:
                    cmd: printf 'v\\n1\\n2\\n' > a.csv && cp a.csv b.csv
                    plots: {curve: {path: a.csv}, other: {path: b.csv}}
                """
        }
    )
    other.run("repro").ended(0)
    other.commit()
    for command in ("show curve --text", "diff HEAD workspace --targets curve --text"):
        drawn = other.run("plots", *command.split()).ended(0).stdout
        assert drawn.startswith("a.csv: v over step")
        assert "b.csv" not in drawn
    assert "did you mean 'curve'?" in other.run("plots", "show", "curv").ended(2).stderr
    named = other.run("plots", "diff", "HEAD", "--targets", "zzz").ended(2).stderr
    assert "the plots are a.csv, b.csv, curve, other" in named


def test_wrong_definitions_leave_the_others(tmp_path: Path) -> None:
    project = Sandbox(tmp_path, git=False).write(
        {
            "pivot.yaml": """
                plots:
                  - good.csv: {tmplate: x}
                  - good.csv: {y: V}
                  - odd: {y: {good.csv: v}, template: nosuch}
                  - ..
                  - https://example.org/data.csv
                """,
            "good.csv": "v\n1\n",
            "sub/pivot.yaml": "plots: [5",
        }
    )
    project.append("pivot.yaml", "  - other.csv\n")
    project.write({"other.csv": "v\n1\n"})

    done = project.run("plots", "show", "--text").ended(2)
    project.run("plots", "show", "--text", "other.csv").ended(0)

    assert done.stdout.startswith("other.csv: v over step\n")
    for said in (
        "'good.csv' has no column 'V'; it has v; did you mean 'v'?",
        "there is no plot template 'nosuch'",
        "'..' is not there",
        "'https://example.org/data.csv' is not there",
        "sub/pivot.yaml",
    ):
        assert said in done.stderr, said
    assert "no git repository" in project.run("plots", "diff").ended(2).stderr
