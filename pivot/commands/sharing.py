"""`push`, `fetch` and `pull`: objects between the cache and the remotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Any

from ..digest import Digest
from ..model import TrackedFile
from ..values import dataclass
from .inventory import Item
from .stores import Stores
from .wanted import ShareRequest, Wanted, codes_behind, codes_of, is_from_url, is_import, wanted_by

if TYPE_CHECKING:
    from ..project import Project
    from ..store import LocalCache
    from ..store.evidence import Evidence
    from ..store.remotes import ObjectStore
    from ..store.transfer import Moved, Progress
    from .session import Session


@dataclass(frozen=True, slots=True)
class Lacking:
    """An artifact that could not be had whole, or not be sent, and why.

    `may_be_pushed`: elsewhere, so that a machine which has it could send it.
    """

    artifact: str
    owner: str
    digest: str | None
    why: str
    tracked: bool = False
    may_be_pushed: bool = True


@dataclass(frozen=True, slots=True)
class Shared:
    """What went over: files and bytes by remote, what was there already, and what is lacking.

    A file counts once for each remote that it goes to. `runs` are records of earlier runs, and
    `imported` artifacts that came from where they were imported from.
    """

    files: int
    size: int
    already: int
    remotes: tuple[str, ...]
    lacking: tuple[Lacking, ...]
    notes: tuple[str, ...] = ()
    runs: int = 0
    imported: tuple[str, ...] = ()


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
            store = stores.of(name)
            done = stores.transfer(cache, store, jobs=jobs, progress=progress).fetch(digests)
            if done.absent and not done.moved:
                store.check()
            why |= dict.fromkeys(done.absent, f"remote '{store.name}' does not have it")
            why |= {digest: error.message for digest, error in done.failed}
    lacking: dict[Digest, str] = {}
    for digest in missing:
        for part in cache.missing(digest):
            lacking.setdefault(digest, why.get(part, "not to be had"))
    return lacking


def push(session: Session, request: ShareRequest) -> Shared:
    """Send what the locks and records name, as far as it is here and not there."""
    space = session.space
    wanted = wanted_by(session, request)
    items = [item for item in wanted.items if item.out.push and not is_import(session, item)]
    _keep_present(session, wanted.present)
    totals = _Totals()
    with Stores(session.project) as stores:
        for store, group in by_store(stores, items, request):
            transfer = stores.transfer(
                space.cache,
                store,
                jobs=request.jobs,
                progress=request.progress,
                remembers=True,
            )
            stores.prepare(store)
            named = [item.digest for item in group if item.digest is not None]
            done = transfer.push(named, again=request.again)
            if done.moved or done.already:
                stores.memory(store).note_used()
            why = dict.fromkeys(done.absent, f"neither here nor on remote '{store.name}'")
            why |= {digest: error.message for digest, error in done.failed}
            totals.add(store.name, done)
            totals.lacking += _lacking(session, group, why)
        home = stores.home(request.remote)
        if home is not None:
            evidence = stores.evidence(home, request.jobs)
            codes = codes_behind(session, items)
            if codes or request.run_cache:
                stores.prepare(home)
            evidence.push_tables(codes)
            if request.run_cache:
                _push_records(session, stores, evidence, home, request, totals)
    return totals.result([*wanted.notes, *wanted.hollow_notes])


def _push_records(
    session: Session,
    stores: Stores,
    evidence: Evidence,
    store: ObjectStore,
    request: ShareRequest,
    totals: _Totals,
) -> None:
    """Send the results of earlier runs: objects, then tables, then the records that name them."""
    cache = session.space.cache
    records = dict(evidence.records())
    digests = {
        digest: None
        for record in records.values()
        for digest in record.outs.values()
        if cache.has(digest)
    }
    transfer = stores.transfer(
        cache, store, jobs=request.jobs, progress=request.progress, remembers=True
    )
    done = transfer.push(digests)
    lost = {*done.absent, *(digest for digest, _ in done.failed)}

    def is_there(digest: Digest) -> bool:
        if digest not in digests or digest in lost:
            return False
        entries = cache.manifest(digest).entries if digest.is_tree else ()
        return not any(entry.digest in lost for entry in entries)

    evidence.push_tables(codes_of(records.values()))
    totals.runs += evidence.push_records(records, is_there)
    totals.add(store.name, done)


def fetch(session: Session, request: ShareRequest) -> Shared:
    """Bring what the locks and records name into the cache, as far as it is not there."""
    wanted = wanted_by(session, request)
    shared = _fetch(session, request, wanted)
    return replace(shared, notes=(*shared.notes, *wanted.hollow_notes))


def _fetch(session: Session, request: ShareRequest, wanted: Wanted) -> Shared:
    cache = session.space.cache
    _keep_present(session, wanted.present)
    totals = _Totals()
    imports = [item for item in wanted.items if is_import(session, item)]
    elsewhere = [
        item for item in wanted.items if item not in imports and is_from_url(session, item)
    ]
    if not session.project.settings.remotes:
        imports += elsewhere  # nowhere but where they came from
    items = [item for item in wanted.items if item not in imports]
    if (imports or wanted.hollow) and not items:
        totals.add_imports(_fetch_imports(session, imports))
        return totals.result(wanted.notes)
    with Stores(session.project) as stores:
        groups = by_store(stores, items, request)
        totals.add_imports(_fetch_imports(session, imports))
        for store, group in groups:
            transfer = stores.transfer(cache, store, jobs=request.jobs, progress=request.progress)
            parts: dict[Digest, list[Item]] = {}
            for item in group:
                if item.digest is not None:
                    parts.setdefault(item.digest, []).append(item)
            done = transfer.fetch(
                parts,
                within=lambda tree, path, parts=parts: any(  # type: ignore[misc]
                    item.covers(path) for item in parts[tree]
                ),
            )
            if done.absent and not done.moved:
                store.check()  # nothing at all: is the place itself there?
            if done.moved:
                stores.memory(store).note_used()
            why = dict.fromkeys(done.absent, f"remote '{store.name}' does not have it")
            why |= {i.digest: _never_pushed(i) for i in group if i.digest in why and not i.out.push}
            why |= {digest: error.message for digest, error in done.failed}
            totals.add(store.name, done, is_here=True)
            lost = [item for item in elsewhere if item in group and item.digest in why]
            why = {digest: said for digest, said in why.items() if not _any(lost, digest)}
            totals.add_imports(_fetch_imports(session, lost))
            totals.lacking += _lacking(session, group, why)
        codes = codes_behind(session, wanted.items)
        home = stores.home(request.remote)
        if home is not None and (codes or request.run_cache):
            store = home
            evidence = stores.evidence(store, request.jobs)
            evidence.fetch_tables(codes)
            if request.run_cache:
                totals.runs += len(evidence.fetch_records())
                records = [record for _, record in evidence.records()]
                digests = {d: None for record in records for d in record.outs.values()}
                transfer = stores.transfer(
                    cache, store, jobs=request.jobs, progress=request.progress
                )
                totals.add(store.name, transfer.fetch(digests), is_here=True)
                evidence.fetch_tables(codes_of(records))
    return totals.result(wanted.notes)


def _any(items: Iterable[Item], digest: Digest) -> bool:
    return any(item.digest == digest for item in items)


def _fetch_imports(session: Session, items: Iterable[Item]) -> tuple[list[str], list[Lacking]]:
    """Bring imported data from where it came: what was brought, and what cannot be had."""
    brought = []
    found = []
    for item in items:
        assert item.tracked is not None  # an import has a record
        assert item.digest is not None  # what has none was left out
        if not session.space.cache.has(item.digest):
            from .importing import bring_imported  # git, and 10 ms; most data is the project's own

            why = bring_imported(session, item.tracked)
            if why is not None:
                found.append(Lacking(item.path, item.owner, str(item.digest), why, tracked=True))
            else:
                brought.append(item.path)
    return brought, found


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was fetched, and what was put into the work tree."""

    shared: Shared
    restored: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[str, ...]


