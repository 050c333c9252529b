"""What every kind of remote promises, each against a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import more_servers
import pytest
import servers

from pivot.settings import RemoteSpec
from pivot.store.remotes import Crew, ObjectStore, RemoteError, Retry, open_store
from pivot.store.remotes.protocol import Count, Take

KINDS = ("folder", "obstore", "boto3", "http", "ssh")
_serial = count()
QUICK = Retry(attempts=3, first=0.01)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    (folder / "bucket").mkdir(parents=True)
    with servers.s3_server(folder) as server:
        yield server


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[more_servers.WebServer]:
    with more_servers.web_server(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="session")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[more_servers.SshServer]:
    with more_servers.ssh_server(tmp_path_factory.mktemp("ssh")) as server:
        yield server


def s3_spec(server: servers.S3Server, engine: str, **options: str) -> RemoteSpec:
    given = {
        "endpointurl": server.endpoint,
        "access_key_id": servers.KEY,
        "secret_access_key": servers.SECRET,
        "region": "us-east-1",
        "engine": engine,
        **options,
    }
    return RemoteSpec("origin", f"s3://bucket/prefix-{next(_serial)}", given)


class Below:
    """A remote's folder as a remote: making a client costs more than most tests."""

    def __init__(self, store: ObjectStore, folder: str) -> None:
        self._store, self._folder = store, folder
        self.name, self.url, self.jobs = store.name, store.url, store.jobs
        self.asks_cheaply, self.lists = store.asks_cheaply, store.lists

    def size(self, key: str) -> int | None:
        return self._store.size(self._folder + key)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        for key, size in self._store.list(self._folder + prefix):
            yield key.removeprefix(self._folder), size

    def read(self, key: str, take: Take, *, start: int = 0) -> int:
        return self._store.read(self._folder + key, take, start=start)

    def write(self, key: str, data: bytes) -> None:
        self._store.write(self._folder + key, data)

    def send(self, key: str, path: str, *, sent: Count | None = None) -> None:
        self._store.send(self._folder + key, path, sent=sent)

    def delete(self, keys: Sequence[str]) -> None:
        self._store.delete([self._folder + key for key in keys])

    def check(self) -> None:
        self._store.check()

    def close(self) -> None:
        return


@pytest.fixture(scope="module", params=KINDS)
def remote(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ObjectStore]:
    """A remote of each kind."""
    at = str(tmp_path_factory.mktemp("at"))
    if request.param == "folder":
        made = open_store(RemoteSpec("origin", "remote"), at)
    elif request.param == "http":
        web = request.getfixturevalue("web")
        options = {"auth": "basic", "user": "user", "password": "the-web-secret"}
        made = open_store(RemoteSpec("origin", web.url, options), at)
    elif request.param == "ssh":
        ssh = request.getfixturevalue("ssh")
        options = {"password": ssh.password, "known_hosts": str(ssh.known_hosts)}
        made = open_store(RemoteSpec("origin", ssh.url(), options), at)
    else:
        server = request.getfixturevalue("s3")
        made = open_store(s3_spec(server, request.param), at)
    yield made
    made.close()


@pytest.fixture
def store(remote: ObjectStore) -> ObjectStore:
    """An empty remote of each kind."""
    return Below(remote, f"{next(_serial)}/")


def read(store: ObjectStore, key: str, start: int = 0) -> bytes:
    parts: list[bytes] = []
    store.read(key, lambda piece: parts.append(bytes(piece)), start=start)
    return b"".join(parts)


def test_an_object_comes_back_as_it_was_written(store: ObjectStore) -> None:
    for key, data in (
        ("files/md5/ab/cdef", b"some bytes"),
        ("files/md5/ab/empty", b""),
        ("files/md5/ab/cdef.dir", os.urandom(3 << 20)),
        ("ab/legacy", b"\0\xff"),
    ):
        store.write(key, data)
        assert read(store, key) == data
        assert store.size(key) == len(data)


