"""Imports in a DVC project: DVC takes our records for its own, and we take its."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from peers import DVC, Both

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")


def test_imports_of_either_tool_serve_both(
    both: Callable[[str], Both], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    theirs, ours = both("theirs"), both("ours")
    theirs.write(
        {
            "d/a": "a\n", "d/b": "b\n", "x.csv": "x\r\ny\n", "plain/p": "p\n", "plain/in/q": "q\n",
            "dvc.yaml": "stages:\n  m: {cmd: echo 1 > m.json, metrics: [m.json: {cache: false}]}\n"
            "  s: {cmd: cp x.csv y.csv, deps: [x.csv], outs: [y.csv]}\n",
        }
    )  # fmt: skip
    theirs.dvc("add", "-q", "d", "x.csv", "plain/in/q").well()
    theirs.dvc("repro", "-q").well()
    theirs.dvc("remote", "add", "-q", "-d", "store", str(tmp_path / "store")).well()
    theirs.dvc("push", "-q").well()
    theirs.commit()
    theirs.git("clone", "-q", "--bare", ".", str(tmp_path / "theirs.git"))

    url = "../theirs.git"
    for path in ("d", "x.csv", "plain", "y.csv", "m.json", "d/b"):
        ours.pivot("import", url, path, "-o", f"p-{path.replace('/', '-')}").well()
        ours.dvc("import", "-q", url, path, "-o", f"d-{path.replace('/', '-')}").well()
    ours.pivot("import-url", "../theirs/x.csv", "p-url.csv").well()
    ours.dvc("import-url", "-q", "../theirs/x.csv", "d-url.csv").well()

    for name in ("d", "x.csv", "plain", "y.csv", "m.json", "d-b", "url.csv"):
        made = ours.read(f"p-{name}.dvc").splitlines()
        said = ours.read(f"d-{name}.dvc").splitlines()
        # the name of the data, and so the checksum, are the only differences
        differing = [line for line in made if line not in said]
        assert all(line.startswith(("md5:", "  path:")) for line in differing), made
    assert ours.dvc_changed() == {}
    assert all(state["state"] == "fresh" for state in ours.states().values())
    assert "up to date" in ours.pivot("update", "--check").well().out

    theirs.write({"d/c": "c\n"})
    theirs.dvc("add", "-q", "d").well()
    theirs.dvc("push", "-q").well()
    theirs.commit()
    theirs.git("push", "-q", str(tmp_path / "theirs.git"), "HEAD")
    ours.pivot("update", "p-d", "d-d").well()
    assert ours.read("p-d/c") == ours.read("d-d/c") == "c\n"
    assert not ours.dvc_changed().keys() & {"p-d.dvc", "d-d.dvc"}  # of the others DVC has news
    assert "didn't change" in ours.dvc("update", "p-d.dvc", "d-d.dvc").well().out

    ours.commit()
    clone = both("clone")
    clone.git("pull", "-q", "../ours")
    clone.dvc("pull", "-q").well()
    assert clone.read("p-d/c") == "c\n"
    assert (clone.root / "p-x.csv").read_bytes() == b"x\r\ny\n"
