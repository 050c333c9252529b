"""The order of judgement, every kind of reason, and the smallest cause of changed code."""

import math
from dataclasses import replace

import pytest

from pivot.digest import Digest
from pivot.graph import build
from pivot.model import (
    CodeManifest,
    Command,
    Decision,
    Dep,
    Out,
    ParamsFile,
    Pipeline,
    PythonEntry,
    Reason,
    Stage,
    StageRecord,
    Symbol,
)
from pivot.plan import Evidence, decide, env_digest, explain_code, plan, stage_key


def a_digest(text):
    return Digest("blake3", text.encode().hex().ljust(16, "0"), "file", 1)


STAGE = Stage(
    name="train",
    file="pivot.yaml",
    line=7,
    entry=PythonEntry("stages.train", "stages", "train"),
    deps=(Dep("clean.csv", "data", line=8),),
    outs=(Out("model.bin", "model", line=10),),
    params={"C": 0.5},
    params_files=(ParamsFile("params.yaml", ("lr",), line=9),),
    env_tracked=("SEED",),
)


def a_key(stage=STAGE, **changes):
    fields = {
        "binding": {"data": "dep clean.csv"},
        "code": "xxh128:" + "1" * 32,
        "params": {"params.yaml": {"lr": 0.1}},
        "deps": {"clean.csv": a_digest("clean")},
        "environ": {"SEED": "7"},
    }
    return stage_key(stage, **{**fields, **changes})


def a_record(key=None, **changes):
    fields = {"stage": "train", "key": key or a_key(), "outs": {"model.bin": a_digest("model")}}
    return StageRecord(**{**fields, **changes})


def evidence(key=None, **changes):
    fields = {
        "key": key or a_key(),
        "record": a_record(),
        "outs": {"model.bin": a_digest("model")},
    }
    return Evidence(**{**fields, **changes})


def kinds(decision):
    return [(reason.kind, reason.subject) for reason in decision.reasons]


def test_nothing_changed_is_fresh():
    decision = decide(STAGE, evidence())
    assert (decision.state, decision.action, decision.reasons) == ("fresh", "none", ())
    assert decision.key == a_key()


def test_no_lock_is_never_run():
    decision = decide(STAGE, evidence(record=None, lock_problem="it has conflict markers"))
    assert (decision.state, decision.action) == ("stale", "run")
    assert kinds(decision) == [("never-run", "train")]
    assert decision.reasons[0].old == "it has conflict markers"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (a_key(replace(STAGE, entry=PythonEntry("s.fit", "s", "fit"))), [("command", "train")]),
        (a_key(code="xxh128:" + "3" * 32), [("code", "stages.train")]),
        (a_key(replace(STAGE, params={"C": 1.0})), [("params", "C")]),
        (a_key(replace(STAGE, params={})), [("params", "C")]),
        (a_key(replace(STAGE, params={"C": 0.5, "D": None})), [("params", "D")]),
        (a_key(params={"params.yaml": {"lr": 1}}), [("params", "params.yaml:lr")]),
        (a_key(deps={"clean.csv": a_digest("other")}), [("dep", "clean.csv")]),
        (a_key(deps={}), [("dep", "clean.csv")]),
        (a_key(environ={"SEED": "8"}), [("env", "SEED")]),
        (a_key(environ={}), [("env", "SEED")]),
        (a_key(binding={"data": "dep clean.csv csv"}), [("config", "binding data")]),
        (a_key(replace(STAGE, wdir="sub")), [("config", "wdir")]),
        (
            a_key(replace(STAGE, outs=(Out("other.bin"),))),
            [("config", "outs model.bin"), ("config", "outs other.bin")],
        ),
    ],
)
def test_each_difference_of_the_key_is_named(key, expected):
    decision = decide(STAGE, evidence(key))
    assert (decision.state, decision.action) == ("stale", "run")
    assert kinds(decision) == expected


def test_values_of_another_type_differ_and_nan_is_itself():
    one = replace(STAGE, params={"C": 1})
    for value in (1.0, True, "1"):
        key = a_key(replace(STAGE, params={"C": value}))
        assert decide(one, evidence(key, record=a_record(a_key(one)))).state == "stale"
    nan = replace(STAGE, params={"C": math.nan})
    again = replace(STAGE, params={"C": float("nan")})
    assert decide(nan, evidence(a_key(again), record=a_record(a_key(nan)))).state == "fresh"


def test_params_reasons_carry_the_values_and_deps_short_digests():
    key = a_key(replace(STAGE, params={"C": 0.7}), deps={"clean.csv": a_digest("other")})
    params, dep = decide(STAGE, evidence(key)).reasons
    assert (params.old, params.new, params.file, params.line) == (0.5, 0.7, "pivot.yaml", 7)
    assert (dep.old, dep.new) == (a_digest("clean").short, a_digest("other").short)
    assert (dep.file, dep.line) == ("pivot.yaml", 8)


