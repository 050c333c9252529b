"""What `${}` can name: params.yaml beside the file, the file's vars, a stage's own vars."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError, Where, did_you_mean
from ..tree import Tree, join
from .composition import DEFAULT_FILE, Layer, Override, apply_overrides, compose, overrides_of
from .discovery import DVC_FILE, PIVOT_FILE, is_dvc_file
from .keypaths import MISSING, find_key, hint_for, split_path
from .marks import Marks
from .paramfiles import load_params_file
from .templating import has_expression


@dataclass(frozen=True, slots=True)
class Context:
    """Composed values, the layers they came from, and the files already loaded (None: whole)."""

    values: Mapping[Any, Any]
    layers: tuple[Layer, ...]
    loaded: Mapping[str, frozenset[str] | None]


class Params:
    """Params files of one tree, each read and parsed once, overrides applied."""

    def __init__(self, tree: Tree, overrides: Sequence[Override] = ()) -> None:
        self.tree = tree
        self.overrides = tuple(overrides)
        self.used: set[Override] = set()
        self._parsed: dict[str, Any] = {}

    def read(self, file: str) -> Any:
        """The effective value of a params file; MISSING where there is none.

        Raises ConfigError where it cannot be parsed, each time it is asked.
        """
        known = self._parsed.get(file)
        if known is None:
            known = self._parsed[file] = self._read(file)
        if isinstance(known, ConfigError):
            raise known
        return known

    def _read(self, file: str) -> Any:
        data = self.tree.read(file)
        if data is None:
            return MISSING
        try:
            value = load_params_file(data, file)
        except ConfigError as error:
            return error
        if value is None:
            value = {}
        return apply_overrides(value, overrides_of(file, self.overrides), self.used)

    def inline(self, values: Mapping[Any, Any]) -> Any:
        """A mapping of a `vars` list with overrides applied."""
        unnamed = tuple(override for override in self.overrides if override.file is None)
        return apply_overrides(values, unnamed, self.used) if unnamed else values


def file_context(params: Params, folder: str, raw: Any, marks: Marks) -> Context:
    """The context of a pipeline file in `folder`, whose `vars` list is `raw`."""
    default = join(folder, DEFAULT_FILE)
    value = params.read(default)
    if is_dvc_file(marks.file):
        value = _with_text_keys(value)
    layers: list[Layer] = []
    loaded: dict[str, frozenset[str] | None] = {}
    if value is not MISSING:
        layers.append(Layer(default, _mapping(value, default, Where(default)), Where(default)))
        loaded[default] = None
    empty = Context(layers[0].values if layers else {}, tuple(layers), loaded)
    return extended(params, empty, folder, raw, marks, "vars")


def extended(
    params: Params,
    context: Context,
    folder: str,
    raw: Any,
    marks: Marks,
    owner: str,
    reserved: Collection[str] = (),
) -> Context:
    """`context` with the items of a `vars` list over it; files are relative to `folder`.

    Of a stage that `foreach` or `matrix` made, `reserved` are the names they gave. Raises
    ConfigError where an item cannot be read, or redefines a leaf or one of these.
    """
    if not raw:
        return context
    layers = list(context.layers)
    loaded = dict(context.loaded)
    for index, item in enumerate(raw):
        where = marks.inside(raw, index)
        if has_expression(item):
            raise ConfigError(
                f"{owner}[{index}]: ${{}} is not allowed in vars",
                where=where,
                hint="vars hold values and file names as they are",
            )
        if isinstance(item, Mapping):
            inline = params.inline(item)
            inline = _with_text_keys(inline) if is_dvc_file(marks.file) else inline
            layers.append(Layer(f"{owner}[{index}]", inline, where))
            continue
        as_dvc = is_dvc_file(marks.file)
        layer = _file_layer(params, folder, str(item), where, loaded, as_dvc=as_dvc)
        if layer is not None:
            layers.append(layer)
    for layer in layers[len(context.layers) :]:
        for name in reserved:
            if name in layer.values:
                raise ConfigError(
                    f"{layer.name} defines '{name}', which foreach and matrix define",
                    hint="choose another name",
                    where=layer.where,
                )
    return Context(compose(layers), tuple(layers), loaded)


def _file_layer(
    params: Params,
    folder: str,
    text: str,
    where: Where,
    loaded: dict[str, frozenset[str] | None],
    *,
    as_dvc: bool,
) -> Layer | None:
    name, _, listed = text.partition(":")
    path = join(folder, name)
    keys = [key for key in listed.split(",") if key]
    if as_dvc:
        _check_repetition(path, text, keys, loaded, where)
    else:
        keys = [key.strip() for key in keys if key.strip()]
    if path in loaded and loaded[path] is None:
        return None  # whole already: params.yaml named in vars, a file named twice
    value = params.read(path)
    if value is MISSING:
        near = [
            entry
            for entry, is_dir in params.tree.list(path.rpartition("/")[0] or ".")
            if not is_dir and entry not in (PIVOT_FILE, DVC_FILE)
        ]
        raise ConfigError(
            f"vars file '{name}' does not exist"
            + (f" (looked for {path})" if path != name else ""),
            hint=did_you_mean(path.rpartition("/")[2], near),
            where=where,
        )
    values = _mapping(_with_text_keys(value) if as_dvc else value, path, where)
    before = loaded.get(path) or frozenset()
    if not keys:
        loaded[path] = None
        return Layer(path, {k: v for k, v in values.items() if str(k) not in before}, where)
    picked: dict[Any, Any] = {}
    for key in keys:
        # DVC knows names of the top alone here, and no paths
        found = values.get(key, MISSING) if as_dvc else find_key(values, key)
        parts = (key,) if key in values else split_path(key)
        if found is MISSING or parts is None:
            raise ConfigError(
                f"vars: {path} has no key '{key}'",
                hint=hint_for(values, split_path(key) or (key,)),
                where=where,
            )
        if key in before:
            continue
        into = picked
        for part in parts[:-1]:
            into = into.setdefault(part, {})
        into[parts[-1]] = found
    loaded[path] = before | frozenset(keys)
    return Layer(path, picked, where)


def _with_text_keys(value: Any) -> Any:
    """A value without keys that are no texts, which DVC's expressions do not see."""
    if isinstance(value, Mapping):
        return {key: _with_text_keys(item) for key, item in value.items() if isinstance(key, str)}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value


def _check_repetition(
    path: str,
    text: str,
    keys: list[str],
    loaded: Mapping[str, frozenset[str] | None],
    where: Where,
) -> None:
    """Raise ConfigError where DVC will not read a file of vars again."""
    if path not in loaded:
        return
    before = loaded[path]
    if before is None and keys:
        problem = f"'{text}' takes part of what is loaded as a whole already"
    elif before is not None and (not keys or before & set(keys)):
        problem = f"'{text}' loads again what is loaded in part already"
    else:
        return
    raise ConfigError(f"vars: {problem}", hint="name each file once, or each key once", where=where)


def _mapping(value: Any, file: str, where: Where) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        kind = "a list" if isinstance(value, list) else "one value"
        raise ConfigError(f"{file} holds {kind}; vars need a mapping of names", where=where)
    return value
