"""`push`, `fetch` and `pull`: objects between the cache and the remotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..digest import Digest
from ..errors import ConfigError, did_you_mean
from ..settings import RemoteSpec
from ..values import dataclass, field
from .inventory import Item, Targets, inventory_of, items_of

if TYPE_CHECKING:
    from ..project import Project
    from ..store import LocalCache
    from ..store.remotes import ObjectStore
    from ..store.transfer import Progress
    from .session import Session


@dataclass(frozen=True, slots=True)
class ShareRequest:
    """What to move, and how. `jobs` None: as many at a time as serve the remote best."""

    targets: Targets = field(default_factory=Targets)
    remote: str | None = None
    jobs: int | None = None
    run_cache: bool = False
    allow_missing: bool = False
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Lacking:
    """An artifact that could not be had whole, or not be sent, and why."""

    artifact: str
    owner: str
    digest: str
    why: str
    tracked: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """What went over: files and bytes by remote, what was there already, and what is lacking."""

    files: int
    size: int
    already: int
    remotes: tuple[str, ...]
    lacking: tuple[Lacking, ...]
    notes: tuple[str, ...] = ()


class Stores:
    """The remotes of a project, each opened once; close them all at the end."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._open: dict[str, ObjectStore] = {}

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: object) -> None:
        for store in self._open.values():
            store.close()

    def of(self, name: str | None) -> ObjectStore:
        """The remote of that name, or the default one. Raises ConfigError, RemoteError."""
        spec = remote_spec(self._project, name)
        if spec.name not in self._open:
            # 20 ms and more to import, by kind; only commands that move bytes need it
            from ..store.remotes import open_store

            self._open[spec.name] = open_store(spec, self._project.root)
        return self._open[spec.name]


def remote_spec(project: Project, name: str | None) -> RemoteSpec:
    """The remote called `name`; without a name the default, or the only one there is.

    Raises ConfigError where there is none, with what was probably meant.
    """
    remotes = project.settings.remotes
    wanted = name or project.settings["core.remote"]
    if wanted is None:
        if len(remotes) == 1:
            return next(iter(remotes.values()))
        if not remotes:
            raise ConfigError(
                "no remote is configured",
                hint="add one: `pivot remote add --default origin s3://BUCKET/PREFIX`, or a folder",
            )
        raise ConfigError(
            f"there are {len(remotes)} remotes, and none of them is the default",
            hint="name one with `-r`, or set it with `pivot remote default NAME`",
        )
    if wanted not in remotes:
        said = "" if name else " (core.remote)"
        raise ConfigError(
            f"there is no remote '{wanted}'{said}",
            hint=did_you_mean(wanted, remotes) or "`pivot remote list` shows what there is",
        )
    return remotes[wanted]


