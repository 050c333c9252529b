"""DVC's own locks: taken in either form, waited for, and left as DVC expects them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pivot.errors import BusyError
from pivot.project.neighbour import Neighbour


@pytest.mark.parametrize("links", [False, True])
def test_one_at_a_time_holds_the_repository(tmp_path: Path, links: bool) -> None:
    first, second = (Neighbour(str(tmp_path), name, links=links) for name in ("one", "two"))
    first.acquire()
    with pytest.raises(BusyError, match="a DVC command holds the repository"):
        second.acquire(wait=False)
    first.claim(["/in"], ["/out"])
    second.acquire(wait=False)
    second.let_go()
    first.let_go()
    lock = tmp_path / ".dvc/tmp/lock"
    assert lock.exists() is not links  # DVC takes one that exists by links for held
    if links:
        assert [path.name for path in lock.parent.iterdir()] == ["rwlock"]


def test_a_lock_by_links_that_has_expired_is_broken(tmp_path: Path) -> None:
    lock = tmp_path / ".dvc/tmp/lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    neighbour = Neighbour(str(tmp_path), "one", links=True)
    with pytest.raises(BusyError):
        neighbour.acquire(wait=False)
    long_ago = time.time() - 60
    os.utime(lock, (long_ago, long_ago))
    told: list[str] = []
    neighbour.acquire(on_wait=told.append)
    assert os.stat(lock).st_nlink == 2
    assert os.stat(lock).st_mtime > time.time() + 3600
    neighbour.let_go()
    assert "delete it where no DVC command runs" in told[0]
