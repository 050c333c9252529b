"""Which values a stage's params class takes, as far as its text alone decides.

What validators of the class's own say is known only once they run, in the stage's process.
"""

from __future__ import annotations

import ast
import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError, nearest
from ..source.reading import Spot, Text
from .models import REQUIRED, Field, Model, Models, parts

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A value that a field does not take: the path to it, why, and what to do."""

    path: tuple[Any, ...]
    message: str
    hint: str | None = None


def shown_path(path: tuple[Any, ...]) -> str:
    """`a.b[0]`: how the place of a value is written."""
    shown = ""
    for step in path:
        shown += f"[{step}]" if isinstance(step, int) else f".{step}" if shown else str(step)
    return shown


class Fitting:
    """Holds values against the classes of one import path."""

    def __init__(self, text: Text, models: Models) -> None:
        self._text = text
        self._models = models

    def complaints(
        self, model: Model, values: Mapping[Any, Any], path: tuple[Any, ...] = ()
    ) -> Iterator[Complaint]:
        """What is wrong with the params of a stage, as far as the text of their class decides."""
        if not model.judged:
            return
        for name in values:
            if name not in model.fields and model.closed:
                near = nearest(str(name), model.fields)
                known = ", ".join(model.fields) or "none"
                yield Complaint(
                    (*path, name),
                    f"{model.name} has no field '{name}'",
                    f"did you mean '{near}'?" if near else f"its fields: {known}",
                )
        for name, field in model.fields.items():
            if name in values:
                here = (*path, name)
                found = self._complaint(model.lax, field.annotation, values[name], here)
                yield from found
                if not found:
                    yield from _out_of_bounds(field, values[name], here)
            elif field.default is REQUIRED:
                yield Complaint(
                    (*path, name),
                    f"{model.name} needs '{name}', which is no param",
                    "give it under params",
                )

    def _complaint(
        self, lax: bool, spot: Spot, value: Any, path: tuple[Any, ...]
    ) -> list[Complaint]:
        spot = self._text.unaliased(spot)
        head, inner = parts(self._text, spot)
        if head == "Annotated":
            metadata = [spot._replace(node=item) for item in inner[1:]]
            if any(self._models.field_call(item) is None for item in metadata):
                return []  # something that may convert or accept what the type does not
            return self._complaint(lax, spot._replace(node=inner[0]), value, path)
        if head == "Union":
            return self._of_union(lax, [spot._replace(node=item) for item in inner], value, path)
        if head == "Literal":
            return self._of_literal(spot, inner, value, path)
        if head in ("list", "List", "Sequence", "tuple", "Tuple", "set", "frozenset"):
            if isinstance(value, (str, Mapping)) or not hasattr(value, "__iter__"):
                return [Complaint(path, f"takes a list, not {value!r}")]
            found: list[Complaint] = []
            if inner and (head not in ("tuple", "Tuple") or _is_ellipsis(inner[-1])):
                for number, item in enumerate(value):
                    at = (*path, number)
                    found += self._complaint(lax, spot._replace(node=inner[0]), item, at)
            return found
        if head in ("dict", "Dict", "Mapping"):
            if not isinstance(value, Mapping):
                return [Complaint(path, f"takes a mapping, not {value!r}")]
            found = []
            for key, item in value.items() if len(inner) == 2 else ():
                found += self._complaint(lax, spot._replace(node=inner[1]), item, (*path, key))
            return found
        return self._of_class(lax, spot, value, path)

    def settles(self, model: Model, seen: frozenset[str] = frozenset()) -> bool:
        """Whether `complaints` finds all that the class could have against values."""
        if not model.judged or model.name in seen:
            return False
        inner = seen | {model.name}
        return all(f.plain and self._known(f.annotation, inner) for f in model.fields.values())

    def _known(self, spot: Spot, seen: frozenset[str]) -> bool:
        spot = self._text.unaliased(spot)
        head, inner = parts(self._text, spot)
        if head in ("Union", "list", "List", "dict", "Dict", "tuple", "Tuple"):
            named = [item for item in inner if not _is_ellipsis(item)]
            return all(self._known(spot._replace(node=item), seen) for item in named)
        if head == "Literal":
            return True
        if head:
            return False
        if isinstance(spot.node, ast.Constant):
            return spot.node.value is None
        if self._text.builtin(spot) in _WORDS:
            return True
        if self._text.external(spot) in ("pathlib.Path", "datetime.date", "typing.Any"):
            return True
        nested = self._models.of(spot)
        return nested is not None and self.settles(nested, seen)

    def _of_union(
        self, lax: bool, choices: list[Spot], value: Any, path: tuple[Any, ...]
    ) -> list[Complaint]:
        every = [self._complaint(lax, choice, value, path) for choice in choices]
        if not all(every):
            return []
        if isinstance(value, Mapping):
            meant = self.meant_by(choices, value)
            if meant:
                return every[choices.index(meant[0])]
            told = self._untold(choices, value, path)
            if told is not None:
                return [told]
        deeper = {i: found for i, found in enumerate(every) if len(found[0].path) > len(path)}
        if len(deeper) == 1:
            return next(iter(deeper.values()))
        if deeper:
            shown = "; ".join(
                f"{ast.unparse(choices[i].node)}: {shown_path(found[0].path[len(path) :])}: "
                f"{found[0].message}"
                for i, found in deeper.items()
            )
            return [Complaint(path, f"fits none of what it may be ({shown})")]
        said = dict.fromkeys(
            item.message.partition(", not ")[0] for found in every for item in found
        )
        words = " or ".join(text.removeprefix("takes ") for text in said)
        return [Complaint(path, f"takes {words}, not {value!r}")]

    def meant_by(self, choices: list[Spot], value: Mapping[Any, Any]) -> list[Spot]:
        """The classes of a union whose literal fields have the values that `value` gives them."""
        found = []
        for choice in choices:
            kinds = {name: one for name, one in self.kinds(choice).items() if name in value}
            if kinds and all(_is_among(value[name], one) for name, one in kinds.items()):
                found.append(choice)
        return found

    def takes(self, choice: Spot, value: Mapping[Any, Any]) -> bool:
        """Whether a member of a union could take `value`, as far as its text tells."""
        kinds = self.kinds(choice)
        if any(name in value and not _is_among(value[name], kinds[name]) for name in kinds):
            return False
        return not self._complaint(True, choice, value, ())

    def kinds(self, spot: Spot) -> dict[str, list[Any]]:
        """The fields of a class that take literals only, with these."""
        model = self._models.of(spot)
        found = {}
        for name, field in model.fields.items() if model is not None else ():
            inner = self._text.unaliased(field.annotation)
            head, listed = parts(self._text, inner)
            known = self._literals(inner, listed) if head == "Literal" else None
            if known is not None:
                found[name] = known
        return found

    def _untold(
        self, choices: list[Spot], value: Mapping[Any, Any], path: tuple[Any, ...]
    ) -> Complaint | None:
        """What is wrong with the field that would tell which class of a union is meant."""
        classes = [self.kinds(choice) for choice in choices if self._models.of(choice)]
        for name in classes[0] if classes else ():
            if name in value and all(name in kinds for kinds in classes):
                literals = [item for kinds in classes for item in kinds[name]]
                if not _is_among(value[name], literals):
                    return _not_among(literals, value[name], (*path, name))
        return None

    def _literals(self, spot: Spot, inner: list[ast.expr]) -> list[Any] | None:
        """The values of `Literal[...]`; None where they cannot be read."""
        try:
            return [self._text.value(spot._replace(node=item)) for item in inner]
        except SourceError:
            return None

    def _of_literal(
        self, spot: Spot, inner: list[ast.expr], value: Any, path: tuple[Any, ...]
    ) -> list[Complaint]:
        choices = self._literals(spot, inner)
        if choices is None or _is_among(value, choices):
            return []
        return [_not_among(choices, value, path)]

    def _of_class(
        self, lax: bool, spot: Spot, value: Any, path: tuple[Any, ...]
    ) -> list[Complaint]:
        if isinstance(spot.node, ast.Constant) and spot.node.value is None:
            return [] if value is None else [Complaint(path, f"takes nothing, not {value!r}")]
        name = self._text.builtin(spot) or ""
        if name in _WORDS:
            fits = _fits_lax(name, value) if lax else _fits(name, value)
            return [] if fits else [Complaint(path, f"takes {_WORDS[name]}, not {value!r}")]
        outside = self._text.external(spot) or ""
        if outside in ("datetime.date", "datetime.datetime", "datetime.time"):
            return _of_date(lax, outside, value, path)
        if outside in ("pathlib.Path", "pathlib.PurePath"):
            return (
                [] if isinstance(value, str) else [Complaint(path, f"takes a path, not {value!r}")]
            )
        nested = self._models.of(spot)
        if nested is not None:
            if not isinstance(value, Mapping):
                return [Complaint(path, f"takes a mapping for {nested.name}, not {value!r}")]
            return list(self.complaints(nested, value, path))
        return self._of_enum(lax, spot, value, path)

    def _of_enum(self, lax: bool, spot: Spot, value: Any, path: tuple[Any, ...]) -> list[Complaint]:
        found = self._text.class_of(spot)
        if found is None:
            return []
        module, file, node = found
        bases = [self._text.external(Spot(module, file, base)) or "" for base in node.bases]
        if not any(base.startswith("enum.") for base in bases):
            return []
        members: dict[str, Any] = {}
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name in ("_missing_", "__new__"):
                return []
            if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
                try:
                    members[part.targets[0].id] = self._text.value(Spot(module, file, part.value))
                except SourceError:
                    return []  # `auto()` and the like
        values = list(members.values())
        if value in values or (not lax and value in members):
            return []
        if lax and str(value) in map(str, values):
            return []
        near = nearest(str(value), map(str, values))
        shown = ", ".join(map(repr, values))
        hint = f"did you mean {near!r}?" if near else None
        return [Complaint(path, f"takes one of {shown}, not {value!r}", hint)]


def _is_among(value: Any, choices: list[Any]) -> bool:
    return any(choice == value and type(choice) is type(value) for choice in choices)


def _not_among(choices: list[Any], value: Any, path: tuple[Any, ...]) -> Complaint:
    near = nearest(value, [str(c) for c in choices]) if isinstance(value, str) else None
    shown = ", ".join(dict.fromkeys(map(repr, choices)))
    hint = f"did you mean {near!r}?" if near else None
    return Complaint(path, f"takes one of {shown}, not {value!r}", hint)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _fits(name: str, value: Any) -> bool:
    kind = type(value)
    if name == "float":
        return kind in (int, float)
    if name == "int":
        return kind is int or (kind is float and value.is_integer())
    return kind.__name__ == name


def _fits_lax(name: str, value: Any) -> bool:
    """Whether pydantic could take `value`, never more strict than it is."""
    if name == "str":
        return isinstance(value, (str, bytes))
    if name == "bool":
        return isinstance(value, (bool, str)) or value in (0, 1)
    if isinstance(value, str):
        try:
            float(value.strip().replace("_", ""))
        except ValueError:
            return False
        return True
    if name == "int":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, (int, float))


def _of_date(lax: bool, kind: str, value: Any, path: tuple[Any, ...]) -> list[Complaint]:
    if isinstance(value, (datetime.date, datetime.time)) or (lax and not isinstance(value, str)):
        return []
    if isinstance(value, str):
        wanted: Any = getattr(datetime, kind.rpartition(".")[2])
        try:
            wanted.fromisoformat(value)
        except ValueError:
            if lax and any(sign.isdigit() for sign in value):
                return []  # pydantic reads more forms
        else:
            return []
    word = {"datetime.date": "a date", "datetime.time": "a time"}.get(kind, "a date with a time")
    return [Complaint(path, f"takes {word}, not {value!r}")]


def _out_of_bounds(field: Field, value: Any, path: tuple[Any, ...]) -> Iterator[Complaint]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    tests: dict[str, tuple[Callable[[Any], bool], str]] = {
        "gt": (lambda bound: value > bound, "more than"),
        "ge": (lambda bound: value >= bound, "at least"),
        "lt": (lambda bound: value < bound, "less than"),
        "le": (lambda bound: value <= bound, "at most"),
    }
    for name, bound in field.bounds.items():
        if name in tests and not tests[name][0](bound):
            yield Complaint(path, f"takes {tests[name][1]} {bound}, not {value!r}")