def fetch_objects(
    project: Project,
    cache: LocalCache,
    wanted: Mapping[Digest, str | None],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> dict[Digest, str]:
    """Bring objects, and the files of directories, into the cache; those not to be had, and why.

    `wanted` names the remote of each (None: the default one). Every object is verified before it
    gets its name. Raises ConfigError where no such remote is configured, RemoteError where one
    cannot be used at all.
    """
    missing = {digest: name for digest, name in wanted.items() if not cache.has(digest)}
    if not missing:
        return {}
    by_remote: dict[str | None, list[Digest]] = {}
    for digest, name in missing.items():
        by_remote.setdefault(name, []).append(digest)
    why: dict[Digest, str] = {}
    with Stores(project) as stores:
        for name, digests in by_remote.items():
            from ..store.transfer import Transfer

            store = stores.of(name)
            done = Transfer(cache, store, jobs=jobs, progress=progress).fetch(digests)
            why |= dict.fromkeys(done.absent, f"remote '{store.name}' does not have it")
            why |= {digest: error.message for digest, error in done.failed}
    lacking: dict[Digest, str] = {}
    for digest in missing:
        for part in cache.missing(digest):
            lacking.setdefault(digest, why.get(part, "not to be had"))
    return lacking


def push(session: Session, request: ShareRequest) -> Shared:
    """Send what the locks and records name, as far as it is here and not there."""
    from ..store.transfer import Transfer

    cache = session.space.cache
    chosen, notes = _wanted(session, request)
    chosen = [item for item in chosen if item.out.push and not _is_import(session, item)]
    totals = _Totals()
    with Stores(session.project) as stores:
        for store, items in _by_store(stores, chosen, request):
            transfer = Transfer(cache, store, jobs=request.jobs, progress=request.progress)
            done = transfer.push([item.digest for item in items if item.digest is not None])
            why = dict.fromkeys(done.absent, f"neither here nor on remote '{store.name}'")
            why |= {digest: error.message for digest, error in done.failed}
            totals.add(store.name, done.moved, done.size, done.already)
            totals.lacking += _lacking(session, items, why)
    return totals.result(notes)


def fetch(session: Session, request: ShareRequest) -> Shared:
    """Bring what the locks and records name into the cache, as far as it is not there."""
    return _fetch(session, request, *_wanted(session, request))


def _fetch(session: Session, request: ShareRequest, chosen: list[Item], notes: list[str]) -> Shared:
    from ..store.transfer import Transfer

    cache = session.space.cache
    totals = _Totals()
    with Stores(session.project) as stores:
        for store, items in _by_store(stores, chosen, request):
            transfer = Transfer(cache, store, jobs=request.jobs, progress=request.progress)
            parts: dict[Digest, list[Item]] = {}
            for item in items:
                if item.digest is not None:
                    parts.setdefault(item.digest, []).append(item)
            done = transfer.fetch(
                parts,
                within=lambda tree, path, parts=parts: any(  # type: ignore[misc]
                    item.covers(path) for item in parts[tree]
                ),
            )
            why = dict.fromkeys(done.absent, f"remote '{store.name}' does not have it")
            why |= {digest: error.message for digest, error in done.failed}
            totals.add(store.name, done.moved, done.size, done.already)
            totals.lacking += _lacking(session, items, why)
    return totals.result(notes)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was fetched, and what was put into the work tree."""

    shared: Shared
    restored: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[str, ...]


def pull(session: Session, request: ShareRequest, *, force: bool = False) -> Pulled:
    """`fetch`, then put into the work tree what is there now.

    A file whose bytes are in no cache is left alone and reported, unless `force`.
    """
    from .artifacts import place_chosen

    chosen, notes = _wanted(session, request)
    shared = _fetch(session, request, chosen, notes)
    lacking = {item.artifact for item in shared.lacking}
    done = place_chosen(session, [item for item in chosen if item.path not in lacking], force=force)
    return Pulled(shared, done.restored, done.unchanged, done.refused)


# --- what is meant -------------------------------------------------------------------------


def _wanted(session: Session, request: ShareRequest) -> tuple[list[Item], list[str]]:
    """The artifacts to move, and what is to be said about stages without a lock."""
    targets = request.targets
    if not targets.names:
        targets = Targets(cwd=session.cwd)
    chosen = items_of(inventory_of(session), targets)
    unlocked = dict.fromkeys(
        item.owner for item in chosen if item.digest is None and item.out.cache
    )
    notes = [f"'{owner}' has no locked result yet" for owner in unlocked if request.targets.names]
    cached = [
        item for item in chosen if item.digest is not None and (item.out.cache or request.run_cache)
    ]
    return cached, notes


def _is_import(session: Session, item: Item) -> bool:
    """Whether the data comes from another repository, which has it."""
    if item.tracked is None or not item.tracked.frozen:
        return False
    from ..lockfile.data_records import parse_data_record

    data = session.project.tree.read(item.tracked.name) or b""
    return any("repo" in dep for dep in parse_data_record(data, item.tracked.name).deps)


def _by_store(
    stores: Stores, chosen: Iterable[Item], request: ShareRequest
) -> list[tuple[ObjectStore, list[Item]]]:
    """The artifacts by the remote that holds them; with `-r`, of that one alone."""
    groups: dict[str, tuple[ObjectStore, list[Item]]] = {}
    if request.remote is not None:
        stores.of(request.remote)  # a name that is none is an error, whatever there is to do
    for item in chosen:
        own = item.out.remote
        if request.remote is not None and own not in (None, request.remote):
            continue
        store = stores.of(own or request.remote)
        groups.setdefault(store.name, (store, []))[1].append(item)
    if not groups:
        stores.of(request.remote)
    return list(groups.values())


def _lacking(session: Session, items: Iterable[Item], why: Mapping[Digest, str]) -> list[Lacking]:
    """The artifacts that the objects of `why` belong to."""
    if not why:
        return []
    cache = session.space.cache
    found = []
    for item in items:
        digest = item.digest
        assert digest is not None  # what has none was left out
        reason = why.get(digest)
        if reason is None and digest.is_tree and cache.holds(digest):
            parts = [
                entry
                for entry in cache.manifest(digest).entries
                if entry.digest in why and item.covers(entry.path)
            ]
            if parts:
                reason = why[parts[0].digest]
                reason = f"{parts[0].path}: {reason}"
                if len(parts) > 1:
                    reason += f", and {len(parts) - 1} more of its files"
        if reason is not None:
            found.append(
                Lacking(item.path, item.owner, str(digest), reason, item.tracked is not None)
            )
    return found


class _Totals:
    """Adds up what several remotes were sent, or gave."""

    def __init__(self) -> None:
        self.files = 0
        self.size = 0
        self.already = 0
        self.remotes: list[str] = []
        self.lacking: list[Lacking] = []

    def add(self, remote: str, moved: list[Digest], size: int, already: int) -> None:
        self.files += len(moved)
        self.size += size
        self.already += already
        self.remotes.append(remote)

    def result(self, notes: list[str]) -> Shared:
        return Shared(
            self.files,
            self.size,
            self.already,
            tuple(self.remotes),
            tuple(self.lacking),
            tuple(notes),
        )


def shared_data(shared: Shared, pulled: Pulled | None = None) -> dict[str, Any]:
    """The result in the form of `--json`."""
    data: dict[str, Any] = {
        "files": shared.files,
        "bytes": shared.size,
        "already": shared.already,
        "remotes": list(shared.remotes),
        "missing": [
            {
                "artifact": item.artifact,
                "stage": item.owner,
                "digest": item.digest,
                "reason": item.why,
            }
            for item in shared.lacking
        ],
    }
    if pulled is not None:
        data |= {
            "restored": list(pulled.restored),
            "unchanged": list(pulled.unchanged),
            "refused": list(pulled.refused),
        }
    return data
