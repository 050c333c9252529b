"""Entry points: from `package.module.function` in a pipeline file to the definition it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SourceError, Where, did_you_mean
from ..tree import Tree
from .index import ModuleIndex
from .locate import Modules, split_with
from .names import Names
from .signatures import UNKNOWN, Signature, signature
from .sources import Sources


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A definition that a stage calls: where it really stands, re-exports followed."""

    module: str
    qualname: str
    file: str
    line: int
    signature: Signature


def find_entry(
    tree: Tree,
    roots: Sequence[str],
    text: str,
    *,
    where: Where | None = None,
    reader: Sources | None = None,
) -> EntryPoint:
    """The definition that `text` ('a.b.c' or 'a.b:c') names, its module read but never imported.

    `where` is the place that names it, for errors; `reader` shares what was parsed already.
    Raises SourceError, with the nearest name that exists, where there is no such module or name,
    where it is not a definition, or where the module cannot be parsed.
    """
    sources = reader if reader is not None else Sources(tree)
    names = Names(sources, roots)
    found = split_with(names.modules, text)
    if found is None:
        raise _no_module(names.modules, text, where)
    module, qualname = found
    first, _, rest = qualname.partition(".")
    targets = names.attribute(module, first)
    symbols = [item for item in targets if item.kind == "symbol" and item.name != "__getattr__"]
    if symbols:
        target = symbols[-1]
        return _entry(names, target.module, f"{target.name}.{rest}" if rest else target.name, where)
    location = names.find(module)
    file = location.file if location is not None else ""
    outside = [item for item in targets if item.kind == "external"]
    if any(item.kind == "symbol" for item in targets):
        return EntryPoint(module, qualname, file, 1, UNKNOWN)
    if outside:
        raise SourceError(
            f"'{text}' is {outside[0].module}, which is not code of this project",
            hint="write a function of your own that calls it",
            where=where,
        )
    if any(item.kind == "module" for item in targets):
        raise SourceError(
            f"'{text}' names a module, not a function in it",
            hint=f"write {text}.FUNCTION",
            where=where,
        )
    index = names.index(module)
    known = list(index.names) if index else []
    modules = names.modules.children(location) if location and location.is_package else []
    what = f"there is no module '{first}' in package '{module}', and" if rest else "there is"
    raise SourceError(
        f"{what} no '{first}' in {file}",
        hint=did_you_mean(first, [*known, *modules]) or _definitions_hint(index),
        where=where,
    )


def _entry(names: Names, module: str, qualname: str, where: Where | None) -> EntryPoint:
    location = names.find(module)
    index = names.index(module)
    assert location is not None
    assert index is not None
    first, _, rest = qualname.partition(".")
    bindings = [item for item in index.names.get(first, ()) if isinstance(item, int)]
    line = index.units[bindings[-1]].line if bindings else 1
    fact = index.signatures.get(qualname)
    if rest and fact is None and first in index.signatures:
        members = [
            name[len(first) + 1 :] for name in index.signatures if name.startswith(first + ".")
        ]
        raise SourceError(
            f"'{first}' in {location.file} has no '{rest}'",
            hint=did_you_mean(rest, members),
            where=where,
        )
    if fact is None:
        return EntryPoint(module, qualname, location.file, line, UNKNOWN)
    found = signature(fact, lambda: names.sources.read(location.file))
    if len(index.names.get(first, ())) > 1:
        # bound again later (f = wrap(f), or in another branch): the text does not say which
        found = Signature(found.parameters, found.returns, known=False)
    return EntryPoint(module, qualname, location.file, fact.line, found)


def _no_module(modules: Modules, text: str, where: Where | None) -> SourceError:
    """Say which part of the dotted name is the first that does not exist."""
    path = text.partition(":")[0]
    parts = path.split(".")
    if not all(part.isidentifier() for part in parts):
        return SourceError(
            f"'{text}' is not of the form module.function", where=where, hint="write it as a.b.c"
        )
    known = modules.top_level()
    above = ""
    for part in parts:
        module = f"{above}.{part}" if above else part
        location = modules.find(module)
        if location is None:
            inside = f" in package '{above}'" if above else ""
            searched = ", ".join(modules.roots)
            return SourceError(
                f"there is no module '{part}'{inside} for '{text}'",
                hint=did_you_mean(part, [name for name in known if name != part])
                or f"searched in {searched}",
                where=where,
            )
        known = modules.children(location) if location.is_package else []
        above = module
    return SourceError(
        f"'{text}' names a module, not a function in it",
        hint=f"write {path}.FUNCTION",
        where=where,
    )


def _definitions_hint(index: ModuleIndex | None) -> str | None:
    names = [unit.binds[0] for unit in index.units if unit.kind == "def"] if index else []
    if not names:
        return None
    return f"it defines {', '.join(names[:5])}"
