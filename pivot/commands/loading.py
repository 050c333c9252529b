"""Reads the pipeline of a project, and the data that records beside it track."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..config.reserved import reserved
from ..errors import ConfigError, PivotError, Where
from ..model import Pipeline, Problem, Stage, TrackedFile, problems_of
from ..project import Project
from ..run.locks import Locks
from ..settings import Settings
from ..tree import Tree
from .programs import ProgramRunner

if TYPE_CHECKING:
    from ..config import Override
    from ..config.discovery import SkipDirs
    from ..config.program_files import RunProgram
    from ..fingerprint import Fingerprinter
    from ..project import RevTree
    from ..project.root import Mode
    from ..run.baseline import Baseline
    from ..run.ledger import Ledger
    from ..source import Sources


def read_pipeline(
    project: Project,
    overrides: Sequence[Override],
    sources: Sources | None = None,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Pipeline:
    """The pipeline as it is on disk, with tracked data; its `problems` are what is left out.

    `on_wait` is told of a pipeline in Python that is long in running. Raises PivotError for
    overrides of what is nowhere.
    """
    tree, mode, settings = project.tree, project.mode, project.settings
    run = program_runner(project, on_wait)
    return load_tree(tree, mode, settings, overrides, skipped(project), sources, run)


def program_runner(
    project: Project, on_wait: Callable[[str], None] = lambda _: None
) -> RunProgram | None:
    """What runs pipelines in Python that cannot be read; None where nothing may be run."""
    return ProgramRunner(project, os.environ, on_wait) if project.commit is None else None


def load_tree(
    tree: Tree,
    mode: Mode,
    settings: Settings,
    overrides: Sequence[Override] = (),
    skip: SkipDirs | None = None,
    sources: Sources | None = None,
    run_program: RunProgram | None = None,
) -> Pipeline:
    """As `read_pipeline`, of any version of a project; nothing is run without `run_program`."""
    # 40 ms to import; not needed where the pipeline comes from its compiled form
    from ..config import FlagStyle, load_partial
    from ..config.discovery import records_of

    pipeline = load_partial(
        tree,
        mode=mode,
        overrides=overrides,
        code_roots=settings["code.roots"],
        skip_dirs=skip,
        flags=FlagStyle(settings["parsing.bool"], settings["parsing.list"]),
        sources=sources,
        run_program=run_program,
    )
    if mode == "dvc" and skip is not None:
        pipeline = _without_ignored_outs(tree, pipeline, skip)
    ending = ".dvc" if mode == "dvc" else ".pvt"
    records = [path for path in records_of(pipeline) if path.endswith(ending)]
    if not records:
        return pipeline
    from ..lockfile.data_records import parse_data_record  # only where data is tracked

    tracked: list[TrackedFile] = []
    problems = list(pipeline.problems)
    seen = dict(pipeline.sources)
    for path in records:
        seen[path] = tree.signature(path)
        try:
            found = parse_data_record(tree.read(path) or b"", path).outs
            for file in found:
                _check_place(file, mode)
                if mode == "dvc" and skip is not None and _is_ignored(tree, file.path, skip):
                    raise _ignored(f"'{file.path}'", Where(path, file.line))
            tracked += found
        except PivotError as error:
            problems += problems_of(error, path)
    return replace(pipeline, tracked=tuple(tracked), sources=seen, problems=tuple(problems))


def _check_place(file: TrackedFile, mode: Mode) -> None:
    """Refuse a record of what would destroy something where it is put back."""
    # a folder of pipelines may be tracked by others, where nothing overlaps
    what = reserved(file.path, (), as_dvc=mode == "dvc")
    if what is not None:
        raise ConfigError(
            f"'{file.path}' cannot be tracked data: it is {what}",
            hint=f"remove the record {file.name}",
            where=Where(file.name, file.line),
        )


def _without_ignored_outs(tree: Tree, pipeline: Pipeline, skip: SkipDirs) -> Pipeline:
    """The pipeline without stages whose outs .dvcignore hides, each a problem instead."""
    problems: list[Problem] = []
    stages = dict(pipeline.stages)
    for name, stage in pipeline.stages.items():
        for out in stage.outs:
            if _is_ignored(tree, out.path, skip):
                where = Where(stage.written_in, out.line or stage.line)
                error = _ignored(f"stage '{name}': out '{out.path}'", where)
                problems += problems_of(error, stage.file, stage.short_name)
                stages.pop(name, None)
    if not problems:
        return pipeline
    return replace(pipeline, stages=stages, problems=(*pipeline.problems, *problems))


def _is_ignored(tree: Tree, path: str, skip: SkipDirs) -> bool:
    if "://" in path or not (skip(path, True) or skip(path, False)):
        return False
    kind = tree.kind(path)
    as_what = (True, False) if kind is None else (kind == "dir",)
    if kind == "dir" and tree.kind(f"{path}/.dvc") == "dir":
        as_what = (False,)  # another project of DVC's may be data: only a rule hides it
    return all(skip(path, is_dir) for is_dir in as_what)


def _ignored(what: str, where: Where) -> ConfigError:
    hint = "drop the rule, or give the data another place"
    return ConfigError(f"{what} is ignored by .dvcignore", hint=hint, where=where)


def skipped(project: Project) -> SkipDirs | None:
    """Which folders hold nothing of the pipeline: those that .dvcignore names."""
    return project.ignored.skips_folder if project.ignored else None


def open_ledger(
    project: Project, pipeline: Pipeline, covered: Callable[[Stage], frozenset[str]], context: str
) -> Ledger:
    """Where the project's results are written down."""
    own = Locks(project.tree, pipeline.stages, project.state.blobs("locks"))
    if project.mode != "dvc":
        return own
    from ..run.ledger import DvcLedger, Surroundings  # for DVC's projects alone

    around = Surroundings(
        root=project.root,
        observer=project.observer,
        legacy=lambda: project.legacy_observer,
        git=project.git,
        covered=covered,
        kept=project.state.blobs("dvc-locks"),
        baseline=_baseline(project, context),
    )
    return DvcLedger(project.tree, pipeline.stages, own, around)


def _baseline(project: Project, context: str) -> Baseline | None:
    if not project.settings["code.track"]:
        return None
    git, commit = project.git, project.commit
    if git is None and commit is None:
        return None
    from ..run.baseline import Baseline

    def fingerprinter(tree: RevTree) -> Fingerprinter:
        from ..fingerprint import Fingerprinter  # only where an entry is DVC's alone

        return Fingerprinter(
            tree,
            code_roots=project.settings["code.roots"],
            cache=project.state.blobs("modules"),
            distributions=project.distributions,
            tracked=lambda path: tree.kind(path) == "file",
        )

    return Baseline(
        lambda: git.head() if git is not None else commit,
        lambda: project.repository,
        fingerprinter,
        project.state.blobs("baselines"),
        context,
    )
