"""Where modules lie: Python's import search, on a Tree and a list of roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from ..tree import Tree, join, parent

_Made = TypeVar("_Made")

#: In every interpreter before any path is searched; a project file cannot stand in for them.
_UNSHADOWABLE_NAMES = (
    "sys builtins time itertools marshal gc errno posix os io abc codecs site stat zipimport "
    "atexit faulthandler signal _thread encodings genericpath posixpath"
)
_UNSHADOWABLE = frozenset(_UNSHADOWABLE_NAMES.split())
_EXTENSIONS = (".so", ".pyd")
_SOURCES = (".py", *_EXTENSIONS)
#: How the keys of `Reader.seen` end where the entries of a folder count: those of code, or all.
_CODE = "//"
_ALL = "///"


class Location(NamedTuple):
    """One importable module: its file ('' for a namespace package) and, for packages, folders."""

    module: str
    kind: Literal["module", "package", "namespace", "extension"]
    file: str
    folders: tuple[str, ...]

    @property
    def is_package(self) -> bool:
        return self.kind in ("package", "namespace")


class Reader:
    """Reads a Tree and notes what it asked for, so that caches know what they depend on.

    `seen` maps each file read or looked for to its signature (None: absent), and each folder
    looked for, written with a final slash, to whether it is there. A folder whose entries count
    is written with two slashes (names that modules may have) or three (all), and maps to its
    signature and those names.

    `used` are the keys that were asked for since `traced` began, a bit for each. Whatever keeps a
    result for later keeps what `traced` gave with it, and adds that to `used` when it serves it:
    so everything made of it knows all that it rests on, whoever asked first.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.seen: dict[str, object] = {}
        self.used = 0
        self._bits: dict[str, int] = {}
        self._folders: dict[str, tuple[object, dict[str, bool]]] = {}
        self._code: dict[str, dict[str, bool]] = {}

    def traced(self, make: Callable[..., _Made], *arguments: Any) -> tuple[_Made, int]:
        """What `make(*arguments)` gives, and the bits of all that it asked for."""
        outer, self.used = self.used, 0
        try:
            return make(*arguments), self.used
        finally:
            self.used |= outer

    def keys_of(self, bits: int) -> tuple[str, ...]:
        """The keys of `seen` that some bits stand for."""
        return tuple(key for key, bit in self._bits.items() if bits & bit and key in self.seen)

    def use(self, key: str) -> None:
        """Count `key` among what was asked for."""
        bit = self._bits.get(key)
        if bit is None:
            bit = self._bits[key] = 1 << len(self._bits)
        self.used |= bit

    def note(self, path: str) -> None:
        self.use(path)
        if path not in self.seen:
            self.seen[path] = self.tree.signature(path)

    def is_file(self, path: str) -> bool:
        self.use(path)
        folder, _, name = path.rpartition("/")
        found = self._listed(folder or ".")[1].get(name) is False
        if path not in self.seen:
            self.seen[path] = self.tree.signature(path) if found else None
        return found

    def is_folder(self, path: str) -> bool:
        if path == ".":
            return True
        folder, _, name = path.rpartition("/")
        if name == "..":
            return True
        found = self._listed(folder or ".")[1].get(name) is True
        self.use(path + "/")
        self.seen[path + "/"] = found
        return found

    def entries(self, folder: str) -> dict[str, bool]:
        """Everything in a folder: name -> whether it is a folder."""
        signature, entries = self._listed(folder)
        self.use(folder + _ALL)
        if folder + _ALL not in self.seen:
            self.seen[folder + _ALL] = (signature, _written(entries))
        return entries

    def code_entries(self, folder: str) -> dict[str, bool]:
        """Of `entries`, those whose names modules and packages may have."""
        self.use(folder + _CODE)
        found = self._code.get(folder)
        if found is None:
            signature, entries = self._listed(folder)
            found = self._code[folder] = _of_code(entries)
            self.seen.setdefault(folder + _CODE, (signature, _written(found)))
        return found

    def _listed(self, folder: str) -> tuple[object, dict[str, bool]]:
        found = self._folders.get(folder)
        if found is None:
            # the signature first: a change while listing then counts as a change
            signature = self.tree.signature(folder)
            found = self._folders[folder] = (signature, dict(self.tree.list(folder)))
        return found

    def read(self, path: str) -> bytes | None:
        self.note(path)
        return self.tree.read(path)


