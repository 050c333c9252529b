"""Finding pipeline files, and telling later whether there would be others now.

Every folder that could hold a pipeline file is visited once: not hidden ones (where the caller says
what to skip, only those of well-known tools), not virtual environments, `node_modules` or
`__pycache__`, not data (a folder that a stage makes, or that has a record `NAME.pvt`/`NAME.dvc`
beside it), nor what the caller skips. What was found is kept as one
entry a visited folder: its signature, and of its listing only what matters here (subfolders that
are visited, pipeline files). To check costs one stat a folder; a folder whose signature moved, as
those do where stages write, is listed again and compared by what matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..model import Pipeline
from ..tree import Tree, join

PIVOT_FILE = "pivot.yaml"
DVC_FILE = "dvc.yaml"
#: A pipeline in Python, where neither of the others lies beside it.
PROGRAM_FILE = "pipeline.py"
#: How a dvc.yaml begins that was made of another pipeline, which it does not go before.
EXPORTED = b"# Written by `pivot export`"

#: Part of what the caller skips by.
IGNORE_FILE = ".dvcignore"
_IMPORT = re.compile(rb"^[ \t]*(?:from|import(?:[\w., \t]*,)?)[ \t]*\bpivot\b", re.MULTILINE)
_WATCHED = (PIVOT_FILE, DVC_FILE, PROGRAM_FILE, IGNORE_FILE)

_SKIPPED = frozenset(("node_modules", "__pycache__", "__pypackages__", "site-packages"))
#: Hidden folders in which other tools keep what they make: thousands of folders, no pipelines.
_KEPT_BY_TOOLS = frozenset(
    (".git", ".hg", ".svn", ".dvc", ".pivot", ".venv", ".tox", ".nox", ".cache", ".eggs", ".idea",
     ".vscode", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints")
)  # fmt: skip
#: How records of tracked data are called.
RECORDS = (".pvt", ".dvc")
#: Symbolic links can make a tree endless.
_MAX_DEPTH = 40

#: Whether the folder at a path (with a second argument of false: the file) is not looked at.
SkipDirs = Callable[..., bool]
#: What one folder holds that matters: visited subfolders, pipeline files, data records.
Listing = tuple[tuple[str, ...], tuple[str, ...]]


def imports_us(data: bytes) -> bool:
    """Whether a module can be a pipeline: it imports Pivot."""
    return b"pivot" in data and _IMPORT.search(data) is not None


def names_us(data: bytes) -> bool:
    """Whether a module names what declares stages, so that it may declare some itself."""
    return b"Pipeline" in data or b"stage" in data


def is_dvc_file(path: str) -> bool:
    """Whether a pipeline file is DVC's, in which exactly DVC's rules hold."""
    return path.rpartition("/")[2] == DVC_FILE


def visible(tree: Tree, folder: str, skip_dirs: SkipDirs | None) -> Listing:
    """The subfolders to visit, and which of the files that matter here a folder has."""
    entries = tree.list(folder)
    names = {name for name, is_dir in entries if not is_dir}
    if "pyvenv.cfg" in names:
        return (), ()
    watched = [name for name in _WATCHED if name in names]
    watched += sorted(name for name in names if name.endswith(RECORDS))
    if skip_dirs is not None:
        watched = [
            name
            for name in watched
            if name == IGNORE_FILE or not skip_dirs(join(folder, name), False)
        ]
    folders = []
    records = set(watched)
    for name, is_dir in entries:
        if not is_dir or name in _SKIPPED or name in _KEPT_BY_TOOLS:
            continue
        if skip_dirs is None and name.startswith("."):
            continue
        if any(name + suffix in records for suffix in RECORDS):
            continue
        if skip_dirs is not None and skip_dirs(join(folder, name)):
            continue
        folders.append(name)
    return tuple(folders), tuple(watched)


def records_of(pipeline: Pipeline) -> list[str]:
    """The records of tracked data that were found, in order of their paths."""
    return sorted(
        join(key[:-1], name)
        for key, source in pipeline.sources.items()
        if key.endswith("/") and isinstance(source, tuple)
        for name in source[1][1]
        if name.endswith(RECORDS)
    )


def walk(
    tree: Tree,
    skip_dirs: SkipDirs | None,
    is_data: Callable[[str], bool],
    start: str = ".",
) -> Iterator[tuple[str, Any, Listing]]:
    """Each visited folder with its signature and listing, parents first, in order of names.

    `is_data` is asked late, so that what a parent's pipeline file declares already counts.
    """
    pending: list[tuple[str, tuple[Any, ...]]] = [(start, ())]
    while pending:
        folder, above = pending.pop()
        if is_data(folder):
            continue
        signature = tree.signature(folder)
        if signature is not None and signature in above:
            continue  # a link back to a folder that holds it
        listing = visible(tree, folder, skip_dirs)
        yield folder, signature, listing
        if len(above) < _MAX_DEPTH:
            path = (*above, signature)
            pending.extend((join(folder, name), path) for name in reversed(listing[0]))


def still_current(
    tree: Tree, pipeline: Pipeline, skip_dirs: SkipDirs | None = None
) -> Pipeline | None:
    """`pipeline` where loading `tree` again would give the same; None where it might not.

    Comes back with refreshed sources (not the same object) where folders changed in ways that do
    not matter, so that the caller stores it again and the next check is cheap.
    """
    data = {out.path for stage in pipeline.stages.values() for out in stage.outs}
    moved = _moved(tree, pipeline.sources, data, skip_dirs)
    if moved is None:
        return None
    if not moved:
        return pipeline
    return replace(pipeline, sources={**pipeline.sources, **moved})


def _moved(
    tree: Tree,
    sources: Mapping[str, Any],
    data: Collection[str],
    skip_dirs: SkipDirs | None,
) -> dict[str, Any] | None:
    """The entries of `sources` that moved without meaning, or None where loading would differ.

    `data` are the folders that stages make.
    """
    moved: dict[str, Any] = {}
    for key, before in sources.items():
        if key.endswith("/"):
            folder = key[:-1]
            signature = tree.signature(folder)
            if signature is not None and signature == before[0]:
                continue
            listing = visible(tree, folder, skip_dirs)
            known = (tuple(before[1][0]), tuple(before[1][1]))
            if listing[1] != known[1]:
                return None
            moved[key] = (signature, listing)
            for name in set(listing[0]) - set(known[0]):
                found = _new_folder(tree, join(folder, name), data, skip_dirs)
                if found is None:
                    return None
                moved.update(found)
        elif key.endswith("?"):
            if tree.kind(key[:-1]) != before:
                return None
        elif key.endswith("#"):
            signature = tree.signature(key[:-1])
            if signature == before[0]:
                continue
            if _skeleton(tree, key[:-1]) != before[1]:
                return None
            moved[key] = (signature, before[1])
        elif tree.signature(key) != before:
            return None
    return moved


def _skeleton(tree: Tree, path: str) -> str | None:
    """What counts of a module for the pipeline: signatures and constants, no function bodies."""
    from ..source.skeleton import skeleton  # 10 ms; only where a module was touched

    data = tree.read(path)
    return None if data is None else skeleton(data, path)


def _new_folder(
    tree: Tree, start: str, data: Collection[str], skip_dirs: SkipDirs | None
) -> dict[str, Any] | None:
    """Entries of a folder that has appeared; None where a pipeline file lies in it."""
    found: dict[str, Any] = {}
    for folder, signature, listing in walk(tree, skip_dirs, lambda path: path in data, start):
        if listing[1]:
            return None
        found[folder + "/"] = (signature, listing)
    return found
