"""Records made by another version of the fingerprint rules, in terms of this one.

Old digests cannot be computed any more. But the table of a digest tells which bytes it was made
from: where the very same files lie here, byte for byte, the old rules would give the old digest,
so nothing has changed but the rules.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import SourceError
from ..model import Stage, StageRecord
from .memory import CodeFacts
from .workspace import Workspace


def converted(
    space: Workspace, stage: Stage, record: StageRecord, facts: CodeFacts | None
) -> StageRecord:
    """`record` with today's digests where its sources are unchanged; as it is where they are not.

    Where today's rules read other files than the old ones did, that is no proof: those may have
    changed unseen.
    """
    if facts is None or record.key.code is None or not _same(space, stage, record.key.code):
        return record
    observed: dict[str, str] = {}
    for module, digest in record.observed.items():
        try:
            now = space.fingerprinter.observed_hash(stage, module)
            if now is None or not _same(space, stage, digest, module):
                return record
        except SourceError:
            return record
        observed[module] = now
    return replace(record, key=replace(record.key, code=facts.digest), observed=observed)


def _same(space: Workspace, stage: Stage, digest: str, module: str | None = None) -> bool:
    table = space.tables.get(digest)
    if table is None or not table.sources:
        return False
    return space.fingerprinter.contents(stage, module) in table.sources