def unchanged(tree: Tree, seen: Mapping[str, object]) -> bool:
    """Whether every file and folder of `seen` (Reader.seen) is as it was."""
    return next(changes(tree, seen), None) is None


def changes(tree: Tree, seen: Mapping[str, object]) -> Iterator[str]:
    """The keys of `seen` (Reader.seen) that are not as they were."""
    for path, before in seen.items():
        if not path.endswith("/"):
            same = tree.signature(path) == before
        elif isinstance(before, tuple):
            same = _same_entries(tree, path, before)
        else:
            same = (tree.kind(path[:-1]) == "dir") == before
        if not same:
            yield path


def _same_entries(tree: Tree, key: str, before: tuple[Any, ...]) -> bool:
    folder = key.rstrip("/") or "/"
    signature, names = before
    if signature is not None and tree.signature(folder) == signature:
        return True
    entries = dict(tree.list(folder))
    return bool(names == _written(entries if key.endswith(_ALL) else _of_code(entries)))


def settled(seen: Mapping[str, object], is_settled: Callable[[Any], bool]) -> dict[str, object]:
    """`seen` as it may be kept: without what may still change unnoticed.

    Of folders that is their signature, which their names do without, and of files all.
    """
    kept: dict[str, object] = {}
    for path, found in seen.items():
        if isinstance(found, tuple):
            if path.endswith("/"):
                signature, names = found
                if isinstance(signature, tuple) and not is_settled(signature):
                    found = (None, names)
            elif not is_settled(found):
                continue
        kept[path] = found
    return kept


