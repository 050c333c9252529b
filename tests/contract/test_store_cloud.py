"""How requests to GCS, Azure and S3 are formed: places, credentials and settings of each."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import more_servers
import pytest
import servers

from pivot.settings import RemoteSpec
from pivot.store.remotes import ObjectStore, RemoteError, open_store

AZURITE = os.environ.get("PIVOT_TEST_AZURITE", "")


class Recorded:
    """Requests that a server was sent, which answers each as a store that is empty."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def recorder() -> Iterator[Recorded]:
    made = Recorded()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.requests.append((self.command, self.path, headers))
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "0")
            self.send_header("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
            self.end_headers()

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

    with more_servers.serving(Handler) as server:
        made.port = server.server_port
        yield made


def opened(url: str, **options: Any) -> ObjectStore:
    return open_store(RemoteSpec("origin", url, options), "/")


def test_gcs_is_asked_in_its_own_way(tmp_path: Path) -> None:
    with recorder() as server:
        account = {
            "gcs_base_url": server.url,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        (tmp_path / "account.json").write_text(json.dumps(account))
        where = "/bucket/pre%2Ffix%2Ffiles%2Fmd5%2Fab%2Fcd"
        store = opened("gs://bucket/pre/fix", credentialpath=str(tmp_path / "account.json"))
        assert store.url == "gs://bucket/pre/fix"
        store.write("files/md5/ab/cd", b"data")
        assert server.requests[-1][:2] == ("PUT", where)
        assert "authorization" in server.requests[-1][2]
        # what is public is read without a name
        options = {"endpointurl": server.url, "allow_anonymous_login": True}
        opened("gs://bucket/pre/fix", **options).size("files/md5/ab/cd")
        assert server.requests[-1][:2] == ("HEAD", where)
        assert "authorization" not in server.requests[-1][2]


def test_azure_is_asked_in_its_own_way() -> None:
    key = base64.b64encode(b"the account key that is a secret").decode()
    with recorder() as server:
        options = {"account_name": "ada", "account_key": key, "endpointurl": server.url}
        store = opened("azure://box/prefix", **options)
        store.write("files/md5/ab/cd", b"data")
        said = f"AccountName=ada;AccountKey={key};BlobEndpoint={server.url}"
        opened("azure://box/prefix", connection_string=said).size("files/md5/ab/cd")
        opened(
            "azure://box", account_name="ada", sas_token="sig=hush", endpointurl=server.url
        ).size("x/y")
        (put, where, sent), (head, again, asked), (_, signed, _) = server.requests
        assert (put, head) == ("PUT", "HEAD")
        assert where == again == "/box/prefix/files/md5/ab/cd"
        assert sent["x-ms-blob-type"] == "BlockBlob"
        assert sent["authorization"].startswith("SharedKey ada:")
        assert asked["authorization"].startswith("SharedKey ada:")
        assert "sig=hush" in signed
    # what goes wrong does not repeat what was to be kept
    with pytest.raises(RemoteError) as caught:
        opened(
            "azure://box", account_name="ada", sas_token="sig=hush", endpointurl=server.url
        ).write("x/y", b"")
    assert "hush" not in str(caught.value)


@pytest.mark.skipif(not os.path.exists(AZURITE), reason="PIVOT_TEST_AZURITE names no Azurite")
def test_azure_against_its_emulator(tmp_path: Path) -> None:
    port = servers.free_port()
    process = subprocess.Popen(
        [AZURITE, "--location", tmp_path, "--blobPort", str(port), "--skipApiVersionCheck"],
        stdout=subprocess.DEVNULL,
    )
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    try:
        servers.wait_for(port)
        end = f"http://127.0.0.1:{port}/devstoreaccount1"
        options = {"account_name": "devstoreaccount1", "account_key": key, "endpointurl": end}
        store = opened("azure://box/prefix", **options)
        with pytest.raises(RemoteError) as caught:
            store.write("files/md5/ab/cd", b"data")
        assert caught.value.kind in ("place", "absent")
        _make_container(end, key)
        store.write("files/md5/ab/cd", b"data")
        parts: list[bytes] = []
        store.read("files/md5/ab/cd", lambda piece: parts.append(bytes(piece)))
        assert b"".join(parts) == b"data"
        assert dict(store.list("files/")) == {"files/md5/ab/cd": 4}
        store.delete(["files/md5/ab/cd"])
        assert store.size("files/md5/ab/cd") is None
    finally:
        process.terminate()
        process.wait()


def _make_container(endpoint: str, key: str) -> None:
    import hashlib
    import hmac
    import urllib.request
    from email.utils import formatdate

    date = formatdate(usegmt=True)
    text = (
        "PUT\n\n\n\n\n\n\n\n\n\n\n\n"
        f"x-ms-date:{date}\nx-ms-version:2021-08-06\n"
        "/devstoreaccount1/devstoreaccount1/box\nrestype:container"
    )
    signed = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    request = urllib.request.Request(
        f"{endpoint}/box?restype=container",
        method="PUT",
        headers={
            "x-ms-date": date,
            "x-ms-version": "2021-08-06",
            "Authorization": f"SharedKey devstoreaccount1:{base64.b64encode(signed).decode()}",
        },
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()


# --- what S3 can be told -------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with more_servers.moto_server() as address:
        yield address


def s3(moto: str, url: str = "s3://bucket/pre", **options: Any) -> ObjectStore:
    given = {"endpointurl": moto, "access_key_id": "who", "secret_access_key": "hush"}
    return opened(url, **{**given, "region": "us-east-1", **options})


@pytest.mark.thorough  # moto takes two seconds to start
def test_settings_of_s3_reach_the_server(moto: str, tmp_path: Path) -> None:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=moto,
        aws_access_key_id="who",
        aws_secret_access_key="hush",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="bucket")
    customer = base64.b64encode(b"0123456789abcdef" * 2).decode()
    large = tmp_path / "large"
    large.write_bytes(os.urandom(9 << 20))
    cases: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
        ("plain", {}, "RustStore", {}),
        ("sse", {"sse": "AES256"}, "RustStore", {"ServerSideEncryption": "AES256"}),
        (
            "kms",
            {"sse_kms_key_id": "my-key"},
            "RustStore",
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "my-key"},
        ),
        (
            "kms-boto3",
            {"sse": "aws:kms", "sse_kms_key_id": "my-key", "engine": "boto3"},
            "BotoStore",
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "my-key"},
        ),
        ("payer", {"request_payer": "requester"}, "BotoStore", {}),
        ("acl", {"acl": "bucket-owner-full-control"}, "BotoStore", {}),
        (
            "customer",
            {"sse_customer_key": customer},
            "BotoStore",
            {"SSECustomerAlgorithm": "AES256"},
        ),
    ]
    for name, options, kind, expected in cases:
        store = s3(moto, f"s3://bucket/{name}", **options)
        assert type(store).__name__ == kind, name
        store.write("files/md5/ab/cd", b"data")
        store.send("files/md5/ab/large", str(large))
        parts: list[bytes] = []
        store.read("files/md5/ab/cd", lambda piece: parts.append(bytes(piece)))  # noqa: B023
        assert b"".join(parts) == b"data", name
        assert dict(store.list("files/")) == {"files/md5/ab/cd": 4, "files/md5/ab/large": 9 << 20}
        if name == "customer":
            continue  # who has no key is refused
        for key in ("cd", "large"):
            head = client.head_object(Bucket="bucket", Key=f"{name}/files/md5/ab/{key}")
            assert {option: head.get(option) for option in expected} == expected, name


