"""Reading and writing files as objects, by the name of a loader."""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from . import kinds, tables
from .errors import LoaderError

#: Loader by suffix, for what is declared without one.
SUFFIXES = {
    ".arrow": "feather",
    ".csv": "csv",
    ".feather": "feather",
    ".joblib": "joblib",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "text",
    ".gif": "image",
    ".jpeg": "image",
    ".jpg": "image",
    ".ndjson": "jsonl",
    ".npy": "numpy",
    ".npz": "numpy",
    ".parquet": "parquet",
    ".pickle": "pickle",
    ".png": "image",
    ".pkl": "pickle",
    ".pq": "parquet",
    ".tiff": "image",
    ".toml": "toml",
    ".tsv": "tsv",
    ".txt": "text",
    ".webp": "image",
    ".yaml": "yaml",
    ".yml": "yaml",
}

#: The loader that leaves the file to the stage: its path arrives, nothing is saved.
PATH = "path"
#: The loader that each file's suffix asks for.
AUTO = "auto"

Options = Any  # a dict by name; older interpreters cannot say so at run time


def by_suffix(path: str) -> str:
    """The loader that a file's suffix asks for. Raises LoaderError where it asks for none."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in SUFFIXES:
        raise LoaderError(
            "no loader is known for '{}'; name one: {}".format(path, ", ".join(sorted(LOADERS)))
        )
    return SUFFIXES[suffix]


def load(loader: str, path: str, options: Options, annotation: Any = None) -> Any:
    """The object in the file at `path`. Raises LoaderError for what the user has to install,
    and whatever reading raises.
    """
    if loader == AUTO:
        loader = by_suffix(path)
    if loader in tables.FORMATS:
        return tables.load(loader, path, options, annotation)
    return _of(loader).load(path, options)


def save(loader: str, path: str, value: Any, options: Options) -> None:
    """Write `value` to the file at `path`. Raises as `load` does."""
    if loader == AUTO:
        loader = by_suffix(path)
    if loader in tables.FORMATS:
        tables.save(loader, path, value, options)
    else:
        _of(loader).save(path, value, options)


def empty(loader: str, annotation: Any = None) -> Any:
    """What stands for a file that is not there yet: an empty value of the annotated type."""
    if loader in tables.FORMATS:
        return tables.empty(loader, annotation)
    return kinds.empty_of(kinds.bare(annotation), _of(loader).empty())


class _Format(NamedTuple):
    """One way to read and write files."""

    load: Callable[[str, Options], Any]
    save: Callable[[str, Any, Options], None]
    empty: Callable[[], Any]


def _of(loader: str) -> Any:
    if loader not in LOADERS:
        raise LoaderError(
            "there is no loader '{}'; there are: {}".format(loader, ", ".join(sorted(LOADERS)))
        )
    return LOADERS[loader]


def need(module: str, install: str, loader: str) -> Any:
    """The imported module. Raises LoaderError that names what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if (error.name or module).partition(".")[0] != module.partition(".")[0]:
            raise
        raise LoaderError(
            "the {} loader needs {}: install {} into the project's environment".format(
                loader, module.partition(".")[0], install
            )
        ) from None


def _nothing() -> None:
    return None


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
        return json.load(stream, **kinds.options_for(options, json.load, json.dumps))


def _save_json(path: str, value: Any, options: Options) -> None:
    options = kinds.options_for(options, json.dumps, json.load)
    text = json.dumps(value, **{"indent": 2, "default": plain, **options})
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")


def _load_jsonl(path: str, options: Options) -> Any:
    options = kinds.options_for(options, json.loads, json.dumps)
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line, **options) for line in stream if line.strip()]


def _save_jsonl(path: str, value: Any, options: Options) -> None:
    options = kinds.options_for(options, json.dumps, json.loads)
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
        return toml.load(stream, **{k: v for k, v in options.items() if k == "parse_float"})


