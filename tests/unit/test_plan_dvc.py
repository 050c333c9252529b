"""Staleness of a stage in dvc.yaml, where it differs from that of pivot.yaml."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pivot.digest import Digest
from pivot.model import Command, Dep, Out, ParamsFile, Stage, StageKey, StageRecord
from pivot.plan import Evidence, decide

A, B = Digest("md5", "aa"), Digest("md5", "bb")
STAGE = Stage(
    "s",
    "dvc.yaml",
    2,
    Command(("run",)),
    deps=(Dep("x"), Dep("run.py")),
    outs=(Out("o"),),
    params_files=(ParamsFile("params.yaml", ("p",)), ParamsFile("all.yaml", None)),
)
KEY = StageKey(
    entry="run",
    kind="cmd",
    wdir=".",
    binding={},
    code="xxh128:1",
    params={"": {}, "params.yaml": {"p": 1}, "all.yaml": {"": {"a": [1], "b": "t"}}},
    deps={"x": A},
    outs=("o",),
    env={},
)
RECORD = StageRecord("s", replace(KEY, deps={"x": A, "run.py": A}), {"o": A})


def judged(stage: Stage = STAGE, record: StageRecord = RECORD, **changes: Any) -> list[str]:
    key = replace(KEY, **{k: v for k, v in changes.items() if hasattr(KEY, k) and k != "outs"})
    others = {k: v for k, v in changes.items() if k in ("scripts", "outs", "observed")}
    evidence = Evidence(
        key, record, **{"outs": {"o": A}, "as_dvc": True, "stored": lambda _: True, **others}
    )
    return [f"{reason.kind} {reason.subject}" for reason in decide(stage, evidence).reasons]


def test_equal_is_fresh() -> None:
    assert judged() == []


@pytest.mark.parametrize("value", [1.0, True])
def test_params_are_equal_as_python_has_it(value: object) -> None:
    assert judged(params={**KEY.params, "params.yaml": {"p": value}}) == []


def test_params_that_differ_are_new_or_are_gone_count() -> None:
    assert judged(params={**KEY.params, "params.yaml": {"p": 2}}) == ["params params.yaml:p"]
    assert judged(params={**KEY.params, "params.yaml": {}}) == ["params params.yaml:p"]
    wider = replace(STAGE, params_files=(ParamsFile("params.yaml", ("p", "q")),))
    both = {**KEY.params, "params.yaml": {"p": 1, "q": 1}}
    assert judged(wider, params=both) == ["params params.yaml:q"]


def test_of_a_whole_file_every_key_counts() -> None:
    more = {**KEY.params, "all.yaml": {"": {"a": (1,), "b": "t", "c": 0}}}
    assert judged(params=more) == ["params all.yaml:c"]
    less = {**KEY.params, "all.yaml": {"": {"a": [1]}}}
    assert judged(params=less) == ["params all.yaml:b"]


def test_dropped_deps_and_params_do_not_count() -> None:
    assert judged(replace(STAGE, deps=(Dep("run.py"),), params_files=()), deps={}) == []


def test_added_deps_count() -> None:
    wider = replace(STAGE, deps=(*STAGE.deps, Dep("y")))
    assert judged(wider, deps={"x": A, "y": A}) == ["dep y"]


def test_added_outs_count_and_dropped_ones_do_not() -> None:
    wider = replace(STAGE, outs=(Out("o"), Out("n")))
    assert judged(wider, outs={"o": A, "n": B}) == ["out n"]
    assert judged(replace(STAGE, outs=())) == []


def test_an_out_that_the_lock_does_not_name_has_changed() -> None:
    """As `dvc status` has it, whether the out is there or not."""
    wider = replace(STAGE, outs=(*STAGE.outs, Out("new")))
    assert judged(wider, outs={"o": A, "new": None}) == ["out new"]
    assert judged(wider, outs={"o": A, "new": B}) == ["out new"]


def test_scripts_count_by_content_only_where_no_code_is_known() -> None:
    unknown = replace(RECORD, key=replace(RECORD.key, code=None))
    assert judged(scripts={"run.py": B}) == []
    assert judged(record=unknown, scripts={"run.py": B}) == ["dep run.py"]
    assert judged(record=unknown, scripts={"run.py": A}) == []


def test_code_counts_where_both_know_it() -> None:
    assert judged(code="xxh128:2") != []
    assert judged(code=None) == []


def test_an_unrecorded_stage_says_so() -> None:
    unknown = replace(RECORD, key=replace(RECORD.key, code=None))
    evidence = Evidence(KEY, unknown, outs={"o": A}, as_dvc=True)
    assert decide(STAGE, evidence).notes == ("code unrecorded",)
    broken = replace(evidence, lock_problem="a.lock:1 counts as absent")
    assert decide(STAGE, broken).notes == ("code unrecorded", "a.lock:1 counts as absent")


def test_neither_working_directory_nor_binding_count() -> None:
    assert judged(wdir="elsewhere", binding={"a": "b"}) == []


def test_commands_compare_exactly() -> None:
    assert judged(entry=("run",)) == ["command s"]
