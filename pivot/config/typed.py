"""A stage whose function declares its artifacts: what the signature says, and YAML over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..declare.artifacts import (
    PLOT_OPTIONS,
    DirectoryOut,
    IncrementalOut,
    PlaceholderDep,
    Plot,
)
from ..declare.artifacts import Dep as DeclaredDep
from ..declare.artifacts import Out as DeclaredOut
from ..declare.formats.files import PATH
from ..declare.formats.tables import FORMATS
from ..errors import ConfigError, PivotError, Where, raise_all
from ..model import Dep, Out, OutKind, Stage
from ..tree import join, relative
from .annotations import Declarations, Declared
from .binding import bound_params
from .fitting import Complaint, Fitting, shown_path
from .models import COMPUTED, REQUIRED, Model, Models

_SECTIONS: dict[str, OutKind] = {"outs": "out", "metrics": "metric", "plots": "plot"}


def with_declared(stage: Stage, found: Declarations) -> Stage:
    """`stage` with the artifacts that its function declares; what YAML says of a name goes before.

    Raises ConfigError (PivotErrors for several) where the two do not go together.
    """
    if not found.declared:
        return stage
    errors: list[PivotError] = []
    deps: list[Dep] = []
    outs: list[Out] = []
    for declared in found.declared:
        try:
            if declared.is_out:
                outs += _outs(stage, declared)
            else:
                deps += _deps(stage, declared)
        except PivotError as error:
            errors.append(error)
    given = {out.name for out in stage.outs}
    errors += [
        ConfigError(
            f"stage '{stage.name}': the field '{name}' of what is returned declares no out",
            hint="declare one as the others do, or give it among the outs in pivot.yaml",
            where=where,
        )
        for name, where in found.silent.items()
        if name not in given
    ]
    names = {declared.name for declared in found.declared}
    deps += [dep for dep in stage.deps if dep.name not in names]
    outs += [
        replace(out, returned=True) if out.name in found.silent else out
        for out in stage.outs
        if out.name not in names
    ]
    errors += _clashes(stage, outs)
    raise_all(errors)
    return replace(stage, deps=tuple(deps), outs=tuple(outs))


def with_libraries(stage: Stage, found: Declarations) -> Stage:
    """`stage` with the library of each table that is loaded, as the function's annotations say."""
    if not found.libraries:
        return stage

    def library(artifact: Dep | Out) -> str | None:
        tables = artifact.loader in FORMATS
        return found.libraries.get(artifact.name or "") if tables else None

    deps = tuple(replace(dep, library=library(dep)) if library(dep) else dep for dep in stage.deps)
    outs = tuple(
        replace(out, library=library(out)) if out.incremental and library(out) else out
        for out in stage.outs
    )
    return replace(stage, deps=deps, outs=outs)


def _deps(stage: Stage, declared: Declared) -> Iterator[Dep]:
    artifact = declared.artifact
    given = [dep for dep in stage.deps if dep.name == declared.name]
    misplaced = next((out for out in stage.outs if out.name == declared.name), None)
    if misplaced is not None:
        raise _misplaced(stage, declared, f"{misplaced.kind}s", misplaced.line)
    if isinstance(artifact, DeclaredDep):
        check = artifact.check
        paths = [artifact.path] if isinstance(artifact.path, str) else list(artifact.path)
        is_list = not isinstance(artifact.path, str)
    else:
        assert isinstance(artifact, PlaceholderDep)
        check, paths, is_list = "content", [], False
        if not given:
            raise ConfigError(
                f"stage '{stage.name}': '{declared.name}' is a placeholder ({declared.where}), and "
                "no path is given for it",
                hint=f"deps: {{{declared.name}: PATH}}",
                where=Where(stage.written_in, stage.line),
            )
    for dep in given:
        loader, options = _loading(declared, dep)
        yield replace(
            dep,
            loader=loader,
            options=options,
            check="stat" if check == "stat" else dep.check,
        )
    for number, path in enumerate(paths if not given else ()):
        at = join(stage.wdir, path)
        yield Dep(
            at,
            declared.name,
            declared.loader,
            declared.options,
            check,
            group=number if is_list else None,
            written=_written(stage, at, path),
        )


