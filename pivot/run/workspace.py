"""The collaborators that a command works with: one project, one pipeline, one look at the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..values import dataclass, field

if TYPE_CHECKING:
    from ..config import ParamsReader
    from ..fingerprint import Fingerprinter
    from ..graph import Graph
    from ..model import Pipeline
    from ..project import Observer, Project
    from ..store import CodeTables, LocalCache, RunCache
    from .ledger import Ledger
    from .memory import CodeMemory
    from .verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything opened once for one command; passed on, never looked up.

    `environ` is the environment that stages would see; one that is not `here` (a commit is looked
    at) is not judged, neither packages nor variables.
    """

    project: Project
    pipeline: Pipeline
    graph: Graph
    locks: Ledger
    params: ParamsReader
    memory: CodeMemory
    verdicts: Verdicts
    observer: Observer
    cache: LocalCache
    run_cache: RunCache
    tables: CodeTables
    environ: Mapping[str, str]
    new_fingerprinter: Callable[[], Fingerprinter]  # reads every source anew
    here: bool = True
    _fingerprinters: list[Fingerprinter] = field(default_factory=list)

    @property
    def fingerprinter(self) -> Fingerprinter:
        """The one that reads each source once; made when first asked for, which loads its room."""
        if not self._fingerprinters:
            self._fingerprinters.append(self.new_fingerprinter())
        return self._fingerprinters[0]

    @property
    def sources_read(self) -> Mapping[str, object]:
        """What code was read, or looked for, in this command; see `source.unchanged`."""
        return self._fingerprinters[0].sources_read if self._fingerprinters else {}

    def absolute(self, artifact: str) -> str:
        """Where an artifact lies on disk."""
        return artifact if artifact.startswith("/") else f"{self.project.root}/{artifact}"
