"""Values and definitions as the text has them: literals, constants, aliases, classes, fields."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

from ..errors import SourceError, Where
from .chains import chain_of
from .names import Names, Target
from .parsing import parse_expression
from .sources import Sources

_DEPTH = 40

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_PATHS = frozenset(f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath", "PurePosixPath"))
_TIMES = {f"datetime.{kind.__name__}": kind for kind in (date, datetime, time)}
_ALIAS_STATEMENTS: tuple[type[ast.stmt], ...] = (
    ast.Assign,
    ast.AnnAssign,
    *([ast.TypeAlias] if hasattr(ast, "TypeAlias") else []),
)


class Meaning(NamedTuple):
    """What a chain of names means: a definition of the project (`rest`: attributes of it), the
    dotted name of something else, a builtin or unknown name.
    """

    kind: Literal["symbol", "external", "module", "unknown"]
    module: str
    name: str
    rest: tuple[str, ...] = ()


class Spot(NamedTuple):
    """An expression, and the module whose names it uses."""

    module: str
    file: str
    node: ast.expr

    @property
    def where(self) -> Where:
        return Where(self.file, self.node.lineno)


class Instance(NamedTuple):
    """A call of a class of the project, its arguments read."""

    module: str
    name: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    where: Where


class Trees:
    """Syntax trees of files, each parsed once; for one reading of a whole project."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._trees: dict[str, ast.Module] = {}

    def of(self, file: str) -> ast.Module:
        """The tree of a file. Raises SourceError."""
        if file not in self._trees:
            self._trees[file] = self.sources.parse(file)
        return self._trees[file]


