"""Code that looks for modules in a folder: which modules it finds there counts, too.

What the modules hold is for a run to show; that there is a new one, no run has seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..source.index import Unit
from ..source.names import Names


def discovered(names: Names, module: str, unit: Unit, reference: str) -> list[str]:
    """What a reference to `__path__`, or to `__file__` beside a computed import, may find.

    `pkgutil.iter_modules(plugins.__path__)` sees the modules of `plugins`; `walk_packages` those
    below as well. Returns texts to hash: one, or none where no package is looked into.
    """
    chain, _, attribute = reference.rpartition(".")
    if attribute == "__file__" and not unit.opaque:
        return []  # the place of a data file, as a rule
    if attribute not in ("__path__", "__file__"):
        return []
    packages = (
        [target.module for target in names.resolve(module, chain) if target.kind == "module"]
        if chain
        else [module]
    )
    deep = any("walk_packages" in item for item in unit.refs)
    return [
        f"modules of {package}: {','.join(_children(names, package, deep))}"
        for package in (_package(names, item) for item in packages)
        if package
    ]


def _package(names: Names, module: str) -> str:
    """The package that `module` is, or lies in; '' for a top-level module."""
    location = names.find(module)
    if location is not None and location.is_package:
        return module
    return module.rpartition(".")[0] if location is not None and location.file != module else ""


def _children(names: Names, package: str, deep: bool) -> Iterator[str]:
    location = names.find(package)
    if location is None or not location.is_package:
        return
    for name in names.modules.children(location):
        child = names.find(f"{package}.{name}")
        if child is not None and child.kind != "namespace":
            yield child.module
            if deep:
                yield from _children(names, child.module, deep)
