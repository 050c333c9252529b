"""Stages that were found fresh, and the stat numbers that this rests on, kept between runs."""

from __future__ import annotations

import marshal
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..digest import fingerprint
from ..model import FINGERPRINT_VERSION, KEY_VERSION, Stage, StageRecord
from ..stamp import Signature, is_settled, signature
from .memory import Blobs

if TYPE_CHECKING:
    from ..project import Observer

_FORMAT = 1
_NAME = "fresh"

#: What is known of the code, digests of tracked variables, hashes of observed modules.
Basis = tuple[Any, dict[str, str], dict[str, str | None]]
#: What stood at a path: a file's stat numbers, or of a folder how it is checked, and its digest.
_Seen = Signature | tuple[str, str]
#: Basis, paths, what stood there, the lock's packages, remarks, whether a run would accept it.
_Entry = tuple[Basis, tuple[str, ...], tuple[_Seen, ...], dict[str, str], tuple[str, ...], bool]


class Verdicts:
    """Which stages need no second look: their lock, deps, params files and outs are untouched.

    `context` is all else that decides (the pipeline as a whole, settings); None keeps nothing.
    `started` is the time, in ns since the epoch, before this command looked at anything.
    """

    def __init__(self, observer: Observer, blobs: Blobs, context: str | None, started: int) -> None:
        self._observer = observer
        self._blobs = blobs
        self._context = context and f"{_FORMAT}:{KEY_VERSION}:{FINGERPRINT_VERSION}:{context}"
        self._started = started
        self._prefix = observer.root + "/"
        self._accepted: set[str] = set()
        self._new: dict[str, _Entry] = {}
        self._entries: dict[str, _Entry] = self._load()

    def _load(self) -> dict[str, _Entry]:
        data = self._blobs.get(_NAME) if self._context else None
        if data is None:
            return {}
        try:
            context, entries = marshal.loads(data)  # noqa: S302 - our own
        except (ValueError, EOFError, TypeError):
            return {}
        return entries if context == self._context and isinstance(entries, dict) else {}

    def holds(
        self,
        stage: Stage,
        code: object,
        environ: Mapping[str, str],
        observed: Callable[[str], tuple[str | None] | None],
    ) -> bool:
        """Whether the stage is as fresh as it was, looking at the disk now.

        `code` is what is known of its code, `observed` gives the hash of a module (as a tuple of
        one) where that is known.
        """
        entry = self._entries.get(stage.name)
        if entry is None:
            return False
        then_code, variables, modules = entry[0]
        if then_code != code or (stage.env_tracked and variables != tracked(stage, environ)):
            return False
        if modules and any(observed(module) != (then,) for module, then in modules.items()):
            return False
        look, prefix = os.stat, self._prefix
        for path, then in zip(entry[1], entry[2], strict=True):
            try:
                status = look(path if path.startswith("/") else prefix + path)
            except OSError:
                return False
            if len(then) == 2:
                if not stat.S_ISDIR(status.st_mode) or self._folder(path, then[0]) != then:
                    return False
            elif signature(status) != then:
                return False
        return True

    def knows(self, name: str) -> bool:
        """Whether a stage was found fresh by an earlier command."""
        return name in self._entries

    def is_accepted(self, name: str) -> bool:
        """Whether a run found nothing wrong with a stage that `holds`."""
        return self._entries[name][5]

    def remarks(self, name: str) -> tuple[str, ...]:
        """What the decision about a stage that `holds` said besides."""
        return self._entries[name][4]

    def packages(self, name: str) -> Mapping[str, str]:
        """The packages that the lock of a stage that `holds` records."""
        return self._entries[name][3]

    def accept(self, names: Iterable[str]) -> None:
        """A run found nothing wrong with these stages."""
        for name in names:
            self._accepted.add(name)
            entry = self._entries.get(name)
            if entry is not None and not entry[5]:
                self._new[name] = (*entry[:5], True)

    def note(
        self,
        stage: Stage,
        basis: Basis,
        paths: Mapping[str, str],
        record: StageRecord,
        remarks: tuple[str, ...],
    ) -> None:
        """Keep that the stage is fresh, with `paths` (and how each is checked) as they are.

        Nothing is kept where any of them may have changed since the command began.
        """
        if self._context is None:
            return
        seen: list[_Seen] = []
        for path, check in paths.items():
            try:
                status = os.stat(path if path.startswith("/") else self._prefix + path)
            except OSError:
                return
            now = signature(status)
            if stat.S_ISDIR(status.st_mode):
                seen.append(self._folder(path, check))
            elif not is_settled(now, self._started):
                return
            else:
                seen.append(now)
        accepted = stage.name in self._accepted
        self._new[stage.name] = (
            basis, tuple(paths), tuple(seen), dict(record.packages), remarks, accepted,
        )  # fmt: skip

    def _folder(self, path: str, check: str) -> tuple[str, str]:
        found = self._observer.observe(path, check="stat" if check == "stat" else "content")
        return check, str(found)

    def save(self) -> None:
        """Keep what was noted, for the next command."""
        if self._new and self._context is not None:
            self._blobs.put(_NAME, marshal.dumps((self._context, {**self._entries, **self._new})))


def tracked(stage: Stage, environ: Mapping[str, str]) -> dict[str, str]:
    """Digests of the variables that count for a stage."""
    return {name: fingerprint("tracked", environ.get(name)) for name in stage.env_tracked}
