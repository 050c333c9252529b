"""A lock says exactly what a run was, and a lock that no run wrote is not believed."""

import datetime
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pivot import lockfile
from pivot.digest import Digest, canonical
from pivot.model import StageKey, StageRecord


def a_key(**changes):
    fields = {
        "entry": "pkg.stages.train",
        "kind": "python",
        "wdir": ".",
        "binding": {"data": "dep data/clean.csv", "C": "param"},
        "code": "xxh128:" + "1" * 32,
        "params": {"": {"C": 0.5}},
        "deps": {"data/clean.csv": Digest("blake3", "a" * 64, "file", 13478)},
        "outs": ("models/model.joblib",),
        "env": {},
    }
    return StageKey(**{**fields, **changes})


def a_record(**changes):
    fields = {
        "stage": "train",
        "key": a_key(),
        "outs": {"models/model.joblib": Digest("blake3", "b" * 64, "file", 80312)},
        "observed": {"plugins.extra": "xxh128:" + "2" * 32},
        "packages": {"scikit-learn": "1.8.0"},
    }
    return StageRecord(**{**fields, **changes})


def test_a_record_survives_the_text():
    record = a_record()
    assert lockfile.loads(lockfile.dumps(record)) == record


def test_the_same_record_gives_the_same_bytes_whatever_the_order_of_its_fields():
    forward = a_record(observed={"a": "x:1", "b": "x:2"})
    backward = a_record(observed={"b": "x:2", "a": "x:1"})
    assert lockfile.dumps(forward) == lockfile.dumps(backward)


def test_the_text_is_sorted_json_with_two_spaces_and_a_final_newline():
    text = lockfile.dumps(a_record())
    assert text.endswith("}\n")
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"
    data = json.loads(text)
    assert data["pivot_lock"] == 1
    assert data["entry"] == "pkg.stages.train"
    assert data["deps"]["data/clean.csv"] == {"digest": "blake3:" + "a" * 64, "size": 13478}


def test_a_command_is_kept_as_text_or_list():
    for entry in ("python x.py", ("python x.py", "python y.py")):
        record = a_record(key=a_key(entry=entry, kind="cmd", code=None))
        assert lockfile.loads(lockfile.dumps(record)).key.entry == entry
        assert "entry" not in json.loads(lockfile.dumps(record))


def test_a_directory_keeps_its_number_of_files_and_a_file_its_executable_bit():
    tree = Digest("blake3", "c" * 64, "tree", 12, 3)
    tool = Digest("blake3", "d" * 64, "file", 5, None, True)
    record = a_record(outs={"parts": tree, "tool": tool})
    outs = lockfile.loads(lockfile.dumps(record)).outs
    assert outs["parts"].files == 3
    assert outs["parts"].is_tree
    assert outs["tool"].executable
    assert not outs["parts"].executable


def test_an_old_version_is_not_taken_for_the_current_one():
    record = a_record(fingerprint_version=7)
    assert lockfile.loads(lockfile.dumps(record)).fingerprint_version == 7
    assert lockfile.loads(lockfile.dumps(a_record())).fingerprint_version == 1


def test_an_out_that_was_promised_and_not_made_is_remembered_as_promised():
    record = a_record(key=a_key(outs=("checkpoint.pt", "models/model.joblib")))
    assert lockfile.loads(lockfile.dumps(record)) == record


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("nonsense", "not JSON"),
        ("<<<<<<< HEAD\n{}\n=======\n", "conflict markers"),
        ("[]", "not a lock"),
        ("{}", "not a lock"),
        ('{"pivot_lock": 2}', "newer"),
        ('{"pivot_lock": 1}', "seal"),
        (b"\xff\xfe", "UTF-8"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_text_that_is_no_lock_says_why(text, why):
    with pytest.raises(lockfile.BadLock, match=why):
        lockfile.loads(text)


def test_two_runs_merged_into_one_lock_do_not_match_the_seal():
    data = json.loads(lockfile.dumps(a_record()))
    other = a_record(outs={"models/model.joblib": Digest("blake3", "e" * 64, "file", 1)})
    data["outs"] = json.loads(lockfile.dumps(other))["outs"]
    with pytest.raises(lockfile.BadLock, match="seal"):
        lockfile.loads(json.dumps(data))


def test_a_sealed_lock_without_a_field_is_refused():
    from pivot.digest import fingerprint

    data = json.loads(lockfile.dumps(a_record()))
    del data["outs"], data["seal"]
    data["seal"] = fingerprint("lock-seal", 1, data)
    with pytest.raises(lockfile.BadLock, match="outs"):
        lockfile.loads(json.dumps(data))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["!", "value", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_every_parameter_value_survives_with_its_type(value):
    text = json.dumps(lockfile.encode_value(value))
    assert canonical(lockfile.decode_value(json.loads(text))) == canonical(value)


def test_rare_values_survive():
    for value in ({1, 2}, {"a": {("x"): {3}}}, datetime.date(2024, 2, 29), (1, 2.0)):
        back = lockfile.decode_value(lockfile.encode_value(value))
        assert canonical(back) == canonical(value)
    assert math.isnan(lockfile.decode_value(lockfile.encode_value(math.nan)))
    with pytest.raises(TypeError, match="object"):
        lockfile.encode_value(object())
    with pytest.raises(ValueError, match="tag"):
        lockfile.decode_value({"!": "what"})


def test_locks_lie_by_folder_and_name():
    paths = lockfile.lock_paths(["train", "sub/pivot.yaml:fit@a/b", "fit@ü x"])
    assert paths["train"] == ".pivot/stages/train.lock"
    assert paths["sub/pivot.yaml:fit@a/b"] == ".pivot/stages/sub/fit@a%2Fb.lock"
    assert paths["fit@ü x"] == ".pivot/stages/fit@%C3%BC%20x.lock"


def test_names_that_one_file_system_takes_for_one_get_a_hash():
    paths = lockfile.lock_paths(["Train", "train", "x" * 300, "x" * 301, "other"])
    assert len({path.lower() for path in paths.values()}) == 5
    assert paths["other"] == ".pivot/stages/other.lock"
    assert all(len(path.rpartition("/")[2]) <= 205 for path in paths.values())


@given(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=6))
def test_no_two_stages_share_a_lock(names):
    paths = lockfile.lock_paths(names)
    assert len({path.lower() for path in paths.values()}) == len(names)
    for path in paths.values():
        assert "/../" not in path
        assert path.isascii()
