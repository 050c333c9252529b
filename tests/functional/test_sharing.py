"""Results computed once are used everywhere: push, fetch and pull, over git and a real S3 server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from harness import Sandbox

PROJECT = {
    "pivot.yaml": """
        stages:
          prepare:
            cmd: mkdir -p parts/deep && for i in 1 2 3; do echo $i > parts/deep/$i.txt; done && cp raw.txt clean.txt
            deps: [raw.txt]
            outs: [parts, clean.txt]
          train:
            python: steps.train
            deps: {clean: clean.txt}
            params: {times: "${times}"}
            outs: {model: model.txt}
            metrics: {score: {path: score.json, cache: false}}
        """,
    "params.yaml": "times: 2\n",
    "steps.py": """
        import json


        def train(clean, times, model, score):
            text = clean.read_text() * times
            model.write_text(text)
            score.write_text(json.dumps({"length": len(text)}))
        """,
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    (folder / "bucket").mkdir(parents=True)
    with servers.s3_server(folder) as server:
        yield server


def configured(project: Sandbox, url: str, endpoint: str) -> None:
    """Write the remote down as a person does: the place for all, the keys for this machine."""
    project.run("remote", "add", "-d", "origin", url).ended(0)
    project.run("remote", "modify", "origin", "endpointurl", endpoint).ended(0)
    project.run("remote", "modify", "origin", "region", "us-east-1").ended(0)
    give_keys(project)


def give_keys(project: Sandbox) -> None:
    for option, value in (("access_key_id", servers.KEY), ("secret_access_key", servers.SECRET)):
        done = project.run("remote", "modify", "--local", "origin", option, value).ended(0)
        assert value not in done.stdout + done.stderr


def clone(origin: Sandbox, root: Path) -> Sandbox:
    origin.git("clone", "--quiet", str(origin.root), str(root))
    return Sandbox(root, git=False)


def shared(project: Sandbox, root: Path, name: str = "remote") -> Sandbox:
    """A project that has run, with its results on a remote folder, committed."""
    project.write({**PROJECT, "raw.txt": "raw\n"})
    project.run("track", "raw.txt").ended(0)
    project.run("repro").ended(0)
    project.run("remote", "add", "-d", "origin", str(root / name)).ended(0)
    project.run("push").ended(0)
    project.commit()
    return project


def test_two_machines_share_results_over_s3(
    project: Sandbox, tmp_path: Path, s3: servers.S3Server
) -> None:
    # machine A runs and pushes
    project.write({**PROJECT, "raw.txt": "raw\n"})
    project.run("track", "raw.txt").ended(0)
    assert project.ran() == {"prepare", "train"}
    configured(project, "s3://bucket/journey", s3.endpoint)
    pushed = project.run("push", "--json").ended(0).json
    # three parts, the same bytes as raw and clean, the model, the directory
    assert (pushed["files"], pushed["missing"]) == (6, [])
    assert project.run("push").ended(0).stdout == "Nothing to do: 6 files already there.\n"
    project.commit("results of A")
    committed = project.git("show", "HEAD:.pivot/config.yaml")
    assert servers.SECRET not in committed
    assert servers.KEY not in committed

    # a fresh clone B pulls and has nothing to run
    other = clone(project, tmp_path / "other")
    give_keys(other)
    pulled = other.run("pull").ended(0)
    assert "6 files fetched from 'origin'" in pulled.stdout
    assert other.states() == {"prepare": "fresh", "train": "fresh"}
    assert other.ran() == set()
    assert other.git("status", "--short") == ""
    assert other.contents("parts") == project.contents("parts")
    # what explains a change has come along
    assert list((other.root / ".pivot/cache/code").iterdir())

    # B changes a param, runs, pushes; A pulls, and has nothing to run
    other.write({"params.yaml": "times: 3\n"})
    assert other.ran() == {"train"}
    assert other.run("push", "--json").ended(0).json["files"] == 1
    other.commit("results of B")
    project.git("pull", "--quiet", str(other.root), "main")
    assert project.run("pull", "--json").ended(0).json["restored"] == ["model.txt"]
    assert project.ran() == set()
    assert project.read("model.txt") == "raw\n" * 3

    # C imports B's model by tag, from where git is published and the remote that it names
    other.git("tag", "v1")
    hub = tmp_path / "hub.git"
    other.git("clone", "--quiet", "--bare", ".", str(hub))
    third = Sandbox(tmp_path / "third")
    third.env |= {
        "AWS_ACCESS_KEY_ID": servers.KEY,
        "AWS_SECRET_ACCESS_KEY": servers.SECRET,
        "XDG_CACHE_HOME": str(tmp_path / "home"),
    }
    third.run("init").ended(0)
    third.run("import", str(hub), "model.txt", "--rev", "v1").ended(0)
    third.run("import", str(hub), "parts", "--rev", "v1").ended(0)
    assert third.read("model.txt") == "raw\n" * 3
    assert third.contents("parts") == project.contents("parts")
    assert servers.SECRET not in third.read("model.txt.pvt")

    # A releases a new tag, and an update moves C
    project.write({"params.yaml": "times: 4\n"})
    project.repro()
    project.run("push").ended(0)
    before, after = other.git("rev-parse", "v1").strip(), project.commit("release")
    project.git("tag", "v2")
    project.git("push", "--quiet", str(hub), "main", "v2")
    assert "up to date" in third.run("update", "--check").ended(0).stdout
    moved = third.run("update", "model.txt", "--rev", "v2").ended(0).stdout
    assert f"model.txt: {before[:8]} -> {after[:8]}" in moved
    assert third.read("model.txt") == "raw\n" * 4


def test_targets_choose_what_goes_over(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    other = clone(project, tmp_path / "other")

    def fetched(*arguments: str, cwd: str = ".") -> int:
        shutil.rmtree(other.root / ".pivot/cache/files", ignore_errors=True)
        count = other.run("fetch", "--json", *arguments, cwd=cwd).ended(0).json["files"]
        assert isinstance(count, int)
        return count

    assert fetched("train") == 1
    assert fetched("prepare") == 5
    assert fetched("clean.txt") == 1
    assert fetched("raw.txt") == fetched("raw.txt.pvt") == 1
    assert fetched("parts") == 4
    assert fetched("parts/deep/2.txt") == 2  # the directory's list, and the file
    assert fetched("parts/deep") == 4
    assert fetched("-d", "train") == 6
    assert fetched("--glob", "pr*") == 5
    assert fetched("*.txt") == 2
    # a file inside of a directory alone comes into the work tree
    assert other.run("pull", "parts/deep/2.txt").ended(0)
    assert other.contents("parts") == {"parts/deep/2.txt": b"2\n"}
    # what was changed here is stored nowhere, and is left alone
    other.write({"parts/deep/2.txt": "mine\n"})
    refused = other.run("pull", "parts").ended(1)
    assert "--force" in refused.stderr
    assert other.read("parts/deep/2.txt") == "mine\n"
    other.run("pull", "--force", "parts").ended(0)
    assert other.read("parts/deep/2.txt") == "2\n"


def test_what_is_missing_is_named_by_artifact_and_stage(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    store = tmp_path / "remote" / "files" / "blake3"
    lock = project.lock("train")["outs"]["model.txt"]["digest"].partition(":")[2]
    (store / lock[:2] / lock[2:]).unlink()
    other = clone(project, tmp_path / "other")
    result = other.run("pull").ended(1)
    assert "model.txt (stage 'train'): remote 'origin' does not have it" in result.stderr
    assert "pivot repro train" in result.stderr
    assert other.has("clean.txt")
    missing = other.run("fetch", "--json").ended(1).json["missing"]
    assert [(m["artifact"], m["stage"]) for m in missing] == [("model.txt", "train")]
    other.run("pull", "--allow-missing").ended(0)
    # a corrupt object is not served, and says so
    (store / lock[:2] / lock[2:]).write_bytes(b"something else")
    corrupt = other.run("pull", "train").ended(1)
    assert "other bytes" in corrupt.stderr
    assert not other.has("model.txt")
    # who has it repairs the remote: the size is wrong
    assert project.run("push", "--json").ended(0).json["files"] == 1
    other.run("pull").ended(0)
    # where only the bytes are wrong, it has to be told; what is spoilt here too is not sent
    spoilt = store / lock[:2] / lock[2:]
    right = spoilt.read_bytes()
    spoilt.write_bytes(bytes(byte ^ 1 for byte in right))
    third = clone(project, tmp_path / "third")
    assert "`pivot push --force`" in third.run("pull").ended(1).stderr
    assert project.run("push", "--json").ended(0).json["files"] == 0
    assert project.run("push", "--force", "train", "--json").ended(0).json["files"] == 1
    assert spoilt.read_bytes() == right
    third.run("pull").ended(0)
    # and neither here nor there is a failure of push
    (store / lock[:2] / lock[2:]).unlink()
    project.remove(f".pivot/cache/files/blake3/{lock[:2]}/{lock[2:]}", "model.txt")
    assert "neither here nor on remote" in project.run("push").ended(1).stderr


def test_outs_say_where_they_go(project: Sandbox, tmp_path: Path) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  make:
                    cmd: echo a > a.txt; echo b > b.txt; echo c > c.txt; echo d > d.txt
                    outs:
                      - a.txt
                      - b.txt: {push: false}
                      - c.txt: {remote: side}
                      - d.txt: {cache: false}
                """
        }
    )
    project.run("remote", "add", "main", str(tmp_path / "main")).ended(0)
    project.run("remote", "add", "side", str(tmp_path / "side")).ended(0)
    project.repro()
    # none is the default yet; what names its own remote needs none
    assert project.run("push", "--json", "c.txt").ended(0).json["remotes"] == ["side"]
    assert "none of them is the default" in project.run("push").ended(2).stderr
    project.run("remote", "default", "main").ended(0)
    assert project.run("push", "--json").ended(0).json["remotes"] == ["main", "side"]

    def held(name: str) -> list[bytes]:
        files = sorted((tmp_path / name / "files").rglob("*"))
        return sorted(path.read_bytes() for path in files if path.is_file())

    assert held("main") == [b"a\n"]
    assert held("side") == [b"c\n"]
    # with a remote named, what has another one of its own stays out, as in DVC
    (tmp_path / "third").mkdir()
    project.run("remote", "add", "third", str(tmp_path / "third")).ended(0)
    assert project.run("push", "-r", "third", "--json").ended(0).json["files"] == 1
    # the results of earlier runs include what is not cached as an out
    project.run("push", "--run-cache").ended(0)
    assert held("main") == [b"a\n", b"b\n", b"c\n", b"d\n"]


