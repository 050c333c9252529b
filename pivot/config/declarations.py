"""What functions' signatures declare, read off their text and never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ..errors import PivotError
from ..source import EntryPoint, Sources, find_entry
from ..source.names import Names
from ..source.reading import Text, Trees
from .annotations import Annotations, Declarations
from .ours import exists, make


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

    def text_of(self, file: str) -> bytes:
        """The text of a file. Raises SourceError."""
        return self._sources.read(file)

    def text(self, roots: tuple[str, ...]) -> Text:
        """What reads modules on an import path."""
        if roots not in self._texts:
            self._texts[roots] = Text(Names(self._sources, roots), self._trees, make, exists)
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
        return Annotations(text, point.module, *found).declarations()

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
            # a default that declares nothing is refused, see `Annotations`
            defaults = unit.refs if not all(p.required for p in point.signature.parameters) else ()
            if any(self._is_ours(text, point.module, chain) for chain in defaults):
                return True
        return any(item.name == "params" and item.annotation for item in point.signature.parameters)

    def _is_ours(self, text: Text, module: str, chain: str) -> bool:
        """Whether a name is Pivot's."""
        found = text.names.resolve(module, chain)
        return any(t.kind == "external" and t.module.partition(".")[0] == "pivot" for t in found)

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
