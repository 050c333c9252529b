"""The normal form of statements, and the names that they use, in one pass without recursion.

The form is our own: prefix code with explicit lengths over the syntax tree, without positions,
contexts, comments, type comments, string prefixes or statements that do nothing, and the same on
every Python version (f-strings merge adjacent constants; absent optional fields leave no trace).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import xxhash

from . import calls as special
from .index import READS_ANNOTATIONS, READS_DOC, READS_SUBCLASSES, Executed
from .parsing import parse_expression
from .scopes import Scope

_FLAG_ATTRIBUTES = {
    "__doc__": READS_DOC,
    "__annotations__": READS_ANNOTATIONS,
    "__subclasses__": READS_SUBCLASSES,
}
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
_SKIPPED_FIELDS = frozenset(("ctx", "type_comment", "kind", "type_ignores"))
_BODIES = frozenset(("body", "orelse", "finalbody"))
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

# what may lie on the stack: a node, finished text, or an action with its argument
_Action = tuple[Callable[[Any], None], Any]


def digest(text: str) -> str:
    """32 hex digits of a normal form."""
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def constant(value: object) -> str:
    """The normal form of a literal: the type counts, the spelling does not."""
    kind = value.__class__
    if kind is str:
        assert isinstance(value, str)
        return f"s{len(value)}:{value}"
    if kind is int:
        return f"i{value:x};"  # decimal text of very large integers is refused by the interpreter
    if kind is bytes:
        assert isinstance(value, bytes)
        return f"b{value.hex()};"
    return f"c{value!r};"


def effective(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a body that do anything: no `pass`, no bare constants."""
    return [
        statement
        for statement in body
        if not (
            statement.__class__ is ast.Pass
            or (statement.__class__ is ast.Expr and statement.value.__class__ is ast.Constant)
        )
    ]


def docstring(body: Sequence[ast.stmt]) -> str | None:
    """The docstring that a body starts with, as written."""
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        value = body[0].value.value
        return value if isinstance(value, str) else None
    return None


def decorator_name(node: ast.expr) -> str:
    """The last name of a decorator: 'cache' of `@functools.cache` and of `@cache(...)`."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class Walk:
    """One pass over some statements: their normal form and everything they refer to.

    After `run`: `text()` is the normal form, `refs` the global chains, `docs` and `notes` the
    docstrings and annotations that do not count, `imports` what runs when the code runs,
    `bound` the module-level names bound, and what was noticed on the way.
    """

    def __init__(self, future: bool = False) -> None:
        self.future = future  # from __future__ import annotations
        self.out: list[str] = []
        self.refs: dict[str, None] = {}
        self.docs: list[str] = []
        self.notes: list[ast.expr] = []
        self.imports: list[Executed] = []
        self.global_imports: list[tuple[str, str, int]] = []  # name, spec, line
        self.environ: list[tuple[str, int]] = []
        self.opaque: list[tuple[str, int]] = []
        self.dynamic: list[special.Dynamic] = []
        self.exposed: dict[str, None] = {}
        self.flags = 0
        self.optional = 0  # depth of try statements around
        self.module = Scope("module", None)
        self.scope = self.module
        self.stack: list[Any] = []
        self.claimed: set[int] = set()  # calls whose result is followed more precisely

    def text(self) -> str:
        return "".join(self.out)

    @property
    def bound(self) -> dict[str, None]:
        return self.module.bound

    def run(self, nodes: Iterable[ast.AST]) -> None:
        """Walk the statements or expressions in order."""
        stack = self.stack
        out = self.out
        handlers = _HANDLERS
        for node in nodes:
            stack.append(node)
            while stack:
                item = stack.pop()
                handler = handlers.get(item.__class__)
                if handler is not None:
                    handler(self, item)
                elif item.__class__ is str:
                    out.append(item)
                elif item.__class__ is tuple:
                    item[0](item[1])
                else:
                    _generic(self, item)

    def use(self, name: str, chain: str) -> None:
        scope = self.scope
        if scope.kind == "function":
            scope.uses.append((name, chain))
        else:
            scope.use(name, chain, self.refs)

    def push(self, nodes: Sequence[Any]) -> None:
        self.stack.extend(reversed(nodes))

    def enter(self, scope: Scope) -> None:
        self.scope = scope

    def leave(self, scope: Scope) -> None:
        scope.close(self.refs)
        assert scope.parent is not None
        self.scope = scope.parent

    def settle(self, certain: bool) -> None:
        self.scope.settle(certain)

    def shift_optional(self, by: int) -> None:
        self.optional += by

    def flag(self, attributes: Iterable[str]) -> None:
        for attribute in attributes:
            self.flags |= _FLAG_ATTRIBUTES.get(attribute, 0)

    def import_name(self, name: str, spec: str, line: int) -> None:
        """An import statement of the present scope binds `name` to what `spec` says."""
        scope = self.scope
        if scope.globals and name in scope.globals:
            self.global_imports.append((name, spec, line))
            return
        if scope.kind == "module":
            self.global_imports.append((name, spec, line))
        else:
            scope.bind(name)
            scope.imports.setdefault(name, []).append(spec)
            if scope.kind == "class":  # reachable from outside as an attribute of the class
                self.refs[f"@{spec}|"] = None

    def executed(self, level: int, module: str, name: str, line: int) -> None:
        self.imports.append(Executed(level, module, name, line, self.optional > 0))

    def annotation(self, node: ast.expr) -> None:
        """An annotation that counts: its form, its names, and the names in its strings."""
        for name, chain in string_names(node):
            self.use(name, chain)
        self.stack.append(node)
        self.out.append("future:" if self.future else "note:")


def string_names(node: ast.expr) -> list[tuple[str, str]]:
    """The (name, chain) pairs in the strings of an annotation, read as expressions."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            expression = parse_expression(part.value)
            if expression is not None:
                found += special.chains(expression)
    return found


