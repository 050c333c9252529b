"""dvc.lock: entries as records, records as entries, and files changed entry by entry."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.config import load
from pivot.digest import Digest
from pivot.errors import ConfigError
from pivot.lockfile import (
    digest_of_item,
    entry_digest,
    entry_of_record,
    item_of_digest,
    record_of_entry,
    renewed,
)
from pivot.lockfile.data_records import (
    new_record_data,
    parse_data_record,
    pivot_record_data,
    updated_item,
)
from pivot.lockfile.dvc_text import blocks, edited, parse_dvc_lock
from pivot.model import Stage
from pivot.tree import DictTree

PIPELINE = """\
stages:
  fit:
    wdir: sub
    cmd: [a, b]
    deps: [./data/, ../raw.csv]
    params:
    - lr
    - other.yaml:
    outs: [model, log: {cache: false}]
"""
LOCK = """\
schema: '2.0'
stages:
  fit:
    cmd:
    - a
    - b
    deps:
    - path: ../raw.csv
      hash: md5
      md5: aaaa
      size: 3
      isexec: true
    - path: ./data/
      hash: md5
      md5: bbbb.dir
      size: 9
      nfiles: 2
    params:
      params.yaml:
        lr: 0.001
      other.yaml:
        a: 1
        b:
        - x
        - 2.5
    outs:
    - path: log
      md5: cccc
      size: 1
    - path: model
      hash: md5
      md5: dddd
      size: 4
