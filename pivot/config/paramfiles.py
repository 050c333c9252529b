"""Params files as values: YAML, JSON, TOML, and the literals of a Python file."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError, Where
from .documents import decode, load_yaml
from .syntax import refuse_conflict


def load_params_file(data: bytes, file: str) -> Any:
    """The value of a params file, by its suffix (YAML for any other). Raises ConfigError."""
    suffix = file.rpartition("/")[2].rpartition(".")[2].lower()
    if suffix == "json":
        return _load_json(data, file)
    if suffix == "toml":
        return _load_toml(data, file)
    if suffix == "py":
        return _load_python(data, file)
    return load_yaml(data, file)


def _load_json(data: bytes, file: str) -> Any:
    import json  # 5 ms; most projects have no JSON params

    try:
        return json.loads(text := decode(data, file))
    except json.JSONDecodeError as error:
        refuse_conflict(text, file)
        raise ConfigError(
            f"not valid JSON: {error.msg}", where=Where(file, error.lineno, error.colno)
        ) from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"not valid JSON: {error}", where=Where(file)) from None


def _load_toml(data: bytes, file: str) -> Any:
    import tomllib  # 8 ms; most projects have no TOML params

    try:
        return tomllib.loads(text := decode(data, file))
    except tomllib.TOMLDecodeError as error:
        refuse_conflict(text, file)
        message, place = str(error), Where(file)
        head, found, tail = message.rpartition(" (at line ")
        if found:
            line, _, column = tail.rstrip(")").partition(", column ")
            message, place = head, Where(file, int(line), int(column or 0))
        raise ConfigError(f"not valid TOML: {message}", where=place) from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=Where(file)) from None


def _load_python(data: bytes, file: str) -> dict[str, Any]:
    """The literal assignments of a module, of its classes, and of `self.x` in their `__init__`."""
    import ast

    try:
        # bytes, so that the file's own coding line counts
        module = ast.parse(data)
    except SyntaxError as error:
        where = Where(file, error.lineno or 0, error.offset or 0)
        raise ConfigError(f"not valid Python: {error.msg}", where=where) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"not valid Python: {error}", where=Where(file)) from None
    return _assignments(module.body, ast)


def _assignments(body: list[Any], ast: Any, receiver: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = _assignments(node.body, ast)
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__" and node.args.args:
            found.update(_assignments(node.body, ast, node.args.args[0].arg))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name for name in (_target(t, ast, receiver) for t in targets) if name]
            if not names:
                continue
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue  # computed: not a parameter
            for name in names:
                found[name] = value
    return found


def _target(node: Any, ast: Any, receiver: str | None) -> str | None:
    if receiver is None:
        return node.id if isinstance(node, ast.Name) else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == receiver else None
    return None
