"""In which order DVC runs stages, which is that of new entries in the dvc.lock it writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ..model import Stage


def in_dvc_order(names: Collection[str], stages: Mapping[str, Stage]) -> list[str]:
    """`names` as `dvc repro` would come to them.

    It goes through the stages as they are defined and descends first, in the order of each one's
    deps, into those that make them. What a frozen stage reads is not descended into.
    """
    exact: dict[str, str] = {}  # who makes an out
    inside: dict[str, list[str]] = {}  # who makes what lies in a folder
    for name, stage in stages.items():
        for out in stage.outs:
            exact[out.path] = name
            for folder in _folders(out.path):
                inside.setdefault(folder, []).append(name)
    wanted = set(names)
    order: list[str] = []
    seen: set[str] = set()

    def makers(stage: Stage) -> Iterable[str]:
        if stage.frozen:
            return
        for path in [dep.path for dep in stage.deps] + [file.path for file in stage.params_files]:
            yield from (exact[place] for place in (*_folders(path), path) if place in exact)
            yield from inside.get(path, ())

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


def _folders(path: str) -> list[str]:
    """The folders that a path lies in, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
