"""Pipelines in Python: `Pipeline.register`, `Pipeline.include`, and the decorator `stage`.

A `pipeline.py` of literals is read without being run; one that computes is run once, in a process
of its own, and what it declared is kept until its code changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

#: The attribute by which a decorated function is known.
MARK = "__pivot_stage__"
#: What is wrong with an `include` of the pipeline itself, or of one that includes it.
IN_A_CIRCLE = "a pipeline cannot include itself, nor one that includes it"
#: What may be said of a stage, as in `pivot.yaml`.
KEYS = frozenset(
    (
        *("deps", "outs", "metrics", "plots", "params", "mutex", "wdir", "env", "timeout"),
        *("resources", "frozen", "always_changed", "desc", "meta", "code", "preload"),
    )
)


class Registered:
    """One stage as it was registered: the function, what was said of it, and where."""

    __slots__ = ("file", "function", "line", "name", "settings")

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        settings: Mapping[str, Any],
        file: str,
        line: int,
    ) -> None:
        self.function = function
        self.name = name
        self.settings = settings
        self.file = file
        self.line = line


class Pipeline:
    """Stages that functions are registered as.

    Paths are seen from the folder of the file that made the pipeline, which is where its stages
    run.
    """

    __slots__ = ("file", "included", "name", "registered")

    def __init__(self, name: str = "") -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a pipeline is a text, not {name!r}")
        self.name = name
        self.file = sys._getframe(1).f_code.co_filename
        self.registered: list[Registered] = []
        self.included: list[Pipeline] = []

    def register(
        self,
        function: F,
        *,
        name: str | None = None,
        params: Any = None,
        deps: Any = None,
        outs: Any = None,
        metrics: Any = None,
        plots: Any = None,
        mutex: Any = None,
        variant: str | None = None,
        **settings: Any,
    ) -> F:
        """Make `function` a stage, called `name` (default: as the function), and return it.

        `deps`, `outs`, `metrics`, `plots`, `params` and the other settings are what `pivot.yaml`
        takes; what the function's signature declares need not be repeated. `variant` tells apart
        stages of one function: `name@variant`. Raises TypeError and ValueError for what is wrong.
        """
        given = _given(deps, outs, metrics, plots, params, mutex)
        frame = sys._getframe(1)
        self.registered.append(
            Registered(
                function,
                stage_name(function, name, variant),
                checked_settings({**given, **settings}),
                frame.f_code.co_filename,
                frame.f_lineno,
            )
        )
        return function

    def include(self, other: Pipeline) -> None:
        """Take over the stages of another pipeline; they go on running in its folder.

        Raises ValueError where the other one is this, or includes it.
        """
        if not isinstance(other, Pipeline):
            raise TypeError(f"include takes a Pipeline, not {other!r}")
        if any(owner is self for owner in other.pipelines()):
            raise ValueError(IN_A_CIRCLE)
        self.included.append(other)

    def pipelines(self) -> list[Pipeline]:
        """Itself and all that it includes, as they come."""
        return [self, *(inner for other in self.included for inner in other.pipelines())]

    def stages(self) -> list[tuple[Pipeline, Registered]]:
        """Its stages and those of the included pipelines, each with the pipeline it is of."""
        return [(owner, item) for owner in self.pipelines() for item in owner.registered]


@overload
def stage(function: F, /) -> F: ...


@overload
def stage(
    function: None = None,
    /,
    *,
    name: str | None = None,
    params: Any = None,
    deps: Any = None,
    outs: Any = None,
    metrics: Any = None,
    plots: Any = None,
    mutex: Any = None,
    **settings: Any,
) -> Callable[[F], F]: ...


def stage(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    params: Any = None,
    deps: Any = None,
    outs: Any = None,
    metrics: Any = None,
    plots: Any = None,
    mutex: Any = None,
    **settings: Any,
) -> Any:
    """Decorate a function of `pipeline.py` as a stage; the function itself stays what it is.

    Takes what `Pipeline.register` takes. Raises TypeError and ValueError for what is wrong.
    """
    given = _given(deps, outs, metrics, plots, params, mutex)
    said = checked_settings({**given, **settings})
    frame = sys._getframe(1)
    file, line = frame.f_code.co_filename, frame.f_lineno

    def mark(wrapped: F) -> F:
        found = Registered(wrapped, stage_name(wrapped, name, None), said, file, line)
        setattr(wrapped, MARK, found)
        return wrapped

    return mark if function is None else mark(function)


def _given(*values: Any) -> dict[str, Any]:
    return dict(zip(("deps", "outs", "metrics", "plots", "params", "mutex"), values, strict=True))


def stage_name(function: Any, name: str | None, variant: str | None) -> str:
    """How the stage of a function is called. Raises TypeError, ValueError."""
    chosen = getattr(function, "__name__", None) if name is None else name
    if not callable(function) or not isinstance(chosen, str):
        raise TypeError(f"a stage is made of a function, not of {function!r}")
    if not chosen:
        raise ValueError("a stage needs a name")
    if variant is None:
        return chosen
    if not variant:
        raise ValueError(f"variant takes a text, not {variant!r}")
    return f"{chosen}@{variant}"


def checked_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of a stage, without what was left out. Raises TypeError for unknown names."""
    for key in settings:
        if key not in KEYS:
            from difflib import get_close_matches

            near = get_close_matches(key, KEYS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(KEYS))}"
            raise TypeError(f"a stage has no setting {key!r}; {hint}")
    return {key: value for key, value in settings.items() if value is not None}
