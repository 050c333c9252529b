"""`status --cloud`: how the cache and the remotes stand against each other."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
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
    """The artifacts that differ, the remotes that were asked, and how many artifacts there are.

    `objects` is what `dvc status --cloud` tells: artifacts and the files of directories that
    differ, by path, the same bytes once.
    """

    differences: tuple[Difference, ...]
    objects: Mapping[str, CloudState]
    remotes: tuple[str, ...]
    total: int
    notes: tuple[str, ...] = ()


def cloud_status(session: Session, request: ShareRequest) -> Cloud:
    """Compare what the locks and records name, here and on the remotes; nothing is moved."""
    cache = session.space.cache
    wanted = wanted_by(session, request)
    items = [item for item in wanted.items if item.out.push and not is_import(session, item)]
    found: list[Difference] = []
    objects: dict[Digest, tuple[str, CloudState]] = {}
    names: list[str] = []
    notes: list[str] = []
    with Stores(session.project) as stores:
        for store, group in by_store(stores, items, request):
            names.append(store.name)
            gone = stores.missing_folder(store)
            if gone is not None:
                notes.append(f"{gone.message} yet: the first `pivot push` makes it")
            parts = {item.path: _objects(cache, item) for item in group}
            there = _there(stores, store, parts, request.jobs)

            def state_of(digests: Iterable[Digest], there: Container[str] = there) -> str:
                is_here = all(cache.holds(digest) for digest in digests)
                is_there = all(object_path(digest) in there for digest in digests)
                if is_here == is_there:
                    return "same" if is_here else "missing"
                return "new" if is_here else "deleted"

            for item in group:
                state = state_of(parts[item.path].values())
                if state != "same":
                    found.append(Difference(item.path, item.owner, _state(state), store.name))
            # artifacts first: a file of a directory with the bytes of one goes by its name
            for item in sorted(group, key=lambda item: item.digest is None or item.digest.is_tree):
                for path, digest in parts[item.path].items():
                    one = state_of([digest])
                    if one != "same":
                        objects.setdefault(digest, (path, _state(one)))
    return Cloud(tuple(found), dict(objects.values()), tuple(names), len(items), tuple(notes))


def _state(text: str) -> CloudState:
    return "new" if text == "new" else "deleted" if text == "deleted" else "missing"


def _objects(cache: LocalCache, item: Item) -> dict[str, Digest]:
    """The objects of an artifact; of a directory whose list is not here, that list alone."""
    assert item.digest is not None  # what has none was left out
    if not item.digest.is_tree:
        return {item.path: item.digest}
    try:
        entries = cache.manifest(item.digest).entries
    except StoreError:
        return {item.path: item.digest}
    inside = {f"{item.path}/{e.path}": e.digest for e in entries if item.covers(e.path)}
    return {item.path: item.digest, **inside}


def _there(
    stores: Stores, store: ObjectStore, parts: dict[str, dict[str, Digest]], jobs: int | None
) -> dict[str, int]:
    keys = dict.fromkeys(object_path(digest) for part in parts.values() for digest in part.values())
    return stores.crew(store, jobs).existing(store, keys)
