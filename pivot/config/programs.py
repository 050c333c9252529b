"""Pipelines written in Python, read without being run: `pipeline.py` as far as it is literal.

The statements of the module are followed in order: imports, literals, loops over literal lists,
`Pipeline(...)`, `register`, `include`, and functions decorated with `stage`. Whatever else could
decide about stages raises NotLiteral; then the module would have to be run to know them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..declare.lowering import Made, as_yaml
from ..declare.pipelines import IN_A_CIRCLE, checked_settings
from ..errors import ConfigError, SourceError, Where
from ..source.chains import chain_of
from ..source.reading import Instance, Spot, Text
from ..tree import parent
from .declarations import DeclarationReader
from .evaluation import Evaluation, Function, NotLiteral
from .loader_names import loading_of

_PIPELINES = ("pivot.Pipeline", "pivot.declare.pipelines.Pipeline")
_STAGES = ("pivot.stage", "pivot.declare.pipelines.stage")
_MOST_INCLUDES = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One stage of a pipeline.py: its function, and its settings as `pivot.yaml` would say them.

    `file` and `line` are where it was registered; paths are seen from that file's `folder`.
    `classes` tells which of its params were instances, as `declare.lowering.Plain` has it.
    """

    name: str
    module: str
    qualname: str
    body: Mapping[str, Any]
    file: str
    line: int
    folder: str
    classes: Mapping[tuple[Any, ...], str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Pipeline:
    """A Pipeline object, as far as it has been followed."""

    folder: str
    entries: list[Entry] = field(default_factory=list)
    included: list[_Pipeline] = field(default_factory=list)

    def stages(self) -> Iterator[Entry]:
        yield from self.entries
        for other in self.included:
            yield from other.stages()

    def leads_to(self, other: _Pipeline) -> bool:
        """Whether it is the other one, or includes it, itself or by what it includes."""
        return self is other or any(inner.leads_to(other) for inner in self.included)


def read_program(
    reader: DeclarationReader, roots: tuple[str, ...], file: str, module: str
) -> list[Entry]:
    """The stages that the module at `file` declares, in order; none where it declares nothing.

    Raises NotLiteral where that cannot be said without running it, SourceError where it cannot be
    parsed, ConfigError where what it says of a stage is wrong.
    """
    programs = _Programs(reader.text(roots), reader)
    return programs.of(module, file).all()


class _Programs:
    """The modules of one import path that were followed, each once."""

    def __init__(self, text: Text, reader: DeclarationReader) -> None:
        self.text = text
        self.reader = reader
        self._known: dict[str, _Program] = {}
        self._depth = 0

    def of(self, module: str, file: str) -> _Program:
        if module not in self._known:
            if self._depth > _MOST_INCLUDES:
                raise NotLiteral(SourceError("pipelines include each other", where=Where(file)))
            self._depth += 1
            program = self._known[module] = _Program(self, module, file)
            program.follow(self.reader.tree_of(file).body)
            self._depth -= 1
        return self._known[module]


class _Program(Evaluation):
    """One module, its statements followed."""

    def __init__(self, programs: _Programs, module: str, file: str) -> None:
        super().__init__(programs.text, module, file)
        self._programs = programs
        self._pipelines: list[_Pipeline] = []
        self._own: list[Entry] = []  # of decorated functions

    def all(self) -> list[Entry]:
        """The stages of its pipelines, of those that they include, and of decorated functions."""
        included = {other for pipeline in self._pipelines for other in pipeline.included}
        found = [
            entry
            for pipeline in self._pipelines
            if pipeline not in included
            for entry in pipeline.stages()
        ]
        return [*found, *self._own]

    def pipeline(self, name: str) -> _Pipeline | None:
        """The Pipeline object that a name of the module is."""
        value = self.values.get(name)
        return value if isinstance(value, _Pipeline) else None

    # --- statements ---------------------------------------------------------------------

    def follow(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.step(statement)
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.Pass() | ast.ClassDef():
                return
            case ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                if value is not None:
                    self._assign(name, value)
            case ast.Assign(targets=[ast.Tuple() as target], value=value):
                self.bind(target, self.value(value), node)
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.For(orelse=[]):
                for item in self.items(node.iter):
                    self.bind(node.target, item, node)
                    self.follow(node.body)
            case ast.If():
                self.follow(node.body if self.value(node.test) else node.orelse)
            case _:
                raise self.refused(node, "it is computed when the module runs")

    def _import(self, node: ast.ImportFrom) -> None:
        """Have pipelines and decorated functions of other modules of the project count."""
        for alias in node.names:
            name = alias.asname or alias.name
            meaning = self.text.meaning(self.module, name) if name != "*" else None
            if meaning is None or meaning.kind != "symbol" or meaning.rest:
                continue
            place = self.text.statement(meaning.module, meaning.name)
            if place is None or meaning.module == self.module:
                continue
            if isinstance(place[1], (ast.FunctionDef, ast.AsyncFunctionDef)):
                other = _Program(self._programs, meaning.module, place[0])
                self._own += other.decorated(place[1])
            elif (
                isinstance(place[1], ast.Assign)
                and isinstance(place[1].value, ast.Call)
                and self.external(place[1].value.func, meaning.module, place[0]) in _PIPELINES
            ):
                found = self._programs.of(meaning.module, place[0]).pipeline(meaning.name)
                if found is not None:
                    self.values[name] = found
                    if name == "pipeline":  # what a pipeline.py is expected to hold
                        self._pipelines.append(found)

    def _assign(self, name: str, value: ast.expr) -> None:
        self.values.pop(name, None)
        self.unknown.pop(name, None)
        if isinstance(value, ast.Call) and self.external(value.func) in _PIPELINES:
            given = [*map(self.value, value.args), *(self.value(k.value) for k in value.keywords)]
            if len(given) > 1 or not all(isinstance(item, str) for item in given):
                raise self.refused(value, "the name of a pipeline is a text")
            made = _Pipeline(parent(self.file))
            self._pipelines.append(made)
            self.values[name] = made
            return
        try:
            self.values[name] = self.value(value)
        except NotLiteral as error:
            # it matters only where it is used for a stage
            if self._touches_pipelines(value):
                raise
            self.unknown[name] = error.error

    def _call(self, call: ast.Call) -> None:
        function = call.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            pipeline = self.values.get(function.value.id)
            if isinstance(pipeline, _Pipeline) and function.attr == "register":
                pipeline.entries.append(self._registered(call, pipeline.folder))
                return
            if isinstance(pipeline, _Pipeline) and function.attr == "include":
                other = self._included(call)
                if other.leads_to(pipeline):
                    raise ConfigError(IN_A_CIRCLE, where=Where(self.file, call.lineno))
                pipeline.included.append(other)
                return
        if isinstance(function, ast.Name) and function.id == "print":
            return
        raise self.refused(call, "what it calls could register stages")

    def _touches_pipelines(self, value: ast.expr) -> bool:
        """Whether an expression handles a Pipeline, and so could change it."""
        return any(
            isinstance(part, ast.Name) and isinstance(self.values.get(part.id), _Pipeline)
            for part in ast.walk(value)
        )

    # --- stages -------------------------------------------------------------------------

    def _included(self, call: ast.Call) -> _Pipeline:
        if len(call.args) == 1 and not call.keywords:
            chain = chain_of(call.args[0])
            if chain is not None:
                known = self.values.get(chain[1])
                if isinstance(known, _Pipeline):
                    return known
                meaning = self.text.meaning(self.module, chain[1])
                place = (
                    self.text.statement(meaning.module, meaning.name)
                    if meaning.kind == "symbol" and not meaning.rest
                    else None
                )
                if place is not None:
                    found = self._programs.of(meaning.module, place[0]).pipeline(meaning.name)
                    if found is not None:
                        return found
        raise self.refused(call, "it includes what is no pipeline that could be read")

    def _registered(self, call: ast.Call, folder: str) -> Entry:
        if len(call.args) != 1:
            raise self.refused(call, "it registers other than one function")
        found = self.function_named(call.args[0])
        if found is None:
            raise self.refused(call.args[0], "it is no function of the project")
        settings = self._settings(call.keywords)
        return self._entry(found, settings, call, folder)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._own += self.decorated(node)

    def decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Entry]:
        """The stage that a function is decorated as."""
        found = []
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if self.external(called) not in _STAGES:
                continue
            settings: dict[str, Any] = {}
            if isinstance(decorator, ast.Call):
                if decorator.args:
                    raise self.refused(decorator, "it takes no arguments without a name")
                settings = self._settings(decorator.keywords)
            function = Function(self.module, node.name)
            found.append(self._entry(function, settings, node, parent(self.file)))
        return found

    def _settings(self, keywords: Sequence[ast.keyword]) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for keyword in keywords:
            if keyword.arg is None:
                given = self.value(keyword.value)
                if not isinstance(given, dict):
                    raise self.refused(keyword.value, "it unpacks what is no mapping")
                settings.update(given)
            else:
                of_class = self._class(keyword.value) if keyword.arg == "params" else None
                settings[keyword.arg] = of_class or self.value(keyword.value)
        return settings

    def _entry(
        self, function: Function, settings: Mapping[str, Any], node: Any, folder: str
    ) -> Entry:
        where = Where(self.file, node.lineno)
        rest = {key: value for key, value in settings.items() if key not in ("name", "variant")}
        name = settings.get("name") or function.qualname.rpartition(".")[2]
        variant = settings.get("variant")
        if not isinstance(name, str) or not isinstance(variant, (str, type(None))):
            raise ConfigError("the name of a stage is a text", where=where)
        try:
            body, classes = as_yaml(
                checked_settings(rest), lambda loader: loading_of(loader, self.text, where), _apart
            )
        except TypeError as error:
            raise ConfigError(f"stage '{name}': {error}", where=where) from None
        return Entry(
            f"{name}@{variant}" if variant else name,
            function.module,
            function.qualname,
            body,
            self.file,
            node.lineno,
            folder,
            classes,
        )

    def _class(self, node: ast.expr) -> Made | None:
        """A class that is given as params: an instance with its defaults."""
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return None
        found = self.text.class_of(Spot(self.module, self.file, node))
        return Made(found[0], found[2].name, {}) if found is not None else None


def _apart(value: Any) -> Made | None:
    """A call of a class of the project, or such a class, as the instance that it gives."""
    if isinstance(value, Made):
        return value
    if not isinstance(value, Instance):
        return None
    if value.arguments:
        raise NotLiteral(
            SourceError(
                f"the arguments of {value.name}(...) have no names",
                hint="write them as keywords",
                where=value.where,
            )
        )
    return Made(value.module, value.name, value.keywords)
