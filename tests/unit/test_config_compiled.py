"""The compiled form gives back the very pipeline, or nothing."""

from __future__ import annotations

import datetime
import marshal
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pivot.config import dump_pipeline, load, load_pipeline
from pivot.config.compiled import dump_value, load_value
from pivot.config.keypaths import MISSING
from pivot.digest import Digest, canonical
from pivot.model import Command, Pipeline, Stage, TrackedFile
from pivot.tree import DictTree

TEXT = """
vars: [{day: 2020-01-01}]
stages:
  a:
    python: m.f
    deps: {parts: [x, y], t: {path: z, loader: csv, options: {sep: ";"}, check: stat}}
    outs: {o: {path: o, cache: false, persist: true, remote: r}}
    plots: {p: {path: p.csv, x: a}}
    params: {day: "${day}", when: 2020-01-01 10:00:00, tuple: [1, 2.5, null, true]}
    env: {A: 1}
    resources: {gpu: 1}
    timeout: 2h
  b:
    cmd: [x, y]
    params: [lr, o.yaml: ]
    meta: {k: [2020-01-01]}
plots: [{q: {x: a}}]
artifacts: {m: {path: x}}
"""


def pipeline() -> Pipeline:
    return load(DictTree({"pivot.yaml": TEXT, "dvc.yaml": ""}))


def test_a_pipeline_comes_back_equal_with_its_types() -> None:
    before = pipeline()
    after = load_pipeline(dump_pipeline(before))
    assert after == before
    assert after is not None
    for name, stage in before.stages.items():
        assert type(after.stages[name]) is Stage
        assert canonical(after.stages[name].params) == canonical(stage.params)
        assert [type(dep) for dep in after.stages[name].deps] == [type(d) for d in stage.deps]
    assert hash(after.stages["a"].deps[0].path) == hash("x")


def test_what_comes_back_is_frozen() -> None:
    after = load_pipeline(dump_pipeline(pipeline()))
    assert after is not None
    with pytest.raises(AttributeError):
        after.stages["a"].name = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        after.stages["a"].deps[0].path = "x"  # type: ignore[misc]


def test_tracked_files_are_kept() -> None:
    digest = Digest("md5", "ab", "tree", 10, 2)
    tracked = (TrackedFile("x.pvt", "x", digest, desc="d"), TrackedFile("y.pvt", "y", None))
    before = Pipeline({"s": Stage("s", "f", 1, Command(("x",)))}, tracked)
    after = load_pipeline(dump_pipeline(before))
    assert after == before
    assert after is not None
    assert after.tracked[0].digest is not None
    assert after.tracked[0].digest.files == 2


def test_damage_is_noticed() -> None:
    data = dump_pipeline(pipeline())
    for position in (0, 15, 16, 40, len(data) // 2, len(data) - 1):
        broken = bytearray(data)
        broken[position] ^= 1
        assert load_pipeline(bytes(broken)) is None
    for length in (0, 1, 16, 17, len(data) - 1):
        assert load_pipeline(data[:length]) is None


def test_another_format_python_or_shape_counts_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dump_pipeline(pipeline())
    monkeypatch.setattr("pivot.config.compiled.FORMAT", 10_000)
    assert load_pipeline(data) is None
    monkeypatch.undo()
    monkeypatch.setattr(sys, "hexversion", 1)
    assert load_pipeline(data) is None
    monkeypatch.undo()
    assert load_pipeline(dump_value([1, 2])) is None
    assert load_pipeline(dump_value(([(1,)], [], (), {}, (), []))) is None
    assert load_pipeline(data) == pipeline()


def test_values_of_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be kept"):
        dump_value([object()])


ZONES: Any = st.sampled_from(
    [None, datetime.UTC, datetime.timezone(datetime.timedelta(hours=-5, minutes=-30))]
)
LEAF: Any = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
    | st.datetimes(timezones=ZONES) | st.times() | st.complex_numbers()
)  # fmt: skip
VALUE: Any = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.dates(), inner, max_size=3)
        | st.sets(st.integers() | st.dates(), max_size=3)
        | st.frozensets(st.text(), max_size=3)
    ),
    max_leaves=10,
)


def shape(value: Any) -> Any:
    """The types of containers, which the canonical form does not tell apart."""
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list, tuple)):
        return type(value)
    return (type(value), [shape(item) for item in inner])


@settings(max_examples=200, deadline=None)
@given(VALUE)
def test_every_plain_value_survives(value: Any) -> None:
    back = load_value(dump_value(value))
    assert canonical(back) == canonical(value)
    assert shape(back) == shape(value)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_nothing(data: bytes) -> None:
    assert load_value(data) is MISSING


def test_the_body_is_marshal_of_plain_values() -> None:
    body = dump_pipeline(load(DictTree({"pivot.yaml": "stages: {a: {cmd: x}}"})))[16:]
    assert isinstance(marshal.loads(body), tuple)
