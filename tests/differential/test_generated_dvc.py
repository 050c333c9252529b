"""Generated projects, read by DVC and by Pivot: the same stages and edges, or both refuse."""

from __future__ import annotations

from typing import Any

from breakers import BREAKERS
from corners import CORNERS
from hypothesis import strategies as st
from sketch import Case, Sketch


@st.composite
def projects(draw: Any, corner: int, beside: int = 2) -> Case:
    """A project with the corner in it, a few others beside it, and often something wrong."""
    s = Sketch(draw)
    s.folder = s.pick(".", ".", "sub", "a/b")
    CORNERS[corner](s)
    for other in s.some(tuple(CORNERS), 0, beside):
        s.folder = s.pick(".", s.folder, "sub", "other")
        CORNERS[other](s)
    broken = None
    if s.often(45):
        s.folder = s.pick(".", "sub", "wrong")
        BREAKERS[corner](s)
        broken = corner
    return s.done(broken)
