"""The interactive view of `diff`, driven by keys."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from harness import PIVOT, Sandbox
from textual.pilot import Pilot
from textual.widgets import DataTable, Static
from waiting import PATIENCE

from pivot.cli.browser_app import Browser
from pivot.tables.memory import compare_in_memory
from pivot.tables.model import Source


def rows(count: int, **changes: str) -> bytes:
    lines = [f"{n},name {n},{changes.get(f'n{n}', n)}" for n in range(count)]
    return "\n".join(["id,name,value", *lines, ""]).encode()


def drive(
    old: bytes,
    new: bytes,
    key: list[str],
    script: Callable[[Browser, Pilot[None]], Awaitable[None]],
) -> None:
    found = compare_in_memory(Source("t.csv", data=old), Source("t.csv", data=new), key)

    async def run() -> None:
        app = Browser("t.csv", found)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())


def state(app: Browser) -> str:
    return str(app.query_one("#state", Static).render())


def test_filters_search_and_columns() -> None:
    old = b"id,name,value\n1,ada,5\n2,bob,6\n3,cy,7\n4,dee,8\n"
    new = b"id,name,value\n1,Ada,5\n3,cy,70\n4,Dee,80\n5,eve,9\n"

    async def script(app: Browser, pilot: Pilot[None]) -> None:
        def ids() -> list[str]:
            return [change.values["id"] for change in app.shown]

        assert ids() == ["1", "2", "3", "4", "5"]
        assert "4 -> 4 rows, matched by id" in str(app.query_one("#summary", Static).render())
        await pilot.press("a")
        assert ids() == ["1", "2", "3", "4"]
        await pilot.press("r")
        assert ids() == ["1", "3", "4"]
        assert "3 of 5 differences · kinds: changed" in state(app)
        # the column under the cursor alone
        await pilot.press("right", "right")
        assert app.column_under_cursor == "name"
        await pilot.press("f")
        assert ids() == ["1", "4"]
        await pilot.press("f", "a", "r")
        assert len(ids()) == 5
        # search, in any column, old and new
        await pilot.press("slash", *"dEe", "enter")
        assert ids() == ["4"]
        assert "with 'dEe'" in state(app)
        await pilot.press("escape")
        assert len(ids()) == 5
        # from one changed cell to the next
        table = app.query_one(DataTable)
        table.move_cursor(row=0, column=0)
        await pilot.press("n")
        assert (table.cursor_row, app.column_under_cursor) == (0, "name")
        await pilot.press("n")
        assert (table.cursor_row, app.column_under_cursor) == (2, "value")
        await pilot.press("n", "n")
        assert (table.cursor_row, app.column_under_cursor) == (3, "value")
        await pilot.press("n")
        assert table.cursor_row == 3
        await pilot.press("q")

    drive(old, new, ["id"], script)


def test_long_tables_are_loaded_as_far_as_they_are_looked_at() -> None:
    async def script(app: Browser, pilot: Pilot[None]) -> None:
        assert len(app.shown) == 200
        for _ in range(6):
            await pilot.press("pagedown")
        await pilot.pause()
        assert 200 < len(app.shown) < 1000
        assert "1000 of 1000" in state(app)

    drive(rows(0), rows(1000), ["id"], script)


@pytest.mark.parametrize("key", [[], ["id"]])
def test_nothing_to_see(key: list[str]) -> None:
    async def script(app: Browser, pilot: Pilot[None]) -> None:
        await pilot.press("a", "n", "f", "slash", "x", "enter", "escape")
        assert app.shown == []
        assert "0 of 0 differences" in state(app)

    drive(rows(3), rows(3), key, script)


def test_on_a_real_terminal(tmp_path: Path) -> None:
    """From the command line to the screen, and back by `q`."""
    project = Sandbox(tmp_path).write({"pivot.yaml": "stages: {}\n", "t.csv": "id,v\n1,old\n"})
    project.commit()
    project.write({"t.csv": "id,v\n1,new\n"})
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [PIVOT, "diff", "-i", "t.csv", "--key", "id"],
        cwd=tmp_path,
        env=project.environment({"TERM": "xterm-256color"}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen, pressed = b"", False
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([master], [], [], 0.5)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:
                break
        if b"1 of 1 differences" in seen and not pressed:
            os.write(master, b"q")
            pressed = True
    os.close(master)

    assert process.wait(PATIENCE) == 0
    assert b"matched by id" in seen
    assert b"new" in seen
