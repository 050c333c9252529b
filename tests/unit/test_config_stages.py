"""Every form in which a stage may be written, and the Stage it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.config import load, parse_duration
from pivot.model import Command, Dep, Out, ParamsFile, PythonEntry, Stage
from pivot.tree import DictTree

VARS = "vars: [{files: [a.csv, b.csv], opts: {cache: false}, name: n, yes: true, map: {raw: a.csv}, n: 3}]\n"


def stage(body: str, files: dict[str, str] | None = None, name: str = "pivot.yaml") -> Stage:
    indented = "\n".join("    " + line for line in body.strip("\n").splitlines())
    text = f"{VARS}stages:\n  s:\n{indented}\n"
    found = load(DictTree({name: text, "p/m.py": "def f(): pass", **(files or {})})).stages
    return next(iter(found.values()))


def deps(body: str) -> list[Dep]:
    return list(stage("cmd: x\n" + body).deps)


def outs(body: str) -> list[Out]:
    return list(stage("cmd: x\n" + body).outs)


@pytest.mark.parametrize(
    ("body", "entry"),
    [
        ("cmd: echo hi", Command(("echo hi",))),
        ("cmd: [a, b c]", Command(("a", "b c"), is_list=True)),
        ("cmd: |\n  a\n  b\n", Command(("a\nb\n",))),
        ("cmd: ${files}", Command(("a.csv", "b.csv"), is_list=True)),
        ("cmd: ${n}", Command(("3",))),
        ("python: p.m.f", PythonEntry("p.m.f", "p.m", "f")),
        ("python: p.m:f", PythonEntry("p.m:f", "p.m", "f")),
        ("python: p.m.C.f", PythonEntry("p.m.C.f", "p.m", "C.f")),
        ("python: p.m:C.f", PythonEntry("p.m:C.f", "p.m", "C.f")),
        ("python: absent.f", PythonEntry("absent.f", "absent", "f")),
        ("python: p.m.${name}", PythonEntry("p.m.n", "p.m", "n")),
    ],
)
def test_entries(body: str, entry: Command | PythonEntry) -> None:
    assert stage(body).entry == entry


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("deps: [a.csv, d/]", [("a.csv", None, None), ("d", None, None)]),
        ("deps: {raw: a.csv}", [("a.csv", "raw", None)]),
        ("deps: {raw: {path: a.csv}}", [("a.csv", "raw", None)]),
        ("deps: {parts: [a.csv, b.csv]}", [("a.csv", "parts", 0), ("b.csv", "parts", 1)]),
        ("deps: {parts: {path: [a.csv, b.csv]}}", [("a.csv", "parts", 0), ("b.csv", "parts", 1)]),
        ("deps: {parts: '${files}'}", [("a.csv", "parts", 0), ("b.csv", "parts", 1)]),
        ("deps: ${files}", [("a.csv", None, None), ("b.csv", None, None)]),
        ("deps: ['${files}', c]", [("a.csv", None, None), ("b.csv", None, None), ("c", None, None)]),
        ("deps: ${map}", [("a.csv", "raw", None)]),
        ("deps: {'${name}': a.csv}", [("a.csv", "n", None)]),
        ("deps: ['data/${name}.csv']", [("data/n.csv", None, None)]),
        ("deps: [s3://b/k, /abs/x, remote://r/x]", [("s3://b/k", None, None), ("/abs/x", None, None), ("remote://r/x", None, None)]),
        ("deps: [../up.csv, ./here.csv, a//b]", [("../up.csv", None, None), ("here.csv", None, None), ("a/b", None, None)]),
        ("deps: [a, ./a]", [("a", None, None)]),
        ("deps: {x: a, y: a}", [("a", "x", None), ("a", "y", None)]),
        ("deps: []", []),
    ],
)  # fmt: skip
def test_deps(body: str, expected: Any) -> None:
    assert [(dep.path, dep.name, dep.group) for dep in deps(body)] == expected


def test_options_of_deps() -> None:
    (dep,) = deps("deps: {raw: {path: a.csv, loader: csv, options: {sep: ';'}, check: stat}}")
    assert (dep.loader, dep.options, dep.check) == ("csv", {"sep": ";"}, "stat")
    (dep,) = deps("deps: [{big.bin: {check: stat}}]")
    assert (dep.path, dep.check, dep.name) == ("big.bin", "stat", None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("outs: [a]", {"path": "a"}),
        ("outs: [{a: {cache: false}}]", {"path": "a", "cache": False}),
        ("outs: [{a: }]", {"path": "a"}),
        ("outs: [{'${name}': '${opts}'}]", {"path": "n", "cache": False}),
        ("outs: {m: a}", {"path": "a", "name": "m"}),
        ("outs: {m: {path: a, cache: false}}", {"path": "a", "name": "m", "cache": False}),
        ("outs: {m: {path: a, persist: true, push: false, remote: r, desc: d}}",
         {"persist": True, "push": False, "remote": "r", "desc": "d"}),
        ("outs: {m: {path: a, type: directory, incremental: true, resume: true}}",
         {"directory": False, "incremental": True, "resume": True}),  # a command makes its folder
        ("outs: {m: {path: a, loader: json, options: {indent: 2}}}", {"loader": "json", "options": {"indent": 2}}),
        ("outs: [{a: {persist: '${yes}'}}]", {"persist": True}),
        ("outs: [{a: {type: model, labels: [x], meta: {k: 1}, checkpoint: true}}]", {"directory": False}),
        ("metrics: [m.json]", {"path": "m.json", "kind": "metric", "cache": True}),
        ("metrics: {scores: {path: m.json, cache: false}}", {"name": "scores", "kind": "metric", "cache": False}),
        ("plots: [p.csv]", {"path": "p.csv", "kind": "plot", "plot": {}}),
        ("plots: [{p.csv: {x: a, y: b, cache: false}}]", {"kind": "plot", "plot": {"x": "a", "y": "b"}, "cache": False}),
        ("plots: {roc: {path: p.csv, x: fpr, y: tpr, title: T}}",
         {"name": "roc", "plot": {"x": "fpr", "y": "tpr", "title": "T"}}),
    ],
)  # fmt: skip
def test_outs(body: str, expected: dict[str, Any]) -> None:
    (out,) = outs(body)
    assert {key: getattr(out, key) for key in expected} == expected


def test_a_function_is_given_a_folder() -> None:
    text = "stages:\n  a:\n    python: m.f\n    outs: {m: {path: a, type: directory}}\n"
    (out,) = load(DictTree({"pivot.yaml": text})).stages["a"].outs
    assert out.directory is True


def test_an_out_listed_twice_alike_is_one() -> None:
    assert [out.path for out in outs("outs: [a, ./a]")] == ["a"]


def test_outs_metrics_and_plots_are_all_outs_in_that_order() -> None:
    found = outs("plots: [p]\nmetrics: [m]\nouts: [o]")
    assert [(out.path, out.kind) for out in found] == [("o", "out"), ("m", "metric"), ("p", "plot")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("params: [lr, train.C]", [ParamsFile("params.yaml", ("lr", "train.C"), 5)]),
        ("params: [lr, o.yaml: [a.b]]", [ParamsFile("params.yaml", ("lr",), 5), ParamsFile("o.yaml", ("a.b",), 5)]),
        ("params: [o.yaml: ]", [ParamsFile("o.yaml", None, 5)]),
        ("params: [{o.yaml: []}]", [ParamsFile("o.yaml", None, 5)]),
        ("params: [{o.yaml: a}]", [ParamsFile("o.yaml", ("a",), 5)]),
        ("params: [{o.yaml: [a]}, {o.yaml: [b, a]}]", [ParamsFile("o.yaml", ("a", "b"), 5)]),
        ("params: [{o.yaml: [a]}, {o.yaml: }]", [ParamsFile("o.yaml", None, 5)]),
        ("params: ['${name}', {'${name}.toml': ['${name}']}]", [ParamsFile("params.yaml", ("n",), 5), ParamsFile("n.toml", ("n",), 5)]),
        ("params: [{o.yaml: [1, '${n}']}]", [ParamsFile("o.yaml", ("1", "3"), 5)]),
        ("params: ${files}", [ParamsFile("params.yaml", ("a.csv", "b.csv"), 5)]),
        ("wdir: d\nparams: [lr, ../o.yaml: ]", [ParamsFile("d/params.yaml", ("lr",), 6), ParamsFile("o.yaml", None, 6)]),
    ],
)  # fmt: skip
def test_tracked_params(body: str, expected: list[ParamsFile]) -> None:
    found = stage("cmd: x\n" + body)
    assert list(found.params_files) == expected
    assert found.params == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "params: {C: 0.5, names: [a], deep: {x: '${n}'}}",
            {"C": 0.5, "names": ["a"], "deep": {"x": 3}},
        ),
        ("params: {n: '${n}', text: 'n${n}'}", {"n": 3, "text": "n3"}),
        ("params: {'${name}': 1}", {"n": 1}),
        ("params: ${opts}", {"cache": False}),
        ("params: {}", {}),
    ],
)
def test_inline_params(body: str, expected: dict[str, Any]) -> None:
    found = stage("python: p.m.f\n" + body)
    assert found.params == expected
    assert found.params_files == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("wdir: d", {"wdir": "d"}),
        ("wdir: .", {"wdir": "."}),
        ("wdir: ''", {"wdir": "."}),
        ("wdir: ../x", {"wdir": "../x"}),
        ("wdir: d/${name}", {"wdir": "d/n"}),
        ("frozen: true", {"frozen": True}),
        ("frozen: ${yes}", {"frozen": True}),
        ("always_changed: true", {"always_changed": True}),
        ("code: false", {"code": False}),
        ("preload: false", {"preload": False}),
        ("desc: words", {"desc": "words"}),
        ("desc: ${n}", {"desc": "3"}),
        ("meta: {a: ['${n}']}", {"meta": {"a": [3]}}),
        ("mutex: db", {"mutex": ("db",)}),
        ("mutex: [db, gpu, db]", {"mutex": ("db", "gpu")}),
        ("resources: {gpu: 1, mem: '${n}'}", {"resources": {"gpu": 1, "mem": 3}}),
        ("timeout: 2h", {"timeout": 7200.0}),
        ("timeout: 90", {"timeout": 90.0}),
        ("env: [A, B_2, A]", {"env_tracked": ("A", "B_2"), "env_set": {}}),
        ("env: {A: 1, B: true, C: x, D: '${n}', E: }", {"env_tracked": ("E",), "env_set": {"A": "1", "B": "true", "C": "x", "D": "3"}}),
    ],
)  # fmt: skip
def test_the_rest(body: str, expected: dict[str, Any]) -> None:
    found = stage("cmd: x\n" + body)
    assert {key: getattr(found, key) for key in expected} == expected


def test_defaults() -> None:
    found = stage("cmd: x")
    assert found == Stage("s", "pivot.yaml", 3, Command(("x",)))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90", 90.0),
        ("90s", 90.0),
        ("10m", 600.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1h30m", 5400.0),
        ("1h 30m 5s", 5405.0),
        ("1.5h", 5400.0),
        ("", None),
        ("0s", None),
        (0, None),
        (-1, None),
        ("2x", None),
        ("h", None),
        (True, None),
        (None, None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_durations(value: Any, seconds: float | None) -> None:
    assert parse_duration(value) == seconds


def test_stages_below_the_root_are_addressed_by_file_and_resolved_from_there() -> None:
    text = "stages:\n  train:\n    cmd: x\n    wdir: ..\n    deps: [a]\n  eval:\n    cmd: y\n    deps: [b]\n"
    found = load(DictTree({"sub/deep/pivot.yaml": text})).stages
    train, evaluate = found["sub/deep/pivot.yaml:train"], found["sub/deep/pivot.yaml:eval"]
    assert (train.wdir, train.deps[0].path, train.short_name) == ("sub", "sub/a", "train")
    assert (evaluate.wdir, evaluate.deps[0].path) == ("sub/deep", "sub/deep/b")
    assert train.roots[:2] == ("sub/deep", ".")


def test_lines_are_those_of_the_entries() -> None:
    text = "stages:\n  s:\n    cmd: x\n    deps:\n      - a\n      - b\n    outs:\n      m:\n        path: c\n"
    found = load(DictTree({"pivot.yaml": text})).stages["s"]
    assert found.line == 2
    assert [dep.line for dep in found.deps] == [5, 6]
    assert found.outs[0].line == 8


def test_anchors_and_merge_keys_make_stages_alike() -> None:
    text = "x-base: &base\n  cmd: x\n  deps: [a]\nstages:\n  one: *base\n  two:\n    <<: *base\n    deps: [b]\n"
    found = load(DictTree({"pivot.yaml": text})).stages
    assert [dep.path for dep in found["one"].deps] == ["a"]
    assert [dep.path for dep in found["two"].deps] == ["b"]


def test_dvc_files_are_read_where_no_pivot_file_lies_beside_them() -> None:
    body = "stages:\n  {}:\n    cmd: x\n"
    tree = DictTree({
        "pivot.yaml": body.format("p"),
        "dvc.yaml": body.format("ignored"),
        "sub/dvc.yaml": body.format("d"),
    })  # fmt: skip
    found = load(tree)
    assert list(found.stages) == ["p", "sub/dvc.yaml:d"]
    assert found.files == ("pivot.yaml", "sub/dvc.yaml")
    assert found.notes == ("dvc.yaml is not read: pivot.yaml lies beside it",)


def test_in_dvc_mode_the_dvc_file_wins() -> None:
    body = "stages:\n  {}:\n    cmd: x\n"
    files = {
        "pivot.yaml": body.format("p"),
        "dvc.yaml": body.format("d"),
        "sub/pivot.yaml": body.format("s"),
    }
    found = load(DictTree(files), mode="dvc")
    assert list(found.stages) == ["d", "sub/pivot.yaml:s"]
    assert found.notes == ("pivot.yaml is not read: dvc.yaml lies beside it",)


def test_every_dvc_form_is_a_pivot_form() -> None:
    text = """
