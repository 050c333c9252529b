"""The Python that runs stages, and what is installed for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pivot.project.distributions as distributions
from pivot.errors import ConfigError
from pivot.project import InstalledDistributions, open_project
from pivot.project.interpreter import find_interpreter, inspect_interpreter


class Memory(dict[str, bytes]):
    def put(self, key: str, value: bytes) -> None:
        self[key] = value


def environment(folder: Path, target: str = sys.executable) -> Path:
    """Something that looks like a virtual environment."""
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(target)}\n")
    (folder / "bin/python").symlink_to(target)
    return folder


def find(root: Path, configured: str | None = None, **environ: str) -> str:
    return find_interpreter(str(root), configured, origin=".pivot/config.yaml", environ=environ)


# --- which one -----------------------------------------------------------------------------


def test_the_order_of_choice(tmp_path: Path) -> None:
    assert find(tmp_path) == sys.executable
    environment(tmp_path / ".venv")
    assert find(tmp_path) == str(tmp_path / ".venv/bin/python")
    active = environment(tmp_path / "active")
    assert find(tmp_path, VIRTUAL_ENV=str(active)) == str(active / "bin/python")
    environment(tmp_path / "own")
    for configured in ("own", "./own", "own/bin/python", str(tmp_path / "own")):
        found = find(tmp_path, configured, VIRTUAL_ENV=str(active))
        assert found == str(tmp_path / "own/bin/python")


def test_a_folder_named_venv_that_is_none_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    assert find(tmp_path) == sys.executable


def test_a_command_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "tools"
    made.mkdir()
    (made / "mypython").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(made))
    assert find(tmp_path, "mypython") == str(made / "mypython")
    with pytest.raises(ConfigError, match=r"config.yaml: core.python: there is no command 'nope'"):
        find(tmp_path, "nope")


def test_a_missing_or_broken_interpreter_is_named_never_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"core.python: 'x/python' does not exist; correct"):
        find(tmp_path, "x/python")
    environment(tmp_path / ".venv", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"does not exist \(its link leads to nothing\); make it"):
        find(tmp_path)
    with pytest.raises(ConfigError, match=r"VIRTUAL_ENV: .* does not exist; deactivate it"):
        find(tmp_path, VIRTUAL_ENV=str(tmp_path / "nowhere"))
    text = tmp_path / "text"
    text.write_text("not executable")
    with pytest.raises(ConfigError, match="cannot be executed"):
        find(tmp_path, "./text")
    (tmp_path / "folder/bin/python").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be executed"):
        find(tmp_path, "folder")


def test_pivots_own_python_is_asked_without_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started"))
    found = inspect_interpreter(sys.executable)
    assert found.version == sys.version_info[:2]
    assert any(path.endswith("site-packages") for path in found.site_packages)


def test_another_python_is_started_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(environment(tmp_path / "env", os.path.realpath(sys.executable)) / "bin/python")
    memory = Memory()
    found = inspect_interpreter(path, memory)
    assert found.path == path
    assert found.version == sys.version_info[:2]
    assert any(folder.startswith(str(tmp_path / "env")) for folder in found.site_packages) or (
        not os.path.isdir(tmp_path / "env/lib")
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started again"))
    assert inspect_interpreter(path, memory) == found
    monkeypatch.undo()
    os.utime(tmp_path / "env/pyvenv.cfg", ns=(0, 10**18))
    memory[path] = memory[path].replace(b"[3,", b"[2,")
    assert inspect_interpreter(path, memory) == found


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\necho 'broken build' >&2; exit 3\n", "does not run: broken build; make"),
        ("#!/bin/sh\necho hello\n", "does not run"),
        ("#!/nonexistent/interpreter\n", "does not run"),
    ],
)
def test_an_interpreter_that_does_not_run_is_an_error(
    tmp_path: Path, script: str, message: str
) -> None:
    path = tmp_path / "python"
    path.write_text(script)
    path.chmod(0o755)
    with pytest.raises(ConfigError, match=message):
        inspect_interpreter(str(path))


def test_a_project_knows_its_interpreter_and_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    (tmp_path / "pivot.yaml").write_text("")
    project = open_project(str(tmp_path))
    assert project.interpreter.path == os.path.join(sys.prefix, "bin/python")
    assert project.distributions.of("yaml") is not None
    assert project.distributions.of("xxhash") is not None
    assert project.distributions.of("this_is_not_installed") is None
    project.close()


# --- what is installed ---------------------------------------------------------------------


def install(
    site: Path, name: str, version: str, *files: str, top_level: str = "", kind: str = "dist"
) -> Path:
    made = site / f"{name}-{version}.{kind}-info"
    made.mkdir(parents=True)
    metadata = "METADATA" if kind == "dist" else "PKG-INFO"
    (made / metadata).write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: x\n"
    )
    record = "".join(f"{file},sha256=x,1\n" for file in files)
    (made / "RECORD").write_text(record)
    if top_level:
        (made / "top_level.txt").write_text(top_level)
    return made


def test_import_names_lead_to_their_distribution(tmp_path: Path) -> None:
    install(tmp_path, "PyYAML", "6.0", "yaml/__init__.py", "_yaml/__init__.py", "../../bin/x")
    install(tmp_path, "six", "1.16", "six.py", "__pycache__/six.cpython-311.pyc")
    install(tmp_path, "fast", "2", "fast.cpython-311-x86_64-linux-gnu.so", '"quoted,name/x.txt"')
    install(tmp_path, "old", "3", top_level="oldname\nbad-name\n")
    install(tmp_path, "egg", "4", top_level="eggname", kind="egg")
    (tmp_path / "single-5.egg-info").write_text("Name: single\nVersion: 5\n")
    (tmp_path / "broken-1.dist-info").mkdir()
    (tmp_path / "unrelated").mkdir()
    found = InstalledDistributions([str(tmp_path), str(tmp_path / "nowhere")])
    assert found.of("yaml") == found.of("_yaml") == ("PyYAML", "6.0")
    assert found.of("six") == ("six", "1.16")
    assert found.of("fast") == ("fast", "2")
    assert found.of("oldname") == ("old", "3")
    assert found.of("eggname") == ("egg", "4")
    for name in ("PyYAML", "bad-name", "__pycache__", "unrelated", "broken"):
        assert found.of(name) is None


def test_a_shared_namespace_belongs_to_all_that_share_it(tmp_path: Path) -> None:
    install(tmp_path, "google-b", "2", "google/b/__init__.py")
    install(tmp_path, "google-a", "1", "google/a/__init__.py")
    install(tmp_path, "main", "3", "pkg/__init__.py")
    install(tmp_path, "extra", "4", "pkg/extra/mod.py")
    found = InstalledDistributions([str(tmp_path)])
    assert found.of("google") == ("google-a+google-b", "1+2")
    assert found.of("pkg") == ("main", "3")


def test_earlier_folders_come_first(tmp_path: Path) -> None:
    install(tmp_path / "a", "one", "1", "pkg/__init__.py")
    install(tmp_path / "b", "two", "2", "pkg/__init__.py", "more/__init__.py")
    found = InstalledDistributions([str(tmp_path / "a"), str(tmp_path / "b")])
    assert found.of("pkg") == ("one", "1")
    assert found.of("more") == ("two", "2")


def test_a_folder_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "one", "1", "pkg/__init__.py")
    os.utime(tmp_path, ns=(0, 10**18))
    memory = Memory()
    reads: list[str] = []
    real = distributions.read_owners

    def counted(folder: str) -> object:
        reads.append(folder)
        return real(folder)

    monkeypatch.setattr(distributions, "read_owners", counted)
    for _ in range(3):
        assert InstalledDistributions([str(tmp_path)], memory).of("pkg") == ("one", "1")
    assert len(reads) == 1
    memory[str(tmp_path)] = b"another version's"
    assert InstalledDistributions([str(tmp_path)], memory).of("pkg") == ("one", "1")
    assert len(reads) == 2
    # an installer at work: what it has written so far is not kept
    install(tmp_path, "two", "2", "other/__init__.py")
    for _ in range(2):
        assert InstalledDistributions([str(tmp_path)], memory).of("other") == ("two", "2")
    assert len(reads) == 4


def test_it_agrees_with_what_the_interpreter_says() -> None:
    from importlib.metadata import packages_distributions, version

    site = inspect_interpreter(sys.executable).site_packages
    found = InstalledDistributions(site)
    expected = packages_distributions()
    for name in ("yaml", "xxhash", "typer", "rich", "git", "ruamel", "jsonschema", "omegaconf"):
        owner = found.of(name)
        assert owner is not None, name
        for distribution, number in zip(*(part.split("+") for part in owner), strict=True):
            assert distribution in expected[name]
            assert version(distribution) == number
