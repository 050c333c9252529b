"""The tools to compare with, each from the package registry, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache"
VERSIONS = {"dvc": "3.67.1", "snakemake": "9.27.1", "doit": "0.37.0"}


def program(name: str) -> str | None:
    """The program of a peer, installed where it is not yet; None where that is impossible.

    `BENCH_DVC` and the like name one that is there already.
    """
    given = os.environ.get(f"BENCH_{name.upper()}") or os.environ.get(f"PIVOT_TEST_{name.upper()}")
    if given and Path(given).exists():
        return given
    version = VERSIONS[name]
    extra = "[s3]" if name == "dvc" else ""  # as `make test` has it
    folder = CACHE / f"{name}-{version}{'-s3' if extra else ''}"
    found = folder / "bin" / name
    if found.exists():
        return str(found)
    print(f"installing {name}, to compare with", file=sys.stderr)
    for wanted in (f"{name}{extra}=={version}", f"{name}{extra}"):
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [folder / "bin" / "python", "-m", "pip", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", wanted], check=True, stdout=sys.stderr)
        except (OSError, subprocess.CalledProcessError):
            continue
        return str(found)
    print(f"{name} cannot be installed: it is left out", file=sys.stderr)
    return None


def version(path: str) -> str:
    """What a program says its version is."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return next((word for word in done.stdout.split() if word[:1].isdigit()), "?")
