"""Remotes: where objects lie that other machines share. One seam, and what lies behind it.

Nothing here is imported before a command uses a remote.
"""

from .many import Crew, Retry
from .opening import check_apart, kind_of, open_store, retry_of
from .problems import RemoteError
from .protocol import ObjectStore

__all__ = [
    "Crew",
    "ObjectStore",
    "RemoteError",
    "Retry",
    "check_apart",
    "kind_of",
    "open_store",
    "retry_of",
]
