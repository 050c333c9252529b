"""What a command runs and names -> closures of Python code, and files that count by text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import xxhash

from ..errors import SourceError
from ..model import OpaqueReference, Stage, Symbol
from ..source.locate import split_with
from ..tree import is_within, join, parent
from . import scripts
from .closure import Closure, Start
from .commands import CommandReader
from .contexts import Context, Contexts
from .program import Program
from .programs import Action

#: Files named by a command count by content below this size; larger ones are data.
LARGEST = 1024 * 1024


class Execution(NamedTuple):
    """The code behind a command. `files` are symbols by label."""

    closures: tuple[Closure, ...]
    contexts: tuple[Context, ...]
    files: dict[str, Symbol]
    opaque: tuple[OpaqueReference, ...]


class Executions:
    """Reads commands; what several stages run is read once."""

    def __init__(
        self,
        contexts: Contexts,
        code_roots: tuple[str, ...] = (),
        tracked: Callable[[str], bool] | None = None,
    ) -> None:
        self.contexts = contexts
        self.sources = contexts.sources
        self._code_roots = code_roots
        self._tracked = tracked
        self._reader = CommandReader(self.sources.reader, self._console_scripts)
        # with what they rest on
        self._closures: dict[tuple[object, ...], tuple[tuple[Closure, Context], int]] = {}
        self._console: dict[str, str] | None = None

    def of(self, stage: Stage) -> Execution:
        """Everything behind the stage's command. Raises SourceError for code that is broken."""
        found = _Collected(stage, (*stage.roots, *self._code_roots))
        for action in self._reader.read(stage):
            self._perform(action, found)
        return Execution(
            tuple(found.closures), tuple(found.contexts), found.files, tuple(found.opaque)
        )

    def _perform(self, action: Action, found: _Collected) -> None:
        match action.kind:
            case "script":
                self._script(action, found)
            case "whole":
                self._named_python(action, found)
            case "module":
                self._module(action, found)
            case "entry":
                self._entry(action, found)
            case "code":
                self._code(action, found)
            case "notebook":
                self._notebook(action, found)
            case "r":
                self._r(action.what, action.cwd, found)
            case "shell":
                self._text(action.what, scripts.shell_text, found)
            case "sql":
                self._text(action.what, scripts.sql_text, found)
            case "file":
                self._file(action.what, found)

    # --- Python ------------------------------------------------------------------------

    def _script(self, action: Action, found: _Collected) -> None:
        path = action.what
        if self.sources.tree.kind(path) == "dir":
            self.sources.reader.is_folder(path)  # that it is one counts
            path = join(path, "__main__.py")
        if not self.sources.reader.is_file(path):
            found.missing(path)
            return
        roots = (parent(path), *action.path, *found.roots)
        self._run("script", path, path, roots, found)

    def _named_python(self, action: Action, found: _Collected) -> None:
        """A Python file handed to some program (pytest, a tool of one's own): all of it counts.

        No one says that the program runs it: where it cannot be read as Python, its bytes count.
        """
        path = action.what
        top, module = parent(path), path.rpartition("/")[2].removesuffix(".py")
        while top != "." and self.sources.reader.is_file(join(top, "__init__.py")):
            top, module = parent(top), f"{top.rpartition('/')[2]}.{module}"
        try:
            if "." in module:
                self._run("whole", module, path, (top, *action.path, *found.roots), found)
            else:
                self._run("whole", path, path, (top, *action.path, *found.roots), found)
        except SourceError as error:
            found.note(f"{path}, whose code cannot be read: {error.message}", path)
            self._file(path, found)

    def _run(
        self, kind: str, module: str, file: str, roots: tuple[str, ...], found: _Collected
    ) -> None:
        key = (kind, module, roots)
        known = self._closures.get(key)
        if known is None:
            context = self.contexts.of(roots, module, file)

            def starts(program: Program) -> list[Start]:
                above = module.rpartition(".")[0] if module != file else ""
                nodes = [Start(program.node("import", module))]
                if kind == "whole":
                    nodes.append(Start(program.node("whole", module)))
                if above:
                    nodes.append(Start(program.node("import", above)))
                return nodes

            closure, bits = self.sources.reader.traced(context.close, starts)
            known = self._closures[key] = ((closure, context), bits)
        else:
            self.sources.reader.used |= known[1]
        found.add(*known[0])

    def _module(self, action: Action, found: _Collected) -> None:
        roots = (action.cwd, *action.path, *found.roots)
        module = action.what
        modules = self.sources.modules(tuple(dict.fromkeys(roots)))
        location = modules.find(module)
        if location is not None and location.is_package:
            module += ".__main__"
            location = modules.find(module)
        if location is not None and location.kind == "module":
            self._run("module", module, location.file, roots, found)

    def _entry(self, action: Action, found: _Collected) -> None:
        """A console script of the project itself: `name = "package.module:function"`."""
        roots = found.roots
        target = split_with(self.sources.modules(roots), action.what)
        if target is None:
            return
        module, qualname = target
        context = self.contexts.of(roots)
        first = qualname.partition(".")[0]

        def starts(program: Program) -> list[Start]:
            nodes = program.leading_to(program.names.attribute(module, first))
            return [Start(node) for node in [*nodes, program.node("import", module)]]

        found.add(context.close(starts), context)

    def _code(self, action: Action, found: _Collected) -> None:
        data = action.what.encode("utf-8", "surrogatepass")
        name = f"<command {xxhash.xxh3_64_hexdigest(data)}>"
        try:
            self.sources.add(name, data)
        except SourceError:
            found.note("code that only the shell can complete")
            return
        roots = (action.cwd, *action.path, *found.roots)
        self._run("code", name, name, roots, found)

    def _notebook(self, action: Action, found: _Collected) -> None:
        path = action.what
        data = self.sources.reader.read(path)
        read = scripts.notebook(data) if data is not None else None
        if data is None or read is None:
            self._file(path, found)
            return
        rest = read.rest
        if read.python is not None:
            try:
                self.sources.add(path, read.python.encode("utf-8", "surrogatepass"))
            except SourceError:
                rest = f"{read.python}\n{rest}"
                found.note(f"cells of {path} that are not plain Python", path)
            else:
                roots = (action.cwd, parent(path), *action.path, *found.roots)
                self._run("notebook", path, path, roots, found)
        found.file(path, f"notebook {rest}")

    # --- other files -------------------------------------------------------------------

    def _text(self, path: str, normal: Callable[[str], str], found: _Collected) -> str | None:
        data = self.sources.reader.read(path)
        if data is None:
            found.missing(path)
            return None
        text = data.decode("utf-8", "surrogateescape")
        found.file(path, normal(text))
        return text

    def _r(self, path: str, cwd: str, found: _Collected) -> None:
        if f"file:{path}" in found.files:
            return
        text = self._text(path, scripts.r_text, found)
        for name in scripts.r_sources(text) if text is not None else ():
            places = [join(cwd, name), join(parent(path), name), name]
            place = next((item for item in places if self.sources.reader.is_file(item)), None)
            if place is not None:
                self._r(place, cwd, found)

    def _file(self, path: str, found: _Collected) -> None:
        reader = self.sources.reader
        reader.note(path)
        signature = reader.seen.get(path)
        if isinstance(signature, tuple) and len(signature) > 2 and signature[2] >= LARGEST:
            return  # (mtime, ctime, size, ...): data, without reading it
        if self._tracked is not None and not self._tracked(path):
            return
        data = reader.read(path)
        if data is not None and len(data) < LARGEST:
            digest = xxhash.xxh3_128_hexdigest(data)[:16]
            found.files[f"file:{path}"] = Symbol(digest, path, 1)

    def _console_scripts(self) -> dict[str, str]:
        self.sources.reader.note("pyproject.toml")
        if self._console is None:
            self._console = _console_scripts(self.sources.reader.read("pyproject.toml"))
        return self._console


