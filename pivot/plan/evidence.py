"""All that is known about a stage when it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..digest import Digest
from ..model import StageKey, StageRecord
from ..values import dataclass, field


def _never(_: Digest) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about a stage when it is judged.

    `key` is what it would run with now. `uncertain` are deps whose digest is not final since a
    stage upstream will or may run; `absent` are deps found neither on disk nor in any record,
    and `nowhere` those of them that no stage makes, so that a run is refused for them. `outs` are
    the digests now on disk (None: nothing there); `stored` tells whether the bytes of
    a digest can be had from the cache. `observed` holds the hashes, as of today, of the modules
    that the lock names as observed (None: the module is gone). A `rested` stage that always runs is
    judged as if it did not. With `as_dvc` the rules of
    dvc.yaml judge; `scripts` are then the deps that the code's digest covers, as they are on
    disk: they count by content where the record knows no code.
    """

    key: StageKey
    record: StageRecord | None = None
    lock_problem: str | None = None
    observed: Mapping[str, str | None] = field(default_factory=dict)
    outs: Mapping[str, Digest | None] = field(default_factory=dict)
    stored: Callable[[Digest], bool] = _never
    uncertain: frozenset[str] = frozenset()
    upstream: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    forced: bool = False
    rested: bool = False
    as_dvc: bool = False
    scripts: Mapping[str, Digest | None] = field(default_factory=dict)
