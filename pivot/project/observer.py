"""What artifacts are on disk right now: digests, hashed again only where stat says they may differ.

A digest is served without reading only where the file's signature (modification and change time,
size, inode, mode) is the one under which it was hashed, and that signature was old enough then for
any later change to show (`scan.is_settled`). Everything else is read. Not seen: a program that
keeps writing through a shared memory map after the kernel has stamped the file, and a system clock
that is set back exactly onto an earlier change.
"""

from __future__ import annotations

import marshal
import os
import stat
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..digest import Digest, fingerprint, parse_digest
from ..disk import explain
from ..errors import StoreError
from ..manifest import digest_of_text, make_manifest, manifest_bytes
from ..model import CheckMode, Manifest
from ..scan import SMALL_BYTES, Skip, for_each, hash_path, is_marked, kind_name, scan_folder
from ..stamp import TICK_NS, Signature, is_settled, signature
from .state import State

_SIGNATURE = struct.Struct("<qqqQI")
#: Above this size, waiting out a tick before reading is cheaper than reading again later.
_WAIT_BYTES = 16 << 20
#: So many files are looked up singly before everything that is known is loaded.
_FEW = 24


@dataclass(slots=True)
class _Folder:
    """The files of one folder as last seen; the signature is None where it cannot be trusted."""

    digest: Digest
    names: list[str]
    signatures: list[Signature | None]
    values: list[str]

    def manifest(self, statuses: Iterable[Signature]) -> Manifest:
        algorithm = self.digest.algorithm
        return make_manifest(
            (name, Digest(algorithm, value, "file", seen[2], None, bool(seen[4] & 0o100)))
            for name, value, seen in zip(self.names, self.values, statuses, strict=True)
        )


