"""Edges by artifact, cycles as paths, and targets as people type them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pivot.errors import GraphError, PivotErrors
from pivot.graph import Selection, build, missing_inputs, select, targets_of
from pivot.model import Command, Dep, Out, ParamsFile, Pipeline, Stage, TrackedFile


def a_stage(name, deps=(), outs=(), *, file="pivot.yaml", line=1, params=(), **flags):
    return Stage(
        name=name,
        file=file,
        line=line,
        entry=Command((f"make {name}",)),
        deps=tuple(Dep(path, line=line + 1) for path in deps),
        outs=tuple(Out(path, line=line + 2) for path in outs),
        params_files=tuple(ParamsFile(path, None) for path in params),
        **flags,
    )


def a_graph(*stages):
    return build(Pipeline({stage.name: stage for stage in stages}))


def chain(*, frozen=()):
    return a_graph(
        a_stage("c", ["b.csv"], ["c.csv"], frozen="c" in frozen),
        a_stage("b", ["a.csv"], ["b.csv"], frozen="b" in frozen),
        a_stage("a", ["raw.csv"], ["a.csv"]),
    )


def test_order_follows_the_data_not_the_file():
    assert chain().order == ("a", "b", "c")


def test_a_dep_inside_a_directory_out_makes_an_edge():
    graph = a_graph(a_stage("split", [], ["parts"]), a_stage("use", ["parts/x/1.csv"], ["y"]))
    assert graph.parents["use"] == ("split",)


def test_an_out_below_a_directory_dep_makes_an_edge():
    graph = a_graph(a_stage("make", [], ["data/x.csv"]), a_stage("use", ["data"], ["y"]))
    assert graph.parents["use"] == ("make",)


def test_a_name_that_only_begins_alike_makes_no_edge():
    graph = a_graph(a_stage("make", [], ["data2/x.csv"]), a_stage("use", ["data"], ["y"]))
    assert graph.parents["use"] == ()


def test_a_params_file_that_a_stage_makes_is_an_edge():
    graph = a_graph(
        a_stage("tune", [], ["best.yaml"]), a_stage("fit", [], ["m"], params=["best.yaml"])
    )
    assert graph.parents["fit"] == ("tune",)


def test_a_cycle_is_printed_as_a_path_along_the_data():
    with pytest.raises(GraphError) as caught:
        a_graph(
            a_stage("a", ["c.csv"], ["a.csv"], line=3),
            a_stage("b", ["a.csv"], ["b.csv"]),
            a_stage("c", ["b.csv"], ["c.csv"]),
        )
    message = str(caught.value)
    path = message.split("cycle: ")[1].split(";")[0].split(" -> ")
    assert path[0] == path[-1]
    assert sorted(path[:-1]) == ["a", "b", "c"]
    assert "a -> b (by 'a.csv')" in message
    assert "c -> a (by 'c.csv')" in message


def test_an_out_that_is_its_own_dep_is_refused_with_the_line():
    with pytest.raises(GraphError, match=r"pivot.yaml:8: stage 'a' has 'x.csv' both as a dep"):
        a_graph(a_stage("a", ["x.csv"], ["x.csv"], line=7))


def test_an_out_below_its_own_dep_is_refused():
    with pytest.raises(GraphError, match="one within the other"):
        a_graph(a_stage("a", ["data"], ["data/x.csv"]))


def test_two_makers_of_one_out_are_both_named():
    with pytest.raises(GraphError, match=r"'b' makes 'x', which stage 'a' \(pivot.yaml:3\)"):
        a_graph(a_stage("a", [], ["x"], line=1), a_stage("b", [], ["x"], line=9))


def test_an_out_named_twice_by_one_stage_is_refused():
    with pytest.raises(GraphError, match="twice"):
        a_graph(a_stage("a", [], ["x", "x"]))


def test_overlapping_outs_are_refused_and_all_of_them_told():
    with pytest.raises(PivotErrors) as caught:
        a_graph(
            a_stage("a", [], ["data"]),
            a_stage("b", [], ["data/x.csv"]),
            a_stage("c", [], ["data/deep/y.csv"]),
        )
    assert len(caught.value.errors) == 2
    assert "'data/x.csv' of stage 'b' lies within out 'data' of stage 'a'" in str(caught.value)


def test_deps_that_nothing_makes_are_missing_unless_present():
    graph = a_graph(
        a_stage("a", ["raw.csv", "s3://b/x"], ["a.csv"]), a_stage("b", ["a.csv"], ["b"])
    )
    assert [(s.name, path) for s, path, _ in missing_inputs(graph, graph.order)] == [
        ("a", "raw.csv")
    ]
    assert missing_inputs(graph, graph.order, ["raw.csv"]) == []


def test_without_targets_the_file_of_the_folder_is_meant_and_else_all():
    graph = a_graph(
        a_stage("a", [], ["a"]),
        a_stage("sub/pivot.yaml:b", [], ["sub/b"], file="sub/pivot.yaml"),
    )
    assert select(graph, Selection()) == ["a"]
    assert select(graph, Selection(cwd="sub")) == ["sub/pivot.yaml:b"]
    assert set(select(graph, Selection(cwd="elsewhere"))) == {"a", "sub/pivot.yaml:b"}
    assert set(select(graph, Selection(everything=True))) == {"a", "sub/pivot.yaml:b"}


def a_monorepo():
    return a_graph(
        a_stage("prep", [], ["data/prep.csv"]),
        a_stage("fit@linear-1", ["data/prep.csv"], ["m/linear-1"]),
        a_stage("fit@forest-1", ["data/prep.csv"], ["m/forest-1"]),
        a_stage("sub/pivot.yaml:prep", [], ["sub/out"], file="sub/pivot.yaml"),
        a_stage("sub/pivot.yaml:eval@x", ["sub/out"], ["sub/e"], file="sub/pivot.yaml"),
    )


@pytest.mark.parametrize(
    ("target", "cwd", "expected"),
    [
        ("prep", ".", ["prep"]),
        ("prep", "sub", ["sub/pivot.yaml:prep"]),
        ("pivot.yaml:prep", ".", ["prep"]),
        ("pivot.yaml:prep", "sub", ["sub/pivot.yaml:prep"]),
        ("../pivot.yaml:prep", "sub", ["prep"]),
        ("sub/pivot.yaml:prep", ".", ["sub/pivot.yaml:prep"]),
        ("fit", ".", ["fit@linear-1", "fit@forest-1"]),
        ("fit@*", ".", ["fit@linear-1", "fit@forest-1"]),
        ("fit@lin*", ".", ["fit@linear-1"]),
        ("fit@linear-1", "sub", ["fit@linear-1"]),
        ("eval", "sub", ["sub/pivot.yaml:eval@x"]),
        ("sub/pivot.yaml:eval", ".", ["sub/pivot.yaml:eval@x"]),
        ("sub/pivot.yaml", ".", ["sub/pivot.yaml:prep", "sub/pivot.yaml:eval@x"]),
        ("data/prep.csv", ".", ["prep"]),
        ("../data/prep.csv", "sub", ["prep"]),
        ("out", "sub", ["sub/pivot.yaml:prep"]),
        ("out/inner.csv", "sub", ["sub/pivot.yaml:prep"]),
        ("m", ".", ["fit@linear-1", "fit@forest-1"]),
    ],
)
def test_targets_are_what_people_type(target, cwd, expected):
    assert targets_of(a_monorepo(), Selection((target,), cwd)) == expected


def test_a_folder_stands_for_its_stages_with_recursive():
    graph = a_monorepo()
    assert set(targets_of(graph, Selection(("sub",), recursive=True))) == {
        "sub/pivot.yaml:prep",
        "sub/pivot.yaml:eval@x",
    }


def test_unknown_targets_are_all_told_with_the_nearest_name():
    with pytest.raises(PivotErrors) as caught:
        targets_of(a_monorepo(), Selection(("prp", "nothing-like-it")))
    assert "did you mean 'prep'?" in str(caught.value)
    assert "`pivot list` names the stages" in str(caught.value)


def test_selection_reaches_upstream_downstream_or_the_whole_pipeline():
    graph = chain()
    assert select(graph, Selection(("b",))) == ["a", "b"]
    assert select(graph, Selection(("b",), single=True)) == ["b"]
    assert select(graph, Selection(("b",), reach="downstream")) == ["b", "c"]
    assert select(graph, Selection(("b",), pipeline=True)) == ["a", "b", "c"]


def test_a_frozen_stage_cuts_what_lies_above_it():
    assert select(chain(frozen=("b",)), Selection(("c",))) == ["b", "c"]
    assert select(chain(frozen=("b",)), Selection(("a",), reach="downstream")) == ["a"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_every_stage_comes_after_its_parents_or_a_cycle_is_told(pairs):
    deps = {n: {f"{a}.csv" for a, b in pairs if b == n and a != n} for n in range(10)}
    stages = [a_stage(f"s{n}", sorted(deps[n]), [f"{n}.csv"]) for n in range(10)]
    try:
        graph = a_graph(*stages)
    except GraphError as error:
        names = str(error).split("cycle: ")[1].split(";")[0].split(" -> ")
        assert names[0] == names[-1]
        for maker, user in itertools.pairwise(names):
            assert f"{maker[1:]}.csv" in deps[int(user[1:])]
        return
    position = {name: index for index, name in enumerate(graph.order)}
    assert len(position) == 10
    for name in graph.order:
        assert all(position[parent] < position[name] for parent in graph.parents[name])


@pytest.mark.parametrize(
    ("tracked", "out", "said"),
    [
        ("data", "data", "'data' is tracked here, and stage 'a' makes it too (dvc.yaml:1)"),
        ("data", "data/x", "stage 'a' makes 'data/x', which overlaps it (dvc.yaml:1)"),
        ("data/x", "data", "stage 'a' makes 'data', which overlaps it (dvc.yaml:1)"),
    ],
)
def test_tracked_data_and_outs_may_not_overlap(tracked: str, out: str, said: str) -> None:
    stage = Stage("a", "dvc.yaml", 1, Command(("x",)), outs=(Out(out),))
    file = TrackedFile(f"{tracked}.dvc", tracked, None, line=2)
    with pytest.raises(GraphError) as caught:
        build(Pipeline({"a": stage}, tracked=(file,)))
    assert said in caught.value.message
    assert str(caught.value.where) == f"{tracked}.dvc:2"


def test_two_records_may_not_track_the_same_data() -> None:
    def built(*paths: str) -> None:
        files = [TrackedFile(f"{n}.dvc", path, None, line=1) for n, path in enumerate(paths)]
        build(Pipeline({}, tracked=tuple(files)))

    built("data/x", "data/xy", "data.x")
    with pytest.raises(GraphError, match=r"'d' is tracked here, and another record tracks it too"):
        built("d", "d")
    with pytest.raises(GraphError, match=r"^1.dvc:1: 'd/e/f' .* tracks 'd', which overlaps it"):
        built("d", "d/e/f")


def test_a_pattern_speaks_of_one_file_and_a_bare_colon_of_this_one():
    graph = a_graph(
        a_stage("fit"), a_stage("fix"), a_stage("sub/pivot.yaml:fit", file="sub/pivot.yaml")
    )
    assert targets_of(graph, Selection(("fi*",))) == ["fit", "fix"]
    assert targets_of(graph, Selection(("*",), glob=True)) == ["fit", "fix"]
    assert targets_of(graph, Selection(("sub/pivot.yaml:*",))) == ["sub/pivot.yaml:fit"]
    assert targets_of(graph, Selection(("*",), cwd="sub")) == ["sub/pivot.yaml:fit"]
    assert targets_of(graph, Selection((":fit",))) == ["fit"]
    assert targets_of(graph, Selection((":fit",), cwd="sub")) == ["sub/pivot.yaml:fit"]
