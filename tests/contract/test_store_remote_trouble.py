"""Remotes that cannot be opened or used: what people are told, and nothing that is secret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import more_servers
import pytest

from pivot.cli.transfer import TransferMeter
from pivot.settings import RemoteSpec, shown_url
from pivot.store.remotes import Crew, RemoteError, Retry, open_store
from pivot.store.remotes.s3 import S3Place

SECRET = "hush-hush"
QUICK = Retry(attempts=2, first=0.01)


def spec(url: str, **options: Any) -> RemoteSpec:
    return RemoteSpec("origin", url, options)


KEYS = {"access_key_id": "a", "secret_access_key": SECRET, "region": "x"}
#: A remote that is set up wrongly, and what opening it says.
WRONG: list[tuple[RemoteSpec, str]] = [
    (spec(""), "it has no URL"),
    (spec("ftp://host/x"), "no kind of remote"),
    (spec("s3://"), "names no bucket"),
    (spec("s3://b", secret_access_key=SECRET), "'access_key_id' is missing"),
    (spec("s3://b", regoin="x"), "no option 'regoin'"),
    (spec("s3://b", **KEYS, ssl_verify="none.pem", use_ssl="perhaps"), "there is no file"),
    (spec("s3://b", **KEYS, allow_anonymous_login="perhaps"), "true or false"),
    (spec("s3://b", **KEYS, connect_timeout="-3"), "a number above 0"),
    (spec("s3://b", **KEYS, ssl_verify="none.pem"), "there is no file"),
    (spec("s3://b", **KEYS, engine="obstore", acl="private"), "cannot do 'acl'"),
    (spec("s3://b", **KEYS, acl="private", grant_read="x"), "exclude each other"),
    (spec("s3://b", **KEYS, sse_customer_key=SECRET), "not 32 bytes"),
    (spec("s3://b", **KEYS, addressing_style="odd"), "auto or path or virtual"),
    (spec("s3://b", **KEYS, worktree=True), "version_aware, worktree"),
    (spec("gs://"), "BUCKET/PREFIX"),
    (spec("gs://b", version_aware="true"), "version_aware, worktree"),
    (spec("gs://b", credentialpath="none.json"), "there is no file"),
    (spec("azure://"), "CONTAINER/PREFIX"),
    (spec("azure://c"), "names no storage account"),
    (spec("azure://c", connection_string=SECRET), "not NAME=VALUE"),
    (spec("azure://c", account_name="a", account_key=SECRET), "do not fit together"),
    (spec("http:///x"), "names no host"),
    (spec("http://h/x", method="POST"), "method takes PUT, not 'POST'"),
    (spec("http://h/x", auth="digest"), "auth takes basic or custom"),
    (spec("http://h/x", auth="custom", password=SECRET), "custom_auth_header"),
    (spec("ssh:///x"), "names no host"),
    (spec("ssh://h/x", port="zero"), "a number above 0"),
    (spec("/tmp/x", endpointurl="http://h"), "folder has no option"),
    (spec("/tmp/x", jobs=0), "a number above 0"),
]


def test_what_is_set_up_wrongly_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    for wrong, says in WRONG:
        with pytest.raises(RemoteError) as caught:
            open_store(wrong, str(tmp_path)).size("a/b")
        text = str(caught.value)
        assert says in text, text
        assert "remote 'origin'" in text
        assert caught.value.hint
        assert SECRET not in text


def test_urls_are_shown_without_what_is_secret_in_them() -> None:
    assert shown_url("../store") == "../store"
    assert shown_url("s3://bucket/x") == "s3://bucket/x"
    assert shown_url(f"https://me:{SECRET}@host:8/x") == "https://me:***@host:8/x"
    assert shown_url(f"https://host/x?sig={SECRET}") == "https://host/x?***"
    assert shown_url("ssh://ada@host/x") == "ssh://ada@host/x"


def test_what_boto3_complains_of_is_told_in_kinds() -> None:
    import botocore.exceptions as trouble
    from urllib3.exceptions import ProtocolError

    place = S3Place(spec("s3://bucket/x", **KEYS, endpointurl="host:1"), "/")
    assert place.endpoint == "https://host:1"

    def answer(code: str, status: int) -> Exception:
        data: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return trouble.ClientError(data, "GetObject")

    for error, kind in (
        (answer("404", 404), "absent"),
        (answer("NoSuchBucket", 404), "place"),
        (answer("Strange", 503), "busy"),
        (answer("Strange", 418), "other"),
        (answer("429", 429), "busy"),
        (trouble.EndpointConnectionError(endpoint_url="x"), "network"),
        (trouble.ReadTimeoutError(endpoint_url="x"), "network"),
        (trouble.NoCredentialsError(), "credentials"),
        (trouble.ParamValidationError(report="x"), "place"),
        (trouble.IncompleteReadError(actual_bytes=1, expected_bytes=2), "network"),
        (trouble.UnknownServiceError(service_name=SECRET, known_service_names=""), "other"),
        (ProtocolError("broken"), "network"),
        (ConnectionResetError(), "network"),
    ):
        found = place.problem(error, "a/b")
        assert found.kind == kind, error
        assert SECRET not in str(found)
    with pytest.raises(KeyError):
        place.problem(KeyError("a defect is no trouble of the network"))


# --- SSH -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[more_servers.SshServer]:
    with more_servers.ssh_server(tmp_path_factory.mktemp("ssh")) as server:
        yield server


def test_ssh_refuses_what_it_does_not_know(ssh: more_servers.SshServer, tmp_path: Path) -> None:
    good = {"password": ssh.password, "known_hosts": str(ssh.known_hosts)}
    (tmp_path / "nobody").write_text("")
    host, key = ssh.known_hosts.read_text().split(" ", 1)
    other = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
    (tmp_path / "changed").write_text(f"{host} ecdsa-sha2-nistp256 {other}\n")
    assert key
    for options, kind, says in (
        ({**good, "password": SECRET}, "credentials", "does not let you in as 'ada'"),
        ({**good, "known_hosts": str(tmp_path / "nobody")}, "credentials", "host key"),
        ({**good, "known_hosts": str(tmp_path / "changed")}, "credentials", "another host key"),
    ):
        store = open_store(spec(ssh.url(), **options), "/")
        with pytest.raises(RemoteError) as caught:
            store.size("a/b")
        assert (caught.value.kind, says in str(caught.value)) == (kind, True), str(caught.value)
        assert SECRET not in str(caught.value)
    store = open_store(spec(ssh.url("/none"), **good), "/")
    with pytest.raises(RemoteError, match="there is no folder"):
        store.check()
    (ssh.folder / "blocked").write_text("a file where a folder is needed")
    store = open_store(spec(ssh.url("/blocked"), **good), "/")
    with pytest.raises(RemoteError) as caught:
        store.write("a/b", b"x")
    assert caught.value.kind in ("disk", "absent", "network")
    store.close()
    with pytest.raises(RemoteError, match="no terminal"):
        open_store(spec(ssh.url(), ask_password=True), "/").size("a/b")


# --- many at a time ------------------------------------------------------------------------


class Memory:
    """Sizes by key; notes what was asked."""

    name, url, jobs, asks_cheaply, lists = "origin", "memory", 4, False, True

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self.asked: list[str] = []
        self.listed: list[str] = []

    def size(self, key: str) -> int | None:
        self.asked.append(key)
        return self.sizes.get(key)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        self.listed.append(prefix)
        yield from [(k, s) for k, s in self.sizes.items() if k.startswith(prefix)]

    def read(self, key: str, take: Any, *, start: int = 0) -> int:
        raise AssertionError

    def write(self, key: str, data: bytes) -> None:
        raise AssertionError

    def send(self, key: str, path: str, *, sent: Any = None) -> None:
        raise AssertionError

    def delete(self, keys: Sequence[str]) -> None:
        raise AssertionError

    def check(self) -> None: ...

    def close(self) -> None: ...


def keys(number: int, ending: str = "") -> dict[str, int]:
    return {f"files/md5/{i % 256:02x}/{i:030x}{ending}": i for i in range(number)}


def test_the_cheaper_of_asking_and_listing_is_chosen() -> None:
    crew = Crew(4, QUICK)
    wanted = [*list(keys(500))[::2], "files/md5/00/never"]

    def found(held: dict[str, int], asked: Sequence[str]) -> tuple[int, int]:
        store = Memory(held)
        expected = {key: held[key] for key in asked if key in held}
        assert crew.existing(store, asked) == expected
        return len(store.asked), len(store.listed)

    # few are asked for; a small remote is listed at once, a larger one shard by shard
    assert found(keys(500), wanted[:10]) == (10, 0)
    assert found(keys(500), wanted) == (0, 2)
    shards = {key[: len("files/md5/00")] for key in keys(5000)}
    assert found(keys(5000), list(keys(5000))[:1000]) == (0, len(shards))
    # a remote with far more than what is asked for is asked
    assert found({**keys(20_000), **keys(20_000, "x")}, wanted) == (len(wanted), 1)
    # objects of DVC 2 lie at the top, beside everything else
    legacy = {f"{i:02x}/{i:030x}": 1 for i in range(100)}
    assert found(legacy, list(legacy)) == (100, 0)


def test_failures_that_last_are_raised_and_single_ones_returned() -> None:
    crew = Crew(4, QUICK)

    def work(item: int) -> None:
        if item == 3:
            raise RemoteError("denied", "origin", "access is denied")

    failed = crew.each(range(8), work)
    assert [(item, error.kind) for item, error in failed] == [(3, "denied")]

    def fails(_: int) -> None:
        raise RemoteError("credentials", "origin", "they have expired")

    with pytest.raises(RemoteError, match="expired"):
        crew.each(range(8), fails)
    with pytest.raises(ZeroDivisionError):
        crew.each(range(8), lambda item: 1 // 0)


def test_the_meter_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with TransferMeter("fetching", draws=True) as meter:
        meter.expect(2000, 20_000_000)
        meter._began = 0.0
        meter._drawn = 0.0
        meter.moved(8_300_000)
        meter.finished()
        assert meter.text(4.0) == "fetching 1/2,000 files, 8.3 MB of 20 MB (2.1 MB/s)"
    shown = capsys.readouterr().err
    assert "fetching 0/2,000 files" in shown
    assert shown.endswith("\r")


def test_who_may_not_list_is_asked_for_each() -> None:
    class Closed(Memory):
        def list(self, prefix: str) -> Iterator[tuple[str, int]]:
            raise RemoteError("denied", "origin", "access is denied")

    held = keys(100)
    store = Closed(held)
    assert Crew(4, QUICK).existing(store, list(held)) == held
    assert len(store.asked) == 100
