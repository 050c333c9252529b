"""The values that stages track in params files, and what `-S` does to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

from ..errors import ConfigError
from ..model import Stage
from ..tree import Tree
from .binding import ALL_PARAMS, last_part
from .compiled import dump_value, load_value
from .composition import Override, apply_overrides, overrides_of
from .keypaths import MISSING, find_key, split_path


class ValueCache(Protocol):
    """Where parsed params files may be kept, by the digest of their bytes."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


class ParamsReader:
    """Tracked values of stages; each params file is read and parsed once."""

    def __init__(
        self, tree: Tree, overrides: Sequence[Override] = (), cache: ValueCache | None = None
    ) -> None:
        self._tree = tree
        self._overrides = tuple(overrides)
        self._cache = cache
        self._files: dict[str, Any] = {}
        self._bytes: dict[str, bytes | None] = {}  # what they were parsed from

    def values(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """`{file: {key: value}}`, a whole file as `{"": value}`; what does not exist is absent.

        Raises ConfigError for a file that cannot be parsed.
        """
        found: dict[str, dict[str, Any]] = {}
        for tracked in stage.params_files:
            value = self.file(tracked.path)
            if value is MISSING:
                continue
            if tracked.keys is None:
                found[tracked.path] = {"": value}
                continue
            keys = {}
            for key in tracked.keys:
                item = find_key(value, key)
                if item is not MISSING:
                    keys[key] = item
            found[tracked.path] = keys
        return found

    def missing(self, stage: Stage) -> tuple[tuple[str, str], ...]:
        """(file, key) that do not exist; each key of a file that is not there, "" if whole."""
        absent: list[tuple[str, str]] = []
        for tracked in stage.params_files:
            value = self.file(tracked.path)
            for key in tracked.keys or ("",):
                gone = value is MISSING if not key else find_key(value, key) is MISSING
                if gone:
                    absent.append((tracked.path, key))
        return tuple(absent)

    def file(self, path: str) -> Any:
        """The effective value of a params file; keypaths.MISSING where there is none."""
        if path not in self._files:
            self._files[path] = self._read(path)
        value = self._files[path]
        if isinstance(value, ConfigError):
            raise value
        return value

    def forget(self, path: str) -> None:
        """Read a file again when next asked: something wrote it."""
        self._files.pop(path, None)

    def changed(self, stage: Stage) -> str | None:
        """A params file in which a tracked value is no longer what `values` said of it."""
        paths = [file.path for file in stage.params_files]
        if all(self._tree.read(path) == self._bytes.get(path) for path in paths):
            return None
        now = ParamsReader(self._tree, self._overrides).values(stage)
        then = self.values(stage)
        return next((path for path in paths if now.get(path) != then.get(path)), None)

    def _read(self, path: str) -> Any:
        data = self._bytes[path] = self._tree.read(path)
        if data is None:
            return MISSING
        try:
            value = self._parse(data, path)
        except ConfigError as error:
            return error
        return apply_overrides(value, overrides_of(path, self._overrides))

    def _parse(self, data: bytes, path: str) -> Any:
        if self._cache is None:
            return _load(data, path)
        # 1.5 ms to import, and loaded by digests anyway
        import xxhash

        suffix = path.rpartition(".")[2].lower()
        key = f"{suffix}:{xxhash.xxh3_128_hexdigest(data)}"
        kept = self._cache.get(key)
        if kept is not None:
            value = load_value(kept)
            if value is not MISSING:
                return value
        value = _load(data, path)
        self._cache.put(key, dump_value(value))
        return value


def _load(data: bytes, path: str) -> Any:
    # the YAML reader is not needed where parsed values are kept
    from .paramfiles import load_params_file

    value = load_params_file(data, path)
    return {} if value is None else value


def conflicting_overrides(
    stages: Iterable[Stage],
    overrides: Sequence[Override],
    takes: Callable[[Stage], Collection[str] | None] = lambda _: None,
) -> tuple[tuple[Stage, str, str], ...]:
    """(stage, file, key) where an override cannot reach the stage, which reads the file itself.

    Those are commands that track the key (one above or below it, or the whole file), python
    stages that have the file among their deps as well, and those whose function takes neither
    the key nor `params`. `takes` tells the names that a stage's function takes (None: unknown,
    and then taken for granted); see `taken_names`.
    """
    found: dict[tuple[str, str, str], tuple[Stage, str, str]] = {}
    for stage in stages:
        deps = {dep.path for dep in stage.deps}
        for tracked in stage.params_files:
            for override in overrides_of(tracked.path, overrides):
                keys = tracked.keys if tracked.keys is not None else (None,)
                for key in keys:
                    if key is not None and not _overlap(key, override.key):
                        continue
                    if stage.is_python and tracked.path not in deps:
                        names = takes(stage)
                        if names is None or ALL_PARAMS in names:
                            continue
                        if key is not None and last_part(key) in names:
                            continue
                    place = (stage.name, tracked.path, override.key)
                    found[place] = (stage, tracked.path, override.key)
    return tuple(found.values())


def _overlap(one: str, other: str) -> bool:
    first, second = split_path(one) or (one,), split_path(other) or (other,)
    shared = min(len(first), len(second))
    return first[:shared] == second[:shared]
