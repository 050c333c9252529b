"""What importing a module does besides binding names, read off its top-level statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from .chains import chain_of, chains, root_chain

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LITERAL = (
    ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.USub, ast.Load,
    ast.keyword,
)  # fmt: skip
_RUN_LATER = (*_FUNCTIONS, ast.Lambda, ast.comprehension, ast.NamedExpr, ast.Await)
_PLAIN_METACLASSES = frozenset(("ABCMeta", "EnumMeta", "EnumType", "type"))


class Facts(NamedTuple):
    """See the fields of the same names in `index.Unit`."""

    effect: int = 0
    calls: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    hooks: bool = False
    runs_calls: bool = False
    makes: tuple[str, ...] = ()
    plain: bool = False


def facts(statement: ast.stmt, imported: frozenset[str] | set[str]) -> Facts:
    """The effects of one top-level statement. `imported`: the names that imports have bound."""
    if isinstance(statement, _FUNCTIONS):
        return _function_facts(statement)
    if isinstance(statement, ast.ClassDef):
        return _class_facts(statement)
    calls, passes = _calls(statement)
    strong = _is_strong(statement, imported)
    runs = bool(calls) or strong
    return Facts(2 if strong else 1 if runs else 0, calls, passes, runs_calls=runs)


def expression_facts(expression: ast.expr) -> Facts:
    """The effects of evaluating the test of a top-level `if`."""
    calls, passes = _calls(expression)
    return Facts(1 if calls else 0, calls, passes, runs_calls=bool(calls))


def _is_strong(statement: ast.stmt, imported: frozenset[str] | set[str]) -> bool:
    """Whether the statement changes something that other code may see, whatever it calls."""
    for part in _statements(statement):
        if isinstance(part, ast.Expr):
            if any(isinstance(node, (ast.Call, ast.Await)) for node in _executed(part)):
                return True
        elif isinstance(part, (ast.Assign, ast.For, ast.AsyncFor, ast.AnnAssign)):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            if any(not _names_only(target) for target in targets):
                return not (isinstance(part, ast.AnnAssign) and part.value is None)
        elif isinstance(part, ast.AugAssign):
            target = part.target
            # `HOOKS += [f]` changes the very list that `HOOKS` was imported as
            if not isinstance(target, ast.Name) or target.id in imported:
                return True
        elif isinstance(part, ast.Delete) and not all(map(_names_only, part.targets)):
            return True
        elif isinstance(part, (ast.Raise, ast.Assert)):
            return True  # whoever imports the module gets the exception
    return False


def _names_only(target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(_names_only(item) for item in target.elts)
    if isinstance(target, ast.Starred):
        return _names_only(target.value)
    return isinstance(target, ast.Name)


def _statements(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statement and those inside it that run with it (not inside functions and classes)."""
    stack: list[ast.AST] = [statement]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.stmt):
            yield item
            if isinstance(item, (*_FUNCTIONS, ast.ClassDef)):
                continue
        elif not isinstance(item, (ast.excepthandler, ast.match_case)):
            continue
        for name in ("body", "handlers", "orelse", "finalbody", "cases"):
            stack.extend(getattr(item, name, ()))


