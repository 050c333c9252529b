"""Reading and writing files as objects, by the name of a loader."""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import json
import os
from typing import Any

from . import tables
from .failures import StageError

#: Loader by suffix, for what is declared without one.
SUFFIXES = {
    ".arrow": "feather",
    ".csv": "csv",
    ".feather": "feather",
    ".joblib": "joblib",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "text",
    ".ndjson": "jsonl",
    ".npy": "numpy",
    ".npz": "numpy",
    ".parquet": "parquet",
    ".pickle": "pickle",
    ".pkl": "pickle",
    ".pq": "parquet",
    ".toml": "toml",
    ".tsv": "tsv",
    ".txt": "text",
    ".yaml": "yaml",
    ".yml": "yaml",
}

Options = Any  # a dict by name; older interpreters cannot say so at run time


def by_suffix(path: str) -> str:
    """The loader that a file's suffix asks for. Raises StageError where it asks for none."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise StageError(
            "no loader is known for '{}'; name one: {}".format(path, ", ".join(sorted(LOADERS)))
        )
    return SUFFIXES[suffix]


def load(loader: str, path: str, options: Options, annotation: Any = None) -> Any:
    """The object in the file at `path`. Raises StageError for what the user has to install,
    and whatever reading raises.
    """
    if loader in tables.FORMATS:
        return tables.load(loader, path, options, annotation)
    return _of(loader)[0](path, options)


def save(loader: str, path: str, value: Any, options: Options) -> None:
    """Write `value` to the file at `path`. Raises as `load` does."""
    if loader in tables.FORMATS:
        tables.save(loader, path, value, options)
    else:
        _of(loader)[1](path, value, options)


def _of(loader: str) -> Any:
    if loader not in LOADERS:
        raise StageError(
            "there is no loader '{}'; there are: {}".format(loader, ", ".join(sorted(LOADERS)))
        )
    return LOADERS[loader]


def need(module: str, install: str, loader: str) -> Any:
    """The imported module. Raises StageError that names what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if (error.name or module).partition(".")[0] != module.partition(".")[0]:
            raise
        raise StageError(
            "the {} loader needs {}: install {} into the project's environment".format(
                loader, module.partition(".")[0], install
            )
        ) from None


# --- text and bytes -------------------------------------------------------------------------


def _load_text(path: str, options: Options) -> str:
    with open(path, encoding=options.get("encoding", "utf-8"), newline="") as stream:
        return stream.read()


def _save_text(path: str, value: Any, options: Options) -> None:
    if not isinstance(value, str):
        raise TypeError(f"text is expected, not {type(value).__name__}")
    with open(path, "w", encoding=options.get("encoding", "utf-8"), newline="") as stream:
        stream.write(value)


def _load_bytes(path: str, _: Options) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def _save_bytes(path: str, value: Any, _: Options) -> None:
    with open(path, "wb") as stream:
        stream.write(value)


# --- JSON, YAML, TOML -----------------------------------------------------------------------


def plain(value: Any) -> Any:
    """What JSON has no word for, as the nearest it has: NumPy scalars and arrays, paths, dates,
    dataclasses, pydantic models, sets. Raises TypeError for the rest.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    for method in ("model_dump", "tolist"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _load_json(path: str, options: Options) -> Any:
    with open(path, encoding="utf-8") as stream:
        return json.load(stream, **options)


def _save_json(path: str, value: Any, options: Options) -> None:
    text = json.dumps(value, **{"indent": 2, "default": plain, **options})
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")


def _load_jsonl(path: str, options: Options) -> Any:
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line, **options) for line in stream if line.strip()]


def _save_jsonl(path: str, value: Any, options: Options) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        for item in value:
            stream.write(json.dumps(item, **{"default": plain, **options}) + "\n")


def _normal(value: Any) -> Any:
    """`value` of builtin types alone, for writers that take no `default`."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, dict):
        return {_normal(key): _normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normal(item) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value
    return _normal(plain(value))


def _load_yaml(path: str, _: Options) -> Any:
    yaml = need("yaml", "pyyaml", "yaml")
    with open(path, encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def _save_yaml(path: str, value: Any, options: Options) -> None:
    yaml = need("yaml", "pyyaml", "yaml")
    text = yaml.safe_dump(_normal(value), **{"sort_keys": False, "allow_unicode": True, **options})
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _load_toml(path: str, options: Options) -> Any:
    try:
        toml = importlib.import_module("tomllib")
    except ImportError:  # before Python 3.11
        toml = need("tomli", "tomli", "toml")
    with open(path, "rb") as stream:
        return toml.load(stream, **options)


def _save_toml(path: str, value: Any, options: Options) -> None:
    text = need("tomli_w", "tomli-w", "toml").dumps(_normal(value), **options)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


# --- objects --------------------------------------------------------------------------------


def _load_pickle(path: str, options: Options) -> Any:
    import pickle

    with open(path, "rb") as stream:
        return pickle.load(stream, **options)  # noqa: S301 - the project's own file


def _save_pickle(path: str, value: Any, options: Options) -> None:
    import pickle

    with open(path, "wb") as stream:
        pickle.dump(value, stream, **options)


def _load_joblib(path: str, options: Options) -> Any:
    return need("joblib", "joblib", "joblib").load(path, **options)


def _save_joblib(path: str, value: Any, options: Options) -> None:
    need("joblib", "joblib", "joblib").dump(value, path, **options)


def _load_numpy(path: str, options: Options) -> Any:
    loaded = need("numpy", "numpy", "numpy").load(path, **options)
    if not hasattr(loaded, "files"):
        return loaded
    with loaded as archive:
        return {name: archive[name] for name in archive.files}


def _save_numpy(path: str, value: Any, options: Options) -> None:
    numpy = need("numpy", "numpy", "numpy")
    with open(path, "wb") as stream:  # by name it would append a suffix
        if isinstance(value, dict):
            numpy.savez(stream, **value)
        else:
            numpy.save(stream, value, **options)


LOADERS: dict[str, Any] = {
    "bytes": (_load_bytes, _save_bytes),
    "csv": None,
    "feather": None,
    "joblib": (_load_joblib, _save_joblib),
    "json": (_load_json, _save_json),
    "jsonl": (_load_jsonl, _save_jsonl),
    "numpy": (_load_numpy, _save_numpy),
    "parquet": None,
    "pickle": (_load_pickle, _save_pickle),
    "text": (_load_text, _save_text),
    "toml": (_load_toml, _save_toml),
    "tsv": None,
    "yaml": (_load_yaml, _save_yaml),
}
