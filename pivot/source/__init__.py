"""What project code says, read and never imported: modules, definitions, names, signatures."""

from .entry import EntryPoint, find_entry
from .excerpts import excerpt
from .locate import import_roots, split_entry, unchanged
from .signatures import Parameter, Signature
from .sources import IndexCache, Sources

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