def _save_toml(path: str, value: Any, options: Options) -> None:
    options = {name: option for name, option in options.items() if name != "parse_float"}
    text = need("tomli_w", "tomli-w", "toml").dumps(_normal(value), **options)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


# --- objects --------------------------------------------------------------------------------


def _load_pickle(path: str, options: Options) -> Any:
    import pickle

    with open(path, "rb") as stream:
        options = kinds.options_for(options, pickle.load, pickle.dump)
        return pickle.load(stream, **options)  # noqa: S301 - the project's own file


def _save_pickle(path: str, value: Any, options: Options) -> None:
    import pickle

    with open(path, "wb") as stream:
        pickle.dump(value, stream, **kinds.options_for(options, pickle.dump, pickle.load))


def _load_joblib(path: str, options: Options) -> Any:
    joblib = need("joblib", "joblib", "joblib")
    return joblib.load(path, **kinds.options_for(options, joblib.load, joblib.dump))


def _save_joblib(path: str, value: Any, options: Options) -> None:
    joblib = need("joblib", "joblib", "joblib")
    joblib.dump(value, path, **kinds.options_for(options, joblib.dump, joblib.load))


def _load_numpy(path: str, options: Options) -> Any:
    numpy = need("numpy", "numpy", "numpy")
    loaded = numpy.load(path, **kinds.options_for(options, numpy.load, numpy.save))
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
            numpy.save(stream, value, **kinds.options_for(options, numpy.save, numpy.load))


# --- pictures -------------------------------------------------------------------------------


def _load_image(path: str, options: Options) -> Any:
    image = need("PIL.Image", "pillow", "image").open(path, **_formats(options))
    image.load()  # the file may be gone by the time somebody looks
    return image


def _formats(options: Options) -> Options:
    return {name: value for name, value in options.items() if name == "formats"}


def _save_image(path: str, value: Any, options: Options) -> None:
    if not hasattr(value, "save"):  # an array
        value = need("PIL.Image", "pillow", "image").fromarray(value)
    value.save(path, **{name: item for name, item in options.items() if name != "formats"})


def _load_figure(path: str, _: Options) -> Any:
    raise LoaderError(f"'{path}' holds a drawn figure, which cannot be loaded; load it as an image")


def _save_figure(path: str, value: Any, options: Options) -> None:
    figure = value if hasattr(value, "savefig") else getattr(value, "figure", value)
    if not hasattr(figure, "savefig"):
        raise TypeError(f"a matplotlib figure or axes is expected, not {type(value).__name__}")
    # the time of drawing would make every run's file another
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    metadata = dated.get(os.path.splitext(path)[1].lower())
    figure.savefig(path, **{**({"metadata": metadata} if metadata else {}), **options})


# --- what is left to the stage --------------------------------------------------------------


def _load_path(path: str, _: Options) -> Any:
    return pathlib.Path(path)


def _save_path(path: str, _value: Any, _: Options) -> None:
    raise TypeError(f"the stage writes '{path}' itself")


LOADERS: dict[str, Any] = {
    AUTO: None,
    "bytes": _Format(_load_bytes, _save_bytes, bytes),
    "csv": None,
    "feather": None,
    "figure": _Format(_load_figure, _save_figure, _nothing),
    "image": _Format(_load_image, _save_image, _nothing),
    "joblib": _Format(_load_joblib, _save_joblib, _nothing),
    "json": _Format(_load_json, _save_json, dict),
    "jsonl": _Format(_load_jsonl, _save_jsonl, list),
    "numpy": _Format(_load_numpy, _save_numpy, _nothing),
    "parquet": None,
    PATH: _Format(_load_path, _save_path, _nothing),
    "pickle": _Format(_load_pickle, _save_pickle, _nothing),
    "text": _Format(_load_text, _save_text, str),
    "toml": _Format(_load_toml, _save_toml, dict),
    "tsv": None,
    "yaml": _Format(_load_yaml, _save_yaml, dict),
}
