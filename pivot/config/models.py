"""The class of a stage's params, read off its text: its fields, their defaults and bounds."""

from __future__ import annotations

import ast
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError, Where
from ..source.reading import Instance, Spot, Text, elements
from .loader_names import path_text

REQUIRED = object()  # a field without a default
COMPUTED = object()  # one whose default only running the module tells

_MODELS = ("pydantic.BaseModel", "pydantic.main.BaseModel", "pydantic_settings.BaseSettings")
_OURS = ("pivot.StageParams", "pivot.declare.params.StageParams")
_FIELD_CALLS = ("pydantic.Field", "pydantic.fields.Field", "dataclasses.field")
_VALIDATORS = frozenset(
    ("field_validator", "model_validator", "validator", "root_validator", "__post_init__")
)
_PLACES = ("typing", "typing_extensions")
_BOUNDS = ("gt", "ge", "lt", "le")
#: What says nothing about values.
_SILENT = ("default", "default_factory", "description", "title", "examples", "repr", "kw_only")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its annotation, its default (or REQUIRED, COMPUTED), numeric bounds by name.

    `plain`: nothing else of what is written decides about its values.
    """

    name: str
    annotation: Spot
    default: Any
    bounds: Mapping[str, Any]
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Model:
    """A dataclass or pydantic model. `lax`: values are converted as pydantic does.

    `closed`: no other names are taken. `judged`: nothing of its own decides about values.
    """

    module: str
    name: str
    fields: Mapping[str, Field]
    lax: bool
    closed: bool
    judged: bool


class Models:
    """Reads the classes of one import path."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._known: dict[tuple[str, str], Model | None] = {}

    def of(self, annotation: Spot) -> Model | None:
        """The params class that an annotation names; None for anything else."""
        found = self._text.class_of(self._bare(annotation))
        if found is None:
            return None
        key = (found[0], found[2].name)
        if key not in self._known:
            self._known[key] = None  # a class that holds itself
            self._known[key] = self._read(*found)
        return self._known[key]

    def _bare(self, spot: Spot) -> Spot:
        """`T` of `Annotated[T, ...]`, `Optional[T]` and `T | None`."""
        while True:
            spot = self._text.unaliased(spot)
            head, inner = parts(self._text, spot)
            if head == "Annotated" or (head == "Union" and len(not_none(inner)) == 1):
                kept = inner[0] if head == "Annotated" else not_none(inner)[0]
                spot = spot._replace(node=kept)
            else:
                return spot

    # --- fields -------------------------------------------------------------------------

    def _read(self, module: str, file: str, node: ast.ClassDef, depth: int = 0) -> Model | None:
        kind = self._kind(module, file, node)
        fields: dict[str, Field] = {}
        closed = kind in ("dataclass", "ours")
        judged = True
        above: list[Model] = []
        for base in node.bases if depth < 20 else ():
            found = self._text.class_of(Spot(module, file, base))
            model = self._read(*found, depth + 1) if found else None
            if model is not None:
                above.append(model)
        if kind is None:
            if not above or self._is_plain_subclass(above):
                return None
            kind = "model"
        for model in above:
            fields.update(model.fields)
            judged = judged and model.judged
            closed = closed or model.closed
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                found_field = self._field(module, file, part)
                if found_field is not None:
                    fields[part.target.id] = found_field
                    judged = judged and "alias" not in found_field.bounds
            elif isinstance(part, ast.FunctionDef):
                judged = judged and not _validates(part)
            elif _binds_config(part):
                text = ast.unparse(part)
                closed = closed and "allow" not in text and "ignore" not in text
                closed = closed or "forbid" in text
                judged = judged and "alias" not in text and "strict" not in text
        lax = kind != "dataclass"
        return Model(module, node.name, fields, lax, closed, judged)

    def _is_plain_subclass(self, above: list[Model]) -> bool:
        return not any(model.lax for model in above)

    def _kind(self, module: str, file: str, node: ast.ClassDef) -> str | None:
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = self._text.external(Spot(module, file, called)) or ""
            if name == "dataclasses.dataclass":
                return "dataclass"
            if name == "pydantic.dataclasses.dataclass":
                return "model"
        for base in node.bases:
            name = self._text.external(Spot(module, file, base)) or ""
            if name in _OURS:
                return "ours"
            if name in _MODELS:
                return "model"
        return None

    def _field(self, module: str, file: str, part: ast.AnnAssign) -> Field | None:
        assert isinstance(part.target, ast.Name)
        spot = Spot(module, file, part.annotation)
        name = part.target.id
        head, inner = parts(self._text, self._text.unaliased(spot))
        if head == "ClassVar" or name.startswith("_") or name == "model_config":
            return None
        bounds: dict[str, Any] = {}
        if head == "Annotated":
            for item in inner[1:]:
                bounds.update(self._bounds(spot._replace(node=item)))
        default: Any = REQUIRED
        if part.value is not None:
            value = spot._replace(node=part.value)
            default = self._default(value)
            bounds.update(self._bounds(value))
        return Field(name, spot, default, bounds, "?" not in bounds)

    def field_call(self, spot: Spot) -> ast.Call | None:
        """A call of `Field(...)` or `field(...)`."""
        node = spot.node
        if isinstance(node, ast.Call):
            called = self._text.external(spot._replace(node=node.func))
            if called in _FIELD_CALLS:
                return node
        return None

    def _default(self, spot: Spot) -> Any:
        call = self.field_call(spot)
        if call is not None:
            given = {item.arg: item.value for item in call.keywords}
            if "default_factory" in given or None in given:
                return COMPUTED
            value = given.get("default") or (call.args[0] if call.args else None)
            if value is None or (isinstance(value, ast.Constant) and value.value is Ellipsis):
                return REQUIRED
            spot = spot._replace(node=value)
        try:
            found = path_text(self._text.value(spot))
        except SourceError:
            return COMPUTED
        return found if _is_plain(found) else COMPUTED

    def _bounds(self, spot: Spot) -> dict[str, Any]:
        call = self.field_call(spot)
        found: dict[str, Any] = {}
        for item in call.keywords if call is not None else ():
            if item.arg in _BOUNDS:
                try:
                    value = self._text.value(spot._replace(node=item.value))
                except SourceError:
                    continue
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    found[str(item.arg)] = value
            elif item.arg in ("alias", "validation_alias"):
                found["alias"] = True
            elif item.arg not in _SILENT:
                found["?"] = True
        return found


