"""`${}` as DVC has it: types kept alone, rendered inside texts, flags inside commands."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pivot.config.keypaths import find, hint_for, known_keys, split_path
from pivot.config.templating import FlagStyle, Scope, has_expression, render
from pivot.errors import ConfigError, Where

HERE = Where("pivot.yaml", 3, 7)
VALUES: dict[Any, Any] = {
    "i": 1,
    "f": 1.5,
    "small": 1e-10,
    "big": 1e20,
    "b": True,
    "no": False,
    "n": None,
    "s": "text",
    "date": datetime.date(2020, 1, 2),
    "l": [1, 2, {"x": 3}],
    "m": {"a": {"b": [10, 20]}},
    "k-y": "dash",
    "k y": "space",
    "u_": "under",
    7: "seven",
    "dotted.key": "hidden",
}
SCOPE = Scope(VALUES, "stage 'train'")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${i}", 1),
        ("${f}", 1.5),
        ("${b}", True),
        ("${n}", None),
        ("${date}", datetime.date(2020, 1, 2)),
        ("${l}", [1, 2, {"x": 3}]),
        ("${m}", {"a": {"b": [10, 20]}}),
        ("${m.a.b[0]}", 10),
        ("${m.a.b.1}", 20),
        ("${m.a.b[-1]}", 20),
        ("${m[a].b[0]}", 10),
        ("${ m.a.b[1] }", 20),
        ("${l[2].x}", 3),
        ("${k-y}", "dash"),
        ("${k y}", "space"),
        ("${u_}", "under"),
        ("${7}", "seven"),
        ("plain", "plain"),
        ("x ${i} ${f} ${small} ${big} ${b} ${no} ${s}", "x 1 1.5 1e-10 1e+20 true false text"),
        ("x ${n} ${date}", "x None 2020-01-02"),
        ("${i}${i}", "11"),
        ("$${i}", "$1"),
        ("a}${i}{", "a}1{"),
        ("{${i}}", "{1}"),
        ("${i", "${i"),
        ("$i {i}", "$i {i}"),
        ("\\${i} ${i}", "${i} 1"),
        ("\\${i}", "${i}"),
        ("\\\\${i}", "\\${i}"),
        ("a\nb ${s}\n", "a\nb text\n"),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    found = SCOPE.resolve(text, HERE)
    assert found == value
    assert type(found) is type(value)


def test_containers_are_resolved_with_their_keys() -> None:
    value = {"${s}-${i}": ["${i}", {"${i}": "${b}"}], "plain": 3}
    assert SCOPE.resolve(value, HERE) == {"text-1": [1, {"1": True}], "plain": 3}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${nope}", "'${nope}' names no known key"),
        ("${m.a.c}", "did you mean 'm.a.b'?"),
        ("${M.a.b[0]}", "did you mean 'm.a.b.0'?"),
        ("${i.x}", "names no known key; 'i' is 1"),
        ("${l[9]}", "names no known key; 'l' has 3 items"),
        ("${m.a.quite_different}", "names no known key; 'm.a' has b"),
        ("${l[x]}", "names no known key"),
        ("${dotted.key}", "names no known key"),
        ("${}", "is not an expression; write ${key}"),
        ("${ }", "is not an expression"),
        ("${a..b}", "is not an expression"),
        ("${a[0}", "is not an expression"),
        ("x ${l}", "'${l}' is a list, which cannot stand inside a text"),
        ("x ${m}", "'${m}' is a mapping, which cannot stand inside a text"),
        ("${${s}}", "nests expressions"),
        ("${x+1}", "names no known key"),
    ],
)
def test_errors_name_place_owner_expression_and_nearest_key(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SCOPE.resolve([text], HERE)
    assert said in str(caught.value)
    assert str(caught.value).startswith("pivot.yaml:3:7: stage 'train': ")


def test_without_any_values_the_error_says_so() -> None:
    with pytest.raises(ConfigError, match="there are no vars, and no params"):
        Scope({}, "").resolve("${x}", HERE)


def test_a_key_cannot_become_a_container() -> None:
    with pytest.raises(ConfigError, match="is a list, which cannot be a key"):
        SCOPE.resolve({"${l}": 1}, HERE)


OPTIONS = {
    "a": {"b": [10, 20]},
    "on": True,
    "off": False,
    "none": None,
    "words": [1, "two three"],
    "text": "a b",
    "empty": "",
    "quote": "it's",
    "nothing": [],
    "nested": {"k": [1.5, True]},
    "neg": -1,
}


def test_a_mapping_inside_a_command_becomes_flags() -> None:
    scope = Scope({"m": OPTIONS, "i": 1}, "stage 'a'")
    assert scope.command("x ${m} ${i}", HERE) == (
        "x --a.b 10 20 --on --none None --words 1 'two three' --text 'a b' --empty '' "
        "--quote 'it'\"'\"'s' --nested.k 1.5 True --neg -1 1"
    )


def test_flags_follow_the_parsing_options() -> None:
    style = FlagStyle(booleans="boolean_optional", lists="append")
    scope = Scope({"m": {"t": True, "f": False, "l": [1, 2]}}, "stage 'a'", style)
    assert scope.command("x ${m}", HERE) == "x --t --no-f --l 1 --l 2"


def test_nested_lists_cannot_become_flags() -> None:
    with pytest.raises(ConfigError, match="nested lists under 'q'"):
        Scope({"m": {"q": [[1]]}}, "stage 'a'").command("x ${m}", HERE)


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ("${a}", True),
        ("\\${a}", False),
        ("a", False),
        ({"${a}": 1}, True),
        ([{"x": "${a}"}], True),
        (3, False),
    ],
)
def test_whether_a_value_holds_expressions(value: Any, holds: bool) -> None:
    assert has_expression(value) is holds


NAMES = st.text("abcxyz_", min_size=1, max_size=5)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
TREES = st.dictionaries(
    NAMES,
    st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3)),
    min_size=1,
)


@given(TREES)
def test_every_leaf_can_be_named_and_keeps_its_type(values: dict[str, Any]) -> None:
    scope = Scope(values, "")
    for name in known_keys(values):
        expected = find(values, split_path(name) or ())
        found = scope.resolve(f"${{{name}}}", HERE)
        assert found == expected
        assert type(found) is type(expected)
        if not isinstance(expected, dict):
            assert scope.resolve(f"<${{{name}}}>", HERE) == f"<{render(expected)}>"


def place_of_error(text: str) -> Where | None:
    try:
        SCOPE.resolve(text, HERE)
    except ConfigError as error:
        return error.where
    return None


@given(st.text("${}ab.[]\\ 0-", max_size=25))
def test_arbitrary_text_resolves_or_gives_a_placed_error(text: str) -> None:
    assert place_of_error(text) in (None, HERE)


@given(st.text(max_size=30).filter(lambda text: "${" not in text))
def test_text_without_expressions_stays(text: str) -> None:
    assert SCOPE.resolve(text, HERE) == text
    assert SCOPE.resolve(f"\\${{{text.replace('}', '')}}}", HERE) == f"${{{text.replace('}', '')}}}"


def test_hints_list_what_is_known_where_nothing_is_near() -> None:
    assert hint_for({"alpha": 1, "beta": 2}, ("zzz",)) == "known: alpha, beta"
    assert hint_for({"alpha": {"rate": 1}}, ("rate",)) in (
        "did you mean 'alpha.rate'?",
        "known: alpha",
    )
    assert hint_for({}, ("x",)) is None
