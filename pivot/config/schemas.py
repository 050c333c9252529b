"""The schemas, and their complaints in words: where, what, and what was probably meant."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..errors import (
    ConfigError,
    InstallationError,
    PivotError,
    Where,
    did_you_mean,
    shown_value,
)
from .marks import Marks

NAMES = (
    "pivot",
    "dvc",
    "lock",
    "config",
    "list",
    "status",
    "dag",
    "events",
    "impact",
    "verify",
)

_HERE = os.path.dirname(os.path.abspath(__file__))
#: In a wheel the schemas lie inside the package, in a checkout beside it.
_FOLDERS = (
    os.path.join(os.path.dirname(_HERE), "_schemas"),
    os.path.join(os.path.dirname(os.path.dirname(_HERE)), "schemas"),
)
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
#: Keys of earlier DVC versions, and what became of them.
_LEGACY = {
    "live": "DVC dropped it; list its files under metrics and plots",
    "outs_no_cache": "write outs: [{path: {cache: false}}]",
    "metrics_no_cache": "write metrics: [{path: {cache: false}}]",
    "plots_no_cache": "write plots: [{path: {cache: false}}]",
    "outs_persist": "write outs: [{path: {persist: true}}]",
    "outs_persist_no_cache": "write outs: [{path: {persist: true, cache: false}}]",
    "md5": "a stage of DVC before 1.0; run `dvc repro` of that version, or write it anew",
}
_PIVOT_KEYS = ("python", "mutex", "resources", "timeout", "env", "code", "preload")


def schema_names() -> tuple[str, ...]:
    """The names of all schemas."""
    return NAMES


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of that name (a fresh copy). Raises PivotError for an unknown name."""
    import json  # 5 ms, and only what the fast check does not recognise comes here

    if name not in NAMES:
        hint = did_you_mean(name, NAMES) or "known: " + ", ".join(NAMES)
        raise PivotError(f"there is no schema '{name}'", hint=hint)
    for folder in _FOLDERS:
        path = os.path.join(folder, f"{name}.schema.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                loaded: dict[str, Any] = json.load(stream)
            return loaded
    raise InstallationError(f"the schema '{name}' is not installed", hint="reinstall Pivot")


class _UnknownKey(ConfigError):
    """A key that is none: what it should have been is then not missing as well."""


@cache
def _validator(name: str) -> Any:
    # 52-96 ms to import; a pipeline of common shapes never needs it
    import jsonschema

    return jsonschema.Draft202012Validator(schema(name))


def validate(value: Any, name: str, marks: Marks | None, file: str) -> list[ConfigError]:
    """Everything that schema `name` holds against `value`, in order of the file."""
    return [error for _, error in complaints(value, name, marks, file)]


def complaints(
    value: Any, name: str, marks: Marks | None, file: str
) -> list[tuple[tuple[Any, ...], ConfigError]]:
    """As `validate`, each with the path of what it is about."""
    places = marks or Marks(file, value)
    found: list[tuple[tuple[Any, ...], ConfigError]] = []
    value = _text_keys_only(value, (), places, found)
    for error in _validator(name).iter_errors(value):
        found.extend(_words(error, (), places, name))
    unknown = {path[:-1] for path, complaint in found if isinstance(complaint, _UnknownKey)}
    unique: dict[str, tuple[tuple[Any, ...], ConfigError]] = {}
    for path, complaint in found:
        if path in unknown and " needs " in complaint.message:
            continue  # a misspelt key is said once
        unique.setdefault(str(complaint), (path, complaint))
    return sorted(unique.values(), key=lambda item: _order(item[1]))


def _order(error: ConfigError) -> tuple[int, int]:
    return (error.where.line, error.where.column) if error.where else (0, 0)


def _text_keys_only(
    value: Any,
    path: tuple[Any, ...],
    marks: Marks,
    found: list[tuple[tuple[Any, ...], ConfigError]],
) -> Any:
    """`value` without keys that are no texts down to the stages' own, each of them an error."""
    if not isinstance(value, Mapping) or len(path) > 2 or (path and path[0] != "stages"):
        return value
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(key, str):
            kept[key] = _text_keys_only(item, (*path, key), marks, found)
        else:
            here = (*path, key)
            what = f"{_owner(path)}the key {shown_value(key)} is not a text"
            where = marks.where(here, key=True)
            found.append((here, ConfigError(what, hint=f'write "{key}"', where=where)))
    return kept


def _words(
    error: Any, above: tuple[Any, ...], marks: Marks, name: str
) -> Iterator[tuple[tuple[Any, ...], ConfigError]]:
    path = (*above, *error.relative_path) if above else tuple(error.absolute_path)
    keyword = error.validator
    if keyword == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for key in error.instance:
            if key not in known and (name == "dvc" or not str(key).startswith("x-")):
                here = (*path, key)
                yield here, _unknown_key(key, known, path, marks, name)
        return
    if keyword == "oneOf" and not isinstance(error.instance, Mapping):
        return  # which keys it should have does not matter: its type is complained of
    if keyword == "anyOf" and not isinstance(error.instance, str):
        branch = _fitting_branch(error)
        if branch:
            for inner in branch:
                yield from _words(inner, path, marks, name)
            return
    yield (
        path,
        ConfigError(*_sentence(error, path), hint=_hint(error), where=_place(error, path, marks)),
    )


def _fitting_branch(error: Any) -> list[Any]:
    """The errors of the one alternative that has the value's own type."""
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    for errors in branches.values():
        if not any(
            inner.validator in ("type", "enum", "anyOf") and not inner.relative_path
            for inner in errors
        ):
            return errors
    return []


def _sentence(error: Any, path: tuple[Any, ...]) -> tuple[str]:
    keyword, value = error.validator, error.instance
    subject = _owner(path) + _inner(path)
    if keyword == "required":
        missing = [key for key in error.validator_value if key not in value]
        return (f"{subject or 'the file'}".rstrip(": ") + f": needs '{missing[0]}'",)
    if keyword == "oneOf":
        needs = [entry["required"][0] for entry in error.validator_value]
        both = all(key in value for key in needs)
        said = f"has both {' and '.join(needs)}" if both else f"needs {' or '.join(needs)}"
        return (f"{subject.rstrip(': ')}: {said}",)
    if keyword in ("minLength", "minItems", "minProperties") or value in ("", [], {}):
        return (f"{subject} is empty",)
    if subject.endswith(": "):
        return (f"{subject}its definition is a mapping, not {shown_value(value)}",)
    if keyword == "enum":
        expected = " or ".join(str(choice) for choice in error.validator_value)
    else:
        expected = _expected(error)
    return (f"{subject or 'the file'} takes {expected}, not {shown_value(value)}",)


def _hint(error: Any) -> str | None:
    value = error.instance
    if error.validator == "required" and isinstance(value, Mapping):
        missing = [key for key in error.validator_value if key not in value]
        return did_you_mean(missing[0], [str(key) for key in value])
    if error.validator == "oneOf":
        needs = [entry["required"][0] for entry in error.validator_value]
        if all(key in value for key in needs):
            return "keep one of the two"
        return None
    choices = list(error.schema.get("enum", ()))
    for branch in error.schema.get("anyOf", ()):
        choices.extend(branch.get("enum", ()))
    if choices and isinstance(value, str):
        return did_you_mean(value, [str(choice) for choice in choices])
    expected = _expected(error)
    scalar = isinstance(value, (datetime.date, int, float)) and not isinstance(value, bool)
    if scalar and expected.startswith(("a text", "a path", "a key", "a name", "a column")):
        return "quote it where a text is meant"
    if isinstance(value, str) and "list" in expected:
        return f"write [{value}]" if value and not set(value) & set("[]{},\n") else None
    if value in ("yes", "no", "on", "off") and "true or false" in expected:
        return "write true or false"
    return None


def _expected(error: Any) -> str:
    said = error.schema.get("x-expects")
    if said:
        return str(said)
    wanted = error.schema.get("type")
    if wanted:
        kinds = wanted if isinstance(wanted, list) else [wanted]
        return " or ".join(_TYPES[kind] for kind in kinds)
    return "something else"


def _unknown_key(
    key: Any, known: list[str], path: tuple[Any, ...], marks: Marks, name: str
) -> ConfigError:
    where = marks.where((*path, key), key=True)
    owner = _owner(path) + (f"{_inner(path)}: " if _inner(path) else "")
    if str(key) in _LEGACY and path[:1] == ("stages",):
        hint: str | None = _LEGACY[str(key)]
        return _UnknownKey(f"{owner}'{key}' is no longer a key", hint=hint, where=where)
    if name == "dvc" and key in _PIVOT_KEYS and len(path) == 2:
        hint = "rename the file to pivot.yaml to use it (`pivot migrate`)"
        return _UnknownKey(
            f"{owner}'{key}' is a key of pivot.yaml; DVC does not know it", hint=hint, where=where
        )
    if key == "do" and len(path) == 2:
        return _UnknownKey(f"{owner}'do' needs 'foreach'", hint="add foreach: [...]", where=where)
    hint = did_you_mean(str(key), known) or ("known: " + ", ".join(known) if known else None)
    return _UnknownKey(f"{owner}unknown key '{key}'", hint=hint, where=where)


def _place(error: Any, path: tuple[Any, ...], marks: Marks) -> Where:
    whole = error.validator in ("required", "oneOf")
    if not path:
        return Where(marks.file, 1, 1)
    return marks.where(path, key=whole)


def _owner(path: tuple[Any, ...]) -> str:
    return f"stage '{path[1]}': " if len(path) >= 2 and path[0] == "stages" else ""


def _inner(path: tuple[Any, ...]) -> str:
    rest = path[2:] if len(path) >= 2 and path[0] == "stages" else path
    text = ""
    for step in rest:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
