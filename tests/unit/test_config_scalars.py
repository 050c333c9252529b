"""Plain scalars mean what DVC's parser (ruamel.yaml, YAML 1.2) says they mean."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pivot.config.scalars import plain, tagged

TEXTS = (
    "on off yes no y n Yes ON nUll tRue inf nan NaN Infinity 12:30 12:30:45 1:2.5 2020-1-1 0b12 0x1g "
    "08:00 1,000 1.2.3 1-2 +-1 -- + .. _1 _ 1e e5 1e+ 0o8 0x 0b .5e3 2020-01-01T10:00:00-0530 =x a.b"
)
INTEGERS = {
    "0": 0, "-0": 0, "+1": 1, "-1": -1, "010": 10, "08": 8, "-010": -10, "0o10": 8, "0x1F": 31,
    "0b11": 3, "-0x1F": -31, "+0b1": 1, "1_000": 1000, "1__0": 10, "1_": 1, "0o1_0": 8,
    "123456789012345678901234567890": 123456789012345678901234567890,
}  # fmt: skip
FLOATS = {
    "1.5": 1.5, "1e3": 1000.0, "1e-3": 0.001, "1E+3": 1000.0, "1.": 1.0, "1.e3": 1000.0, ".5": 0.5,
    "-.5": -0.5, ".5e+3": 500.0, "1_0.5": 10.5, "0e0": 0.0, "-0.0": -0.0, "+.inf": math.inf,
    "-.INF": -math.inf, ".Inf": math.inf,
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.split())
def test_these_are_texts(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(("text", "value"), INTEGERS.items())
def test_these_are_integers(text: str, value: int) -> None:
    assert plain(text) == value
    assert type(plain(text)) is int


@pytest.mark.parametrize(("text", "value"), FLOATS.items())
def test_these_are_floats(text: str, value: float) -> None:
    assert repr(plain(text)) == repr(value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan(text: str) -> None:
    assert math.isnan(plain(text))


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_nothing(text: str) -> None:
    assert plain(text) is None


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_booleans(text: str) -> None:
    assert plain(text) is (text.lower() == "true")


def test_dates_and_times() -> None:
    assert plain("2020-01-31") == datetime.date(2020, 1, 31)
    assert plain("2020-01-31 1:02:03") == datetime.datetime(2020, 1, 31, 1, 2, 3)
    assert plain("2020-01-31T10:00:00.25Z") == datetime.datetime(
        2020, 1, 31, 10, 0, 0, 250_000, datetime.UTC
    )
    offset = datetime.timezone(-datetime.timedelta(hours=5, minutes=30))
    assert plain("2020-01-31 10:00:00 -05:30") == datetime.datetime(2020, 1, 31, 10, tzinfo=offset)


def test_an_impossible_date_is_an_error() -> None:
    with pytest.raises(ValueError, match="month"):
        plain("2020-13-01")


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "1", "1"),
        ("int", "7", 7),
        ("float", "7", 7.0),
        ("float", "1_0", 10.0),
        ("bool", "true", True),
        ("null", "", None),
        ("binary", "aGk=", b"hi"),
        ("timestamp", "2020-01-01", datetime.date(2020, 1, 1)),
    ],
)
def test_explicit_tags(tag: str, text: str, value: Any) -> None:
    assert tagged(tag, text) == value
    assert type(tagged(tag, text)) is type(value)


@pytest.mark.parametrize(
    ("tag", "text"), [("int", "x"), ("int", "true"), ("bool", "1"), ("binary", "?"), ("null", "1")]
)
def test_a_tag_that_does_not_fit(tag: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the caller words it)
        tagged(tag, text)


def by_ruamel(text: str) -> Any:
    from ruamel.yaml import YAML

    try:
        return YAML(typ="safe", pure=True).load(text)
    except Exception as error:
        return error


@settings(max_examples=400, deadline=None)
@given(st.text("0123456789_.eE+-xobnaflsTtZ: ", min_size=1, max_size=9).map(str.strip))
def test_it_agrees_with_the_parser_that_dvc_uses(text: str) -> None:
    theirs = by_ruamel(f"k: {text}") if text else {"k": None}
    if isinstance(theirs, Exception) or not isinstance(theirs, dict):
        return  # not one plain scalar, or a value that its parser fails on
    theirs = theirs["k"]
    if isinstance(theirs, (dict, list)) or (text[:1] in "-:" and text[1:2] in ("", " ")):
        return
    ours = plain(text)
    if isinstance(ours, datetime.datetime):
        assert ours == theirs
    else:
        assert repr(ours) == repr(theirs)
