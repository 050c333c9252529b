"""The local cache: objects named by their content, and outputs made from them.

Layout below the cache folder: `files/<algorithm>/<2 hex>/<rest>` (read-only), `tmp/` for what is
being written, `quarantine/` for objects whose content was not what their name says, and `runs/`
and `code/` (see `runs` and `code`).

Guarantees. An object has its name only once all its bytes are in it, so a crash or a full disk
leaves no partial object; with `fsync` its bytes are on disk first. Several processes may add,
serve and quarantine at the same time. An object whose file was written to since it was stored is
hashed before it is served; one that no longer matches is set aside, reported and counts as
missing. Not guaranteed: decay of the disk that leaves size and time alone is found by `verify`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import Protocol

from ..digest import OBJECT_ALGORITHMS, Digest, hash_bytes
from ..disk import explain, read_if_exists, remove_quietly, temporary_name
from ..errors import StoreError, did_you_mean
from ..manifest import digest_of_text, make_manifest, manifest_bytes, object_path, parse_manifest
from ..model import Manifest
from ..scan import (
    SMALL_BYTES,
    FileDigests,
    Skip,
    for_each,
    hash_path,
    is_marked,
    kind_name,
    scan_folder,
)
from ..stamp import signature
from .placing import Link, Progress, remove_any, swap_in
from .restoring import keep_ignored, place_file, place_tree
from .writing import ObjectWriter


class KnownObjects(Protocol):
    """Where the state of objects that others wrote is remembered once they were verified."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


class Source(Protocol):
    """Where objects that are not here may be had.

    Where it is `frugal`, only what a stage is about to read is asked of it.
    """

    frugal: bool

    def bring(self, digest: Digest) -> None:
        """Put an object, and the files of a directory, into the cache, as far as can be."""


