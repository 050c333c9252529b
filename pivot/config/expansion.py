"""foreach and matrix: one definition, many stages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import ConfigError, Where
from .marks import Marks
from .templating import Scope, render, sole_expression


@dataclass(frozen=True, slots=True)
class Variant:
    """One stage of an expanded definition: its name, its body, and what `${}` adds.

    `origins` says of what was added (`item`, `item.axis`) where in the context it came from.
    """

    name: str
    body: Mapping[str, Any]
    extra: Mapping[str, Any]
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def variants(
    name: str, raw: Mapping[str, Any], scope: Scope, marks: Marks, *, strict: bool
) -> Iterator[Variant]:
    """The stages that a definition stands for (itself, where it is plain).

    With `strict`, two different items that give one name are an error; else the later one wins.
    Raises ConfigError where items cannot be resolved.
    """
    if "foreach" in raw:
        found = _foreach(name, raw, scope, marks)
    elif "matrix" in raw:
        found = _matrix(name, raw, scope, marks)
    else:
        return iter([Variant(name, raw, {})])
    unique: dict[str, Variant] = {}
    where = marks.inside(raw, "foreach" if "foreach" in raw else "matrix", key=True)
    for variant in found:
        before = unique.get(variant.name)
        if before is not None and strict and before.extra != variant.extra:
            raise ConfigError(
                f"stage '{name}': two different items give the name '{variant.name}'", where=where
            )
        if variant.name.endswith("@"):
            raise ConfigError(
                f"stage '{name}': an empty item cannot name a stage",
                hint="use a mapping, whose keys name the stages",
                where=where,
            )
        unique[variant.name] = variant
    return iter(unique.values())


def with_extra(scope: Scope, extra: Mapping[str, Any], owner: str) -> Scope:
    """The scope of one variant: `item` and `key` over the rest."""
    values = {**scope.values, **extra} if extra else scope.values
    return replace(scope, values=values, owner=owner)


def _foreach(name: str, raw: Mapping[str, Any], scope: Scope, marks: Marks) -> Iterator[Variant]:
    where = marks.inside(raw, "foreach")
    items = scope.resolve(raw["foreach"], where)
    body = raw["do"]
    if isinstance(items, Mapping):
        for key, item in items.items():
            origins = _origins("item", raw["foreach"], key)
            extra = {"item": item, "key": render(key)}
            yield Variant(f"{name}@{render(key)}", body, extra, origins)
    elif isinstance(items, (list, tuple)):
        numbered = any(isinstance(item, (Mapping, list, tuple)) for item in items)
        for index, item in enumerate(items):
            suffix = str(index) if numbered else render(item)
            origins = _origins("item", raw["foreach"], index)
            yield Variant(f"{name}@{suffix}", body, {"item": item}, origins)
    else:
        raise _wrong(name, "foreach", "a list or a mapping", items, where)


def _matrix(name: str, raw: Mapping[str, Any], scope: Scope, marks: Marks) -> Iterator[Variant]:
    where = marks.inside(raw, "matrix")
    written = raw["matrix"]
    axes = scope.resolve(written, where) if isinstance(written, str) else written
    if not isinstance(axes, Mapping):
        raise _wrong(name, "matrix", "a mapping of axes", axes, where)
    body = {key: value for key, value in raw.items() if key != "matrix"}
    marks.share(raw, body)
    names: list[Any] = []
    choices: list[list[tuple[str, Any]]] = []
    places: list[list[Mapping[str, tuple[str, ...]]]] = []
    for raw_axis, raw_values in axes.items():
        axis_where = marks.inside(written, raw_axis)
        axis = scope.key(raw_axis, axis_where)
        if not isinstance(axis, str) and scope.only:
            raise _wrong(name, "the name of a matrix axis", "a text", axis, axis_where)
        values = scope.resolve(raw_values, axis_where)
        if not isinstance(values, (list, tuple)):
            raise _wrong(name, f"matrix axis '{axis}'", "a list", values, axis_where)
        names.append(axis)
        choices.append(
            [
                (f"{axis}{index}" if isinstance(v, (Mapping, list, tuple)) else render(v), v)
                for index, v in enumerate(values)
            ]
        )
        places.append([_origins(f"item.{axis}", raw_values, index) for index in range(len(values))])
    if not names:
        raise ConfigError(f"stage '{name}': matrix has no axes", where=where)
    chosen = itertools.product(*places)
    for combination, origins in zip(itertools.product(*choices), chosen, strict=True):
        suffix = "-".join(text for text, _ in combination)
        item = {axis: value for axis, (_, value) in zip(names, combination, strict=True)}
        merged = {name: parts for place in origins for name, parts in place.items()}
        yield Variant(f"{name}@{suffix}", body, {"item": item, "key": suffix}, merged)


def _origins(name: str, written: Any, key: Any) -> dict[str, tuple[str, ...]]:
    """Where in the context entry `key` of what was written comes from, as far as that is said."""
    whole = sole_expression(written)
    if whole is not None:
        return {name: (*whole, str(key))}
    try:
        part = sole_expression(written[key])
    except (KeyError, IndexError, TypeError):
        return {}
    return {name: part} if part is not None else {}


def _wrong(name: str, what: str, wanted: str, value: Any, where: Where) -> ConfigError:
    kind = type(value).__name__
    return ConfigError(
        f"stage '{name}': {what} takes {wanted}, not {value!r} ({kind})", where=where
    )