def test_credentials_come_as_every_tool_of_aws_finds_them(
    moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").write_text(
        "[work]\naws_access_key_id = from-file\naws_secret_access_key = hush\n"
    )
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-1\n")
    with recorder() as server:

        def seen(**options: Any) -> str:
            store = opened("s3://bucket/x", endpointurl=server.url, **options)
            store.size("a/b")
            return str(server.requests[-1][2].get("authorization", ""))

        files = {
            "credentialpath": str(tmp_path / "credentials"),
            "configpath": str(tmp_path / "config"),
            "profile": "work",
        }
        for engine in ("obstore", "boto3"):
            said = seen(engine=engine, **files)
            assert "from-file" in said
            assert "eu-west-1" in said
            assert seen(engine=engine, allow_anonymous_login=True, region="us-east-1") == ""
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-env")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
            monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
            assert "from-env" in seen(engine=engine, region="us-east-1")
            assert server.requests[-1][2]["x-amz-security-token"] == "token"
            given = {"access_key_id": "given", "secret_access_key": "hush"}
            assert "given" in seen(engine=engine, region="us-east-1", **given)
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        with pytest.raises(RemoteError, match="no AWS credentials") as caught:
            seen(region="us-east-1")
        assert "aws sso login" in str(caught.value)


def test_a_region_that_nobody_named_is_asked_of_the_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    from pivot.store.remotes.s3 import S3Place

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "who")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    place = S3Place(RemoteSpec("origin", "s3://bucket/x", {}), "/")

    class Client:
        def head_bucket(self, **_: object) -> dict[str, Any]:
            headers = {"x-amz-bucket-region": "ap-southeast-2"}
            return {"ResponseMetadata": {"HTTPHeaders": headers}}

    monkeypatch.setattr(place, "client", lambda _: Client())
    assert place.region == "ap-southeast-2"


