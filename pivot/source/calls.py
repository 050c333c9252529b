"""Calls that mean more than a call: imports by function, reflection, environment variables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .index import READS_ANNOTATIONS, READS_DOC
from .parsing import parse_expression

if TYPE_CHECKING:
    from .normal import Walk


class Dynamic(NamedTuple):
    """A use of a builtin that can reach names no one can read off the text.

    `whole`: every name of the module itself may be meant; `opaque`: and things beyond.
    """

    builtin: str
    line: int
    whole: bool
    opaque: bool


def chain_of(node: ast.expr) -> tuple[str, str] | None:
    """(first name, dotted chain) of `a.b.c`; None for anything but names and attributes."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    attributes.append(node.id)
    attributes.reverse()
    return node.id, ".".join(attributes)


def root_chain(node: ast.expr) -> str:
    """The chain that a callee starts with: 'app.command' of `app.command("x")(f)`; '' if none."""
    while True:
        found = chain_of(node)
        if found:
            return found[1]
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Await, ast.Starred)):
            node = node.value
        else:
            return ""


def chains(node: ast.AST) -> list[tuple[str, str]]:
    """The (name, chain) pairs of all names and attribute chains below `node`."""
    found = []
    stack: list[ast.AST] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (ast.Name, ast.Attribute)):
            chain = chain_of(item)
            if chain:
                found.append(chain)
                continue
        stack.extend(ast.iter_child_nodes(item))
    return found


def literal_text(node: ast.expr | None) -> str | None:
    """The text of a string literal, also one built from literals with `+`."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = literal_text(node.left), literal_text(node.right)
        return None if left is None or right is None else left + right
    return None


def _callee(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def _argument(node: ast.Call, position: int, name: str) -> ast.expr | None:
    if len(node.args) > position:
        return node.args[position]
    return next((item.value for item in node.keywords if item.arg == name), None)


def _named(node: ast.expr | None, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


# --- imports by function -------------------------------------------------------------------


class _Target(NamedTuple):
    level: int
    module: str  # what gets imported
    value: str  # what the call returns


def _imported(node: ast.Call) -> _Target | None:
    """What `import_module("x")` or `__import__("x")` imports, where that is literal."""
    callee = _callee(node)
    if callee == "import_module":
        return _import_module(node)
    if callee == "__import__":
        name = literal_text(_argument(node, 0, "name"))
        if not name:
            return None
        several = _argument(node, 3, "fromlist")
        whole = several is not None and not (
            isinstance(several, (ast.List, ast.Tuple)) and not several.elts
        )
        return _Target(0, name, name if whole else name.partition(".")[0])
    return None


def _import_module(node: ast.Call) -> _Target | None:
    argument = _argument(node, 0, "name")
    name = literal_text(argument)
    if name is None:
        name = _below_own_package(argument)
        return _Target(1, name, name) if name else None
    if not name.startswith("."):
        return _Target(0, name, name) if name else None
    level = len(name) - len(name.lstrip("."))
    rest = name[level:]
    package = _argument(node, 1, "package")
    if _named(package, "__package__", "__name__"):
        return _Target(level, rest, rest)
    text = literal_text(package)
    if text is None:
        return None
    parts = text.split(".")
    base = parts[: len(parts) - level + 1]
    full = ".".join([*base, rest] if rest else base)
    return _Target(0, full, full)


def _below_own_package(node: ast.expr | None) -> str | None:
    """'x' of `__package__ + ".x"`, `f"{__package__}.x"` and the same with `__name__`."""
    tail: str | None = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        if _named(node.left, "__package__", "__name__"):
            tail = literal_text(node.right)
    elif isinstance(node, ast.JoinedStr) and len(node.values) == 2:
        first, second = node.values
        if isinstance(first, ast.FormattedValue) and _named(first.value, "__package__", "__name__"):
            tail = literal_text(second)
    return tail[1:] if tail and tail.startswith(".") else None


def follow_result(walk: Walk, node: ast.Call, rest: str) -> None:
    """`import_module("x").rest` refers to exactly that."""
    target = _imported(node)
    if target:
        walk.claimed.add(id(node))
        walk.refs[f"@{target.level}|{target.value}||{rest}"] = None


def bind_result(walk: Walk, targets: Sequence[ast.expr], node: ast.Call) -> None:
    """`m = import_module("x")` binds `m` as `import x as m` does."""
    target = _imported(node)
    if target and all(isinstance(item, ast.Name) for item in targets):
        walk.claimed.add(id(node))
        for item in targets:
            assert isinstance(item, ast.Name)
            walk.import_name(item.id, f"{target.level}|{target.value}|", node.lineno)


def _import_call(walk: Walk, node: ast.Call) -> bool:
    target = _imported(node)
    if target is None:
        walk.opaque.append((f"{_callee(node)} of a computed name", node.lineno))
        return False
    walk.executed(target.level, target.module, "", node.lineno)
    if id(node) not in walk.claimed:
        walk.refs[f"@{target.level}|{target.value}||"] = None
    return False


# --- reflection ----------------------------------------------------------------------------


def _attribute_call(walk: Walk, node: ast.Call) -> bool:
    """`getattr(a.b, "c")` with a literal name uses `a.b.c`, not all of `a.b`."""
    if not isinstance(node.func, ast.Name) or len(node.args) < 2:
        return False
    name = literal_text(node.args[1])
    found = chain_of(node.args[0])
    if name is None or found is None or not name.isidentifier():
        return False
    root, chain = found
    form = f"A{chain};" if "." in chain else f"N{chain};"
    walk.flag([name, *chain.split(".")])
    walk.use(root, f"{chain}.{name}")
    walk.out.append(f"C{len(node.args)},{len(node.keywords)};")
    walk.push([node.func, form, *node.args[1:], *node.keywords])
    return True


def _namespace_call(walk: Walk, node: ast.Call) -> bool:
    """`globals()`, `vars()`, `locals()`: the module's whole namespace, where it is meant."""
    if not isinstance(node.func, ast.Name) or node.args or id(node) in walk.claimed:
        return False
    name = node.func.id
    if name == "globals" or walk.scope.kind == "module":
        walk.dynamic.append(Dynamic(name, node.lineno, whole=True, opaque=False))
    return False


