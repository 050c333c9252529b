"""The records of imported data, in DVC's form and in Pivot's."""

from __future__ import annotations

import pytest

from pivot.digest import Digest
from pivot.errors import ConfigError
from pivot.lockfile.data_records import parse_data_record
from pivot.lockfile.import_records import (
    Origin,
    dvc_checksum,
    new_import,
    origin_of,
    renewed_import,
)

MD5 = Digest("md5", "5839145a19c13f3ffb0a3b9527e0a912", "file", 6)
BLAKE = Digest("blake3", "ab" * 32, "tree", 4, 2)
THERE = Origin("../src", "plain.txt", None, "5e8dd1aa25048ba08984108361a256486ff250bc")


def test_a_dvc_record_is_written_as_dvc_writes_it() -> None:
    # made by `dvc import ../src plain.txt -o plain.txt.i` of DVC 3.67.1
    assert new_import("plain.txt.i", "plain.txt.i.dvc", THERE, MD5).decode() == (
        "md5: 2c17dac84bc0f51068b4df8ff10c7d14\n"
        "frozen: true\n"
        "deps:\n"
        "- path: plain.txt\n"
        "  repo:\n"
        "    url: ../src\n"
        "    rev_lock: 5e8dd1aa25048ba08984108361a256486ff250bc\n"
        "outs:\n"
        "- md5: 5839145a19c13f3ffb0a3b9527e0a912\n"
        "  size: 6\n"
        "  hash: md5\n"
        "  path: plain.txt.i\n"
    )


def test_a_record_of_data_not_downloaded_names_no_digest() -> None:
    origin = Origin("../src", "x.csv", "v1", "5e8dd1aa25048ba08984108361a256486ff250bc")
    text = new_import("z", "z.dvc", origin, None)
    assert text.decode().startswith("md5: dff48f24dae7d8a90b8e2442fd1614b2\n")
    assert text.decode().endswith("outs:\n- hash: md5\n  path: z\n")
    assert parse_data_record(text, "z.dvc").outs[0].digest is None


@pytest.mark.parametrize("record", ["sub/data.pvt", "sub/data.dvc"])
def test_what_is_written_is_read_back(record: str) -> None:
    digest = MD5 if record.endswith(".dvc") else BLAKE
    origin = Origin("https://host/x.git", "out/data", "main", "a" * 40, "mirror")
    text = new_import("sub/data", record, origin, digest)
    found = parse_data_record(text, record)
    assert origin_of(found) == origin
    assert found.frozen
    assert [(out.path, out.digest) for out in found.outs] == [("sub/data", digest)]


def test_a_pivot_record_keeps_what_the_other_side_calls_the_data() -> None:
    origin = Origin("https://host/x.git", "data", None, "a" * 40, digest=MD5)
    found = origin_of(parse_data_record(new_import("d", "d.pvt", origin, BLAKE), "d.pvt"))
    assert found is not None
    assert found.digest == MD5


def test_data_from_a_url_keeps_what_the_server_said_of_it() -> None:
    origin = Origin("https://host/x.csv", identity={"etag": '"abc"'}, size=6)
    for record in ("x.csv.dvc", "x.csv.pvt"):
        text = new_import("x.csv", record, origin, MD5)
        found = origin_of(parse_data_record(text, record))
        assert found == origin
        assert not found.is_repository


def test_an_update_keeps_comments_and_drops_what_no_longer_holds() -> None:
    before = new_import("d", "d.dvc", Origin("u", "p", "v1", "a" * 40), MD5)
    text = b"# ours\n" + before.replace(b"  path: d\n", b"  path: d  # here\n  desc: mine\n")
    record = parse_data_record(text, "d.dvc")
    newer = Digest("md5", "f" * 32, "tree", 9, 3)
    after = renewed_import(text, record, Origin("u", "p", None, "b" * 40), newer)
    assert b"# ours" in after
    assert b"# here" in after
    found = parse_data_record(after, "d.dvc")
    assert origin_of(found) == Origin("u", "p", None, "b" * 40)
    assert found.outs[0].digest == newer
    assert found.outs[0].desc == "mine"
    assert found.data["md5"] == dvc_checksum(found.data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deps: [{repo: {url: u}}]", "names the 'path'"),
        ("deps: [{path: p, repo: u}]", "mapping with a 'url'"),
        ("deps: [{path: p, repo: {url: 3}}]", "'url' takes a text"),
        ("deps: [{path: p, repo: {url: u, rev: [1]}}]", "'rev' takes a text"),
        ("deps: [{path: p, repo: {url: u}, digest: nope}]", "not a digest"),
    ],
)
def test_a_broken_record_is_an_error_that_names_it(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        origin_of(parse_data_record((text + "\nouts: [{path: d}]\n").encode(), "d.pvt"))
    assert caught.value.where is not None
    assert caught.value.where.file == "d.pvt"
