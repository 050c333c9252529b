"""What a function's signature declares, read off its text: deps, outs and the class of its params.

`Annotated[T, Dep(...)]` and the like, in parameters and in what is returned: a single value, or the
fields of a TypedDict, NamedTuple or dataclass. They come out as what YAML would say: a path, the
name of a loader, its options.
"""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..declare import artifacts, loaders
from ..declare.formats import files
from ..declare.formats.errors import LoaderError
from ..errors import ConfigError, PivotError, SourceError, Where
from ..source import EntryPoint, Sources, find_entry
from ..source.names import Names
from ..source.reading import Instance, Spot, Text, Trees, elements

#: The name of an out that is declared for the returned value itself.
RESULT = "return"

_ANNOTATED = ("typing.Annotated", "typing_extensions.Annotated")
_WRAPPERS = tuple(
    f"{place}.{name}"
    for place in ("typing", "typing_extensions")
    for name in ("Required", "NotRequired", "ReadOnly", "Final", "Optional")
)
_LISTS = ("list", "typing.List", "typing.Sequence", "collections.abc.Sequence")
_PATHS = (
    "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath", "os.PathLike",
)  # fmt: skip
_RECORDS = ("typing.TypedDict", "typing_extensions.TypedDict", "typing.NamedTuple")
_NAMESPACES = ("pivot.declare.artifacts.", "pivot.declare.", "pivot.")
_LOADERS = ("pivot.declare.loaders.", "pivot.loaders.")


