"""YAML files: values, places, and errors that say where and what to do."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, example, given, reject, settings
from hypothesis import strategies as st

from pivot.config import load_yaml, load_yaml_marked
from pivot.config.documents import MAX_ALIASED, MAX_DEPTH
from pivot.errors import ConfigError


def read(text: str) -> Any:
    return load_yaml(text.encode(), "f.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("a: 1", {"a": 1}),
        ("a: on\nb: 'true'\nc: \"1\"", {"a": "on", "b": "true", "c": "1"}),
        ("- 1\n- [2, {x: y}]", [1, [2, {"x": "y"}]]),
        ("a:\n- 1\n- 2", {"a": [1, 2]}),
        ("a:\n", {"a": None}),
        ("1: x\ntrue: y\n1.5: z\n~: n", {1: "x", 1.5: "z", None: "n"} | {True: "y"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x 1\nb: *x", {"a": 1, "b": 1}),
        ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
        ("d: &d {x: 1, y: 2}\ne: {<<: *d, y: 3}", {"d": {"x": 1, "y": 2}, "e": {"x": 1, "y": 3}}),
        (
            "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n  z: 3",
            {"a": {"x": 1}, "b": {"x": 2, "y": 2}, "c": {"x": 1, "y": 2, "z": 3}},
        ),
        ("'<<': 1", {"<<": 1}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: >-\n  x\n  y\n", {"a": "x y"}),
        ("a: !!str 1\nb: !!float 1\nc: ! 12", {"a": "1", "b": 1.0, "c": "12"}),
        ("--- \na: 1\n...\n", {"a": 1}),
        ("\ufeffa: 1", {"a": 1}),
        ("cmd: echo ${x} ${y}", {"cmd": "echo ${x} ${y}"}),
        ("${x}: 1", {"${x}": 1}),
        ("a: ['${x}']", {"a": ["${x}"]}),
        ("é: ☃", {"é": "☃"}),
    ],
)
def test_values(text: str, value: Any) -> None:
    if text.startswith("1: x"):
        with pytest.raises(ConfigError, match="twice"):
            read(text)  # to Python 1 and true are one key
        return
    assert read(text) == value


def test_a_merged_mapping_does_not_change_its_source() -> None:
    value = read("a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: *a")
    assert value == {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 1}}


BAD = [
    ("a: 1\nb: 2\na: 3", "3:1", "the key 'a' appears twice (first on line 1)"),
    ("a: {b: 1, b: 2}", "1:11", "the key 'b' appears twice"),
    ("a: [${x}]", "1:5", '${x} inside [...] or {...} needs quotes'),
    ("a: {k: data/${x}.csv, b: 1}", "1:8", 'write "data/${x}.csv"'),
    ("a: [b,\n  ${x}]", "2:3", 'write "${x}"'),
    ("a:\n\t- b", "2:1", "a tab; YAML is indented with spaces"),
    ("a:\n  b: 1\n\tc: 2", "3:1", "a tab"),
    ("\ta: 1", "1:1", "a tab"),
    ("a: b: c", "1:5", "a second ':' on this line cannot start a value: a: b: c"),
    ("a: 1\n  b: 2", "2:4", "a second ':'"),
    ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "2:1", "it has conflict markers"),
    ("a: [1,2", "1:4", "the '[' that opens here is never closed"),
    ("a: {b: 1", "1:4", "the '{' that opens here is never closed"),
    ("a: 'x", "1:4", "the quote that opens here is never closed"),
    ('a:\n  b: "x\n\n', "2:6", "the quote that opens here is never closed"),
    ("a: @x", "1:4", "a value cannot begin with '@'"),
    ("a: `x`", "1:4", "a value cannot begin with '`'"),
    ("a: *x", "1:4", "*x names no anchor (&x) above it"),
    ("data: &data [1]\nb: *dta", "2:4", "did you mean 'data'?"),
    ("a: *.csv", "1:4", "quote a text that begins with '*'"),
    ("- a\nb: 1", "2:1", "does not fit the list around it"),
    ("a:\n  - 1\n b: 2", "3:2", "does not fit the mapping around it"),
    ("a: {{x}}", "1:5", "a mapping cannot be a key"),
    ("? [a]\n: b", "1:3", "a list cannot be a key"),
    ("a: &a [*a]", "1:8", "*a refers to the value that holds it"),
    ("a: !foo 3", "1:4", "the tag !foo is not supported"),
    ("a: !!set {x}", "1:4", "the tag !!set is not supported"),
    ("a: !!python/object:os.system x", "1:4", "is not supported"),
    ("a: !!int x", "1:4", "'x' cannot be read as !!int"),
    ("a: x\x01", "1:5", "a character that YAML does not allow (U+0001)"),
    ("a: 2020-13-01", "1:4", "'2020-13-01': month must be in 1..12"),
    ("a: 1\n---\nb: 2", "2:1", "a second document starts here"),
    ('a: "\\q"', "1:5", "an unknown escape"),
    ("a: |x\n b", "1:5", "text after '|' or '>'"),
    ("a: - b", "1:4", "a list item cannot stand here"),
    ("<<: 3", "1:5", "'<<' takes a mapping"),
    ("<<: [1]", "1:5", "'<<' takes a mapping"),
    ("'a': 'b' c", "1:10", "does not fit the mapping"),
    ("[", "2:1", "the file ends where a value is missing"),
    ("%x y\n", "1:1", "%"),
    ("a: &\n", "1:4", "'&' must be followed by a name"),
    ("a: ]", "1:4", "a value is missing here"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "said"), BAD)
def test_errors_say_where_and_what(text: str, place: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert said in str(caught.value)
    if not text.startswith("%"):
        assert str(caught.value).startswith(f"f.yaml:{place}: ")


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(ConfigError, match=r"^f.yaml:2:4: not UTF-8 text \(byte 0xff\)"):
        load_yaml(b"a: 1\nb: \xff", "f.yaml")


def test_a_billion_laughs_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(ConfigError, match=f"more than {MAX_ALIASED} values"):
        read("\n".join(lines))


def test_ordinary_reuse_of_anchors_is_fine() -> None:
    stages = "\n".join(f"s{i}: {{<<: *base, n: {i}}}" for i in range(500))
    value = read("base: &base {a: 1, b: [1, 2, 3], c: {d: e}}\n" + stages)
    assert value["s499"] == {"a": 1, "b": [1, 2, 3], "c": {"d": "e"}, "n": 499}


def test_nesting_has_a_limit() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert read(f"a: {deep}")
    with pytest.raises(ConfigError, match="levels deep"):
        read(f"a: [{deep}]")
    with pytest.raises(ConfigError, match=r"(levels|too) deep"):
        read("[" * 5000)


def test_nesting_through_aliases_has_the_same_limit() -> None:
    lines = ["a0: &a0 [1]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, MAX_DEPTH + 5)]
    with pytest.raises(ConfigError, match="levels deep"):
        read("\n".join(lines))


def test_places_of_keys_and_values() -> None:
    text = "stages:\n  train:\n    deps:\n      raw: data.csv\n    outs: [a, {b: {cache: no}}]\n"
    _, marks = load_yaml_marked(text.encode(), "p.yaml")
    path = ("stages", "train", "deps", "raw")
    assert str(marks.where(path)) == "p.yaml:4:12"
    assert str(marks.where(path, key=True)) == "p.yaml:4:7"
    assert str(marks.where(("stages", "train", "outs", 1, "b", "cache"))) == "p.yaml:5:27"
    assert str(marks.where(("stages", "train", "nothing"))) == "p.yaml:3:5"


def test_the_place_of_what_is_not_there_is_that_of_what_holds_it() -> None:
    _, marks = load_yaml_marked(b"a:\n  b: 1\n", "p.yaml")
    assert str(marks.where(("a", "zzz", "y"), key=True)) == "p.yaml:1:1"
    assert str(marks.where(())) == "p.yaml"


def test_merged_keys_keep_the_place_where_they_were_written() -> None:
    _, marks = load_yaml_marked(b"a: &a\n  x: 1\nb:\n  <<: *a\n  y: 2\n", "p.yaml")
    assert str(marks.where(("b", "x"))) == "p.yaml:2:6"
    assert str(marks.where(("b", "y"))) == "p.yaml:5:6"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcxyz-. ", max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and set(one) == set(other)
            and all(same(one[key], other[key]) for key in one)
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_what_ruamel_writes_is_read_back(value: Any) -> None:
    import io

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.dump(value, stream)
    try:
        assume(same(value, writer.load(stream.getvalue())))  # it cannot read `[?0]`, and writes it
    except YAMLError:
        reject()
    assert same(value, read(stream.getvalue()))


def complaint(data: bytes) -> ConfigError | None:
    try:
        load_yaml(data, "f.yaml")
    except ConfigError as error:
        return error
    return None


@settings(max_examples=300, deadline=None)
@given(st.text("ab:-[]{}&*!|>'\"%@`#?,\n\t <$.0123456789~", max_size=40))
@example("a: [${")
@example("- ? : -")
def test_arbitrary_text_gives_a_value_or_a_placed_error(text: str) -> None:
    error = complaint(text.encode())
    assert error is None or (error.where is not None and error.where.line >= 1)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_give_a_value_or_a_placed_error(data: bytes) -> None:
    error = complaint(data)
    assert error is None or (error.where is not None and error.where.line >= 1)
