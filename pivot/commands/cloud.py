"""`status --cloud`: how the cache and the remotes stand against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..digest import Digest
from ..errors import StoreError
from ..manifest import object_path
from ..values import dataclass
from .sharing import by_store
from .stores import Stores
from .wanted import ShareRequest, is_import, wanted_by

if TYPE_CHECKING:
    from ..store import LocalCache
    from ..store.remotes import ObjectStore
    from .inventory import Item
    from .session import Session

CloudState = Literal["new", "deleted", "missing"]


@dataclass(frozen=True, slots=True)
class Difference:
    """An artifact that is only here (`new`), only there (`deleted`), or in neither (`missing`)."""

    artifact: str
    owner: str
    state: CloudState
    remote: str


@dataclass(frozen=True, slots=True)
class Cloud:
    """The artifacts that differ, the remotes that were asked, and how many artifacts there are."""

    differences: tuple[Difference, ...]
    remotes: tuple[str, ...]
    total: int


def cloud_status(session: Session, request: ShareRequest) -> Cloud:
    """Compare what the locks and records name, here and on the remotes; nothing is moved."""
    cache = session.space.cache
    wanted = wanted_by(session, request)
    items = [item for item in wanted.items if item.out.push and not is_import(session, item)]
    found: list[Difference] = []
    names: list[str] = []
    with Stores(session.project) as stores:
        for store, group in by_store(stores, items, request):
            names.append(store.name)
            parts = {item.path: _objects(cache, item) for item in group}
            there = _there(stores, store, parts, request.jobs)
            for item in group:
                digests = parts[item.path]
                is_here = all(cache.holds(digest) for digest in digests) and bool(digests)
                is_there = all(object_path(digest) in there for digest in digests)
                if is_here != is_there:
                    state: CloudState = "new" if is_here else "deleted"
                elif not is_here:
                    state = "missing"
                else:
                    continue
                found.append(Difference(item.path, item.owner, state, store.name))
    return Cloud(tuple(found), tuple(names), len(items))


def _objects(cache: LocalCache, item: Item) -> list[Digest]:
    """The objects of an artifact; of a directory whose list is not here, that list alone."""
    assert item.digest is not None  # what has none was left out
    if not item.digest.is_tree:
        return [item.digest]
    try:
        entries = cache.manifest(item.digest).entries
    except StoreError:
        return [item.digest]
    return [item.digest, *dict.fromkeys(e.digest for e in entries if item.covers(e.path))]


def _there(
    stores: Stores, store: ObjectStore, parts: dict[str, list[Digest]], jobs: int | None
) -> dict[str, int]:
    from ..store.remotes import Crew

    keys = dict.fromkeys(object_path(digest) for digests in parts.values() for digest in digests)
    return Crew(jobs or store.jobs, stores.retry(store)).existing(store, keys)
