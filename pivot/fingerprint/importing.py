"""Imports that run: which project modules they reach, and in which order effects happen."""

from __future__ import annotations

from ..errors import SourceError, Where, did_you_mean
from ..source.index import Executed, ModuleIndex
from ..source.names import Names
from .activity import Activity


class Importing:
    """Follows import statements, for one import path and mode."""

    def __init__(self, names: Names, activity: Activity) -> None:
        self.names = names
        self.activity = activity
        self._reader = names.sources.reader
        self._active: dict[str, tuple[list[int], int]] = {}  # with what it rests on
        self._strong: dict[str, tuple[bool, int]] = {}

    def active_units(self, module: str) -> list[int]:
        found = self._active.get(module)
        if found is None:
            found = self._reader.traced(self._read_active, module)
            self._active[module] = found
        else:
            self._reader.used |= found[1]
        return found[0]

    def _read_active(self, module: str) -> list[int]:
        return self.activity.active(module, self._index(module))

    def modules(self, module: str, item: Executed) -> list[str]:
        names = self.names
        if not item.optional:
            missing = names.is_missing(module, item)
            if missing is not None:
                raise self._missing(module, item, missing)
        base = names.absolute(module, item.level, item.module)
        location = names.find(base) if base is not None else None
        if base is None or location is None:
            return []
        if location.kind == "namespace" and not names.modules.holds_code(location):
            return []
        found = [base]
        if item.name == "*":
            found += names.star_submodules(base)
        elif item.name and location.is_package:
            index = names.index(base)
            below = f"{base}.{item.name}"
            if names.find(below) is not None and not self._is_bound(base, index, item.name):
                found.append(below)
        return found

    def _is_bound(self, package: str, index: ModuleIndex | None, name: str) -> bool:
        """Whether the package itself makes `name`, rather than by importing its submodule."""
        bindings = index.names.get(name, ()) if index is not None else ()
        return bool(bindings) and not any(
            not isinstance(binding, int)
            and binding.name == name
            and self.names.absolute(package, binding.level, binding.module) == package
            for binding in bindings
        )

    def _missing(self, module: str, item: Executed, missing: str) -> SourceError:
        importer = self.names.find(module)
        where = Where(importer.file if importer is not None else "", item.line)
        above, _, name = missing.rpartition(".")
        location = self.names.find(above) if above else None
        if item.level and self.names.absolute(module, item.level, item.module) is None:
            return SourceError(
                f"'from {missing}' reaches beyond the top-level package",
                where=where,
                hint="run it as a module: python -m package.module",
            )
        known: list[str] = []
        if location is not None and location.is_package:
            known = self.names.modules.children(location)
            index = self.names.index(above)
            known += list(index.names) if index is not None else []
        return SourceError(
            f"there is no module '{missing}'",
            where=where,
            hint=did_you_mean(name, known) or "create it, or correct the import",
        )

    def order(self, module: str) -> list[str]:
        """The order of imports with effects, where there are several: it may be noticed."""
        order: dict[str, None] = {}
        for item in self._index(module).imports:
            if self.activity.shown(module, item.when):
                for name in self.modules(module, item):
                    if self._has_strong_effects(name):
                        order[name] = None
        return list(order) if len(order) > 1 else []

    def _has_strong_effects(self, module: str) -> bool:
        """Whether importing the module has effects of its own or through what it imports."""
        known = self._strong.get(module)
        if known is not None:
            self._reader.used |= known[1]
            return known[0]
        (found, seen), bits = self._reader.traced(self._look_for_effects, module)
        if found:
            self._strong[module] = (True, bits)
        else:
            self._strong.update((name, (False, bits)) for name in seen)
        return found

    def _look_for_effects(self, module: str) -> tuple[bool, set[str]]:
        waiting, seen = [module], {module}
        while waiting:
            current = waiting.pop()
            known = self._strong.get(current)
            if known is not None:
                self._reader.used |= known[1]
            if known[0] if known is not None else self._own_strong_effects(current):
                return True, seen
            if known is not None:
                continue
            index = self.names.index(current)
            for item in index.imports if index is not None else ():
                if self.activity.shown(current, item.when):
                    for name in self.modules(current, item):
                        if name not in seen:
                            seen.add(name)
                            waiting.append(name)
        return False, seen

    def _own_strong_effects(self, module: str) -> bool:
        index = self.names.index(module)
        if index is None:
            return False
        units = (index.units[number] for number in self.active_units(module))
        return any(self.activity.is_strong(unit) for unit in units)

    def _index(self, module: str) -> ModuleIndex:
        index = self.names.index(module)
        assert index is not None
        return index
