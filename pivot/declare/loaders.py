"""Loaders: how a file becomes the value that a stage is given, and back.

`Annotated[DataFrame, Dep("data.csv", CSV(sep=";"))]`: options go to the function of the library
that reads or writes. For tables the annotated type chooses pandas, polars or pyarrow.
A loader of one's own is a class with `load(path)` and `save(value, path)`, and `empty()` where an
IncrementalOut is to start from it; its code and the arguments it is made with count.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from .formats.errors import LoaderError

if TYPE_CHECKING:
    Path = str | os.PathLike[str]

__all__ = [
    "CSV",
    "JSON",
    "JSONL",
    "TOML",
    "TSV",
    "YAML",
    "Bytes",
    "Feather",
    "FileLoader",
    "Image",
    "Joblib",
    "Loader",
    "LoaderError",
    "MatplotlibFigure",
    "NumPy",
    "Parquet",
    "PathOnly",
    "Pickle",
    "Text",
]


class Loader(Protocol):
    """What a loader of one's own has; only the methods that are used have to be there."""

    def load(self, path: Any) -> Any:
        """The value in the file at `path`."""

    def save(self, value: Any, path: Any) -> None:
        """Write `value` to the file at `path`, a temporary one that is moved into place after."""


class FileLoader:
    """One of our formats, by its name in `pivot.yaml`. Options are keyword arguments of the
    library's function; two loaders are equal where format and options are.
    """

    format: ClassVar[str] = "auto"

    def __init__(self, **options: Any) -> None:
        self.options = options

    def load(self, path: Path, kind: Any = None) -> Any:
        """The value in the file at `path`; of tables a `kind` (`pandas.DataFrame`) of it.

        Raises LoaderError for what has to be installed, and whatever reading raises.
        """
        from .formats import files  # 5 ms: only where something is loaded

        return files.load(self.format, os.fspath(path), dict(self.options), kind)

    def save(self, value: Any, path: Path) -> None:
        """Write `value` to `path`, which is whole at every instant. Raises as `load` does."""
        from .formats import files, placing

        placing.save_file(
            os.fspath(path), lambda place: files.save(self.format, place, value, dict(self.options))
        )

    def empty(self, kind: Any = None) -> Any:
        """What an IncrementalOut starts from: an empty value, of `kind` where that is given."""
        from .formats import files

        return files.empty(self.format, kind)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self).__name__, *sorted(self.options)))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({options})"


class PathOnly(FileLoader):
    """The path itself arrives; what an out holds is written by the stage."""

    format = "path"

    def __init__(self) -> None:
        super().__init__()


class Text(FileLoader):
    """A text, UTF-8 unless `encoding=` says otherwise, with line ends as they are."""

    format = "text"


class Bytes(FileLoader):
    """The bytes of a file."""

    format = "bytes"


class JSON(FileLoader):
    """JSON; NumPy values, dates, paths, sets, dataclasses and models as their nearest."""

    format = "json"


class JSONL(FileLoader):
    """A list of JSON values, one a line."""

    format = "jsonl"


class YAML(FileLoader):
    """YAML, of plain values."""

    format = "yaml"


class TOML(FileLoader):
    """TOML; writing needs tomli-w."""

    format = "toml"


class CSV(FileLoader):
    """A table with commas: of pandas, polars or pyarrow, or a list of dicts, as annotated."""

    format = "csv"


class TSV(FileLoader):
    """A table with tabs, as CSV."""

    format = "tsv"


class Parquet(FileLoader):
    """A table in a parquet file: of pandas, polars or pyarrow, as annotated."""

    format = "parquet"


class Feather(FileLoader):
    """A table in a feather (Arrow IPC) file: of pandas, polars or pyarrow, as annotated."""

    format = "feather"


class Pickle(FileLoader):
    """Any object that pickle takes."""

    format = "pickle"


class Joblib(FileLoader):
    """Any object that joblib takes: models with large arrays."""

    format = "joblib"


class NumPy(FileLoader):
    """An array (.npy), or a dict of arrays (.npz)."""

    format = "numpy"


class MatplotlibFigure(FileLoader):
    """A figure or axes, drawn; options are those of `savefig`. It is saved only."""

    format = "figure"


class Image(FileLoader):
    """A picture of Pillow, or an array to make one of."""

    format = "image"