# --- handlers of the commonest nodes -------------------------------------------------------


def _name(walk: Walk, node: ast.Name) -> None:
    name = node.id
    walk.out.append(f"N{name};")
    if node.ctx.__class__ is ast.Load:
        scope = walk.scope
        if scope.kind == "function":
            scope.uses.append((name, name))
        else:
            scope.use(name, name, walk.refs)
    else:
        walk.scope.bind(name)
        if walk.scope.kind == "class" and node.ctx.__class__ is ast.Del:
            walk.scope.definite.discard(name)


def _attribute(walk: Walk, node: ast.Attribute) -> None:
    attributes = [node.attr]
    value = node.value
    while value.__class__ is ast.Attribute:
        attributes.append(value.attr)
        value = value.value
    if not _FLAG_ATTRIBUTES.keys().isdisjoint(attributes):
        walk.flag(attributes)
    if value.__class__ is ast.Name:
        assert isinstance(value, ast.Name)
        attributes.append(value.id)
        attributes.reverse()
        chain = ".".join(attributes)
        walk.out.append(f"A{chain};")
        walk.use(value.id, chain)
        return
    attributes.reverse()
    rest = ".".join(attributes)
    walk.out.append(f"P{rest};")
    if value.__class__ is ast.Call:
        special.follow_result(walk, value, rest)
    walk.stack.append(value)


def _constant(walk: Walk, node: ast.Constant) -> None:
    walk.out.append(constant(node.value))


def _call(walk: Walk, node: ast.Call) -> None:
    function = node.func
    name = (
        function.id
        if function.__class__ is ast.Name
        else function.attr
        if function.__class__ is ast.Attribute
        else ""
    )
    if name in special.HANDLERS and special.HANDLERS[name](walk, node):
        return
    plain_call(walk, node)


def plain_call(walk: Walk, node: ast.Call) -> None:
    """A call like any other."""
    stack = walk.stack
    keywords = node.keywords
    walk.out.append(f"C{len(node.args)},{len(keywords)};")
    for keyword in reversed(keywords):
        stack.append(keyword.value)
        stack.append(f"k{keyword.arg or '**'};")
    stack.extend(reversed(node.args))
    stack.append(node.func)


def _expr(walk: Walk, node: ast.Expr) -> None:
    walk.out.append("E")
    walk.stack.append(node.value)


def _assign(walk: Walk, node: ast.Assign) -> None:
    walk.out.append(f"={len(node.targets)};")
    if node.value.__class__ is ast.Call:
        special.bind_result(walk, node.targets, node.value)
    stack = walk.stack
    stack.extend(reversed(node.targets))
    stack.append(node.value)  # read before anything is bound


def _ann_assign(walk: Walk, node: ast.AnnAssign) -> None:
    counted = walk.scope.kind == "class"
    if not counted:
        walk.notes.append(node.annotation)
    if node.value is None:
        walk.out.append(f"declare{node.simple};")
        if isinstance(node.target, ast.Name) and walk.scope.kind == "function":
            walk.scope.bind(node.target.id)
        if isinstance(node.target, ast.Name):
            walk.out.append(f"N{node.target.id};")
        else:
            walk.stack.append(node.target)
    else:
        walk.out.append("=1;")
        walk.stack.append(node.target)
        walk.stack.append(node.value)
    if counted:
        walk.stack.append((walk.annotation, node.annotation))