class Observer:
    """Digests of artifacts below `root` (project-relative or absolute paths).

    `observe` answers from memory within one run; `forget` after anything wrote there. `settle`
    before the state is closed makes what was just written instant next time. Files are read once
    per change; large ones by several threads, each of which calls `progress` with bytes read.
    """

    def __init__(
        self,
        root: str,
        state: State,
        algorithm: str,
        *,
        cache: str | None = None,
        progress: Callable[[int], None] | None = None,
        skip: Skip | None = None,
        spaces: str | None = None,
    ) -> None:
        self.root = os.path.abspath(root)
        self.algorithm = algorithm
        self._cache = cache
        self._skip = skip
        self.progress = progress
        # other digests of the same files stand beside the project's own
        suffix = spaces or ("-dos2unix" if algorithm == "md5-dos2unix" else "")
        self._files = state.rows(f"files{suffix}")
        self._folders = state.blobs(f"folders{suffix}")
        self._lookups = 0
        self._memo: dict[tuple[str, CheckMode], Digest | None] = {}
        self._below: dict[str, set[str]] = {}  # folder -> memoized paths somewhere below it
        self._unsettled: dict[str, int] = {}  # path -> latest change in it

    # --- asking ------------------------------------------------------------------------

    def observe(self, path: str, *, check: CheckMode = "content") -> Digest | None:
        """The digest of the file or folder at `path`; None where there is none.

        `stat` digests names, sizes and modification times instead of content (algorithm `stat`).
        Raises StoreError for what cannot be read or is neither file nor folder.
        """
        key = (path, check)
        if key in self._memo:
            return self._memo[key]
        try:
            status = os.stat(self._path(path))
        except (FileNotFoundError, NotADirectoryError):
            found = None
        except OSError as error:
            raise explain(error, "read", path) from None
        except ValueError:
            raise StoreError(f"{path!r} is not a possible path") from None
        else:
            if stat.S_ISREG(status.st_mode):
                found = self._stat_file(status) if check == "stat" else self._file(path, status)
            elif stat.S_ISDIR(status.st_mode):
                found = self._stat_folder(path) if check == "stat" else self._folder(path)[0]
            else:
                raise StoreError(
                    f"'{path}' is a {kind_name(status.st_mode)}, neither a file nor a folder"
                )
        self._remember(path, check, found)
        return found

    def fresh_observe(self, path: str, *, check: CheckMode = "content") -> Digest | None:
        """As `observe`, looking at the disk again."""
        self.forget(path)
        return self.observe(path, check=check)

    def observe_all(self, paths: Iterable[str]) -> dict[str, Digest | None]:
        """`observe` of each; several large files that need reading are read at the same time."""
        wanted = list(dict.fromkeys(paths))
        work: list[tuple[int, Callable[[], None]]] = []
        for path in wanted:
            if (path, "content") in self._memo:
                continue
            try:
                status = os.stat(self._path(path))
            except (OSError, ValueError):
                continue
            large = stat.S_ISREG(status.st_mode) and status.st_size > SMALL_BYTES
            if large and self._known_file(path, signature(status)) is None:

                def read(path: str = path, status: os.stat_result = status) -> None:
                    self._remember(path, "content", self._file(path, status))

                work.append((status.st_size, read))
        for_each(work)
        return {path: self.observe(path) for path in wanted}

    def manifest(self, path: str) -> Manifest | None:
        """The files of the folder at `path` with their digests; None where no folder is."""
        if not os.path.isdir(self._path(path)):
            return None
        digest, folder, seen = self._folder(path)
        self._remember(path, "content", digest)
        return folder.manifest(seen)

    # --- being told --------------------------------------------------------------------

    def forget(self, path: str) -> None:
        """Look at `path`, all below it and all folders around it again when next asked."""
        for name in (path, *self._below.pop(path, ()), *_parents(path)):
            self._memo.pop((name, "content"), None)
            self._memo.pop((name, "stat"), None)

    def remember(self, path: str, digest: Digest, manifest: Manifest | None = None) -> None:
        """Take note that `path` was just restored from the cache as `digest`.

        For a folder, `manifest` says what is in it. Believed where the files themselves bear it
        out (`scan.content_mark`); what they do not is read when next asked for.
        """
        self.forget(path)
        name = self._path(path)
        try:
            status = os.stat(name)
            if stat.S_ISREG(status.st_mode) and not digest.is_tree:
                if is_marked(status, digest.value) and digest.algorithm == self.algorithm:
                    self._put_file(path, signature(status), digest.value)
            elif stat.S_ISDIR(status.st_mode) and digest.is_tree and manifest is not None:
                self._remember_folder(path, digest, manifest)
        except (OSError, StoreError):
            return  # whoever asks next gets the error

    def noting(self, path: str) -> Noting:
        """For `LocalCache.add`: names digests that are known, notes those that it makes."""
        return Noting(self, path)

    def settle(self) -> None:
        """Read again what changed within a tick before it was read, so that next time it is known.

        Waits for the rest of that tick, at most once. Without this such files are read again in
        the next run: never wrong, only slower.
        """
        if not self._unsettled:
            return
        _sleep_until(max(self._unsettled.values()) + TICK_NS)
        for path in sorted(self._unsettled):
            del self._unsettled[path]
            try:
                self.fresh_observe(path)
            except StoreError:
                continue  # whoever asks next gets the error
        self._unsettled.clear()

    # --- files -------------------------------------------------------------------------

    def _path(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.root}/{path}"

    def _known_file(self, path: str, seen: Signature) -> str | None:
        self._lookups += 1
        if self._lookups == _FEW:  # until then single lookups cost less
            self._files.load()
        row = self._files.get(path)
        size = _SIGNATURE.size
        if row is None or row[:size] != _SIGNATURE.pack(*seen):
            return None
        algorithm, _, value = row[size:].decode().partition(":")
        return value if algorithm == self.algorithm else None

    def _put_file(self, path: str, seen: Signature, value: str) -> None:
        self._files.put(path, _SIGNATURE.pack(*seen) + f"{self.algorithm}:{value}".encode())

    def _file(self, path: str, status: os.stat_result) -> Digest | None:
        seen = signature(status)
        value = self._known_file(path, seen)
        if value is not None:
            executable = bool(seen[4] & 0o100)
            return Digest(self.algorithm, value, "file", seen[2], None, executable)
        try:
            digest, status, started = self._read(self._path(path), status)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise explain(error, "read", path) from None
        self._note_file(path, status, started, digest)
        return digest

    def _note_file(self, path: str, status: os.stat_result, started: int, digest: Digest) -> None:
        seen = signature(status)
        if is_settled(seen, started):
            self._put_file(path, seen, digest.value)
        else:
            self._unsettled[path] = max(self._unsettled.get(path, 0), seen[1])

    def _read(self, name: str, status: os.stat_result) -> tuple[Digest, os.stat_result, int]:
        _wait_out(status)
        return hash_path(self.algorithm, name, progress=self.progress)

    # --- folders -----------------------------------------------------------------------

    def _folder(self, path: str) -> tuple[Digest, _Folder, list[Signature]]:
        folder = self._path(path)
        found = scan_folder(folder, label=path, cache=self._cache, skip=self._skip)
        names = [name for name, _ in found]
        seen = [signature(status) for _, status in found]
        before = self._load_folder(path)
        if before is not None and before.names == names and before.signatures == seen:
            return before.digest, before, seen
        values: dict[str, str] = {}
        trusted: dict[str, Signature | None] = {}
        if before is not None:
            old = {
                name: (known, value)
                for name, known, value in zip(
                    before.names, before.signatures, before.values, strict=True
                )
            }
            for name, now in zip(names, seen, strict=True):
                known, value = old.get(name, (None, ""))
                if known == now:
                    values[name], trusted[name] = value, now
        work: list[tuple[int, Callable[[], None]]] = []
        for (name, status), position in zip(found, range(len(found)), strict=True):
            if name in values:
                continue

            def read(
                name: str = name, status: os.stat_result = status, position: int = position
            ) -> None:
                try:
                    digest, status, started = self._read(f"{folder}/{name}", status)
                except OSError as error:
                    raise explain(error, "read", f"{path}/{name}") from None
                values[name] = digest.value
                now = seen[position] = signature(status)
                trusted[name] = now if is_settled(now, started) else None

            work.append((status.st_size, read))
        for_each(work)
        made = self._put_folder(path, names, seen, trusted, values)
        return made.digest, made, seen

    def _put_folder(
        self,
        path: str,
        names: list[str],
        seen: list[Signature],
        trusted: dict[str, Signature | None],
        values: dict[str, str],
        digest: Digest | None = None,
    ) -> _Folder:
        made = _Folder(
            digest or Digest(self.algorithm, "", "tree"),
            names,
            [trusted[name] for name in names],
            [values[name] for name in names],
        )
        if digest is None:
            manifest = made.manifest(seen)
            made.digest = digest_of_text(self.algorithm, manifest_bytes(manifest), manifest)
        unsettled = [
            now[1] for now, known in zip(seen, made.signatures, strict=True) if known is None
        ]
        if unsettled:
            self._unsettled[path] = max(unsettled)
        data = (
            str(made.digest),
            made.digest.size,
            made.names,
            made.signatures,
            made.values,
        )
        self._folders.put(path, marshal.dumps(data))
        return made

    def _load_folder(self, path: str) -> _Folder | None:
        data = self._folders.get(path)
        if data is None:
            return None
        try:
            text, size, names, signatures, values = marshal.loads(data)  # noqa: S302 (checked)
            digest = parse_digest(text, size=size, files=len(names))
        except (ValueError, EOFError, TypeError):
            return None
        if digest.algorithm != self.algorithm:
            return None
        return _Folder(digest, names, signatures, values)

    def _remember_folder(self, path: str, digest: Digest, manifest: Manifest) -> None:
        found = scan_folder(self._path(path), label=path, cache=self._cache, skip=self._skip)
        wanted = {entry.path: entry.digest.value for entry in manifest.entries}
        executable = {entry.path for entry in manifest.entries if entry.digest.executable}
        if digest.algorithm != self.algorithm or wanted.keys() != {name for name, _ in found}:
            return
        runs = {name for name, status in found if status.st_mode & 0o100}
        if executable != runs and self.algorithm != "md5":  # whose manifests do not say
            return
        seen = [signature(status) for _, status in found]
        trusted: dict[str, Signature | None] = {}
        for (name, status), now in zip(found, seen, strict=True):
            trusted[name] = now if is_marked(status, wanted[name]) else None
        size = sum(now[2] for now in seen)
        whole = Digest(self.algorithm, digest.value, "tree", size, len(found))
        names = [name for name, _ in found]
        self._put_folder(path, names, seen, trusted, wanted, whole)

    # --- digests of stat ---------------------------------------------------------------

    def _stat_file(self, status: os.stat_result) -> Digest:
        value = fingerprint("stat-digest", 1, status.st_size, status.st_mtime_ns)
        return Digest("stat", value.partition(":")[2], "file", status.st_size)

    def _stat_folder(self, path: str) -> Digest:
        found = scan_folder(self._path(path), label=path, cache=self._cache, skip=self._skip)
        rows = [(name, status.st_size, status.st_mtime_ns) for name, status in found]
        value = fingerprint("stat-digest", 1, rows)
        size = sum(status.st_size for _, status in found)
        return Digest("stat", value.partition(":")[2], "tree", size, len(found))

    # --- memory of this run ------------------------------------------------------------

    def _remember(self, path: str, check: CheckMode, digest: Digest | None) -> None:
        self._memo[path, check] = digest
        for parent in _parents(path):
            self._below.setdefault(parent, set()).add(path)


