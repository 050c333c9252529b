"""The text of a directory's manifest object, and which paths it may name.

A directory is one JSON list of its files, sorted by relative path, as DVC's `.dir` is:
`[{"blake3": "...", "isexec": true, "relpath": "a/b.csv"}, ...]`. The directory's digest is the
digest of that text. Under md5 the text is DVC's own, byte for byte, and so holds no `isexec`.
Folders without files leave no trace.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from .digest import Digest, hash_bytes
from .errors import StoreError
from .model import Manifest, ManifestEntry

_HEX = frozenset("0123456789abcdef")


def make_manifest(entries: Iterable[tuple[str, Digest]]) -> Manifest:
    """The manifest of (relative path, digest) pairs, in any order."""
    ordered = sorted(entries, key=_first)
    return Manifest(tuple(ManifestEntry(path, digest) for path, digest in ordered))


def manifest_bytes(manifest: Manifest) -> bytes:
    """The one text of a manifest: equal manifests give equal bytes, whatever made them."""
    items: list[dict[str, str | bool]] = []
    for entry in sorted(manifest.entries, key=_path_of):
        digest = entry.digest
        name = _field(digest.algorithm)
        item: dict[str, str | bool] = {name: digest.value, "relpath": entry.path}
        if digest.executable and name != "md5":
            item["isexec"] = True
        items.append(item)
    return json.dumps(items, sort_keys=True).encode("ascii")


def tree_digest(algorithm: str, manifest: Manifest) -> Digest:
    """The digest of a directory, with its total size where every file's size is known."""
    return digest_of_text(algorithm, manifest_bytes(manifest), manifest)


def digest_of_text(algorithm: str, text: bytes, manifest: Manifest) -> Digest:
    """As `tree_digest`, for a manifest whose text was made already."""
    size: int | None = 0
    for entry in manifest.entries:
        if entry.digest.size is None or size is None:
            size = None
        else:
            size += entry.digest.size
    value = hash_bytes(algorithm, text).value
    return Digest(algorithm, value, "tree", size, len(manifest.entries))


def parse_manifest(data: bytes, algorithm: str) -> Manifest:
    """The manifest that `data` is the text of.

    Raises StoreError where it is not one, or names a path outside the directory, a path twice,
    or a file below another file: such a manifest is never written to disk.
    """
    try:
        items = json.loads(data)
    except ValueError as error:
        raise StoreError(f"a directory manifest is not JSON ({error})") from None
    if not isinstance(items, list):
        raise StoreError("a directory manifest is not a list of files")
    name = _field(algorithm)
    entries: list[ManifestEntry] = []
    for item in items:
        path = item.get("relpath") if isinstance(item, dict) else None
        value = item.get(name) if isinstance(item, dict) else None
        if not isinstance(path, str) or not isinstance(value, str):
            raise StoreError(f"a directory manifest has an entry without relpath or {algorithm}")
        if not value or not _HEX.issuperset(value):
            raise StoreError(f"a directory manifest names {value!r}, which is no digest")
        executable = item.get("isexec") is True
        digest = Digest(algorithm, value, "file", None, None, executable)
        entries.append(ManifestEntry(path, digest))
    entries.sort(key=_path_of)
    check_paths(entry.path for entry in entries)
    return Manifest(tuple(entries))


def check_paths(paths: Iterable[str]) -> None:
    """Raise StoreError unless all paths are safe, distinct, and could lie in one folder."""
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        check_path(path)
        if path in files:
            raise StoreError(f"a directory manifest names {path!r} twice")
        files.add(path)
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    both = files & folders
    if both:
        raise StoreError(f"a directory manifest has {min(both)!r} both as a file and as a folder")


def check_path(path: str) -> None:
    """Raise StoreError unless `path` stays inside its directory and is spelled canonically."""
    unsafe = (
        path.startswith("/")
        or "\0" in path
        or any(part in ("", ".", "..") for part in path.split("/"))
    )
    if not unsafe:
        try:
            path.encode()
        except UnicodeEncodeError:
            unsafe = True
    if unsafe:
        raise StoreError(
            f"a directory manifest names the unsafe path {path!r}",
            hint="it does not come from this tool; nothing was written",
        )


def object_path(digest: Digest) -> str:
    """Where the object lies below a cache folder or a remote's prefix.

    `files/<algorithm>/<2 hex>/<rest>`; manifests under md5 end in `.dir` and DVC's legacy
    `md5-dos2unix` objects lie at the top, as DVC has them.
    """
    value = digest.value
    suffix = ".dir" if digest.is_tree and digest.algorithm in ("md5", "md5-dos2unix") else ""
    place = "" if digest.algorithm == "md5-dos2unix" else f"files/{digest.algorithm}/"
    return f"{place}{value[:2]}/{value[2:]}{suffix}"


def _field(algorithm: str) -> str:
    return "md5" if algorithm == "md5-dos2unix" else algorithm


def _path_of(entry: ManifestEntry) -> str:
    return entry.path


def _first(pair: tuple[str, Digest]) -> str:
    return pair[0]
