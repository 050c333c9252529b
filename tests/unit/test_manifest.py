"""The text of directory manifests."""

from __future__ import annotations

import hashlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pivot.digest import OBJECT_ALGORITHMS, Digest, hash_bytes
from pivot.errors import StoreError
from pivot.manifest import (
    check_path,
    check_paths,
    make_manifest,
    manifest_bytes,
    object_path,
    parse_manifest,
    tree_digest,
)
from pivot.model import Manifest

names = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=8
).filter(lambda name: name not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


def digest_of(text: str, algorithm: str = "blake3", executable: bool = False) -> Digest:
    found = hash_bytes(algorithm, text.encode())
    return Digest(algorithm, found.value, "file", found.size, None, executable)


@st.composite
def manifests(draw: st.DrawFn, algorithm: str = "blake3") -> Manifest:
    chosen = draw(st.sets(paths, max_size=8))
    # a name cannot be both a file and a folder
    files = [p for p in chosen if not any(q != p and q.startswith(p + "/") for q in chosen)]
    return make_manifest((path, digest_of(path, algorithm, draw(st.booleans()))) for path in files)


@given(manifests())
def test_a_manifest_survives_being_written(manifest: Manifest) -> None:
    read = parse_manifest(manifest_bytes(manifest), "blake3")
    assert read == manifest
    assert [e.digest.executable for e in read.entries] == [
        e.digest.executable for e in manifest.entries
    ]


@given(manifests(), st.randoms())
def test_the_order_of_creation_does_not_count(manifest: Manifest, order: random.Random) -> None:
    pairs = [(entry.path, entry.digest) for entry in manifest.entries]
    order.shuffle(pairs)
    assert tree_digest("blake3", make_manifest(pairs)) == tree_digest("blake3", manifest)
    assert manifest_bytes(Manifest(tuple(reversed(manifest.entries)))) == manifest_bytes(manifest)


@given(manifests(), manifests())
def test_different_directories_have_different_digests(one: Manifest, two: Manifest) -> None:
    same = [(e.path, e.digest, e.digest.executable) for e in one.entries] == [
        (e.path, e.digest, e.digest.executable) for e in two.entries
    ]
    assert (tree_digest("blake3", one) == tree_digest("blake3", two)) is same


def test_an_md5_manifest_is_dvcs_dir_object_byte_for_byte() -> None:
    # what `dvc add` makes of a folder with b.txt = "b" (executable) and a/ä.txt = "a"
    manifest = make_manifest(
        [("b.txt", digest_of("b", "md5", executable=True)), ("a/ä.txt", digest_of("a", "md5"))]
    )
    expected = json.dumps(
        [
            {"md5": hashlib.md5(b"a").hexdigest(), "relpath": "a/ä.txt"},
            {"md5": hashlib.md5(b"b").hexdigest(), "relpath": "b.txt"},
        ],
        sort_keys=True,
    ).encode()
    assert manifest_bytes(manifest) == expected
    found = tree_digest("md5", manifest)
    assert (found.value, found.size, found.files) == (hashlib.md5(expected).hexdigest(), 2, 2)


def test_the_executable_bit_is_part_of_a_directorys_identity() -> None:
    plain = make_manifest([("run", digest_of("x"))])
    executable = make_manifest([("run", digest_of("x", executable=True))])
    assert tree_digest("blake3", plain) != tree_digest("blake3", executable)


def test_the_size_is_unknown_where_that_of_a_file_is() -> None:
    manifest = make_manifest([("a", Digest("blake3", "ab")), ("b", digest_of("b"))])
    assert tree_digest("blake3", manifest).size is None


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "", ".", "a/", "a\0b", "\udcff"]
)
def test_a_path_that_could_leave_the_directory_is_refused(path: str) -> None:
    with pytest.raises(StoreError, match="unsafe path"):
        check_path(path)
    text = json.dumps([{"relpath": path, "blake3": "ab"}]).encode()
    with pytest.raises(StoreError, match="unsafe path"):
        parse_manifest(text, "blake3")


@pytest.mark.parametrize("path", ["a", "a b/ä", "..a", "a..", "-", "a\nb", "a\\b", ".hidden/..."])
def test_unusual_names_that_stay_inside_are_accepted(path: str) -> None:
    check_path(path)


def test_a_path_named_twice_or_both_file_and_folder_is_refused() -> None:
    with pytest.raises(StoreError, match="'a' twice"):
        check_paths(["a", "a"])
    with pytest.raises(StoreError, match="'a' both as a file and as a folder"):
        check_paths(["a", "a/b/c"])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"{}",
        b"[1]",
        b'[{"relpath": 1, "blake3": "ab"}]',
        b'[{"relpath": "a"}]',
        b'[{"relpath": "a", "md5": "ab"}]',
        b'[{"relpath": "a", "blake3": ""}]',
        b'[{"relpath": "a", "blake3": "../../x"}]',
    ],
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(StoreError, match="directory manifest"):
        parse_manifest(text, "blake3")


def test_objects_lie_where_the_layout_says() -> None:
    assert object_path(Digest("blake3", "abcdef")) == "files/blake3/ab/cdef"
    assert object_path(Digest("blake3", "abcdef", "tree")) == "files/blake3/ab/cdef"
    assert object_path(Digest("md5", "abcdef")) == "files/md5/ab/cdef"
    assert object_path(Digest("md5", "abcdef", "tree")) == "files/md5/ab/cdef.dir"
    assert object_path(Digest("md5-dos2unix", "abcdef")) == "ab/cdef"
    assert object_path(Digest("md5-dos2unix", "abcdef", "tree")) == "ab/cdef.dir"
    assert "xxh128" in OBJECT_ALGORITHMS