def test_earlier_runs_are_shared_with_their_objects(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    project.write({"params.yaml": "times: 5\n"})
    assert project.ran() == {"train"}
    project.write({"params.yaml": "times: 2\n"})
    project.repro()
    project.run("push", "--run-cache").ended(0)
    # the other machine has never run with five, and need not
    other = clone(project, tmp_path / "other")
    other.run("pull", "--run-cache").ended(0)
    other.write({"params.yaml": "times: 5\n"})
    assert other.repro()["train"] == "restored"
    # a record that somebody tampered with is not taken
    third = clone(project, tmp_path / "third")
    for record in (tmp_path / "remote" / "runs").rglob("*.json"):
        data = json.loads(record.read_text())
        data["outs"] = {}
        record.chmod(0o644)
        record.write_text(json.dumps(data))
    third.run("pull", "--run-cache").ended(0)
    assert not list((third.root / ".pivot/cache").glob("runs/*/*/*.json"))


def test_earlier_runs_are_counted_with_the_files(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    project.write({"params.yaml": "times: 5\n"})
    project.repro()
    project.commit("five")
    assert "earlier results sent" in project.run("push", "--run-cache").ended(0).stdout
    other = clone(project, tmp_path / "other")

    def objects() -> int:
        return sum(path.is_file() for path in (other.root / ".pivot/cache/files").rglob("*"))

    other.run("fetch").ended(0)
    before = objects()
    told = other.run("fetch", "--run-cache", "--json").ended(0).json
    assert told["files"] > 0
    assert told["already"] >= before  # and what git has, which is kept as an object too
    assert told["files"] + told["already"] == objects()
    runs = list((other.root / ".pivot/cache/runs").rglob("*.json"))
    assert told["runs"] == len(runs) > 0
    assert other.run("fetch", "--run-cache").stdout.startswith("Nothing to do: ")
    third = clone(project, tmp_path / "third")
    first = third.run("fetch", "--run-cache", "--json").ended(0).json
    assert first["files"] + first["already"] == objects()
    assert first["files"] > told["files"]


def test_other_revisions_go_over_too(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    project.git("tag", "v1")
    project.git("checkout", "--quiet", "-b", "side")
    project.write({"params.yaml": "times: 7\n"})
    project.repro()
    project.commit("seven")
    project.git("checkout", "--quiet", "main")
    project.write({"params.yaml": "times: 9\n"})
    project.repro()
    project.commit("nine")
    assert project.run("push", "--json").ended(0).json["files"] == 1
    assert project.run("push", "--json", "--all-branches").ended(0).json["files"] == 1
    assert project.run("push", "--all-commits").ended(0).stdout.startswith("Nothing to do")
    other = clone(project, tmp_path / "other")
    assert other.run("fetch", "--json", "--rev", "v1", "train").ended(0).json["files"] == 1
    assert other.run("fetch", "--json", "--all-tags", "train").ended(0).json["files"] == 1
    assert other.run("fetch", "--json", "-A", "train").ended(0).json["files"] == 1
    assert "no revision" in other.run("fetch", "--rev", "v2").ended(2).stderr
    # what a revision names is put in place where the work tree's locks name it too
    other.run("pull", "--rev", "v1").ended(0)
    assert other.has("clean.txt")
    assert not other.has("model.txt")  # v1 has another
    assert other.run("pull", "--rev", "HEAD", "--json").ended(0).json["restored"]
    assert not other.run("pull", "--json").ended(0).json["restored"]


def test_a_manifest_goes_up_only_after_its_files(project: Sandbox, tmp_path: Path) -> None:
    # given a remote on which one shard cannot be written
    project.write({**PROJECT, "raw.txt": "raw\n"})
    project.repro()
    project.run("remote", "add", "-d", "origin", str(tmp_path / "remote")).ended(0)
    digest = project.lock("prepare")["outs"]["parts"]["digest"].partition(":")[2]
    manifest = json.loads(project.read(f".pivot/cache/files/blake3/{digest[:2]}/{digest[2:]}"))
    blocked = manifest[1]["blake3"]
    shard = tmp_path / "remote" / "files" / "blake3" / blocked[:2]
    shard.parent.mkdir(parents=True)
    shard.write_text("a file where a folder is needed")
    # then the others go, the directory's list does not, and the exit code tells
    result = project.run("push").ended(1)
    assert "origin" in result.stderr
    assert not (tmp_path / "remote" / "files" / "blake3" / digest[:2] / digest[2:]).exists()
    # and once it can be written, what is left goes
    shard.unlink()
    project.run("push").ended(0)
    assert (tmp_path / "remote" / "files" / "blake3" / digest[:2] / digest[2:]).exists()


def test_a_run_pulls_what_it_needs(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    project.write({"params.yaml": "times: 4\n"})
    project.repro()
    project.run("push", "--run-cache").ended(0)
    project.write({"params.yaml": "times: 2\n"})
    project.repro()
    project.commit()

    def cached(other: Sandbox) -> int:
        files = (other.root / ".pivot/cache/files").rglob("*")
        return sum(path.is_file() for path in files)

    # everything is fresh: a checkout of what is on the remote
    whole = clone(project, tmp_path / "whole")
    dry = whole.run("repro", "-n", "--pull").ended(0).stdout
    assert dry.count("CHECKOUT  its outs are missing, and in the cache or on the remote") == 2
    assert cached(whole) == 0
    assert set(whole.repro("--pull").values()) == {"restored"}
    assert whole.read("model.txt") == "raw\n" * 2
    # what somebody else ran with these params comes back, too
    whole.write({"params.yaml": "times: 4\n"})
    assert whole.repro("--pull")["train"] == "restored"
    # with --allow-missing only what the stale stage reads is brought
    part = clone(project, tmp_path / "part")
    part.write({"params.yaml": "times: 6\n"})
    assert part.repro("--pull", "--allow-missing") == {"prepare": "fresh", "train": "ran"}
    assert part.read("model.txt") == "raw\n" * 6
    assert not part.has("parts")
    assert not part.has("raw.txt")
    assert cached(part) == 4  # the dep, the model, the score as it was and as it is
    # without a remote it says so
    part.write({".pivot/config.yaml": ""})
    assert "no remote is configured" in part.run("repro", "--pull").ended(2).stderr


def test_cache_and_remote_are_compared(project: Sandbox, tmp_path: Path) -> None:
    shared(project, tmp_path)
    assert "have the same" in project.run("status", "-c").ended(0).stdout
    project.write({"params.yaml": "times: 3\n"})
    project.repro()
    assert project.run("status", "-c", "--json").ended(0).json == {"model.txt": "new"}
    assert "pivot push" in project.run("status", "--cloud", "--exit-code").ended(1).stdout
    other = clone(project, tmp_path / "other")
    states = other.run("status", "-c", "--json").ended(0).json
    assert set(states.values()) == {"deleted"}
    # a share that is not mounted is no empty remote, and is not filled anew
    [url] = [r["url"] for r in project.run("remote", "list", "--json").json if r["default"]]
    store = project.root / url
    store.rename(tmp_path / "away")
    for command in (["status", "-c"], ["verify", "--remote"], ["push"]):
        assert "there is no folder" in project.run(*command).ended(1).stderr
    assert not store.exists()
    other.run("verify", "--allow-missing").ended(1)
    assert "there is no folder" in other.run("verify", "--allow-missing").stderr
    # one that was never used is made, as far as what it lies in is there
    project.run("remote", "add", "new", str(tmp_path / "new")).ended(0)
    assert "yet: the first `pivot push` makes it" in project.run("status", "-c", "-r", "new").stderr
    assert "sent to 'new'" in project.run("push", "-r", "new").ended(0).stdout
    project.run("remote", "add", "deep", str(tmp_path / "no/where")).ended(0)
    assert "could be made" in project.run("push", "-r", "deep").ended(1).stderr
