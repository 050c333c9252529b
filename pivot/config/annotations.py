"""What the annotations of one function declare, as YAML would say it.

`Annotated[T, Dep(...)]` and the like, in parameters and in what is returned: a single value, or the
fields of a TypedDict, NamedTuple or dataclass.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..declare import artifacts
from ..declare.formats import files
from ..declare.formats.errors import LoaderError
from ..errors import ConfigError, Where
from ..source.reading import Spot, Text, elements
from .loader_names import loading_of
from .records import fields, is_record

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


class Annotations:
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
        self._check_defaults()
        for item in [*given.posonlyargs, *given.args, *given.kwonlyargs]:
            if item.annotation is None:
                continue
            self._check_place(item.arg, item.annotation, "annotation")
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

    def _check_defaults(self) -> None:
        """Raise ConfigError for an artifact as a default, which declares nothing."""
        given = self._node.args
        positional = [*given.posonlyargs, *given.args]
        late = positional[len(positional) - len(given.defaults) :]
        for item, default in (
            *zip(late, given.defaults, strict=True),
            *zip(given.kwonlyargs, given.kw_defaults, strict=True),
        ):
            if default is not None:
                self._check_place(item.arg, default, "default")

    def _check_place(self, name: str, node: ast.expr, place: str) -> None:
        """Raise ConfigError where `node` is an artifact itself, and not in `Annotated[...]`."""
        spot = Spot(self._module, self._file, node)
        artifact = self._artifact(spot) if isinstance(node, ast.Call) else None
        if artifact is not None:
            kind = type(artifact).__name__
            raise ConfigError(
                f"parameter '{name}' has {kind}(...) as its {place}, where it declares nothing",
                hint=f"write {name}: Annotated[TYPE, {kind}(...)]",
                where=spot.where,
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
        named = list(fields(self._text, found))
        outs = [item for item in (self._one(s, name, True) for name, s in named) if item]
        if outs:
            names = {item.name for item in outs}
            self._silent = {name: place.where for name, place in named if name not in names}
        if outs and not is_record(self._text, found):
            raise ConfigError(
                f"{found[2].name} declares outs, and is no TypedDict, NamedTuple or dataclass",
                hint="make it one of these",
                where=Where(found[1], found[2].lineno),
            )
        yield from outs

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
        if given is not None:
            loader, options = loading_of(given, self._text, place.where)
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


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
