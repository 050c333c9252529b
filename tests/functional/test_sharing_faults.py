"""Processes that are killed while they share, and several that share at once."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from harness import Sandbox
from waiting import PATIENCE

COUNT = 60
PIPELINE = {
    "pivot.yaml": """
        stages:
          make:
            python: steps.make
            params: {count: %d, large: %d, seed: 1}
            outs: {many: {path: many, type: directory}, big: big.bin}
        """,
    "steps.py": """
        import hashlib


        def make(count, large, seed, many, big):
            for i in range(count):
                text = f"{seed}-{i} ".encode() * 400
                (many / f"{i:05}.txt").write_bytes(text)
            block = hashlib.sha256(str(seed).encode()).digest() * 32768
            big.write_bytes(block * large)
        """,
}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    (folder / "bucket").mkdir(parents=True)
    with servers.s3_server(folder) as server:
        yield server


def prepared(project: Sandbox, s3: servers.S3Server, name: str, *, count: int, large: int) -> None:
    """A project that has run and been committed, with a remote that has nothing yet."""
    text = PIPELINE["pivot.yaml"] % (count, large)
    project.write({**PIPELINE, "pivot.yaml": text, ".gitignore": "/config.local.yaml\n"})
    project.write(
        {
            ".pivot/config.yaml": f"""
                core: {{remote: origin}}
                remotes:
                  origin:
                    url: s3://bucket/{name}
                    endpointurl: {s3.endpoint}
                    region: us-east-1
                    access_key_id: {servers.KEY}
                    secret_access_key: {servers.SECRET}
                """
        }
    )
    project.repro()
    project.commit()


def clone(origin: Sandbox, root: Path) -> Sandbox:
    origin.git("clone", "--quiet", str(origin.root), str(root))
    return Sandbox(root, git=False)


def killed(project: Sandbox, seconds: float, *arguments: str) -> bool:
    """Start a command and kill it after a while; whether it was still at work."""
    process = project.start(*arguments)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    return False


def assert_whole(s3: servers.S3Server, name: str) -> int:
    """Every object that the remote shows has the bytes of its name; how many there are."""
    import blake3

    found = 0
    for path in (s3.folder / "bucket" / name / "files" / "blake3").rglob("*"):
        # parts that were never put together are no objects; this server keeps them beside them
        if path.is_file() and not path.name.startswith(".rclone_temp"):
            value = path.parent.name + path.name
            assert blake3.blake3(path.read_bytes()).hexdigest() == value, path
            found += 1
    return found


def kill_often(project: Sandbox, s3: servers.S3Server, tmp_path: Path, kills: int) -> None:
    """Kill pushes, then pulls, at random instants; in the end everything is there, and right."""
    rng = random.Random(7)
    name = f"kill-{project.root.parent.name}"
    before = time.monotonic()
    project.run("push", "-r", "origin").ended(0)
    whole = time.monotonic() - before
    project.write({".pivot/config.yaml": project.read(".pivot/config.yaml").replace("kills", name)})
    for _ in range(kills):
        killed(project, rng.uniform(0.25, whole), "push")
        assert_whole(s3, name)
    project.run("push").ended(0)
    assert assert_whole(s3, name) == COUNT + 2
    other = clone(project, tmp_path / "other")
    other.write({".pivot/config.yaml": project.read(".pivot/config.yaml")})
    for _ in range(kills):
        killed(other, rng.uniform(0.25, whole), "pull")
        # what is in place is whole, be it the directory or the file
        if other.has("many"):
            assert other.contents("many") == project.contents("many")
        if other.has("big.bin"):
            assert _hash(other) == _hash(project)
    other.run("pull").ended(0)
    assert other.contents("many") == project.contents("many")
    assert _hash(other) == _hash(project)
    assert other.ran() == set()


def _hash(project: Sandbox) -> str:
    return hashlib.sha256((project.root / "big.bin").read_bytes()).hexdigest()


def test_kills_at_random_instants_lose_and_spoil_nothing(
    project: Sandbox, s3: servers.S3Server, tmp_path: Path
) -> None:
    prepared(project, s3, "kills", count=COUNT, large=24)
    kill_often(project, s3, tmp_path, 1)


@pytest.mark.thorough
def test_many_kills(project: Sandbox, s3: servers.S3Server, tmp_path: Path) -> None:
    prepared(project, s3, "kills", count=COUNT, large=48)
    kill_often(project, s3, tmp_path, 15)


def test_two_pushes_at_once(project: Sandbox, s3: servers.S3Server, tmp_path: Path) -> None:
    prepared(project, s3, "twice", count=COUNT, large=10)
    processes = [project.start("push") for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + err
    assert assert_whole(s3, "twice") == COUNT + 2
    assert project.run("push").ended(0).stdout.startswith("Nothing to do")


@pytest.mark.thorough
def test_ten_thousand_objects(project: Sandbox, s3: servers.S3Server, tmp_path: Path) -> None:
    prepared(project, s3, "many", count=10_000, large=1)
    assert project.run("push", "--json").ended(0).json["files"] == 10_002
    assert project.run("push", "--json").ended(0).json["already"] == 10_002
    other = clone(project, tmp_path / "other")
    assert other.run("pull", "--json").ended(0).json["files"] == 10_002
    assert other.contents("many") == project.contents("many")
    assert other.ran() == set()


def test_a_remembered_remote_is_checked(project: Sandbox, s3: servers.S3Server) -> None:
    prepared(project, s3, "remembered", count=COUNT, large=1)
    with servers.proxy(s3.port) as proxy:
        project.edit(".pivot/config.yaml", s3.endpoint, proxy.endpoint)
        assert project.run("push", "--json").ended(0).json["files"] == COUNT + 2
        proxy.requests.clear()
        project.run("push").ended(0)
        # the directory's list and some of its files by chance, not all of them
        assert 3 < proxy.count("HEAD") < 30
        assert proxy.count("GET", "list-type") == 0
        # what vanished there meanwhile is found and sent again
        project.git("status")
        listed = (s3.folder / "bucket" / "remembered" / "files" / "blake3").rglob("*")
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=s3.endpoint,
            aws_access_key_id=servers.KEY,
            aws_secret_access_key=servers.SECRET,
            region_name="us-east-1",
        )
        gone = [path for path in listed if path.is_file()]
        for path in gone:
            key = str(path.relative_to(s3.folder / "bucket"))
            client.delete_object(Bucket="bucket", Key=key)
        assert project.run("push", "--json").ended(0).json["files"] == len(gone)
