"""The normal form of what makes scopes and binds names: functions, classes, imports, patterns."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .normal import constant, decorator_name, docstring, effective, generic
from .scopes import Scope

if TYPE_CHECKING:
    from .walk import Walk

#: Decorators known not to look at docstrings.
_INERT_NAMES = (
    "staticmethod classmethod property setter getter deleter cached_property lru_cache cache wraps "
    "dataclass abstractmethod contextmanager asynccontextmanager overload override final "
    "total_ordering singledispatch singledispatchmethod njit jit vectorize no_grad inference_mode "
    "runtime_checkable unique define frozen attrs s dataclass_transform timeit fixture "
    "abstractproperty typechecked validate_call field_validator model_validator validator "
    "root_validator field_serializer model_serializer computed_field register"
)
_INERT = frozenset(_INERT_NAMES.split())
_COMPOUND = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.TryStar,
    ast.With,
    ast.AsyncWith,
    ast.Match,
)


def _arguments(node: ast.arguments) -> list[ast.arg]:
    found = [*node.posonlyargs, *node.args]
    if node.vararg:
        found.append(node.vararg)
    found.extend(node.kwonlyargs)
    if node.kwarg:
        found.append(node.kwarg)
    return found


def _shape(node: ast.arguments) -> str:
    def names(group: Iterable[ast.arg]) -> str:
        return ",".join(item.arg for item in group)

    vararg = node.vararg.arg if node.vararg else ""
    kwarg = node.kwarg.arg if node.kwarg else ""
    missing = ",".join("~" if default is None else "=" for default in node.kw_defaults)
    return (
        f"({names(node.posonlyargs)}/{names(node.args)}*{vararg},{names(node.kwonlyargs)}"
        f"**{kwarg}|{len(node.defaults)}|{missing})"
    )


def _defaults(node: ast.arguments) -> list[ast.expr]:
    return [*node.defaults, *(default for default in node.kw_defaults if default is not None)]


def _type_parameters(node: ast.AST) -> list[Any]:
    return getattr(node, "type_params", None) or []


def _function(walk: Walk, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    outer = walk.scope
    decorators = node.decorator_list
    body = effective(node.body)
    noisy = any(decorator_name(item) not in _INERT for item in decorators)
    counts_docs = noisy or (outer.counts and outer.kind == "class")
    counts_notes = bool(decorators) or (outer.counts and outer.kind == "class")
    parameters = _type_parameters(node)
    prefix = "async " if node.__class__ is ast.AsyncFunctionDef else ""
    walk.out.append(f"D{prefix}{node.name};{len(decorators)},{len(parameters)},{len(body)};")
    walk.out.append(_shape(node.args))
    inner = outer
    steps: list[Any] = list(decorators)
    steps.extend(_defaults(node.args))
    if parameters:
        inner = Scope("function", outer)
        steps.append((walk.enter, inner))
        steps.extend(parameters)
    scope = Scope("function", inner)
    arguments = _arguments(node.args)
    notes = [item.annotation for item in arguments if item.annotation is not None]
    if node.returns is not None:
        notes.append(node.returns)
    if counts_notes:
        for item in arguments:
            if item.annotation is not None:
                steps.append(f"a{item.arg};")
                steps.append((walk.annotation, item.annotation))
        if node.returns is not None:
            steps.append("r")
            steps.append((walk.annotation, node.returns))
    else:
        walk.notes.extend(notes)
    text = docstring(node.body)
    if text is not None:
        (steps if counts_docs else walk.docs).append(f"doc{constant(text)}")
    for item in arguments:
        scope.bound[item.arg] = None
    steps.append((walk.enter, scope))
    steps.extend(body)
    steps.append((walk.leave, scope))
    if inner is not outer:
        steps.append((walk.leave, inner))
    steps.append((outer.bind, node.name))
    _settle_after(walk, outer, steps)


def _settle_after(walk: Walk, outer: Scope, steps: list[Any]) -> None:
    if outer.kind == "class":
        steps.append((outer.settle, True))
    walk.push(steps)


def _lambda(walk: Walk, node: ast.Lambda) -> None:
    walk.out.append("lambda" + _shape(node.args))
    scope = Scope("function", walk.scope)
    for item in _arguments(node.args):
        scope.bound[item.arg] = None
    walk.push(
        [*_defaults(node.args), (walk.enter, scope), node.body, (walk.leave, scope)],
    )


def _class(walk: Walk, node: ast.ClassDef) -> None:
    outer = walk.scope
    decorators = node.decorator_list
    body = effective(node.body)
    noisy = any(decorator_name(item) not in _INERT for item in decorators)
    parameters = _type_parameters(node)
    walk.out.append(
        f"K{node.name};{len(decorators)},{len(parameters)},{len(node.bases)},"
        f"{len(node.keywords)},{len(body)};"
    )
    steps: list[Any] = list(decorators)
    inner = outer
    if parameters:
        inner = Scope("function", outer)
        steps.append((walk.enter, inner))
        steps.extend(parameters)
    steps.extend(node.bases)
    for keyword in node.keywords:
        steps.append(f"k{keyword.arg or '**'};")
        steps.append(keyword.value)
    scope = Scope("class", inner, counts=noisy)
    text = docstring(node.body)
    if text is not None:
        (steps if noisy else walk.docs).append(f"doc{constant(text)}")
    steps.append((walk.enter, scope))
    for statement in body:
        steps.append(statement)
        steps.append((scope.settle, not isinstance(statement, _COMPOUND)))
    steps.append((walk.leave, scope))
    if inner is not outer:
        steps.append((walk.leave, inner))
    steps.append((outer.bind, node.name))
    _settle_after(walk, outer, steps)


def _comprehension(walk: Walk, node: Any) -> None:
    generators = node.generators
    elements = [node.key, node.value] if node.__class__ is ast.DictComp else [node.elt]
    shape = ",".join(f"{g.is_async}{len(g.ifs)}" for g in generators)
    walk.out.append(f"G{node.__class__.__name__}{shape};")
    scope = Scope("comprehension", walk.scope)
    # the first iterable is evaluated outside, where a class body's names are still seen
    steps: list[Any] = [generators[0].iter, (walk.enter, scope)]
    for number, generator in enumerate(generators):
        if number:
            steps.append(generator.iter)
        steps.append(generator.target)
        steps.extend(generator.ifs)
    steps.extend(elements)
    steps.append((walk.leave, scope))
    walk.push(steps)


def _named(walk: Walk, node: ast.NamedExpr) -> None:
    walk.out.append(f"W{node.target.id};")
    walk.scope.walrus_scope().bind(node.target.id)
    walk.stack.append(node.value)


def _global(walk: Walk, node: ast.Global) -> None:
    walk.out.append(f"global {','.join(sorted(node.names))};")
    if walk.scope.globals is None:
        walk.scope.globals = set()
    walk.scope.globals.update(node.names)


def _nonlocal(walk: Walk, node: ast.Nonlocal) -> None:
    walk.out.append(f"nonlocal {','.join(sorted(node.names))};")
    if walk.scope.nonlocals is None:
        walk.scope.nonlocals = set()
    walk.scope.nonlocals.update(node.names)


def _import(walk: Walk, node: ast.Import) -> None:
    walk.out.append(f"import{len(node.names)};")
    for alias in node.names:
        walk.out.append(f"{alias.name} as {alias.asname or ''};")
        walk.executed(0, alias.name, "", node.lineno)
        if alias.asname:
            walk.import_name(alias.asname, f"0|{alias.name}|", node.lineno)
        else:
            top = alias.name.partition(".")[0]
            walk.import_name(top, f"0|{top}|", node.lineno)


def _import_from(walk: Walk, node: ast.ImportFrom) -> None:
    module = node.module or ""
    walk.out.append(f"from{node.level} {module} import{len(node.names)};")
    for alias in node.names:
        walk.out.append(f"{alias.name} as {alias.asname or ''};")
        walk.executed(node.level, module, alias.name, node.lineno)
        if alias.name != "*":
            spec = f"{node.level}|{module}|{alias.name}"
            walk.import_name(alias.asname or alias.name, spec, node.lineno)


def _try(walk: Walk, node: ast.Try | ast.TryStar) -> None:
    # an import in the body may fail and be provided for; elsewhere it has to work
    body = effective(node.body)
    steps: list[Any] = [(walk.shift_optional, 1), *body, (walk.shift_optional, -1)]
    for handler in node.handlers:
        steps.append(f"except {handler.name or ''};{1 if handler.type else 0};")
        if handler.name:
            walk.scope.bind(handler.name)
        if handler.type:
            steps.append(handler.type)
        inner = effective(handler.body)
        steps.append(f"{len(inner)};")
        steps.extend(inner)
    orelse, final = effective(node.orelse), effective(node.finalbody)
    steps.extend([*orelse, *final])
    walk.out.append(
        f"{node.__class__.__name__}{len(body)},{len(node.handlers)},{len(orelse)},{len(final)};"
    )
    walk.push(steps)


def _captures(walk: Walk, node: Any) -> None:
    """A match pattern: capture names are bound like assignments."""
    name = node.rest if node.__class__ is ast.MatchMapping else node.name
    if name:
        walk.scope.bind(name)
    generic(walk, node)


def _type_variable(walk: Walk, node: Any) -> None:
    walk.scope.bind(node.name)
    generic(walk, node)


def _type_alias(walk: Walk, node: Any) -> None:
    outer = walk.scope
    parameters = _type_parameters(node)
    walk.out.append(f"type {node.name.id};{len(parameters)};")
    scope = Scope("function", outer)
    walk.push(
        [
            (walk.enter, scope),
            *parameters,
            node.value,
            (walk.leave, scope),
            (outer.bind, node.name.id),
        ]
    )


#: What walks each kind of node.
HANDLERS: dict[type, Callable[[Walk, Any], None]] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _lambda,
    ast.ClassDef: _class,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.NamedExpr: _named,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.MatchAs: _captures,
    ast.MatchStar: _captures,
    ast.MatchMapping: _captures,
}
for _class_name, _handler in (
    ("TypeVar", _type_variable),
    ("ParamSpec", _type_variable),
    ("TypeVarTuple", _type_variable),
    ("TypeAlias", _type_alias),
):
    if hasattr(ast, _class_name):  # Python 3.12 and later
        HANDLERS[getattr(ast, _class_name)] = _handler
