"""A module's syntax tree -> its index: what binds each name, what each statement refers to."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from . import effects, signatures
from .chains import chains, string_names
from .conditions import mentions_main, special_test
from .dynamic import Dynamic
from .exports import Exports
from .index import WHOLE_MODULE, Executed, Imported, ModuleIndex, SignatureFact, Unit
from .normal import constant, digest, docstring, effective
from .parsing import collector_off, parse
from .walk import Walk

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Context(NamedTuple):
    """The conditions a statement stands under: their normal form, what they refer to."""

    guard: str = ""
    refs: tuple[str, ...] = ()
    when: str = ""


def build(tree: ast.Module) -> ModuleIndex:
    """The index of a module. Depends on nothing but the tree."""
    builder = _Builder()
    builder.visit(effective(tree.body), _Context())
    return builder.finish(docstring(tree.body))


def index_source(data: bytes, file: str) -> ModuleIndex:
    """The index of a file's bytes. Raises SourceError where they cannot be parsed."""
    with collector_off():
        return build(parse(data, file))


class _Builder:
    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.dynamic: list[list[Dynamic]] = []  # for each unit
        self.names: dict[str, list[int | Imported]] = {}
        self.stars: list[Imported] = []
        self.imports: list[Executed] = []
        self.imported: set[str] = set()
        self.exports = Exports()
        self.signatures: dict[str, SignatureFact] = {}
        self.future = False

    def finish(self, doc: str | None) -> ModuleIndex:
        units = []
        for unit, uses in zip(self.units, self.dynamic, strict=True):
            # a module that defines its own `eval` does not mean the builtin
            meant = [use for use in uses if use.builtin not in self.names]
            if meant:
                whole = WHOLE_MODULE if any(use.whole for use in meant) else 0
                hidden = [(use.builtin, use.line) for use in meant if use.opaque]
                unit = unit._replace(flags=unit.flags | whole, opaque=(*unit.opaque, *hidden))
            units.append(unit)
        return ModuleIndex(
            digest(constant(doc)) if doc is not None else "",
            tuple(units),
            {name: tuple(bindings) for name, bindings in self.names.items()},
            tuple(self.stars),
            tuple(self.imports),
            None if self.exports.names is None else tuple(self.exports.names),
            self.exports.computed,
            self.signatures,
        )

    def visit(self, statements: Sequence[ast.stmt], context: _Context) -> None:
        """Index statements of the top level; the branches of `if` count as top level too."""
        stack = [(statement, context) for statement in reversed(statements)]
        while stack:
            statement, here = stack.pop()
            if isinstance(statement, ast.If):
                for part, inner in reversed(self._branches(statement, here)):
                    stack.extend((item, inner) for item in reversed(effective(part)))
            elif isinstance(statement, ast.Import):
                self._import(statement, here)
            elif isinstance(statement, ast.ImportFrom):
                self._import_from(statement, here)
            elif isinstance(statement, (ast.Try, ast.TryStar)):
                stack.extend(reversed(self._try(statement, here)))
            else:
                self._statement(statement, here)

    # --- conditions --------------------------------------------------------------------

    def _branches(self, node: ast.If, context: _Context) -> list[tuple[list[ast.stmt], _Context]]:
        kind, negated = special_test(node.test)
        if kind == "typing":
            typing = context._replace(when="typing")
            body, orelse = (context, typing) if negated else (typing, context)
            return [(node.body, body), (node.orelse, orelse)]
        if kind == "main":
            main = context._replace(when=context.when or "main")
            body, orelse = (context, main) if negated else (main, context)
            return [(node.body, body), (node.orelse, orelse)]
        walk = Walk(self.future)
        walk.run([node.test])
        found = effects.expression_facts(node.test)
        if found.runs_calls or walk.bound:
            self._unit(walk, "other", node.test.lineno, context, found)
        refs = (*context.refs, *walk.refs)
        form = digest(walk.text())
        when = context.when
        if mentions_main(node.test):
            when = when or "main"
        return [
            (node.body, _Context(f"{context.guard}if {form};", refs, when)),
            (node.orelse, _Context(f"{context.guard}else {form};", refs, context.when)),
        ]

    def _try(
        self, node: ast.Try | ast.TryStar, context: _Context
    ) -> list[tuple[ast.stmt, _Context]]:
        """Index the statement without the definitions in it; return those, to be indexed alone."""
        definitions: list[ast.stmt] = []

        def rest(body: list[ast.stmt]) -> list[ast.stmt]:
            definitions.extend(part for part in body if isinstance(part, _DEFINITIONS))
            return [part for part in body if not isinstance(part, _DEFINITIONS)]

        handlers = []
        body = rest(node.body)
        for handler in node.handlers:
            kept = ast.ExceptHandler(handler.type, handler.name, rest(handler.body))
            handlers.append(ast.copy_location(kept, handler))
        skeleton = type(node)(body, handlers, rest(node.orelse), rest(node.finalbody))
        ast.copy_location(skeleton, node)
        walk = self._statement(skeleton, context, guard="try;")
        inner = _Context(
            f"{context.guard}try {digest(walk.text())};",
            (*context.refs, *walk.refs),
            context.when,
        )
        return [(definition, inner) for definition in definitions]

    # --- imports -----------------------------------------------------------------------

    def _import(self, node: ast.Import, context: _Context) -> None:
        for alias in node.names:
            self._executed(0, alias.name, "", node.lineno, context)
            if alias.asname:
                self._bind_import(alias.asname, 0, alias.name, "", node.lineno, context)
            else:
                top = alias.name.partition(".")[0]
                self._bind_import(top, 0, top, "", node.lineno, context)

    def _import_from(self, node: ast.ImportFrom, context: _Context) -> None:
        module = node.module or ""
        if module == "__future__":
            self.future = self.future or any(a.name == "annotations" for a in node.names)
            return
        for alias in node.names:
            self._executed(node.level, module, alias.name, node.lineno, context)
            if alias.name == "*":
                star = Imported(
                    node.level, module, "*", node.lineno, context.when, _short(context.guard)
                )
                self.stars.append(star)
            else:
                name = alias.asname or alias.name
                self._bind_import(name, node.level, module, alias.name, node.lineno, context)

    def _executed(self, level: int, module: str, name: str, line: int, context: _Context) -> None:
        optional = bool(context.guard)
        self.imports.append(Executed(level, module, name, line, optional, context.when))

    def _bind_import(
        self, name: str, level: int, module: str, attribute: str, line: int, context: _Context
    ) -> None:
        guard = _short(context.guard)
        binding = Imported(level, module, attribute, line, context.when, guard)
        self.names.setdefault(name, []).append(binding)
        self.imported.add(name)

    # --- everything else ---------------------------------------------------------------

    def _statement(self, statement: ast.stmt, context: _Context, guard: str = "") -> Walk:
        walk = Walk(self.future)
        walk.run([statement])
        found = effects.facts(statement, self.imported)
        if self.exports.read(statement):
            found = effects.Facts()
            walk.bound["__all__"] = None
        kind = "other"
        if isinstance(statement, _DEFINITIONS):
            kind = "class" if isinstance(statement, ast.ClassDef) else "def"
            self.signatures.update(signatures.collect(statement))
        else:
            # imports inside a compound statement run with the module, not with a unit's code
            here = context._replace(guard=context.guard + guard)
            for item in walk.imports:
                when = item.when or context.when
                self.imports.append(item._replace(when=when))
                if item.name == "*":
                    level, module, line = item.level, item.module, item.line
                    star = Imported(level, module, "*", line, when, _short(here.guard))
                    self.stars.append(star)
            walk.imports.clear()
            self._global_imports(walk, here)
        if walk.bound or found.effect or kind != "other" or walk.opaque or walk.dynamic:
            self._unit(walk, kind, statement.lineno, context, found, statement)
        if kind != "other":
            self._global_imports(walk, context)
        return walk

    def _global_imports(self, walk: Walk, context: _Context) -> None:
        for name, spec, line in walk.global_imports:
            level, module, attribute = spec.split("|")
            self._bind_import(name, int(level), module, attribute, line, context)

    def _unit(
        self,
        walk: Walk,
        kind: str,
        line: int,
        context: _Context,
        found: effects.Facts,
        statement: ast.stmt | None = None,
    ) -> None:
        parameter_refs: dict[str, None] = {}
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parameter_refs = _parameter_refs(statement)
        note_refs: dict[str, None] = {}
        notes = ""
        if walk.notes:
            apart = Walk(self.future)
            for note in walk.notes:
                apart.annotation(note)
                apart.run([])
                apart.run([apart.stack.pop()])
            note_refs = apart.refs
            notes = digest(apart.text())
        for name in walk.bound:
            self.names.setdefault(name, []).append(len(self.units))
        refs = {**walk.refs, **dict.fromkeys(context.refs)}
        self.units.append(
            Unit(
                line,
                kind,
                tuple(walk.bound),
                digest(context.guard + walk.text()),
                digest("".join(walk.docs)) if walk.docs else "",
                notes,
                tuple(sorted(refs)),
                tuple(sorted(note_refs)),
                tuple(sorted(parameter_refs)),
                tuple(walk.imports),
                context.when,
                found.effect,
                found.calls,
                found.passes,
                found.decorators,
                found.bases,
                found.hooks,
                found.runs_calls,
                walk.flags,
                tuple(walk.exposed),
                tuple(walk.environ),
                tuple(walk.opaque),
            )
        )
        self.dynamic.append(walk.dynamic)


def _short(guard: str) -> str:
    return digest(guard)[:16] if guard else ""


def _parameter_refs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, None]:
    arguments = node.args
    found: dict[str, None] = {}
    for item in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        if item.annotation is not None:
            pairs = chains(item.annotation) + string_names(item.annotation)
            found.update((chain, None) for _, chain in pairs)
    return found
