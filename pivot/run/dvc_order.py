"""In which order DVC runs stages, which is that of new entries in the dvc.lock it writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..model import Stage
from ..tree import is_within


def in_dvc_order(names: Collection[str], stages: Mapping[str, Stage]) -> list[str]:
    """`names` as `dvc repro` would come to them.

    It goes through the stages as they are defined and descends first, in the order of each one's
    deps, into those that make them. What a frozen stage reads is not descended into.
    """
    outs = [(out.path, name) for name, stage in stages.items() for out in stage.outs]
    exact = dict(outs)
    wanted = set(names)
    order: list[str] = []
    seen: set[str] = set()

    def makers(stage: Stage) -> Iterable[str]:
        if stage.frozen:
            return
        for path in [dep.path for dep in stage.deps] + [file.path for file in stage.params_files]:
            if path in exact:
                yield exact[path]
                continue
            for out, name in outs:
                if is_within(path, out) or is_within(out, path):
                    yield name

    for root in stages:
        if root in seen:
            continue
        seen.add(root)
        pending = [(root, iter(list(makers(stages[root]))))]
        while pending:
            name, above = pending[-1]
            for maker in above:
                if maker not in seen:
                    seen.add(maker)
                    pending.append((maker, iter(list(makers(stages[maker])))))
                    break
            else:
                pending.pop()
                if name in wanted:
                    order.append(name)
    return order
