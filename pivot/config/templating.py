"""`${}` expressions: looked up in a context, kept in type when alone, rendered when embedded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import ConfigError, Where
from .keypaths import MISSING, find, hint_for, split_path

_EXPRESSION = re.compile(r"(?<!\\)\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class FlagStyle:
    """How a mapping inside a command becomes flags (`parsing.bool`, `parsing.list`)."""

    booleans: Literal["store_true", "boolean_optional"] = "store_true"
    lists: Literal["nargs", "append"] = "nargs"


@dataclass(frozen=True, slots=True)
class Scope:
    """What `${}` sees in one place, and how errors name that place."""

    values: Mapping[Any, Any]
    owner: str  # "stage 'train'", or "" at the top of a file
    flags: FlagStyle = field(default_factory=FlagStyle)
    #: 'as dvc': `${}` gives no lists and mappings; 'as items': inside texts it gives them as well
    only: Literal["", "as dvc", "as items"] = ""
    told: Callable[[tuple[str, ...]], None] | None = None  # of each expression looked up

    def resolve(self, value: Any, where: Where) -> Any:
        """`value` with every expression in it, keys included, replaced. Raises ConfigError."""
        kind = type(value)
        if kind is str:
            return self.text(value, where) if "${" in value else value
        if kind is dict:
            result: dict[Any, Any] = {}
            for key, item in value.items():
                result[self.key(key, where)] = self.resolve(item, where)
            return result
        if kind is list:
            return [self.resolve(item, where) for item in value]
        return value

    def key(self, key: Any, where: Where) -> Any:
        """A mapping key with its expressions replaced; what came of one is a text."""
        if type(key) is str and "${" in key:
            value = self.text(key, where)
            if isinstance(value, (dict, list)):
                raise self._error(f"'{key}' is a {_kind(value)}, which cannot be a key", where)
            return render(value)
        return key

    def text(self, text: str, where: Where) -> Any:
        """The value of one text: an expression alone keeps its type."""
        found = _EXPRESSION.match(text)
        if found and found.end() == len(text):
            value = self.lookup(found.group(1), where)
            if self.only == "as dvc" and isinstance(value, (Mapping, list, tuple)):
                raise self._error(
                    f"'{text}' is a {_kind(value)}, which DVC does not put there",
                    where,
                    "name an entry of it; a pivot.yaml takes lists and mappings",
                )
            return value
        return self._embed(text, where, command=False)

    def command(self, text: str, where: Where) -> Any:
        """As `text`, for a command: an embedded mapping becomes flags."""
        found = _EXPRESSION.match(text)
        if found and found.end() == len(text):
            value = self.lookup(found.group(1), where)
            return self.text(text, where) if isinstance(value, (list, tuple)) else value
        return self._embed(text, where, command=True)

    def lookup(self, expression: str, where: Where) -> Any:
        """What `${expression}` names. Raises ConfigError with the nearest known key."""
        parts = split_path(expression)
        shown = f"${{{expression}}}"
        if "${" in expression:
            raise self._error(f"'{shown}' nests expressions", where, "name the key itself")
        if parts is None:
            raise self._error(
                f"'{shown}' is not an expression", where, "write ${key}, ${a.b} or ${a.b[0]}"
            )
        value = find(self.values, parts)
        if value is MISSING:
            hint = hint_for(self.values, parts)
            if not self.values:
                hint = "there are no vars, and no params.yaml beside this file"
            raise self._error(f"'{shown}' names no known key", where, hint)
        if self.told is not None:
            self.told(parts)
        return value

    def _embed(self, text: str, where: Where, *, command: bool) -> str:
        parts: list[str] = []
        position = 0
        for found in _EXPRESSION.finditer(text):
            parts.append(_unescape(text[position : found.start()]))
            value = self.lookup(found.group(1), where)
            if isinstance(value, Mapping) and (command or self.only == "as items"):
                parts.append(self._flags(value, found.group(), where))
            elif isinstance(value, (list, tuple)) and self.only == "as items":
                parts.append(str(value))
            elif isinstance(value, (Mapping, list, tuple)):
                raise self._error(
                    f"'{found.group()}' is a {_kind(value)}, which cannot stand inside a text",
                    where,
                    "use it alone, or name an entry of it",
                )
            else:
                parts.append(render(value))
            position = found.end()
        parts.append(_unescape(text[position:]))
        return "".join(parts)

    def _flags(self, value: Mapping[Any, Any], shown: str, where: Where) -> str:
        words: list[str] = []
        for name, item in _flat(value, ""):
            flag = f"--{name}"
            if item is True:
                words.append(flag)
            elif item is False:
                if self.flags.booleans == "boolean_optional":
                    words.append(f"--no-{name}")
            elif isinstance(item, (list, tuple)):
                if any(isinstance(entry, (Mapping, list, tuple)) for entry in item):
                    raise self._error(
                        f"'{shown}' holds nested lists under '{name}', which cannot become flags",
                        where,
                    )
                quoted = [_quoted(entry) for entry in item]
                if not quoted:
                    continue
                if self.flags.lists == "append":
                    words.extend(f"{flag} {entry}" for entry in quoted)
                else:
                    words.append(" ".join([flag, *quoted]))
            else:
                words.append(f"{flag} {_quoted(item)}")
        return " ".join(words)

    def _error(self, message: str, where: Where, hint: str | None = None) -> ConfigError:
        owned = f"{self.owner}: {message}" if self.owner else message
        return ConfigError(owned, hint=hint, where=where)


def has_expression(value: Any) -> bool:
    """Whether a text (or anything in a container) holds an expression."""
    if isinstance(value, str):
        return "${" in value and _EXPRESSION.search(value) is not None
    if isinstance(value, dict):
        return any(has_expression(key) or has_expression(item) for key, item in value.items())
    return isinstance(value, list) and any(has_expression(item) for item in value)


def expressions(value: Any) -> Iterator[str]:
    """What stands in each `${}` of a text, or of the texts in a container."""
    if isinstance(value, str):
        yield from (found.group(1) for found in _EXPRESSION.finditer(value))
    elif isinstance(value, dict):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)


def sole_expression(value: Any) -> tuple[str, ...] | None:
    """The path that a text names which is one expression and nothing else."""
    found = _EXPRESSION.fullmatch(value) if isinstance(value, str) else None
    return split_path(found.group(1)) if found else None


def render(value: Any) -> str:
    """A scalar as it stands inside a text: `true` and `false` as YAML writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _unescape(text: str) -> str:
    return text.replace("\\${", "${") if "\\${" in text else text


def _flat(value: Mapping[Any, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            flat.extend(_flat(item, name + "."))
        else:
            flat.append((name, item))
    return flat


def _quoted(value: Any) -> str:
    # 3 ms to import; only mappings inside commands need it
    import shlex

    return shlex.quote(str(value))


def _kind(value: Any) -> str:
    return "mapping" if isinstance(value, Mapping) else "list"
