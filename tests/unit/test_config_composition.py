"""Layers, vars and overrides: composed without anything in them being interpreted."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pivot.config import Override, load, parse_override
from pivot.config.composition import Layer, apply_overrides, compose
from pivot.errors import ConfigError, PivotError, Where
from pivot.model import Pipeline
from pivot.tree import DictTree

HERE = Where("pivot.yaml", 1, 8)


def layers(*values: dict[Any, Any]) -> list[Layer]:
    return [Layer(f"vars[{index}]", value, HERE) for index, value in enumerate(values)]


def command(text: str, files: dict[str, str] | None = None, **options: Any) -> Any:
    return pipeline(text, files, **options).stages["a"].entry.exact  # type: ignore[union-attr]


def pipeline(text: str, files: dict[str, str] | None = None, **options: Any) -> Pipeline:
    return load(DictTree({"pivot.yaml": text, **(files or {})}), **options)


def test_mappings_merge_and_leaves_stay_as_they_are() -> None:
    day = datetime.date(2020, 1, 1)
    first = {"a": {"x": "${not.touched}", "y": "???"}, None: 1, "d": day}
    second = {"a": {"b.c": day, None: [1], 3: {"deep": None}}, "e": []}
    assert compose(layers(first, second)) == {
        "a": {"x": "${not.touched}", "y": "???", "b.c": day, None: [1], 3: {"deep": None}},
        None: 1,
        "d": day,
        "e": [],
    }


@pytest.mark.parametrize(
    ("first", "second", "leaf"),
    [
        ({"l": 3}, {"l": 3}, "l"),
        ({"l": [1]}, {"l": [2]}, "l"),
        ({"l": {"a": 1}}, {"l": 3}, "l"),
        ({"l": 3}, {"l": {"a": 1}}, "l"),
        ({"l": {"a": {"b": 1}}}, {"l": {"a": {"b": 2}}}, "l.a.b"),
    ],
)
def test_a_leaf_is_not_redefined(first: Any, second: Any, leaf: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(layers(first, {"other": 1}, second))
    assert f"vars[2] redefines '{leaf}', which vars[0] defines" in str(caught.value)


KEYS: Any = st.sampled_from(["a", "b", "c.d", 1, None, "???"])
TREE: Any = st.recursive(
    st.none() | st.integers() | st.just("${x}") | st.just("???") | st.dates(),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def by_hand(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            key: by_hand(old[key], new[key]) if key in old and key in new else {**old, **new}[key]
            for key in [*old, *(key for key in new if key not in old)]
        }
    raise LookupError


@settings(deadline=None)
@given(st.dictionaries(KEYS, TREE, max_size=3), st.dictionaries(KEYS, TREE, max_size=3))
def test_composing_is_the_plain_union(first: Any, second: Any) -> None:
    try:
        expected = by_hand(first, second)
    except LookupError:
        with pytest.raises(ConfigError, match="redefines"):
            compose(layers(first, second))
        return
    assert compose(layers(first, second)) == expected


@pytest.mark.parametrize(
    ("text", "override"),
    [
        ("lr=0.1", Override(None, "lr", 0.1)),
        ("train.C=1e-3", Override(None, "train.C", 0.001)),
        ("other.yaml:a.b=[1, x]", Override("other.yaml", "a.b", [1, "x"])),
        ("a={x: on}", Override(None, "a", {"x": "on"})),
        ("a=", Override(None, "a", "")),
        ("a=null", Override(None, "a", None)),
        ("a=b=c", Override(None, "a", "b=c")),
        ("d=2020-01-01", Override(None, "d", datetime.date(2020, 1, 1))),
        ("a.l[0]=1", Override(None, "a.l[0]", 1)),
    ],
)
def test_overrides_as_written(text: str, override: Override) -> None:
    assert parse_override(text) == override


@pytest.mark.parametrize("text", ["lr", "=3", ":a=3", "a..b=3", "a=[", "f.yaml:=3"])
def test_what_is_no_override(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_override(text)


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("a.b", {"a": {"b": 9, "c": "???"}, "l": [1, {"x": 2}], "d.e": 3, 7: "${y}"}),
        ("l[0]", {"a": {"b": 1, "c": "???"}, "l": [9, {"x": 2}], "d.e": 3, 7: "${y}"}),
        ("l[-1].x", {"a": {"b": 1, "c": "???"}, "l": [1, {"x": 9}], "d.e": 3, 7: "${y}"}),
        ("d.e", {"a": {"b": 1, "c": "???"}, "l": [1, {"x": 2}], "d.e": 9, 7: "${y}"}),
        ("7", {"a": {"b": 1, "c": "???"}, "l": [1, {"x": 2}], "d.e": 3, 7: 9}),
        ("zzz", {"a": {"b": 1, "c": "???"}, "l": [1, {"x": 2}], "d.e": 3, 7: "${y}"}),
    ],
)
def test_an_override_changes_its_key_alone(key: str, changed: Any) -> None:
    value = {"a": {"b": 1, "c": "???"}, "l": [1, {"x": 2}], "d.e": 3, 7: "${y}"}
    before = repr(value)
    assert apply_overrides(value, [Override(None, key, 9)]) == changed
    assert repr(value) == before


# --- vars of a file -------------------------------------------------------------------------


def test_params_yaml_beside_the_file_is_read_first() -> None:
    text = "stages:\n  a:\n    cmd: x ${lr}\n"
    assert command(text, {"params.yaml": "lr: 0.1\n"}) == "x 0.1"


@pytest.mark.parametrize(
    ("items", "files", "expected"),
    [
        ("[{k: 1}]", {}, "1"),
        ("[v.yaml]", {"v.yaml": "k: 2"}, "2"),
        ("['v.yaml:k']", {"v.yaml": "k: 2\nz: 1"}, "2"),
        ("['v.yaml:k,z']", {"v.yaml": "k: 2\nz: 1"}, "2"),
        ("['v.yaml:z', 'v.yaml:k']", {"v.yaml": "k: 2\nz: 1"}, "2"),
        ("[v.yaml, v.yaml]", {"v.yaml": "k: 2"}, "2"),
        ("[params.yaml]", {"params.yaml": "k: 2"}, "2"),
        ("['./params.yaml']", {"params.yaml": "k: 2"}, "2"),
        ("[v.json]", {"v.json": '{"k": 3}'}, "3"),
        ("[v.toml]", {"v.toml": "k = 4"}, "4"),
        ("[v.py]", {"v.py": "k = 5"}, "5"),
        ("[d/v.yaml]", {"d/v.yaml": "k: 6"}, "6"),
        ("[{m: {x: 1}}, {m: {y: 2}}, {k: 7}]", {}, "7"),
        ("[]", {"params.yaml": "k: 8"}, "8"),
    ],
)
def test_vars(items: str, files: dict[str, str], expected: str) -> None:
    text = f"vars: {items}\nstages:\n  a:\n    cmd: x ${{k}}\n"
    assert command(text, files) == f"x {expected}"


@pytest.mark.parametrize(
    ("items", "files", "said"),
    [
        (
            "[zz.yaml]",
            {"z.yaml": "a: 1"},
            "1:8: vars file 'zz.yaml' does not exist; did you mean 'z.yaml'?",
        ),
        (
            "['v.yaml:kk']",
            {"v.yaml": "k: 1"},
            "1:8: vars: v.yaml has no key 'kk'; did you mean 'k'?",
        ),
        ("[{k: 1}, {k: 2}]", {}, "1:16: vars[1] redefines 'k', which vars[0] defines"),
        (
            "[{k: 1}]",
            {"params.yaml": "k: 2"},
            "1:8: vars[0] redefines 'k', which params.yaml defines",
        ),
        ("[{k: '${z}'}]", {}, "1:8: vars[0]: ${} is not allowed in vars"),
        ("['${z}.yaml']", {}, "1:8: vars[0]: ${} is not allowed in vars"),
        ("[v.yaml]", {"v.yaml": "[1]"}, "1:8: v.yaml holds a list; vars need a mapping of names"),
        ("[v.yaml]", {"v.yaml": "a: [1"}, "v.yaml:1:4: the '[' that opens here is never closed"),
        ("[]", {"params.yaml": "3"}, "params.yaml holds one value"),
    ],
)
def test_vars_that_cannot_be_used(items: str, files: dict[str, str], said: str) -> None:
    with pytest.raises(PivotError) as caught:
        command(f"vars: {items}\nstages:\n  a:\n    cmd: x ${{k}}\n", files)
    assert said in str(caught.value)


def test_a_stage_has_vars_of_its_own_read_from_its_wdir() -> None:
    text = "vars: [{g: 1}]\nstages:\n  a:\n    wdir: d\n    vars: [v.yaml, {l: 2}]\n    cmd: x ${g} ${l} ${k}\n"
    assert command(text, {"d/v.yaml": "k: 3"}) == "x 1 2 3"


def test_vars_of_a_stage_do_not_reach_another() -> None:
    text = "stages:\n  a:\n    vars: [{l: 2}]\n    cmd: x ${l}\n  b:\n    cmd: x ${l}\n"
    with pytest.raises(PivotError, match=r"stage 'b': '\$\{l\}' names no known key"):
        command(text)


def test_vars_of_a_stage_do_not_redefine_those_of_the_file() -> None:
    text = "vars: [{a: 1}]\nstages:\n  a:\n    vars: [{a: 2}]\n    cmd: x\n"
    with pytest.raises(PivotError, match=r"^pivot.yaml:4:12: stage 'a' vars\[0\] redefines 'a'"):
        command(text)


def test_params_yaml_in_the_wdir_is_not_read_implicitly() -> None:
    text = "stages:\n  a:\n    wdir: d\n    cmd: x ${k}\n"
    with pytest.raises(PivotError, match="names no known key"):
        command(text, {"d/params.yaml": "k: 3"})


def test_params_values_are_not_templates() -> None:
    assert (
        command("stages:\n  a:\n    cmd: x ${b}\n", {"params.yaml": "a: 1\nb: q${a}\n"})
        == "x q${a}"
    )


# --- -S -------------------------------------------------------------------------------------

STAGE = "stages:\n  a:\n    cmd: x ${k}\n"


def test_an_override_composes_over_params_and_vars() -> None:
    given = [Override(None, "k", 9)]
    assert command(STAGE, {"params.yaml": "k: 1"}, overrides=given) == "x 9"
    assert command("vars: [{k: 1}]\n" + STAGE, overrides=given) == "x 9"


def test_an_override_of_a_file_reaches_that_file_alone() -> None:
    text = "vars: [v.yaml]\n" + STAGE
    over = Override("v.yaml", "k", 9)
    assert command(text, {"v.yaml": "k: 1"}, overrides=[over]) == "x 9"


def test_an_override_may_name_a_key_that_is_only_tracked() -> None:
    text = "stages:\n  a:\n    cmd: x\n    params: [lr, o.yaml: [m]]\n"
    files = {"params.yaml": "lr: 1", "o.yaml": "m: 1"}
    command(text, files, overrides=[Override(None, "lr", 2), Override("o.yaml", "m", 2)])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            Override(None, "kk", 1),
            "-S kk: neither params.yaml nor vars has a key 'kk'; did you mean 'k'?",
        ),
        (Override("nope.yaml", "k", 1), "-S nope.yaml:k: nope.yaml has no key 'k'"),
        (Override("params.yaml", "m.x", 1), "-S params.yaml:m.x: params.yaml has no key 'm.x'"),
    ],
)
def test_an_override_of_nothing_is_an_error(override: Override, said: str) -> None:
    with pytest.raises(PivotError) as caught:
        command(STAGE, {"params.yaml": "k: 1\nm: {y: 1}"}, overrides=[override])
    assert said in str(caught.value)


def test_each_pipeline_file_has_its_own_params() -> None:
    files = {
        "params.yaml": "k: 1",
        "sub/pivot.yaml": "stages:\n  b:\n    cmd: y ${k}\n",
        "sub/params.yaml": "k: 2",
    }
    found = pipeline(STAGE, files, overrides=[Override("sub/params.yaml", "k", 3)])
    assert found.stages["a"].entry.exact == "x 1"  # type: ignore[union-attr]
    assert found.stages["sub/pivot.yaml:b"].entry.exact == "y 3"  # type: ignore[union-attr]