class _Collected:
    """What has been found behind one command so far."""

    def __init__(self, stage: Stage, roots: tuple[str, ...]) -> None:
        self.stage = stage
        self.roots = roots  # searched after a script's own folder and PYTHONPATH
        self.closures: list[Closure] = []
        self.contexts: list[Context] = []
        self.files: dict[str, Symbol] = {}
        self.opaque: list[OpaqueReference] = []

    def add(self, closure: Closure, context: Context) -> None:
        self.closures.append(closure)
        self.contexts.append(context)

    def file(self, path: str, text: str) -> None:
        digest = xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogateescape"))[:16]
        self.files[f"file:{path}"] = Symbol(digest, path, 1)

    def missing(self, path: str) -> None:
        """A script that is not there (yet): another stage may make it."""
        if any(is_within(path, dep.path) for dep in self.stage.deps):
            return
        self.files[f"file:{path}"] = Symbol("0" * 16, path, 0)
        self.note(f"there is no file {path} (yet)")

    def note(self, what: str, file: str | None = None) -> None:
        self.opaque.append(OpaqueReference(what, file or self.stage.written_in, self.stage.line))


def _console_scripts(data: bytes | None) -> dict[str, str]:
    """The commands that `pyproject.toml` declares: name -> 'module:function'."""
    if data is None:
        return {}
    import tomllib  # only where a command is none of the programs known here

    try:
        content = tomllib.loads(data.decode("utf-8"))
    except (ValueError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for table in (content.get("project"), content.get("tool", {}).get("poetry")):
        declared = table.get("scripts") if isinstance(table, dict) else None
        for name, target in declared.items() if isinstance(declared, dict) else ():
            text = target.get("reference") if isinstance(target, dict) else target
            if isinstance(text, str):
                found[name] = text.partition("[")[0].strip()
    return found
