"""The schemas: valid, the truth, and never contradicted by the cheap check before them."""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pivot import lockfile
from pivot.config import load, load_yaml_marked, schema, schema_names, validate
from pivot.config.shapes import unrecognised
from pivot.digest import Digest
from pivot.errors import PivotError
from pivot.model import StageKey, StageRecord
from pivot.settings import KEYS
from pivot.tree import DictTree


@pytest.mark.parametrize("name", schema_names())
def test_each_schema_is_valid_and_says_what_it_is_for(name: str) -> None:
    found = schema(name)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["title"]
    assert found["description"]


def test_an_unknown_schema() -> None:
    with pytest.raises(PivotError, match=r"there is no schema 'pivto'; did you mean 'pivot'\?"):
        schema("pivto")


def test_a_schema_given_away_is_a_copy() -> None:
    schema("pivot").clear()
    assert schema("pivot")


def test_the_configuration_schema_knows_every_key() -> None:
    sections = schema("config")["properties"]
    for spec in KEYS:
        section, _, key = spec.name.partition(".")
        assert sections[section]["properties"][key]["description"] == spec.meaning


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("core: {job: 3}", "c.yaml:1:8: core: unknown key 'job'; did you mean 'jobs'?"),
        ("core: {jobs: 0}", "c.yaml:1:14: core.jobs takes a whole number, not 0"),
        ("core: {hash: md6}", "c.yaml:1:14: core.hash takes blake3 or xxh128 or sha256 or md5, not 'md6'; did you mean 'md5'?"),
        ("remotes: {o: 3}", "c.yaml:1:14: remotes.o takes a URL, or a mapping with url, not 3"),
    ],
)  # fmt: skip
def test_configuration_complaints(text: str, said: str) -> None:
    value, marks = load_yaml_marked(text.encode(), "c.yaml")
    assert [str(error) for error in validate(value, "config", marks, "c.yaml")] == [said]


GOOD_OUTPUTS: dict[str, Any] = {
    "list": {
        "stages": [
            {
                "name": "fit@linear-1", "file": "pivot.yaml", "line": 3, "wdir": ".", "python": "m.f",
                "cmd": None, "deps": ["a"],
                "outs": [{"path": "b", "kind": "metric", "cache": True, "persist": False, "push": True,
                          "remote": None, "desc": None}],
                "params": {"params.yaml": ["lr"], "whole.yaml": None}, "inline_params": {"C": 0.5},
                "frozen": False, "always_changed": False, "desc": None, "meta": {"any": [1]},
            }
        ]
    },
    "dag": {"nodes": ["a", "b"], "edges": [["b", "a"]]},
    "status": {
        "stages": [
            {"name": "a", "state": "stale", "action": "run",
             "reasons": [{"kind": "code", "subject": "m:f", "old": "1", "new": None, "file": "m.py", "line": 3}]}
        ],
        "tracked": [], "environment": [],
    },
    "events": {"event": "stage_finished", "stage": "a", "status": "ran", "seconds": 0.5},
    "impact": {"from": "main", "to": "HEAD", "stages": [{"name": "a", "change": "upstream", "state": "stale", "reasons": [], "fresh": False}], "artifacts": [{"path": "o", "kind": "out", "stage": "a", "change": "affected"}], "unread": [{"file": "pivot.yaml", "stage": None, "message": "m"}]},
    "verify": {"ok": False, "artifacts": [], "stages": [{"name": "a", "ok": False, "state": "fresh", "reasons": [], "problems": [{"path": "x", "problem": "missing", "where": "cache"}]}]},
    "lock": {
        "pivot_lock": 1, "stage": "train", "entry": "m.f", "code": "xxh128:ab", "params": {}, "deps": {},
        "outs": {"o": {"digest": "blake3:ab", "size": 1}}, "seal": "xxh128:cd",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD_OUTPUTS)
def test_outputs_fit_their_schemas(name: str) -> None:
    assert validate(GOOD_OUTPUTS[name], name, None, "x") == []


@pytest.mark.parametrize("name", [name for name in GOOD_OUTPUTS if name != "lock"])
def test_outputs_with_other_keys_do_not(name: str) -> None:
    broken = dict(GOOD_OUTPUTS[name])
    broken.pop(next(iter(broken)))
    assert validate(broken, name, None, "x")


@pytest.mark.parametrize("entry", ["m.f", ("a", "b")])
def test_a_lock_as_it_is_written_fits_its_schema(entry: Any) -> None:
    key = StageKey(
        entry=entry,
        kind="python" if entry == "m.f" else "cmd",
        wdir="sub",
        binding={"raw": "dep a"},
        code="xxh128:ab",
        params={"": {"day": datetime.date(2020, 1, 1)}, "params.yaml": {"lr": 0.1}},
        deps={"a": Digest("blake3", "ab", size=3)},
        outs=("b", "c"),
        env={"A": "xxh128:12"},
        packages={"pandas": "3"},
    )
    outs = {"b": Digest("md5", "ab", "tree", 10, 2)}
    record = StageRecord("s", key, outs, {"p.q": "xxh128:cd"}, {"numpy": "2"})
    assert validate(json.loads(lockfile.dumps(record)), "lock", None, "s.lock") == []


def test_a_common_file_never_meets_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)  # an import would now fail
    monkeypatch.setitem(sys.modules, "omegaconf", None)
    text = """
vars: [{seed: 7}]
stages:
  prepare:
    python: m.prepare
    deps: {raw: data/penguins.csv}
    params: {seed: "${seed}", drop: [island]}
    outs: {clean: data/clean.csv}
  train:
    python: m.train
    deps: [a.csv]
    outs: {model: {path: models/model.joblib, cache: true}}
    metrics: {metrics: {path: metrics.json, cache: false}}
    plots: {roc: {path: plots/roc.csv, x: fpr, y: tpr}}
    mutex: [report-db]
    timeout: 2h
    env: [CUDA_VISIBLE_DEVICES]
    resources: {gpu: 1}
    vars: [{local: 1}]
  report:
    cmd: [a, b]
    params: [train.C, other.yaml: [a.b], whole.yaml: ]
    outs: [report.html, {x.html: {cache: false}}]
  fit:
    matrix: {model: [linear, forest], fold: [1, 2, 3]}
    python: m.fit
  each:
    foreach: [1, 2]
    do: {cmd: "x ${item}"}
"""
    assert len(load(DictTree({"pivot.yaml": text})).stages) == 11


