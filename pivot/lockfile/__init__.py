"""Stage records as text: the committed lock files, and the same text in the run cache."""

from .paths import lock_paths, stages_folder
from .text import BadLock, checked, dumps, loads, record_of
from .values import decode_value, encode_value

__all__ = [
    "BadLock",
    "checked",
    "decode_value",
    "dumps",
    "encode_value",
    "loads",
    "lock_paths",
    "record_of",
    "stages_folder",
]
