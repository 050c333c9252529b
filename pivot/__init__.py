"""Pivot: a config-first data and ML pipeline tool.

What user code may import is loaded when first asked for: `import pivot` alone costs nothing.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing costs 3 ms
if TYPE_CHECKING:
    from . import loaders
    from .api import metrics, open, params, read, repro, status  # noqa: A004
    from .declare.artifacts import (
        Dep,
        DirectoryOut,
        IncrementalOut,
        Metric,
        Out,
        PlaceholderDep,
        Plot,
    )
    from .declare.params import StageParams
    from .declare.pipelines import Pipeline, stage
    from .errors import PivotError

_HOMES = {
    "Dep": "declare.artifacts",
    "DirectoryOut": "declare.artifacts",
    "IncrementalOut": "declare.artifacts",
    "Metric": "declare.artifacts",
    "Out": "declare.artifacts",
    "PlaceholderDep": "declare.artifacts",
    "Pipeline": "declare.pipelines",
    "PivotError": "errors",
    "Plot": "declare.artifacts",
    "StageParams": "declare.params",
    "loaders": "",
    "metrics": "api",
    "open": "api",
    "params": "api",
    "read": "api",
    "repro": "api",
    "stage": "declare.pipelines",
    "status": "api",
}

__all__ = [
    "Dep",
    "DirectoryOut",
    "IncrementalOut",
    "Metric",
    "Out",
    "Pipeline",
    "PivotError",
    "PlaceholderDep",
    "Plot",
    "StageParams",
    "loaders",
    "metrics",
    "open",
    "params",
    "read",
    "repro",
    "stage",
    "status",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object
    if home:
        found = getattr(import_module(f".{home}", __name__), name)
    else:
        found = import_module(f".{name}", __name__)
    globals()[name] = found  # asked for once
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
