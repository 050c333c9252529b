"""The stages of a pipeline.py as definitions that YAML could have held, read or had run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError, PivotError, Where, did_you_mean
from ..source import Sources
from ..tree import Tree, join, parent, relative
from .declarations import DeclarationReader
from .discovery import names_us
from .evaluation import NotLiteral
from .instances import with_instances
from .marks import Marks
from .program_imports import brings_stages
from .programs import Entry, read_program

_DOLLAR = re.compile(r"\$\{")


@dataclass(frozen=True, slots=True)
class Executed:
    """What running a pipeline.py gave: its stages, and what they depend on.

    `sources` are Tree signatures of files that it read and of its code; where `keeps` is false it
    depends on more (variables of the environment), and has to be asked for again each time.
    """

    entries: Sequence[Entry]
    sources: Mapping[str, Any]
    keeps: bool = True


#: (file, import path, module) -> its stages, by running it. Raises PivotError.
RunProgram = Callable[[str, tuple[str, ...], str], Executed]


@dataclass(frozen=True, slots=True)
class Definition:
    """One stage of a pipeline.py: what YAML's `stages` would hold, with the places of its lines."""

    name: str
    body: Mapping[str, Any]
    marks: Marks
    line: int


@dataclass(frozen=True, slots=True)
class Program:
    """All stages of one pipeline.py. `executed` is how they were found, where by running it.

    `problems` are what is wrong with single stages, by their names.
    """

    definitions: tuple[Definition, ...]
    problems: tuple[tuple[str, PivotError], ...] = ()
    executed: Executed | None = None


def named_in_pyproject(tree: Tree) -> tuple[str, Where] | None:
    """The pipeline file that `[tool.pivot]` in pyproject.toml names. Raises ConfigError."""
    data = tree.read("pyproject.toml")
    if data is None or b"tool.pivot" not in data:
        return None
    import tomllib  # 5 ms; only where there is such a table

    try:
        content = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"it is not TOML: {error}", where=Where("pyproject.toml")) from None
    table = content.get("tool", {}).get("pivot", {})
    if not isinstance(table, dict):
        return None
    lines = data.decode("utf-8").splitlines()

    def place(key: str) -> Where:
        begun = next((n for n, text in enumerate(lines) if "tool.pivot" in text), 0)
        found = (
            n
            for n, text in enumerate(lines, 1)
            if n > begun and text.lstrip(" '\"").startswith(key)
        )
        return Where("pyproject.toml", next(found, 0))

    for key in table:
        if key != "pipeline":
            raise ConfigError(
                f"[tool.pivot] has the unknown key '{key}'",
                hint=did_you_mean(key, ["pipeline"])
                or "it takes `pipeline`; all other settings are those of `pivot config`",
                where=place(key),
            )
    if not table:
        return None
    value, where = table["pipeline"], place("pipeline")
    if not isinstance(value, str) or not value.endswith((".py", ".yaml", ".yml")):
        raise ConfigError(
            f"[tool.pivot] pipeline takes the path of a .py or .yaml file, not {value!r}",
            where=where,
        )
    path = join(".", value)
    if tree.kind(path) != "file":
        raise ConfigError(f"[tool.pivot] names '{value}', which is not there", where=where)
    return path, where


def read_program_file(
    sources: Sources,
    reader: DeclarationReader,
    path: str,
    roots: tuple[str, ...],
    run: RunProgram | None,
) -> Program | None:
    """The stages of the pipeline at `path`; where they cannot be read, `run` is asked for them.

    None for a module that imports Pivot for something else: it neither names what declares stages
    nor imports from a module that does. Raises PivotError where the stages cannot be known, or one
    is wrong.
    """
    module = module_of(sources, roots, path)
    if not names_us(sources.read(path)) and not brings_stages(reader, roots, path, module):
        return None
    executed: Executed | None = None
    try:
        entries: Sequence[Entry] = read_program(reader, roots, path, module)
    except NotLiteral as error:
        if run is None:
            why = error.error
            raise ConfigError(
                f"its stages are known only by running it, which is not done here: {why.message}",
                hint="stages registered with literals can be read",
                where=why.where,
            ) from None
        executed = run(path, roots, module)
        entries = executed.entries
    definitions: list[Definition] = []
    problems: list[tuple[str, PivotError]] = []
    for entry in entries:
        try:
            settled = with_instances(entry, reader.text(roots))
            definitions.append(_definition(settled, path, sources, roots))
        except PivotError as error:
            problems.append((entry.name, error))
    return Program(tuple(definitions), tuple(problems), executed)


def module_of(sources: Sources, roots: tuple[str, ...], path: str) -> str:
    """The name by which the stages' import path knows a file. Raises ConfigError."""
    for root in roots:
        inside = relative(path, root)
        if inside.startswith("..") or not inside.endswith(".py"):
            continue
        module = inside.removesuffix(".py").replace("/", ".")
        found = sources.modules(roots).find(module)
        if found is not None and found.file == path:
            return module
    raise ConfigError(
        "it cannot be imported under its name",
        hint="another module of that name comes first, or its name is no identifier",
        where=Where(path),
    )


def _definition(entry: Entry, path: str, sources: Sources, roots: tuple[str, ...]) -> Definition:
    found = sources.modules(roots).find(entry.module)
    dotted = (
        found is not None
        and sources.modules(roots).find(f"{entry.module}.{entry.qualname.partition('.')[0]}")
        is None
    )
    text = f"{entry.module}{'.' if dotted else ':'}{entry.qualname}"
    body: dict[str, Any] = {"python": text, **_literal(dict(entry.body))}
    folder = parent(path)
    if entry.folder != folder:
        body["wdir"] = relative(join(entry.folder, str(body.get("wdir", "."))), folder)
    return Definition(entry.name, body, _marks(entry, body), entry.line)


def _literal(value: Any) -> Any:
    """A value in which `${` means itself, as it does in Python."""
    if isinstance(value, str):
        return _DOLLAR.sub(r"\\${", value)
    if isinstance(value, dict):
        return {_literal(key): _literal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_literal(item) for item in value]
    return value


class _Mark:
    """A place that is known by its line."""

    __slots__ = ("column", "line")

    def __init__(self, line: int) -> None:
        self.line = line - 1
        self.column = -1


def _marks(entry: Entry, body: Mapping[str, Any]) -> Marks:
    """Places of a definition: everything stands where it was registered."""
    mark = _Mark(entry.line)
    places: dict[int, dict[Any, tuple[Any, Any]]] = {}

    def note(value: Any) -> None:
        if isinstance(value, dict):
            places[id(value)] = dict.fromkeys(value, (mark, mark))
            for item in value.values():
                note(item)
        elif isinstance(value, list):
            places[id(value)] = dict.fromkeys(range(len(value)), (mark, mark))
            for item in value:
                note(item)

    whole = {"stages": {entry.name: body}}
    note(whole)
    return Marks(entry.file, whole, places)
