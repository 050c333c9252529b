"""What a stage's key is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..digest import Digest, fingerprint
from ..model import Command, PythonEntry, Stage, StageKey


def entry_of(stage: Stage) -> str | tuple[str, ...]:
    """What a key and a lock call the entry: `module.function`, or the exact command."""
    match stage.entry:
        case PythonEntry(module=module, qualname=qualname):
            return f"{module}.{qualname}"
        case Command():
            return stage.entry.exact


def stage_key(
    stage: Stage,
    *,
    binding: Mapping[str, str],
    code: str | None,
    params: Mapping[str, Mapping[str, Any]],
    deps: Mapping[str, Digest],
    environ: Mapping[str, str],
    packages: Mapping[str, str] | None = None,
    history: Mapping[str, str] | None = None,
) -> StageKey:
    """The key of a stage: everything that decides its result.

    `params` holds the values tracked in files; `environ` is the environment the stage would see;
    `packages` the versions, only where they are to count; `history` the versions that incremental
    outs go on from.
    """
    env = {name: env_digest(environ.get(name)) for name in stage.env_tracked}
    env |= {name: env_digest(value) for name, value in stage.env_set.items()}
    inline = {"": dict(stage.params)} if stage.params else {"": {}}
    return StageKey(
        entry=entry_of(stage),
        kind="python" if stage.is_python else "cmd",
        wdir=stage.wdir,
        binding=binding,
        code=code,
        params={**inline, **params},
        deps=deps,
        outs=tuple(sorted(out.path for out in stage.outs)),
        env=env,
        packages=packages or {},
        history=history or {},
    )


def env_digest(value: str | None) -> str:
    """The digest that stands for a variable's value (never the value); '' where it is unset."""
    return "" if value is None else fingerprint("env", value)
