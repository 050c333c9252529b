"""Param values as what annotations ask for, and what they are refused for."""
# ruff: noqa: UP007, UP045 - older forms of annotations are to be read too

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union

import pydantic
import pytest

from pivot.run.worker.failures import StageError
from pivot.run.worker.structuring import Misfit, convert, structure


class Color(enum.Enum):
    RED = "red"
    TWO = 2


@dataclass
class Inner:
    lr: float = 0.1


@dataclass
class Params:
    c: Color = Color.RED
    inner: Inner = field(default_factory=Inner)
    n: int = 0

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ValueError("n is at least 0")


class Model(pydantic.BaseModel):
    lr: float
    name: str = "x"


class Pair(NamedTuple):
    a: int
    b: str


class Strange:
    def __init__(self) -> None:
        raise AssertionError("nothing makes one")


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, 3, 3),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (str, "x", "x"),
        (bool, True, True),
        (Any, object, object),
        ("unknown text", 3, 3),
        (None, None, None),
        (Optional[int], None, None),
        (int | None, 3, 3),
        (Union[int, str], "3", "3"),
        (Union[Color, int], "red", Color.RED),
        (Annotated[int, "note"], 3, 3),
        (Literal["a", 1], 1, 1),
        (Color, "red", Color.RED),
        (Color, "TWO", Color.TWO),
        (Color, Color.RED, Color.RED),
        (pathlib.Path, "a", pathlib.Path("a")),
        (decimal.Decimal, 0.1, decimal.Decimal("0.1")),
        (decimal.Decimal, "0.1", decimal.Decimal("0.1")),
        (datetime.date, "2024-02-29", datetime.date(2024, 2, 29)),
        (datetime.datetime, datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29)),
        (datetime.time, "01:02", datetime.time(1, 2)),
        (list, [1, "x"], [1, "x"]),
        (list[int], (1, 2), [1, 2]),
        (Sequence[float], [1], [1.0]),
        (tuple[int, str], [1, "b"], (1, "b")),
        (tuple[int, ...], [1, 2], (1, 2)),
        (set[int], [1, 1], {1}),
        (frozenset, [1], frozenset([1])),
        (Pair, [1, "b"], Pair(1, "b")),
        (dict, {"a": 1}, {"a": 1}),
        (dict[str, float], {"a": 1}, {"a": 1.0}),
        (Mapping[str, Inner], {"a": {"lr": 1}}, {"a": Inner(1.0)}),
        (Inner, Inner(2.0), Inner(2.0)),
        (Model, {"lr": "2"}, Model(lr=2)),
        (Strange, 3, 3),
    ],
)
def test_values_that_fit(annotation: Any, value: Any, expected: Any) -> None:
    found = convert(annotation, value, ())
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("annotation", "value", "path", "said"),
    [
        (int, 1.5, (), "takes a whole number, not 1.5"),
        (int, True, (), "takes a whole number, not True"),
        (float, "1", (), "takes a number, not '1'"),
        (str, 1, (), "takes a text, not 1"),
        (bool, 1, (), "takes true or false, not 1"),
        (None, 1, (), "takes nothing, not 1"),
        (Optional[int], "x", (), "takes a whole number, not 'x'; or takes nothing, not 'x'"),
        (Literal["a", 1], "b", (), "takes 'a' or 1, not 'b'"),
        (Literal[1], True, (), "takes 1, not True"),
        (Color, "green", (), "takes one of 'red', 2, not 'green'"),
        (pathlib.Path, 3, (), "takes a path, not 3"),
        (datetime.date, "soon", (), "takes a date, not 'soon'"),
        (datetime.time, 3, (), "takes a time, not 3"),
        (list[int], "abc", (), "takes a list, not 'abc'"),
        (list[int], [1, "x"], (1,), "takes a whole number, not 'x'"),
        (tuple[int, str], [1], (), "takes 2 values, not 1"),
        (dict[str, int], [1], (), "takes a mapping, not [1]"),
        (dict[str, int], {"a": "x"}, ("a",), "takes a whole number, not 'x'"),
        (Inner, 3, (), "takes a mapping, not 3"),
        (list[Inner], [{"r": 1}], (0, "r"), "Inner has no field 'r' (fields: lr)"),
        (Inner | int, {"lr": "x"}, ("lr",), "takes a number, not 'x'"),
        (list[Model], [{"lr": "x"}], (0, "lr"), "Input should be a valid number"),
    ],
)
def test_values_that_do_not(annotation: Any, value: Any, path: tuple[Any, ...], said: str) -> None:
    with pytest.raises(Misfit) as caught:
        convert(annotation, value, ())
    assert caught.value.path == path
    assert said in caught.value.message


def test_a_function_s_params_are_only_turned_into_what_they_could_not_be_used_as() -> None:
    assert structure(int, "x") == "x"
    assert structure(pathlib.Path, "x") == pathlib.Path("x")
    assert structure(Color, 2) is Color.TWO
    assert structure(Params, {"c": "red", "inner": {"lr": 1}}) == Params(Color.RED, Inner(1.0))
    assert structure(Model, {"lr": 1}) == Model(lr=1)
    assert structure(Strange, {"a": 1}) == {"a": 1}
    with pytest.raises(Misfit, match="n is at least 0"):
        structure(Params, {"n": -1})
    with pytest.raises(Misfit, match=r"Field required"):
        structure(Model, {})


def test_a_validator_that_fails_in_another_way() -> None:
    class Odd:
        @classmethod
        def model_validate(cls, _: Any) -> None:
            raise RuntimeError("what?")

    with pytest.raises(StageError, match=r"Odd does not accept these values: what\?"):
        structure(Odd, {})
