"""What a name means: from a chain of names in one module to definitions in the project."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from .index import Executed, Imported, ModuleIndex
from .locate import Location, Modules
from .sources import Sources

_BUILTINS = frozenset(dir(builtins))
_MODULE_ATTRIBUTES = frozenset(
    "__name__ __file__ __path__ __package__ __spec__ __loader__ __builtins__ __all__".split()  # noqa: SIM905
)


class Target(NamedTuple):
    """What a chain of names leads to.

    symbol: the definition `name` of project module `module`; module: a project module used as a
    value; file: a compiled project module; external: the dotted name of something else; unknown:
    no project definition (a builtin, or a name made while running).
    """

    kind: Literal["symbol", "module", "file", "external", "unknown"]
    module: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind[0]}:{self.module}:{self.name}"


_Traced = tuple[tuple[Target, ...], int]


class Names:
    """Name resolution for one import path.

    `script` is a module that runs as `__main__` (its name may be a path): its
    `if __name__ == "__main__"` block counts, and `script_file` is where it lies.
    """

    def __init__(
        self,
        sources: Sources,
        roots: Sequence[str],
        script: str | None = None,
        script_file: str | None = None,
    ) -> None:
        self.sources = sources
        self.modules: Modules = sources.modules(roots)
        self.script = script
        self._script_location: Location | None = None
        if script is not None and script_file is not None:
            is_package = script_file.endswith("/__init__.py")
            kind: Literal["module", "package"] = "package" if is_package else "module"
            folders = (script_file.rpartition("/")[0],) if is_package else ()
            self._script_location = Location(script, kind, script_file, folders)
        # what was found, with all that it rests on (`Reader.traced`)
        self._attributes: dict[tuple[str, str], _Traced] = {}
        self._partial: dict[tuple[str, str], _Traced] = {}
        self._globals: dict[tuple[str, str], _Traced] = {}
        self._resolved: dict[tuple[str, str], _Traced] = {}
        self._active: set[tuple[str, str]] = set()
        self._cut = False

    # --- modules -----------------------------------------------------------------------

    def find(self, module: str) -> Location | None:
        """Where `module` lies; None where it is not project code."""
        if module == self.script and self._script_location is not None:
            return self._script_location
        return self.modules.find(module)

    def index(self, module: str) -> ModuleIndex | None:
        """The index of a project module; None for namespace packages and compiled modules."""
        location = self.find(module)
        if location is None or location.kind not in ("module", "package"):
            return None
        return self.sources.index(location.file)

    def absolute(self, module: str, level: int, name: str) -> str | None:
        """What `from <level dots><name>` in `module` means, absolute; None beyond the top."""
        if level == 0:
            return name
        location = self.find(module)
        if location is not None and location.file == module:
            return None  # a script has no package
        parts = module.split(".")
        if location is None or not location.is_package:
            parts.pop()
        if level > 1:
            parts = parts[: len(parts) - level + 1] if len(parts) >= level - 1 else []
        if not parts:
            return None
        return ".".join([*parts, name]) if name else ".".join(parts)

    def imported(self, module: str, level: int, name: str, attribute: str) -> tuple[Target, ...]:
        """What `from <name> import <attribute>` (or `import <name>`) in `module` binds."""
        base = self.absolute(module, level, name)
        if base is None:
            return (Target("unknown", "." * level + name, attribute),)
        location = self.find(base)
        if location is None or (location.kind == "namespace" and not self._is_code(location)):
            return (Target("external", f"{base}.{attribute}" if attribute else base),)
        if not attribute:
            if location.kind == "extension":
                return (Target("file", location.file),)
            return (Target("module", base),)
        return self.attribute(base, attribute)

    def _is_code(self, location: Location) -> bool:
        return self.modules.holds_code(location)

    # --- names -------------------------------------------------------------------------

    def attribute(self, module: str, name: str) -> tuple[Target, ...]:
        """What `module.name` is, seen from outside."""
        key = (module, name)
        found = self._attributes.get(key)
        if found is None or not found[0]:
            found = self._partial.get(key)
        if found is not None:
            self.sources.reader.used |= found[1]
            return found[0]
        if key in self._active:
            self._cut = True  # a circle of re-exports: whoever began it finds the rest
            return ()
        outermost = not self._active
        if outermost:
            self._cut = False
        self._active.add(key)
        try:
            found = self.sources.reader.traced(self._attribute, module, name)
        finally:
            self._active.discard(key)
        # inside a circle, what a module adds to the circle is enough until its beginner is done
        (self._attributes if outermost or not self._cut else self._partial)[key] = found
        if outermost:
            self._partial.clear()
        return found[0]

    def _attribute(self, module: str, name: str) -> tuple[Target, ...]:
        location = self.find(module)
        if location is None:
            return (Target("external", f"{module}.{name}"),)
        if location.kind == "extension":
            return (Target("file", location.file),)
        index = self.index(module)
        if index is not None:
            found = self._bound(module, index, name)
            if found:
                return found
        child = f"{module}.{name}"
        below = self.find(child)
        if below is not None:
            kind = below.kind
            return (Target("file", below.file) if kind == "extension" else Target("module", child),)
        if name == "__dict__":
            return (Target("module", module),)
        if index is not None:
            if name == "__doc__":
                return (Target("symbol", module, "__doc__"),)
            if name not in _MODULE_ATTRIBUTES:
                outside = self._external_stars(module, index)
                asked = () if name == "__getattr__" else self._bound(module, index, "__getattr__")
                if asked or outside:
                    return (*asked, *outside)
        return (Target("unknown", module, name),)

    def lookup(self, module: str, name: str) -> tuple[Target, ...]:
        """What the global `name` is, seen from inside `module`."""
        key = (module, name)
        found = self._globals.get(key)
        if found is None:
            found = self._globals[key] = self.sources.reader.traced(self._lookup, module, name)
        else:
            self.sources.reader.used |= found[1]
        return found[0]

    def _lookup(self, module: str, name: str) -> tuple[Target, ...]:
        index = self.index(module)
        if index is None:
            return (Target("unknown", "", name),)
        found = self._bound(module, index, name)
        if found:
            return found
        if name == "__doc__":
            return (Target("symbol", module, "__doc__"),)
        location = self.find(module)
        if location is not None and location.is_package and name not in _BUILTINS:
            child = self.find(f"{module}.{name}")
            if child is not None and child.kind != "namespace":
                return self.attribute(module, name)
        return (*self._external_stars(module, index), Target("unknown", "", name))

    def _bound(self, module: str, index: ModuleIndex, name: str) -> tuple[Target, ...]:
        """What the module's own statements and its star imports of project code bind `name` to."""
        found: dict[Target, None] = {}
        last = 0
        bindings = self._visible(module, index, name)
        for binding in bindings:
            if isinstance(binding, int):
                found[Target("symbol", module, name)] = None
                unit = index.units[binding]
                last = max(last, unit.line)
            else:
                targets = self.imported(module, binding.level, binding.module, binding.name)
                found.update((target, None) for target in targets)
                if not binding.guard:
                    last = max(last, binding.line)
        for star in index.stars:
            if star.line > last and not (star.when == "typing" and found):
                found.update((target, None) for target in self._through(module, star, name))
        return tuple(found)

    def _visible(self, module: str, index: ModuleIndex, name: str) -> Sequence[int | Imported]:
        """The bindings of `name` that are made when the module runs as it does here."""
        bindings = index.names.get(name, ())
        hidden = {"typing"} if module == self.script else {"typing", "main"}
        shown = [
            binding
            for binding in bindings
            if (index.units[binding].when if isinstance(binding, int) else binding.when)
            not in hidden
        ]
        if shown or not bindings:
            return shown
        # only an annotation can mean a name that exists for type checkers alone
        return [
            binding
            for binding in bindings
            if (index.units[binding].when if isinstance(binding, int) else binding.when) == "typing"
        ]

    def _through(self, module: str, star: Imported, name: str) -> tuple[Target, ...]:
        base = self.absolute(module, star.level, star.module)
        index = self.index(base) if base is not None else None
        if base is None or index is None or not exports(index, name):
            return ()
        return tuple(
            target
            for target in self.attribute(base, name)
            if target.kind != "unknown" and target.name != "__getattr__"
        )

    def _external_stars(self, module: str, index: ModuleIndex) -> tuple[Target, ...]:
        found: dict[Target, None] = {}
        for star in index.stars:
            base = self.absolute(module, star.level, star.module)
            if base is None or star.when == "typing":
                continue
            location = self.find(base)
            if location is None:
                found[Target("external", f"{base}.*")] = None
            elif location.kind == "extension":
                found[Target("file", location.file)] = None
        return tuple(found)

    def resolve(self, module: str, reference: str) -> tuple[Target, ...]:
        """What a reference of a unit of `module` (see `index.Unit`) leads to."""
        key = (module, reference)
        found = self._resolved.get(key)
        if found is None:
            trace = self.sources.reader.traced
            found = self._resolved[key] = trace(self._resolve, module, reference)
        else:
            self.sources.reader.used |= found[1]
        return found[0]

    def _resolve(self, module: str, reference: str) -> tuple[Target, ...]:
        if reference.startswith("@"):
            level, name, attribute, rest = reference[1:].split("|")
            targets = self.imported(module, int(level), name, attribute)
            steps = rest.split(".") if rest else []
        else:
            first, *steps = reference.split(".")
            targets = self.lookup(module, first)
        for step in steps:
            if not any(target.kind == "module" for target in targets):
                break
            following: dict[Target, None] = {}
            for target in targets:
                if target.kind == "module":
                    further = self.attribute(target.module, step)
                    following.update((item, None) for item in further)
                else:
                    following[target] = None
            targets = tuple(following)
        return targets

    def identities(self, module: str, name: str) -> Mapping[str, None]:
        """The conditions under which imports bind `name`, for hashing with what it means."""
        index = self.index(module)
        if index is None:
            return {}
        return {
            binding.guard: None
            for binding in index.names.get(name, ())
            if not isinstance(binding, int) and binding.guard
        }

    # --- imports that run --------------------------------------------------------------

    def star_submodules(self, base: str) -> list[str]:
        """The submodules that `from base import *` imports, since `__all__` names them."""
        index = self.index(base)
        if index is None or not index.exports:
            return []
        return [
            f"{base}.{name}"
            for name in index.exports
            if name not in index.names and self.find(f"{base}.{name}") is not None
        ]

    def is_missing(self, module: str, item: Executed) -> str | None:
        """The project module that an import needs and that does not exist, if there is one."""
        base = self.absolute(module, item.level, item.module)
        if base is None:
            return "." * item.level + item.module
        location = self.find(base)
        if location is None:
            return base if item.level or self._belongs(module, base) else None
        if not item.name or item.name == "*" or not location.is_package:
            return None
        if not self._is_code(location) or self.find(f"{base}.{item.name}") is not None:
            return None
        index = self.index(base)
        if index is None:
            return f"{base}.{item.name}" if self._belongs(module, f"{base}.") else None
        dynamic = any(unit.flags & 8 or unit.opaque for unit in index.units)
        known = self.attribute(base, item.name)
        unknown = all(target.kind == "unknown" for target in known)
        if unknown and known and not dynamic and item.name not in _MODULE_ATTRIBUTES:
            return f"{base}.{item.name}"
        return None

    def _belongs(self, importer: str, module: str) -> bool:
        """Whether a module that was not found could only be the project's own.

        A folder of scripts about pandas, named so, is a namespace package that an installed pandas
        wins over: only code inside such a folder must mean the folder.
        """
        top = module.partition(".")[0]
        location = self.find(top)
        if top == module or location is None or not location.is_package:
            return False
        return location.kind == "package" or importer.partition(".")[0] == top


def exports(index: ModuleIndex, name: str) -> bool:
    """Whether `from module import *` may bring `name`."""
    if index.exports is not None and not index.exports_computed:
        return name in index.exports
    if index.exports_computed:
        return not name.startswith("_") or name in (index.exports or ())
    return not name.startswith("_")
