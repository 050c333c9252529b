"""Params files and the values that stages track in them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from pivot.config import (
    Override,
    ParamsReader,
    conflicting_overrides,
    load,
    load_params_file,
    taken_names,
)
from pivot.errors import ConfigError
from pivot.model import Stage
from pivot.tree import DictTree

PYTHON = '''
"""Params."""
import os
LR = 0.1
names: list[str] = ["a", "b"]
a = b = 2
typed: int
computed = os.getpid()
x, y = 1, 2
nested = {"k": (1, 2), "s": {3}}

class Train:
    epochs = 5
    class Inner:
        depth: int = 3

    def __init__(self, other):
        self.seed = 7
        self.rate: float = 0.5
        self.size = len(other)
        other.no = 1
        local = 3

    def step(self):
        self.not_this = 1
'''


@pytest.mark.parametrize(
    ("file", "text", "value"),
    [
        ("p.yaml", "a: 1e-3\nb: on", {"a": 0.001, "b": "on"}),
        ("p.yml", "a: 1", {"a": 1}),
        ("p.cfg", "a: 1", {"a": 1}),
        ("p.json", '{"a": [1, 2.0, null]}', {"a": [1, 2.0, None]}),
        ("p.toml", 'd = 2020-01-01\n[t]\na = "x"', {"d": datetime.date(2020, 1, 1), "t": {"a": "x"}}),
        ("d/p.py", PYTHON, {
            "LR": 0.1, "names": ["a", "b"], "a": 2, "b": 2, "nested": {"k": (1, 2), "s": {3}},
            "Train": {"epochs": 5, "Inner": {"depth": 3}, "seed": 7, "rate": 0.5},
        }),
    ],
)  # fmt: skip
def test_files_by_suffix(file: str, text: str, value: Any) -> None:
    assert load_params_file(text.encode(), file) == value


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("p.json", '{"a": 1,\n "b" 2}', "p.json:2:6: not valid JSON: Expecting ':' delimiter"),
        ("p.json", "[" * 100_000, "p.json"),
        ("p.toml", "a = 1\nb = = 2\n", "p.toml:2:5: not valid TOML: Invalid value"),
        ("p.toml", "a = 1\na = 2\n", "not valid TOML: Cannot overwrite a value"),
        ("p.json", '{\n<<<<<<< HEAD\n"a": 1\n', "p.json:2:1: it has conflict markers"),
        ("p.py", "a = 1\nb = (\n", "p.py:2:5: not valid Python: '(' was never closed"),
        ("p.py", "a = '\0'", "p.py"),
        ("p.yaml", "a: [", "p.yaml:2:1"),
    ],
)
def test_broken_files(file: str, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_params_file(text.encode(), file)
    assert said in str(caught.value)


FILES = {
    "params.yaml": "lr: 0.1\ntrain: {C: 1, deep: {x: [10, {y: 2}]}}\nday: 2020-01-01\ndot.key: 5\n3: three\nnone:\n",
    "o.json": '{"m": {"k": true}}',
    "broken.yaml": "a: 1\na: 2",
}


def stage(params: str, *, body: str = "cmd: x", wdir: str = ".") -> Stage:
    text = f"stages:\n  s:\n    {body}\n    wdir: {wdir}\n    params: {params}\n"
    return load(DictTree({"pivot.yaml": text})).stages["s"]


def reader(*overrides: Override, **more: str) -> ParamsReader:
    files = {**FILES, **{name.replace("__", "."): text for name, text in more.items()}}
    return ParamsReader(DictTree(files), overrides)


@pytest.mark.parametrize(
    ("params", "values", "missing"),
    [
        ("[lr]", {"params.yaml": {"lr": 0.1}}, ()),
        ("[train.C, train.deep.x, train.deep.x.1.y]",
         {"params.yaml": {"train.C": 1, "train.deep.x": [10, {"y": 2}], "train.deep.x.1.y": 2}}, ()),
        ("[train]", {"params.yaml": {"train": {"C": 1, "deep": {"x": [10, {"y": 2}]}}}}, ()),
        ("['train.deep.x[0]', dot.key, '3', none]",
         {"params.yaml": {"train.deep.x[0]": 10, "dot.key": 5, "3": "three", "none": None}}, ()),
        ("[lr, nope, train.nope]", {"params.yaml": {"lr": 0.1}}, (("params.yaml", "nope"), ("params.yaml", "train.nope"))),
        ("[{o.json: [m.k]}]", {"o.json": {"m.k": True}}, ()),
        ("[{o.json: }]", {"o.json": {"": {"m": {"k": True}}}}, ()),
        ("[{gone.yaml: [a, b]}, {gone.toml: }]", {}, (("gone.yaml", "a"), ("gone.yaml", "b"), ("gone.toml", ""))),
        ("[]", {}, ()),
    ],
)  # fmt: skip
def test_tracked_values(params: str, values: Any, missing: Any) -> None:
    found = stage(params)
    assert reader().values(found) == values
    assert reader().missing(found) == missing


def test_files_are_those_of_the_wdir() -> None:
    found = stage("[lr]", wdir="d")
    tree = DictTree({"params.yaml": "lr: 1", "d/params.yaml": "lr: 2"})
    assert ParamsReader(tree).values(found) == {"d/params.yaml": {"lr": 2}}


def test_a_broken_file_is_an_error_each_time() -> None:
    found = stage("[{broken.yaml: [a]}]")
    params = reader()
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"^broken.yaml:2:1"):
            params.values(found)


def test_overrides_are_composed_over_files() -> None:
    params = reader(
        Override(None, "train.C", 9), Override("o.json", "m.k", False), Override("o.json", "lr", 3)
    )
    assert params.values(stage("[lr, train.C, o.json: [m.k]]")) == {
        "params.yaml": {"lr": 0.1, "train.C": 9},
        "o.json": {"m.k": False},
    }


class Kept(dict[str, bytes]):
    def put(self, key: str, value: bytes) -> None:
        self[key] = value


def test_parsed_values_can_be_kept_by_content() -> None:
    found = stage("[lr, day]")
    kept = Kept()
    first = ParamsReader(DictTree(FILES), cache=kept).values(found)
    assert len(kept) == 1
    again = ParamsReader(DictTree(FILES), cache=kept).values(found)
    assert first == again == {"params.yaml": {"lr": 0.1, "day": datetime.date(2020, 1, 1)}}
    key = next(iter(kept))
    kept[key] = b"damaged"
    assert ParamsReader(DictTree(FILES), cache=kept).values(found) == first
    assert ParamsReader(DictTree({"params.yaml": "lr: 2"}), cache=kept).values(found) == {
        "params.yaml": {"lr": 2}
    }


PLAIN = "cmd: x"
CALL = "python: m.f"


@pytest.mark.parametrize(
    ("body", "params", "override", "conflicts"),
    [
        (PLAIN, "[lr]", Override(None, "lr", 1), ["lr"]),
        (PLAIN, "[train]", Override(None, "train.C", 1), ["train.C"]),
        (PLAIN, "[train.C]", Override(None, "train", 1), ["train"]),
        (PLAIN, "[train.C]", Override(None, "train.D", 1), []),
        (PLAIN, "[{params.yaml: }]", Override(None, "lr", 1), ["lr"]),
        (PLAIN, "[{o.json: [m.k]}]", Override("o.json", "m.k", 1), ["m.k"]),
        (PLAIN, "[{o.json: [m.k]}]", Override(None, "m.k", 1), []),
        (PLAIN, "{lr: 3}", Override(None, "lr", 1), []),
        (CALL, "[lr]", Override(None, "lr", 1), []),
        (CALL + "\n    deps: [params.yaml]", "[lr]", Override(None, "lr", 1), ["lr"]),
    ],
)
def test_overrides_that_cannot_reach_a_stage(
    body: str, params: str, override: Override, conflicts: list[str]
) -> None:
    found = stage(params, body=body)
    assert [key for _, _, key in conflicting_overrides([found], [override])] == conflicts


@pytest.mark.parametrize(
    ("signature", "params", "conflicts"),
    [
        ("lr", "[lr]", []),
        ("lr", "[deep.lr]", []),
        ("params", "[lr]", []),
        ("params", "[{params.yaml: }]", []),
        ("**given", "[lr]", []),
        ("data", "[lr]", ["lr"]),
        ("lr", "[{params.yaml: }]", ["lr"]),
    ],
)
def test_a_function_that_does_not_take_the_key_reads_the_file_itself(
    signature: str, params: str, conflicts: list[str]
) -> None:
    found = stage(params, body=CALL)
    tree = DictTree({"m.py": f"def f({signature}): ..."})
    key = "deep.lr" if "deep" in params else "lr"
    conflicting = conflicting_overrides(
        [found], [Override(None, key, 1)], lambda stage: taken_names(stage, tree)
    )
    assert [key for _, _, key in conflicting] == conflicts


def test_names_that_cannot_be_told() -> None:
    assert taken_names(stage("[lr]"), DictTree({})) is None
    assert taken_names(stage("[lr]", body=CALL), DictTree({})) is None
