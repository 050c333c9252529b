"""Configuration: its layers, its errors, and changing it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

import pivot.project.configuration as configuration
from pivot.errors import ConfigError, PivotErrors, StoreError
from pivot.project import State, read_settings, unset_setting, write_setting
from pivot.project.configuration import config_path
from pivot.settings import RemoteSpec


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    made = tmp_path / "home"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(made))
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / ".pivot").mkdir(parents=True)
    return made


def write(root: Path, text: str, scope: str = "project") -> Path:
    path = Path(config_path(str(root), scope))  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# --- layers --------------------------------------------------------------------------------


def test_without_any_file_the_defaults_hold(root: Path) -> None:
    settings = read_settings(str(root), environ={})
    assert settings["core.hash"] == "blake3"
    assert settings["core.jobs"] is None
    assert settings.origins == {}


def test_later_layers_win_and_say_where_a_value_is_from(root: Path) -> None:
    layers = [
        ("user", "core: {jobs: 1, hash: md5, fsync: true, remote: a, python: p}"),
        ("project", "core: {jobs: 2, hash: sha256, fsync: false, remote: b}"),
        ("local", "core: {jobs: 3, hash: xxh128, fsync: true}"),
    ]
    for scope, text in layers:
        write(root, text, scope)
    environ = {"PIVOT_CORE_JOBS": "4", "PIVOT_CORE_HASH": "blake3", "PIVOT_FAULT": "x"}
    settings = read_settings(str(root), {"core.jobs": "5", "core.remote": None}, environ=environ)
    names = ("core.jobs", "core.hash", "core.fsync", "core.remote", "core.python")
    assert [settings[name] for name in names] == [5, "blake3", True, "b", "p"]
    assert [settings.origins[name] for name in names] == [
        "option",
        "environment",
        ".pivot/config.local.yaml",
        ".pivot/config.yaml",
        config_path(str(root), "user"),
    ]


def test_the_environment_sets_keys_of_every_type(root: Path) -> None:
    environ = {
        "PIVOT_CORE_RUN_CACHE": "no",
        "PIVOT_CODE_ROOTS": "lib, other",
        "PIVOT_CORE_RESOURCES": "gpu=1",
        "PIVOT_CACHE_LINK": "hardlink",
        "PIVOT_RUN_OUTPUT": "show",
        "PIVOT_RUN_ID": "not configuration",
    }
    settings = read_settings(str(root), environ=environ)
    assert settings["core.run_cache"] is False
    assert settings["code.roots"] == ["lib", "other"]
    assert settings["core.resources"] == {"gpu": 1}
    assert settings["cache.link"] == "hardlink"
    assert settings["run.output"] == "show"


def test_remotes_of_one_name_add_up(root: Path) -> None:
    write(root, "remotes: {origin: s3://bucket/x, other: {url: gs://b, region: eu}}")
    write(root, "remotes: {origin: {profile: me, retries: 3}}", "local")
    settings = read_settings(str(root), environ={})
    assert settings.remotes == {
        "origin": RemoteSpec("origin", "s3://bucket/x", {"profile": "me", "retries": 3}),
        "other": RemoteSpec("other", "gs://b", {"region": "eu"}),
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "core:\n", "remotes: {}\n"])
def test_an_empty_file_says_nothing(root: Path, text: str) -> None:
    if text != "remotes: {}\n":
        write(root, text)
    assert read_settings(str(root), environ={}).origins == {}


# --- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("core:\n  jbos: 4\n", r"^\.pivot/config.yaml:2:3: unknown configuration key 'core.jbos'; did you mean 'core.jobs'\?"),
        ("core:\n  jobs: many\n", r"^\.pivot/config.yaml:2:9: core.jobs takes a whole number above 0, not 'many'"),
        ("core:\n  jobs: 0\n", "takes a whole number above 0"),
        ("corr:\n  jobs: 1\n", r":2:3: unknown configuration key 'corr.jobs'; did you mean 'core.jobs'"),
        ("corr: 1\n", r":1:1: unknown configuration key 'corr'; did you mean 'core'"),
        ("core: 4\n", r":1:1: 'core' is a section and needs keys below it"),
        ("core.jobs: 4\n", r":1:1: 'core.jobs' stands at the top level; write core: \{jobs: ...\}"),
        ("cache:\n  link: hard\n", r"cache.link takes copy or hardlink or symlink, not 'hard'; did you mean 'hardlink'"),
        ("remotes: s3://x\n", r":1:\d+: 'remotes' maps names to URLs"),
        ("remotes:\n  a: 3\n", r":2:6: remote 'a' takes a URL"),
        ("remotes:\n  a: {url: [x]}\n", "remote 'a' takes a URL"),
        ("remotes:\n  a: {url: x, b: [1]}\n", "remote 'a' takes a URL"),
        ("- core\n", "a configuration file is a mapping of sections"),
        ("core: {jobs: 1\n", r"config.yaml:\d"),
        ("core:\n  jobs: 1\n  jobs: 2\n", r"config.yaml:3"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(root: Path, text: str, message: str) -> None:
    write(root, text)
    with pytest.raises(ConfigError, match=message):
        read_settings(str(root), environ={})


def test_several_mistakes_are_named_at_once(root: Path) -> None:
    write(root, "core: {jbos: 1, jobs: x}\nremotes: {a: 1}\n")
    with pytest.raises(PivotErrors) as caught:
        read_settings(str(root), environ={})
    assert len(caught.value.errors) == 3


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PIVOT_CORE_JOBS": "x"}, "environment variable PIVOT_CORE_JOBS: core.jobs takes"),
        ({"PIVOT_CORE_JBOS": "1"}, "PIVOT_CORE_JBOS: .*did you mean 'PIVOT_CORE_JOBS'"),
    ],
)
def test_a_mistaken_variable_is_named(root: Path, environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(str(root), environ=environ)


def test_mistaken_options_are_errors(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'core.jobs'"):
        read_settings(str(root), {"core.job": 1}, environ={})
    with pytest.raises(ConfigError, match="takes a whole number"):
        read_settings(str(root), {"core.jobs": True}, environ={})


def test_a_file_that_cannot_be_read_is_named(root: Path) -> None:
    os.symlink("config.yaml", root / ".pivot/config.yaml")
    with pytest.raises(StoreError, match=r"cannot read '\.pivot/config\.yaml'"):
        read_settings(str(root), environ={})


# --- remembered between runs ---------------------------------------------------------------


def test_an_unchanged_file_is_parsed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "core: {jobs: 2}\nremotes: {a: {url: s3://x, region: eu}}\n")
    time.sleep(0.03)  # until its timestamps are old enough to be trusted
    database = str(root / ".pivot/state.db")
    parsed: list[str] = []
    real = configuration.parse_layer

    def counted(data: bytes, file: str) -> object:
        parsed.append(file)
        return real(data, file)

    monkeypatch.setattr(configuration, "parse_layer", counted)
    for _ in range(3):
        state = State(database)
        settings = read_settings(str(root), environ={}, memory=state.blobs("settings"))
        assert settings["core.jobs"] == 2
        assert settings.remotes["a"] == RemoteSpec("a", "s3://x", {"region": "eu"})
        state.close()
    assert len(parsed) == 1
    state = State(database)
    state.blobs("settings").put(config_path(str(root), "project"), b"another version's")
    assert read_settings(str(root), environ={}, memory=state.blobs("settings"))["core.jobs"] == 2
    write(root, "core: {jobs: 3}\nremotes: {a: {url: s3://x, region: eu}}\n")
    assert read_settings(str(root), environ={}, memory=state.blobs("settings"))["core.jobs"] == 3


@pytest.mark.parametrize(
    "remote",
    [
        "{url: s3://x, secret_access_key: TOPSECRET}",
        "{password: TOPSECRET}",
        "'https://me:TOPSECRET@host/x'",
        "'https://host/x?sig=TOPSECRET'",
    ],
)
def test_a_file_with_a_secret_is_remembered_nowhere(root: Path, remote: str) -> None:
    write(root, f"core: {{jobs: 2}}\nremotes: {{a: {remote}}}\n")
    time.sleep(0.03)  # until its timestamps are old enough to be trusted
    state = State(str(root / ".pivot/state.db"))
    for _ in range(2):
        settings = read_settings(str(root), environ={}, memory=state.blobs("settings"))
        assert settings["core.jobs"] == 2
    state.close()
    others = [path for path in (root / ".pivot").iterdir() if path.name != "config.yaml"]
    assert not [path for path in others if b"TOPSECRET" in path.read_bytes()]


# --- changing it ---------------------------------------------------------------------------


def test_a_setting_is_written_and_read_back(root: Path) -> None:
    for scope in ("user", "project", "local"):
        path = write_setting(str(root), scope, "core.jobs", "3")  # type: ignore[arg-type]
        assert path == config_path(str(root), scope)  # type: ignore[arg-type]
        assert Path(path).read_text() == "core:\n  jobs: 3\n"
    assert (root / ".pivot/config.local.yaml").stat().st_mode & 0o077 == 0
    write_setting(str(root), "project", "code.roots", "lib,more")
    write_setting(str(root), "project", "core.fsync", True)
    settings = read_settings(str(root), environ={})
    assert settings["code.roots"] == ["lib", "more"]
    assert settings["core.fsync"] is True


def test_comments_order_and_quotes_stay(root: Path) -> None:
    path = write(
        root,
        "# the project's own\nremotes:  # where data goes\n  origin: 's3://bucket'  # main\n\n"
        "core:\n  # as many as there are\n  jobs: 2\n",
    )
    write_setting(str(root), "project", "core.jobs", "4")
    write_setting(str(root), "project", "core.remote", "origin")
    assert path.read_text() == (
        "# the project's own\nremotes:  # where data goes\n  origin: 's3://bucket'  # main\n\n"
        "core:\n  # as many as there are\n  jobs: 4\n  remote: origin\n"
    )
    assert unset_setting(str(root), "project", "core.jobs")
    assert "# the project's own" in path.read_text()
    assert read_settings(str(root), environ={})["core.jobs"] is None


def test_a_remote_grows_from_a_url_to_a_mapping(root: Path) -> None:
    write_setting(str(root), "project", "remotes.origin", "s3://bucket")
    write_setting(str(root), "project", "remotes.origin.region", "eu")
    write_setting(str(root), "project", "remotes.origin", "s3://other")
    write_setting(str(root), "local", "remotes.origin.retries", 3)
    settings = read_settings(str(root), environ={})
    assert settings.remotes["origin"] == RemoteSpec(
        "origin", "s3://other", {"region": "eu", "retries": 3}
    )
    assert unset_setting(str(root), "project", "remotes.origin.region")
    assert unset_setting(str(root), "project", "remotes.origin")
    assert not unset_setting(str(root), "project", "remotes.origin")
    assert not unset_setting(str(root), "project", "remotes.other.region")
    assert unset_setting(str(root), "local", "remotes.origin")
    assert read_settings(str(root), environ={}).remotes == {}


def test_what_is_left_of_an_emptied_file_are_its_comments(root: Path) -> None:
    path = write(root, "# keep me\ncore:\n  jobs: 2\n")
    assert unset_setting(str(root), "project", "core.jobs")
    assert path.read_text() == "# keep me\n"
    assert not unset_setting(str(root), "project", "core.jobs")
    assert path.read_text() == "# keep me\n"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("core.jbos", "1", "did you mean 'core.jobs'"),
        ("core.jobs", "x", "takes a whole number"),
        ("core.jobs", 0, "takes a whole number"),
        ("remotes.", "x", "names no remote"),
        ("remotes.a.", "x", "names no remote"),
        ("remotes.a", [1], "takes one value"),
    ],
)
def test_what_does_not_fit_is_not_written(
    root: Path, key: str, value: object, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        write_setting(str(root), "project", key, value)
    assert not (root / ".pivot/config.yaml").exists()


@pytest.mark.parametrize("text", ["core: [1\n", "- a list\n", "core: 3\n", "core: {jbos: 1}\n"])
def test_a_broken_file_is_not_made_worse(root: Path, text: str) -> None:
    path = write(root, text)
    with pytest.raises(ConfigError):
        write_setting(str(root), "project", "core.jobs", "2")
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_named(root: Path) -> None:
    (root / ".pivot").rmdir()
    (root / ".pivot").write_text("a file")
    with pytest.raises(StoreError, match=r"cannot write '\.pivot/config\.yaml'"):
        write_setting(str(root), "project", "core.jobs", "2")
    (root / ".pivot").unlink()
    (root / ".pivot/config.yaml").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot read '\.pivot/config\.yaml'"):
        write_setting(str(root), "project", "core.jobs", "2")


def test_a_linked_file_stays_a_link_and_keeps_its_mode(root: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.yaml"
    real.write_text("core: {jobs: 1}\n")
    real.chmod(0o640)
    (root / ".pivot/config.yaml").symlink_to(real)
    write_setting(str(root), "project", "core.jobs", "2")
    assert (root / ".pivot/config.yaml").is_symlink()
    assert "jobs: 2" in real.read_text()
    assert real.stat().st_mode & 0o777 == 0o640
