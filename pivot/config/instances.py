"""Instances of classes among the params of a pipeline.py, as the mappings that make them again.

YAML has no classes: a stage gets what the annotations of its function make of the values. An
instance may be given where that is the same class; in a union its values have to tell which member
they are of.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError, Where
from ..source.chains import chain_of
from ..source.reading import Spot, Text
from .binding import ALL_PARAMS
from .fitting import Fitting, shown_path
from .models import COMPUTED, REQUIRED, Model, Models, not_none, parts
from .programs import Entry

_Path = tuple[Any, ...]


def with_instances(entry: Entry, text: Text) -> Entry:
    """`entry` with params that become the instances it was given, once its function is called.

    Raises ConfigError where they would become something else.
    """
    if not entry.classes or "params" not in entry.body:
        return entry
    params = _Instances(entry, text).settled()
    return replace(entry, body={**entry.body, "params": params}, classes={})


class _Instances:
    """The params of one stage."""

    def __init__(self, entry: Entry, text: Text) -> None:
        self._entry = entry
        self._text = text
        self._models = Models(text)
        self._fitting = Fitting(text, self._models)
        self._parameters = self._annotated()

    def _annotated(self) -> dict[str, Spot | None] | None:
        """What the parameters of the function are annotated with; None for what is not read."""
        entry = self._entry
        found = self._text.function(entry.module, entry.qualname)
        if found is None:
            return None
        file, node = found
        given = node.args
        return {
            item.arg: Spot(entry.module, file, item.annotation) if item.annotation else None
            for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)
        }

    def settled(self) -> Any:
        """The params, with what tells of which class each instance is."""
        values = self._entry.body["params"]
        parameters = self._parameters
        whole = self._entry.classes.get(())
        if parameters is None:
            raise self._refused(
                (), "no signature of its function can be read, which would tell their classes"
            )
        if whole is not None and ALL_PARAMS in parameters:
            return self._instance(parameters[ALL_PARAMS], values, (), is_argument=True)
        if isinstance(values, list):
            return self._inner(None, values, ())
        together = parameters.get(ALL_PARAMS)
        model = self._models.of(together) if together is not None else None
        if whole is not None:  # its fields are given by name
            values = {**self._taken(whole, values, parameters), **values}
        return {
            name: self._value(parameters[name], value, (name,), is_argument=True)
            if name in parameters
            else self._value(_field(model, name), value, (name,))
            for name, value in values.items()
        }

    def _taken(
        self, whole: str, values: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The defaults of an instance for those parameters that its fields are given to."""
        module, _, name = whole.partition(":")
        entry = self._entry
        model = self._models.of(Spot(module, entry.file, ast.parse(name, mode="eval").body))
        found = {}
        for name, field in model.fields.items() if model is not None else ():
            if name not in parameters or name in values:
                continue
            if field.default in (REQUIRED, COMPUTED):
                raise self._refused((name,), "its value is known only to the class; give it")
            found[name] = field.default
        return found

    # --- one value ------------------------------------------------------------------------

    def _value(
        self, spot: Spot | None, value: Any, path: _Path, *, is_argument: bool = False
    ) -> Any:
        """What is given for a place annotated as `spot` (None: with nothing)."""
        if path in self._entry.classes:
            return self._instance(spot, value, path, is_argument=is_argument)
        if not any(known[: len(path)] == path for known in self._entry.classes):
            return value
        return self._inner(None if is_argument else spot, value, path)

    def _inner(self, spot: Spot | None, value: Any, path: _Path) -> Any:
        """A list or mapping with instances in it."""
        if isinstance(value, list):
            inside = self._items(spot, ("list", "List", "Sequence", "set", "frozenset", "tuple"))
            kinds = [inside[0] if inside else None] * len(value)
            if len(inside) == len(value) and not any(map(_is_ellipsis, inside)):
                kinds = [*inside]
            return [
                self._value(kind, item, (*path, number))
                for number, (kind, item) in enumerate(zip(kinds, value, strict=True))
            ]
        inside = self._items(spot, ("dict", "Dict", "Mapping"))
        kind = inside[1] if len(inside) == 2 else None
        return {key: self._value(kind, item, (*path, key)) for key, item in value.items()}

    def _items(self, spot: Spot | None, heads: tuple[str, ...]) -> list[Spot]:
        """What the arguments of the one container in an annotation are."""
        found = []
        for choice in self._choices(spot) if spot is not None else ():
            head, inner = parts(self._text, choice)
            if head in heads:
                found.append([choice._replace(node=item) for item in inner])
        return found[0] if len(found) == 1 else []

    def _choices(self, spot: Spot) -> list[Spot]:
        """What a value annotated so may be: one, or the members of a union."""
        spot = self._text.unaliased(spot)
        head, inner = parts(self._text, spot)
        if head == "Annotated":
            return self._choices(spot._replace(node=inner[0]))
        if head == "Union":
            return [one for node in inner for one in self._choices(spot._replace(node=node))]
        return [spot]

    # --- instances ------------------------------------------------------------------------

    def _instance(
        self, spot: Spot | None, value: Any, path: _Path, *, is_argument: bool = False
    ) -> dict[str, Any]:
        name = self._entry.classes[path].partition(":")[2]
        if spot is None:
            raise self._refused(
                path,
                f"an instance of {name} is given, and would arrive as a mapping, since nothing "
                "says its class",
                f"annotate what takes it with {name}, or give a mapping",
            )
        choices = [one for one in self._choices(spot) if not_none([one.node])]
        if is_argument and len(choices) > 1:
            raise self._refused(
                path,
                f"an instance of {name} is given, and {ast.unparse(spot.node)} is annotated "
                f"({spot.where}): a parameter of a union gets a mapping",
                f"annotate {name}, or take a class of params that has the union as a field",
            )
        meant = next((one for one in choices if self._is(one, self._entry.classes[path])), None)
        if meant is None:
            shown = ast.unparse(spot.node)
            raise self._refused(
                path,
                f"an instance of {name} is given, and {shown} is annotated ({spot.where}): another "
                "object would arrive",
                f"annotate {name} there, or give what is annotated",
            )
        model = self._models.of(meant)
        made = {
            key: self._value(_field(model, key), item, (*path, key)) for key, item in value.items()
        }
        others = [one for one in choices if one is not meant]
        return self._told(meant, model, made, others, path) if others else made

    def _told(
        self, meant: Spot, model: Model | None, values: Any, others: list[Spot], path: _Path
    ) -> dict[str, Any]:
        """`values` with what makes them fit one member of a union alone."""
        fields = model.fields if model is not None else {}
        defaults = {
            name: field.default
            for name, field in fields.items()
            if name not in values and field.default not in (REQUIRED, COMPUTED)
        }
        kinds = self._fitting.kinds(meant)
        kept = {name: value for name, value in defaults.items() if name in kinds}
        for more in (kept, defaults):
            found = {**more, **values}
            if not any(self._fitting.takes(other, found) for other in others):
                return found
        name = ast.unparse(meant.node)
        either = " or ".join(ast.unparse(other.node) for other in others)
        raise self._refused(
            path,
            f"nothing in the values of this {name} tells it from {either}",
            f"a field tells them apart: kind: Literal[{name.lower()!r}] = {name.lower()!r}",
        )

    def _is(self, spot: Spot, known: str) -> bool:
        """Whether an annotation names the class `module:Class`."""
        found = chain_of(spot.node)
        meaning = self._text.meaning(spot.module, found[1]) if found is not None else None
        if meaning is None:
            return False
        if meaning.kind == "symbol":
            return f"{meaning.module}:{'.'.join([meaning.name, *meaning.rest])}" == known
        module, _, name = known.partition(":")
        if meaning.kind == "unknown":  # defined inside of the class whose field is annotated
            return spot.module == module and name.endswith(f".{meaning.name}")
        # outside of the project a class may be imported from elsewhere than where it is defined
        top, last = module.partition(".")[0], name.rpartition(".")[2]
        return (meaning.name.partition(".")[0], meaning.name.rpartition(".")[2]) == (top, last)

    def _refused(self, path: _Path, message: str, hint: str | None = None) -> ConfigError:
        entry = self._entry
        what = f"param '{shown_path(path)}'" if path else "params"
        return ConfigError(
            f"stage '{entry.name}': {what}: {message}",
            hint=hint,
            where=Where(entry.file, entry.line),
        )


def _field(model: Model | None, name: Any) -> Spot | None:
    field = model.fields.get(name) if model is not None else None
    return field.annotation if field is not None else None


def _is_ellipsis(spot: Spot) -> bool:
    return isinstance(spot.node, ast.Constant) and spot.node.value is Ellipsis