def pull(session: Session, request: ShareRequest, *, force: bool = False) -> Pulled:
    """`fetch`, then put into the work tree what is there now.

    The records of imports without data get the digest of what was brought.
    A file whose bytes are in no cache is left alone and reported, unless `force`.
    """
    from .artifacts import place_chosen

    wanted = wanted_by(session, request)
    shared = _fetch(session, request, wanted)
    lacking = {item.artifact for item in shared.lacking}
    done = place_chosen(
        session, [item for item in wanted.present if item.path not in lacking], force=force
    )
    brought, hollow = _complete(session, wanted.hollow, force=force)
    shared = replace(
        shared,
        imported=(*shared.imported, *brought),
        lacking=(*shared.lacking, *hollow),
    )
    return Pulled(shared, (*done.restored, *brought), done.unchanged, done.refused)


def _complete(
    session: Session, files: Iterable[TrackedFile], *, force: bool
) -> tuple[list[str], list[Lacking]]:
    """Bring imports that have a record alone: what is in place now, and what cannot be had."""
    brought = []
    found = []
    for file in files:
        from .importing import complete_import  # git, and 10 ms; most data is the project's own

        why = complete_import(session, file, force=force)
        if why is None:
            brought.append(file.path)
        else:
            found.append(Lacking(file.path, file.name, None, why, tracked=True))
    return brought, found


