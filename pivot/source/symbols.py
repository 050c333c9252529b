"""A module's syntax tree -> its index: what binds each name, what each statement refers to."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from . import effects, signatures
from .chains import chain_of
from .conditions import mentions_main, special_test
from .dynamic import Dynamic
from .exports import Exports
from .index import WHOLE_MODULE, Executed, Imported, ModuleIndex, SignatureFact, Unit
from .normal import constant, digest, docstring, effective
from .parsing import collector_off, parse, parse_expression
from .registering import Registering
from .skeleton import skeleton_of
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
        tree = parse(data, file)
        return build(tree)._replace(skeleton=skeleton_of(data, tree))


class _Builder:
    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.dynamic: list[list[Dynamic]] = []  # for each unit
        self.names: dict[str, list[int | Imported]] = {}
        self.stars: list[Imported] = []
        self.imports: list[Executed] = []
        self.imported: set[str] = set()
        self.registering = Registering()
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
        self.registering.imported(name, level, module, attribute)

    # --- everything else ---------------------------------------------------------------

    def _statement(self, statement: ast.stmt, context: _Context, guard: str = "") -> Walk:
        statement = self.registering.bare(statement)
        declares = self.registering.only_declares(statement)
        walk = Walk(self.future)
        walk.run([statement])
        found = effects.Facts() if declares else effects.facts(statement, self.imported)
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
        seen = walk.bound or found.effect or kind != "other" or walk.opaque or walk.dynamic
        if seen or declares:  # it counts where the module is run for what it declares
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
        fields = ""
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            parameter_refs = _parameter_refs(statement)
        elif isinstance(statement, ast.ClassDef):
            fields = self._fields(statement, context)
        elif statement is not None:
            parameter_refs = dict.fromkeys(_alias_refs(statement))
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
                fields,
                found.makes,
                found.plain,
            )
        )
        self.dynamic.append(walk.dynamic)

    def _fields(self, node: ast.ClassDef, context: _Context) -> str:
        """The hash of a class without the literal defaults of its fields; '' without any."""
        if not any(_has_literal_default(part) for part in node.body):
            return ""
        body = [
            ast.copy_location(ast.AnnAssign(part.target, part.annotation, _DEFAULT, 1), part)
            if isinstance(part, ast.AnnAssign) and _has_literal_default(part)
            else part
            for part in node.body
        ]
        plain = ast.copy_location(
            ast.ClassDef(node.name, node.bases, node.keywords, body, node.decorator_list), node
        )
        if hasattr(node, "type_params"):  # Python 3.12 and later
            setattr(plain, "type_params", node.type_params)  # noqa: B010
        walk = Walk(self.future)
        walk.run([plain])
        return digest(context.guard + walk.text())


def _short(guard: str) -> str:
    return digest(guard)[:16] if guard else ""


def _parameter_refs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, None]:
    arguments = node.args
    found: dict[str, None] = {}
    for item in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        if item.annotation is not None:
            found.update(dict.fromkeys(_types(item.annotation)))
    return found


def _types(node: ast.expr) -> list[str]:
    """The chains of names in an annotation, but for what `Annotated` adds to a type."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        inner = parse_expression(node.value)
        return _types(inner) if inner is not None else []
    if _is_annotated(node):
        assert isinstance(node, ast.Subscript)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _types(parts[0]) if parts else []
    chain = chain_of(node)
    if chain:
        return [chain[1]]
    return [
        found
        for part in ast.iter_child_nodes(node)
        if isinstance(part, ast.expr)
        for found in _types(part)
    ]


def _is_annotated(node: ast.expr | None) -> bool:
    chain = chain_of(node.value) if isinstance(node, ast.Subscript) else None
    return chain is not None and chain[1].rpartition(".")[2] == "Annotated"


def _alias_refs(statement: ast.stmt) -> list[str]:
    """The types of `X = Annotated[...]`, which stands for them in annotations."""
    value = getattr(statement, "value", None)
    return _types(value) if isinstance(value, ast.expr) and _is_annotated(value) else []


#: Stands where the literal default of a field was.
_DEFAULT = ast.Constant(None, lineno=1, col_offset=0)


def _has_literal_default(part: ast.stmt) -> bool:
    """Whether a statement of a class body is a field whose default the text tells."""
    if not (isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)):
        return False
    name = part.target.id
    if part.value is None or name.startswith("_") or name == "model_config":
        return False
    return "ClassVar" not in ast.unparse(part.annotation) and _is_literal(part.value)


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is None or isinstance(value, (str, bytes, bool, int, float))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
            return isinstance(value, (int, float))
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return all(map(_is_literal, parts))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and _is_literal(key) for key in keys) and all(
                map(_is_literal, values)
            )
    return False