class Noting:
    """Carries digests between the observer and whoever reads the same files to store them."""

    def __init__(self, observer: Observer, path: str) -> None:
        self._observer = observer
        self._path = path
        self._before: dict[str, tuple[Signature | None, str]] | None = None
        self._seen: dict[str, tuple[Signature, Signature | None, str]] = {}

    def known(self, relpath: str, status: os.stat_result) -> Digest | None:
        """The digest of a file that need not be read."""
        now = signature(status)
        if not relpath:
            value = self._observer._known_file(self._path, now)
        else:
            if self._before is None:
                folder = self._observer._load_folder(self._path)
                self._before = {}
                if folder is not None:
                    columns = zip(folder.signatures, folder.values, strict=True)
                    self._before = dict(zip(folder.names, columns, strict=True))
            known, value = self._before.get(relpath, (None, None))
            if known != now:
                value = None
        if value is None:
            _wait_out(status)
            return None
        self._seen[relpath] = (now, now, value)
        executable = bool(status.st_mode & 0o100)
        return Digest(self._observer.algorithm, value, "file", status.st_size, None, executable)

    def hashed(self, relpath: str, status: os.stat_result, started: int, digest: Digest) -> None:
        """A file was read."""
        now = signature(status)
        if relpath:
            settled = now if is_settled(now, started) else None
            self._seen[relpath] = (now, settled, digest.value)
        else:
            self._observer._note_file(self._path, status, started, digest)

    def finished(self, digest: Digest) -> None:
        """All of the artifact was read; its digest."""
        observer = self._observer
        observer.forget(self._path)
        if digest.algorithm != observer.algorithm:
            return
        if digest.is_tree:
            names = sorted(self._seen)
            observer._put_folder(
                self._path,
                names,
                [self._seen[name][0] for name in names],
                {name: self._seen[name][1] for name in names},
                {name: self._seen[name][2] for name in names},
                digest,
            )
        observer._remember(self._path, "content", digest)


def _wait_out(status: os.stat_result) -> None:
    """Before a large file is read: let the tick pass in which it was written."""
    if status.st_size > _WAIT_BYTES:
        _sleep_until(status.st_ctime_ns + TICK_NS)


def _sleep_until(moment: int) -> None:
    wait = moment - time.time_ns()
    if 0 < wait <= TICK_NS:  # more only where a clock is wrong
        time.sleep((wait + 1_000_000) / 1e9)


def _parents(path: str) -> list[str]:
    found: list[str] = [] if path == "." or path.startswith("/") else ["."]
    while "/" in path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found
