"""Completes python stages by what their functions declare, and notes what that was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..declare.formats.tables import FORMATS
from ..errors import PivotError
from ..model import Dep, Out, PythonEntry, Stage
from .binding import last_part
from .context import Params
from .keypaths import MISSING, find_key
from .param_places import place_of_param
from .recorder import Recorder

if TYPE_CHECKING:
    from ..source import Sources
    from .declarations import DeclarationReader


class TypedStages:
    """For one loading. `sources` shares what was read of modules with who else reads them."""

    def __init__(self, tree: Recorder, params: Params, sources: Sources | None = None) -> None:
        self._tree = tree
        self._params = params
        self._sources = sources
        self._reader: DeclarationReader | None = None

    def completed(self, stage: Stage) -> Stage:
        """`stage` with the artifacts and params that its function declares, YAML's over them.

        Raises PivotError for a declaration that is wrong, is not literal, or does not go with YAML.
        """
        # 15 ms to import; only where a pipeline with python stages is read anew
        from .typed import with_declared, with_libraries, with_model

        assert isinstance(stage.entry, PythonEntry)
        given: tuple[Dep | Out, ...] = (*stage.deps, *stage.outs)
        tables = any(item.loader in FORMATS for item in given)
        found = self.reader().of(stage.roots, stage.entry.text, whole=tables)
        stage = with_libraries(with_declared(stage, found), found)
        stage = with_model(
            stage, found, self._tracked, lambda *path: place_of_param(self._tree.tree, *path)
        )
        given = (*stage.deps, *stage.outs)
        own = {item.loader for item in given if item.loader and ":" in item.loader}
        return replace(stage, own_loaders=tuple(sorted(own))) if own else stage

    def note_sources(self) -> None:
        """Have the compiled pipeline depend on the modules read, but not on function bodies."""
        if self._reader is None or self._sources is None:
            return
        for path, seen in list(self._sources.seen.items()):
            if seen is not None and not path.endswith("/"):
                self._tree.sources[path + "#"] = (seen, self._skeleton(path))
        for roots, module in self._reader.modules():
            self._tree.note_module(roots, module)

    def _skeleton(self, path: str) -> str:
        from ..source.skeleton import skeleton

        try:
            return self.sources.index(path).skeleton
        except PivotError:
            return skeleton(self.sources.tree.read(path) or b"", path)

    @property
    def sources(self) -> Sources:
        """The modules that are read."""
        self.reader()
        assert self._sources is not None  # made with the reader
        return self._sources

    def reader(self) -> DeclarationReader:
        """What reads modules."""
        if self._reader is None:
            from ..source import Sources
            from .declarations import DeclarationReader

            if self._sources is None:
                self._sources = Sources(self._tree.tree)
            self._reader = DeclarationReader(self._sources)
        return self._reader

    def _tracked(self, stage: Stage) -> Mapping[str, Any] | None:
        """The values of tracked keys by the names they bind; None where some are not there."""
        found: dict[str, Any] = {}
        for file in stage.params_files:
            try:
                value = self._params.read(file.path)
            except PivotError:
                return None
            if file.keys is None:
                if not isinstance(value, Mapping):
                    return None
                found.update(value)
            for key in file.keys or ():
                item = MISSING if value is MISSING else find_key(value, key)
                if item is MISSING:
                    return None
                found[last_part(key)] = item
        return found
