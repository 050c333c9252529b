"""foreach and matrix: names and items as DVC makes them."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.config import load
from pivot.errors import PivotError
from pivot.tree import DictTree


def commands(text: str, name: str = "pivot.yaml", **files: str) -> dict[str, Any]:
    tree = DictTree({name: text, **{key.replace("__", "."): value for key, value in files.items()}})
    return {
        key: stage.entry.exact  # type: ignore[union-attr]
        for key, stage in load(tree).stages.items()
    }


def foreach(items: str, cmd: str = "x ${item}") -> dict[str, Any]:
    return commands(
        f"vars: [{{l: [a, b], d: {{p: 1, q: 2}}, n: 3}}]\nstages:\n  a:\n    foreach: {items}\n    do:\n      cmd: {cmd}\n"
    )


@pytest.mark.parametrize(
    ("items", "cmd", "expected"),
    [
        ("[1, two]", "x ${item}", {"a@1": "x 1", "a@two": "x two"}),
        (
            "[true, 1.0, null, a/b, 1e-5]",
            "x ${item}",
            {
                "a@true": "x true",
                "a@1.0": "x 1.0",
                "a@None": "x None",
                "a@a/b": "x a/b",
                "a@1e-05": "x 1e-05",
            },
        ),
        ("[{x: 1}, {x: 2}]", "x ${item.x}", {"a@0": "x 1", "a@1": "x 2"}),
        ("[[1, 2], [3]]", "x ${item[0]}", {"a@0": "x 1", "a@1": "x 3"}),
        ("{k: {x: 1}, 2: {x: 3}}", "x ${key} ${item.x}", {"a@k": "x k 1", "a@2": "x 2 3"}),
        ("${l}", "x ${item}", {"a@a": "x a", "a@b": "x b"}),
        ("${d}", "x ${key}=${item}", {"a@p": "x p=1", "a@q": "x q=2"}),
        ("['${n}', 'p${n}']", "x ${item}", {"a@3": "x 3", "a@p3": "x p3"}),
        ("[1, '${d}']", "x", {"a@0": "x", "a@1": "x"}),
        ("[1, 1]", "x ${item}", {"a@1": "x 1"}),
        ("[]", "x", {}),
    ],
)
def test_foreach(items: str, cmd: str, expected: dict[str, str]) -> None:
    assert foreach(items, cmd) == expected


MATRIX = "vars: [{{l: [a, b], v: 3}}]\nstages:\n  a:\n    matrix: {axes}\n    cmd: {cmd}\n    desc: ${{key}}\n"


@pytest.mark.parametrize(
    ("axes", "cmd", "expected"),
    [
        (
            "{m: [linear, forest], n: [1, 2]}",
            "x ${item.m} ${item.n}",
            {
                "a@linear-1": "x linear 1",
                "a@linear-2": "x linear 2",
                "a@forest-1": "x forest 1",
                "a@forest-2": "x forest 2",
            },
        ),
        (
            "{m: [true, 1.5, null]}",
            "x ${item.m}",
            {"a@true": "x true", "a@1.5": "x 1.5", "a@None": "x None"},
        ),
        ("{m: [{z: 1}, 5], n: [p]}", "x ${item.n}", {"a@m0-p": "x p", "a@5-p": "x p"}),
        (
            "{m: '${l}', n: ['${v}', 'z${v}']}",
            "x ${item.n}",
            {"a@a-3": "x 3", "a@a-z3": "x z3", "a@b-3": "x 3", "a@b-z3": "x z3"},
        ),
        ("{'${v}': [1]}", "x ${item.3}", {"a@1": "x 1"}),
        ("{m: []}", "x", {}),
    ],
)
def test_matrix(axes: str, cmd: str, expected: dict[str, str]) -> None:
    assert commands(MATRIX.format(axes=axes, cmd=cmd)) == expected


def test_key_of_a_matrix_is_the_joined_name() -> None:
    tree = DictTree({"pivot.yaml": MATRIX.format(axes="{m: [a], n: [1]}", cmd="x")})
    assert load(tree).stages["a@a-1"].desc == "a-1"


def test_items_reach_paths_params_wdir_and_vars() -> None:
    text = """
