"""The guard of tests/conftest.py itself, and the processes that tests start."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest
from harness import Sandbox


def test_the_network_is_refused(guard: list[str]) -> None:
    with pytest.raises(PermissionError, match="reach the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with socket.socket() as plain, pytest.raises(PermissionError):
        plain.connect(("192.0.2.1", 80))
    assert guard
    guard.clear()


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_the_home_directory_is_refused(guard: list[str]) -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if not os.access(home, os.W_OK):
        pytest.skip("there is no home directory to protect")
    with pytest.raises(PermissionError, match="home directory"):
        (home / ".pivot-guard").write_text("x")
    with pytest.raises(PermissionError, match="home directory"):
        (home / ".pivot-guard").mkdir()
    assert not (home / ".pivot-guard").exists()
    assert guard
    guard.clear()


def test_the_environment_s_home_is_a_temporary_one(project: Sandbox) -> None:
    assert Path.home() != Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert project.environment()["HOME"] == str(Path.home())
    assert project.environment()["https_proxy"] == "http://127.0.0.1:9"


def test_a_sandbox_is_a_git_repository(project: Sandbox) -> None:
    project.write({"sub/a.txt": "x\n"})
    commit = project.commit("first")
    assert project.git("log", "--format=%H %s %an") == f"{commit} first Ada\n"
