"""Whether what a stage names is what its function takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..errors import ConfigError, PivotError, Where, nearest, raise_all
from ..model import Dep, Out, PythonEntry, Stage
from ..source import EntryPoint, Sources, find_entry
from ..tree import Tree
from .binding import ALL_PARAMS, bound_params, last_part, named_entries


def check_signatures(
    stages: Iterable[Stage], tree: Tree, sources: Sources | None = None
) -> dict[str, int]:
    """Compare what each python stage gives with what its function takes.

    Returns what that rests on (`Reader.traced`), by the names of stages. Raises SourceError or
    ConfigError (PivotErrors for several) with the places of both. Functions whose signature
    cannot be read off their text are not judged.
    """
    reader = sources or Sources(tree)
    errors: list[PivotError] = []
    found: dict[tuple[tuple[str, ...], str], tuple[EntryPoint | PivotError, int]] = {}
    rests_on: dict[str, int] = {}

    def find(stage: Stage, text: str) -> EntryPoint | PivotError:
        where = Where(stage.written_in, stage.line)
        try:
            return find_entry(tree, stage.roots, text, where=where, reader=reader)
        except PivotError as error:
            errors.append(error)
            return error

    for stage in stages:
        if not isinstance(stage.entry, PythonEntry):
            continue
        key = (stage.roots, stage.entry.text)
        if key not in found:
            found[key] = reader.reader.traced(find, stage, stage.entry.text)
        point, rests_on[stage.name] = found[key]
        if isinstance(point, EntryPoint):
            errors.extend(_compare(stage, point))
    raise_all(errors)
    return rests_on


def taken_names(stage: Stage, tree: Tree, sources: Sources | None = None) -> frozenset[str] | None:
    """The names that a stage's function takes; None where its text does not tell (commands too)."""
    if not isinstance(stage.entry, PythonEntry):
        return None
    try:
        point = find_entry(tree, stage.roots, stage.entry.text, reader=sources)
    except PivotError:
        return None  # `check_signatures` says what is wrong
    signature = point.signature
    if not signature.known or any(item.kind == "var_keyword" for item in signature.parameters):
        return None
    return frozenset(item.name for item in signature.parameters if item.kind != "var_positional")


@dataclass(frozen=True, slots=True)
class _Given:
    """One name that a stage gives its function."""

    name: str
    what: str  # 'dep', 'out', 'metric', 'plot', 'param'
    where: Where
    saved: bool = False  # an out that a returned value can fill
    declared: bool = False  # by the signature itself


def _compare(stage: Stage, point: EntryPoint) -> Iterator[PivotError]:
    signature = point.signature
    together = any(parameter.name == ALL_PARAMS for parameter in signature.parameters)
    yield from _twice(stage, together)
    if not signature.known:
        return
    assert isinstance(stage.entry, PythonEntry)
    names = {
        parameter.name: parameter
        for parameter in signature.parameters
        if parameter.kind in ("positional", "keyword")
    }
    takes_any = any(parameter.kind == "var_keyword" for parameter in signature.parameters)
    given = {item.name: item for item in _given(stage)}
    optional = set(bound_params(stage))  # tracked keys may serve their tracking alone
    function = f"{point.qualname}() ({point.file}:{point.line})"
    free = [name for name in names if name not in given and name not in optional]
    for item in given.values():
        if item.name in names or takes_any or item.declared:
            continue
        if item.what == "param" and ALL_PARAMS in names:
            continue
        near = nearest(item.name, free)
        if item.saved and near is None and _returns(signature.returns):
            continue
        hint = f"did you mean '{near}'?" if near else f"it takes {', '.join(names) or 'nothing'}"
        if item.what not in ("dep", "param") and near is None:
            hint += "; `loader:` saves what the function returns"
        yield ConfigError(
            f"stage '{stage.name}': {function} has no parameter '{item.name}' for this {item.what}",
            hint=hint,
            where=item.where,
        )
    missing = [
        parameter
        for parameter in names.values()
        if parameter.required
        and parameter.name not in given
        and parameter.name not in optional
        and parameter.name != ALL_PARAMS
    ]
    unnamed = [dep for dep in stage.deps if dep.name is None]
    unnamed_outs = [out for out in stage.outs if out.name is None]
    for parameter in missing:
        if nearest(parameter.name, [name for name in given if name not in names]):
            continue  # said already, from the other side
        yield ConfigError(
            f"stage '{stage.name}': {function} needs '{parameter.name}', which the stage does not "
            "give",
            hint=_missing_hint(
                parameter.name, [item.name for item in missing], unnamed, unnamed_outs
            ),
            where=Where(stage.written_in, stage.line),
        )


def _missing_hint(
    name: str, missing: Sequence[str], deps: Sequence[Dep], outs: Sequence[Out]
) -> str:
    """Lists inject nothing: show the mapping that would."""
    entries: list[tuple[str, str]] = [
        *(("deps", dep.path) for dep in deps),
        *((f"{out.kind}s", out.path) for out in outs),
    ]
    if not entries:
        return "add it to deps, outs or params"
    # the order of the parameters is the best guess at which of the paths each is to receive
    section, path = entries[min(list(missing).index(name), len(entries) - 1)]
    return f"a list injects nothing, a mapping does: {section}: {{{name}: {path}}}"


def _given(stage: Stage) -> Iterator[_Given]:
    for dep in stage.deps:
        if dep.name is not None:
            yield _Given(dep.name, "dep", Where(stage.written_in, dep.line), declared=not dep.line)
    for out in stage.outs:
        if out.name is not None:
            where = Where(stage.written_in, out.line)
            yield _Given(out.name, out.kind, where, saved=True, declared=not out.line)
    artifacts = {name for name, _ in named_entries(stage)}
    for name in stage.params:
        if name not in artifacts:  # else it is one of `params` alone, or `_twice` refuses it
            yield _Given(name, "param", Where(stage.written_in, stage.line))


def _twice(stage: Stage, together: bool) -> Iterator[ConfigError]:
    """Names that two things would bind; `together`: params have a parameter of their own."""
    seen: dict[str, str] = {}
    entries = [(name, group[0]) for name, group in named_entries(stage)]
    sections: dict[str, set[str]] = {}
    given: list[Dep | Out] = [*stage.deps, *stage.outs]
    for entry in given:
        if entry.name is not None:
            word = "deps" if isinstance(entry, Dep) else f"{entry.kind}s"
            sections.setdefault(entry.name, set()).add(word)
    for name, entry in entries:
        words = sections[name]
        is_param = name in stage.params and not together
        if len(words) > 1 or is_param:
            both = sorted({*words, *(["params"] if is_param else [])})
            yield ConfigError(
                f"stage '{stage.name}': '{name}' is in {' and in '.join(both)}",
                hint="give them different names",
                where=Where(stage.written_in, entry.line),
            )
    for tracked in stage.params_files:
        for key in tracked.keys or ():
            last = last_part(key)
            full = f"{tracked.path}:{key}"
            if last in seen and seen[last] != full:
                yield ConfigError(
                    f"stage '{stage.name}': '{seen[last]}' and '{full}' both bind '{last}'",
                    hint="name them in a mapping: params: "
                    f'{{{last}: "${{{seen[last].rpartition(":")[2]}}}", other: "${{{key}}}"}}',
                    where=Where(stage.written_in, tracked.line),
                )
            seen.setdefault(last, full)


def _returns(annotation: str | None) -> bool:
    """Whether a function may return something to save; unannotated ones may."""
    return annotation is None or annotation.strip() != "None"