def test_of_a_nested_param_only_the_changed_leaf_is_named():
    before = replace(STAGE, params={"train": {"forest": {"depth": 5, "trees": 60}, "C": 1}})
    after = replace(STAGE, params={"train": {"forest": {"depth": 3, "trees": 60}, "D": 1}})
    decision = decide(STAGE, evidence(a_key(after), record=a_record(a_key(before))))
    assert [(r.subject, r.old, r.new) for r in decision.reasons] == [
        ("train.forest.depth", 5, 3),
        ("train.D", None, 1),
        ("train.C", 1, None),
    ]
    order = replace(STAGE, params={"train": {"C": 1, "forest": {"trees": 60, "depth": 5}}})
    assert decide(STAGE, evidence(a_key(order), record=a_record(a_key(before)))).state == "fresh"


def test_the_value_of_a_variable_shows_nowhere():
    key = a_key(environ={"SEED": "secret-token"})
    assert "secret-token" not in repr(decide(STAGE, evidence(key)))
    assert env_digest(None) == ""
    assert env_digest("") != ""


def test_packages_count_only_where_the_key_has_them():
    record = a_record(packages={"pandas": "2.2.3"})
    assert decide(STAGE, evidence(record=record)).state == "fresh"
    rerun = a_key(packages={"pandas": "3.0.1"})
    decision = decide(STAGE, evidence(rerun, record=record))
    assert [(r.kind, r.subject, r.old, r.new) for r in decision.reasons] == [
        ("packages", "pandas", "2.2.3", "3.0.1")
    ]


def test_an_observed_module_that_changed_or_vanished_is_a_reason():
    record = a_record(observed={"plugins.a": "xxh128:aa", "plugins.b": "xxh128:bb"})
    now = {"plugins.a": "xxh128:aa", "plugins.b": None}
    decision = decide(STAGE, evidence(record=record, observed=now))
    assert kinds(decision) == [("observed", "plugins.b")]


def test_a_missing_out_is_checked_out_where_its_bytes_are_stored():
    gone = {"model.bin": None}
    stored = decide(STAGE, evidence(outs=gone, stored=lambda _: True))
    assert (stored.state, stored.action) == ("fresh", "checkout")
    lost = decide(STAGE, evidence(outs=gone))
    assert (lost.state, lost.action, kinds(lost)) == ("stale", "run", [("out", "model.bin")])


def test_a_changed_out_is_stale_even_where_the_old_bytes_are_stored():
    decision = decide(STAGE, evidence(outs={"model.bin": a_digest("x")}, stored=lambda _: True))
    assert kinds(decision) == [("out", "model.bin")]
    assert (decision.reasons[0].file, decision.reasons[0].line) == ("pivot.yaml", 10)


def test_a_changed_key_hides_what_became_of_the_outs():
    key = a_key(code="xxh128:" + "3" * 32)
    assert kinds(decide(STAGE, evidence(key, outs={"model.bin": None}))) == [
        ("code", "stages.train")
    ]


def test_below_a_stage_that_will_run_the_key_is_not_final():
    decision = decide(STAGE, evidence(uncertain=frozenset({"clean.csv"}), upstream=("prep",)))
    assert (decision.state, decision.action) == ("stale", "run")
    assert kinds(decision) == [("upstream", "prep")]
    assert decision.key is None


def test_outs_that_were_changed_are_named_beside_the_upstream():
    changed = {"model.bin": a_digest("by hand")}
    waiting = {"uncertain": frozenset({"clean.csv"}), "upstream": ("prep",)}
    decision = decide(STAGE, evidence(outs=changed, **waiting))
    assert kinds(decision) == [("out", "model.bin"), ("upstream", "prep")]
    missing = decide(STAGE, evidence(outs={"model.bin": None}, stored=lambda _: True, **waiting))
    assert kinds(missing) == [("upstream", "prep")]


def test_own_changes_are_named_beside_the_upstream():
    key = a_key(replace(STAGE, params={"C": 2}), deps={})
    decision = decide(STAGE, evidence(key, uncertain=frozenset({"clean.csv"}), upstream=("prep",)))
    assert kinds(decision) == [("params", "C"), ("upstream", "prep")]


def test_a_dep_that_is_nowhere_makes_the_stage_unknown():
    decision = decide(STAGE, evidence(a_key(deps={}), absent=("clean.csv",)))
    assert (decision.state, decision.action, decision.key) == ("unknown", "none", None)
    assert kinds(decision) == [("dep", "clean.csv")]
    changed = a_key(replace(STAGE, params={"C": 2}), deps={})
    assert decide(STAGE, evidence(changed, absent=("clean.csv",))).state == "stale"
    # what no stage makes keeps a run from starting, whatever else has changed
    lost = {"absent": ("clean.csv",), "nowhere": ("clean.csv",)}
    decision = decide(STAGE, evidence(changed, **lost))
    assert (decision.state, kinds(decision)) == ("unknown", [("dep", "clean.csv"), ("params", "C")])


