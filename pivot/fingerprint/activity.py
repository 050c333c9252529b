"""Which top-level statements of an imported module do something that others may notice?

Calls, mutations and deletions always do. A definition does where a decorator or base from project
code may register it; an assignment where its right side calls project code, or hands a project
definition to a call.
"""

from __future__ import annotations

from ..source.index import READS_SUBCLASSES, ModuleIndex, Unit
from ..source.names import Names, Target

#: Libraries whose base classes keep a list of everything derived from them.
_REGISTERING = frozenset(
    ("sqlalchemy", "sqlmodel", "django", "peewee", "mongoengine", "luigi", "marshmallow")
)

_TYPING = "TypeVar TypeVarTuple ParamSpec NewType NamedTuple TypedDict cast Optional Union"
#: What hands back something made of its arguments, and neither calls nor keeps them elsewhere.
_INERT = frozenset(
    (
        *(
            f"{place}.{name}"
            for place in ("typing", "typing_extensions")
            for name in _TYPING.split()
        ),
        "functools.partial",
        "functools.partialmethod",
        "collections.namedtuple",
        "dataclasses.field",
        "types.MappingProxyType",
        "types.SimpleNamespace",
        "contextvars.ContextVar",
        "operator.attrgetter",
        "operator.itemgetter",
        "operator.methodcaller",
    )
)

#: What makes a class of fields one whose instances are made of their values, and no more.
_DATA_DECORATORS = frozenset(("dataclasses.dataclass", "pydantic.dataclasses.dataclass"))
_DATA_BASES = frozenset(
    (
        *("pivot.StageParams", "pivot.declare.params.StageParams"),
        *("pydantic.BaseModel", "pydantic.main.BaseModel"),
        *("enum.Enum", "enum.IntEnum", "enum.StrEnum"),
    )
)

_MUTATOR_NAMES = (
    "append appendleft extend extendleft insert pop popleft popitem remove discard clear update "
    "setdefault add sort reverse register"
)
_MUTATORS = frozenset(_MUTATOR_NAMES.split())


