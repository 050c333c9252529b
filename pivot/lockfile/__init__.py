"""Stage records as text: the committed lock files, and the same text in the run cache."""

from .dvc_entries import (
    LEGACY,
    Entry,
    digest_of_item,
    entry_digest,
    entry_of_record,
    item_of_digest,
    record_of_entry,
    renewed,
    written,
)
from .paths import lock_paths, stages_folder
from .text import BadLock, checked, dumps, loads, record_of
from .values import decode_value, encode_value

__all__ = [
    "LEGACY",
    "BadLock",
    "Entry",
    "checked",
    "decode_value",
    "digest_of_item",
    "dumps",
    "encode_value",
    "entry_digest",
    "entry_of_record",
    "item_of_digest",
    "loads",
    "lock_paths",
    "record_of",
    "record_of_entry",
    "renewed",
    "stages_folder",
    "written",
]