"""


def stage() -> Stage:
    return load(DictTree({"dvc.yaml": PIPELINE}), mode="dvc").stages["fit"]


def entry() -> Any:
    return parse_dvc_lock(LOCK.encode(), "dvc.lock")["fit"]


def test_an_entry_is_read_in_terms_of_the_project() -> None:
    record = record_of_entry(stage(), entry())
    assert record.key.entry == ("a", "b")
    assert record.key.deps["sub/data"].is_tree
    assert record.key.deps["raw.csv"] == Digest("md5", "aaaa")
    assert record.key.params["sub/other.yaml"] == {"": {"a": 1, "b": ["x", 2.5]}}
    assert record.outs["sub/log"].algorithm == "md5-dos2unix"
    assert record.key.code is None


def test_a_record_is_written_as_the_entry_it_came_from() -> None:
    record = record_of_entry(stage(), entry())
    assert entry_of_record(stage(), record, record.key.deps) == entry()
    assert list(entry_of_record(stage(), record, record.key.deps)) == [
        "cmd", "deps", "params", "outs",
    ]  # fmt: skip


def test_a_file_is_written_as_dvc_sets_it_out() -> None:
    assert edited(None, {"fit": entry()}, "dvc.lock") == LOCK.encode()


def test_only_changed_entries_are_set_anew() -> None:
    other = "  kept:\n    cmd:   odd    # spacing\n"
    text = LOCK.replace("stages:\n", f"stages:\n{other}")
    changed = {**entry(), "cmd": "c"}
    after = edited(text.encode(), {"fit": changed, "new": {"cmd": "n"}}, "dvc.lock")
    assert after is not None
    assert other in after.decode()
    assert after.decode().endswith("  new:\n    cmd: n\n")
    assert parse_dvc_lock(after, "dvc.lock")["fit"]["cmd"] == "c"


def test_entries_are_taken_out_and_an_empty_file_is_none() -> None:
    assert edited(LOCK.encode(), {"fit": None}, "dvc.lock") is None


@pytest.mark.parametrize(
    "text",
    [
        "{schema: '2.0', stages: {fit: {cmd: x}}}\n",
        "schema: '2.0'\nstages:\n    fit:\n        cmd: x\n",
        "schema: '2.0'\nstages:\n  'odd name!':\n    cmd: x\n",
        "schema: '2.0'\nstages: {}\n",
    ],
)
def test_files_in_another_form_are_written_whole(text: str) -> None:
    after = edited(text.encode(), {"new": {"cmd": "n", "outs": []}}, "dvc.lock")
    assert after is not None
    found = parse_dvc_lock(after, "dvc.lock")
    assert found["new"]["cmd"] == "n"
    assert set(found) == {*parse_dvc_lock(text.encode(), "dvc.lock"), "new"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<<<<<<< ours\nstages: {}\n", "conflict"),
        ("schema: '3.0'\nstages: {}\n", "schema"),
        ("[1]\n", "mapping"),
        ("schema: '2.0'\nstages: [1]\n", "mapping"),
        ("schema: '2.0'\nstages:\n  a: {outs: []}\n", "cmd"),
        ("old:\n  cmd: x\n", "before DVC 2.0"),
        ("", "mapping"),
        ("schema: '2.0'\nstage: {}\n", "did you mean 'stages'"),
        (
            "schema: '2.0'\nstages:\n  a: {cmd: x, out: []}\n",
            "unknown key 'out' in the entry of 'a'",
        ),
        (
            "schema: '2.0'\nstages:\n  a: {cmd: x, outs: [{md5: abc}]}\n",
            "list of paths with digests",
        ),
        ("schema: '2.0'\nstages:\n  a: {cmd: x, deps: [{path: d, size: big}]}\n", "'deps' takes"),
        ("schema: '2.0'\nstages:\n  a: {cmd: x, params: {p.yaml: [a]}}\n", "values by file"),
    ],
)
def test_what_is_no_lock_is_said(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_dvc_lock(text.encode(), "dvc.lock")


def test_the_text_of_each_entry() -> None:
    assert list(blocks(LOCK.encode())) == ["fit"]
    assert blocks(b"nothing of the kind") == {}


def test_only_named_deps_are_renewed() -> None:
    after = renewed(stage(), entry(), {"raw.csv": Digest("md5", "eeee", "file", 7)})
    assert after["deps"][0] == {"path": "../raw.csv", "hash": "md5", "md5": "eeee", "size": 7}
    assert after["deps"][1] == entry()["deps"][1]
    assert entry_digest(after) != entry_digest(entry())
    assert renewed(stage(), {"cmd": "x"}, {}) == {"cmd": "x"}


@pytest.mark.parametrize(
    "item",
    [
        {"hash": "md5", "md5": "aa", "size": 1, "isexec": True},
        {"hash": "md5", "md5": "aa.dir", "size": 1, "nfiles": 2},
        {"md5": "aa"},
        {"hash": "md5", "size": 4, "etag": '"x"'},
    ],
)
def test_digests_go_there_and_back(item: dict[str, Any]) -> None:
    digest = digest_of_item(item)
    assert digest is not None
    assert item_of_digest(digest) == item


# --- records of tracked data


def test_a_dvc_file_is_read_and_written_again() -> None:
    text = b"outs:\n- md5: aa.dir\n  size: 5\n  nfiles: 2\n  hash: md5\n  path: d\n  push: false\nmeta: {x: 1}\n"
    record = parse_data_record(text, "sub/d.dvc")
    (file,) = record.outs
    assert (file.path, file.push, file.digest and file.digest.files) == ("sub/d", False, 2)
    item = updated_item(record.data["outs"][0], Digest("md5", "bb", "tree", 6, 3), as_dvc=True)
    assert list(item.items()) == [
        ("md5", "bb.dir"), ("size", 6), ("nfiles", 3), ("hash", "md5"), ("path", "d"),
        ("push", False),
    ]  # fmt: skip
    moved = pivot_record_data(record)
    assert moved["outs"][0]["digest"] == "md5:aa"
    assert moved["meta"] == {"x": 1}


def test_a_pvt_file_names_its_digest_whole() -> None:
    data = new_record_data("a/x.csv", "a/x.csv.pvt", Digest("blake3", "ab", "file", 3), "words")
    assert data == {
        "desc": "words",
        "outs": [{"path": "x.csv", "digest": "blake3:ab", "size": 3}],
    }
    text = b"outs:\n- path: x.csv\n  digest: blake3:ab\n  size: 3\n"
    (file,) = parse_data_record(text, "a/x.csv.pvt").outs
    assert file.digest == Digest("blake3", "ab")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"cmd: x\nouts: []\n", "gave up"),
        (b"out: []\n", "unknown key"),
        (b"outs: 3\n", "list"),
        (b"outs: [3]\n", "path"),
        (b"outs: [{path: x, digest: nonsense}]\n", "unknown key 'digest' in 'outs'"),
        (b"[1]\n", "mapping"),
    ],
)
def test_what_is_no_record_is_said(text: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_data_record(text, "x.dvc")


def test_a_digest_that_is_none_is_said() -> None:
    with pytest.raises(ConfigError, match=r"^x.pvt:1:8: 'nonsense' is not a digest"):
        parse_data_record(b"outs: [{path: x, digest: nonsense}]\n", "x.pvt")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"- x\n", "x.pvt: a record of tracked data takes a mapping with 'outs', not a list"),
        (b"outs: x\n", "x.pvt:1:7: 'outs' takes a list of mappings with a path, not 'x'"),
        (b"deps: {a: b}\n", "'deps' takes a list of mappings with a path, not a mapping"),
        (b"outs: [x]\n", "an entry of 'outs' takes a mapping with a path, not 'x'"),
        (b"outs: [null]\n", "an entry of 'outs' takes a mapping with a path, not nothing"),
        (b"outs: [{size: 1}]\n", "an entry of 'outs' names no path"),
    ],
)
def test_what_a_record_takes_is_said_with_what_was_found(text: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_data_record(text, "x.pvt")
    assert said in str(caught.value)
