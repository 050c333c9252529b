"""Signatures of functions, as far as they can be read off the text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Literal

from ..values import dataclass
from .chains import chain_of
from .index import ParameterFact, SignatureFact
from .normal import decorator_name

ParameterKind = Literal["positional", "keyword", "var_positional", "var_keyword"]

#: Decorators after which a function is still called as it is written.
_TRANSPARENT = frozenset(
    ("cache", "lru_cache", "stage", "no_grad", "inference_mode", "njit", "jit")
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `annotation` is its text, None without one."""

    name: str
    kind: ParameterKind
    required: bool
    annotation: str | None


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called; `known` is False where that cannot be read off its text."""

    parameters: tuple[Parameter, ...]
    returns: str | None
    known: bool


UNKNOWN = Signature((), None, False)


def collect(statement: ast.stmt) -> dict[str, SignatureFact]:
    """The signature facts of a top-level definition: 'f', or 'Class' and 'Class.method'."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return {statement.name: _fact(statement, method=False)}
    if not isinstance(statement, ast.ClassDef):
        return {}
    found = {statement.name: SignatureFact(statement.lineno, (), None, False)}
    for part in statement.body:
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[f"{statement.name}.{part.name}"] = _fact(part, method=True)
        elif isinstance(part, ast.ClassDef):
            name = f"{statement.name}.{part.name}"
            found[name] = SignatureFact(part.lineno, (), None, False)
    return found


def signature(fact: SignatureFact, read: Callable[[], bytes]) -> Signature:
    """The signature behind a fact; `read` gives the text that the fact was read from."""
    spans = [fact.returns, *(item.annotation for item in fact.parameters)]
    composed = any(isinstance(span, tuple) for span in spans)
    lines = read().splitlines(keepends=True) if composed else []
    parameters = tuple(
        Parameter(
            item.name,
            item.kind,  # type: ignore[arg-type]
            item.required,
            _text(item.annotation, lines),
        )
        for item in fact.parameters
    )
    return Signature(parameters, _text(fact.returns, lines), fact.known)


def _fact(node: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> SignatureFact:
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    optional = len(plain) - len(arguments.defaults)
    facts = [
        ParameterFact(item.arg, "positional", number < optional, _span(item.annotation))
        for number, item in enumerate(plain)
    ]
    if arguments.vararg:
        item = arguments.vararg
        facts.append(ParameterFact(item.arg, "var_positional", False, _span(item.annotation)))
    for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        facts.append(ParameterFact(item.arg, "keyword", default is None, _span(item.annotation)))
    if arguments.kwarg:
        item = arguments.kwarg
        facts.append(ParameterFact(item.arg, "var_keyword", False, _span(item.annotation)))
    names = [decorator_name(item) for item in node.decorator_list]
    known = all(name in _TRANSPARENT for name in names)
    if method:
        # only what can be called without an instance can be an entry
        known = names in (["staticmethod"], ["classmethod"])
        if names == ["classmethod"]:
            facts = facts[1:]
    return SignatureFact(node.lineno, tuple(facts), _span(node.returns), known)


def _span(node: ast.expr | None) -> str | tuple[int, int, int, int] | None:
    if node is None:
        return None
    found = chain_of(node)
    if found:
        return found[1]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)


def _text(span: str | tuple[int, int, int, int] | None, lines: Sequence[bytes]) -> str | None:
    if span is None or isinstance(span, str):
        return span
    first, start, last, end = span
    part = list(lines[first - 1 : last])
    if not part:
        return None
    part[-1] = part[-1][:end]
    part[0] = part[0][start:]
    text = b"".join(part).decode("utf-8", "replace")
    return " ".join(line.strip() for line in text.splitlines())
