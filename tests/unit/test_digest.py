"""Digests and the canonical encoding: equal texts mean equal meaning."""

import datetime
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pivot.digest import Digest, canonical, fingerprint, hash_bytes, new_hasher, parse_digest


def test_types_that_python_takes_for_equal_differ():
    texts = [
        canonical(value) for value in (1, 1.0, True, "1", b"1", None, [1], {1: None}, 0, False)
    ]
    assert len(set(texts)) == len(texts)


def test_order_counts_in_lists_and_not_in_mappings_and_sets():
    assert canonical([1, 2]) != canonical([2, 1])
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    assert canonical({3, 1, 2}) == canonical({2, 3, 1})
    assert canonical((1, 2)) == canonical([1, 2])


def test_keys_keep_their_types():
    assert canonical({1: "a"}) != canonical({"1": "a"})
    assert canonical({None: 1}) != canonical({"None": 1})


def test_nan_is_itself_and_zero_has_a_sign():
    assert canonical(float("nan")) == canonical(float("nan"))
    assert canonical(0.0) != canonical(-0.0)


def test_dates_and_datetimes_differ():
    assert canonical(datetime.date(2024, 1, 1)) != canonical(datetime.datetime(2024, 1, 1))
    assert canonical(datetime.time(1)) != canonical("01:00:00")


def test_a_type_without_canonical_form_is_named():
    with pytest.raises(TypeError, match="object"):
        canonical(object())


@given(st.lists(st.text()), st.lists(st.text()))
def test_no_two_lists_of_texts_run_together(left, right):
    assert (canonical(left) == canonical(right)) == (left == right)


def test_the_tag_keeps_uses_apart():
    assert fingerprint("a", 1) != fingerprint("b", 1)
    assert fingerprint("a", "\ud800") != fingerprint("a", "?")


def test_digests_are_written_whole_and_read_back():
    digest = hash_bytes("blake3", b"x")
    assert parse_digest(str(digest)) == digest
    assert str(digest).startswith("blake3:")
    assert digest.size == 1
    assert len(digest.short) == 8


@pytest.mark.parametrize("text", ["", "abc", "md5:", ":abc", "md5:xyz", "md5:AB"])
def test_what_is_no_digest_is_refused(text):
    with pytest.raises(ValueError, match="not a digest"):
        parse_digest(text)


def test_a_directory_is_never_equal_to_a_file_of_the_same_bytes():
    assert Digest("md5", "aa", "tree", 1, 1) != Digest("md5", "aa", "file", 1)
    assert parse_digest("md5:aa", files=0).is_tree


def test_size_and_executable_bit_do_not_decide_equality():
    assert Digest("md5", "aa", "file", 1) == Digest("md5", "aa", "file", None, None, True)


def test_algorithms_by_name():
    assert hash_bytes("md5", b"x").value == hashlib.md5(b"x").hexdigest()
    assert hash_bytes("sha256", b"x").value == hashlib.sha256(b"x").hexdigest()
    assert len(hash_bytes("xxh128", b"x").value) == 32
    with pytest.raises(ValueError, match="unknown hash"):
        new_hasher("crc32")
