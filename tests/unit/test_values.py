"""Frozen values behave as the standard library's frozen dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping

import pytest

from pivot.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: int
    y: int = 2
    label: str = field(default="", compare=False)
    marks: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Other:
    """Another kind of place."""

    x: int
    y: int = 2


def test_fields_are_given_by_position_by_name_or_by_default() -> None:
    point = Point(1, label="a")
    assert (point.x, point.y, point.label, point.marks, point.total) == (1, 2, "a", {}, 3)
    assert Point(1).marks is not Point(1).marks
    with pytest.raises(TypeError, match="missing 1 required"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword"):
        Point(1, z=3)  # type: ignore[call-arg]


def test_equal_values_of_one_class_are_equal() -> None:
    assert Point(1, label="a") == Point(1, label="b")
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert hash(Other(1)) == hash(Other(1))
    assert len({Other(1), Other(1), Other(2)}) == 2


def test_nothing_can_be_assigned() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x  # type: ignore[misc]
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        point.z = 2  # type: ignore[attr-defined]
    assert not hasattr(point, "__dict__")


def test_the_tools_for_dataclasses_work() -> None:
    assert [item.name for item in dataclasses.fields(Point)] == ["x", "y", "label", "marks"]
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)
    assert dataclasses.asdict(Other(1)) == {"x": 1, "y": 2}
    assert repr(Other(1)) == "Other(x=1, y=2)"
    assert copy.deepcopy(Point(1, marks={"a": 1})) == Point(1, marks={"a": 1})
    assert pickle.loads(pickle.dumps(Other(3))) == Other(3)
    match Other(1):
        case Other(x, y):
            assert (x, y) == (1, 2)


def test_a_field_may_be_left_out_of_the_hash_alone():
    @dataclass(frozen=True, slots=True)
    class Override:
        key: str
        value: object = field(hash=False)

    assert hash(Override("a", [1])) == hash(Override("a", [2]))
    assert Override("a", [1]) != Override("a", [2])
