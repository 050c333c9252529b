"""Modules that only a run could show: how the lock names them, and what their code hashes to."""

from __future__ import annotations

from collections.abc import Mapping

from ..model import CodeManifest, Stage
from ..tree import parent
from .workspace import Workspace


def unpredicted(
    stage: Stage, manifest: CodeManifest, module_files: Mapping[str, str]
) -> dict[str, str]:
    """The file of each module that was imported and that reading had not foreseen.

    Keys as in locks: `pkg.mod` where it lies on the stage's import path, `folder:pkg.mod` where
    the run itself had put `folder` on the path, `file:x.py` for a script that was run.
    """
    predicted = set(manifest.modules)
    read: set[str] | None = None  # thousands of definitions, and rarely asked for
    found: dict[str, str] = {}
    for name, file in module_files.items():
        if name.startswith("file:"):
            if read is None:
                read = {symbol.file for symbol in manifest.symbols.values()}
            if file not in read:
                found[name] = file
        elif name not in predicted:
            root = _root_of(name, file)
            on_path = root is None or root in stage.roots
            found[name if on_path else f"{root}:{name}"] = file
    return found


def observed_hashes(
    space: Workspace, stage: Stage, manifest: CodeManifest, module_files: Mapping[str, str]
) -> dict[str, str]:
    """The hash of each unpredicted module with all that it leads to. Raises SourceError."""
    hashes: dict[str, str] = {}
    for key in unpredicted(stage, manifest, module_files):
        now = space.fingerprinter.observed_hash(stage, key)
        if now is not None:
            hashes[key] = now
    return hashes


def _root_of(module: str, file: str) -> str | None:
    """The folder on the import path from which `module` is `file`; None where that is unclear."""
    stem = file.rpartition(".")[0]
    if stem.endswith("/__init__") or stem == "__init__":
        stem = parent(stem)
    path = module.replace(".", "/")
    if stem == path:
        return "."
    return stem[: -len(path) - 1] if stem.endswith("/" + path) else None
