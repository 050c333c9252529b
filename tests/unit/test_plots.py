"""Plots without a project: which are defined, their rows, anchors, pages and text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pivot.errors import PivotError
from pivot.model import Command, Out, Stage, TopLevel
from pivot.plots.anchors import Series, fill
from pivot.plots.charts import Content, Picture, Plot, RevisionPlots, plots_of
from pivot.plots.datapoints import points_of, rows_of, sources_of
from pivot.plots.definitions import Wanted, by_name, collect, with_files
from pivot.plots.page import Chart, drawable, page
from pivot.plots.sources import parse
from pivot.plots.templates import anchor, builtin, builtin_names, find_template
from pivot.plots.text import bars_of, counts_of, has_numbers, lines_of, sparkline


def stage(*outs: Out, file: str = "pivot.yaml") -> Stage:
    return Stage("s", file, 1, Command(("true",)), outs=outs)


def plot_out(path: str, **options: Any) -> Out:
    return Out(path, kind="plot", plot=options)


FOLDERS = {"plots": ["plots/a.csv", "plots/in/b.png"], "sub/dir": ["sub/dir/c.csv"]}


def files_below(path: str) -> Sequence[str] | None:
    return FOLDERS.get(path)


# --- definitions ---------------------------------------------------------------------------


def test_outs_and_top_level_plots_seen_from_a_folder() -> None:
    top = TopLevel(
        "sub/pivot.yaml",
        "sub",
        plots=(("own", {"y": {"x.csv": "v"}, "x": {"../z.csv": "w"}}), ("dir", {"x": "e"})),
    )
    found = collect(
        [stage(plot_out("plots", x="e"), Out("other"))], [top], Wanted(), "sub", files_below
    )

    assert found == {
        "pivot.yaml": {
            "own": {"y": {"x.csv": "v"}, "x": {"../z.csv": "w"}},
            "dir/c.csv": {"x": "e"},
        },
        "": {"../plots/a.csv": {"x": "e"}, "../plots/in/b.png": {"x": "e"}},
    }


def test_the_nearer_definition_wins_and_given_options_win_over_both() -> None:
    top = TopLevel("pivot.yaml", ".", plots=(("plots", {"y": "far"}), ("plots/in", {"y": "near"})))
    folders = {**FOLDERS, "plots/in": ["plots/in/b.png"]}

    found = collect([], [top], Wanted((), {"title": "T"}), ".", folders.get)

    assert found["pivot.yaml"] == {
        "plots/a.csv": {"y": "far", "title": "T"},
        "plots/in/b.png": {"y": "near", "title": "T"},
    }


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        ("plots/a.csv", True),
        ("plots", True),
        ("plots/.*csv", True),
        ("pivot.yaml::plots", True),
        ("pivot.yaml", True),
        ("a.csv", False),
        ("plots(", False),
    ],
)
def test_targets_are_beginnings_and_patterns(target: str, covered: bool) -> None:
    assert Wanted((target,)).covers("plots/a.csv", "pivot.yaml") is covered


def test_targets_that_are_files_become_plots() -> None:
    wanted = Wanted(("x.csv", "plots", "absent.csv"), {"y": "v"})

    found = with_files(
        {"pivot.yaml": {}}, wanted, ".", files_below, lambda path: path != "absent.csv"
    )

    assert list(found[""]) == ["x.csv", "plots/a.csv", "plots/in/b.png"]
    # where nothing at all is found, the file is named, so that its absence can be told
    assert list(with_files({}, Wanted(("absent.csv",)), ".", files_below, lambda _: False)[""]) == [
        "absent.csv"
    ]


def test_names_that_several_files_define() -> None:
    found = {"a.yaml": {"p": {"x": 1}, "q": {}}, "": {"p": {}}}

    assert list(by_name(found)) == ["a.yaml::p", "p", "q"]


# --- rows ----------------------------------------------------------------------------------


def test_rows_are_found_wherever_they_lie_and_joined_side_by_side() -> None:
    content = {
        "a": {"b": [{"x": 1}, {"x": 2}]},
        "n": 5,
        "c": [{"y": 3}],
        "uneven": [{"z": 1}, {"q": 2}],
    }

    assert rows_of(content) == [{"x": 1, "y": 3}, {"x": 2}]


def points(options: Mapping[str, Any], **files: Any) -> Any:
    contents = {name.replace("_", "."): rows for name, rows in files.items()}
    found = points_of("a.csv", options, contents, "rev")
    assert found is not None
    return found


ROWS = [{"e": 1, "v": 5}, {"e": 2, "v": 6}]


def test_y_is_the_last_column_and_x_the_step() -> None:
    found = points({}, a_csv=ROWS)

    assert (found.x, found.y, found.x_label, found.y_label) == ("step", "v", "step", "v")
    assert found.rows == (
        {"e": 1, "v": 5, "step": 0, "rev": "rev", "filename": "a.csv", "field": "v"},
        {"e": 2, "v": 6, "step": 1, "rev": "rev", "filename": "a.csv", "field": "v"},
    )


def test_several_columns_share_one_axis() -> None:
    found = points({"x": "e", "y": ["e", "v"], "y_label": "both"}, a_csv=ROWS)

    assert (found.x, found.y, found.y_label) == ("e", "dvc_inferred_y_value", "both")
    assert [row["dvc_inferred_y_value"] for row in found.rows] == [1, 2, 5, 6]


def test_x_from_another_file() -> None:
    found = points(
        {"x": {"t.csv": "t"}, "y": {"d/a.csv": "v", "d/b.csv": "w"}},
        **{"t_csv": [{"t": 7}, {"t": 8}], "d/a_csv": ROWS, "d/b_csv": [{"w": 1}, {"w": 2}]},
    )

    assert [row["t"] for row in found.rows] == [7, 8, 7, 8]
    # what the names of files have in common tells nothing
    assert [row["filename"] for row in found.rows] == ["a.csv", "a.csv", "b.csv", "b.csv"]
    assert sources_of("p", {"x": {"t.csv": "t"}, "y": {"a": "v", "b": "w"}}) == ("a", "b", "t.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": "V"}, "no column 'V'"),
        ({"x": "nope"}, "no column 'nope'"),
        ({"x": {"b.csv": "w"}}, "cannot join 'w' of 'b.csv' (1 rows) with 'v' of 'a.csv' (2 rows)"),
        ({"x": {"a.csv": "e", "b.csv": "w"}}, "2 sources of x and 1 of y"),
    ],
)
def test_columns_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PivotError) as caught:
        points_of("a.csv", options, {"a.csv": ROWS, "b.csv": [{"w": 1}]}, "rev")

    assert message in str(caught.value)


def test_nothing_to_draw() -> None:
    assert points_of("a.json", {}, {"a.json": {"accuracy": 0.9}}, "rev") is None
    with pytest.raises(PivotError, match="needs rows"):
        points_of("a.json", {}, {"a.json": 5}, "rev")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "\ufeffx,y\n1,2\n", [{"x": "1", "y": "2"}]),
        ("a.tsv", "x\ty\n1\t2\n", [{"x": "1", "y": "2"}]),
        ("a.jsonl", '{"x": 1}\n\n{"x": 2}\n', [{"x": 1}, {"x": 2}]),
        ("a.yaml", "- {x: 1e-3}\n", [{"x": 0.001}]),
        ("a.toml", "[[r]]\nx = 1\n", {"r": [{"x": 1}]}),
    ],
)
def test_formats(name: str, text: str, expected: Any) -> None:
    assert parse(text.encode(), name) == expected


def test_tables_without_a_header() -> None:
    assert parse(b"1\t2\n3\t4\n", "a.tsv", header=False) == [
        {"0": "1", "1": "2"},
        {"0": "3", "1": "4"},
    ]


# --- templates -----------------------------------------------------------------------------


def series(*sources: tuple[str, str], title: str = "T") -> Series:
    rows = [
        {"v": 1, "step": 0, "rev": "r", "filename": file, "field": column}
        for file, column in sources
    ]
    named = [{"filename": file, "field": column} for file, column in sources]
    return Series(tuple(rows), "step", "v.w", title, "step", None, ("r",), tuple(named))


def test_anchors_are_replaced_whole_and_within_texts() -> None:
    template = {
        "data": {"values": anchor("data")},
        "a": ["<DVC_METRIC_X>", {"b": f"on {anchor('title')}!"}, f"not {anchor('title')}"],
        "y": anchor("y"),
        "left": anchor("y_label"),
    }

    content = fill(template, series(("f", "v"))).content

    assert content["a"] == ["step", {"b": "on T!"}, f"not {anchor('title')}"]
    assert content["y"] == "v\\.w"
    assert content["left"] == anchor("y_label")  # not known
    # a template without anchors for sources gets all columns
    assert content["data"]["values"][0]["filename"] == "f"


def test_sources_are_told_apart_by_what_varies() -> None:
    template = {"data": anchor("data"), "dash": anchor("stroke_dash"), "row": anchor("row")}

    one = fill(template, series(("f", "v"))).content
    files = fill(template, series(("f", "v"), ("g", "v"))).content
    both = fill(template, series(("f", "v"), ("g", "w"))).content

    assert (one["dash"], one["row"], set(one["data"][0])) == ({}, {}, {"v", "step", "rev"})
    assert files["dash"]["field"] == "filename"
    assert files["dash"]["scale"]["domain"] == ["f", "g"]
    assert "field" not in files["data"][0]
    assert both["row"] == {"field": "filename::field", "sort": []}
    assert [row["filename::field"] for row in both["data"]] == ["f::v", "g::w"]


def test_split_leaves_large_anchors_in_place() -> None:
    filled = fill(builtin("scatter"), series(("f", "v")), split=True)

    assert filled.content["data"]["values"] == anchor("data")
    assert filled.content["encoding"]["shape"] == {}
    assert filled.anchors[anchor("data")] == [{"v": 1, "step": 0, "rev": "r"}]
    assert filled.anchors[anchor("plot_width")] == 300


@pytest.mark.parametrize("template", [[], {"data": {}}, "x"])
def test_templates_that_cannot_be_used(template: Any) -> None:
    with pytest.raises(PivotError, match="plot template 'mine'"):
        fill(template, series(("f", "v")), name="mine")


@pytest.mark.parametrize("name", builtin_names())
def test_no_anchor_is_left_in_a_built_in_template(name: str) -> None:
    given = series(("f", "v"), ("g", "w"))
    labelled = Series(given.points, "step", "v", "T", "X", "Y", ("r",), given.sources)

    assert "<DVC_METRIC_" not in json.dumps(fill(builtin(name), labelled).content)


def test_a_projects_own_template_comes_first() -> None:
    files = {"/p/linear.json": {"own": 1}, "near.json": {"near": 1}}

    assert find_template(None, files.get, ("/p",)) == {"own": 1}
    assert find_template("near.json", files.get, ("/p",)) == {"near": 1}
    assert find_template("simple", files.get, ("/p",)) == builtin("simple")
    with pytest.raises(PivotError, match="no plot template 'smoth'; did you mean 'smooth'"):
        find_template("smoth", files.get, ("/p",))


# --- charts, pages, text -------------------------------------------------------------------


def test_the_first_version_decides_about_options() -> None:
    versions = [
        RevisionPlots("new", {"": {"a.csv": {"title": "N"}}}, {"a.csv": Content(ROWS)}),
        RevisionPlots("old", {"": {"a.csv": {"title": "O", "x": "e"}}}, {"a.csv": Content(ROWS)}),
        RevisionPlots("none", {"": {"a.csv": {}}}, {}),
    ]

    [plot] = plots_of(versions)

    assert plot.series is not None
    assert (plot.series.title, plot.series.x) == ("N", "e")
    assert plot.series.revisions == ("new", "old")


def test_pages_escape_what_they_are_given() -> None:
    bad = "</script><script>alert(1)</script><!--"
    spec = {"data": {"values": [{"v": bad}]}}
    picture = Plot("x.svg", True, pictures=(Picture("r", "x.svg", b"<svg/>"),))

    text = page([Chart(bad, spec)], [picture], ["r", "<i>"], "f('</SCRIPT>')", None)

    assert "alert(1)</script>" not in text
    assert "</SCRIPT>" not in text
    assert "<i>" not in text
    assert "data:image/svg+xml;base64,PHN2Zy8+" in text
    assert "not there" in text  # of the second revision


def test_a_page_of_ones_own() -> None:
    assert page([], [], [], "", "<html>{scripts}{plot_divs}</html>") == "<html></html>"
    with pytest.raises(PivotError, match=r"no \{plot_divs\}"):
        page([], [], [], "", "<html></html>")


def test_columns_of_numbers_are_drawn_as_numbers() -> None:
    rows = [
        {"n": "1.5", "mixed": "1", "zip": "007", "rev": "1"},
        {"n": "-2e3", "mixed": "x", "zip": "01", "rev": "2"},
    ]

    drawn = drawable({"data": {"values": rows}, "encoding": {"shape": {}}})

    assert drawn["data"]["values"] == [
        {"n": 1.5, "mixed": "1", "zip": "007", "rev": "1"},
        {"n": -2000.0, "mixed": "x", "zip": "01", "rev": "2"},
    ]
    assert drawn["encoding"] == {}


def test_numbers_that_json_cannot_hold() -> None:
    text = page([Chart("c", {"data": {"values": [{"v": float("nan")}]}})], [], [], "", None)

    assert '"v": null' in text


def test_sparklines() -> None:
    assert sparkline([0, 1, 2, 3], 0, 3) == "▁▃▆█"
    assert sparkline([5, 5], 5, 5) == "▅▅"
    assert sparkline([1, None, 3], 1, 3) == "▁ █"
    assert len(sparkline(list(range(1000)), 0, 999, 40)) == 40


def test_lines_share_a_scale_and_leave_texts_alone() -> None:
    found = points({"y": "v"}, a_csv=[{"v": "1"}, {"v": "3"}])
    other = points({"y": "v"}, a_csv=[{"v": "x"}, {"v": "nan"}])

    def drawn(points: Any) -> Any:
        [line] = lines_of(
            Series(points.rows, "step", "v", "T", None, None, ("rev",), points.sources)
        )
        return line

    falling = points({"x": "e", "y": "v"}, a_csv=[{"e": "10", "v": "1"}, {"e": "9", "v": "3"}])
    [line] = lines_of(Series(falling.rows, "e", "v", "T", None, None, ("rev",), falling.sources))
    assert (line.shape, line.first, line.last) == ("█▁", "3", "1")
    assert (drawn(found).shape, drawn(found).least, drawn(found).most) == ("▁█", 1.0, 3.0)
    assert (drawn(other).shape, drawn(other).first, drawn(other).least) == ("", "x", None)


def test_names_over_numbers_are_bars_and_pairs_of_names_are_counted() -> None:
    rows = [
        {"w": "2", "n": "a", "rev": "r"},
        {"w": -1, "n": "b", "rev": "r"},
        {"w": 0, "n": "a", "rev": "s"},
    ]
    bars = Series(tuple(rows), "w", "n", "T", None, "name", ("r", "s"))
    pairs = Series((*rows, {"w": "x", "n": "a", "rev": "r"}), "w", "n", "T", None, None, ("r",))

    assert not has_numbers(bars)
    assert bars_of(bars, 4) == [["name", "r", "s"], ["a", "████ 2", "0"], ["b", "██ -1", "-"]]
    assert bars_of(pairs) is None
    assert counts_of(pairs, "r") == [
        ["r: n", "-1", "2", "x"],
        ["a", "0", "1", "1"],
        ["b", "1", "0", "0"],
    ]
    many = Series(
        tuple({"w": n, "n": f"x{n}", "rev": "r"} for n in range(99)),
        "w",
        "n",
        "T",
        None,
        None,
        ("r",),
    )
    assert bars_of(many) is None
    assert counts_of(many, "r") is None