def test_writing_again_replaces(store: ObjectStore) -> None:
    store.write("files/md5/ab/c", b"old and longer")
    store.write("files/md5/ab/c", b"new")
    assert read(store, "files/md5/ab/c") == b"new"


def test_a_file_of_any_size_is_sent_and_counted(store: ObjectStore, tmp_path: Path) -> None:
    for size in (0, 10, (9 << 20) + 7):
        data = os.urandom(size)
        path = tmp_path / f"{size}.bin"
        path.write_bytes(data)
        told: list[int] = []
        store.send(f"files/md5/ab/{size}", str(path), sent=told.append)
        assert read(store, f"files/md5/ab/{size}") == data
        assert sum(told) == size


def test_what_is_not_there_has_no_size_and_cannot_be_read(store: ObjectStore) -> None:
    store.write("files/md5/ab/c", b"1")
    assert store.size("files/md5/ab/other") is None
    assert store.size("files/md5/ab") is None
    with pytest.raises(RemoteError) as caught:
        read(store, "files/md5/ab/other")
    assert caught.value.kind == "absent"
    assert "origin" in str(caught.value)


def test_reading_goes_on_from_where_it_was(store: ObjectStore) -> None:
    data = os.urandom(3 << 20)
    store.write("files/md5/ab/c", data)
    parts: list[bytes] = []
    began = store.read("files/md5/ab/c", lambda piece: parts.append(bytes(piece)), start=1000)
    # a server without ranges says so, and nothing is handed over
    assert (began, b"".join(parts)) in ((1000, data[1000:]), (0, b""))


def test_what_the_reader_raises_ends_the_reading(store: ObjectStore) -> None:
    store.write("files/md5/ab/c", os.urandom(3 << 20))

    def refuse(_: object) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError):
        store.read("files/md5/ab/c", refuse)


def test_listing_names_all_below_a_folder_and_nothing_else(store: ObjectStore) -> None:
    if not store.lists:
        with pytest.raises(RemoteError):
            list(store.list("files/md5/"))
        return
    keys = {f"files/md5/{i % 16:02x}/{i:04x}": bytes(i) for i in range(60)}
    for key, data in {**keys, "files/md5x/ab/c": b"", "runs/ab/c": b"x"}.items():
        store.write(key, data)
    assert dict(store.list("files/md5/")) == {key: len(data) for key, data in keys.items()}
    assert dict(store.list("files/md5/0f/")) == {k: len(d) for k, d in keys.items() if "/0f/" in k}
    assert len(dict(store.list(""))) == 62
    assert dict(store.list("nothing/")) == {}


def test_deleting_takes_objects_away_and_forgives_those_that_are_not_there(
    store: ObjectStore,
) -> None:
    store.write("files/md5/ab/c", b"1")
    store.write("files/md5/ab/d", b"2")
    store.delete(["files/md5/ab/c", "files/md5/ab/never"])
    assert store.size("files/md5/ab/c") is None
    assert store.size("files/md5/ab/d") == 1
    store.delete([])


def test_many_at_a_time(store: ObjectStore) -> None:
    keys = {f"files/md5/{i % 256:02x}/{i:06x}": str(i).encode() for i in range(80)}
    crew = Crew(8, QUICK)
    assert crew.each(list(keys), lambda key: store.write(key, keys[key])) == []
    sizes = {key: len(data) for key, data in keys.items()}
    assert crew.sizes(store, [*keys, "files/md5/ff/none"]) == sizes
    assert crew.existing(store, [*keys, "files/md5/ff/none"]) == sizes
    got: dict[str, bytes] = {}
    crew.each(list(keys), lambda key: got.update({key: read(store, key)}))
    assert got == keys


def test_the_place_as_a_whole_can_be_checked(store: ObjectStore) -> None:
    store.write("files/md5/ab/c", b"1")
    store.check()