def _bin_op(walk: Walk, node: ast.BinOp) -> None:
    walk.out.append(f"B{node.op.__class__.__name__};")
    walk.stack.append(node.right)
    walk.stack.append(node.left)


def _bool_op(walk: Walk, node: ast.BoolOp) -> None:
    walk.out.append(f"O{node.op.__class__.__name__}{len(node.values)};")
    walk.push(node.values)


def _unary_op(walk: Walk, node: ast.UnaryOp) -> None:
    walk.out.append(f"U{node.op.__class__.__name__};")
    walk.stack.append(node.operand)


def _compare(walk: Walk, node: ast.Compare) -> None:
    walk.out.append(f"Q{','.join(op.__class__.__name__ for op in node.ops)};")
    walk.push([node.left, *node.comparators])


def _subscript(walk: Walk, node: ast.Subscript) -> None:
    walk.out.append("S")
    if special.subscript(walk, node):
        return
    if node.ctx.__class__ is ast.Load:
        walk.stack.append(node.slice)
        walk.stack.append(node.value)
    else:
        walk.push([node.value, node.slice])


def _tuple(walk: Walk, node: ast.Tuple) -> None:
    walk.out.append(f"T{len(node.elts)};")
    walk.stack.extend(reversed(node.elts))


def _list(walk: Walk, node: ast.List) -> None:
    walk.out.append(f"L{len(node.elts)};")
    walk.stack.extend(reversed(node.elts))


def _dict(walk: Walk, node: ast.Dict) -> None:
    walk.out.append(f"M{len(node.keys)};")
    stack = walk.stack
    for key, value in zip(reversed(node.keys), reversed(node.values), strict=True):
        stack.append(value)
        stack.append("**" if key is None else key)


def _joined(walk: Walk, node: ast.JoinedStr) -> None:
    parts: list[Any] = []
    literal = ""
    for value in node.values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            literal += value.value
            continue
        if literal:
            parts.append(constant(literal))
            literal = ""
        parts.append(value)
    if literal or not parts:
        parts.append(constant(literal))
    if len(parts) == 1 and isinstance(parts[0], str):
        walk.out.append(parts[0])  # f"text" without braces is "text"
        return
    walk.out.append(f"J{len(parts)};")
    walk.push(parts)


def _formatted(walk: Walk, node: ast.FormattedValue) -> None:
    form = node.format_spec
    if isinstance(form, ast.JoinedStr) and all(
        isinstance(v, ast.Constant) and v.value == "" for v in form.values
    ):
        form = None  # f"{x:}" formats as f"{x}" does
    walk.out.append(f"F{node.conversion};" + ("1" if form else "0"))
    if form is not None:
        walk.stack.append(form)
    walk.stack.append(node.value)


# --- scopes --------------------------------------------------------------------------------


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
    _generic(walk, node)


def _type_variable(walk: Walk, node: Any) -> None:
    walk.scope.bind(node.name)
    _generic(walk, node)


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


_FIELDS: dict[type, tuple[str, ...]] = {}


def _generic(walk: Walk, node: Any) -> None:
    """Any other node, a future Python's too: its class, its fields in order, then its children."""
    cls = node.__class__
    fields = _FIELDS.get(cls)
    if fields is None:
        fields = tuple(name for name in cls._fields if name not in _SKIPPED_FIELDS)
        _FIELDS[cls] = fields
    header = cls.__name__
    children: list[Any] = []
    for name in fields:
        value = getattr(node, name, None)
        if value is None or (value.__class__ is list and not value):
            continue  # fields that newer versions add, empty, leave no trace
        if value.__class__ is list:
            if name in _BODIES:
                value = effective(value)
            header += f" {name}[{len(value)}]"
            for item in value:
                if item is None:
                    children.append("~")
                elif item.__class__ is str:
                    children.append(constant(item))
                else:
                    children.append(item)
        elif isinstance(value, ast.AST):
            header += f" {name}"
            children.append(value)
        else:
            header += f" {name}={constant(value)}"
    walk.out.append(header + ";")
    walk.stack.extend(reversed(children))


_HANDLERS: dict[type, Callable[[Walk, Any], None]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Expr: _expr,
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.BinOp: _bin_op,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Dict: _dict,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
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
        _HANDLERS[getattr(ast, _class_name)] = _handler
