"""What the user wrote: YAML, schemas, templating, params files, as a Pipeline.

Names are imported on first use: a pipeline that comes from its compiled form needs neither the
YAML reader nor the loader.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .binding import bound_params, call_binding
    from .compiled import dump_pipeline, load_pipeline, renewed, version_of
    from .composition import Override, parse_override
    from .declarations import DeclarationReader
    from .discovery import still_current
    from .documents import load_yaml, load_yaml_marked
    from .loader import load, load_partial, load_usage
    from .marks import Marks
    from .param_places import place_of_declared, place_of_param
    from .paramfiles import load_params_file
    from .params import ParamsReader, conflicting_overrides
    from .schemas import schema, schema_names, validate
    from .signatures import check_signatures, taken_names
    from .stages import parse_duration
    from .templating import FlagStyle
    from .usage import Usage

_HOMES = {
    "DeclarationReader": "declarations",
    "FlagStyle": "templating",
    "Usage": "usage",
    "Marks": "marks",
    "Override": "composition",
    "ParamsReader": "params",
    "bound_params": "binding",
    "call_binding": "binding",
    "check_signatures": "signatures",
    "conflicting_overrides": "params",
    "dump_pipeline": "compiled",
    "load": "loader",
    "load_params_file": "paramfiles",
    "load_partial": "loader",
    "load_pipeline": "compiled",
    "load_usage": "loader",
    "load_yaml": "documents",
    "load_yaml_marked": "documents",
    "parse_duration": "stages",
    "place_of_declared": "param_places",
    "place_of_param": "param_places",
    "parse_override": "composition",
    "renewed": "compiled",
    "schema": "schemas",
    "schema_names": "schemas",
    "still_current": "discovery",
    "taken_names": "signatures",
    "validate": "schemas",
    "version_of": "compiled",
}

__all__ = [
    "DeclarationReader",
    "FlagStyle",
    "Marks",
    "Override",
    "ParamsReader",
    "Usage",
    "bound_params",
    "call_binding",
    "check_signatures",
    "conflicting_overrides",
    "dump_pipeline",
    "load",
    "load_params_file",
    "load_partial",
    "load_pipeline",
    "load_usage",
    "load_yaml",
    "load_yaml_marked",
    "parse_duration",
    "parse_override",
    "place_of_declared",
    "place_of_param",
    "renewed",
    "schema",
    "schema_names",
    "still_current",
    "taken_names",
    "validate",
    "version_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("." + _HOMES[name], __name__), name)
