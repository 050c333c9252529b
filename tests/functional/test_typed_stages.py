"""Stages whose signature declares all: as their YAML twins, edit by edit, without running code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import Sandbox

DECLARED = """
from typing import Annotated, TypedDict
from pivot import Dep, Metric, Out, Plot
from pivot import loaders as L

RAW = "raw.csv"
Raw = Annotated[list[dict], Dep(RAW, L.CSV(delimiter=";"))]

class Trained(TypedDict):
    model: Annotated[dict, Out("models/model.json", L.JSON(indent=1))]
    scores: Annotated[dict, Metric("scores.json", cache=False)]
    curve: Annotated[list[dict], Plot("curve.csv", x="a", y="b")]
"""

BODIES = """
class Params(StageParams):
    C: float = 0.5
    rounds: int = 3

def clean(raw{raw}){clean}:
    return [row for row in raw if row["a"] > "1"]

def train(data{data}, params: Params){trained}:
    curve = [{{**row, "b": float(row["b"]) * params.C}} for row in data]
    return {{"model": {{"C": params.C}}, "scores": {{"n": len(data)}}, "curve": curve}}

def report(scores{scores}, out{out}, note: str = ""):
    out.write_text(f"{{scores['n']}} {{note}}")
"""

TYPED = BODIES.format(
    raw=": Raw",
    clean=' -> Annotated[list[dict], Out("clean.csv")]',
    data=': Annotated[list[dict], Dep("clean.csv")]',
    trained=" -> Trained",
    scores=': Annotated[dict, Dep("scores.json", L.JSON())]',
    out=': Annotated[Path, Out("report.txt")]',
)
PLAIN = BODIES.format(raw=": list", clean="", data=": list", trained="", scores="", out="")

TYPED_YAML = """
stages:
  clean: {python: stages.clean}
  train: {python: stages.train, params: {rounds: 4}}
  report: {python: stages.report}
"""
PLAIN_YAML = """
stages:
  clean:
    python: stages.clean
    deps: {raw: {path: raw.csv, loader: csv, options: {delimiter: ";"}}}
    outs: {return: {path: clean.csv, loader: csv}}
  train:
    python: stages.train
    deps: {data: {path: clean.csv, loader: csv}}
    params: {C: 0.5, rounds: 4}
    outs: {model: {path: models/model.json, loader: json, options: {indent: 1}}}
    metrics: {scores: {path: scores.json, loader: json, cache: false}}
    plots: {curve: {path: curve.csv, loader: csv, x: a, y: b}}
  report:
    python: stages.report
    deps: {scores: {path: scores.json, loader: json}}
    outs: {out: report.txt}
