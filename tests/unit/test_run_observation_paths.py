"""Paths as observed processes report them: relative to the project, as `os.path.relpath` says."""

from __future__ import annotations

import os

import pytest

from pivot.run.worker.observation import _relative


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/p/lib/x.py", "/p"),
        ("/p/lib//x.py", "/p"),
        ("/p//x.py", "/p"),
        ("/p/./x.py", "/p"),
        ("/p/lib/../x.py", "/p"),
        ("/p/../x.py", "/p"),
        ("/p/", "/p"),
        ("/p", "/p"),
        ("/project/x.py", "/p"),
        ("/q/x.py", "/p"),
        ("/x.py", "/"),
        ("/p/x.py", "/p/"),
    ],
)
def test_a_path_is_told_as_from_the_root(path: str, root: str) -> None:
    assert _relative(path, root) == os.path.relpath(path, root)
