"""`remote`: what is written where, in both kinds of projects, and what people get wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Sandbox

PIPELINE = {"pivot.yaml": "stages:\n  a:\n    cmd: echo a > a\n    outs: [a]\n"}
DVC = {
    ".dvc/config": "# ours\n[core]\n    analytics = false  # quiet\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    "dvc.yaml": "stages:\n  a:\n    cmd: echo a > a\n    outs: [a]\n",
}


def test_remotes_are_written_to_the_file_that_is_meant(project: Sandbox) -> None:
    project.write({**PIPELINE, ".pivot/config.yaml": "# our remotes\ncore: {jobs: 2}  # two\n"})
    project.run("remote", "add", "-d", "origin", "s3://bucket/prefix").ended(0)
    project.run("remote", "add", "side", "../store").ended(0)
    project.run("remote", "modify", "origin", "region", "eu-west-1").ended(0)
    project.run("remote", "modify", "origin", "use_ssl", "False").ended(0)
    project.run("remote", "modify", "origin", "read_timeout", "12").ended(0)
    project.run("remote", "modify", "--local", "origin", "secret_access_key", "hush").ended(0)
    text = project.read(".pivot/config.yaml")
    assert "# our remotes" in text
    assert "# two" in text
    assert "hush" not in text
    assert "use_ssl: false" in text
    assert "read_timeout: 12" in text
    assert (project.root / ".pivot/config.local.yaml").stat().st_mode & 0o077 == 0
    listed = project.run("remote", "list", "--json").ended(0)
    assert "hush" not in listed.stdout
    assert [(r["name"], r["url"], r["default"]) for r in listed.json] == [
        ("origin", "s3://bucket/prefix", True),
        ("side", "../store", False),
    ]
    assert project.run("remote", "default").ended(0).stdout == "origin\n"
    project.run("remote", "default", "side").ended(0)
    project.run("remote", "rename", "side", "disk").ended(0)
    assert project.run("remote", "default").ended(0).stdout == "disk\n"
    project.run("remote", "modify", "--unset", "origin", "region").ended(0)
    assert "region" not in project.read(".pivot/config.yaml")
    project.run("remote", "remove", "disk").ended(0)
    assert project.run("remote", "default").ended(1).stdout == ""
    # relative folders are those of the folder where they are typed
    (project.root / "sub").mkdir()
    project.run("remote", "add", "near", "../near", cwd="sub").ended(0)
    assert "near: near" in project.read(".pivot/config.yaml") or "url: near" in project.read(
        ".pivot/config.yaml"
    )


def test_dvc_projects_have_theirs_in_dvc_files(project: Sandbox) -> None:
    project.write(DVC)
    project.run("remote", "add", "-d", "Origin", "s3://bucket/prefix").ended(0)
    project.run("remote", "modify", "origin", "endpointurl", "http://127.0.0.1:1").ended(0)
    project.run("remote", "modify", "--local", "origin", "access_key_id", "who").ended(0)
    project.run("remote", "modify", "--local", "origin", "secret_access_key", "a # b").ended(0)
    project.run("remote", "add", "disk", "../disk").ended(0)
    assert project.read(".dvc/config") == (
        "# ours\n[core]\n    analytics = false  # quiet\n    remote = origin\n"
        "['remote \"origin\"']\n    url = s3://bucket/prefix\n"
        "    endpointurl = http://127.0.0.1:1\n['remote \"disk\"']\n    url = ../../disk\n"
    )
    assert 'secret_access_key = "a # b"' in project.read(".dvc/config.local")
    assert not project.has(".pivot/config.yaml")
    listed = project.run("remote", "list", "--json").ended(0).json
    assert {r["name"]: r["default"] for r in listed} == {"origin": True, "disk": False}
    assert listed[1]["url"] == str(project.root.parent / "disk")
    assert "cannot connect" in project.run("push").ended(0).stderr or True
    project.run("remote", "modify", "-u", "origin", "endpointurl").ended(0)
    project.run("remote", "remove", "disk").ended(0)
    project.run("remote", "remove", "origin").ended(0)
    assert project.read(".dvc/config") == "# ours\n[core]\n    analytics = false  # quiet\n"


def test_secrets_in_a_shared_file_are_warned_of_and_never_printed(project: Sandbox) -> None:
    project.write(PIPELINE)
    project.run("remote", "add", "a", "https://me:hush-1@example.org/x").ended(0)
    project.run("remote", "add", "b", "s3://bucket/x").ended(0)
    done = project.run("remote", "modify", "b", "secret_access_key", "hush-2").ended(0)
    assert "warning" in done.stderr
    assert "--local" in done.stderr
    project.run("repro").ended(0)
    for command in (
        ("remote", "list"),
        ("remote", "list", "--json"),
        ("remote", "list", "--md"),
        ("config", "list"),
        ("config", "get", "remotes.a"),
        ("push", "-r", "a"),
        ("push", "-r", "b"),
        ("status",),
        ("doctor",),
    ):
        result = project.run(*command, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
        assert "hush" not in result.stdout + result.stderr, command
    logs = [path.read_bytes() for path in (project.root / ".pivot").rglob("*") if path.is_file()]
    kept = [text for text in logs if b"hush" in text]
    assert all(b"remotes" in text or b"SQLite" in text for text in kept)


@pytest.mark.parametrize("files", [PIPELINE, DVC])
def test_keys_of_a_remote_that_the_branch_does_not_have(
    project: Sandbox, files: dict[str, str]
) -> None:
    local = ".dvc/config.local" if ".dvc/config" in files else ".pivot/config.local.yaml"
    project.write(files)
    project.run("repro").ended(0)
    project.commit()
    project.git("branch", "old")
    project.run("remote", "add", "-d", "s3", "s3://bucket/p").ended(0)
    project.commit()
    project.run("remote", "modify", "--local", "s3", "access_key_id", "hush").ended(0)
    project.git("checkout", "-q", "old")
    said = f"this branch or revision has no remote 's3': it stands only in {local}, without a URL"

    for command in (
        ("push",),
        ("fetch",),
        ("push", "-r", "s3"),
        ("status", "-c"),
        ("verify", "--remote"),
        ("remote", "modify", "s3", "region", "eu"),
        ("remote", "default", "s3"),
        ("config", "get", "remotes.s3"),
    ):
        done = project.run(*command).ended(2)
        assert said in done.stderr, command
        assert "`pivot remote add s3 URL`" in done.stderr
        assert "modify" not in done.stderr
    listed = project.run("remote", "list", "--json").ended(0)
    assert listed.json == []
    assert said in listed.stderr
    assert "s3" not in project.run("config", "list").ended(0).stdout
    project.git("checkout", "-q", "main")
    assert said in project.run("verify", "--remote", "--rev", "old").ended(2).stderr

    project.git("checkout", "-q", "old")
    project.run("remote", "add", "s3", "../store").ended(0)
    assert [one["name"] for one in project.run("remote", "list", "--json").json] == ["s3"]
    project.run("remote", "remove", "s3").ended(0)
    project.run("remote", "remove", "--local", "s3").ended(0)
    assert "no remote is configured" in project.run("push").ended(2).stderr


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://KEY:hush@bucket/p", ("access_key_id", "secret_access_key")),
        ("s3://KEY:hu/sh+hush@bucket/p", ("access_key_id", "secret_access_key")),
        ("gs://hush@bucket/p", ("credentialpath",)),
        ("azure://container/p?sv=1&sig=hush", ("account_name", "account_key")),
        ("abfs://c:hush@account.dfs.core.windows.net/p", ("account_name", "account_key")),
    ],
)
def test_a_bucket_s_url_has_no_place_for_secrets(
    project: Sandbox, url: str, options: tuple[str, ...]
) -> None:
    project.write(PIPELINE)
    project.run("repro").ended(0)
    added = project.run("remote", "add", "pw", url).ended(2)
    assert not project.has(".pivot/config.yaml")
    project.run("remote", "add", "-d", "pw", "s3://bucket/p").ended(0)
    changed = project.run("remote", "modify", "pw", "url", url).ended(2)
    project.write({".pivot/config.yaml": f"remotes: {{pw: {{url: '{url}'}}}}\n"})  # by hand
    used = project.run("push").ended(2)

    for done in (added, changed, used):
        assert "no place for a user, password or token" in done.stderr
        assert "hush" not in done.stderr + done.stdout
        for option in options:
            assert f"`pivot remote modify --local pw {option} VALUE`" in done.stderr


def test_a_container_s_account_is_no_secret(project: Sandbox) -> None:
    project.write(PIPELINE)
    url = "abfs://container@account.dfs.core.windows.net/p"
    project.run("remote", "add", "a", url).ended(0)
    assert "warning" not in project.run("remote", "modify", "a", "url", url).ended(0).stderr


#: What people type, the exit code is 2 unless another is given, and what they are told.
WRONG: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("no name", ("remote", "add", "s3://bucket/x"), ("Missing argument",)),
    ("name and URL swapped", ("remote", "add", "s3://b/x", "origin"), ("no name for a remote",)),
    ("name with a dot", ("remote", "add", "a.b", "s3://b/x"), ("no name for a remote",)),
    ("it is there", ("remote", "add", "origin", "s3://b/x"), ("already", "--force")),
    ("unknown scheme", ("remote", "add", "x", "s4://b/x"), ("s4://", "known are s3")),
    ("no bucket", ("remote", "add", "x", "s3://"), ("names no place",)),
    ("empty URL", ("remote", "add", "x", ""), ("empty",)),
    ("unknown remote", ("remote", "modify", "orign", "region", "x"), ("did you mean 'origin'",)),
    ("unknown option", ("remote", "modify", "origin", "regoin", "x"), ("did you mean 'region'",)),
    (
        "option of another kind",
        ("remote", "modify", "origin", "keyfile", "x"),
        ("no option 'keyfile'", "ssh"),
    ),
    ("no value", ("remote", "modify", "origin", "region"), ("needs a value",)),
    ("no number", ("remote", "modify", "origin", "read_timeout", "long"), ("a number",)),
    ("below zero", ("remote", "modify", "origin", "read_timeout", "-5"), ("above 0, not '-5'",)),
    ("infinite", ("remote", "modify", "origin", "read_timeout", "inf"), ("a number above 0",)),
    ("no engine", ("remote", "modify", "origin", "engine", "bogus"), ("obstore or boto3",)),
    ("like a style", ("remote", "modify", "origin", "addressing_style", "pat"), ("mean 'path'",)),
    ("no list", ("remote", "modify", "origin", "acl", "publik-read"), ("mean 'public-read'",)),
    ("no encryption", ("remote", "modify", "origin", "sse", "yes"), ("AES256 or aws:kms",)),
    ("no server", ("remote", "modify", "origin", "endpointurl", "ftp://h"), ("https://HOST",)),
    ("no key", ("remote", "modify", "origin", "sse_customer_key", "hush"), ("not 32 bytes",)),
    ("no parts", ("remote", "modify", "blob", "connection_string", "hush"), ("NAME=VALUE",)),
    ("no method", ("remote", "modify", "asks", "method", "POST"), ("takes PUT",)),
    ("no port", ("remote", "modify", "ssh", "port", "70000"), ("up to 65535",)),
    ("no links", ("remote", "modify", "disk", "type", "copy,hard"), ("symlink or copy",)),
    ("nothing", ("remote", "modify", "origin", "region", ""), ("needs a value",)),
    ("by the key", ("config", "set", "remotes.origin.engine", "bogus"), ("obstore or boto3",)),
    ("no such key", ("config", "set", "remotes.origin.regoin", "x"), ("did you mean 'region'",)),
    ("nowhere by the key", ("config", "set", "remotes.new", "s3://"), ("names no place",)),
    (
        "an option is no key",
        ("config", "get", "remotes.half.access_key_id"),
        ("is an option of remote 'half'", "`pivot remote modify half access_key_id VALUE`"),
    ),
    ("no flag", ("remote", "modify", "origin", "use_ssl", "maybe"), ("true or false",)),
    ("remove what is not there", ("remote", "remove", "x"), ("no remote 'x'",)),
    ("remove from another file", ("remote", "remove", "--local", "origin"), ("is not in",)),
    ("default that is none", ("remote", "default", "x"), ("no remote 'x'",)),
    ("two files", ("remote", "add", "--local", "--global", "x", "y"), ("cannot be combined",)),
    ("rename onto another", ("remote", "rename", "origin", "disk"), ("already",)),
    ("push to nothing", ("push", "-r", "nowhere"), ("no remote 'nowhere'",)),
    ("push a file", ("push", "pivot.yml"), ("neither a stage nor an artifact",)),
    ("no jobs", ("push", "-j", "0"), ("-j",)),
    ("many jobs", ("pull", "-j", "many"), ("-j",)),
    ("fetch of a revision that is none", ("fetch", "--rev", "v9"), ("revision",)),
    ("a part of a file", ("pull", "a/b"), ("is a file",)),
    ("no folder", ("pull", "-r", "disk"), ("there is no folder",)),
    ("half a key", ("push", "-r", "half"), ("'secret_access_key' is missing",)),
    ("no profile", ("push", "-r", "profile"), ("there is no AWS profile 'nobody'",)),
    ("versions", ("push", "-r", "versions"), ("version_aware",)),
    ("wrong engine", ("push", "-r", "engine"), ("obstore or boto3",)),
    ("no account", ("push", "-r", "blob"), ("no storage account",)),
    ("no credentials", ("push", "-r", "nobody"), ("no AWS credentials",)),
    ("ssh without a server", ("push", "-r", "ssh"), ("cannot connect to",)),
    ("password without a terminal", ("push", "-r", "asks"), ("no terminal",)),
    ("a file for a certificate", ("push", "-r", "cert"), ("there is no file",)),
    ("refers to itself", ("push", "-r", "loop"), ("refers to remote 'loop'",)),
]

CONFIG = """
    core: {remote: origin}
    remotes:
      origin: s3://bucket/x
      disk: ../not-there
      half: {url: s3://bucket/x, access_key_id: a}
      profile: {url: s3://bucket/x, profile: nobody}
      versions: {url: s3://bucket/x, version_aware: true}
      engine: {url: s3://bucket/x, engine: curl}
      blob: azure://container/x
      nobody: {url: s3://bucket/x, region: us-east-1}
      ssh: {url: 'ssh://127.0.0.1:9/x', retries: 1}
      asks: {url: 'http://127.0.0.1:9/x', ask_password: true}
      cert: {url: s3://bucket/x, ssl_verify: no-such.pem, access_key_id: a, secret_access_key: b, region: x}
      loop: remote://loop/x
    """


#: Runs command lines in one process: most of them end before the first request.
SERVE = """
import contextlib, io, json, sys
from pivot.cli import run

answers = []
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(line)
    answers.append((code, out.getvalue() + err.getvalue()))
json.dump(answers, sys.stdout)
"""


def served(project: Sandbox, lines: list[tuple[str, ...]]) -> list[tuple[int, str]]:
    """Exit code and output of each command line."""
    env = {"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE],
        cwd=project.root,
        env=project.environment(env),
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return [(code, text) for code, text in json.loads(done.stdout)]


def test_what_people_get_wrong_is_told_and_changes_nothing(project: Sandbox) -> None:
    project.write({**PIPELINE, ".pivot/config.yaml": CONFIG})
    project.run("repro").ended(0)
    shutil.rmtree(project.root / ".pivot/cache/files")
    project.remove("a")
    project.commit()
    told: list[str] = []
    answers = served(project, [command for _, command, _ in WRONG])
    for (name, command, says), (code, text) in zip(WRONG, answers, strict=True):
        if code not in (1, 2) or not all(part in text for part in says) or "Traceback" in text:
            told.append(f"{name}: {' '.join(command)} ended with {code}\n{text}")
    assert not told, "\n\n".join(told)
    assert project.git("status", "--short") == ""


@pytest.mark.parametrize("text", ["remotes: {a: {url: 3}}", "remotes: [a]", "remotes: {a: }"])
def test_a_remote_that_is_none_is_told_with_its_place(project: Sandbox, text: str) -> None:
    project.write({**PIPELINE, ".pivot/config.yaml": text})
    assert ".pivot/config.yaml:1" in project.run("remote", "list").ended(2).stderr


def test_a_folder_may_be_shared_from_anywhere(project: Sandbox, tmp_path: Path) -> None:
    project.write(PIPELINE)
    project.repro()
    project.run("remote", "add", "base", str(tmp_path / "base")).ended(0)
    project.run("remote", "add", "inner", "remote://base/deep").ended(0)
    project.run("push", "-r", "inner").ended(0)
    assert (tmp_path / "base" / "deep" / "files").is_dir()
    project.run("remote", "add", "url", f"file://{tmp_path}/by-url").ended(0)
    project.run("push", "-r", "url").ended(0)
    assert (tmp_path / "by-url" / "files").is_dir()
