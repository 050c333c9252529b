"""Values of a module's expressions without running it: literals, loop variables, functions."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError, Where
from ..source.chains import chain_of
from ..source.reading import Spot, Text

_MOST_STEPS = 100_000
_BUILTINS: Mapping[str, Callable[..., Any]] = {
    "range": lambda *a: list(_bounded(range(*a))),
    "enumerate": lambda items, start=0: list(enumerate(items, start)),
    "zip": lambda *items: list(zip(*items, strict=False)),
    "list": lambda items=(): list(items),
    "tuple": lambda items=(): tuple(items),
    "set": lambda items=(): set(items),
    "sorted": lambda items: sorted(items),
    "reversed": lambda items: list(reversed(items)),
    "len": len,
    "str": str,
    "int": int,
    "float": float,
    "min": min,
    "max": max,
}
_METHODS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (dict, ("items", "keys", "values", "get")),
    (str, ("format", "lower", "upper", "replace", "strip", "join", "split", "removesuffix",
          "removeprefix", "title")),
)  # fmt: skip


class NotLiteral(Exception):
    """The stages of a module cannot be known without running it; `error` says why, and where."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the project, as a value."""

    module: str
    qualname: str


class Evaluation:
    """The names of one module while its statements are followed, and what expressions are."""

    def __init__(self, text: Text, module: str, file: str) -> None:
        self.text = text
        self.module = module
        self.file = file
        self.values: dict[str, Any] = {"__name__": module, "__file__": file}
        self.unknown: dict[str, SourceError] = {}  # assigned, and not to be known
        self._steps = 0

    def step(self, node: ast.AST) -> None:
        """Count what was done. Raises NotLiteral where it is too much."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise self.refused(node, "it does too much")

    def bind(self, target: ast.expr, value: Any, node: ast.stmt) -> None:
        if isinstance(target, ast.Name):
            self.unknown.pop(target.id, None)
            self.values[target.id] = value
            return
        if isinstance(target, (ast.Tuple, ast.List)):
            try:
                items = list(value)
            except TypeError:
                items = []
            if len(items) == len(target.elts):
                for part, item in zip(target.elts, items, strict=True):
                    self.bind(part, item, node)
                return
        raise self.refused(node, "what it binds is not plain")

    def function_named(self, node: ast.expr) -> Function | None:
        chain = chain_of(node)
        if chain is None:
            return None
        known = self.values.get(chain[1])
        if isinstance(known, Function):
            return known
        if chain[1] in self.unknown:
            return None
        meaning = self.text.meaning(self.module, chain[1])
        if meaning.kind != "symbol":
            return None
        qualname = ".".join([meaning.name, *meaning.rest])
        if self.text.function(meaning.module, qualname) is None:
            return None
        return Function(meaning.module, qualname)

    # --- values -------------------------------------------------------------------------

    def items(self, node: ast.expr) -> list[Any]:
        value = self.value(node)
        try:
            return list(value)
        except TypeError:
            raise self.refused(node, "it is no list") from None

    def value(self, node: ast.expr) -> Any:
        """The value of an expression, in which names may be those of loops. Raises NotLiteral."""
        self.step(node)
        try:
            return self._evaluated(node)
        except SourceError as error:
            raise NotLiteral(error) from None
        except NotLiteral:
            raise
        except Exception as error:
            raise self.refused(node, str(error)) from None

    def _evaluated(self, node: ast.expr) -> Any:  # noqa: C901 (one case a kind of expression)
        value = self.value
        match node:
            case ast.Name(id=name) if name in self.unknown:
                raise NotLiteral(self.unknown[name])
            case ast.Name(id=name) if name in self.values:
                return self.values[name]
            case ast.Name() | ast.Attribute():
                found = self.function_named(node)
                return found if found is not None else self._literal(node)
            case ast.Constant():
                return node.value
            case ast.List(elts=parts):
                return [*self._parts(parts)]
            case ast.Tuple(elts=parts):
                return (*self._parts(parts),)
            case ast.Set(elts=parts):
                return {*self._parts(parts)}
            case ast.Dict(keys=keys, values=values):
                made: dict[Any, Any] = {}
                for key, item in zip(keys, values, strict=True):
                    made |= value(item) if key is None else {value(key): value(item)}
                return made
            case ast.ListComp(elt=part):
                return [value(part) for _ in self._loops(node.generators)]
            case ast.SetComp(elt=part):
                return {value(part) for _ in self._loops(node.generators)}
            case ast.DictComp(key=key, value=item):
                return {value(key): value(item) for _ in self._loops(node.generators)}
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return value(body) if value(test) else value(orelse)
            case ast.Compare(left=left, ops=[sign], comparators=[right]):
                return _compared(sign, value(left), value(right))
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(value(part) for part in parts)
            case ast.BoolOp(values=parts):
                return any(value(part) for part in parts)
            case ast.JoinedStr(values=parts):
                return "".join(value(part) for part in parts)
            case ast.FormattedValue(value=part, conversion=-1, format_spec=spec):
                return format(value(part), value(spec) if spec is not None else "")
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return not value(part)
            case ast.BinOp() | ast.UnaryOp() | ast.Subscript():
                return self._literal(self._settled(node))
            case ast.Call():
                return self._called(node)
        return self._literal(node)

    def _parts(self, parts: Sequence[ast.expr]) -> Iterator[Any]:
        for part in parts:
            if isinstance(part, ast.Starred):
                yield from self.value(part.value)
            else:
                yield self.value(part)

    def _loops(self, generators: Sequence[ast.comprehension]) -> Iterator[None]:
        if not generators:
            yield
            return
        first, *rest = generators
        before = dict(self.values)
        for item in self.items(first.iter):
            self.bind(first.target, item, ast.Pass(lineno=first.iter.lineno))
            if all(self.value(test) for test in first.ifs):
                yield from self._loops(rest)
        self.values = before

    def _called(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Name) and function.id in _BUILTINS and not node.keywords:
            meaning = self.text.meaning(self.module, function.id)
            if meaning.kind == "unknown" and function.id not in self.values:
                return _BUILTINS[function.id](*self._parts(node.args))
        if isinstance(function, ast.Attribute) and not isinstance(function.value, ast.Attribute):
            is_value = not isinstance(function.value, ast.Name) or (
                function.value.id in self.values
            )
            holder = self.value(function.value) if is_value else None
            if any(isinstance(holder, kind) and function.attr in names for kind, names in _METHODS):
                keywords = {item.arg: self.value(item.value) for item in node.keywords if item.arg}
                return getattr(holder, function.attr)(*self._parts(node.args), **keywords)
        return self._literal(self._settled(node))

    def _settled(self, node: ast.expr) -> ast.expr:
        """An expression with the names of loops replaced by what they stand for."""
        outer = self

        class Settle(ast.NodeTransformer):
            def visit_Name(self, name: ast.Name) -> ast.expr:
                if name.id in outer.unknown:
                    raise NotLiteral(outer.unknown[name.id])
                if name.id not in outer.values:
                    return name
                held = _node_of(outer.values[name.id])
                if held is None:
                    raise outer.refused(name, "it holds what is no plain value")
                return ast.copy_location(held, name)

            def visit_ListComp(self, part: ast.ListComp) -> ast.expr:
                return self._made(part)

            def visit_DictComp(self, part: ast.DictComp) -> ast.expr:
                return self._made(part)

            def visit_JoinedStr(self, part: ast.JoinedStr) -> ast.expr:
                return self._made(part)

            def _made(self, part: ast.expr) -> ast.expr:
                held = _node_of(outer.value(part))
                if held is None:
                    raise outer.refused(part, "it holds what is no plain value")
                return ast.copy_location(held, part)

        settled: ast.expr = Settle().visit(copy.deepcopy(node))
        return ast.fix_missing_locations(settled)

    def _literal(self, node: ast.expr) -> Any:
        return self.text.value(Spot(self.module, self.file, node))

    def external(
        self, node: ast.expr, module: str | None = None, file: str | None = None
    ) -> str | None:
        return self.text.external(Spot(module or self.module, file or self.file, node))

    def refused(self, node: Any, why: str) -> NotLiteral:
        try:
            shown = ast.unparse(node).partition("\n")[0]
        except (AttributeError, ValueError):
            shown = "this"
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        where = Where(self.file, getattr(node, "lineno", 0))
        return NotLiteral(SourceError(f"'{shown}' cannot be read: {why}", where=where))


def _bounded(numbers: range) -> range:
    if len(numbers) > _MOST_STEPS:
        raise ValueError("it does too much")
    return numbers


def _compared(sign: ast.cmpop, left: Any, right: Any) -> bool:
    match sign:
        case ast.Eq():
            return bool(left == right)
        case ast.NotEq():
            return bool(left != right)
        case ast.In():
            return left in right
        case ast.NotIn():
            return left not in right
        case ast.Lt():
            return bool(left < right)
        case ast.Gt():
            return bool(left > right)
        case ast.LtE():
            return bool(left <= right)
        case ast.GtE():
            return bool(left >= right)
        case ast.Is():
            return left is right
    return left is not right


def _node_of(value: Any) -> ast.expr | None:
    """The literal of a plain value; None for any other."""
    try:
        text = repr(value)
        if ast.literal_eval(text) != value:
            return None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return ast.parse(text, mode="eval").body
