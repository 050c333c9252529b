"""What `push`, `fetch` and `pull` are to move: artifacts of the work tree and of other versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ..digest import Digest
from ..errors import GraphError, PivotError
from ..graph import Selection
from ..model import StageRecord, TrackedFile
from ..run.tracked import is_imported
from ..values import dataclass, field
from .inventory import Item, Targets, inventory_at, inventory_of, items_of
from .selecting import refuse_broken, refuse_unreadable

if TYPE_CHECKING:
    from ..store.transfer import Progress
    from .session import Session
    from .versions import Version


@dataclass(frozen=True, slots=True)
class ShareRequest:
    """What to move, and how. `jobs` None: as many at a time as serve the remote best.

    `again`: send also what the remote has already.
    """

    targets: Targets = field(default_factory=Targets)
    remote: str | None = None
    jobs: int | None = None
    run_cache: bool = False
    revisions: tuple[str, ...] = ()
    all_branches: bool = False
    all_tags: bool = False
    all_commits: bool = False
    progress: Progress | None = None
    again: bool = False

    @property
    def looks_back(self) -> bool:
        """Whether versions besides the work tree are meant."""
        return bool(self.revisions or self.all_branches or self.all_tags or self.all_commits)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The artifacts to move, of all versions; those of the work tree by themselves.

    Where revisions were named, `present` is what of the work tree has the same bytes. `hollow` are
    records of imports whose data was never brought, so that nobody here knows its digest.
    """

    items: list[Item]
    present: list[Item]
    notes: list[str]
    hollow: tuple[TrackedFile, ...] = ()

    @property
    def hollow_notes(self) -> list[str]:
        """What to tell of them where they are not brought."""
        return [
            f"'{file.path}' was imported without its data; `pivot pull {file.path}` brings it"
            for file in self.hollow
        ]


def wanted_by(session: Session, request: ShareRequest) -> Wanted:
    """What the request means. Raises GraphError for targets that no version has."""
    targets = request.targets
    notes: list[str] = []
    present: list[Item] = []
    hollow: list[TrackedFile] = []
    problem: PivotError | None = None
    if not request.revisions:
        try:
            refuse_broken(session, Selection(targets.names, targets.cwd))
            present = items_of(inventory_of(session), targets)
            refuse_unreadable(session, present)
        except GraphError as error:
            if not request.looks_back:
                raise
            problem = error
        unknown = [item for item in present if item.digest is None and item.out.cache]
        files = {item.path: item.tracked for item in unknown if item.tracked is not None}
        hollow = [f for f in files.values() if is_imported(session.project.tree, f)]
        unlocked = [item.owner for item in unknown if item.tracked not in hollow]
        if targets.names:
            notes += [f"'{owner}' has no locked result yet" for owner in dict.fromkeys(unlocked)]
    found = list(present)
    for version in versions_named(session, request):
        notes += version.notes
        try:
            items_there = items_of(inventory_at(version), targets)
        except GraphError as error:
            if not targets.names:
                notes.append(f"{version.label}: {error}")
            problem = problem or error
            continue
        found += items_there
        unread = version.unread_locks({item.owner for item in items_there})
        if version.is_named:
            session.lacks = (*session.lacks, *unread)
        else:  # one of many, as DVC has it
            notes += [f"{one.error.where}: {one.message}; {one.hint}" for one in unread]
    if problem is not None and not found and targets.names:
        raise problem
    items: dict[tuple[Digest, str | None, str | None], Item] = {}
    for item in found:
        if item.digest is not None and (item.out.cache or request.run_cache):
            items.setdefault((item.digest, item.part, item.out.remote), item)
    if request.revisions:
        return Wanted(list(items.values()), _same_here(session, targets, found), notes)
    kept = [i for i in present if i.digest is not None and (i.out.cache or request.run_cache)]
    # an artifact of the work tree is named, though another version has the same bytes
    named = {id(item) for item in items.values()}
    chosen = [*items.values(), *(i for i in kept if id(i) not in named)]
    return Wanted(chosen, kept, notes, tuple(hollow))


def _same_here(session: Session, targets: Targets, found: Iterable[Item]) -> list[Item]:
    """The artifacts of the work tree, of those that targets mean, whose bytes are among `found`."""
    digests = {item.digest for item in found if item.digest is not None}
    here: dict[tuple[str, str | None], Item] = {}
    each = [replace(targets, names=(name,)) for name in targets.names]
    for target in each or [targets]:
        try:
            meant = items_of(inventory_of(session), target)
        except GraphError:
            continue  # the revision has it, and the work tree does not
        here |= {(i.path, i.part): i for i in meant if i.out.cache and i.digest in digests}
    return list(here.values())


class Revisions(Protocol):
    """Which versions besides the work tree are meant."""

    @property
    def revisions(self) -> tuple[str, ...]: ...
    @property
    def all_branches(self) -> bool: ...
    @property
    def all_tags(self) -> bool: ...
    @property
    def all_commits(self) -> bool: ...


def versions_named(
    session: Session, request: Revisions, *, tracking: bool = False
) -> Iterator[Version]:
    """The versions that a request names, besides the work tree. Raises PivotError.

    With `tracking`, all branches are also those that were fetched of others.
    """
    whole = request.all_branches or request.all_tags or request.all_commits
    if not (request.revisions or whole):
        return
    from .versions import Versions

    versions = Versions(session.project, session.cwd)
    for revision in request.revisions:
        yield versions.at(revision)
    if whole:
        yield from versions.selected(
            all_branches=request.all_branches,
            all_tags=request.all_tags,
            all_commits=request.all_commits,
            tracking=tracking,
        )


def is_import(session: Session, item: Item) -> bool:
    """Whether the data comes from another repository, which has it."""
    return any("repo" in dep for dep in _deps_of(session, item))


def is_from_url(session: Session, item: Item) -> bool:
    """Whether the data was imported from a URL, or from a path outside the project."""
    return any("repo" not in dep for dep in _deps_of(session, item))


def _deps_of(session: Session, item: Item) -> Sequence[Mapping[str, Any]]:
    if item.tracked is None or not item.tracked.frozen:
        return ()
    from ..lockfile.data_records import parse_data_record

    data = session.project.tree.read(item.tracked.name) or b""
    return parse_data_record(data, item.tracked.name).deps


def codes_behind(session: Session, items: Iterable[Item]) -> set[str]:
    """The code digests that the locks of the stages among `items` name."""
    graph, locks = session.space.graph, session.space.locks
    names = dict.fromkeys(item.owner for item in items if item.tracked is None)
    return codes_of(
        record for name in names if name in graph.stages and (record := locks.record(name))
    )


def codes_of(records: Iterable[StageRecord]) -> set[str]:
    found: set[str] = set()
    for record in records:
        found.update(record.observed.values())
        if record.key.code is not None:
            found.add(record.key.code)
    return found
