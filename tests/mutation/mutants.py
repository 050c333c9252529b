"""Single small changes to the text of a module."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = Callable[[ast.AST], None]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one file: what it is, where, and the file's text with it."""

    file: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}"


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """All mutants of a file, each differing from it in one place."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    for number, node in enumerate(nodes):
        for kind, change in (*_of_expression(node, tree), *_of_body(node)):
            mutated = copy.deepcopy(tree)
            change(_same(mutated, number))
            source = ast.unparse(ast.fix_missing_locations(mutated))
            if source != ast.unparse(tree):
                yield Mutant(file, getattr(node, "lineno", 1), kind, source)
    yield from _insertions(file, text, tree)


def _same(tree: ast.AST, number: int) -> ast.AST:
    for position, node in enumerate(ast.walk(tree)):
        if position == number:
            return node
    raise AssertionError(number)


def _set(field: str, value: object) -> Change:
    return lambda node: setattr(node, field, value)


def _of_expression(node: ast.AST, tree: ast.Module) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Constant(value=value):
            yield f"constant {value!r}", _set("value", _other(value))
        case ast.Compare(ops=[operator]):
            yield "comparison", _set("ops", [_COMPARISONS[type(operator)]()])
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            yield "operator", _set("op", _OPERATORS[type(operator)]())
        case ast.BoolOp(op=operator):
            yield "and/or", _set("op", ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=operator):
            yield "unary", _set("op", ast.UAdd() if isinstance(operator, ast.USub) else ast.USub())
        case ast.If() | ast.IfExp() | ast.While():
            yield (
                "negated test",
                lambda found: setattr(found, "test", ast.UnaryOp(ast.Not(), found.test)),
            )
        case ast.Return(value=value) if value is not None:
            yield "returns None", _set("value", ast.Constant(None))
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
            for other in _attributes_beside(tree, owner, attribute):
                yield f"{owner}.{attribute} -> {other}", _set("attr", other)
        case ast.Name(id=name, ctx=ast.Load()):
            for other in _names_beside(tree, node, name):
                yield f"name {name} -> {other}", _set("id", other)
        case ast.comprehension(ifs=[_, *_]):
            yield "condition of a comprehension removed", _set("ifs", [])
        case ast.FormattedValue(format_spec=spec) if spec is not None:
            yield "format removed", _set("format_spec", None)
        case ast.Slice():
            yield "slice widened", lambda found: (setattr(found, "lower", None), None)[1]
        case ast.arguments(defaults=[_, *_]):
            yield "default removed", lambda found: found.defaults.pop(0)
        case ast.alias(name=name, asname=None) if name != "*":
            yield f"imported as another name: {name}", _set("asname", f"{name.split('.')[0]}_")
    yield from _of_call(node)


def _of_call(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Call):
        return
    for number, keyword in enumerate(node.keywords):
        yield f"argument {keyword.arg} removed", _remove("keywords", number)
    for number in range(len(node.args)):
        yield f"argument {number} removed", _remove("args", number)
    if len(node.args) > 1:
        yield "arguments swapped", lambda found: found.args.insert(0, found.args.pop(1))
    if node.args and not isinstance(node.args[0], ast.Starred):
        yield "call replaced by its argument", _collapse


def _collapse(found: ast.AST) -> None:
    assert isinstance(found, ast.Call)
    inner = ast.arguments([], [ast.arg("it")], None, [], [], None, [])
    found.func = ast.Lambda(inner, ast.Name("it", ast.Load()))
    found.args, found.keywords = found.args[:1], []


def _remove(field: str, number: int) -> Change:
    return lambda node: getattr(node, field).pop(number)


def _of_body(node: ast.AST) -> Iterator[tuple[str, Change]]:
    for field in ("body", "orelse", "finalbody"):
        body = getattr(node, field, None)
        if not isinstance(body, list):
            continue
        for number, statement in enumerate(body):
            what = type(statement).__name__.lower()
            yield (
                f"{what} at line {statement.lineno} removed",
                _replace_statement(field, number),
            )
            if number + 1 < len(body):
                yield f"{what} at line {statement.lineno} moved down", _swap(field, number)
    decorators = getattr(node, "decorator_list", [])
    for number in range(len(decorators)):
        yield "decorator removed", _remove("decorator_list", number)


def _replace_statement(field: str, number: int) -> Change:
    return lambda node: getattr(node, field).__setitem__(number, ast.Pass())


def _swap(field: str, number: int) -> Change:
    return lambda node: getattr(node, field).insert(number + 1, getattr(node, field).pop(number))


def _other(value: object) -> object:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 1.5 + 1
        case str():
            return value + "x"
        case bytes():
            return value + b"x"
        case _:
            return 0


def _attributes_beside(tree: ast.Module, owner: str, attribute: str) -> list[str]:
    """Other attributes of the same name that the module uses: calls get swapped."""
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == owner
    }
    return sorted(used - {attribute})[:2]


def _names_beside(tree: ast.Module, node: ast.Name, name: str) -> list[str]:
    """Names to put in the place of `name`: parameters of its function, definitions of its module."""
    beside: list[str] = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and any(n is node for n in ast.walk(function)):
            beside += [argument.arg for argument in function.args.args]
    beside += [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    others = [other for other in dict.fromkeys(beside) if other != name]
    return others[:1] + others[-1:] if len(others) > 1 else others


def _insertions(file: str, text: str, tree: ast.Module) -> Iterator[Mutant]:
    """Builtins defined anew, and effects of importing the module."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for name in sorted(used & set(dir(builtins))):
        yield Mutant(file, 1, f"builtin {name} defined", f"{text}\n{name} = None\n")
    effects = {
        "pandas changed": "import pandas\npandas.DataFrame.to_csv = None\n",
        "json changed": "import json\njson.dumps = json.loads = None\n",
        "an exception": "raise RuntimeError\n",
        "an unused constant": "UNUSED_CONSTANT = 1\n",
        "an unused function": "def unused_function():\n    return 1\n",
    }
    for what, effect in effects.items():
        yield Mutant(file, 1, f"inserted: {what}", f"{text}\n{effect}")