def parts(text: Text, spot: Spot) -> tuple[str, list[ast.expr]]:
    """('list', [T]) of `list[T]`, ('Union', [A, B]) of `A | B`; ('', []) for plain names."""
    node = spot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return "Union", _sides(node)
    if isinstance(node, ast.Subscript):
        head = spot._replace(node=node.value)
        outside = text.external(head)
        name = outside or text.builtin(head) or ""
        last = name.rpartition(".")[2]
        inner = elements(node.slice)
        if last == "Optional":
            return "Union", [*inner, ast.Constant(None)]
        known = outside is None or outside.rpartition(".")[0] in (*_PLACES, "collections.abc")
        return (last if known else "?"), inner
    name = text.builtin(spot) or ""
    return (name if name in ("list", "dict", "tuple", "set", "frozenset") else ""), []


def _sides(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_sides(node.left), *_sides(node.right)]
    return [node]


def not_none(nodes: list[ast.expr]) -> list[ast.expr]:
    """The members of a union that are something."""
    return [n for n in nodes if not (isinstance(n, ast.Constant) and n.value is None)]


def _validates(node: ast.FunctionDef) -> bool:
    if node.name in _VALIDATORS or node.name in ("__init__", "__new__"):
        return True
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(called).rpartition(".")[2] in _VALIDATORS:
            return True
    return False


def _binds_config(part: ast.stmt) -> bool:
    if isinstance(part, ast.ClassDef):
        return part.name == "Config"
    targets = part.targets if isinstance(part, ast.Assign) else []
    return any(isinstance(item, ast.Name) and item.id == "model_config" for item in targets)


def _is_plain(value: Any) -> bool:
    if isinstance(value, Instance):
        return False
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    plain = (str, int, float, bool, bytes, datetime.date, datetime.time)
    return value is None or isinstance(value, plain)


def where_of(model: Model, name: str) -> Where | None:
    """Where a field of the class is declared."""
    field = model.fields.get(name)
    return field.annotation.where if field is not None else None