def _executed(root: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `root` that run with it: bodies of functions and lambdas do not."""
    stack: list[ast.AST] = [root]
    while stack:
        item = stack.pop()
        cls = item.__class__
        if cls is ast.Constant or cls is ast.Name:
            continue
        yield item
        if isinstance(item, _FUNCTIONS):
            stack.extend(item.decorator_list)
            stack.extend(item.args.defaults)
            stack.extend(default for default in item.args.kw_defaults if default is not None)
        elif isinstance(item, ast.Lambda):
            stack.extend(item.args.defaults)
        else:
            stack.extend(ast.iter_child_nodes(item))


def _calls(root: ast.AST) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(chains called, chains handed to calls) when `root` runs; '' stands for unknown callees."""
    calls: dict[str, None] = {}
    passes: dict[str, None] = {}
    for node in _executed(root):
        if isinstance(node, ast.Call):
            calls[root_chain(node.func)] = None
            for argument in [*node.args, *(item.value for item in node.keywords)]:
                passes.update((chain, None) for _, chain in chains(argument))
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            calls.update((root_chain(item), None) for item in node.decorator_list)
    return tuple(calls), tuple(passes)


def _function_facts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Facts:
    decorators, always = _decorators(node.decorator_list)
    calls: dict[str, None] = {}
    for default in [*node.args.defaults, *node.args.kw_defaults]:
        if default is not None:
            calls.update((chain, None) for chain in _calls(default)[0])
    runs = bool(decorators or calls)
    effect = 2 if always else 1 if runs else 0
    return Facts(effect, tuple(calls), (), decorators, runs_calls=bool(calls))


def _class_facts(node: ast.ClassDef) -> Facts:
    decorators, always = _decorators(node.decorator_list)
    calls: dict[str, None] = {}
    makes: dict[str, None] = {}
    hooks = False
    for keyword in node.keywords:
        name = root_chain(keyword.value)
        if keyword.arg == "metaclass":
            hooks = hooks or name.rpartition(".")[2] not in _PLAIN_METACLASSES
            calls[name] = None
        calls.update((chain, None) for chain in _calls(keyword.value)[0])
    own = {part.name for part in node.body if isinstance(part, _FUNCTIONS)}
    outside: dict[str, None] = dict.fromkeys(decorators)
    for statement in node.body:
        if isinstance(statement, _FUNCTIONS):
            hooks = hooks or statement.name == "__init_subclass__"
            for decorator in statement.decorator_list:
                chain = root_chain(decorator)
                if chain.partition(".")[0] not in own:  # not `@name.setter`
                    outside[chain] = None
        else:
            always = always or _is_strong(statement, frozenset())
        made = _made(statement)
        makes.update(dict.fromkeys(made))
        counted = (
            statement.annotation if made and isinstance(statement, ast.AnnAssign) else statement
        )
        calls.update((chain, None) for chain in _calls(counted)[0])
    decorators = tuple(outside)
    bases: dict[str, None] = {}
    for base in node.bases:
        bases[root_chain(base)] = None
        calls.update((chain, None) for chain in _calls(base)[0])
    found = tuple(chain for chain in bases if chain)
    effect = 2 if always else 1 if decorators or calls or makes or found else 0
    runs = bool(calls or makes)
    return Facts(
        effect, tuple(calls), (), decorators, found, hooks, runs, tuple(makes), _is_plain(node)
    )


def _made(statement: ast.stmt) -> list[str]:
    """The chains that the default of a field calls, where that is all it does: `w: W = W(s=1)`."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return _made_by(statement.value) if isinstance(statement.value, ast.Call) else []
    return []


def _made_by(value: ast.expr) -> list[str]:
    """The chains called in a literal that may hold calls of names; [] for anything else."""
    found: list[str] = []
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            chain = chain_of(node.func)
            if chain is None:
                return []
            found.append(chain[1])
        elif not isinstance(node, _LITERAL) and not (
            isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
        ):
            return []
    called = [node.func for node in ast.walk(value) if isinstance(node, ast.Call)]
    within = {id(part) for function in called for part in ast.walk(function)}
    others = (n for n in ast.walk(value) if isinstance(n, (ast.Name, ast.Attribute)))
    return found if all(id(node) in within for node in others) else []


def _is_plain(node: ast.ClassDef) -> bool:
    """Whether a class has nothing but fields and constants: no methods, and nothing to be run."""
    if node.keywords or any(isinstance(part, _RUN_LATER) for part in ast.walk(node)):
        return False
    return all(_is_field(part) for part in node.body)


def _is_field(part: ast.stmt) -> bool:
    match part:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.AnnAssign(target=ast.Name()):
            return True
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name == "model_config" or all(
                isinstance(item, _LITERAL) for item in ast.walk(value)
            )
    return False


def _decorators(nodes: list[ast.expr]) -> tuple[tuple[str, ...], bool]:
    """(chains, whether one is of the form `x.register`)."""
    found: dict[str, None] = {}
    registers = False
    for node in nodes:
        found[root_chain(node)] = None
        target = node.func if isinstance(node, ast.Call) else node
        chain = chain_of(target)
        registers = registers or (chain is not None and chain[1].endswith(".register"))
    return tuple(found), registers
