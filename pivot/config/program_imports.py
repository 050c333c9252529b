"""Which other modules a pipeline.py imports, read off its text where its stages cannot be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..errors import SourceError
from ..source.reading import Text
from .declarations import DeclarationReader
from .discovery import PROGRAM_FILE, imports_us, names_us

_FROM = re.compile(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import\b([^#\n]*)", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([^#\n]+)", re.MULTILINE)
_STEM = PROGRAM_FILE.removesuffix(".py")


def brings_stages(
    reader: DeclarationReader, roots: tuple[str, ...], file: str, module: str
) -> bool:
    """Whether the module at `file` imports from one of the project that may declare stages."""
    texts = map(reader.text_of, _imported(reader, roots, file, module))
    return any(imports_us(data) and names_us(data) for data in texts)


def imported_programs(
    reader: DeclarationReader, roots: tuple[str, ...], file: str, module: str
) -> set[str]:
    """The files called pipeline.py that `file` imports, itself or by others of them."""
    found: set[str] = set()
    waiting = [(file, module)]
    while waiting:
        for path, name in _imported(reader, roots, *waiting.pop()).items():
            if path.rpartition("/")[2] == PROGRAM_FILE and path not in found | {file}:
                found.add(path)
                waiting.append((path, name))
    return found


def _imported(
    reader: DeclarationReader, roots: tuple[str, ...], file: str, module: str
) -> dict[str, str]:
    """The files of the project from which the module at `file` imports, by name of module."""
    text = reader.text(roots)
    try:
        names = set(_named(text, module, reader.tree_of(file)))
    except SourceError:
        names = set(_told(reader.text_of(file).decode("utf-8", "replace")))
    places = {name: text.names.find(name) for name in names - {module}}
    return {place.file: name for name, place in places.items() if place and place.file != file}


def _named(text: Text, module: str, tree: ast.Module) -> Iterator[str]:
    """The modules that import statements name, and those that define what is imported."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        for alias in node.names:
            if isinstance(node, ast.Import):
                yield alias.name
            meaning = text.meaning(module, alias.asname or alias.name)
            if meaning.kind in ("symbol", "module"):
                yield meaning.module


def _told(text: str) -> Iterator[str]:
    """The modules that lines of a text which cannot be parsed may import."""
    for found in _FROM.finditer(text):
        yield found[1]
        yield f"{found[1]}.{_STEM}"
        yield from (f"{found[1]}.{name}" for name in re.findall(r"\w+", found[2]))
    for found in _IMPORT.finditer(text):
        yield from re.findall(r"[\w.]+", found[1])