"""
HEAD = "from pathlib import Path\nfrom pivot import StageParams\n"


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Sandbox, Sandbox]:
    """The same project typed and in YAML."""
    raw = {"raw.csv": "a;b\n1;2\n2;3\n5;6\n"}
    typed = Sandbox(tmp_path / "typed").write(
        {
            **raw,
            "pivot.yaml": TYPED_YAML,
            "decl.py": DECLARED,
            "stages.py": f"{HEAD}from decl import *\n{TYPED}",
        }
    )
    plain = Sandbox(tmp_path / "plain").write(
        {**raw, "pivot.yaml": PLAIN_YAML, "stages.py": HEAD + PLAIN}
    )
    return typed, plain


def _without_lines(listed: Any) -> Any:
    return [{**stage, "line": 0} for stage in listed["stages"]]


def test_typed_stages_are_their_yaml_twins(twins: tuple[Sandbox, Sandbox]) -> None:
    typed, plain = twins
    listed = [_without_lines(one.run("list", "--json").ended().json) for one in twins]
    listed[1][1]["inline_params"] = dict(sorted(listed[1][1]["inline_params"].items()))
    assert listed[0] == listed[1]
    assert len({one.run("dag", "--json").ended().stdout for one in twins}) == 1

    assert typed.ran() == plain.ran() == {"clean", "train", "report"}

    for name in ("clean", "train", "report"):
        locks = [one.lock(name) for one in twins]
        assert locks[0] == locks[1]
    assert typed.contents().keys() - plain.contents().keys() == {"decl.py"}
    assert typed.stale() == plain.stale() == set()

    values = [one.run("params", "show", "--json").ended().json[""]["data"] for one in twins]
    assert values[0] == values[1] == {"pivot.yaml": {"data": {"train": {"C": 0.5, "rounds": 4}}}}
    for one in twins:
        one.commit("made")
    typed.edit("stages.py", "C: float = 0.5", "C: float = 0.7")
    changed = typed.run("params", "diff", "--json").ended().json
    assert {k: v["new"] for k, v in changed["pivot.yaml"].items()} == {"train.C": 0.7}
    typed.edit("stages.py", "C: float = 0.7", "C: float = 0.5")

    typed.edit("decl.py", 'delimiter=";"', 'delimiter=","')
    plain.edit("pivot.yaml", 'delimiter: ";"', 'delimiter: ","')
    assert typed.reasons("clean") == plain.reasons("clean") == {("config", "binding raw")}
    assert typed.stale() == plain.stale() == {"clean", "train", "report"}


def test_nothing_of_the_user_is_imported_or_needed(twins: tuple[Sandbox, Sandbox]) -> None:
    typed, _ = twins
    typed.edit("decl.py", "RAW =", "import pandas\nRAW =")
    assert typed.ran() == {"clean", "train", "report"}
    # an interpreter whose pandas and user modules announce themselves
    for name in ("pandas", "stages", "decl", "pydantic"):
        typed.write({f"trap/{name}.py": "raise SystemExit('imported')"})
    trapped = {"PYTHONPATH": str(typed.root / "trap"), "PIVOT_INSTANT": "0"}

    assert "up to date" in typed.run("repro", env=trapped).ended().stdout
    assert len(typed.run("list", "--json", env=trapped).ended().json["stages"]) == 3
    states = typed.run("status", "--json", env=trapped).ended().json["stages"]
    assert {stage["state"] for stage in states} == {"fresh"}
    os.utime(typed.root / "decl.py")
    typed.append("stages.py", "\n# a comment\n")
    assert "up to date" in typed.run("status", env=trapped).ended().stdout
    typed.edit("decl.py", "indent=1", "indent=2")
    assert typed.run("status", "--explain", "train", env=trapped).ended().code == 0


def test_what_nothing_to_do_imports(twins: tuple[Sandbox, Sandbox]) -> None:
    typed, _ = twins
    typed.ran()
    typed.run("repro").ended()
    trace = {"PYTHONPROFILEIMPORTTIME": "1"}
    for env in ({**trace, "PIVOT_INSTANT": "0"}, trace):
        text = typed.run("repro", env=env).ended().stderr
        names = {line.rpartition("|")[2].strip() for line in text.splitlines()}
        assert "pivot.commands.instant" in names
        ours = ("pivot.declare", "pivot.config.typed", "pivot.config.decl", "pivot.source.reading")
        assert not [n for n in names if n.startswith((*ours, "pandas", "pydantic", "stages"))]


EDITS: list[tuple[str, str, str, set[str], set[tuple[str, str]]]] = [
    # file, old, new, stages that it makes stale by itself, reasons of the first
    ("decl.py", 'delimiter=";"', 'delimiter=","', {"clean"}, {("config", "binding raw")}),
    ("decl.py", "indent=1", "indent=2", {"train"}, {("config", "binding model")}),
    ("decl.py", '"models/model.json"', '"models/m.json"', {"train"},
     {("config", "binding model"), ("config", "outs models/m.json"), ("config", "outs models/model.json")}),
    ("stages.py", "C: float = 0.5", "C: float = 0.25", {"train"}, {("params", "C")}),
    ("stages.py", "C: float = 0.5", "C: int = 0.5", {"train"}, {("code", "stages:Params")}),
    ("stages.py", "(StageParams):", "(StageParams):\n    more: int = 1", {"train"}, {("code", "stages:Params"), ("params", "more"), ("config", "binding more")}),
    ("stages.py", 'data: Annotated[list[dict], Dep("clean.csv")]', 'data: Annotated[object, Dep("clean.csv")]', {"train"}, {("config", "binding data")}),
    ("stages.py", '> "1"', '> "0"', {"clean"}, {("code", "stages:clean")}),
]  # fmt: skip


#: Edits that make nothing stale.
IDLE: list[tuple[str, str, str]] = [
    ("stages.py", "rounds: int = 3", "rounds: int = 5"),
    ("decl.py", "from typing import Annotated", "import re\nfrom typing import Annotated"),
    ("decl.py", 'x="a"', 'x="b"'),
    ("stages.py", "data: Annotated[list[dict],", "data: Annotated[list[object],"),
]  # fmt: skip


def test_each_edit_makes_exactly_its_stages_stale(twins: tuple[Sandbox, Sandbox]) -> None:
    typed, _ = twins
    typed.ran()
    below = {"clean": {"clean", "train", "report"}, "train": {"train", "report"}}
    for file, old, new, stages, reasons in EDITS:
        text = typed.read(file)
        typed.edit(file, old, new)
        found = {one["name"]: one for one in typed.run("status", "--json").ended().json["stages"]}
        stale = {name for name, one in found.items() if one["state"] != "fresh"}
        assert stale == set().union(*(below[name] for name in stages)), (file, old, new)
        for name in stages:
            told = {(reason["kind"], reason["subject"]) for reason in found[name]["reasons"]}
            assert told == reasons, (file, old, new)
            named = {reason["file"] for reason in found[name]["reasons"]}
            assert file in named or "stages.py" in named, (file, old, new)
        typed.write({file: text})
    for file, old, new in IDLE:
        typed.edit(file, old, new)
    assert typed.stale() == set()


OWN = """
    from typing import Annotated
    from pivot import Dep, Out
    from loading import Lines, Unused

    def count(lines: Annotated[list, Dep("a.txt", Lines(1))]) -> Annotated[dict, Out("n.json")]:
        return {"n": len(lines)}

    def shout(lines: Annotated[list, Dep("a.txt", Lines(keep=2))]) -> Annotated[list, Out("b.txt", Lines(keep=0))]:
        return [line.upper() for line in lines]

    def other() -> Annotated[dict, Out("o.json")]:
        return {}