def _keep_present(session: Session, items: Iterable[Item]) -> None:
    """Store what lies in the work tree as it should be and is not in the cache: it saves a way."""
    space = session.space
    for item in items:
        digest = item.digest
        if digest is None or digest.algorithm != space.cache.algorithm or space.cache.has(digest):
            continue
        if space.observer.observe(item.path) == digest:
            space.cache.add(space.absolute(item.path), digests=space.observer.noting(item.path))


def by_store(
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
                Lacking(
                    item.path,
                    item.owner,
                    str(digest),
                    reason,
                    item.tracked is not None,
                    item.out.push,
                )
            )
    return found


def _never_pushed(item: Item) -> str:
    """Why no remote has an artifact that stays where it is made."""
    if item.tracked is not None:
        return "it is never pushed (`push: false`), so only where it was tracked can have it"
    return f"it is never pushed (`push: false`); `pivot repro {quote(item.owner)}` makes it here"


class _Totals:
    """Adds up what several remotes were sent, or gave."""

    def __init__(self) -> None:
        self.runs = 0
        self.imported: list[str] = []
        self._size = 0
        self._moved: set[tuple[str, Digest]] = set()
        self._already: set[tuple[str, Digest]] = set()
        self._remotes: dict[str, None] = {}
        self.lacking: list[Lacking] = []

    def add(self, remote: str, done: Moved, *, is_here: bool = False) -> None:
        """Add what went to a remote, or (`is_here`) came from it, each object once a place."""
        place = "" if is_here else remote
        self._moved |= {(place, digest) for digest in done.moved}
        self._already |= {(place, digest) for digest in done.already}
        self._size += done.size
        self._remotes[remote] = None

    def add_imports(self, fetched: tuple[list[str], list[Lacking]]) -> None:
        """Add imports that were brought, and those that could not be."""
        self.imported += fetched[0]
        self.lacking += fetched[1]

    def result(self, notes: list[str]) -> Shared:
        return Shared(
            len(self._moved),
            self._size,
            len(self._already - self._moved),
            tuple(self._remotes),
            tuple(self.lacking),
            tuple(notes),
            self.runs,
            tuple(self.imported),
        )


def shared_data(shared: Shared, pulled: Pulled | None = None) -> dict[str, Any]:
    """The result in the form of `--json`."""
    data: dict[str, Any] = {
        "files": shared.files,
        "bytes": shared.size,
        "already": shared.already,
        "runs": shared.runs,
        "imported": list(shared.imported),
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
