"""`diff -- PATH`: how one file differs between two versions of the project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from ..errors import EXIT_INPUT, PivotError, StoreError, did_you_mean
from ..tables.content import ContentDiff, compare_content
from ..tables.formats import NotATableError, format_of
from ..tables.memory import compare_in_memory
from ..tables.model import Comparison, Source
from ..tree import relative
from ..values import dataclass
from .versions import Version, Versions

#: Files of together as many bytes are compared in memory; larger ones need the database.
MEMORY_LIMIT = 8 << 20
#: As many without the extra `tables`: slower, and some ten times the memory of the files.
STANDARD_LIMIT = 100 << 20
_HINT = "pip install 'pivot-repro[tables]'"


@dataclass(frozen=True, slots=True)
class FileDiff:
    """How one file differs: `table` where both versions are tables, else `content`.

    `path` is the file as people know it; what is None of `old` and `new` does not exist. `notes`
    say why a file that looks like a table is not compared as one.
    """

    path: str
    old: Source | None
    new: Source | None
    table: Comparison | None
    content: ContentDiff | None
    notes: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        if (self.old is None) != (self.new is None):
            return True
        if self.table is not None:
            return self.table.summary.differs
        return self.content is not None and self.content.differs


def source_of(
    versions: Versions, version: Version, path: str, *, fetch: bool = False
) -> Source | None:
    """A file of one version, `path` relative to the project; None where it has none.

    Large files stay where they are. Raises PivotError for a file that the version's locks name
    and no cache has.
    """
    shown, label = relative(path, versions.cwd), version.label
    if version.commit is None:
        place = os.path.join(versions.project.root, path)
        if os.path.isfile(place):
            return Source(shown, path=place, size=os.path.getsize(place), version=label)
    data = version.tree.read(path)
    if data is None:
        digest = version.digest(path)
        if digest is None:
            return None
        for cache in versions.caches if not digest.is_tree else ():
            if cache.has(digest):
                place = cache.path(digest)
                return Source(shown, path=place, size=os.path.getsize(place), version=label)
        data = version.read(path, fetch=fetch)
        if data is None:
            asked = f", nor on remote '{version.asked_remote(path)}'" if fetch else ""
            raise StoreError(
                f"'{shown}' of {label} is {digest}, which is not in the cache{asked}",
                hint="`pivot push` where its bytes are brings them there"
                if fetch
                else "`--fetch` asks the remote",
                exit_code=EXIT_INPUT,  # 1 says that files differ
            )
    return Source(shown, data=data, size=len(data), version=label)


def sources_of(
    versions: Versions, old: Version, new: Version, path: str, *, fetch: bool = False
) -> tuple[Source | None, Source | None]:
    """A file of two versions, `path` relative to the project; one of them may have none.

    Raises PivotError where neither has it, or cannot give it.
    """
    before = source_of(versions, old, path, fetch=fetch)
    after = source_of(versions, new, path, fetch=fetch)
    for side, version, other in ((before, old, new), (after, new, old)):
        if side is None and other.is_artifact(path) and version.hides(path, other):
            raise version.fault_of(path) or version.lacks[0]  # whether it has the file is not known
    if before is None and after is None:
        known = {*old.artifacts(), *new.artifacts()}
        raise PivotError(
            f"'{relative(path, versions.cwd)}' is neither in {old.label} nor in {new.label}",
            hint=did_you_mean(path, known),
        )
    return before, after


@contextmanager
def file_diff(
    versions: Versions,
    old: Version,
    new: Version,
    path: str,
    key: Sequence[str] = (),
    *,
    fetch: bool = False,
) -> Iterator[FileDiff]:
    """How the file at `path` (relative to the project) differs between two versions.

    Rows of tables are matched by the columns of `key`, without by their position. Raises
    PivotError where neither version has the file, or a key column is missing.
    """
    before, after = sources_of(versions, old, new, path, fetch=fetch)
    scratch = os.path.join(versions.project.scratch, "tmp")
    with compared(path, before, after, key, scratch, versions.project.algorithm) as found:
        yield found


@contextmanager
def compared(
    path: str,
    old: Source | None,
    new: Source | None,
    key: Sequence[str],
    scratch: str,
    algorithm: str = "xxh128",
) -> Iterator[FileDiff]:
    """The difference of two versions of a file, wherever they come from.

    Large tables leave temporary files in `scratch` until the end. Raises PivotError.
    """
    table, notes = _table(old, new, key, scratch)
    try:
        content = None if table is not None else _content(old, new, algorithm)
        yield FileDiff(path, old, new, table, content, notes)
    finally:
        if table is not None:
            table.close()


def _table(
    old: Source | None, new: Source | None, key: Sequence[str], scratch: str
) -> tuple[Comparison | None, tuple[str, ...]]:
    kinds = {format_of(side.name) for side in (old, new) if side is not None}
    name = _name(old, new)
    if None in kinds:
        if key:
            raise PivotError(
                f"--key is for tables, and '{name}' is none",
                hint="tables are CSV, TSV, JSON, JSONL and Parquet files",
            )
        return None, ()
    # a version that is not there counts as a table without rows
    nothing = Source("nothing.jsonl", data=b"")
    sides = old or nothing, new or nothing
    size = sum(side.size for side in sides)
    is_small = size <= MEMORY_LIMIT and "parquet" not in kinds
    try:
        if not is_small and find_spec("duckdb") is not None:
            from ..tables.database import compare_in_database

            return compare_in_database(*sides, key, scratch), ()
        if "parquet" in kinds:
            raise PivotError("comparing Parquet files needs the extra 'tables'", hint=_HINT)
        if size > STANDARD_LIMIT:
            raise PivotError(
                f"'{name}' is {size >> 20} MB in two versions: tables over "
                f"{STANDARD_LIMIT >> 20} MB need the extra 'tables'",
                hint=_HINT,
            )
        return compare_in_memory(*sides, key), ()
    except NotATableError as error:
        if key:
            raise
        return None, (f"compared as text, since it is no table: {error.message}",)
    except OSError as error:
        raise PivotError(f"cannot read '{name}': {error.strerror}") from None


def _content(old: Source | None, new: Source | None, algorithm: str) -> ContentDiff:
    try:
        return compare_content(old, new, algorithm)
    except OSError as error:
        raise PivotError(f"cannot read '{_name(old, new)}': {error.strerror}") from None


def _name(old: Source | None, new: Source | None) -> str:
    """What people call the file, of which at least one version is there."""
    side = new or old
    assert side is not None
    return side.name
