"""One remote for both tools: what either pushed, the other pulls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import servers
from peers import DVC, Both, Server

pytestmark = pytest.mark.skipif(not os.path.exists(DVC), reason="PIVOT_TEST_DVC names no DVC")

PROJECT = {
    "dvc.yaml": """
stages:
  parts:
    cmd: mkdir -p parts/deep && echo 1 > parts/deep/one && cp raw.csv parts/raw
    deps: [raw.csv]
    outs: [parts]
  model:
    cmd: cat parts/deep/one params.yaml > model.txt
    deps: [parts]
    params: [times]
    outs: [model.txt]
    metrics: [score.json: {cache: false}]
""".replace("> model.txt\n", "> model.txt && echo '{}' > score.json\n"),
    "params.yaml": "times: 1\n",
    "raw.csv": "a,b\r\n1,2\r\n",
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    (folder / "bucket").mkdir(parents=True)
    with servers.s3_server(folder) as server:
        yield server


def test_a_colleague_with_dvc_in_the_middle(
    both: Callable[[str], Both], dvc: Server, pivot: Server, tmp_path: Path, s3: servers.S3Server
) -> None:
    # given a DVC project that Pivot ran, with an S3 remote set up by Pivot
    ours = both("ours")
    ours.write(PROJECT)
    ours.dvc("add", "-q", "raw.csv").well()
    ours.pivot("repro").well()
    ours.pivot("remote", "add", "-d", "Store", "s3://bucket/shared").well()
    ours.pivot("remote", "modify", "store", "endpointurl", s3.endpoint).well()
    keys = (("access_key_id", servers.KEY), ("secret_access_key", servers.SECRET))
    for option, value in keys:
        ours.pivot("remote", "modify", "--local", "store", option, value).well()
    assert "s3://bucket/shared" in ours.dvc("remote", "list").well().out
    assert servers.SECRET not in ours.read(".dvc/config")
    # DVC and Pivot see the same difference, and after Pivot's push none
    assert (
        ours.pivot("status", "-c", "--json").well().json
        == ours.dvc("status", "-c", "--json").well().json
        == {"raw.csv": "new", "parts": "new", "parts/deep/one": "new", "model.txt": "new"}
    )
    ours.pivot("push").well()
    assert ours.dvc("status", "-c", "--json").well().json == {}
    assert "up to date" in ours.dvc("push").well().out
    ours.commit()

    # a colleague pulls by DVC, runs, and pushes by DVC
    ours.git("clone", "-q", ".", str(tmp_path / "theirs"))
    theirs = Both(tmp_path / "theirs", dvc, pivot)
    for option, value in keys:
        theirs.dvc("remote", "modify", "-q", "--local", "store", option, value).well()
    theirs.dvc("pull", "-q").well()
    assert theirs.dvc_changed() == {}
    theirs.write({"params.yaml": "times: 2\n"})
    theirs.dvc("repro", "-q").well()
    theirs.dvc("push", "-q").well()
    theirs.commit()

    # and Pivot takes that, and has nothing to run
    ours.git("pull", "-q", str(theirs.root), "HEAD")
    assert ours.pivot("status", "-c", "--json").well().json == {"model.txt": "deleted"}
    ours.pivot("pull").well()
    assert ours.read("model.txt") == theirs.read("model.txt")
    assert all(state["state"] == "fresh" for state in ours.states().values())
    assert ours.dvc_changed() == {}
    # the layout is DVC's, and what is Pivot's own lies apart
    tops = {path.name for path in (s3.folder / "bucket" / "shared").iterdir()}
    assert tops == {"files", "pivot"}


def test_objects_of_older_dvc_are_read_where_they_lie(
    both: Callable[[str], Both], tmp_path: Path
) -> None:
    import hashlib

    ours = both("ours")
    text = b"a,b\r\n1,2\r\n"
    value = hashlib.md5(text.replace(b"\r\n", b"\n"), usedforsecurity=False).hexdigest()
    store = tmp_path / "legacy"
    (store / value[:2]).mkdir(parents=True)
    (store / value[:2] / value[2:]).write_bytes(text)
    ours.write(
        {"old.csv.dvc": f"outs:\n- md5: {value}\n  path: old.csv\n", ".gitignore": "old.csv\n"}
    )
    ours.dvc("remote", "add", "-q", "-d", "store", "../legacy").well()
    ours.pivot("pull").well()
    assert (ours.root / "old.csv").read_bytes() == text
    assert ours.dvc("status", "--json").well().json == {}
