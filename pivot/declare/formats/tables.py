"""Tables in csv, tsv, parquet and feather files, by the library that the stage works with."""

from __future__ import annotations

import csv
import importlib
from typing import Any

from . import kinds
from .errors import LoaderError

FORMATS = ("csv", "feather", "parquet", "tsv")

_LIBRARIES = ("pandas", "polars", "pyarrow")
#: What pandas reads and writes a format by: one of these.
_ENGINES = {"feather": ("pyarrow",), "parquet": ("pyarrow", "fastparquet")}
#: How polars calls a format.
_POLARS = {"feather": "ipc", "parquet": "parquet"}

Options = Any  # a dict by name; older interpreters cannot say so at run time


def load(kind: str, path: str, options: Options, annotation: Any) -> Any:
    """The table at `path` as the annotated class; without one a pandas frame where pandas is
    installed, else (csv, tsv) a list of dicts. Raises LoaderError for what has to be installed.
    """
    library = _library(kind, annotation)
    if library == "list":
        if kind not in ("csv", "tsv"):
            raise LoaderError(
                f"a {kind} file does not load as a list; annotate the parameter with a table"
            )
        return _load_rows(path, {**_delimiter(kind, "delimiter"), **options})
    module = _need(library, kind)
    if library == "pandas":
        _need_engine(kind)
        name = "csv" if kind in ("csv", "tsv") else kind
        read, write = getattr(module, "read_" + name), getattr(module.DataFrame, "to_" + name)
        options = kinds.options_for(options, read, write)
        return read(path, **{**_delimiter(kind, "sep"), **options})
    if library == "polars":
        name = _POLARS.get(kind, "csv")
        read, write = getattr(module, "read_" + name), getattr(module.DataFrame, "write_" + name)
        options = kinds.options_for(options, read, write)
        return read(path, **{**_delimiter(kind, "separator"), **options})
    return _load_arrow(kind, path, options)


def _library(kind: str, annotation: Any) -> str:
    library = kinds.library_of(annotation)
    if library in (*_LIBRARIES, "list"):
        return str(library)
    return "pandas" if _has("pandas") or kind in ("feather", "parquet") else "list"


def empty(kind: str, annotation: Any) -> Any:
    """A table without rows and columns, of the class that `load` would give."""
    library = _library(kind, kinds.bare(annotation))
    if library == "list":
        return []
    module = _need(library, kind)
    return module.table({}) if library == "pyarrow" else module.DataFrame()


def save(kind: str, path: str, value: Any, options: Options) -> None:
    """Write a pandas, polars or pyarrow table, or (csv, tsv) a list of dicts or of lists."""
    library = type(value).__module__.partition(".")[0]
    if library == "pandas":
        _save_pandas(kind, path, value, options)
    elif library == "polars":
        name = _POLARS.get(kind, "csv")
        write = getattr(type(value), "write_" + name)
        read = getattr(importlib.import_module("polars"), "read_" + name)
        options = kinds.options_for(options, write, read)
        write(value, path, **{**_delimiter(kind, "separator"), **options})
    elif library == "pyarrow":
        _save_arrow(kind, path, value, options)
    elif kind in ("csv", "tsv") and isinstance(value, (list, tuple)):
        _save_rows(path, value, {**_delimiter(kind, "delimiter"), **options})
    else:
        raise TypeError(
            "a table is expected (pandas, polars, pyarrow{}), not {}".format(
                ", a list of dicts" if kind in ("csv", "tsv") else "", type(value).__name__
            )
        )


def _delimiter(kind: str, option: str) -> Options:
    return {option: "\t"} if kind == "tsv" else {}


def _has(module: str) -> bool:
    import importlib.util

    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _need(library: str, kind: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as error:
        if (error.name or library).partition(".")[0] != library:
            raise
        extra = " and pyarrow" if kind in _ENGINES and library == "pandas" else ""
        raise LoaderError(
            f"the {kind} loader needs {library}: "
            f"install {library}{extra} into the project's environment"
        ) from None


def _need_engine(kind: str) -> None:
    """Raise LoaderError where pandas alone cannot read and write the format."""
    if kind in _ENGINES and not any(map(_has, _ENGINES[kind])):
        raise LoaderError(
            f"with pandas, the {kind} loader needs pyarrow: "
            "install pyarrow into the project's environment"
        )


def _save_pandas(kind: str, path: str, value: Any, options: Options) -> None:
    _need_engine(kind)
    name = "csv" if kind in ("csv", "tsv") else kind
    read = getattr(importlib.import_module("pandas"), "read_" + name)
    options = kinds.options_for(options, getattr(type(value), "to_" + name, None), read)
    if kind in ("csv", "tsv"):
        # the row numbers that pandas would add come back as a column without a name
        value.to_csv(path, **{**_delimiter(kind, "sep"), "index": False, **options})
        return
    if type(value).__name__ == "Series":
        value = value.to_frame()
    getattr(value, "to_" + kind)(path, **options)


def _load_arrow(kind: str, path: str, options: Options) -> Any:
    if kind == "parquet":
        module = importlib.import_module("pyarrow.parquet")
        options = kinds.options_for(options, module.read_table, module.write_table)
        return module.read_table(path, **options)
    if kind == "feather":
        module = importlib.import_module("pyarrow.feather")
        options = kinds.options_for(options, module.read_table, module.write_feather)
        return module.read_table(path, **options)
    module = importlib.import_module("pyarrow.csv")
    options = kinds.options_for(options, module.read_csv, module.write_csv)
    if kind == "tsv":
        options = {"parse_options": module.ParseOptions(delimiter="\t"), **options}
    return module.read_csv(path, **options)


def _save_arrow(kind: str, path: str, value: Any, options: Options) -> None:
    if kind == "parquet":
        module = importlib.import_module("pyarrow.parquet")
        options = kinds.options_for(options, module.write_table, module.read_table)
        module.write_table(value, path, **options)
    elif kind == "feather":
        module = importlib.import_module("pyarrow.feather")
        options = kinds.options_for(options, module.write_feather, module.read_table)
        module.write_feather(value, path, **options)
    else:
        module = importlib.import_module("pyarrow.csv")
        options = kinds.options_for(options, module.write_csv, module.read_csv)
        if kind == "tsv":
            options = {"write_options": module.WriteOptions(delimiter="\t"), **options}
        module.write_csv(value, path, **options)


def _load_rows(path: str, options: Options) -> Any:
    encoding = options.pop("encoding", "utf-8")
    with open(path, encoding=encoding, newline="") as stream:
        return list(csv.DictReader(stream, **options))


def _save_rows(path: str, rows: Any, options: Options) -> None:
    encoding = options.pop("encoding", "utf-8")
    with open(path, "w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, **{"lineterminator": "\n", **options})
        if rows and all(isinstance(row, dict) for row in rows):
            columns = list(dict.fromkeys(key for row in rows for key in row))
            writer.writerow(columns)
            writer.writerows([row.get(column, "") for column in columns] for row in rows)
        else:
            writer.writerows(rows)