class LocalCache:
    """The objects in one folder. `report` is told, in one line each, of what was quarantined.

    What lies only in the folder `former`, another cache, is taken over once it is asked for.
    Outputs are made whole in the folder `scratch` where that is on their file system, else beside
    their place: what a killed process leaves unfinished lies there.
    """

    def __init__(
        self,
        folder: str,
        *,
        algorithm: str = "blake3",
        link: Link = "copy",
        fsync: bool = False,
        known: KnownObjects | None = None,
        report: Callable[[str], None] | None = None,
        scratch: str | None = None,
        skip: Skip | None = None,
        shared: bool = False,
        former: str | None = None,
    ) -> None:
        if algorithm not in OBJECT_ALGORITHMS:
            raise StoreError(
                f"unknown hash algorithm '{algorithm}'",
                hint=did_you_mean(algorithm, OBJECT_ALGORITHMS),
            )
        self.folder = os.path.abspath(folder)
        self.algorithm = algorithm
        self.link: Link = link
        self.reports: list[str] = []
        #: asked by `obtain` alone
        self.source: Source | None = None
        self._known = known
        self._report = report
        self._scratch = scratch
        self._skip = skip
        self._former = former
        self._writer = ObjectWriter(self.folder, algorithm, fsync, shared=shared)
        self._manifests: dict[Digest, Manifest] = {}

    # --- what is there -----------------------------------------------------------------

    def path(self, digest: Digest) -> str:
        """Where the object lies, whether it exists or not."""
        return f"{self.folder}/{object_path(digest)}"

    def has(self, digest: Digest) -> bool:
        """Whether all bytes can be served: the object, and every file of a directory."""
        return not self.missing(digest)

    def obtain(self, digest: Digest) -> bool:
        """As `has`, once what is missing was asked of the source, where there is one."""
        if self.has(digest):
            return True
        if self.source is None:
            return False
        self.source.bring(digest)
        return self.has(digest)

    def missing(self, digest: Digest) -> tuple[Digest, ...]:
        """The objects that are absent or corrupt: itself, or files of a directory."""
        if not self._is_served(digest):
            return (digest,)
        if not digest.is_tree:
            return ()
        try:
            manifest = self.manifest(digest)
        except StoreError:
            return (digest,)
        absent: dict[Digest, None] = {}
        for entry in manifest.entries:
            if entry.digest not in absent and not self._is_served(entry.digest):
                absent[entry.digest] = None
        return tuple(absent)

    def holds(self, digest: Digest) -> bool:
        """Whether this one object can be served, whatever a directory's files are."""
        return self._is_served(digest)

    def manifest(self, digest: Digest) -> Manifest:
        """The files of directory `digest`. Raises StoreError where it is missing or corrupt."""
        found = self._manifests.get(digest)
        if found is None:
            found = parse_manifest(self.read(digest), digest.algorithm)
            self._manifests[digest] = found
        return found

    def read(self, digest: Digest) -> bytes:
        """The bytes of one object. Raises StoreError where it is missing or corrupt."""
        path = self.path(digest)
        try:
            data = read_if_exists(path) if self._is_served(digest) else None
        except OSError as error:
            raise explain(error, "read the cache object", path) from None
        if data is None:
            raise self._absent(digest)
        return data

    def objects(self) -> Iterator[tuple[Digest, int]]:
        """Every object with its size in bytes, in no order. Temporary files are not objects."""
        files = os.path.join(self.folder, "files")
        for algorithm in _names(files):
            for shard in _names(f"{files}/{algorithm}"):
                for name, size in _files(f"{files}/{algorithm}/{shard}"):
                    value, _, ending = (shard + name).partition(".")
                    if ending in ("", "dir") and all(c in "0123456789abcdef" for c in value):
                        yield Digest(algorithm, value, "tree" if ending else "file"), size

    # --- putting things in -------------------------------------------------------------

    def add(
        self,
        path: str,
        *,
        progress: Progress | None = None,
        digests: FileDigests | None = None,
    ) -> Digest:
        """Store the file or folder at `path`, reading every file once; the digest of both.

        `digests` names files that need not be read since their digest is known, and is told the
        others'. Raises StoreError where the bytes cannot be read or stored; then no object was
        half written, and what was written stays for the next attempt.
        """
        try:
            status = os.stat(path)
        except OSError as error:
            raise explain(error, "read", path) from None
        if stat.S_ISDIR(status.st_mode):
            digest = self._add_folder(path, progress, digests)
        elif stat.S_ISREG(status.st_mode):
            digest = self._add_file(path, "", status, progress, digests)
        else:
            raise StoreError(f"'{path}' is a {kind_name(status.st_mode)}, which cannot be stored")
        if digests is not None:
            digests.finished(digest)
        return digest

    def add_bytes(self, data: bytes) -> Digest:
        """Store `data` as one file."""
        digest = hash_bytes(self.algorithm, data)
        self._writer.write(digest, data, self._is_served)
        return digest

    def store(self, digest: Digest, data: bytes) -> None:
        """Make `data`, which the caller has found to be `digest`, that object."""
        self._writer.write(digest, data, self._is_served)

    def add_manifest(self, manifest: Manifest) -> Digest:
        """Store the manifest of a directory, not its files; the directory's digest."""
        text = manifest_bytes(manifest)
        digest = digest_of_text(self.algorithm, text, manifest)
        self._writer.write(digest, text, self._is_served)
        return digest

    def temporary(self) -> str:
        """A new name on the cache's file system, for bytes to be handed to `adopt`."""
        return self._writer.temporary()

    def adopt(self, temporary: str, digest: Digest, *, verified: bool = False) -> None:
        """Make the finished file at `temporary` the object `digest`; the file is gone after.

        Unless `verified`, its bytes are hashed first. Raises StoreError where they are others.
        """
        try:
            if not verified:
                actual = hash_path(digest.algorithm, temporary)[0]
                if actual.value != digest.value:
                    raise StoreError(
                        f"the bytes received for {digest} are those of {actual}",
                        hint="fetch it again; the remote's copy may be corrupt",
                    )
            self._writer.finish(temporary, digest)
        except OSError as error:
            raise explain(error, "store", self.path(digest)) from None
        finally:
            remove_quietly([temporary])

    def remove(self, digest: Digest) -> int:
        """Remove one object; the bytes it took, 0 where it did not exist."""
        path = self.path(digest)
        self._manifests.pop(digest, None)
        try:
            size = os.lstat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise explain(error, "remove", path) from None
        return size

    def _add_file(
        self,
        path: str,
        relpath: str,
        status: os.stat_result,
        progress: Progress | None,
        digests: FileDigests | None,
    ) -> Digest:
        if digests is not None:
            known = digests.known(relpath, status)
            if known is not None and known.algorithm == self.algorithm and self._is_served(known):
                if progress is not None:
                    progress(status.st_size)
                return known
        digest, seen, started = self._writer.copy(path, self._is_served, progress)
        if digests is not None:
            digests.hashed(relpath, seen, started, digest)
        return digest

    def _add_folder(
        self, folder: str, progress: Progress | None, digests: FileDigests | None
    ) -> Digest:
        stored: dict[str, Digest] = {}
        small: list[tuple[str, os.stat_result]] = []
        large: list[tuple[int, Callable[[], None]]] = []

        def store(relpath: str, status: os.stat_result) -> None:
            path = f"{folder}/{relpath}"
            stored[relpath] = self._add_file(path, relpath, status, progress, digests)

        for relpath, status in scan_folder(folder, cache=self.folder, skip=self._skip):
            if status.st_size <= SMALL_BYTES:
                small.append((relpath, status))
            else:
                # bound now: the loop's variables move on
                large.append((status.st_size, lambda r=relpath, s=status: store(r, s)))  # type: ignore[misc]
        for relpath, status in small:
            store(relpath, status)
        for_each(large)
        manifest = make_manifest(stored.items())
        digest = self.add_manifest(manifest)
        self._manifests[digest] = manifest
        return digest

    # --- taking things out -------------------------------------------------------------

    def materialize(
        self,
        digest: Digest,
        target: str,
        *,
        link: Link | None = None,
        writable: bool = False,
        progress: Progress | None = None,
        present: Manifest | None = None,
    ) -> None:
        """Make `target` exactly what `digest` names, in one instant, whatever lies there now.

        A folder becomes its manifest and nothing else, save files that are ignored. Copies belong
        to the user; links are read-only, and `writable` asks for copies whatever `link` says; where
        the file system cannot link, and for executable files, copies are made too. `present` names
        what the folder at `target` holds now: equal files are carried over, not written again.
        Missing parents are made. Raises StoreError, with `target` as it was, where objects are
        missing or corrupt or the disk refuses. Nothing here asks whether what it replaces is kept.
        """
        missing = self.missing(digest)
        if missing:
            raise self._absent(digest, missing)
        how: Link = "copy" if writable else link or self.link
        target = target.rstrip("/") or "/"
        scratches = (self._scratch, None) if self._scratch else (None,)
        for scratch in scratches:
            temporary = temporary_name(target, scratch)
            try:
                os.makedirs(os.path.dirname(temporary) or ".", exist_ok=True)
                os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
                if scratch is not None and not _same_device(scratch, os.path.dirname(target)):
                    continue
                if digest.is_tree:
                    manifest = self.manifest(digest)
                    kept = {e.path: e.digest for e in present.entries} if present else {}
                    place_tree(
                        manifest, self.path, temporary, how, progress, kept=kept, present_at=target
                    )
                    if self._skip is not None:
                        keep_ignored(target, temporary, self._skip)
                else:
                    place_file(digest, self.path(digest), temporary, how, progress)
                swap_in(temporary, target)
            except (FileExistsError, NotADirectoryError):
                raise _blocked(target) from None
            except OSError as error:
                if error.errno == errno.EXDEV and scratch is not None:
                    continue  # a mount of the same file system
                raise explain(error, "restore", target) from None
            finally:
                remove_any(temporary)
            return

    # --- trust -------------------------------------------------------------------------

    def verify(self, digest: Digest) -> bool:
        """Whether the object is there with the right bytes, by reading them; else quarantined."""
        path = self.path(digest)
        try:
            actual, status, _ = hash_path(digest.algorithm, path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise explain(error, "read the cache object", path) from None
        except ValueError:
            raise StoreError(f"{digest}: no known hash algorithm can verify it") from None
        if actual.value != digest.value:
            self.quarantine(digest, f"its content is {actual}")
            return False
        if self._known is not None and not _is_trusted(status, digest):
            self._known.put(str(digest), repr(signature(status)).encode())
        return True

    def quarantine(self, digest: Digest, reason: str) -> str | None:
        """Set a corrupt object aside and report it; where it lies now (None: could not move)."""
        path = self.path(digest)
        self._manifests.pop(digest, None)
        place = os.path.join(self.folder, "quarantine")
        aside: str | None = os.path.join(place, f"{digest.algorithm}-{digest.value}")
        try:
            os.makedirs(place, exist_ok=True)
            os.replace(path, aside or "")
            if aside and hash_path(digest.algorithm, aside)[0].value == digest.value:
                # another process stored it anew between our reading and our moving
                os.replace(aside, path)
                return None
        except OSError:
            aside = None
        moved = f"; set aside as '{aside}'" if aside else ""
        line = f"the cache object {digest} is corrupt ({reason}){moved}"
        self.reports.append(line)
        if self._report is not None:
            self._report(line)
        return aside

    def _is_served(self, digest: Digest) -> bool:
        path = f"{self.folder}/{object_path(digest)}"
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return self._former is not None and self._take_over(self._former, digest)
        except OSError as error:
            raise explain(error, "read the cache object", path) from None
        if _is_trusted(status, digest):
            return True
        if self._known is not None:
            recorded = self._known.get(str(digest))
            if recorded is not None and recorded == repr(signature(status)).encode():
                return True
        return self.verify(digest)

    def _take_over(self, former: str, digest: Digest) -> bool:
        """Whether an object of the former cache is here now: as another name of it, or a copy."""
        source = f"{former}/{object_path(digest)}"
        if not os.path.isfile(source):
            return False
        import shutil  # 2 ms; only after a migration

        temporary = ""
        try:
            temporary = self.temporary()
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
            self.adopt(temporary, digest)
        except (OSError, StoreError):
            remove_quietly([temporary] if temporary else [])
            return False  # it is corrupt, or may not be read, or nothing may be written here
        return True

    def _absent(self, digest: Digest, missing: tuple[Digest, ...] = ()) -> StoreError:
        if missing and missing != (digest,):
            count = f"{len(missing)} of the files" if len(missing) > 1 else "a file"
            what = f"{count} of directory {digest} (such as {missing[0]})"
        else:
            what = f"the directory {digest}" if digest.is_tree else str(digest)
        verb = "are" if len(missing) > 1 else "is"
        return StoreError(
            f"{what} {verb} not in the cache '{self.folder}'",
            hint="run the stage that makes it, or copy the file here from where it is",
        )


def _is_trusted(status: os.stat_result, digest: Digest) -> bool:
    """Whether the object is as it was stored: read-only, and of the time its content gives."""
    return status.st_mode & 0o222 == 0 and is_marked(status, digest.value)


def _same_device(folder: str, other: str) -> bool:
    return os.stat(folder).st_dev == os.stat(other).st_dev


def _blocked(target: str) -> StoreError:
    folder = os.path.dirname(target)
    while folder and not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return StoreError(
        f"cannot restore '{target}': '{folder}' is not a folder",
        hint="move that file away",
    )


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(folder) as entries:
            return [
                (entry.name, entry.stat(follow_symlinks=False).st_size)
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
