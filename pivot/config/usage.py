"""Which values of params files the stages of a pipeline use by `${}`, and which are their own.

A value counts where it came from a file (params.yaml beside the pipeline file, or one of `vars`):
as a leaf or a list, under its dotted key in that file. What the pipeline file holds itself, under
a stage's `params`, counts as that stage's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .context import Context
from .expansion import Variant
from .keypaths import MISSING, find, join_path, split_path
from .templating import expressions


@dataclass(slots=True)
class Usage:
    """Collected while a tree is loaded: `{file: {dotted key: value}}`, and per file
    `{stage: {name: value}}`."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    inline: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def noting(self, context: Context, variant: Variant) -> Callable[[tuple[str, ...]], None]:
        """What is told each `${}` that a stage looks up."""

        def note(parts: tuple[str, ...]) -> None:
            found = _origin(context, variant, parts)
            if found is not None:
                file, key, value = found
                if not isinstance(value, Mapping):
                    self.files.setdefault(file, {})[key] = value

        return note

    def own(
        self,
        file: str,
        name: str,
        params: Mapping[str, Any],
        context: Context,
        variant: Variant,
    ) -> None:
        """Note those of a stage's `params`, as resolved, that no file holds."""
        raw = variant.body.get("params")
        if not isinstance(raw, Mapping):
            return
        values = {
            key: value
            for key, value in params.items()
            if not _is_of_files(raw.get(key), context, variant)
        }
        if values:
            self.inline.setdefault(file, {})[name] = values


def _is_of_files(raw: Any, context: Context, variant: Variant) -> bool:
    """Whether a value is made of expressions that files hold the values of."""
    found = [split_path(text) for text in expressions(raw)]
    return bool(found) and all(
        parts is not None and _origin(context, variant, parts) is not None for parts in found
    )


def _origin(
    context: Context, variant: Variant, parts: tuple[str, ...]
) -> tuple[str, str, Any] | None:
    """(file, key, value) of what `parts` names; None where no file holds it."""
    if parts[0] in variant.extra:
        for length in (2, 1):
            base = variant.origins.get(join_path(parts[:length]))
            if base is not None:
                parts = (*base, *parts[length:])
                break
        else:
            return None
    for layer in context.layers:
        value = find(layer.values, parts)
        if value is not MISSING:
            return (layer.name, join_path(parts), value) if layer.name in context.loaded else None
    return None
