"""Uses of builtins whose meaning the whole module decides."""

from __future__ import annotations

from typing import NamedTuple


class Dynamic(NamedTuple):
    """A use of a builtin that can reach names no one can read off the text.

    `whole`: every name of the module itself may be meant; `opaque`: and things beyond.
    """

    builtin: str
    line: int
    whole: bool
    opaque: bool
