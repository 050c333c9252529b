"""Which values of files stages use by `${}`, and which they hold themselves."""

from __future__ import annotations

from typing import Any

from pivot.config import load_usage
from pivot.tree import DictTree

FILES = {
    "dvc.yaml": """
vars: [config.yaml, {own: 3}, "picked.yaml:only"]
stages:
  plain:
    cmd: run ${train.lr} ${own} ${names[1]} ${only}
    deps: ["data/${train.set}"]
  whole:
    cmd: run ${train}
  loop:
    foreach: ${models}
    do: {cmd: "run ${item.size}"}
  mapped:
    foreach: ${by_name}
    do: {cmd: "run ${item} ${key}"}
  inline:
    foreach: ["${train.lr}", 5]
    do: {cmd: "run ${item}"}
  grid:
    matrix: {m: "${names}", n: [1, "${train.lr}"], k: [x]}
    cmd: run ${item.m} ${item.n} ${item.k}
  local:
    vars: [local.yaml]
    cmd: run ${deep.down}
""",
    "config.yaml": "train: {lr: 0.5, set: a.csv}\nnames: [p, q]\nmodels: [{size: 1}, {size: 2}]\n"
    "by_name: {one: 1, two: 2}\nunused: 1\n",
    "picked.yaml": "only: 1\nnot: 2\n",
    "local.yaml": "deep: {down: x}\n",
    "sub/dvc.yaml": "stages: {s: {cmd: 'run ${size}'}}",
    "sub/params.yaml": "size: 7\nunused: 8\n",
}


def test_values_of_files_under_their_keys() -> None:
    found = load_usage(DictTree(FILES), mode="dvc")
    assert found.files == {
        "config.yaml": {
            "train.lr": 0.5,
            "train.set": "a.csv",
            "names.0": "p",
            "names.1": "q",
            "models.0.size": 1,
            "models.1.size": 2,
            "by_name.one": 1,
            "by_name.two": 2,
        },
        "picked.yaml": {"only": 1},
        "local.yaml": {"deep.down": "x"},
        "sub/params.yaml": {"size": 7},
    }
    assert found.inline == {}


def test_values_that_stages_hold_themselves() -> None:
    files: dict[str, Any] = {
        "pivot.yaml": """
vars: [{own: 3}, config.yaml]
stages:
  a:
    cmd: run
    params: {plain: 1, of_vars: "${own}", of_file: "${x}", mixed: "${x} ${own}", deep: {k: "${x}"}}
  b:
    matrix: {m: [1, 2]}
    cmd: run
    params: {m: "${item.m}"}
  c:
    cmd: run
    params: [x]
""",
        "config.yaml": "x: 9\n",
        "params.yaml": "x2: 1\n",
        "sub/pivot.yaml": "stages: {s: {cmd: run, params: {v: [1]}}}",
    }
    found = load_usage(DictTree(files))
    assert found.inline == {
        "pivot.yaml": {
            "a": {"plain": 1, "of_vars": 3, "mixed": "9 3"},
            "b@1": {"m": 1},
            "b@2": {"m": 2},
        },
        "sub/pivot.yaml": {"s": {"v": [1]}},
    }
