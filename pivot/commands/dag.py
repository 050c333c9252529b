"""`dag`: the graph of stages, or of artifacts, in the forms people and programs read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from ..graph import Graph, Selection
from ..model import TrackedFile
from ..run.tracked import needed_by
from ..tree import is_within
from .selecting import choose, named
from .session import Session


@dataclass(frozen=True, slots=True)
class Dag:
    """Nodes in dependency order, and for each its direct upstream nodes."""

    nodes: tuple[str, ...]
    upstream: Mapping[str, tuple[str, ...]]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """(node, upstream node) pairs."""
        return [(node, above) for node in self.nodes for above in self.upstream[node]]


def stage_dag(session: Session, selection: Selection, *, outs: bool = False) -> Dag:
    """The graph of the selected stages (all without targets); with `outs`, of their artifacts."""
    graph = session.space.graph
    wide = selection.targets or selection.pipeline
    meant = choose(session, selection) if wide else named(session, selection)
    names = meant.stages
    if outs:
        return _artifact_dag(graph, names)
    chosen = set(names)
    upstream = {name: tuple(up for up in graph.parents[name] if up in chosen) for name in names}
    used = meant.tracked if selection.targets else session.space.pipeline.tracked
    return _with_tracked(session, Dag(tuple(names), upstream), used)


def _with_tracked(session: Session, dag: Dag, used: Iterable[TrackedFile]) -> Dag:
    """The graph with records as nodes: those of `used`, and those above its stages.

    A record stands below the stages that make what its data was imported from.
    """
    space = session.space
    if not space.pipeline.tracked:
        return dag
    above: dict[str, tuple[str, ...]] = {}
    for name in dag.nodes:
        files = needed_by(space, [space.graph.stages[name]])
        above[name] = tuple(dict.fromkeys(file.name for file in files))
    names = [name for found in above.values() for name in found] + [file.name for file in used]
    records = dict.fromkeys(names)
    made: dict[str, tuple[str, ...]] = dict.fromkeys(records, ())
    for file in space.pipeline.tracked:
        if file.name in records and file.deps:
            made[file.name] = _origins(session, file, {*records, *dag.nodes})
    upstream = {name: (*dag.upstream[name], *above[name]) for name in dag.nodes}
    edges = {**made, **upstream}
    if any(made.values()):  # then records do not simply go before stages
        return Dag(tuple(TopologicalSorter(edges).static_order()), edges)
    return Dag((*records, *dag.nodes), edges)


def _origins(session: Session, file: TrackedFile, shown: Collection[str]) -> tuple[str, ...]:
    """The shown nodes that make what a record's data was imported from."""
    space = session.space
    found = [maker for path in file.deps for maker in space.graph.makers(path)]
    found += [
        other.name
        for path in file.deps
        for other in space.pipeline.tracked
        if is_within(path, other.path) or is_within(other.path, path)
    ]
    return tuple(name for name in dict.fromkeys(found) if name in shown and name != file.name)


def _artifact_dag(graph: Graph, names: Iterable[str]) -> Dag:
    nodes: dict[str, dict[str, None]] = {}
    for name in names:
        stage = graph.stages[name]
        inputs: dict[str, None] = {}
        for dep in stage.deps:
            made = [
                out
                for parent in graph.parents[name]
                for out in (o.path for o in graph.stages[parent].outs)
                if is_within(dep.path, out) or is_within(out, dep.path)
            ]
            inputs.update(dict.fromkeys(made or [dep.path]))
        for path in inputs:
            nodes.setdefault(path, {})
        for out in stage.outs:
            nodes.setdefault(out.path, {}).update(inputs)
    return Dag(tuple(nodes), {node: tuple(above) for node, above in nodes.items()})


# --- text forms ----------------------------------------------------------------------------


def as_dot(dag: Dag) -> str:
    """Graphviz text; arrows follow the data."""
    lines = ["strict digraph {"]
    lines += [f"  {_quoted(node)};" for node in dag.nodes]
    lines += [f"  {_quoted(above)} -> {_quoted(node)};" for node, above in dag.edges]
    return "\n".join([*lines, "}"])


def as_mermaid(dag: Dag) -> str:
    """A Mermaid flowchart."""
    ids = {node: f"n{number}" for number, node in enumerate(dag.nodes, 1)}
    lines = ["flowchart TD"]
    lines += [f'\t{ids[node]}["{node.replace(chr(34), "#quot;")}"]' for node in dag.nodes]
    lines += [f"\t{ids[above]} --> {ids[node]}" for node, above in dag.edges]
    return "\n".join(lines)


def as_markdown(dag: Dag) -> str:
    """The Mermaid flowchart in a fenced block, as pull requests show it."""
    return f"```mermaid\n{as_mermaid(dag)}\n```"


def as_text(dag: Dag) -> str:
    """An indented tree that follows the data.

    A node stands below the last of its upstream nodes; the others are named beside it, so each
    node is printed once however many paths lead to it.
    """
    position = {node: number for number, node in enumerate(dag.nodes)}
    below: dict[str | None, list[str]] = {}
    for node in dag.nodes:
        above = dag.upstream[node]
        anchor = max(above, key=position.__getitem__) if above else None
        below.setdefault(anchor, []).append(node)
    lines: list[str] = []
    pending: list[tuple[str, str, bool | None]] = [
        (node, "", None) for node in reversed(below.get(None, []))
    ]
    while pending:
        node, indent, last = pending.pop()
        branch = "" if last is None else ("└── " if last else "├── ")
        anchor_of = max(dag.upstream[node], key=position.__getitem__, default=None)
        others = [above for above in dag.upstream[node] if above != anchor_of]
        also = f"   (and {', '.join(others)})" if others else ""
        lines.append(f"{indent}{branch}{node}{also}")
        inner = indent if last is None else indent + ("    " if last else "│   ")
        children = below.get(node, [])
        for number, child in reversed(list(enumerate(children))):
            pending.append((child, inner, number == len(children) - 1))
    return "\n".join(lines)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