"""  # fmt: skip
LOADING = """
    import helpers

    class Lines:
        def __init__(self, keep):
            self.keep = keep
        def load(self, path):
            return helpers.cut(path.read_text().splitlines(), self.keep)
        def save(self, value, path):
            path.write_text("\\n".join(value))

    class Unused:
        pass
"""


def test_a_default_concerns_the_stages_of_its_class_alone(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": "stages: {a: {python: m.a}, b: {python: m.b}, c: {python: m.c}}\n",
            "m.py": """
            from pathlib import Path
            from typing import Annotated
            from pivot import Out, StageParams

            class W(StageParams):
                s: int = 1
            class AP(StageParams):
                x: int = 1
                w: W = W()
            class BP(StageParams):
                y: int = 1

            def a(params: AP, out: Annotated[Path, Out("a.txt")]) -> None:
                out.write_text(repr(params))
            def b(params: BP, out: Annotated[Path, Out("b.txt")]) -> None:
                out.write_text(repr(params))
            def c(out: Annotated[Path, Out("c.txt")]) -> None:
                out.write_text("c")
            """,
        }
    )
    project.repro()
    project.edit("m.py", "x: int = 1", "x: int = 2")
    assert project.stale() == {"a"}
    assert project.reasons("a") == {("params", "x")}
    project.edit("m.py", "x: int = 2", "x: int = 1")
    project.edit("m.py", "s: int = 1", "s: int = 2")
    assert project.stale() == {"a"}
    assert project.reasons("a") == {("code", "m:W")}


def test_a_loader_of_the_projects_own_counts_like_code(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": "stages: {count: {python: m.count}, shout: {python: m.shout}, other: {python: m.other}}\n",
            "m.py": OWN,
            "loading.py": LOADING,
            "helpers.py": "def cut(lines, keep): return lines[:keep or None]\n",
            "a.txt": "x\ny\nz\n",
        }
    )  # fmt: skip
    assert project.ran() == {"count", "shout", "other"}
    assert (project.json("n.json"), project.read("b.txt")) == ({"n": 1}, "X\nY")
    assert project.stale() == set()

    for file, old, new, stages, reason in (
        ("loading.py", "splitlines()", "split()", {"count", "shout"}, ("code", "loading:Lines")),
        ("helpers.py", "keep or None", "keep", {"count", "shout"}, ("code", "helpers:cut")),
        ("m.py", "Lines(1)", "Lines(2)", {"count"}, ("config", "binding lines")),
        ("m.py", "Lines(keep=0)", "Lines(keep=3)", {"shout"}, ("config", "binding return")),
        ("loading.py", "pass", "x = 1", set(), None),
    ):
        text = project.read(file)
        project.edit(file, old, new)
        assert project.stale() == stages, (old, new)
        for name in stages:
            assert project.reasons(name) == {reason}
        project.write({file: text})
    # the same loader named in YAML
    project.write(
        {
            "pivot.yaml": """
            stages:
              plain:
                python: plain.count
                deps: {lines: {path: a.txt, loader: "loading:Lines", options: {keep: 2}}}
                outs: {n: {path: n.json, loader: json}}
            """,
            "plain.py": "def count(lines): return len(lines)\n",
        }
    )
    assert project.ran() == {"plain"}
    assert project.json("n.json") == 2
    project.edit("pivot.yaml", "{keep: 2}", "{keep: 3}")
    shown = project.run("explain", "plain").ended(0).stdout
    assert "binding lines            keep=2 -> keep=3 " in shown
    project.edit("pivot.yaml", "{keep: 3}", "{keep: 2}")
    project.edit("helpers.py", "keep or None", "keep")
    assert project.reasons("plain") == {("code", "helpers:cut")}
    project.edit("pivot.yaml", "loading:Lines", "loading:Linse")
    assert "there is no loader 'loading:Linse'" in project.run("repro").ended(2).stderr


def test_a_field_of_the_params_may_have_the_name_of_an_artifact(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": "stages:\n  fit:\n    python: m.fit\n",
            "m.py": """
            from pathlib import Path
            from typing import Annotated, TypedDict
            from pivot import Dep, Out, StageParams, loaders

            class P(StageParams):
                model: str = "linear"
                raw: int = 1

            class Made(TypedDict):
                model: Annotated[str, Out("model.txt", loaders.Text())]

            def fit(params: P, raw: Annotated[Path, Dep("raw.txt")]) -> Made:
                return {"model": f"{params.model} {params.raw} {raw}"}
            """,
            "raw.txt": "x\n",
        }
    )
    assert project.ran() == {"fit"}
    assert project.read("model.txt") == "linear 1 raw.txt"
    assert project.lock("fit")["params"] == {"model": "linear", "raw": 1}
    project.append("pivot.yaml", "    params: {model: forest}\n")
    assert project.reasons("fit") == {("params", "model")}
    assert project.ran() == {"fit"}
    assert project.read("model.txt") == "forest 1 raw.txt"
    project.edit("m.py", "raw: int = 1", "raw: int = 2")
    assert project.reasons("fit") == {("params", "raw")}
    assert "m.py:7" in project.run("explain", "fit").stdout
    project.edit("pivot.yaml", "{model: forest}", "[{p.yaml: [a.model]}]")
    project.write({"p.yaml": "a: {model: tree}\n"})
    assert project.ran() == {"fit"}
    assert project.read("model.txt") == "tree 2 raw.txt"
    # without a parameter of their own the params would have no other place
    project.edit("m.py", "params: P, ", "")
    project.edit("m.py", "{params.model} {params.raw}", "")
    project.edit("pivot.yaml", "[{p.yaml: [a.model]}]", "{model: forest}")
    assert "'model' is in outs and in params" in project.run("repro").ended(2).stderr


def test_params_are_refused_before_anything_runs(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
            stages:
              first: {python: m.first}
              second:
                python: m.second
                params: {opt: {lr: "${lr}"}}
            """,
            "params.yaml": "seed: 1\nlr: 3.5\n",
            "m.py": """
            from typing import Annotated
            from pydantic import field_validator
            from pivot import Dep, Out, StageParams
            class Opt(StageParams):
                lr: float
                @field_validator("lr")
                @classmethod
                def small(cls, value):
                    if value < 0:
                        return {}[value]
                    if value > 1:
                        raise ValueError("at most 1")
                    return value
            class Params(StageParams):
                opt: Opt
            def first() -> Annotated[dict, Out("a.json")]:
                return {}
            def second(a: Annotated[dict, Dep("a.json")], params: Params) -> Annotated[dict, Out("b.json")]:
                return params.model_dump()
            """,
        }
    )  # fmt: skip

    refused = project.run("repro").ended(2)
    assert (
        "params.yaml:2:5: stage 'second': param 'opt.lr': Value error, at most 1" in refused.stderr
    )
    assert not project.has("a.json")
    project.edit("params.yaml", "3.5", "much")
    assert "params.yaml:2:5: stage 'second': param 'opt.lr'" in project.run("repro").ended(2).stderr
    project.edit("params.yaml", "much", "-1")
    assert (
        "stage 'second': params: Params cannot be made of them: KeyError: -1.0 (m.py:10)"
        in project.run("repro").ended(2).stderr
    )
    assert not project.has("a.json")
    project.edit("params.yaml", "-1", "0.5")
    assert project.ran() == {"first", "second"}
    assert project.json("b.json") == {"opt": {"lr": 0.5}}
    assert project.lock("second")["params"] == {"opt": {"lr": 0.5}}
    assert project.run("status").ended().stdout.startswith("Everything is up to date")
    assert not list((project.root / ".pivot/logs").glob("params*"))