PAIR = {"AWS_ACCESS_KEY_ID": "from-env", "AWS_SECRET_ACCESS_KEY": "hush"}
OPTIONS = {"access_key_id": "given", "secret_access_key": "hush"}


@pytest.mark.parametrize("options", [{}, OPTIONS, {**OPTIONS, "session_token": "t"}], ids=len)
@pytest.mark.parametrize("region", [None, "option", "variable"])
@pytest.mark.parametrize(
    "variables",
    [
        PAIR,
        {**PAIR, "AWS_SESSION_TOKEN": "token"},
        {**PAIR, "AWS_SECURITY_TOKEN": "older"},
        {**PAIR, "AWS_CONFIG_FILE": "config"},
        {**PAIR, "AWS_CONFIG_FILE": "config", "AWS_PROFILE": "other"},
        {**PAIR, "AWS_SHARED_CREDENTIALS_FILE": "credentials"},
        {**PAIR, "AWS_ENDPOINT_URL_S3": "http://host:2"},
    ],
    ids=lambda given: "-".join(sorted(given.keys() - PAIR.keys())) or "keys",
)
def test_without_boto3_the_same_is_found_as_with_it(
    options: dict[str, str],
    region: str | None,
    variables: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pivot.store.remotes.s3 as module

    (tmp_path / "config").write_text(
        "[default]\nregion = r-default\nendpoint_url = http://host:3\n"
        "[profile other]\nregion = r-other\ns3 =\n  addressing_style = virtual\n"
    )
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=f\naws_secret_access_key=f\n"
    )
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if region == "variable":
        monkeypatch.setenv("AWS_DEFAULT_REGION", "r-variable")
    given = {"endpointurl": "http://host:1", **options}
    if region == "option":
        given["region"] = "r-option"

    def found() -> tuple[Any, ...]:
        place = module.S3Place(RemoteSpec("origin", "s3://bucket/x", given), "/")
        keys = place.keys()
        return place.region, place.endpoint, place.has_odd_addressing, keys and keys()

    quick = found()
    monkeypatch.setattr(module, "_plain_keys", lambda _: None)
    assert quick == found()


def test_keys_that_are_given_need_no_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys\nfrom pivot.settings import RemoteSpec\n"
        "from pivot.store.remotes import open_store\n"
        "options = {'endpointurl': 'http://127.0.0.1:9', 'region': 'x'}\n"
        "store = open_store(RemoteSpec('origin', 's3://bucket/x', options), '/')\n"
        "print(store.url, *sorted({'boto3', 'botocore'} & set(sys.modules)))\n"
    )
    for name, value in PAIR.items():
        monkeypatch.setenv(name, value)

    def said() -> str:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return done.stdout.decode().strip()

    assert said() == "s3://bucket/x"
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert said() == "s3://bucket/x boto3 botocore"