class Activity:
    """Decides about units, for one import path and one mode (bits of what closures read)."""

    def __init__(self, names: Names, mode: int) -> None:
        self.names = names
        self.mode = mode
        self._reader = names.sources.reader
        self._codey: dict[Target, tuple[bool, int]] = {}  # with what it rests on

    def shown(self, module: str, when: str) -> bool:
        """Whether a statement under that condition runs when `module` does."""
        return when == "" or (when == "main" and module == self.names.script)

    def active(self, module: str, index: ModuleIndex) -> list[int]:
        """The numbers of the module's units that count for whoever imports it, in order."""
        return [
            number
            for number, unit in enumerate(index.units)
            if self.shown(module, unit.when) and self.is_active(module, unit)
        ]

    def is_active(self, module: str, unit: Unit) -> bool:
        if unit.effect == 2:
            return True
        if module == self.names.script and unit.kind == "other" and unit.runs_calls:
            return True  # whatever a script calls at its top level, it was written to do
        if unit.effect == 0:
            return False
        return (
            any(self._is_project(module, chain) for chain in unit.decorators)
            or any(self._calls_code(module, chain) for chain in unit.calls)
            or any(
                self._calls_code(module, chain) and not self._is_data(module, chain, set())
                for chain in unit.makes
            )
            or (self._may_keep(module, unit) and self._passes_any(module, unit))
            or any(self._base_registers(module, chain, set()) for chain in unit.bases)
        )

    def is_strong(self, unit: Unit) -> bool:
        """Whether the order of this unit's effect among others may be noticed."""
        return unit.effect == 2 or unit.kind != "other"

    def _targets(self, module: str, chain: str) -> tuple[Target, ...]:
        return self.names.resolve(module, chain) if chain else ()

    def _is_project(self, module: str, chain: str) -> bool:
        kinds = ("symbol", "file", "module")
        return any(target.kind in kinds for target in self._targets(module, chain))

    def _units(self, target: Target) -> list[Unit]:
        index = self.names.index(target.module) if target.kind == "symbol" else None
        if index is None:
            return []
        numbers = (item for item in index.names.get(target.name, ()) if isinstance(item, int))
        return [index.units[number] for number in numbers]

    def _may_keep(self, module: str, unit: Unit) -> bool:
        """Whether some call in the unit may keep or call what it is given."""
        return not all(self._is_inert(module, chain) for chain in unit.calls)

    def _is_inert(self, module: str, chain: str) -> bool:
        first, _, rest = chain.partition(".")
        targets = self.names.lookup(module, first) if first else ()
        return bool(targets) and all(
            target.kind == "external"
            and (f"{target.module}.{rest}" if rest else target.module) in _INERT
            for target in targets
        )

    def _passes_any(self, module: str, unit: Unit) -> bool:
        return any(self._passes_definition(module, chain) for chain in unit.passes)

    def _passes_definition(self, module: str, chain: str) -> bool:
        return any(
            unit.kind != "other"
            for target in self._targets(module, chain)
            for unit in self._units(target)
        )

    def _calls_code(self, module: str, chain: str) -> bool:
        targets = self._targets(module, chain)
        if any(self._is_code(target) for target in targets):
            return True
        # `last = QUEUE.pop()` changes the global that others read
        changes = chain.rpartition(".")[2] in _MUTATORS
        return changes and any(target.kind == "symbol" for target in targets)

    def _is_data(self, module: str, chain: str, seen: set[Target]) -> bool:
        """Whether a chain names a params class, model or dataclass that only holds its fields.

        Making one runs nothing of the project: neither it nor what it is made of has methods,
        validators or factories there.
        """
        targets = self._targets(module, chain)
        return bool(targets) and all(self._is_data_class(target, seen) for target in targets)

    def _is_data_class(self, target: Target, seen: set[Target]) -> bool:
        if target in seen:
            return True
        seen.add(target)
        units = self._units(target)
        if len(units) != 1 or units[0].kind != "class" or not units[0].plain or units[0].hooks:
            return False
        [unit], module = units, target.module
        outside = {self._outside(module, chain) for chain in unit.decorators}
        above = {chain: self._outside(module, chain) for chain in unit.bases}
        kinds = (outside & _DATA_DECORATORS) | (set(above.values()) & _DATA_BASES)
        if not (kinds or unit.bases) or not outside <= _DATA_DECORATORS:
            return False
        for chain, name in above.items():
            if name not in _DATA_BASES and not self._is_data(module, chain, seen):
                return False
        return not any(self._may_run(module, chain, seen) for chain in unit.refs)

    def _may_run(self, module: str, chain: str, seen: set[Target]) -> bool:
        """Whether what a class of fields refers to may be code of the project that it calls."""
        for target in self._targets(module, chain):
            if target.kind in ("file", "module"):
                return True
            is_code = target.kind == "symbol" and self._is_code(target)
            if is_code and not self._is_data_class(target, seen):
                return True
        return chain.rpartition(".")[2] in _MUTATORS

    def _outside(self, module: str, chain: str) -> str | None:
        """The dotted name of the one thing outside the project that a chain names."""
        first, _, rest = chain.partition(".")
        targets = self.names.lookup(module, first) if first else ()
        names = {f"{item.module}.{rest}" if rest else item.module for item in targets}
        kinds = {item.kind for item in targets}
        return names.pop() if kinds == {"external"} and len(names) == 1 else None

    def _is_code(self, first: Target) -> bool:
        """Whether calling the target runs project code: a definition, or a value made of some."""
        known = self._codey.get(first)
        if known is not None:
            self._reader.used |= known[1]
            return known[0]
        (found, seen), bits = self._reader.traced(self._look_for_code, first)
        if found:
            self._codey[first] = (True, bits)
        else:
            self._codey.update((target, (False, bits)) for target in seen)
        return found

    def _look_for_code(self, first: Target) -> tuple[bool, set[Target]]:
        waiting, seen, found = [first], {first}, False
        while waiting and not found:
            target = waiting.pop()
            is_code, bits = self._codey.get(target, (False, 0))
            self._reader.used |= bits
            if target.kind == "file" or is_code:
                found = True
                break
            for unit in self._units(target):
                if unit.kind != "other":
                    found = True
                    break
                for reference in unit.refs:
                    for further in self.names.resolve(target.module, reference):
                        if further not in seen:
                            seen.add(further)
                            waiting.append(further)
        return found, seen

    def _base_registers(self, module: str, chain: str, seen: set[Target]) -> bool:
        """Whether deriving from the class that `chain` names may be noticed by someone."""
        for target in self._targets(module, chain):
            if target.kind == "external":
                if target.module.partition(".")[0] in _REGISTERING:
                    return True
                continue
            if target.kind == "file":
                return True
            if target.kind != "symbol" or target in seen:
                continue
            if self.mode & READS_SUBCLASSES:
                return True
            seen.add(target)
            for unit in self._units(target):
                # a base that is no class statement was made by a call that no one can read
                if unit.kind != "class" or unit.hooks:
                    return True
                if any(self._base_registers(target.module, base, seen) for base in unit.bases):
                    return True
        return False
