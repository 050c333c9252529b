"""Calls that mean more than a call: reflection, environment variables, launchers."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from .chains import argument, callee, chain_of, chains, is_name, literal_text
from .dynamic import Dynamic
from .imports import import_call
from .index import READS_ANNOTATIONS, READS_DOC
from .parsing import parse_expression

if TYPE_CHECKING:
    from .walk import Walk


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
    return isinstance(node, ast.Call) and is_name(node.func, "globals")


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
    elif is_name(key, "__name__"):
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
    name = literal_text(argument(node, 0, "key"))
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
    if isinstance(function, ast.Name) or is_name(function.value, "inspect", "typing", "t"):  # type: ignore[attr-defined]
        walk.flags |= READS_ANNOTATIONS
    return False


def _exposing_call(walk: Walk, node: ast.Call) -> bool:
    """A call that reads the annotations of the functions it is given."""
    for given in [*node.args, *(item.value for item in node.keywords)]:
        found = chain_of(given)
        if found:
            walk.exposed[found[1]] = None
    return False


def _launch_call(walk: Walk, node: ast.Call) -> bool:
    """`typer.run(main)`; `fire.Fire()` and `unittest.main()` offer everything in the module."""
    name = callee(node)
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name == "run" and not is_name(owner, "typer", "fire", "defopt", "tyro", "clize"):
        return False
    if name == "main" and not is_name(owner, "unittest"):
        return False
    if not node.args and name != "run":
        walk.dynamic.append(Dynamic("", node.lineno, whole=True, opaque=False))
    return _exposing_call(walk, node)


def _doc_call(walk: Walk, node: ast.Call) -> bool:  # noqa: ARG001 - one shape for all handlers
    walk.flags |= READS_DOC
    return False


def _opaque_call(walk: Walk, node: ast.Call) -> bool:
    walk.opaque.append((callee(node), node.lineno))
    return False


def _run_call(walk: Walk, node: ast.Call) -> bool:
    name = literal_text(argument(node, 0, "mod_name"))
    if callee(node) == "run_module" and name:
        walk.executed(0, name, "", node.lineno)
        walk.refs[f"@0|{name}||"] = None
    else:
        walk.opaque.append((callee(node), node.lineno))
    return False


#: By the last name of the callee: each handler returns whether it has dealt with the whole call.
HANDLERS: dict[str, Callable[[Walk, ast.Call], bool]] = {
    "import_module": import_call,
    "__import__": import_call,
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