stages:
  fit:
    matrix: {model: [linear], fold: [1]}
    wdir: w/${item.model}
    vars: [v.yaml]
    cmd: x ${k}
    deps: ["d-${item.fold}.csv"]
    params: {fold: "${item.fold}"}
    outs: {out: "m/${item.model}-${item.fold}.bin"}
"""
    stage = load(DictTree({"pivot.yaml": text, "w/linear/v.yaml": "k: 5"})).stages["fit@linear-1"]
    assert stage.wdir == "w/linear"
    assert stage.entry.exact == "x 5"  # type: ignore[union-attr]
    assert [dep.path for dep in stage.deps] == ["w/linear/d-1.csv"]
    assert stage.params == {"fold": 1}
    assert [out.path for out in stage.outs] == ["w/linear/m/linear-1.bin"]
    assert stage.line == 3


def test_item_hides_a_var_of_that_name_in_its_stages_only() -> None:
    text = "vars: [{item: 3, key: 5}]\nstages:\n  a:\n    foreach: [p]\n    do:\n      cmd: x ${item} ${key}\n  b:\n    cmd: y ${item}\n"
    assert commands(text) == {"a@p": "x p 5", "b": "y 3"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foreach: ${nope}\n    do: {cmd: x}", "4:14: stage 'a': '${nope}' names no known key"),
        (
            "foreach: ${n}\n    do: {cmd: x}",
            "4:14: stage 'a': foreach takes a list or a mapping, not 3",
        ),
        ("foreach: ['']\n    do: {cmd: x}", "4:5: stage 'a': an empty item cannot name a stage"),
        (
            "foreach: [1, '1']\n    do: {cmd: x}",
            "4:5: stage 'a': two different items give the name 'a@1'",
        ),
        (
            "foreach: [1]\n    do: {cmd: 'x ${itm}'}",
            "5:15: stage 'a@1': '${itm}' names no known key; did you mean 'item'?",
        ),
        (
            "foreach: [{x: 1}]\n    do: {cmd: 'x ${item.y}'}",
            "5:15: stage 'a@0': '${item.y}' names no known key; did you mean 'item.x'?",
        ),
        (
            "foreach: [1]\n    do: {cmd: x, vars: [{item: 2}]}",
            "5:25: stage 'a@1' vars[0] defines 'item'",
        ),
        ("matrix: ${n}\n    cmd: x", "4:13: stage 'a': matrix takes a mapping of axes, not 3"),
        ("matrix: {m: '${n}'}\n    cmd: x", "4:17: stage 'a': matrix axis 'm' takes a list, not 3"),
        (
            "matrix: {m: [1]}\n    cmd: x ${item.n}",
            "5:10: stage 'a@1': '${item.n}' names no known key; did you mean 'item.m'?",
        ),
        ("matrix: '${e}'\n    cmd: x", "4:13: stage 'a': matrix has no axes"),
    ],
)
def test_errors(text: str, said: str) -> None:
    with pytest.raises(PivotError) as caught:
        commands(f"vars: [{{n: 3, e: {{}}}}]\nstages:\n  a:\n    {text}\n")
    assert said in str(caught.value)


def test_in_a_dvc_file_the_later_of_two_like_items_wins_as_there() -> None:
    text = "stages:\n  a:\n    foreach: [1, '1']\n    do:\n      cmd: x ${item}\n"
    assert commands(text, "dvc.yaml") == {"a@1": "x 1"}


def test_one_broken_variant_does_not_hide_the_other_errors() -> None:
    text = (
        "stages:\n  a:\n    foreach: {p: {x: 1}, q: {}, r: {}}\n    do:\n      cmd: x ${item.x}\n"
    )
    with pytest.raises(PivotError) as caught:
        commands(text)
    assert "stage 'a@q'" in str(caught.value)
    assert "stage 'a@r'" in str(caught.value)
    assert "stage 'a@p'" not in str(caught.value)
