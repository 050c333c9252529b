"""`repro --pull`: what stages need and is not here comes from the remotes, when it is needed."""

from __future__ import annotations

from collections.abc import Mapping

from ..digest import Digest
from ..manifest import object_path
from ..model import TrackedFile
from .inventory import Targets, inventory_of, items_of
from .session import Session
from .sharing import fetch_objects
from .stores import Stores, objects_of
from .wanted import is_from_url, is_import


class Pull:
    """Brings objects, tables and run records of earlier runs when a run asks for them.

    With `ahead` the results that the locks name, and that are neither in the work tree nor in the
    cache, are brought together before the first is asked for; without, only what is asked for.
    What a remote does not have is asked for once. Close it at the end.
    """

    def __init__(self, session: Session, *, ahead: bool = True, jobs: int | None = None) -> None:
        self._session = session
        self._jobs = jobs
        self.frugal = not ahead
        self._ahead = ahead
        self._asked: set[Digest] = set()
        self._keys: set[str] = set()
        self._offered: dict[Digest, bool] = {}
        self._remotes: dict[Digest, str | None] = {}
        self._imports: dict[Digest, TrackedFile] = {}  # what another repository has
        self._downloads: dict[Digest, TrackedFile] = {}
        for item in items_of(inventory_of(session), Targets()):
            if item.digest is not None:
                self._remotes.setdefault(item.digest, item.out.remote)
                if item.tracked is not None and is_import(session, item):
                    self._imports[item.digest] = item.tracked
                elif item.tracked is not None and is_from_url(session, item):
                    self._downloads[item.digest] = item.tracked
        self._stores = Stores(session.project)
        self._stores.of(None)  # without a remote there is nothing to pull from

    def begin(self) -> None:
        """From now on, answer the cache and the run cache of the session."""
        space = self._session.space
        space.cache.source = self
        space.run_cache.source = self.bring_records

    def close(self) -> None:
        """Answer no more."""
        space = self._session.space
        space.cache.source = space.run_cache.source = None
        self._stores.close()

    def bring(self, digest: Digest) -> None:
        """Put an object, and the files of a directory, into the cache, as far as can be."""
        if digest in self._asked:
            return
        if digest in self._imports:
            self._asked.add(digest)
            self._import(self._imports[digest])
            return
        wanted = {digest: self._remotes.get(digest)}
        if self._ahead:
            self._ahead = False
            wanted |= self._lost()
        self._asked.update(wanted)
        space = self._session.space
        fetch_objects(self._session.project, space.cache, wanted, jobs=self._jobs)
        for lost, file in self._downloads.items():
            if lost in wanted and not space.cache.has(lost):
                self._import(file)  # from where it once came

    def offers(self, digest: Digest) -> bool:
        """Whether an object, with the files of a directory, could be brought; nothing is.

        What was imported is taken on the word of its record: other repositories have it.
        """
        if digest in self._imports or digest in self._downloads:
            return True
        if digest not in self._offered:
            self._ask(
                {**({} if self._offered else self._lost()), digest: self._remotes.get(digest)}
            )
        return self._offered[digest]

    def _ask(self, wanted: Mapping[Digest, str | None]) -> None:
        """Learn which of the objects the remotes have, those of one remote together."""
        groups: dict[str | None, list[Digest]] = {}
        for digest, name in wanted.items():
            groups.setdefault(name, []).append(digest)
        for name, digests in groups.items():
            store = self._stores.of(name)
            parts = {
                digest: objects_of(self._session.space.cache, digest, store) for digest in digests
            }
            keys = {object_path(part) for found in parts.values() for part in found}
            there = self._stores.crew(store, self._jobs).existing(store, keys)
            for digest, found in parts.items():
                self._offered[digest] = all(object_path(part) in there for part in found)

    def _import(self, file: TrackedFile) -> None:
        from .importing import bring_imported  # git, and 10 ms; most data is the project's own

        why = bring_imported(self._session, file)
        if why is not None:
            self._session.project.warnings.append(f"'{file.path}' ({file.name}): {why}")

    def bring_records(self, key_id: str) -> None:
        """Bring what others noted of earlier runs of a key."""
        if key_id in self._keys:
            return
        self._keys.add(key_id)
        store = self._stores.of(None)
        self._stores.evidence(store, self._jobs).fetch_records(key_id)

    def _lost(self) -> dict[Digest, str | None]:
        """What the locks and records name, and neither the work tree nor the cache has."""
        space = self._session.space
        return {
            item.digest: item.out.remote
            for item in items_of(inventory_of(self._session), Targets())
            if item.digest is not None
            and item.out.cache
            and item.digest not in self._imports
            and space.observer.observe(item.path) is None
            and not space.cache.has(item.digest)
        }
