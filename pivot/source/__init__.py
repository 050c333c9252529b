"""What project code says, read and never imported: modules, definitions, names, signatures.

Names are imported on first use: telling that no source has changed needs nothing that parses.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .entry import EntryPoint, find_entry
    from .excerpts import excerpt
    from .locate import import_roots, split_entry, unchanged
    from .signatures import Parameter, Signature
    from .sources import IndexCache, Sources

_HOMES = {
    "EntryPoint": "entry",
    "IndexCache": "sources",
    "Parameter": "signatures",
    "Signature": "signatures",
    "Sources": "sources",
    "excerpt": "excerpts",
    "find_entry": "entry",
    "import_roots": "locate",
    "split_entry": "locate",
    "unchanged": "locate",
}

__all__ = [
    "EntryPoint",
    "IndexCache",
    "Parameter",
    "Signature",
    "Sources",
    "excerpt",
    "find_entry",
    "import_roots",
    "split_entry",
    "unchanged",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("." + _HOMES[name], __name__), name)
