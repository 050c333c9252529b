"""What a network and a server do wrong, in front of a real S3 server, for both engines.

Whatever happens: nothing is lost, no object gets a name that its bytes do not have, and the
message names the remote and what to do.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import servers
from servers import Fault

from pivot.digest import Digest
from pivot.errors import StoreError
from pivot.manifest import make_manifest, object_path
from pivot.settings import RemoteSpec
from pivot.store import LocalCache
from pivot.store.remotes import ObjectStore, RemoteError, Retry, open_store
from pivot.store.transfer import Moved, Transfer

_serial = count()
QUICK = Retry(attempts=4, first=0.01, longest=0.05)
BRIEF = Retry(attempts=2, first=0.01)
LARGE = 9 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    folder = tmp_path_factory.mktemp("s3") / "buckets"
    (folder / "bucket").mkdir(parents=True)
    with servers.s3_server(folder) as server:
        yield server


class Line:
    """A cache with some objects, a remote behind a proxy, and a second cache at the other end."""

    def __init__(self, engine: str, server: servers.S3Server, proxy: servers.Proxy, at: Path):
        self.engine = engine
        self.proxy = proxy
        self.at = at
        self.prefix = f"faults-{next(_serial)}"
        self.endpoint = proxy.endpoint
        self.direct = server.endpoint
        self.here = LocalCache(str(at / "here"))
        self.there = LocalCache(str(at / "there"))
        # made once: what it costs to make a client is not what is tested
        self.retry = QUICK
        self.store = self.open()

    def open(self, bucket: str = "bucket", **options: object) -> ObjectStore:
        given = {
            "endpointurl": self.endpoint,
            "access_key_id": servers.KEY,
            "secret_access_key": servers.SECRET,
            "region": "us-east-1",
            "engine": self.engine,
            "connect_timeout": 2,
            "read_timeout": 1,
            **options,
        }
        return open_store(RemoteSpec("origin", f"s3://{bucket}/{self.prefix}", given), "/")

    def add(self, number: int, *, large: bool = False) -> list[Digest]:
        found = [
            self.here.add_bytes(f"object {i} of {self.prefix}".encode()) for i in range(number)
        ]
        if large:
            found.append(self.here.add_bytes(os.urandom(LARGE)))
        return found

    def push(self, digests: list[Digest], store: ObjectStore | None = None) -> Moved:
        return Transfer(self.here, store or self.store, jobs=4, retry=self.retry).push(digests)

    def fetch(self, digests: list[Digest], store: ObjectStore | None = None) -> Moved:
        return Transfer(self.there, store or self.store, jobs=4, retry=self.retry).fetch(digests)

    def spoil(self, *faults: Fault) -> None:
        self.proxy.faults[:] = faults

    def arrived(self, digests: list[Digest]) -> None:
        """Assert that the other end has exactly these bytes, and nothing unfinished."""
        for digest in digests:
            assert self.there.verify(digest)
            assert self.there.read(digest) == self.here.read(digest)
        assert list(Path(self.there.folder).glob("tmp/*")) == []


@pytest.fixture(params=("obstore", "boto3"))
def line(request: pytest.FixtureRequest, s3: servers.S3Server, tmp_path: Path) -> Iterator[Line]:
    with servers.proxy(s3.port) as proxy:
        yield Line(request.param, s3, proxy, tmp_path)


PASSING = {
    "server errors": Fault("status", times=2, status=500, code="InternalError"),
    "throttling": Fault("status", times=2, status=503, code="SlowDown"),
    "resets": Fault("reset", times=2),
    "half requests": Fault("cut-request", "PUT", times=2),
    "half answers": Fault("cut", "GET", times=2),
    "wrong bytes, once": Fault("garble", "GET", "/files/", times=1),
}


def test_what_passes_is_tried_again(line: Line) -> None:
    digests = line.add(3, large=True)
    for name, fault in PASSING.items():
        if name != "wrong bytes, once":
            line.spoil(
                Fault(fault.kind, fault.method, fault.path, fault.times, fault.status, fault.code)
            )
            assert line.push(digests).failed == [], name
        fresh = LocalCache(str(line.at / name.replace(" ", "-")))
        line.there = fresh
        line.spoil(
            Fault(fault.kind, fault.method, fault.path, fault.times, fault.status, fault.code)
        )
        done = line.fetch(digests)
        assert (done.failed, done.absent) == ([], []), name
        line.arrived(digests)


def test_a_server_that_stalls_is_left_and_asked_again(line: Line) -> None:
    digests = line.add(1)
    line.push(digests)
    line.spoil(Fault("stall", "GET", "/files/", times=1))
    assert line.fetch(digests).failed == []
    line.arrived(digests)


LASTING = {
    "server errors": (Fault("status", status=500, code="InternalError"), "busy", "try again later"),
    "throttling": (Fault("status", status=503, code="SlowDown"), "busy", "slow down"),
    "no connection": (Fault("reset"), "network", "what was transferred is kept"),
    "clock": (Fault("status", status=403, code="RequestTimeTooSkewed"), "skew", "clock"),
    "expired": (Fault("status", status=400, code="ExpiredToken"), "credentials", "expired"),
    "wrong key": (
        Fault("status", status=403, code="InvalidAccessKeyId"),
        "credentials",
        "access key",
    ),
    "no bucket": (Fault("status", status=404, code="NoSuchBucket"), "place", "bucket"),
    "denied": (Fault("status", status=403, code="AccessDenied"), "denied", "permission"),
}


def test_what_lasts_is_told_with_its_cure(line: Line) -> None:
    digests = line.add(2)
    line.push(digests)
    line.retry = BRIEF
    for name, (fault, kind, says) in LASTING.items():
        for move, wanted in ((line.push, line.add(3)[2:] + digests), (line.fetch, digests)):
            line.spoil(fault)
            try:
                done = move(wanted)
            except RemoteError as error:
                problem = error
            else:
                assert kind == "denied", name
                problem = done.failed[0][1]
            text = str(problem)
            assert (problem.kind, "remote 'origin'" in text) == (kind, True), (name, text)
            assert says in text, (name, text)
            assert servers.SECRET not in text
            assert servers.KEY not in text
    assert line.there.missing(digests[0])
    # and once it is over, everything goes its way
    line.spoil()
    line.push(digests)
    line.fetch(digests)
    line.arrived(digests)


def test_the_bucket_that_is_not_there_and_the_secret_that_is_wrong(line: Line) -> None:
    digests = line.add(2)
    line.push(digests)
    with pytest.raises(RemoteError, match="bucket") as caught:
        line.push(digests, line.open("nowhere"))
    assert caught.value.kind == "place"
    wrong = line.open(secret_access_key="not-the-secret")
    for move in (line.push, line.fetch):
        with pytest.raises(RemoteError, match="secret key is wrong") as caught:
            move(digests, wrong)
        assert "pivot remote modify" in str(caught.value)
        assert "not-the-secret" not in str(caught.value)
    line.endpoint = "http://127.0.0.1:9"
    with pytest.raises(RemoteError, match="cannot connect to"):
        line.push(digests, line.open())


def test_wrong_bytes_get_no_name(line: Line) -> None:
    digests = line.add(2, large=True)
    line.push(digests)
    line.spoil(Fault("garble", "GET", "/files/"))
    done = line.fetch(digests)
    assert {error.kind for _, error in done.failed} <= {"corrupt", "network"}
    assert len(done.failed) == len(digests)
    assert list(line.there.objects()) == []
    assert list(Path(line.there.folder).glob("tmp/*")) == []


def test_what_may_not_be_written_stays_and_its_directory_with_it(line: Line) -> None:
    files = line.add(6)
    entries = [(f"{i}.txt", digest) for i, digest in enumerate(files)]
    tree = line.here.add_manifest(make_manifest(entries))
    denied = object_path(files[2])
    line.spoil(Fault("status", "PUT", denied, status=403, code="AccessDenied"))
    done = line.push([tree])
    assert [digest for digest, _ in done.failed] == [files[2]]
    assert "may" in str(done.failed[0][1]) or "denied" in str(done.failed[0][1])
    # everything else is there, but not the manifest: no half directory is to be seen
    line.spoil()
    assert line.store.size(object_path(tree)) is None
    assert line.store.size(object_path(files[1])) is not None
    done = line.push([tree])
    assert len(done.moved) == 2
    line.fetch([tree])
    assert line.there.has(tree)


def test_a_broken_download_goes_on_where_it_was_or_anew(line: Line) -> None:
    digests = line.add(0, large=True)
    line.push(digests)
    line.spoil(Fault("cut", "GET", "/files/", times=3))
    assert line.fetch(digests).failed == []
    line.arrived(digests)


def test_many_heads_are_not_asked_where_a_listing_is_cheaper(line: Line) -> None:
    digests = line.add(60)
    line.push(digests)
    line.proxy.requests.clear()
    assert len(line.push(digests).already) == 60
    assert line.proxy.count("HEAD") == 0
    assert 0 < line.proxy.count("GET", "list-type=2") < 60
    line.proxy.requests.clear()
    line.push(digests[:5])
    assert line.proxy.count("HEAD") == 5
    assert line.proxy.count("GET", "list-type") == 0


def test_a_full_disk_ends_a_pull_and_leaves_nothing_half(line: Line) -> None:
    digests = line.add(2, large=True)
    line.push(digests)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE // 2, limits[1]))
    try:
        with pytest.raises(StoreError) as caught:
            line.fetch(digests)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert not isinstance(caught.value, RemoteError)
    assert "there" in str(caught.value)
    assert list(Path(line.there.folder).glob("tmp/*")) == []
    line.fetch(digests)
    line.arrived(digests)
