"""The same code has the same fingerprints on every supported Python, and from release to release."""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys

import pytest

GOLDEN = os.path.join(os.path.dirname(__file__), "golden")
EXPECTED = os.path.join(GOLDEN, "fingerprints.json")


def interpreter(version: str) -> str | None:
    """A Python of that version on this machine, if there is one that starts."""
    places = [shutil.which(f"python{version}") or ""]
    folder = os.path.dirname(os.path.dirname(places[0]))  # pyenv's, where that was its shim
    places += glob.glob(os.path.join(folder, "versions", f"{version}.*", "bin", "python"))
    for place in filter(None, places):
        answer = subprocess.run(
            [place, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.stdout.strip() == version:
            return place
    return None


def shown(python: str, *options: str) -> object:
    answer = subprocess.run(
        [python, "-I", os.path.join(GOLDEN, "show.py"), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_fingerprints_are_those_of_the_last_release() -> None:
    # a change here re-runs everybody's stages: bump FINGERPRINT_VERSION and INDEX_VERSION with it
    with open(EXPECTED) as stream:
        assert shown(sys.executable) == json.load(stream)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_fingerprints_are_the_same_on_every_python(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")

    assert shown(python, "--plain") == shown(sys.executable, "--plain")
