"""A DVC project's own configuration, below Pivot's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pivot.errors import ConfigError, StoreError
from pivot.project import open_project
from pivot.project.dvc_config import dvc_layers, parse_dvc_config
from pivot.settings import RemoteSpec

# as `dvc remote add`, `dvc config` and people write it
WRITTEN = b"""\
# the team's
[core]
    remote = storage
    autostage = true
['remote "storage"']
    url = s3://bucket/prefix
    endpointurl = "https://example.org:9000"  # ours
    region=eu-west-1
['remote "near"']
    url = ../../elsewhere
[remote "old spelling"]
    URL = ~/data
[cache]
    dir = /shared/cache
    type = "hardlink,symlink"
    shared = group
"""


def test_remotes_cache_and_defaults_are_read() -> None:
    values, remotes = parse_dvc_config(WRITTEN, ".dvc/config", "/home/me/project/.dvc/config")
    assert values == {
        "core.remote": "storage",
        "core.autostage": True,
        "cache.dir": "/shared/cache",
        "cache.link": "hardlink,symlink",
        "cache.shared": "group",
    }
    assert remotes == {
        "storage": RemoteSpec(
            "storage",
            "s3://bucket/prefix",
            {"endpointurl": "https://example.org:9000", "region": "eu-west-1"},
        ),
        "near": RemoteSpec("near", "/home/me/elsewhere", {}),
        "old spelling": RemoteSpec("old spelling", os.path.expanduser("~/data"), {}),
    }


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("reflink,copy", "copy"),
        ("reflink,hardlink,copy", "reflink,hardlink"),
        ("copy,hardlink", "copy"),
        ("symlink", "symlink"),
        ("['hardlink', 'copy']", "hardlink"),
        ("copy", "copy"),
    ],
)
def test_ways_of_linking_are_tried_in_turn(text: str, link: str) -> None:
    data = f"[cache]\ntype = {text}\n".encode()
    assert parse_dvc_config(data, "c", "/p/.dvc/config")[0] == {"cache.link": link}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[core\n", r"\.dvc/config:1: a section without '\]'"),
        (b"remote = x\n", r"\.dvc/config:1: neither a section"),
        (b"[core]\nremote\n", r"\.dvc/config:2: neither a section"),
        (b"[cache]\n\ntype = magic\n", r"\.dvc/config:3: cache.type takes reflink"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_mistake_is_named_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_dvc_config(data, ".dvc/config", "/p/.dvc/config")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    made = tmp_path / "project"
    (made / ".dvc").mkdir(parents=True)
    return made


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_later_levels_win_and_pivots_own_over_all(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "system/config", "[core]\nremote = one\n[cache]\ndir = /sys\n")
    write(tmp_path / "home/dvc/config", "[core]\nremote = two\n[cache]\ntype = symlink\n")
    write(root / ".dvc/config", "[core]\nremote = three\n['remote \"three\"']\nurl = s3://b\n")
    write(
        root / ".dvc/config.local", "[cache]\ndir = ../near\n['remote \"three\"']\nprofile = me\n"
    )
    settings = open_project(str(root)).settings
    assert settings["core.remote"] == "three"
    assert settings["cache.dir"] == str(root / "near")
    assert settings["cache.link"] == "symlink"
    assert settings.remotes["three"] == RemoteSpec("three", "s3://b", {"profile": "me"})
    assert settings.origins["cache.dir"] == ".dvc/config.local"
    write(root / ".pivot/config.local.yaml", "core: {remote: four, mode: dvc}\n")
    project = open_project(str(root))
    assert project.settings["core.remote"] == "four"
    assert project.cache_dir == str(root / "near")


def test_without_any_file_there_are_no_layers(root: Path) -> None:
    assert dvc_layers(str(root)) == ()


def test_a_file_that_cannot_be_read_is_named(root: Path) -> None:
    (root / ".dvc/config").symlink_to("config")
    with pytest.raises(StoreError, match=r"cannot read '\.dvc/config'"):
        dvc_layers(str(root))