def test_what_cannot_be_loaded_or_saved_is_told_without_our_own_frames(project: Sandbox) -> None:
    project.write(
        {
            "in.json": "{",
            "pivot.yaml": "stages: {read: {python: s.read}, write: {python: s.write}}\n",
            "s.py": """
                from typing import Annotated
                import pivot
                from pivot import loaders as L

                def read(x: Annotated[dict, pivot.Dep("in.json", L.JSON())], out: Annotated[
                    str, pivot.Out("o.txt", L.PathOnly())]): ...

                def write() -> Annotated[str, pivot.Out("p.txt", L.Text())]:
                    return 3
                """,
        }
    )
    said = project.run("repro", "--keep-going").ended(1).stderr
    assert "parameter 'x': cannot load 'in.json' as json: JSONDecodeError" in said
    assert said.count("text is expected, not int") == 1
    assert "json/decoder.py" in said  # whose it is
    assert "StageError" not in said
    assert "pivot" not in "".join(line for line in said.splitlines() if "File " in line)


def test_runs_calls_and_exports(twins: tuple[Sandbox, Sandbox]) -> None:
    typed, _ = twins
    assert typed.run("run", "clean", "--json").ended().statuses == {"clean": "ran"}
    assert typed.run("run", "--json").ended().statuses == {
        "clean": "fresh", "train": "ran", "report": "ran",
    }  # fmt: skip

    # in a notebook or a test they are functions of plain values
    code = (
        "import stages; "
        "f = stages.clean([{'a': '1', 'b': '3'}, {'a': '2', 'b': '4'}]); "
        "print(stages.train(f, stages.Params(C=2))['model'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=typed.root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'C': 2.0}\n"

    typed.run("export").ended()
    assert "pivot repro --single-item --force --no-run-cache clean" in typed.read("dvc.yaml")


#: More of them are read in tests/unit/test_config_declarations.py.
STUPID: list[tuple[str, str]] = [
    ("Dep(input())", "cannot be read without running it"),
    ("Dep", "Dep is declared without a path"),
    ('Dep("a.csv", L.CVS())', "Pivot has no CVS"),
    ('Dep("a.csv", L.CSV)', "it is a class, and none of its instances\n  write L.CSV()"),
    ('Dep("a.csv", Own)', "write Own()"),
    ('Dep("/etc/shadow-none", L.Text())', "which does not exist and no stage makes"),
]


def test_the_stupidest_declarations_are_told_with_their_line(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages: {s: {python: m.f}}\n"})
    for declared, message in STUPID:
        code = "import os\nfrom typing import Annotated\nfrom pivot import *\nfrom pivot import loaders as L\nclass Own: ...\n"
        project.write({"m.py": f"{code}def f(d: Annotated[dict, {declared}]): ...\n"})
        told = project.run("repro").ended(2).stderr
        assert message in told, declared
        assert "m.py:6" in told or "pivot.yaml:1" in told, declared
        assert "Traceback" not in told
