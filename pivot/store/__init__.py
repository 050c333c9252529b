"""Objects, run records and code tables in a cache folder, and outputs made from them.

Everything here takes folders as arguments and never looks for the project.
"""

from .cache import KnownObjects, LocalCache
from .code import CodeTable, CodeTables
from .links import is_protected, unprotect
from .placing import Link, Progress
from .runs import RunCache

__all__ = [
    "CodeTable",
    "CodeTables",
    "KnownObjects",
    "Link",
    "LocalCache",
    "Progress",
    "RunCache",
    "is_protected",
    "unprotect",
]
