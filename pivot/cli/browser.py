"""The interactive view of `diff`: the rows of a table that differ, to scroll, filter and search."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ..errors import PivotError
from .output import note
from .tables import FileView, say_file_diff

if TYPE_CHECKING:
    from ..commands.tables import FileDiff


def browse(found: FileDiff, view: FileView | None = None) -> None:
    """Show a table's differences on the whole terminal until the user leaves.

    As text, with a remark, where there is no terminal, or no table. Raises PivotError where the
    extra `tui` is not installed.
    """
    why = _why_not(found)
    if why is not None:
        note(f"shown as text: {why}")
        say_file_diff(found, view or FileView())
        return
    try:
        from .browser_app import Browser  # 150 ms; only the interactive view needs it
    except ImportError:
        raise PivotError(
            "the interactive view needs the extra 'tui'",
            hint="pip install 'pivot-repro[tui]'",
        ) from None
    assert found.table is not None  # `_why_not` says so
    Browser(found.path, found.table).run()


def _why_not(found: FileDiff) -> str | None:
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return "there is no terminal"
    if os.environ.get("TERM", "dumb") == "dumb":
        return "the terminal cannot move its cursor"
    if found.table is None:
        return f"'{found.path}' is no table"
    return None