def test_a_frozen_stage_is_fresh_whatever_changed():
    frozen = replace(STAGE, frozen=True)
    decision = decide(frozen, evidence(a_key(code=None), record=None))
    assert (decision.state, decision.action, decision.notes) == ("fresh", "none", ("frozen",))
    assert decide(frozen, evidence(record=None, forced=True)).action == "none"


def test_a_frozen_stage_gets_its_missing_outs_back():
    frozen = replace(STAGE, frozen=True)
    gone = {"model.bin": None}
    assert decide(frozen, evidence(outs=gone, stored=lambda _: True)).action == "checkout"
    assert decide(frozen, evidence(outs=gone)).action == "none"


def test_forced_and_always_changed_run():
    assert kinds(decide(STAGE, evidence(forced=True))) == [("forced", "train")]
    always = replace(STAGE, always_changed=True)
    assert kinds(decide(always, evidence())) == [("always", "train")]


def test_a_command_with_neither_deps_nor_outs_always_runs():
    bare = Stage("notify", "pivot.yaml", 1, Command(("echo done",)))
    key = stage_key(bare, binding={}, code=None, params={}, deps={}, environ={})
    record = StageRecord("notify", key, {})
    assert kinds(decide(bare, Evidence(key, record))) == [("always", "notify")]


def test_the_key_ignores_names_and_flags_that_do_not_decide_the_result():
    twin = replace(
        STAGE,
        name="other",
        desc="text",
        meta={"a": 1},
        mutex=("db",),
        timeout=5.0,
        resources={"gpu": 1},
        outs=(Out("model.bin", "model", cache=False, push=False, remote="r"),),
    )
    assert a_key(twin).id == a_key().id


def test_changed_definitions_replace_the_bare_code_reason():
    before = {"s:train": Symbol("aa" * 8, "s.py", 1), "u:norm": Symbol("bb" * 8, "u.py", 15)}
    after = {"s:train": Symbol("aa" * 8, "s.py", 3), "u:norm": Symbol("cc" * 8, "u.py", 15)}
    decision = decide(STAGE, evidence(a_key(code="xxh128:" + "3" * 32)))
    chains = {"u:norm": ("train", "u:norm")}
    explained = explain_code(decision, CodeManifest("x", after), before, chains.__getitem__)
    assert explained.reasons == (
        Reason("code", "u:norm", "bb" * 4, "cc" * 4, "u.py", 15, ("train", "u:norm")),
    )


def test_a_new_helper_is_a_consequence_of_the_edit_that_calls_it():
    before = {"s:train": Symbol("aa" * 8, "s.py", 1)}
    after = {"s:train": Symbol("dd" * 8, "s.py", 1), "u:new": Symbol("cc" * 8, "u.py", 1)}
    decision = decide(STAGE, evidence(a_key(code="xxh128:" + "3" * 32)))
    explained = explain_code(decision, CodeManifest("x", after), before, lambda name: (name,))
    assert [reason.subject for reason in explained.reasons] == ["s:train"]


def test_definitions_that_only_came_or_went_are_named():
    before = {"s:train": Symbol("aa" * 8, "s.py", 1), "s:gone": Symbol("ee" * 8, "s.py", 9)}
    after = {"s:train": Symbol("aa" * 8, "s.py", 1), "s:new": Symbol("cc" * 8, "s.py", 5)}
    decision = decide(STAGE, evidence(a_key(code="xxh128:" + "3" * 32)))
    explained = explain_code(decision, CodeManifest("x", after), before, lambda name: (name,))
    assert [(r.subject, r.old, r.new) for r in explained.reasons] == [
        ("s:gone", "e" * 8, None),
        ("s:new", None, "c" * 8),
    ]


def test_without_the_old_table_the_reason_stays():
    decision = decide(STAGE, evidence(a_key(code="xxh128:" + "3" * 32)))
    assert explain_code(decision, CodeManifest("x"), None, lambda name: ()) == decision


def test_a_plan_passes_earlier_decisions_on():
    stages = {
        "a": Stage("a", "pivot.yaml", 1, Command(("a",)), outs=(Out("a.csv"),)),
        "b": Stage("b", "pivot.yaml", 2, Command(("b",)), deps=(Dep("a.csv"),), outs=(Out("b"),)),
    }
    graph = build(Pipeline(stages))
    seen: dict[str, list[str]] = {}

    def gather(stage: Stage, decisions: dict[str, Decision]) -> Evidence:
        seen[stage.name] = list(decisions)
        key = stage_key(stage, binding={}, code=None, params={}, deps={}, environ={})
        waiting = tuple(n for n, d in decisions.items() if d.action == "run")
        return Evidence(
            key, StageRecord("b", key, {}) if stage.name == "b" else None, upstream=waiting
        )

    decisions = plan(graph, graph.order, gather)
    assert seen == {"a": [], "b": ["a"]}
    assert [reason.kind for reason in decisions["b"].reasons] == ["upstream"]
