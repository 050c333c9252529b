"""Values composed of layers: params.yaml, then vars, then overrides.

OmegaConf merges and updates; it is given the shape alone. Every value is held aside behind a
number and every key behind a token, so that nothing in them is interpreted: not `${}`, not
`???`, no date, no key with dots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import ConfigError, Where
from ..values import dataclass, field
from .keypaths import MISSING, child, find, hint_for, join_path, split_path

#: The params file that is read where none is named.
DEFAULT_FILE = "params.yaml"


@dataclass(frozen=True, slots=True)
class Layer:
    """A mapping to compose: what errors call it, and where it stands."""

    name: str
    values: Mapping[Any, Any]
    where: Where


@dataclass(frozen=True, slots=True)
class Override:
    """`-S [file:]key=value`; `file` is a params file's path relative to the project root.

    Without a file the key is looked for in each pipeline file's own params.yaml and vars.
    """

    file: str | None
    key: str
    value: Any = field(hash=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.key}" if self.file else self.key


def compose(layers: Sequence[Layer]) -> dict[Any, Any]:
    """All layers in one mapping. Raises ConfigError where one redefines a leaf of another."""
    result: dict[Any, Any] = {}
    origins: dict[Any, Layer] = {}
    for layer in layers:
        for key, value in layer.values.items():
            if key not in result:
                result[key] = value
                origins[key] = layer
                continue
            clash = _clash(result[key], value, (key,))
            if clash is not None:
                first = _origin(layers, clash, layer) or origins[key]
                raise ConfigError(
                    f"{layer.name} redefines '{join_path(clash)}', which {first.name} defines",
                    hint="keep one of the two; `-S key=value` overrides for one run",
                    where=layer.where,
                )
            result[key] = _merge(result[key], value)
    return result


def apply_overrides(
    value: Any, overrides: Sequence[Override], used: set[Override] | None = None
) -> Any:
    """`value` with every override whose key it has; `used` collects those that applied."""
    for override in overrides:
        path = _existing_path(value, override.key)
        if path is not None:
            value = _replace(value, path, override.value)
            if used is not None:
                used.add(override)
    return value


def overrides_of(file: str, overrides: Iterable[Override]) -> tuple[Override, ...]:
    """The overrides that may change a file: by its name, or without one any params.yaml."""
    default = file.rpartition("/")[2] == DEFAULT_FILE
    return tuple(
        override
        for override in overrides
        if (override.file == file if override.file is not None else default)
    )


def parse_override(text: str) -> Override:
    """The override written as `[file:]key=value`, the value in YAML. Raises ConfigError."""
    from .documents import load_yaml

    name, equals, written = text.partition("=")
    file, colon, key = name.rpartition(":")
    if not equals or not key.strip() or (colon and not file):
        raise ConfigError(f"'{text}' is not an override", hint="write key=value or file:key=value")
    if split_path(key) is None:
        raise ConfigError(f"'{key}' is not a key", hint="write a.b or a.b[0] before '='")
    try:
        value = load_yaml(written.encode(), name) if written.strip() else ""
    except ConfigError as error:
        raise ConfigError(
            f"-S {text}: the value is not YAML: {error.message}",
            hint="quote a text that holds signs of YAML: -S 'key=\"[a\"'",
        ) from None
    return Override(file.strip() or None, key.strip(), value)


def unknown_override(override: Override, value: Any) -> ConfigError:
    """The error for an override that names nothing in what could have held it."""
    parts = split_path(override.key) or (override.key,)
    lacks = f"{override.file} has no" if override.file else "neither params.yaml nor vars has a"
    hint = hint_for(value, parts) if isinstance(value, Mapping) and value else None
    return ConfigError(f"-S {override}: {lacks} key '{override.key}'", hint=hint)


def _clash(old: Any, new: Any, path: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The first leaf that both define."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return path
    for key, value in new.items():
        if key in old:
            found = _clash(old[key], value, (*path, key))
            if found is not None:
                return found
    return None


def _origin(layers: Sequence[Layer], path: tuple[Any, ...], until: Layer) -> Layer | None:
    for layer in layers:
        if layer is until:
            break
        value: Any = layer.values
        for key in path:
            value = value.get(key, MISSING) if isinstance(value, Mapping) else MISSING
        if value is not MISSING:
            return layer
    return None


class _Shield:
    """Keys as tokens and values as numbers, and back."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.tokens: dict[tuple[type, Any], str] = {}
        self.values: list[Any] = []

    def token(self, key: Any) -> str:
        known = self.tokens.get((type(key), key))
        if known is None:
            known = self.tokens[type(key), key] = f"k{len(self.keys)}"
            self.keys.append(key)
        return known

    def hold(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def close(self, value: Any) -> Any:
        """Mappings by their shape, all else held."""
        if isinstance(value, Mapping):
            return {self.token(key): self.close(item) for key, item in value.items()}
        return self.hold(value)

    def open(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.keys[int(token[1:])]: self.open(item) for token, item in value.items()}
        if isinstance(value, list):
            return [self.open(item) for item in value]
        return self.values[value]


def _merge(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Any:
    if not old or not new:
        return old or new
    # 60-80 ms to import; only layers that share a mapping need it
    from omegaconf import OmegaConf

    shield = _Shield()
    merged = OmegaConf.merge(
        OmegaConf.create(shield.close(old)), OmegaConf.create(shield.close(new))
    )
    return shield.open(OmegaConf.to_container(merged))


def _existing_path(value: Any, key: str) -> tuple[Any, ...] | None:
    """The keys and positions that lead to `key`, as they are in `value`."""
    if isinstance(value, Mapping) and key in value:
        return (key,)
    parts = split_path(key)
    if parts is None or find(value, parts) is MISSING:
        return None
    path: list[Any] = []
    for part in parts:
        if isinstance(value, Mapping):
            path.append(part if part in value else int(part))
        else:
            path.append(int(part) % len(value))
        value = child(value, part)
    return tuple(path)


def _replace(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    # 60-80 ms to import; only runs with -S need it
    from omegaconf import OmegaConf

    shield = _Shield()

    def close(node: Any, rest: tuple[Any, ...]) -> Any:
        if not rest:
            return shield.hold(node)
        step, *following = rest
        if isinstance(node, Mapping):
            return {
                shield.token(key): close(item, tuple(following))
                if key == step
                else shield.hold(item)
                for key, item in node.items()
            }
        return [
            close(item, tuple(following)) if index == step else shield.hold(item)
            for index, item in enumerate(node)
        ]

    closed = OmegaConf.create(close(value, path))
    address = ""
    node = value
    for step in path:
        address += f".{shield.token(step)}" if isinstance(node, Mapping) else f"[{step}]"
        node = node[step]
    OmegaConf.update(closed, address.lstrip("."), shield.hold(new))
    return shield.open(OmegaConf.to_container(closed))
