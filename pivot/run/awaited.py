"""What data that is not here will be, or would be: by locks, by records, by what a run brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..digest import Digest
from ..lockfile import LEGACY
from ..model import Decision, Manifest, Stage, StageRecord
from ..tree import is_within
from .workspace import Workspace


class Awaited:
    """The data of a workspace that has yet to come, and the folders that it comes into.

    With `allow_missing` what is absent counts as its lock says; a run would bring from remotes what
    `offers` tells of. `tracked` are the digests of tracked data by path.
    """

    def __init__(
        self, space: Workspace, *, allow_missing: bool, offers: Callable[[Digest], bool] | None
    ) -> None:
        self._space = space
        self._allow_missing = allow_missing
        self.offers = offers
        self.tracked = {file.path: file.digest for file in space.pipeline.tracked if file.digest}

    def makes(self, name: str, path: str) -> bool:
        """Whether a stage makes something of what is at `path`."""
        outs = self._space.graph.stages[name].outs
        return any(is_within(path, out.path) or is_within(out.path, path) for out in outs)

    def is_made(self, stage: Stage, path: str) -> bool:
        """Whether a stage directly above makes something of what is at `path`."""
        return any(self.makes(name, path) for name in self._space.graph.parents[stage.name])

    def comes(self, stage: Stage, path: str, decisions: Mapping[str, Decision]) -> bool:
        """Whether a run puts something at `path` before the turn of the stage."""
        space = self._space
        for name in space.graph.parents[stage.name]:
            if name in decisions and decisions[name].action != "none" and self.makes(name, path):
                return True
        return any(
            space.observer.observe(place) is None and space.cache.has(digest)
            for place, digest in self.tracked.items()
            if is_within(path, place) or is_within(place, path)
        )

    def as_of(self, then: Digest | None, digest: Digest) -> Digest:
        """What DVC recorded before version 3, by the hash of `then` where that can be told."""
        if then is None or then.algorithm == LEGACY:
            return digest
        from .legacy import named_today  # for data that is not here, in projects of that age

        today = named_today(self._space.cache, digest, then.algorithm)
        if today is not None:
            return today
        trusted = self._allow_missing or not self._space.here
        return then if trusted and then.value == digest.value else digest

    def recorded(self, path: str) -> Digest | None:
        """The digest of an absent artifact as its maker's lock, or its data record, has it."""
        if path in self.tracked:
            return self.tracked[path]
        made = self._space.graph.maker_of(path)
        if made is None:
            return None
        out, maker = made
        if out != path:
            return self._inside(maker, out, path)
        record = self._space.locks.record(maker)
        return record.outs.get(path) if record else None

    def _inside(self, maker: str, out: str, path: str) -> Digest | None:
        record = self._space.locks.record(maker)
        folder = record.outs.get(out) if record else None
        if folder is None or not folder.is_tree or self._space.cache.missing(folder):
            return None
        return self.entry(folder, path[len(out) + 1 :])

    def entry(self, folder: Digest, inner: str) -> Digest | None:
        """The digest of a file of a stored folder; None where it has none of that name."""
        for entry in self._space.cache.manifest(folder).entries:
            if entry.path == inner:
                return entry.digest
        return None

    def _parts(self, stage: Stage, folder: str) -> Iterator[tuple[str, str | None]]:
        """The artifacts in a folder that the stage reads, each with its maker (None: tracked)."""
        if folder in self._space.graph.producer or folder in self.tracked:
            return  # artifacts do not overlap
        for name in self._space.graph.parents[stage.name]:
            for out in self._space.graph.stages[name].outs:
                if is_within(out.path, folder) and out.path != folder:
                    yield out.path, name
        for path in self.tracked:
            if is_within(path, folder) and path != folder:
                yield path, None

    def to_come(
        self,
        stage: Stage,
        folder: str,
        decisions: Mapping[str, Decision],
        coming: Mapping[str, StageRecord],
    ) -> dict[str, Digest]:
        """The artifacts that a run puts into a folder before the turn of the stage that reads it.

        Where absent deps may count as unchanged, also those that are not there.
        """
        found: dict[str, Digest] = {}
        for path, maker in self._parts(stage, folder):
            digest: Digest | None = None
            if maker is not None and maker in coming:
                digest = coming[maker].outs.get(path)
            elif self._is_placed(path, maker, decisions):
                digest = self.recorded(path)
            if digest is not None:
                found[path] = digest
        return found

    def _is_placed(self, path: str, maker: str | None, decisions: Mapping[str, Decision]) -> bool:
        if maker is not None:
            is_checkout = maker in decisions and decisions[maker].action == "checkout"
            comes = self._allow_missing or is_checkout
        else:
            comes = self._allow_missing or self.is_stored(self.tracked[path])
        return comes and self._space.observer.observe(path) is None

    def composed(self, folder: str, placed: Mapping[str, Digest]) -> Digest | None:
        """The digest of a folder with artifacts in it; None where that cannot be told."""
        observer = self._space.observer
        if any(digest.algorithm != observer.algorithm for digest in placed.values()):
            return None
        plain = observer.manifest(folder)
        if plain is None and not (self._space.here and observer.observe(folder) is None):
            return None
        from .composition import composed  # only where something in a folder has yet to come

        return composed(folder, plain, placed, observer.algorithm, self._members)

    def _members(self, _: str, digest: Digest) -> Manifest | None:
        cache = self._space.cache
        return None if cache.missing(digest) else cache.manifest(digest)

    def lacks(self, stage: Stage, folder: str) -> list[str]:
        """The artifacts in a folder that the stage reads of which all but the bytes is known."""
        return [
            path
            for path, _ in self._parts(stage, folder)
            if self._space.observer.observe(path) is None and self.recorded(path) is not None
        ]

    def absent(self, stage: Stage) -> list[str]:
        """What a run of the stage would read, and is not there.

        What a folder lacks counts where it was judged as if that were there.
        """
        found: list[str] = []
        for dep in stage.deps:
            if "://" in dep.path:
                continue
            digest = self._space.observer.observe(dep.path, check=dep.check)
            if digest is None:
                found.append(dep.path)
            elif self._allow_missing and digest.is_tree and dep.check == "content":
                found += self.lacks(stage, dep.path)
        return found

    def is_stored(self, digest: Digest) -> bool:
        """Whether a run would have the bytes of an earlier result."""
        if self._space.cache.obtain(digest):
            return True
        return self.offers is not None and self.offers(digest)