vars: [{t: px}]
stages:
  a:
    cmd: [y, z]
    wdir: w
    deps: [b, ../c]
    params: [lr, o.toml: [a.b], whole.json: ]
    outs: [o, p: {cache: false, persist: true, remote: r, push: false, type: model, labels: [l], meta: {k: v}}]
    metrics: [m.json: {cache: false}]
    plots: ["${t}.csv": {x: a, y: b, x_label: X, template: linear, header: false}]
    frozen: true
    always_changed: true
    desc: d
    meta: {k: v}
plots:
  - ${t}.csv: {x: b}
  - other.csv
metrics: ["${t}.json"]
params: [o.yaml]
artifacts: {m: {path: x, type: model, labels: [a], meta: {a: 1}, desc: q}}
"""
    by_name = [load(DictTree({name: text})) for name in ("dvc.yaml", "pivot.yaml")]
    one, other = (found.stages["a"] for found in by_name)
    assert one.deps == other.deps
    assert one.outs == other.outs
    assert one.params_files == other.params_files
    (top,) = by_name[0].top_levels
    assert top.plots == (("px.csv", {"x": "b"}), ("other.csv", {}))
    assert (top.metrics, top.params) == (("px.json",), ("o.yaml",))
    assert top.artifacts["m"]["labels"] == ["a"]


def test_top_level_entries_below_the_root_are_resolved_from_their_folder() -> None:
    text = "metrics: [m.json, ../n.json]\nplots: {p.csv: {x: a}, q: }\n"
    (top,) = load(DictTree({"sub/pivot.yaml": text})).top_levels
    assert (top.file, top.folder) == ("sub/pivot.yaml", "sub")
    assert top.metrics == ("sub/m.json", "n.json")
    assert top.plots == (("p.csv", {"x": "a"}), ("q", {}))


def test_an_empty_file_has_no_stages() -> None:
    assert load(DictTree({"pivot.yaml": "# nothing yet\n"})).stages == {}
    assert load(DictTree({"pivot.yaml": "stages: {}\n"})).stages == {}
    assert load(DictTree({})).files == ()


def test_code_roots_come_last_on_the_import_path() -> None:
    tree = DictTree(
        {"pivot.yaml": "stages:\n  s:\n    python: m.f\n", "lib/m.py": "", "src/n.py": ""}
    )
    found = load(tree, code_roots=["lib"]).stages["s"]
    assert found.roots == (".", "src", "lib")
    assert found.entry == PythonEntry("m.f", "m", "f")