class Text:
    """Reads values and definitions on one import path.

    `make` is told the dotted name of something outside the project that is called, and its
    arguments; it returns what the call gives, or NotImplemented. `exists` says of a dotted name
    whether it is a class outside the project that is known, so that a star import may have brought
    it. What is not literal raises SourceError
    with its place.
    """

    def __init__(
        self,
        names: Names,
        trees: Trees,
        make: Callable[[str, Sequence[Any], Mapping[str, Any]], Any],
        exists: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.names = names
        self._trees = trees
        self._make = make
        self._exists = exists

    # --- definitions --------------------------------------------------------------------

    def meaning(self, module: str, chain: str) -> Meaning:
        """What a dotted chain means inside `module`."""
        first, *steps = chain.split(".")
        targets = self.names.lookup(module, first)
        while True:
            stars = [item.module[:-1] for item in targets if item.module.endswith(".*")]
            known = [item for item in targets if not item.module.endswith(".*")]
            # an import that is provided for by another binds one name twice; either will do
            target = next((item for item in known if item.kind == "symbol"), None)
            target = target or (known[0] if known else Target("unknown", "", first))
            brought = next((star + first for star in stars if self._exists(star + first)), None)
            if target.kind == "unknown" and brought is not None:
                return Meaning("external", "", ".".join([brought, *steps]))
            if target.kind == "external":
                return Meaning("external", "", ".".join([target.module, *steps]))
            if target.kind == "symbol":
                return Meaning("symbol", target.module, target.name, tuple(steps))
            if target.kind != "module":
                return Meaning("unknown", "", ".".join([target.name or first, *steps]))
            if not steps:
                return Meaning("module", target.module, "")
            first = steps.pop(0)
            targets = self.names.attribute(target.module, first)

    def statement(self, module: str, name: str) -> tuple[str, ast.stmt] | None:
        """(file, statement) of the one statement that binds `name` at the top level of `module`.

        None where none, or more than one, does.
        """
        location = self.names.find(module)
        if location is None or not location.file.endswith(".py"):
            return None
        found = [
            node for node in _top_level(self._trees.of(location.file).body) if _binds(node, name)
        ]
        return (location.file, found[0]) if len(found) == 1 else None

    def function(
        self, module: str, qualname: str
    ) -> tuple[str, ast.FunctionDef | ast.AsyncFunctionDef] | None:
        """(file, definition) of a function, or of a function in a class; None where it is none."""
        first, _, rest = qualname.partition(".")
        found = self.statement(module, first)
        while found is not None and rest and isinstance(found[1], ast.ClassDef):
            first, _, rest = rest.partition(".")
            inner = [node for node in found[1].body if _binds(node, first)]
            found = (found[0], inner[0]) if len(inner) == 1 else None
        if (
            found is None
            or rest
            or not isinstance(found[1], (ast.FunctionDef, ast.AsyncFunctionDef))
        ):
            return None
        return found[0], found[1]

    def class_of(self, spot: Spot) -> tuple[str, str, ast.ClassDef] | None:
        """(module, file, definition) of the project class that an expression names; else None."""
        spot = self.unaliased(spot)
        found = chain_of(spot.node)
        if found is None:
            return None
        meaning = self.meaning(spot.module, found[1])
        if meaning.kind != "symbol" or meaning.rest:
            return None
        place = self.statement(meaning.module, meaning.name)
        if place is None or not isinstance(place[1], ast.ClassDef):
            return None
        return meaning.module, place[0], place[1]

    def unaliased(self, spot: Spot) -> Spot:
        """An annotation with text read and aliases of the project followed."""
        for _ in range(_DEPTH):
            node = spot.node
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                inner = parse_expression(node.value)
                if inner is None:
                    raise SourceError(f"{node.value!r} is no annotation", where=spot.where)
                for part in ast.walk(inner):
                    if hasattr(part, "lineno"):
                        part.lineno = node.lineno
                spot = spot._replace(node=inner)
                continue
            found = chain_of(node)
            meaning = self.meaning(spot.module, found[1]) if found else None
            if meaning is None or meaning.kind != "symbol" or meaning.rest:
                return spot
            place = self.statement(meaning.module, meaning.name)
            value = _assigned(place[1]) if place else None
            if place is None or value is None:
                return spot
            spot = Spot(meaning.module, place[0], value)
        return spot

    def external(self, spot: Spot) -> str | None:
        """The dotted name of what lies outside the project that an expression names; else None."""
        found = chain_of(spot.node)
        meaning = self.meaning(spot.module, found[1]) if found else None
        return meaning.name if meaning and meaning.kind == "external" else None

    def builtin(self, spot: Spot) -> str | None:
        """The name of the builtin that an expression names; else None."""
        if not isinstance(spot.node, ast.Name):
            return None
        meaning = self.meaning(spot.module, spot.node.id)
        return meaning.name if meaning.kind == "unknown" else None

    # --- values -------------------------------------------------------------------------

    def value(self, spot: Spot, depth: int = 0) -> Any:
        """The value of an expression. Raises SourceError for what is not literal."""
        node = spot.node
        if depth > _DEPTH:
            raise self._refused(spot, "it leads back to itself")

        def inner(part: ast.expr) -> Any:
            return self.value(spot._replace(node=part), depth + 1)

        match node:
            case ast.Constant(value=value) if value is not Ellipsis:
                return value
            case ast.List(elts=parts):
                return [inner(part) for part in parts]
            case ast.Tuple(elts=parts):
                return tuple(inner(part) for part in parts)
            case ast.Set(elts=parts):
                return {inner(part) for part in parts}
            case ast.Dict(keys=keys, values=values) if None not in keys:
                return {
                    inner(key): inner(item) for key, item in zip(keys, values, strict=True) if key
                }
            case ast.Name() | ast.Attribute():
                return self._named(spot, depth)
            case ast.Call():
                return self._called(spot, depth)
        return self._computed(spot, inner)

    def _computed(self, spot: Spot, inner: Callable[[ast.expr], Any]) -> Any:
        """What operators make of literals."""
        try:
            match spot.node:
                case ast.UnaryOp(op=ast.USub(), operand=part):
                    value = -inner(part)
                case ast.UnaryOp(op=ast.UAdd(), operand=part):
                    value = +inner(part)
                case ast.UnaryOp(op=ast.Not(), operand=part):
                    value = not inner(part)
                case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                    value = _OPERATORS[type(sign)](inner(left), inner(right))
                case ast.JoinedStr(values=parts):
                    value = "".join(inner(part) for part in parts)
                case ast.FormattedValue(value=part, conversion=-1, format_spec=None):
                    value = str(inner(part))
                case ast.Subscript(value=part, slice=index) if not isinstance(index, ast.Slice):
                    value = inner(part)[inner(index)]
                case _:
                    raise self._refused(spot, "it is computed when the module runs")
        except SourceError:
            raise
        except Exception as error:
            raise self._refused(spot, str(error)) from None
        if isinstance(value, (str, bytes, list, tuple)) and len(value) > 1 << 16:
            raise self._refused(spot, "it is too long")
        return value

    def _named(self, spot: Spot, depth: int) -> Any:
        found = chain_of(spot.node)
        if found is None:
            raise self._refused(spot, "it is computed when the module runs")
        meaning = self.meaning(spot.module, found[1])
        if meaning.kind == "symbol" and len(meaning.rest) <= 1:
            place = self.statement(meaning.module, meaning.name)
            if place is not None:
                target: ast.stmt | None = place[1]
                if meaning.rest and isinstance(target, ast.ClassDef) and not target.bases:
                    inside = [node for node in target.body if _binds(node, meaning.rest[0])]
                    target = inside[0] if len(inside) == 1 else None
                elif meaning.rest:
                    target = None
                value = _assigned(target) if target is not None else None
                if value is not None:
                    return self.value(Spot(meaning.module, place[0], value), depth + 1)
        is_class = meaning.kind == "symbol" and self._class(meaning) is not None
        if meaning.kind == "external" and meaning.name.startswith("pivot."):
            is_class = self._exists(meaning.name)
        if is_class:
            hint = f"write {found[1]}()"
            raise self._refused(spot, "it is a class, and none of its instances", hint)
        raise self._refused(spot, "it is no literal, and no constant that is assigned once")

    def _called(self, spot: Spot, depth: int) -> Any:
        node = spot.node
        assert isinstance(node, ast.Call)
        found = chain_of(node.func)
        meaning = self.meaning(spot.module, found[1]) if found else None
        if meaning is None or meaning.kind == "module":
            raise self._refused(spot, "it is computed when the module runs")
        keywords: dict[str, Any] = {}
        arguments = []
        if meaning.kind == "symbol" and self._class(meaning) is None:
            raise self._refused(spot, "it calls a function")
        for part in node.args:
            if isinstance(part, ast.Starred):
                raise self._refused(spot, "it unpacks arguments")
            arguments.append(self.value(spot._replace(node=part), depth + 1))
        for keyword in node.keywords:
            given = self.value(spot._replace(node=keyword.value), depth + 1)
            if keyword.arg is not None:
                keywords[keyword.arg] = given
            elif isinstance(given, dict) and all(isinstance(key, str) for key in given):
                keywords.update(given)
            else:
                raise self._refused(spot, "it unpacks what is no mapping of names")
        if meaning.kind == "symbol":
            name = ".".join([meaning.name, *meaning.rest])
            return Instance(meaning.module, name, tuple(arguments), keywords, spot.where)
        if meaning.name in _PATHS and not keywords:
            try:
                return PurePosixPath(*arguments)
            except TypeError as error:
                raise self._refused(spot, str(error)) from None
        if meaning.kind == "unknown" and meaning.name == "dict" and not arguments:
            return keywords
        try:
            if meaning.name in _TIMES:
                return _TIMES[meaning.name](*arguments, **keywords)
            made = self._make(meaning.name, arguments, keywords)
        except (TypeError, ValueError) as error:
            raise SourceError(f"{ast.unparse(node)}: {error}", where=spot.where) from None
        if made is NotImplemented:
            raise self._refused(spot, f"it calls {meaning.name}")
        return made

    def _class(self, meaning: Meaning) -> ast.ClassDef | None:
        place = self.statement(meaning.module, meaning.name)
        found: ast.stmt | None = place[1] if place else None
        for step in meaning.rest:
            inside = [n for n in getattr(found, "body", ()) if _binds(n, step)]
            found = inside[0] if len(inside) == 1 else None
        return found if isinstance(found, ast.ClassDef) else None

    def _refused(
        self,
        spot: Spot,
        why: str,
        hint: str = "write a literal here, or give it in pivot.yaml",
    ) -> SourceError:
        shown = ast.unparse(spot.node)
        if len(shown) > 60:
            shown = shown[:57] + "..."
        return SourceError(
            f"'{shown}' cannot be read without running it: {why}",
            hint=hint,
            where=spot.where,
        )


def elements(node: ast.expr) -> list[ast.expr]:
    """The arguments of a subscript: `a, b` of `X[a, b]`."""
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


def _top_level(statements: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a module, those below `if`, `try` and `with` included."""
    found: list[ast.stmt] = []
    for statement in statements:
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            for name in ("body", "orelse", "finalbody"):
                found += _top_level(getattr(statement, name, []))
            for handler in getattr(statement, "handlers", []):
                found += _top_level(handler.body)
        else:
            found.append(statement)
    return found


def _binds(statement: ast.stmt, name: str) -> bool:
    match statement:
        case (
            ast.FunctionDef(name=bound)
            | ast.AsyncFunctionDef(name=bound)
            | ast.ClassDef(name=bound)
        ):
            return bound == name
        case ast.Assign(targets=targets):
            return any(_target(target, name) for target in targets)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return _target(target, name)
    alias = getattr(statement, "name", None)
    return isinstance(alias, ast.Name) and alias.id == name


def _target(node: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def _assigned(statement: ast.stmt) -> ast.expr | None:
    """The right side of an assignment to one name."""
    if isinstance(statement, ast.Assign):
        plain = len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name)
        return statement.value if plain else None
    if isinstance(statement, _ALIAS_STATEMENTS):
        value = getattr(statement, "value", None)
        return value if isinstance(value, ast.expr) else None
    return None