@dataclass(frozen=True, slots=True)
class Declared:
    """One artifact that a signature declares, as YAML would have it; `loader` None: its path.

    `artifact` holds path and flags. `returned`: it is made of what the function returns.
    """

    name: str
    artifact: artifacts.Dep | artifacts.Out | artifacts.PlaceholderDep
    loader: str | None
    options: Mapping[str, Any]
    where: Where
    returned: bool = False

    @property
    def is_out(self) -> bool:
        return isinstance(self.artifact, artifacts.Out)

    @property
    def section(self) -> str:
        """The key of pivot.yaml that lists such an artifact."""
        if not self.is_out:
            return "deps"
        if isinstance(self.artifact, artifacts.Metric):
            return "metrics"
        return "plots" if isinstance(self.artifact, artifacts.Plot) else "outs"


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that one function's signature declares; `params` is the annotation of that parameter.

    `libraries` are those of annotated tables by parameter, but for pandas, which goes unsaid;
    `silent` are fields of what is returned that declare nothing, beside others that do.
    """

    declared: tuple[Declared, ...] = ()
    params: Spot | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    text: Text | None = field(default=None, compare=False)
    silent: Mapping[str, Where] = field(default_factory=dict)


class DeclarationReader:
    """Reads the signatures of one tree; each module is read and parsed once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._trees = Trees(sources)
        self._texts: dict[tuple[str, ...], Text] = {}
        self._found: dict[tuple[tuple[str, ...], str, bool], Declarations | PivotError] = {}

    def of(self, roots: Sequence[str], entry: str, *, whole: bool = False) -> Declarations:
        """What the function that `entry` names declares; nothing where it cannot be found or read.

        With `whole` annotations are read also where nothing is declared.
        Raises ConfigError or SourceError for a declaration that is wrong or not literal.
        """
        key = (tuple(roots), entry, whole)
        if key not in self._found:
            try:
                self._found[key] = self._read(tuple(roots), entry, whole)
            except PivotError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, PivotError):
            raise found
        return found

    def modules(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """(roots, module) of every module that was looked for."""
        for roots, text in self._texts.items():
            for module in text.names.modules.looked_for:
                yield roots, module

    def tree_of(self, file: str) -> ast.Module:
        """The syntax tree of a file. Raises SourceError."""
        return self._trees.of(file)

    def text(self, roots: tuple[str, ...]) -> Text:
        """What reads modules on an import path."""
        if roots not in self._texts:
            self._texts[roots] = Text(Names(self._sources, roots), self._trees, _make, _exists)
        return self._texts[roots]

    def _read(self, roots: tuple[str, ...], entry: str, whole: bool) -> Declarations:
        text = self.text(roots)
        try:
            point = find_entry(self._sources.tree, roots, entry, reader=self._sources)
        except PivotError:
            return Declarations()  # `check_signatures` says what is wrong
        if not whole and not self._declares(text, point):
            return Declarations()
        found = text.function(point.module, point.qualname)
        if found is None:
            return Declarations()
        return _Function(text, point.module, *found).declarations()

    def _declares(self, text: Text, point: EntryPoint) -> bool:
        """Whether annotations lead to what Pivot declares, or a class of the project is `params`.

        Most functions can be told by their module's index, without parsing it.
        """
        index = text.names.index(point.module)
        if index is None:
            return False
        name = point.qualname.partition(".")[0]
        for number in index.names.get(name, ()):
            if not isinstance(number, int):
                continue
            unit = index.units[number]
            if any(self._leads_to_us(text, point.module, chain) for chain in unit.note_refs):
                return True
            # the annotations of what is decorated, and of classes, are among the rest
            others = unit.refs if unit.decorators or unit.kind == "class" else ()
            if any(self._leads_to_us(text, point.module, chain) for chain in others):
                return True
        return any(item.name == "params" and item.annotation for item in point.signature.parameters)

    def _leads_to_us(self, text: Text, module: str, chain: str) -> bool:
        """Whether what a name means is Pivot's, or a project definition made with what is."""
        seen: set[tuple[str, str]] = set()
        waiting = [(module, chain)]
        while waiting:
            here, reference = waiting.pop()
            for target in text.names.resolve(here, reference):
                if target.kind == "external" and target.module.partition(".")[0] == "pivot":
                    return True
                if target.kind != "symbol" or (target.module, target.name) in seen:
                    continue
                seen.add((target.module, target.name))
                index = text.names.index(target.module)
                for number in index.names.get(target.name, ()) if index else ():
                    if isinstance(number, int) and index is not None:
                        unit = index.units[number]
                        if unit.kind != "def":
                            inner = (*unit.refs, *unit.note_refs)
                            waiting += [(target.module, name) for name in inner]
        return False


def _make(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What a call of one of our classes gives: the very object that the code would have."""
    for prefixes, home in ((_LOADERS, loaders), (_NAMESPACES, artifacts)):
        for prefix in prefixes:
            last = name[len(prefix) :]
            if name.startswith(prefix) and "." not in last and not last.startswith("_"):
                kind = getattr(home, last, None)
                if not isinstance(kind, type):
                    if last.islower():
                        break
                    raise TypeError(f"Pivot has no {last}")
                # a loader of the project's is checked for its methods when it is used
                return kind(*map(_loader_like, arguments), **_each(keywords))
    return NotImplemented


def _exists(name: str) -> bool:
    """Whether a name of ours, or of typing's, is one: for what star imports bring."""
    if name.startswith("typing."):
        return hasattr(typing, name[7:])
    return any(
        name.startswith(prefix) and name[len(prefix) :] in _names(home)
        for prefixes, home in ((_LOADERS, loaders), (_NAMESPACES, artifacts))
        for prefix in prefixes
    )


def _names(home: Any) -> set[str]:
    return {name for name, item in vars(home).items() if isinstance(item, type) and name[0] != "_"}


class _Own:
    """Stands for a loader that the project defines."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def load(self) -> None: ...


def _loader_like(value: Any) -> Any:
    if isinstance(value, Instance):
        return _Own(value)
    return value


def _each(keywords: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _loader_like(value) for name, value in keywords.items()}


class _Function:
    """One function's annotations."""

    def __init__(
        self, text: Text, module: str, file: str, node: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> None:
        self._text = text
        self._module = module
        self._file = file
        self._node = node
        self._silent: dict[str, Where] = {}

    def declarations(self) -> Declarations:
        given = self._node.args
        found: dict[str, Declared] = {}
        libraries: dict[str, str] = {}
        params: Spot | None = None
        for item in [*given.posonlyargs, *given.args, *given.kwonlyargs]:
            if item.annotation is None:
                continue
            spot = Spot(self._module, self._file, item.annotation)
            library = self._library(spot)
            if library is not None:
                libraries[item.arg] = library
            declared = self._one(spot, item.arg, returned=False)
            if declared is not None:
                found[item.arg] = declared
            elif item.arg == "params":
                params = spot
        if self._node.returns is not None:
            for declared in self._returned(Spot(self._module, self._file, self._node.returns)):
                before = found.get(declared.name)
                if before is None:
                    found[declared.name] = declared
                elif before.artifact != declared.artifact:
                    raise ConfigError(
                        f"'{declared.name}' is declared twice, as a parameter and as what is "
                        f"returned ({before.where})",
                        hint="declare one artifact, or give them different names",
                        where=declared.where,
                    )
        return Declarations(
            tuple(found.values()), params, libraries, self._text, silent=self._silent
        )

    def _returned(self, spot: Spot) -> Iterator[Declared]:
        single = self._one(spot, RESULT, returned=True)
        if single is not None:
            yield single
            return
        spot = self._inner(spot)
        if isinstance(spot.node, ast.Subscript):
            for part in elements(spot.node.slice):
                inner = spot._replace(node=part)
                if not isinstance(part, (ast.Constant, ast.List)) and self._one(inner, "", True):
                    raise ConfigError(
                        "what is returned has no name for each of its outs",
                        hint="return a TypedDict, NamedTuple or dataclass with a field for each",
                        where=inner.where,
                    )
        found = self._text.class_of(spot)
        if found is None:
            return
        fields = list(self._fields(*found))
        outs = [item for item in (self._one(s, name, True) for name, s in fields) if item]
        if outs:
            names = {item.name for item in outs}
            self._silent = {name: place.where for name, place in fields if name not in names}
        if outs and not self._is_record(*found):
            raise ConfigError(
                f"{found[2].name} declares outs, and is no TypedDict, NamedTuple or dataclass",
                hint="make it one of these",
                where=Where(found[1], found[2].lineno),
            )
        yield from outs

    def _fields(
        self, module: str, file: str, node: ast.ClassDef, depth: int = 0
    ) -> Iterator[tuple[str, Spot]]:
        """The annotated fields of a class and of its bases in the project, the bases' first."""
        found: dict[str, Spot] = {}
        for base in node.bases if depth < 20 else ():
            above = self._text.class_of(Spot(module, file, base))
            if above is not None:
                found.update(self._fields(*above, depth + 1))
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                found[part.target.id] = Spot(module, file, part.annotation)
        yield from found.items()

    def _is_record(self, module: str, file: str, node: ast.ClassDef, depth: int = 0) -> bool:
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = self._text.external(Spot(module, file, called)) or ""
            if name.rpartition(".")[2] == "dataclass":
                return True
        for base in node.bases if depth < 20 else ():
            spot = Spot(module, file, base)
            if self._text.external(spot) in _RECORDS:
                return True
            above = self._text.class_of(spot)
            if above is not None and self._is_record(*above, depth + 1):
                return True
        return False

    def _library(self, spot: Spot) -> str | None:
        """Which library's table is annotated (also in a list); 'list' for a list of rows."""
        spot = self._type(spot)
        found = None
        if isinstance(spot.node, ast.Subscript):
            if self._head(spot) not in _LISTS:
                return None
            found = "list"
            spot = self._type(spot._replace(node=elements(spot.node.slice)[0]))
        elif (self._text.builtin(spot) or self._text.external(spot)) in _LISTS:
            return "list"
        top = (self._text.external(spot) or "").partition(".")[0]
        return top if top in ("polars", "pyarrow") else found if top != "pandas" else None

    def _type(self, spot: Spot) -> Spot:
        """`T` of `Annotated[T, ...]` and of what `_inner` looks through."""
        spot = self._inner(spot)
        while isinstance(spot.node, ast.Subscript) and self._head(spot) in _ANNOTATED:
            spot = self._inner(spot._replace(node=elements(spot.node.slice)[0]))
        return spot

    # --- one annotation -----------------------------------------------------------------

    def _inner(self, spot: Spot) -> Spot:
        """`T` of `Optional[T]`, `T | None`, `Required[T]`."""
        while True:
            spot = self._text.unaliased(spot)
            node = spot.node
            if isinstance(node, ast.Subscript) and self._head(spot) in _WRAPPERS:
                spot = spot._replace(node=elements(node.slice)[0])
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
                sides = [side for side in (node.left, node.right) if not _is_none(side)]
                if len(sides) != 1:
                    return spot
                spot = spot._replace(node=sides[0])
            else:
                return spot

    def _head(self, spot: Spot) -> str | None:
        node = spot.node
        assert isinstance(node, ast.Subscript)
        head = spot._replace(node=node.value)
        return self._text.external(head) or self._text.builtin(head)

    def _one(self, spot: Spot, name: str, returned: bool) -> Declared | None:
        """The artifact of an annotation `Annotated[T, Dep(...)]`; None where there is none."""
        found: list[tuple[Any, Spot]] = []
        line = spot.where
        spot = self._inner(spot)
        while isinstance(spot.node, ast.Subscript) and self._head(spot) in _ANNOTATED:
            kind, *metadata = elements(spot.node.slice)
            for part in metadata:
                artifact = self._artifact(spot._replace(node=part))
                if artifact is not None:
                    found.append((artifact, spot._replace(node=part)))
            spot = self._inner(spot._replace(node=kind))
        if not found:
            return None
        if len(found) > 1:
            raise ConfigError(f"'{name}' declares two artifacts", hint="keep one", where=line)
        artifact, place = found[0]
        return self._lowered(name, artifact, spot, place, returned)

    def _artifact(self, spot: Spot) -> Any:
        """The Dep or Out that a part of an annotation's metadata is; None for anything else."""
        known = self._text.unaliased(spot)
        if isinstance(known.node, ast.Constant):
            return None
        called = known.node.func if isinstance(known.node, ast.Call) else known.node
        name = self._text.external(known._replace(node=called))
        if name is None or name.partition(".")[0] != "pivot":
            return None
        if not isinstance(known.node, ast.Call):
            last = name.rpartition(".")[2]
            if isinstance(getattr(artifacts, last, None), type):
                raise ConfigError(
                    f"{last} is declared without a path",
                    hint=f'write {last}("PATH")',
                    where=spot.where,
                )
            return None
        value = self._text.value(known)
        declared = (artifacts.Dep, artifacts.Out, artifacts.PlaceholderDep)
        return value if isinstance(value, declared) else None

    def _lowered(
        self, name: str, artifact: Any, kind: Spot, place: Spot, returned: bool
    ) -> Declared:
        if returned and not isinstance(artifact, artifacts.Out):
            raise ConfigError(
                f"{type(artifact).__name__} is declared for what is returned",
                hint="deps are parameters; what is returned is an Out",
                where=place.where,
            )
        if not returned and name == "params":
            raise ConfigError("the parameter 'params' receives the params", where=place.where)
        by_path = self._is_path(kind, text=not returned)
        given = artifact.loader
        loader: str | None = None
        options: Mapping[str, Any] = {}
        if isinstance(given, _Own):
            loader, options = self.own(given.instance)
        elif given is not None:
            loader, options = given.format, given.options
            _check_options(options, place.where)
        plain_out = isinstance(artifact, artifacts.Out) and not isinstance(
            artifact, artifacts.IncrementalOut
        )
        if plain_out and not returned:
            if loader not in (None, files.PATH):
                raise ConfigError(
                    f"'{name}' is an out and a parameter, so its path arrives",
                    hint="drop the loader, which is for what is returned",
                    where=place.where,
                )
            loader = None
        elif loader is None and not by_path and not isinstance(artifact, artifacts.PlaceholderDep):
            loader = self._by_suffix(artifact, place.where)
        return Declared(
            name, artifact, None if loader == files.PATH else loader, options, place.where, returned
        )

    def _by_suffix(self, artifact: Any, where: Where) -> str:
        if isinstance(artifact, artifacts.DirectoryOut):
            return files.AUTO
        path = artifact.path if isinstance(artifact.path, str) else artifact.path[0]
        try:
            return files.by_suffix(path)
        except LoaderError as error:
            raise ConfigError(
                str(error), hint="pivot.loaders has them; of a Path the path arrives", where=where
            ) from None

    def _is_path(self, kind: Spot, *, text: bool) -> bool:
        """Whether an annotated type asks for the path: `Path`, None, with `text` `str`; lists of
        the first and last.
        """
        node = kind.node
        if _is_none(node):
            return True
        if isinstance(node, ast.Subscript):
            head = self._head(kind)
            if head not in _LISTS:
                return head in _PATHS
            kind = self._inner(kind._replace(node=elements(node.slice)[0]))
        name = self._text.external(kind) or self._text.builtin(kind)
        return name in _PATHS or (text and name == "str")

    def own(self, made: Instance) -> tuple[str, Mapping[str, Any]]:
        """(name, options) of a loader of the project's; positional arguments get their names."""
        options = dict(made.keywords)
        if made.arguments:
            names = self._parameters(made.module, made.name)
            if len(made.arguments) > len(names):
                raise ConfigError(
                    f"the arguments of {made.name}(...) have no names that could be read",
                    hint="write them as keywords",
                    where=made.where,
                )
            for name, value in zip(names, made.arguments, strict=False):
                if name in options:
                    raise ConfigError(f"{made.name} is given '{name}' twice", where=made.where)
                options[name] = value
        _check_options(options, made.where)
        return f"{made.module}:{made.name}", options

    def _parameters(self, module: str, name: str, depth: int = 0) -> list[str]:
        """The names of the positional parameters of a class of the project, `self` left out."""
        place = self._text.statement(module, name)
        if place is None or not isinstance(place[1], ast.ClassDef) or depth > 20:
            return []
        node = place[1]
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                return [item.arg for item in [*part.args.posonlyargs, *part.args.args]][1:]
        if self._is_record(module, place[0], node):
            return [field_name for field_name, _ in self._fields(module, place[0], node)]
        for base in node.bases:
            above = self._text.class_of(Spot(module, place[0], base))
            if above is not None:
                return self._parameters(above[0], above[2].name, depth + 1)
        return []


def loading_of(loader: Any, text: Text, where: Where) -> tuple[str, Mapping[str, Any]]:
    """(name, options) of a loader that was read. Raises ConfigError, SourceError."""
    if isinstance(loader, _Own):
        return _Function(text, loader.instance.module, where.file, _NOTHING).own(loader.instance)
    _check_options(loader.options, where)
    return loader.format, loader.options


_NOTHING = ast.FunctionDef("nothing", ast.arguments([], [], None, [], [], None, []), [], [])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _check_options(options: Mapping[str, Any], where: Where) -> None:
    """Options cross to the worker and enter keys as plain values."""
    for name, value in options.items():
        if not _is_plain(value):
            raise SourceError(
                f"the option {name}={value!r} of a loader is no plain value",
                hint="use texts, numbers, lists and mappings; a loader of your own can hold more",
                where=where,
            )


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (str, int, float, bool, bytes))


def path_text(value: Any) -> Any:
    """A declared value with paths as texts."""
    return str(value) if isinstance(value, PurePosixPath) else value