def _written(entries: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(f"{name}/" if is_folder else name for name, is_folder in entries.items())


def _of_code(entries: Mapping[str, bool]) -> dict[str, bool]:
    return {
        name: is_folder
        for name, is_folder in entries.items()
        if (name.isidentifier() and name != "__pycache__" if is_folder else name.endswith(_SOURCES))
    }


class Modules:
    """The modules importable from `roots` (project-relative folders, in order).

    Packages win over modules of the same root; folders without `__init__.py` are namespace
    packages only where no root has a module or package of that name. Never a virtual environment
    (a folder with `pyvenv.cfg`), and never the `pivot` distribution itself.
    """

    def __init__(self, reader: Reader, roots: Sequence[str]) -> None:
        self.reader = reader
        self.roots = tuple(roots)
        self._found: dict[str, tuple[Location | None, int]] = {}
        self._code: dict[str, tuple[bool, int]] = {}

    @property
    def looked_for(self) -> tuple[str, ...]:
        """The modules that were asked for, found or not."""
        return tuple(self._found)

    def find(self, module: str) -> Location | None:
        """The location of dotted `module`; None where it is not project code."""
        found = self._found.get(module)
        if found is None:
            found = self._found[module] = self.reader.traced(self._search, module)
        else:
            self.reader.used |= found[1]
        return found[0]

    def _search(self, module: str) -> Location | None:
        above, _, name = module.rpartition(".")
        if not name:
            return None
        if above:
            package = self.find(above)
            if package is None or not package.is_package:
                return None
            return self._within(module, name, package.folders)
        if name in _UNSHADOWABLE:
            return None
        found = self._within(module, name, self.roots)
        if found and name == "pivot" and found.kind == "package" and self._is_pivot(found.folders):
            return None
        return found

    def _within(self, module: str, name: str, folders: Sequence[str]) -> Location | None:
        portions = []
        for folder in folders:
            base = join(folder, name)
            if self.reader.is_file(base + "/__init__.py"):
                return Location(module, "package", base + "/__init__.py", (base,))
            binary = self._binary(folder, name)
            if binary:
                return Location(module, "extension", binary, ())
            if self.reader.is_file(base + ".py"):
                return Location(module, "module", base + ".py", ())
            if self.reader.is_folder(base) and not self.reader.is_file(base + "/pyvenv.cfg"):
                portions.append(base)
        return Location(module, "namespace", "", tuple(portions)) if portions else None

    def _binary(self, folder: str, name: str) -> str | None:
        entries = self.reader.code_entries(folder)
        if name + ".py" in entries and name + ".so" not in entries:
            # the interpreter prefers the extension, but a source beside it is what was built
            return None
        for entry, is_folder in entries.items():
            if not is_folder and entry.startswith(name + ".") and entry.endswith(_EXTENSIONS):
                return join(folder, entry)
        return None

    def _is_pivot(self, folders: Sequence[str]) -> bool:
        markers = ("fingerprint/__init__.py", "declare/__init__.py", "lockfile/__init__.py")
        return any(
            all(self.reader.is_file(join(folder, marker)) for marker in markers)
            for folder in folders
        )

    def holds_code(self, location: Location) -> bool:
        """Whether a namespace package has Python files in it or one level below.

        A data folder `datasets/` is no reason to believe that `import datasets` means it.
        """
        if location.kind != "namespace":
            return True
        known = self._code.get(location.module)
        if known is None:
            known = self._code[location.module] = self.reader.traced(self._any_python, location)
        else:
            self.reader.used |= known[1]
        return known[0]

    def _any_python(self, location: Location) -> bool:
        return any(self._has_python(folder, 1) for folder in location.folders)

    def _has_python(self, folder: str, depth: int) -> bool:
        entries = self.reader.code_entries(folder)
        if any(name.endswith(".py") and not is_dir for name, is_dir in entries.items()):
            return True
        return depth > 0 and any(
            self._has_python(join(folder, name), depth - 1)
            for name, is_dir in entries.items()
            if is_dir and name.isidentifier()
        )

    def children(self, location: Location) -> list[str]:
        """The names of the modules directly inside a package."""
        names: set[str] = set()
        for folder in location.folders:
            names.update(_module_names(self.reader, folder))
        return sorted(names)

    def top_level(self) -> list[str]:
        """The names of the modules directly below the roots."""
        names: set[str] = set()
        for root in self.roots:
            names.update(_module_names(self.reader, root))
        return sorted(names)


def _module_names(reader: Reader, folder: str) -> set[str]:
    names = set()
    for name, is_dir in reader.code_entries(folder).items():
        if is_dir and name.isidentifier() and name != "__pycache__":
            names.add(name)
        elif name.endswith(".py") and name[:-3].isidentifier() and name != "__init__.py":
            names.add(name[:-3])
    return names


def import_roots(tree: Tree, file: str, code_roots: Sequence[str]) -> tuple[str, ...]:
    """The import path of a stage defined in `file`, as project-relative folders in order.

    The folder of the file, the project root, `src/` of either (only without an `__init__.py`,
    since with one `src` is itself a package), then `code_roots`; each once.
    """
    folder = parent(file)
    roots = [folder, "."]
    for base in (folder, "."):
        source = join(base, "src")
        if tree.kind(source) == "dir" and tree.kind(source + "/__init__.py") is None:
            roots.append(source)
    roots.extend(join(".", root) for root in code_roots)
    return tuple(dict.fromkeys(roots))


def split_entry(tree: Tree, roots: Sequence[str], text: str) -> tuple[str, str] | None:
    """'a.b.c' or 'a.b:c' -> (module, qualname): the longest module prefix that exists.

    Looks only at which files exist. None where no module matches or no name is left over.
    """
    modules = Modules(Reader(tree), roots)
    return split_with(modules, text)


def split_with(modules: Modules, text: str) -> tuple[str, str] | None:
    module, colon, qualname = text.partition(":")
    if colon:
        found = modules.find(module)
        usable = found is not None and found.kind in ("module", "package") and bool(qualname)
        return (module, qualname) if usable else None
    parts = text.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:count])
        found = modules.find(module)
        if found is not None and found.kind in ("module", "package"):
            return module, ".".join(parts[count:])
    return None
