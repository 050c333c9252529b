"""`schema`: the JSON Schemas of Pivot's files and outputs."""

from __future__ import annotations

from typing import Any

from ..config import schema, schema_names
from ..errors import PivotError, did_you_mean


def schema_of(name: str) -> dict[str, Any]:
    """The schema called `name`. Raises PivotError with the known names."""
    known = schema_names()
    if name not in known:
        hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
        raise PivotError(f"there is no schema '{name}'", hint=hint)
    return schema(name)