# --- the cheap check against the schema ------------------------------------------------------

TEXT: Any = st.sampled_from(["", "a", "A_1", "é", "a.csv", "${x}", "m.f"])
SCALAR: Any = TEXT | st.sampled_from([None, True, False, 0, 1, -1, 1.5])
OPTION_KEYS: Any = st.sampled_from(
    [
        "path",
        "cache",
        "persist",
        "push",
        "remote",
        "desc",
        "type",
        "loader",
        "options",
        "check",
        "x",
        "y",
        "title",
        "template",
        "header",
        "incremental",
        "resume",
        "labels",
        "meta",
        "zzz",
    ]
)
OPTIONS: Any = st.dictionaries(OPTION_KEYS, SCALAR, max_size=3)
ENTRY: Any = SCALAR | OPTIONS | st.lists(SCALAR, max_size=2)
SECTION: Any = (
    SCALAR
    | st.lists(SCALAR | st.dictionaries(TEXT, ENTRY, max_size=2), max_size=3)
    | st.dictionaries(TEXT, ENTRY, max_size=3)
)
STAGE_KEYS: Any = st.sampled_from(
    [
        "python",
        "cmd",
        "deps",
        "outs",
        "metrics",
        "plots",
        "params",
        "wdir",
        "vars",
        "frozen",
        "always_changed",
        "desc",
        "meta",
        "mutex",
        "resources",
        "timeout",
        "env",
        "code",
        "preload",
        "matrix",
        "foreach",
        "do",
        "zzz",
    ]
)
PLAIN: Any = st.dictionaries(STAGE_KEYS, SECTION, max_size=4)
STAGE: Any = (
    st.builds(lambda cmd, rest: {**rest, "cmd": cmd}, SECTION, PLAIN)
    | st.builds(lambda entry, rest: {**rest, "python": entry}, TEXT, PLAIN)
    | st.builds(lambda items, body: {"foreach": items, "do": body}, SECTION, PLAIN)
    | PLAIN
    | SCALAR
)
FILE: Any = st.builds(
    lambda stages, rest: {"stages": stages, **rest},
    st.dictionaries(TEXT, STAGE, max_size=3) | SCALAR,
    st.dictionaries(
        st.sampled_from(["vars", "plots", "metrics", "params", "x-y", "zzz"]), SECTION, max_size=2
    ),
)
VALIDATORS = {name: jsonschema.Draft202012Validator(schema(name)) for name in ("pivot", "dvc")}


@settings(max_examples=600, deadline=None)
@given(FILE, st.sampled_from(["pivot", "dvc"]))
def test_the_cheap_check_accepts_nothing_that_the_schema_rejects(value: Any, dialect: Any) -> None:
    rest = unrecognised(value, dialect)
    recognised = dict(value)
    for key, part in (rest or {}).items():
        if key == "stages" and isinstance(part, dict) and isinstance(value["stages"], dict):
            kept = {name: body for name, body in value["stages"].items() if name not in part}
            recognised["stages"] = kept
        else:
            del recognised[key]
    assert not list(VALIDATORS[dialect].iter_errors(recognised))


@settings(max_examples=300, deadline=None)
@given(STAGE)
@example({"cmd": "x", "outs": [{}], "metrics": [{}], "plots": [{}], "params": [{}]})
def test_what_dvc_may_write_pivot_may_write(stage: Any) -> None:
    value = {"stages": {"a": stage}}
    if VALIDATORS["dvc"].is_valid(value):
        assert VALIDATORS["pivot"].is_valid(value)


@settings(max_examples=200, deadline=None)
@given(FILE)
@example({"stages": {"a": {"foreach": "", "do": None, "cmd": ""}}})
def test_every_complaint_can_be_put_in_words(value: Any) -> None:
    for error in validate(value, "pivot", None, "f.yaml"):
        assert error.message
        assert "something else" not in error.message
