"""What the code behind a dvc.lock entry was that only DVC has written: the code of that commit.

The commit is the one that last wrote the entry. It counts only where the scripts that the entry
lists are in it as the entry has them: otherwise the entry was made from something else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .. import lockfile
from ..digest import hash_bytes
from ..errors import PivotError, SourceError
from ..fingerprint import Fingerprinter
from ..lockfile import Entry
from ..lockfile.dvc_text import blocks
from ..model import FINGERPRINT_VERSION, Stage, Symbol
from ..project import Repository, RevTree
from ..tree import join, parent
from .memory import Blobs, code_key


@dataclass(frozen=True, slots=True)
class Origin:
    """The commit that wrote an entry, and the digest of the stage's code in it."""

    commit: str
    code: str


class Baseline:
    """Finds origins, in the commits up to `head`. `fingerprinter` reads the code of one revision,
    given all of its files; `repository` is opened only where the answer is not kept."""

    def __init__(
        self,
        head: Callable[[], str | None],
        repository: Callable[[], Repository],
        fingerprinter: Callable[[RevTree], Fingerprinter],
        kept: Blobs,
        context: str,
    ) -> None:
        self._find_head = head
        self._repository = repository
        self._make = fingerprinter
        self._kept = kept
        self._context = f"{FINGERPRINT_VERSION}:{context}"
        self._commits: dict[str, list[str]] = {}
        self._blocks: dict[tuple[str, str], Mapping[str, str]] = {}
        self._trees: dict[str, tuple[RevTree, Fingerprinter]] = {}

    @cached_property
    def _head(self) -> str | None:
        return self._find_head()

    def of(self, stage: Stage, entry: Entry, covered: frozenset[str]) -> Origin | None:
        """Where the entry comes from; None where git cannot tell, or the entry is uncommitted."""
        try:
            return self._of(stage, entry, covered)
        except (SourceError, PivotError):
            return None

    def symbols(self, stage: Stage, origin: Origin) -> Mapping[str, Symbol]:
        """The definitions behind the stage in that commit."""
        return self._at(origin.commit)[1].manifest(stage).symbols

    def _of(self, stage: Stage, entry: Entry, covered: frozenset[str]) -> Origin | None:
        head = self._head
        if head is None:
            return None
        key = f"{head}:{lockfile.entry_digest(entry)}:{self._context}:{code_key(stage)}"
        kept = self._kept.get(key)
        if kept is None:
            origin = self._find(stage, entry, covered)
            kept = json.dumps([origin.commit, origin.code] if origin else None).encode()
            self._kept.put(key, kept)
        found = json.loads(kept)
        return Origin(*found) if found else None

    def _find(self, stage: Stage, entry: Entry, covered: frozenset[str]) -> Origin | None:
        commit = self._commit_of(stage, entry)
        if commit is None:
            return None
        tree, fingerprinter = self._at(commit)
        for item in entry.get("deps") or ():
            path = join(stage.wdir, str(item.get("path")))
            digest = lockfile.digest_of_item(item)
            if path in covered and digest is not None:
                data = tree.read(path)
                if data is None or hash_bytes(digest.algorithm, data) != digest:
                    return None
        return Origin(commit, fingerprinter.manifest(stage).digest)

    def _commit_of(self, stage: Stage, entry: Entry) -> str | None:
        """The commit that last wrote the entry as it is now."""
        file = join(parent(stage.file), "dvc.lock")
        wanted: str | None = None
        found: str | None = None
        for commit in self._history(file):
            block = self._blocks_at(commit, file).get(stage.short_name)
            if wanted is None:
                if block is None or not _says(block, stage.short_name, entry):
                    return None  # not committed yet
                wanted = block
            if block != wanted:
                return found
            found = commit
        # the oldest commit of a shallow clone need not be the one that wrote it
        return None if self._repository().is_shallow else found

    def _history(self, file: str) -> list[str]:
        if file not in self._commits:
            self._commits[file] = self._repository().commits_of(file, self._head or "HEAD")
        return self._commits[file]

    def _blocks_at(self, commit: str, file: str) -> Mapping[str, str]:
        if (commit, file) not in self._blocks:
            data = self._repository().tree(commit).read(file)
            self._blocks[commit, file] = blocks(data or b"")
        return self._blocks[commit, file]

    def _at(self, commit: str) -> tuple[RevTree, Fingerprinter]:
        if commit not in self._trees:
            tree = self._repository().tree(commit)
            self._trees[commit] = (tree, self._make(tree))
        return self._trees[commit]


def _says(block: str, name: str, entry: Entry) -> bool:
    from ..lockfile.dvc_text import parse_dvc_lock

    try:
        found = parse_dvc_lock(f"schema: '2.0'\nstages:\n{block}".encode(), "dvc.lock")
    except PivotError:
        return False
    return name in found and lockfile.entry_digest(found[name]) == lockfile.entry_digest(entry)
