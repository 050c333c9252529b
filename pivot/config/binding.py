"""What each parameter of a stage's function receives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..digest import canonical
from ..model import Dep, Out, Stage

#: The parameter that receives all params together.
ALL_PARAMS = "params"


def call_binding(stage: Stage) -> Mapping[str, str]:
    """What each injected name receives, in a canonical readable form; {} for commands.

    `{"raw": "dep data/x.csv", "C": "param"}`; list values, loaders and their options included,
    so that equal bindings mean equal calls.
    """
    if not stage.is_python:
        return {}
    binding: dict[str, str] = {}
    for name, group in named_entries(stage):
        first = group[0]
        word = "dep" if isinstance(first, Dep) else "out"  # a metric is called like any out
        if first.group is None and len(group) == 1:
            text = f"{word} {first.path}"
        else:
            text = f"{word}s [{', '.join(item.path for item in group)}]"
        if first.loader:
            text += f" loader={first.loader}"
        if first.options:
            text += f" options={canonical(first.options)}"
        if first.library:
            text += f" as={first.library}"
        if isinstance(first, Out):
            flags = [
                flag for flag in ("directory", "incremental", "resume") if getattr(first, flag)
            ]
            text += "".join(f" {flag}" for flag in flags)
        binding[name] = text
    for name in stage.params:  # where an artifact has the name, the param is one of `params` alone
        binding.setdefault(name, "param")
    for name, (file, key) in bound_params(stage).items():
        binding.setdefault(name, f"param {file}:{key}")
    return dict(sorted(binding.items()))


def bound_params(stage: Stage) -> dict[str, tuple[str, str]]:
    """Parameter name -> (file, key) for tracked keys: `train.C` binds `C`."""
    return {
        last_part(key): (tracked.path, key)
        for tracked in stage.params_files
        for key in tracked.keys or ()
    }


def last_part(key: str) -> str:
    """The name that a tracked key binds: its last part."""
    return key.rpartition(".")[2].partition("[")[0]


def named_entries(stage: Stage) -> Iterator[tuple[str, list[Dep | Out]]]:
    """Deps and outs by the name they are injected as; a list value has several."""
    groups: dict[str, list[Dep | Out]] = {}
    entries: list[Dep | Out] = [*stage.deps, *stage.outs]
    for entry in entries:
        if entry.name is not None:
            groups.setdefault(entry.name, []).append(entry)
    yield from groups.items()
