"""`import`, `import-url`, `update`, `get`: data of other repositories, and hostile ones."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from harness import Sandbox

PIPELINE = {
    "pivot.yaml": """
        stages:
          fit:
            cmd: mkdir -p parts && tr a-z A-Z < data.txt > model.txt && cp data.txt parts/one
            deps: [data.txt]
            outs: [model.txt, parts]
        """,
    "data.txt": "words\n",
    "plain/notes.txt": "as git has it\n",
    "plain/run.sh": "#!/bin/sh\necho hello\n",
    ".gitignore": "",
}


def released(project: Sandbox, tag: str) -> str:
    commit = project.commit(tag)
    project.git("tag", "-f", tag)
    return commit


@pytest.fixture(scope="module")
def released_project(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    project = Sandbox(tmp_path_factory.mktemp("template") / "theirs").write(PIPELINE)
    os.chmod(project.root / "plain/run.sh", 0o755)
    project.run("track", "data.txt").ended(0)
    project.run("repro").ended(0)
    released(project, "v1")
    return project


@pytest.fixture
def theirs(tmp_path: Path, released_project: Sandbox) -> Sandbox:
    """A Pivot repository with an out, a directory out, tracked data and plain files."""
    return released_project.copy(tmp_path / "theirs")


@pytest.fixture
def ours(tmp_path: Path) -> Sandbox:
    project = Sandbox(tmp_path / "ours")
    project.env["XDG_CACHE_HOME"] = str(tmp_path / "home-cache")
    project.run("init").ended(0)
    return project


def record(project: Sandbox, path: str) -> str:
    return project.read(f"{path}.pvt")


def test_a_model_is_imported_by_tag_feeds_a_stage_and_moves_to_a_new_tag(
    theirs: Sandbox, ours: Sandbox
) -> None:
    first = theirs.git("rev-parse", "v1").strip()
    url = "../theirs"
    ours.write({"use.yaml": "", "pivot.yaml": """
        stages:
          use:
            cmd: cat model.txt > used.txt
            deps: [model.txt]
            outs: [used.txt]
        """})  # fmt: skip

    said = ours.run("import", url, "model.txt", "--rev", "v1").ended(0).stdout

    assert first[:8] in said
    assert ours.read("model.txt") == "WORDS\n"
    assert f"rev: v1\n    rev_lock: {first}" in record(ours, "model.txt")
    assert "/model.txt" in ours.read(".gitignore")
    assert ours.ran() == {"use"}
    assert ours.run("update", "--check").ended(0).stdout == "Everything is up to date (1 import).\n"

    theirs.write({"data.txt": "other words\n"})
    theirs.run("track", "data.txt").ended(0)
    theirs.run("repro").ended(0)
    second = released(theirs, "v1")

    told = ours.run("update", "--check").ended(1).stdout
    assert f"model.txt: {first[:8]} -> {second[:8]}" in told
    assert ours.read("model.txt") == "WORDS\n"
    assert ours.run("update", "--dry-run", "model.txt").ended(0).stdout == told
    ours.run("update", "model.txt").ended(0)
    assert ours.read("model.txt") == "OTHER WORDS\n"
    assert ours.ran() == {"use"}

    back = ours.run("update", "model.txt.pvt", "--rev", first, "--json").ended(0).json["imports"]
    assert [(item["old"], item["new"]) for item in back] == [(second, first)]
    assert ours.read("model.txt") == "WORDS\n"


def test_a_commit_that_leaves_the_data_alone_makes_no_import_stale(
    theirs: Sandbox, ours: Sandbox
) -> None:
    paths = ("model.txt", "parts", "plain/notes.txt", "plain")
    for path in paths:
        ours.run("import", "../theirs", path).ended(0)
    theirs.write({"README": "more\n"})
    new = released(theirs, "v2")

    told = ours.run("update", "--check").ended(0)

    assert [line.partition(":")[0] for line in told.stdout.splitlines()[:-1]] == sorted(
        path.rpartition("/")[2] for path in paths
    )
    assert told.stdout.count(", the same data  (") == len(paths)
    assert told.stdout.endswith(f"0 to update, {len(paths)} up to date.\n")
    listed = ours.run("update", "--check", "--json").ended(0).json["imports"]
    assert {(item["changed"], item["same_data"]) for item in listed} == {(True, True)}
    before = ours.contents(".pivot/cache")
    ours.run("update").ended(0)
    assert new in record(ours, "plain")
    assert ours.contents(".pivot/cache") == before
    assert "up to date" in ours.run("update", "--check").ended(0).stdout
    theirs.write({"plain/notes.txt": "changed\n"})
    released(theirs, "v3")
    assert ours.run("update", "--check").ended(1).stdout.endswith("2 to update, 2 up to date.\n")


def test_folders_parts_and_plain_files_are_imported(theirs: Sandbox, ours: Sandbox) -> None:
    ours.run("import", "../theirs", "parts").ended(0)
    ours.run("import", "../theirs", "parts/one", "-o", "one.txt").ended(0)
    ours.run("import", "../theirs", "plain").ended(0)
    ours.run("import", str(theirs.root), "data.txt", "-o", "in/data.txt").ended(0)
    assert ours.read("parts/one") == ours.read("one.txt") == ours.read("in/data.txt") == "words\n"
    assert ours.read("plain/notes.txt") == "as git has it\n"
    assert os.access(ours.root / "plain/run.sh", os.X_OK)
    assert ours.run("status").ended(0).stdout.startswith("Everything is up to date")
    ours.commit()
    for path in ("parts", "one.txt", "plain", "in/data.txt"):
        ours.remove(path)
    ours.run("checkout").ended(0)
    assert ours.read("plain/notes.txt") == "as git has it\n"


def test_what_is_listed_of_a_repository_can_be_got_from_anywhere(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    listed = ours.run("list", "../theirs", "--json").ended(0).json["artifacts"]
    assert [item["path"] for item in listed] == ["data.txt", "model.txt", "parts"]
    shown = ours.run("list", "../theirs", "--rev", "v1").ended(0).stdout
    assert "model.txt" in shown
    elsewhere = Sandbox(tmp_path / "elsewhere", git=False)
    elsewhere.env |= ours.env
    elsewhere.run("get", "../theirs", "parts").ended(0)
    elsewhere.run("get", "../theirs", "model.txt", "-o", "m.txt").ended(0)
    assert elsewhere.contents() == {"parts/one": b"words\n", "m.txt": b"WORDS\n"}
    refused = elsewhere.run("get", "../theirs", "parts").ended(2)
    assert "exists already" in refused.stderr
    elsewhere.write({"parts/more": "mine\n"})
    elsewhere.run("get", "../theirs", "parts", "--force").ended(0)
    assert set(elsewhere.contents()) == {"parts/one", "m.txt"}


@pytest.mark.parametrize("revision", ["HEAD", "@", "HEAD^{commit}", "dev~0"])
def test_head_of_another_repository_is_what_is_checked_out_there(
    theirs: Sandbox, ours: Sandbox, revision: str
) -> None:
    theirs.git("branch", "-M", "trunk")  # no branch is called as `git init` would call it here
    theirs.git("checkout", "-q", "-b", "dev")
    theirs.write({"data.txt": "other\n"})
    theirs.run("track", "data.txt").ended(0)
    theirs.repro()
    theirs.commit("dev")
    ours.run("import", "../theirs", "model.txt", "--rev", revision).ended(0)
    assert ours.read("model.txt") == "OTHER\n"
    assert f"rev_lock: {theirs.git('rev-parse', 'dev').strip()}" in record(ours, "model.txt")
    ours.run("get", "../theirs", "model.txt", "--rev", "HEAD~1", "-o", "before.txt").ended(0)
    assert ours.read("before.txt") == "WORDS\n"
    if revision != "dev~0":
        theirs.git("checkout", "-q", "trunk")
        assert "1 updated" in ours.run("update").ended(0).stdout
        assert ours.read("model.txt") == "WORDS\n"


def test_a_head_without_a_commit_is_told_apart_from_a_repository_without_any(
    theirs: Sandbox, ours: Sandbox
) -> None:
    ours.run("list", "../theirs").ended(0)
    theirs.git("checkout", "-q", "--orphan", "new")
    for arguments in ([], ["--rev", "HEAD"]):
        told = ours.run("list", "../theirs", *arguments).ended(2)
        assert "HEAD of ../theirs names no commit" in told.stderr
        assert "--rev m" in told.stderr


def test_only_the_record_is_written_without_a_download_until_an_update(
    theirs: Sandbox, ours: Sandbox
) -> None:
    ours.run("import", "../theirs", "model.txt", "--no-download").ended(0)
    assert not ours.has("model.txt")
    assert "rev_lock" in record(ours, "model.txt")
    assert "(`pivot pull` brings it from its source)" in ours.run("status").stdout
    ours.run("update").ended(0)
    assert ours.read("model.txt") == "WORDS\n"
    assert "rev_lock" in record(ours, "model.txt")
    assert ours.run("status").ended(0).stdout.startswith("Everything is up to date")


def test_a_chain_of_imports_leads_to_where_the_data_is(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    middle = Sandbox(tmp_path / "middle")
    middle.env |= ours.env
    middle.run("init").ended(0)
    middle.run("import", "../theirs", "model.txt").ended(0)
    middle.run("import", "../theirs", "parts").ended(0)
    released(middle, "v1")
    middle.remove(".pivot/cache", "model.txt", "parts")

    ours.run("import", "../middle", "model.txt").ended(0)
    ours.run("import", "../middle", "parts/one").ended(0)

    assert ours.read("model.txt") == "WORDS\n"
    assert ours.read("one") == "words\n"


def test_data_comes_from_the_remote_that_the_repository_names(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    theirs.run("config", "set", "remotes.store", str(tmp_path / "store")).ended(0)
    theirs.run("push").ended(0)
    released(theirs, "v2")
    bare = tmp_path / "published.git"
    theirs.git("clone", "--quiet", "--bare", ".", str(bare))

    ours.run("import", str(bare), "parts", "--rev", "v2").ended(0)
    assert ours.read("parts/one") == "words\n"
    failed = ours.run("import", str(bare), "model.txt", "--rev", "v1").ended(1)
    assert "in no cache here, and no remote is configured" in failed.stderr
    assert not ours.has("model.txt.pvt")


def test_data_that_has_another_digest_here_is_pulled_after_an_import_without_it(
    ours: Sandbox, tmp_path: Path
) -> None:
    source, place = dvc_source(tmp_path)
    source.write({f".dvc/cache/{place}": "a\n"})
    ours.run("import", "../source", "a.txt", "--no-download").ended(0)
    assert "imported without its data (`pivot pull` brings it)" in ours.run("status").stdout
    lacks = ours.run("verify").ended(1).stdout
    assert "a.txt was imported without its data; `pivot pull` brings it" in lacks
    told = ours.run("verify", "--allow-missing").ended(0)
    assert "imported without its data" in told.stderr
    assert "0 stages and 1 artifact" in told.stdout
    text = "{cmd: cp a.txt used.txt, deps: [a.txt], outs: [used.txt]}"
    ours.write({"pivot.yaml": f"stages:\n  use: {text}\n"})
    needs = ours.run("repro").ended(2).stderr
    assert (
        "needs 'a.txt', which was imported without its data\n  `pivot pull a.txt` brings" in needs
    )

    ours.write({"a.txt": "mine\n"})
    assert "something else is in its place" in ours.run("pull").ended(1).stderr
    assert ours.read("a.txt") == "mine\n"
    ours.remove("a.txt")
    pulled = ours.run("pull", "a.txt").ended(0)

    assert "restored a.txt" in pulled.stderr
    assert ours.read("a.txt") == "a\n"
    assert "  digest: blake3:" in record(ours, "a.txt")
    assert ours.ran() == {"use"}
    ours.run("verify").ended(0)
    ours.write({"a.txt": "changed\n"})
    told = ours.run("status")
    assert "a.txt  is not what was imported (`pivot checkout` puts that back" in told.stdout


def test_a_folder_as_a_remote_is_seen_from_the_folder_of_the_repository(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    theirs.run("config", "set", "remotes.store", "../store").ended(0)
    theirs.run("push").ended(0)
    released(theirs, "v2")
    theirs.remove(".pivot/cache", "parts", "model.txt")

    url = f"file://{theirs.root}"
    failed = ours.run("import", url, "parts").ended(1)

    assert "its remote 'store' is a folder as seen from where that repository lies: '../store'" in (
        failed.stderr
    )
    assert "name the repository by its folder" in failed.stderr
    ours.run("import", "../theirs", "parts").ended(0)
    assert ours.read("parts/one") == "words\n"
    (tmp_path / "store").rename(tmp_path / "away")
    failed = ours.run("import", str(theirs.root), "model.txt").ended(1)
    assert f"there is no folder '{tmp_path / 'store'}'" in failed.stderr
    assert "whose owner can correct it there" in failed.stderr


def dvc_source(tmp_path: Path) -> tuple[Sandbox, str]:
    """A repository of DVC's that tracks `a.txt`, and the object's path in a cache or remote."""
    md5 = hashlib.md5(b"a\n").hexdigest()
    source = Sandbox(tmp_path / "source").write(
        {
            ".dvc/config": "[core]\n    remote = st\n['remote \"st\"']\n    url = ../../store\n",
            "a.txt.dvc": f"outs:\n- md5: {md5}\n  size: 2\n  hash: md5\n  path: a.txt\n",
        }
    )
    source.commit()
    return source, f"files/md5/{md5[:2]}/{md5[2:]}"


def test_the_remote_and_both_caches_of_a_dvc_repository_serve(
    ours: Sandbox, tmp_path: Path
) -> None:
    source, place = dvc_source(tmp_path)
    Sandbox(tmp_path / "store", git=False).write({place: "a\n"})
    ours.run("import", "../source", "a.txt", "-o", "from-remote").ended(0)
    assert ours.read("from-remote") == "a\n"

    (tmp_path / "store").rename(tmp_path / "away")
    source.git("rm", "-rq", ".dvc", "a.txt.dvc")
    source.write({".pivot/config.yaml": "core: {hash: md5}\n", ".gitignore": ".pivot/cache\n"})
    source.commit("it is Pivot's now")
    source.write({f".pivot/cache/{place}": "a\n"})
    ours.run("get", "../source", "a.txt", "--rev", "HEAD~1", "-o", "from-cache").ended(0)
    assert ours.read("from-cache") == "a\n"


def test_a_pull_brings_imports_from_where_they_came(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    ours.run("import", "../theirs", "parts", "--rev", "v1").ended(0)
    ours.run("import", "../theirs", "model.txt", "--rev", "v1").ended(0)
    ours.commit()
    ours.remove("parts", "model.txt", ".pivot/cache")
    ours.run("pull", "model.txt").ended(0)
    assert ours.read("model.txt") == "WORDS\n"
    ours.run("pull").ended(0)
    assert ours.read("parts/one") == "words\n"

    ours.remove("parts", ".pivot/cache")
    theirs.root.rename(tmp_path / "away")
    lost = ours.run("pull").ended(1)
    assert "parts" in lost.stdout + lost.stderr
    assert "there is no repository '../theirs'" in lost.stdout + lost.stderr


def _import_both(ours: Sandbox) -> None:
    """A file beside the repositories, and a result of the other one."""
    (ours.root.parent / "beside.csv").write_text("a\n")
    ours.run("import-url", "../beside.csv").ended(0)
    ours.run("import", "../theirs", "model.txt").ended(0)


def test_a_run_that_pulls_brings_imports_though_their_readers_are_restored(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    _import_both(ours)
    text = "cmd: cat model.txt beside.csv > both\n    deps: [model.txt, beside.csv]"
    ours.write({"pivot.yaml": f"stages:\n  join:\n    {text}\n    outs: [both]\n"})
    ours.repro()
    (tmp_path / "store").mkdir()
    ours.run("config", "set", "remotes.store", str(tmp_path / "store")).ended(0)
    ours.run("push", "both").ended(0)
    ours.remove("beside.csv", "model.txt", "both", ".pivot/cache")
    done = ours.run("repro", "--pull").ended(0)
    assert "join: restored" in done.stderr
    assert done.stderr.count("model.txt.pvt: restored 'model.txt'") == 1
    assert [ours.read(path) for path in ("model.txt", "beside.csv")] == ["WORDS\n", "a\n"]


def test_a_pull_brings_data_of_urls_though_no_remote_is_configured(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path
) -> None:
    _import_both(ours)
    ours.remove("beside.csv", "model.txt", ".pivot/cache")
    pulled = ours.run("pull").ended(0)
    brought = "2 imports brought from their sources.\n"
    assert pulled.stdout == f"{brought}2 restored, 0 unchanged.\n"
    ours.remove("model.txt")
    assert ours.run("pull").ended(0).stdout == "1 restored, 1 unchanged.\n"
    assert ours.read("beside.csv") == "a\n"
    assert ours.read("model.txt") == "WORDS\n"

    ours.remove("beside.csv", ".pivot/cache")
    ours.run("config", "set", "remotes.store", str(tmp_path / "store")).ended(0)
    (tmp_path / "store").mkdir()
    ours.run("pull").ended(0)
    assert ours.read("beside.csv") == "a\n"
    (tmp_path / "beside.csv").write_text("b\n")
    ours.remove("beside.csv", ".pivot/cache")
    told = ours.run("pull").ended(1)
    assert "its source has other data now" in told.stdout + told.stderr


def test_plain_files_come_from_repositories_whose_pipeline_would_have_to_be_run(
    ours: Sandbox, tmp_path: Path
) -> None:
    computed = Sandbox(tmp_path / "computed").write(
        {
            "pipeline.py": "import os, pivot\np = pivot.Pipeline()\n"
            "for n in os.listdir('.'): p.register(print, name=n)\n",
            "raw.txt": "raw\n",
        }
    )
    assert "has no commits yet" in ours.run("list", "../computed").ended(2).stderr
    computed.commit()
    ours.run("import", "../computed", "raw.txt", "--no-download").ended(0)
    assert "digest: blake3:" in record(ours, "raw.txt")
    ours.run("pull").ended(0)
    assert ours.read("raw.txt") == "raw\n"
    refused = ours.run("get", "../computed", "made.txt").ended(2)
    assert "as far as its pipelines can be read: pipeline.py:3" in refused.stderr


def test_what_was_changed_here_is_not_lost(theirs: Sandbox, ours: Sandbox) -> None:
    ours.write({"model.txt": "mine\n"})
    assert "exists already" in ours.run("import", "../theirs", "model.txt").ended(2).stderr
    ours.run("import", "../theirs", "model.txt", "--force").ended(0)
    again = ours.run("import", "../theirs", "model.txt").ended(2)
    assert "is tracked by model.txt.pvt already" in again.stderr
    ours.write({"model.txt": "edited\n"})
    theirs.append("plain/notes.txt", "more\n")
    theirs.write({"data.txt": "x\n"})
    theirs.run("track", "data.txt").ended(0)
    theirs.run("repro").ended(0)
    released(theirs, "v2")
    before = ours.contents()
    refused = ours.run("update").ended(2)
    assert "was changed here" in refused.stderr
    assert ours.contents() == before
    ours.run("update", "--force").ended(0)
    assert ours.read("model.txt") == "X\n"


def test_offline_what_was_fetched_before_serves(theirs: Sandbox, ours: Sandbox) -> None:
    ours.run("import", "../theirs", "model.txt").ended(0)
    theirs.root.rename(theirs.root.parent / "away")
    gone = ours.run("update").ended(2)
    assert "there is no repository" in gone.stderr


def test_an_import_that_cannot_be_updated_is_named_and_keeps_no_other_back(
    theirs: Sandbox, ours: Sandbox
) -> None:
    gone = theirs.copy(theirs.root.parent / "gone")
    ours.run("import", "../gone", "model.txt", "-o", "a.txt").ended(0)
    ours.run("import", "../theirs", "model.txt", "-o", "b.txt").ended(0)
    ours.run("import", "../theirs", "plain/notes.txt", "-o", "c.txt", "--rev", "v1").ended(0)
    gone.root.rename(theirs.root.parent / "away")
    theirs.write({"data.txt": "x\n"})
    theirs.run("track", "data.txt").ended(0)
    theirs.run("repro").ended(0)
    released(theirs, "v2")
    before = ours.read("a.txt.pvt")
    error = "error: a.txt.pvt: there is no repository '../gone'\n"

    told = ours.run("update", "--check").ended(2)
    assert told.stdout.startswith("b.txt: ")
    assert told.stdout.endswith("1 to update, 1 up to date, 1 failed.\n")
    assert told.stderr.startswith(error)
    listed = ours.run("update", "--check", "--json").ended(2)
    assert [item["changed"] for item in listed.json["imports"]] == [True, False]

    done = ours.run("update").ended(2)
    assert done.stdout.endswith("1 updated, 1 up to date, 1 failed.\n")
    assert done.stderr.count("error: ") == 1
    assert done.stderr.startswith(error)
    assert ours.read("b.txt") == "X\n"
    assert ours.read("a.txt.pvt") == before
    again = ours.run("update").ended(2)
    assert again.stdout == "0 updated, 2 up to date, 1 failed.\n"


def test_a_repository_of_another_user_s_is_refused_with_the_cure(
    theirs: Sandbox, ours: Sandbox
) -> None:
    env = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}  # as git calls it for its own tests
    for command in ("get", "import"):
        refused = ours.run(command, "../theirs", "model.txt", env=env).ended(2).stderr
        assert "detected dubious ownership" in refused
        cure = f"`git config --global --add safe.directory {theirs.root}/.git`"
        assert cure in refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("import", "../nowhere", "x"), "there is no repository '../nowhere'"),
        (("import", "ext::sh -c touch% hacked", "x"), "is not the URL of a repository"),
        (("import", "--", "--upload-pack=touch hacked", "x"), "is not the URL of a repository"),
        (("import", "../theirs", "../../etc/passwd"), "is not a path inside of"),
        (("import", "../theirs", "modl.txt"), "did you mean 'model.txt'?"),
        (("import", "../theirs", "model.txt", "--rev", "v9"), "v9"),
        (("import", "../theirs", "model.txt", "--rev", "--all"), "--all"),
        (("import", "../theirs", "model.txt", "-o", "../out.txt"), "inside the project"),
        (("import", "../theirs", "."), "a whole repository cannot be imported"),
        (("import", "https://me:secret@host/x", "model.txt"), "holds a password"),
        (("import", "../theirs"), "Missing argument"),
        (("update", "nothing"), "is no imported data"),
        (("update", "--check", "--dry-run"), "--check"),
        (("get", "../theirs", "nope"), "there is no 'nope'"),
        (("import-url", "ftp://host/x"), "not imported from ftp://"),
        (("import-url", "../nowhere.csv"), "does not exist"),
        (("list", "../nowhere"), "../nowhere"),
        (("list", ".."), "'..' is neither a stage nor an artifact"),
        (("list", "../folder"), "folder' is no git repository"),
        (("list", "../theirs/plain"), "theirs'; is that meant?"),
        (("get", "../folder", "x"), "folder' is no git repository"),
    ],
)
def test_wrong_input_is_said_and_changes_nothing(
    theirs: Sandbox, ours: Sandbox, arguments: tuple[str, ...], said: str
) -> None:
    (ours.root.parent / "folder").mkdir()
    before = ours.contents()
    ended = ours.run(*arguments)
    assert ended.code == 2, ended
    assert said in ended.stderr
    assert "secret" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert ours.contents() == before
    assert not ours.has("hacked")


def test_a_folder_that_is_no_repository_is_said_without_a_project_too(tmp_path: Path) -> None:
    here = Sandbox(tmp_path / "here", git=False)
    (tmp_path / "folder").mkdir()

    said = here.run("list", "../folder").ended(2).stderr

    assert said.startswith(f"error: '{tmp_path / 'folder'}' is no git repository\n")


# --- a repository that means harm


def hostile(project: Sandbox, manifest: list[dict[str, str]]) -> None:
    """Commit a directory record whose manifest, in the cache, is `manifest`."""
    text = json.dumps(manifest, sort_keys=True).encode()
    value = hashlib.md5(text).hexdigest()
    project.write(
        {
            ".dvc/config": "",
            "evil.dvc": f"outs:\n- md5: {value}.dir\n  hash: md5\n  path: evil\n",
            f".dvc/cache/files/md5/{value[:2]}/{value[2:]}.dir": text,
        }
    )
    for item in manifest:
        md5 = item["md5"]
        project.write({f".dvc/cache/files/md5/{md5[:2]}/{md5[2:]}": b"x\n"})
    project.git("add", "-f", "evil.dvc", ".dvc/config")
    project.git("commit", "-qm", "evil")


@pytest.mark.parametrize(
    "name", ["../escaped", "/tmp/pivot-escaped", "a/../../escaped", "", ".", "a//b", "a\0b"]
)
def test_a_manifest_that_leads_out_of_its_folder_writes_nothing(
    ours: Sandbox, tmp_path: Path, name: str
) -> None:
    evil = Sandbox(tmp_path / "evil")
    hostile(evil, [{"md5": hashlib.md5(b"x\n").hexdigest(), "relpath": name}])
    ended = ours.run("import", "../evil", "evil")
    assert ended.code in (1, 2), ended
    assert not ours.has("escaped")
    assert not (tmp_path / "escaped").exists()
    assert not Path("/tmp/pivot-escaped").exists()
    assert not ours.has("evil.pvt")
    assert "Traceback" not in ended.stderr


def test_bytes_that_are_not_what_the_lock_names_are_refused(ours: Sandbox, tmp_path: Path) -> None:
    evil = Sandbox(tmp_path / "evil")
    hostile(evil, [{"md5": hashlib.md5(b"good\n").hexdigest(), "relpath": "a"}])
    ended = ours.run("import", "../evil", "evil").ended(1)
    assert "Traceback" not in ended.stderr
    assert not ours.has("evil")


def test_records_and_outs_outside_the_project_are_not_reached(
    ours: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("private\n")
    evil = Sandbox(tmp_path / "evil").write(
        {
            ".dvc/config": "",
            "up.dvc": "wdir: ..\nouts:\n- md5: abc\n  hash: md5\n  path: secret.txt\n",
            "abs.dvc": "outs:\n- md5: abc\n  hash: md5\n  path: /etc/passwd\n",
        }
    )
    os.symlink(tmp_path / "secret.txt", evil.root / "link")
    os.symlink("../secret.txt", evil.root / "linked")
    evil.write({"folder/a": "a\n"})
    os.symlink("../../secret.txt", evil.root / "folder/b")
    evil.git("add", "-f", ".")
    evil.git("commit", "-qm", "evil")
    for path in ("link", "linked", "secret.txt", "../secret.txt", "/etc/passwd"):
        ended = ours.run("import", "../evil", path, "-o", "got")
        assert ended.code in (1, 2), ended
        assert not ours.has("got")
        assert "private" not in ended.stdout + ended.stderr
    ours.run("import", "../evil", "folder", "-o", "got")
    assert not ours.has("got/b")


@pytest.mark.parametrize("url", ["../theirs", "here:/../{theirs}"])
def test_a_repository_behind_a_url_names_no_folder_of_this_machine(
    theirs: Sandbox, ours: Sandbox, tmp_path: Path, url: str
) -> None:
    evil = Sandbox(tmp_path / "evil").write({".pivot/config.yaml": "core: {hash: md5}\n"})
    written = url.format(theirs=os.path.relpath(theirs.root, ours.root))
    md5 = hashlib.md5(b"WORDS\n").hexdigest()
    text = (
        f"frozen: true\ndeps:\n- path: model.txt\n  repo:\n    url: {json.dumps(written)}\n"
        f"    rev_lock: {theirs.git('rev-parse', 'HEAD').strip()}\n"
        f"outs:\n- path: model.txt\n  digest: md5:{md5}\n  size: 6\n"
    )
    evil.write({"model.txt.pvt": text})
    evil.git("add", "-f", ".")
    evil.git("commit", "-qm", "evil")

    refused = ours.run("import", f"file://{evil.root}", "model.txt").ended(2)

    assert "a folder of another machine" in refused.stderr
    assert not ours.has("model.txt")


def test_bombs_in_the_pipelines_of_another_repository_cost_a_message(
    ours: Sandbox, tmp_path: Path
) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    evil = Sandbox(tmp_path / "evil").write(
        {"pivot.yaml": "\n".join(["vars:", *(f"  - {line}" for line in lines)]), "data": "d\n"}
    )
    evil.commit()
    ended = ours.run("import", "../evil", "data")
    assert ended.code in (0, 2)
    assert "Traceback" not in ended.stderr


def test_hooks_filters_and_code_of_another_repository_never_run(
    ours: Sandbox, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    evil = Sandbox(tmp_path / "evil").write(
        {
            "pivot.yaml": "stages: {s: {python: stages.run, outs: {out: out.txt}}}",
            "stages.py": f"open({str(mark)!r}, 'w')\ndef run(out): ...\n",
            "pipeline.py": f"open({str(mark)!r}, 'w')\n",
            "sitecustomize.py": f"open({str(mark)!r}, 'w')\n",
            ".gitattributes": "* filter=evil diff=evil\n",
            "data": "d\n",
        }
    )
    evil.git("config", "filter.evil.smudge", f"touch {mark}; cat")
    evil.git("config", "uploadpack.packObjectsHook", f"touch {mark}; exec")
    evil.git("config", "core.fsmonitor", f"touch {mark}")
    evil.commit()
    mark.unlink(missing_ok=True)
    ours.run("import", "../evil", "data").ended(0)
    ours.run("list", "../evil")
    ours.run("import", "../evil", "out.txt").ended(2)
    assert not mark.exists()


# --- URLs


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()


def test_data_from_a_web_server_is_imported_and_updated(
    ours: Sandbox, server: tuple[str, Path]
) -> None:
    url, folder = server
    (folder / "table.csv").write_text("a\n1\n")
    ours.run("import-url", f"{url}/table.csv", "in.csv").ended(0)
    assert ours.read("in.csv") == "a\n1\n"
    assert f"path: {url}/table.csv" in record(ours, "in.csv")
    assert ours.run("update", "--check").ended(0)
    (folder / "table.csv").write_text("a\n2\n3\n")
    os.utime(folder / "table.csv", (2e9, 2e9))
    ours.run("update", "--check").ended(1)
    ours.run("update").ended(0)
    assert ours.read("in.csv") == "a\n2\n3\n"
    lost = ours.run("import-url", f"{url}/nope.csv").ended(2)
    assert "404" in lost.stderr


def test_data_beside_the_project_is_imported_and_updated(ours: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside/a").write_text("1\n")
    ours.run("import-url", "../beside", "copied").ended(0)
    assert ours.read("copied/a") == "1\n"
    (tmp_path / "beside/b").write_text("2\n")
    ours.run("update", "copied").ended(0)
    assert ours.read("copied/b") == "2\n"
    assert ours.run("update").ended(0).stdout == "Everything is up to date (1 import).\n"


@pytest.mark.parametrize(
    "attempts", [4, pytest.param(40, marks=pytest.mark.thorough)]
)  # fmt: skip
def test_an_import_that_is_killed_leaves_nothing_half_done(
    theirs: Sandbox, ours: Sandbox, attempts: int
) -> None:
    theirs.write({"big.txt": "x" * 3_000_000})
    theirs.run("track", "big.txt").ended(0)
    released(theirs, "v2")
    random = Random(attempts)
    for attempt in range(attempts):
        target = f"in-{attempt}.txt"
        running = ours.start("import", "../theirs", "big.txt", "-o", target)
        time.sleep(random.uniform(0.1, 0.5))
        running.kill()
        running.communicate()
        if ours.has(target):
            assert len(ours.read(target)) == 3_000_000
        if ours.has(f"{target}.pvt"):
            assert ours.has(target)
        else:
            ours.run("import", "../theirs", "big.txt", "-o", target).ended(0)
        assert len(ours.read(target)) == 3_000_000
    assert ours.run("status").ended(0).stdout.startswith("Everything is up to date")