def _is_globals(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _named(node.func, "globals")


def subscript(walk: Walk, node: ast.Subscript) -> bool:
    """Notice `globals()["f"]`, `sys.modules["m"]` and `os.environ["X"]`. Never handles it."""
    value = node.value
    name = literal_text(node.slice)
    if _is_globals(value) and name is not None:
        walk.claimed.add(id(value))
        walk.refs[name] = None
        return False
    found = chain_of(value)
    if found is None:
        return False
    chain = found[1]
    if chain.endswith("environ"):
        if name is not None:
            walk.environ.append((name, node.lineno))
    elif chain == "sys.modules":
        _loaded_module(walk, node.slice, node.lineno)
    return False


def _loaded_module(walk: Walk, key: ast.expr, line: int) -> None:
    name = literal_text(key)
    if name is not None:
        walk.refs[f"@0|{name}||"] = None
    elif _named(key, "__name__"):
        walk.dynamic.append(Dynamic("", line, whole=True, opaque=False))
    else:
        walk.opaque.append(("sys.modules of a computed name", line))


def _get_call(walk: Walk, node: ast.Call) -> bool:
    """`.get("X")` and its like on the environment, `globals()` and `sys.modules`."""
    function = node.func
    if not isinstance(function, ast.Attribute) or not node.args:
        return False
    name = literal_text(node.args[0])
    if _is_globals(function.value) and name is not None:
        walk.claimed.add(id(function.value))
        walk.refs[name] = None
        return False
    found = chain_of(function.value)
    if found is None:
        return False
    if found[1].endswith("environ"):
        if name is not None:
            walk.environ.append((name, node.lineno))
    elif found[1] == "sys.modules":
        _loaded_module(walk, node.args[0], node.lineno)
    return False


def _getenv_call(walk: Walk, node: ast.Call) -> bool:
    name = literal_text(_argument(node, 0, "key"))
    if name is not None:
        walk.environ.append((name, node.lineno))
    return False


def _eval_call(walk: Walk, node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Name) or not node.args:
        return False
    text = literal_text(node.args[0])
    expression = parse_expression(text) if text is not None else None
    if expression is not None:
        for name, chain in chains(expression):
            walk.use(name, chain)
        return False
    # without a namespace of its own the text sees every name of this module
    own = len(node.args) == 1 and not node.keywords
    walk.dynamic.append(Dynamic(node.func.id, node.lineno, whole=own, opaque=True))
    return False


def _annotations_call(walk: Walk, node: ast.Call) -> bool:
    function = node.func
    if isinstance(function, ast.Name) or _named(function.value, "inspect", "typing", "t"):  # type: ignore[attr-defined]
        walk.flags |= READS_ANNOTATIONS
    return False


def _exposing_call(walk: Walk, node: ast.Call) -> bool:
    """A call that reads the annotations of the functions it is given."""
    for argument in [*node.args, *(item.value for item in node.keywords)]:
        found = chain_of(argument)
        if found:
            walk.exposed[found[1]] = None
    return False


def _launch_call(walk: Walk, node: ast.Call) -> bool:
    """`typer.run(main)`; `fire.Fire()` and `unittest.main()` offer everything in the module."""
    name = _callee(node)
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name == "run" and not _named(owner, "typer", "fire", "defopt", "tyro", "clize"):
        return False
    if name == "main" and not _named(owner, "unittest"):
        return False
    if not node.args and name != "run":
        walk.dynamic.append(Dynamic("", node.lineno, whole=True, opaque=False))
    return _exposing_call(walk, node)


def _doc_call(walk: Walk, node: ast.Call) -> bool:  # noqa: ARG001 - one shape for all handlers
    walk.flags |= READS_DOC
    return False


def _opaque_call(walk: Walk, node: ast.Call) -> bool:
    walk.opaque.append((_callee(node), node.lineno))
    return False


def _run_call(walk: Walk, node: ast.Call) -> bool:
    name = literal_text(_argument(node, 0, "mod_name"))
    if _callee(node) == "run_module" and name:
        walk.executed(0, name, "", node.lineno)
        walk.refs[f"@0|{name}||"] = None
    else:
        walk.opaque.append((_callee(node), node.lineno))
    return False


#: By the last name of the callee: each handler returns whether it has dealt with the whole call.
HANDLERS: dict[str, Callable[[Walk, ast.Call], bool]] = {
    "import_module": _import_call,
    "__import__": _import_call,
    "getattr": _attribute_call,
    "hasattr": _attribute_call,
    "setattr": _attribute_call,
    "delattr": _attribute_call,
    "globals": _namespace_call,
    "locals": _namespace_call,
    "vars": _namespace_call,
    "dir": _namespace_call,
    "get": _get_call,
    "pop": _get_call,
    "setdefault": _get_call,
    "getenv": _getenv_call,
    "eval": _eval_call,
    "exec": _eval_call,
    "get_type_hints": _annotations_call,
    "get_annotations": _annotations_call,
    "signature": _annotations_call,
    "getfullargspec": _annotations_call,
    "register": _exposing_call,
    "validate_call": _exposing_call,
    "beartype": _exposing_call,
    "typechecked": _exposing_call,
    "from_function": _exposing_call,
    "Depends": _exposing_call,
    "run": _launch_call,
    "Fire": _launch_call,
    "main": _launch_call,
    "getdoc": _doc_call,
    "getsource": _opaque_call,
    "getsourcelines": _opaque_call,
    "spec_from_file_location": _opaque_call,
    "SourceFileLoader": _opaque_call,
    "iter_modules": _opaque_call,
    "walk_packages": _opaque_call,
    "entry_points": _opaque_call,
    "run_module": _run_call,
    "run_path": _run_call,
}
