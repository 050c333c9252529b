"""The collaborators that a command works with: one project, one pipeline, one look at the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..config import ParamsReader
from ..fingerprint import Fingerprinter
from ..graph import Graph
from ..model import Pipeline
from ..project import Observer, Project
from ..store import CodeTables, LocalCache, RunCache
from .ledger import Ledger
from .memory import CodeMemory


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything opened once for one command; passed on, never looked up.

    `environ` is the environment that stages would see.
    """

    project: Project
    pipeline: Pipeline
    graph: Graph
    locks: Ledger
    params: ParamsReader
    fingerprinter: Fingerprinter
    memory: CodeMemory
    observer: Observer
    cache: LocalCache
    run_cache: RunCache
    tables: CodeTables
    environ: Mapping[str, str]
    new_fingerprinter: Callable[[], Fingerprinter]  # reads every source anew

    def absolute(self, artifact: str) -> str:
        """Where an artifact lies on disk."""
        return artifact if artifact.startswith("/") else f"{self.project.root}/{artifact}"
