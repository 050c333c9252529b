"""Reads the pipeline of a project, and the data that records beside it track."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..config import FlagStyle, Override, load
from ..config.discovery import SkipDirs, records_of
from ..model import Pipeline, Stage, TrackedFile
from ..project import Project
from ..run.ledger import DvcLedger, Ledger, Surroundings
from ..run.locks import Locks


def read_pipeline(project: Project, overrides: Sequence[Override]) -> Pipeline:
    """The pipeline as it is on disk, with tracked data. Raises ConfigError, PivotErrors."""
    settings = project.settings
    pipeline = load(
        project.tree,
        mode=project.mode,
        overrides=overrides,
        code_roots=settings["code.roots"],
        skip_dirs=skipped(project),
        flags=FlagStyle(settings["parsing.bool"], settings["parsing.list"]),
    )
    ending = ".dvc" if project.mode == "dvc" else ".pvt"
    records = [path for path in records_of(pipeline) if path.endswith(ending)]
    if not records:
        return pipeline
    from ..lockfile.data_records import parse_data_record  # only where data is tracked

    tracked: list[TrackedFile] = []
    seen = dict(pipeline.sources)
    for path in records:
        seen[path] = project.tree.signature(path)
        tracked += parse_data_record(project.tree.read(path) or b"", path).outs
    return replace(pipeline, tracked=tuple(tracked), sources=seen)


def skipped(project: Project) -> SkipDirs | None:
    """Which folders hold nothing of the pipeline: those that .dvcignore names."""
    return project.ignored.skips_folder if project.ignored else None


def open_ledger(
    project: Project, pipeline: Pipeline, covered: Callable[[Stage], frozenset[str]]
) -> Ledger:
    """Where the project's results are written down."""
    own = Locks(project.tree, pipeline.stages, project.state.blobs("locks"))
    if project.mode != "dvc":
        return own
    around = Surroundings(
        root=project.root,
        observer=project.observer,
        git=project.git,
        covered=covered,
        kept=project.state.blobs("dvc-locks"),
    )
    return DvcLedger(project.tree, pipeline.stages, own, around)
