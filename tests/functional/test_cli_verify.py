"""`verify`: what is committed stands, and can be had."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest
from harness import Result, Sandbox

PROJECT = {
    "pivot.yaml": """
        stages:
          first:
            cmd: mkdir many && cp i many/one && cp i many/two && cp i f
            deps: [i]
            outs: [many, f]
          second:
            cmd: cat f raw > g && echo '{}' > m.json
            deps: [f, raw]
            outs: [g]
            metrics: [m.json: {cache: false}]
        """,
    "i": "input\n",
    "raw": "raw\n",
}


@pytest.fixture
def done(project: Sandbox) -> Sandbox:
    project.write(PROJECT)
    project.run("track", "raw").ended(0)
    project.run("repro").ended(0)
    project.commit("all")
    return project


def said(result: Result) -> set[tuple[str, str, str]]:
    """What `verify --json` found: (path, problem, where)."""
    data = result.json
    schema = json.loads((Path(__file__).parents[2] / "schemas/verify.schema.json").read_text())
    jsonschema.validate(data, schema)
    assert data["ok"] is (result.code == 0)
    problems = [*data["artifacts"], *(p for stage in data["stages"] for p in stage["problems"])]
    return {(p["path"], p["problem"], p["where"]) for p in problems}


def stored(project: Sandbox, path: str) -> Path:
    """Where the object of an artifact lies."""
    out = {}
    for stage in ("first", "second"):
        out |= project.lock(stage)["outs"]
    tracked = {"digest": project.read("raw.pvt").partition("digest: ")[2].split()[0]}
    algorithm, _, value = {**out, "raw": tracked}[path]["digest"].partition(":")
    return project.root / f".pivot/cache/files/{algorithm}/{value[:2]}/{value[2:]}"


def test_all_is_well(done: Sandbox) -> None:
    before = done.contents()
    for words in ((), ("--deep",), ("--rev", "HEAD"), ("--rev", "main", "--deep"), ("second",)):
        result = done.run("verify", *words).ended(0)
        assert result.stdout.startswith("Verified "), result
    assert done.run("verify").stdout == "Verified 2 stages and 5 artifacts.\n"
    assert done.contents() == before


def test_bytes_in_either_place_will_do(done: Sandbox) -> None:
    """Given data that lies in the cache alone, or in the work tree alone, then all can be had."""
    done.remove("many", "f", "g", "raw")
    assert done.run("verify").ended(0).stdout == "Verified 2 stages and 5 artifacts.\n"

    done.run("checkout").ended(0)
    shutil.rmtree(done.root / ".pivot/cache/files")
    assert said(done.run("verify", "--json").ended(0)) == set()
    assert said(done.run("verify", "--rev", "HEAD", "--json").ended(1)) == {
        (path, "missing", "local") for path in ("many", "f", "g", "raw")
    }


def test_what_is_missing_changed_or_corrupt(done: Sandbox) -> None:
    gone = stored(done, "g")
    gone.unlink()
    done.remove("g", "m.json", "i")
    done.write({"f": "changed\n", "raw": "changed too\n"})

    result = done.run("verify", "--json").ended(1)
    text = done.run("verify").ended(1).stdout

    assert said(result) == {
        ("g", "missing", "local"), ("i", "missing", "work"),
        ("f", "changed", "work"), ("raw", "changed", "work"),
    }  # fmt: skip
    assert "first: i is missing\n" in text  # m.json is kept as an object
    assert "first: f is not what its lock says: " in text
    assert "second: g is neither here nor in the cache (blake3:" in text
    assert text.endswith(" problems in 2 stages.\n")


def test_stale_stages_fail(done: Sandbox) -> None:
    done.write({"i": "another input\n"})

    result = done.run("verify").ended(1)
    first = done.run("verify", "first", "--json").ended(1).json["stages"]

    assert "first: stale: dep i: " in result.stdout
    assert "second: stale: upstream first runs first" in result.stdout
    assert [(s["name"], s["state"], s["problems"]) for s in first] == [("first", "stale", [])]


def test_decay_is_found_by_reading(done: Sandbox) -> None:
    """Given an object whose bytes changed behind its back, then only `--deep` can tell."""
    place = stored(done, "g")
    status = place.stat()
    place.chmod(0o644)
    place.write_bytes(place.read_bytes().replace(b"i", b"j"))
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    place.chmod(0o444)
    done.run("verify").ended(0)

    done.remove("g")
    result = done.run("verify", "--deep", "--json").ended(1)

    assert said(result) == {("g", "corrupt", "cache")}
    assert "is corrupt" in result.stderr
    assert "set aside" in result.stderr
    assert said(done.run("verify", "--deep", "--json").ended(1)) == {("g", "missing", "local")}


@pytest.mark.parametrize("words", [(), ("--deep",), ("--allow-missing",)])
def test_a_corrupt_object_is_no_loss_where_the_work_tree_has_the_bytes(
    done: Sandbox, words: tuple[str, ...]
) -> None:
    """Given corrupt objects, then the verdict is the same however often one asks."""
    for name, call in (("g", "commit second"), ("raw", "track raw")):
        place = stored(done, name)
        place.chmod(0o644)
        place.write_bytes(b"decay")

        first, second = done.run("verify", *words).ended(0), done.run("verify", *words).ended(0)

        assert first.stdout == second.stdout == "Verified 2 stages and 5 artifacts.\n"
        assert "is corrupt" in first.stderr
        assert f"{name} is right in the work tree alone: `pivot {call}` stores it" in first.stderr
        done.run("repro").ended(0)
        assert not place.exists()
        done.run(*call.split()).ended(0)
        assert place.read_bytes() == (done.root / name).read_bytes()


def test_what_brings_back_a_corrupt_object_that_is_nowhere_else(
    done: Sandbox, tmp_path: Path
) -> None:
    done.run("config", "set", "remotes.origin", str(tmp_path / "remote")).ended(0)
    done.run("push").ended(0)
    done.remove("g", "raw")
    for name in ("g", "raw"):
        stored(done, name).chmod(0o644)
        stored(done, name).write_bytes(b"decay")
    other = done.copy(tmp_path / "other")

    assert other.run("verify", "--allow-missing").ended(0).stdout.startswith("Verified")
    assert other.run("verify", "--allow-missing").ended(0).stdout.startswith("Verified")
    text = done.run("verify").ended(1).stdout
    assert "; `pivot fetch raw` brings it from a remote\n" in text
    assert "`pivot fetch g` brings it from a remote, or `pivot repro second` makes it" in text
    done.run("fetch", "raw").ended(0)
    done.run("repro", "second").ended(0)
    done.run("verify").ended(0)


def test_a_clone_without_data(done: Sandbox, tmp_path: Path) -> None:
    """Given CI that has nothing but git, then locks, code and params are judged all the same."""
    done.git("clone", "--quiet", str(done.root), str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", git=False)

    bare = clone.run("verify", "--json").ended(1)
    trusting = clone.run("verify", "--allow-missing").ended(0)
    done.edit("pivot.yaml", "cp i f", "cp i f && true")
    done.commit("forgotten")
    clone.git("fetch", "--quiet", "origin")
    forgotten = clone.run("verify", "--allow-missing", "--rev", "origin/main").ended(1)

    assert said(bare) == {(path, "missing", "local") for path in ("many", "f", "g", "raw")}
    assert "no remote is configured: what is not here (4 of the artifacts)" in trusting.stderr
    assert "first: stale: command: " in forgotten.stdout
    assert "no remote is configured" in clone.run("verify", "--remote").ended(2).stderr


def test_remotes_stand_for_what_is_not_here(done: Sandbox, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    done.write(
        {".pivot/config.yaml": f"remotes: {{origin: '{remote}'}}\ncore: {{remote: origin}}\n"}
    )
    done.run("push").ended(0)
    done.commit("remote")
    done.git("clone", "--quiet", str(done.root), str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", git=False)
    clone.run("verify", "--allow-missing").ended(0)
    done.run("verify", "--remote").ended(0)

    for path in ("g", "many"):
        lost = stored(done, path).relative_to(done.root / ".pivot/cache")
        if path == "many":  # a file of it, of which a clone has not even the list
            value = json.loads((remote / lost).read_bytes())[0]["blake3"]
            lost = lost.parents[1] / value[:2] / value[2:]
        (remote / lost).unlink()

    there = clone.run("verify", "--allow-missing", "--json").ended(1)
    here = done.run("verify", "--remote").ended(1)
    assert said(there) == {(path, "missing", "remote") for path in ("g", "many", "f")}
    assert "second: g is not on remote 'origin' (blake3:" in here.stdout


def test_what_is_never_pushed_can_be_nowhere_but_where_it_was_made(
    project: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "remote").mkdir()
    project.write(
        {
            "pivot.yaml": """
                stages:
                  make:
                    cmd: echo a > a.txt; echo b > big.tmp
                    outs: [a.txt, big.tmp: {push: false}]
                """,
            ".pivot/config.yaml": f"remotes: {{origin: '{tmp_path / 'remote'}'}}\n",
        }
    )
    project.repro()
    project.run("push").ended(0)
    project.commit("all")
    project.git("clone", "--quiet", str(project.root), str(tmp_path / "clone"))
    clone = Sandbox(tmp_path / "clone", git=False)

    trusted = clone.run("verify", "--allow-missing").ended(0)
    assert "never pushed and is not here (1 of the artifacts)" in trusted.stderr
    assert ("big.tmp", "missing", "local") in said(clone.run("verify", "--json").ended(1))
    pulled = clone.run("pull").ended(1).stderr
    assert "it is never pushed (`push: false`); `pivot repro make` makes it here" in pulled
    assert "push it from a machine that has it" not in pulled
    assert clone.has("a.txt")


def test_a_dvc_project(project: Sandbox) -> None:
    project.write(
        {
            ".dvc/config": "",
            "dvc.yaml": "stages: {a: {cmd: cp i o, deps: [i], outs: [o]}}\n",
            "i": "1",
        }
    )
    project.run("repro").ended(0)
    project.commit("all")
    project.run("verify", "--rev", "HEAD").ended(0)
    project.remove("o")
    shutil.rmtree(project.root / ".dvc/cache")

    assert said(project.run("verify", "--json").ended(1)) == {("o", "missing", "local")}
    project.run("verify", "--allow-missing").ended(0)


def old_md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_what_dvc_recorded_before_version_3(project: Sandbox) -> None:
    # text is named with its line ends folded, and objects lie at the top of the cache
    text, raw = b"a\r\nb\r\n", b"\0\1\r\n"
    inner = {"b.bin": old_md5(raw), "x.txt": old_md5(text.replace(b"\r\n", b"\n"))}
    listing = json.dumps([{"md5": inner[name], "relpath": name} for name in sorted(inner)]).encode()
    objects = {inner["b.bin"]: raw, inner["x.txt"]: text, f"{old_md5(listing)}.dir": listing}
    project.write(
        {f".dvc/cache/{name[:2]}/{name[2:]}": data for name, data in objects.items()}
        | {
            ".dvc/config": "",
            "raw.csv.dvc": f"outs:\n- md5: {inner['x.txt']}\n  size: 6\n  path: raw.csv\n",
            "d.dvc": f"outs:\n- md5: {old_md5(listing)}.dir\n  size: 10\n  path: d\n",
            ".gitignore": "/raw.csv\n/d\n",
        }
    )
    project.commit("all")

    assert said(project.run("verify", "--json").ended(0)) == set()
    project.run("checkout").ended(0)
    for options in ([], ["--deep"], ["--rev", "HEAD"]):
        assert said(project.run("verify", "--json", *options).ended(0)) == set()
    project.write({"raw.csv": "else\n"})
    assert said(project.run("verify", "--json").ended(1)) == {("raw.csv", "changed", "work")}

    project.write({"raw.csv": text})
    project.run("migrate").ended(0)
    assert said(project.run("verify", "--json", "--deep").ended(0)) == set()