def _outs(stage: Stage, declared: Declared) -> Iterator[Out]:
    artifact = declared.artifact
    assert isinstance(artifact, DeclaredOut)
    kind = _SECTIONS[declared.section]
    misplaced = next((dep for dep in stage.deps if dep.name == declared.name), None)
    if misplaced is not None:
        raise _misplaced(stage, declared, "deps", misplaced.line)
    given = [out for out in stage.outs if out.name == declared.name]
    for out in given:
        if out.kind != kind:
            raise _misplaced(stage, declared, f"{out.kind}s", out.line)
        loader, options = _loading(declared, out)
        yield replace(
            out,
            loader=loader,
            options=options,
            directory=out.directory or isinstance(artifact, DirectoryOut),
            incremental=out.incremental or isinstance(artifact, IncrementalOut),
            cache=out.cache and artifact.cache,
            persist=out.persist or artifact.persist,
            push=out.push and artifact.push,
            remote=out.remote or artifact.remote,
            resume=out.resume or artifact.resume,
            desc=out.desc or artifact.desc,
            plot={**_plot(artifact), **out.plot},
            returned=declared.returned,
        )
    if given:
        return
    at = join(stage.wdir, artifact.path)
    yield Out(
        at,
        declared.name,
        kind,
        cache=artifact.cache,
        persist=artifact.persist,
        push=artifact.push,
        remote=artifact.remote,
        desc=artifact.desc,
        directory=isinstance(artifact, DirectoryOut),
        incremental=isinstance(artifact, IncrementalOut),
        resume=artifact.resume,
        loader=declared.loader,
        options=declared.options,
        plot=_plot(artifact),
        written=_written(stage, at, artifact.path),
        returned=declared.returned,
    )


def _loading(declared: Declared, given: Dep | Out) -> tuple[str | None, Mapping[str, Any]]:
    """Loader and options of an artifact that YAML names too: YAML's own go together."""
    if given.loader is not None:
        return None if given.loader == PATH else given.loader, given.options
    return declared.loader, given.options or declared.options


def _plot(artifact: DeclaredOut) -> dict[str, Any]:
    if not isinstance(artifact, Plot):
        return {}
    found = {key: getattr(artifact, key) for key in PLOT_OPTIONS}
    return {key: value for key, value in found.items() if value is not None}


def _written(stage: Stage, path: str, text: str) -> str | None:
    return text if relative(path, stage.wdir) != text else None


def _misplaced(stage: Stage, declared: Declared, section: str, line: int) -> ConfigError:
    what = {"deps": "a dep", "outs": "an out", "metrics": "a metric", "plots": "a plot"}
    return ConfigError(
        f"stage '{stage.name}': '{declared.name}' is declared {what[declared.section]} "
        f"({declared.where})",
        hint=f"move it from {section} to {declared.section}",
        where=Where(stage.written_in, line or stage.line),
    )


def _clashes(stage: Stage, outs: list[Out]) -> Iterator[ConfigError]:
    seen: dict[str, Out] = {}
    for out in outs:
        before = seen.setdefault(out.path, out)
        if before is not out:
            names = " and ".join(
                f"'{item.name}'" if item.name else "a list" for item in (before, out)
            )
            yield ConfigError(
                f"stage '{stage.name}': '{out.path}' is an out twice, by {names}",
                hint="keep one of the two",
                where=Where(stage.written_in, out.line or before.line or stage.line),
            )


# --- params --------------------------------------------------------------------------------


def with_model(
    stage: Stage,
    found: Declarations,
    tracked: Callable[[Stage], Mapping[str, Any] | None],
    place_of: Callable[[Stage, tuple[Any, ...]], Where | None],
) -> Stage:
    """`stage` with the defaults of its params class, once the values it is given fit that class.

    `tracked` gives the values of keys tracked in files by the names they bind (None: some are not
    there yet), `place_of` where a value is written. Raises ConfigError for values that do not fit.
    """
    if found.params is None or found.text is None or "params" in stage.params:
        return stage
    models = Models(found.text)
    model = models.of(found.params)
    if model is None:
        return stage
    bound = tracked(stage)
    given = {**(bound or {}), **stage.params}
    fitting = Fitting(found.text, models)
    if bound is not None:
        complaints = list(fitting.complaints(model, given))
        raise_all([_refused(stage, model, item, place_of) for item in complaints])
    names = {*given, *bound_params(stage)}
    defaults = {
        name: field.default
        for name, field in model.fields.items()
        if name not in names and field.default is not REQUIRED and field.default is not COMPUTED
    }
    return replace(
        stage,
        params={**defaults, **stage.params},
        defaults=tuple(defaults),
        params_class=f"{model.module}:{model.name}",
        params_settled=bound is not None and fitting.settles(model),
    )


def _refused(
    stage: Stage,
    model: Model,
    complaint: Complaint,
    place_of: Callable[[Stage, tuple[Any, ...]], Where | None],
) -> ConfigError:
    shown = shown_path(complaint.path)
    field = model.fields.get(str(complaint.path[0]))
    declared = f" ({field.annotation.where})" if field else ""
    return ConfigError(
        f"stage '{stage.name}': param '{shown}': {complaint.message}{declared}",
        hint=complaint.hint,
        where=place_of(stage, complaint.path) or Where(stage.written_in, stage.line),
    )
