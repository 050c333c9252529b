"""`plots`: charts of what a pipeline wrote, of one version or several beside each other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import InProject, Json, choose_one
from .output import note, say, say_json
from .reviews import Fetch, OnlyThese, TakesTargets

if TYPE_CHECKING:
    from ..commands.plots import Plots
    from ..commands.versions import Versions
    from ..plots.anchors import Filled, Series
    from ..plots.definitions import Wanted

_DIGITS = 6  # of numbers in text
_FEW = 12  # of plots named where none is like the one that was asked for

Targets = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TARGETS]...", help="Plots by name, or files.", show_default=False),
]
Template = Annotated[
    str | None,
    typer.Option("-t", "--template", metavar="NAME", help="A template's name, or its file."),
]
XField = Annotated[str | None, typer.Option("-x", metavar="FIELD", help="The column of x.")]
YField = Annotated[str | None, typer.Option("-y", metavar="FIELD", help="The column of y.")]
NoHeader = Annotated[bool, typer.Option("--no-header", help="CSV and TSV begin with data.")]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The title.")]
XLabel = Annotated[str | None, typer.Option("--x-label", metavar="TEXT", help="What x is.")]
YLabel = Annotated[str | None, typer.Option("--y-label", metavar="TEXT", help="What y is.")]
Out = Annotated[
    str | None,
    typer.Option("-o", "--out", metavar="PATH", help="The folder, or the .html file, to write."),
]
Split = Annotated[
    bool, typer.Option("--split", help="With --json: data and sizes beside the template.")
]
ShowVega = Annotated[bool, typer.Option("--show-vega", help="Print one plot's specification.")]
Text = Annotated[bool, typer.Option("--text", help="Draw in the terminal.")]
Open = Annotated[bool, typer.Option("--open", help="Show the page in the browser.")]
Html = Annotated[
    str | None,
    typer.Option("--html-template", metavar="FILE", help="A page of your own to put plots into."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(
        help="Show plots, compare them between versions, and list their templates.",
        no_args_is_help=True,
    )
    group.command("show")(show)
    group.command("diff", cls=TakesTargets)(diff)
    group.command("templates")(templates)
    app.add_typer(group, name="plots")


def show(
    targets: Targets = None,
    template: Template = None,
    x: XField = None,
    y: YField = None,
    no_header: NoHeader = False,
    title: Title = None,
    x_label: XLabel = None,
    y_label: YLabel = None,
    out: Out = None,
    text: Text = False,
    as_json: Json = False,
    split: Split = False,
    show_vega: ShowVega = False,
    open_: Open = False,
    html_template: Html = None,
    fetch: Fetch = False,
) -> None:
    """Draw the plots of the working tree."""
    options = _options(template, x, y, no_header, title, x_label, y_label)
    view = _View(out, text, as_json, split, show_vega, open_, html_template)
    view.check(targets or [])
    _run(None, targets or [], options, view, fetch=fetch)


def diff(
    revisions: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REVISIONS]...", help="Versions to compare.", show_default=False),
    ] = None,
    targets: OnlyThese = None,
    template: Template = None,
    x: XField = None,
    y: YField = None,
    no_header: NoHeader = False,
    title: Title = None,
    x_label: XLabel = None,
    y_label: YLabel = None,
    out: Out = None,
    text: Text = False,
    as_json: Json = False,
    split: Split = False,
    show_vega: ShowVega = False,
    open_: Open = False,
    html_template: Html = None,
    fetch: Fetch = False,
    project: InProject = None,
) -> None:
    """Draw the plots of several versions into one; by default HEAD and the working tree."""
    options = _options(template, x, y, no_header, title, x_label, y_label)
    view = _View(out, text, as_json, split, show_vega, open_, html_template)
    view.check(targets or [])
    _run(revisions or [], targets or [], options, view, fetch=fetch, folder=project)


def templates(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The template to print.")
    ] = None,
) -> None:
    """List the built-in templates, or print one."""
    from ..plots.templates import builtin, builtin_names

    if name is None:
        for each in builtin_names():
            say(each)
    else:
        say_json(builtin(name))


def _options(
    template: str | None,
    x: str | None,
    y: str | None,
    no_header: bool,
    title: str | None,
    x_label: str | None,
    y_label: str | None,
) -> dict[str, Any]:
    given = {
        "template": template,
        "x": x,
        "y": y,
        "header": False if no_header else None,
        "title": title,
        "x_label": x_label,
        "y_label": y_label,
    }
    return {name: value for name, value in given.items() if value is not None}


class _View:
    """How the plots are to be shown."""

    def __init__(
        self,
        out: str | None,
        text: bool,
        as_json: bool,
        split: bool,
        vega: bool,
        opens: bool,
        html_template: str | None,
    ) -> None:
        self.out = out
        self.text = text
        self.as_json = as_json
        self.split = split
        self.vega = vega
        self.opens = opens
        self.html_template = html_template

    def check(self, targets: list[str]) -> None:
        """Raise PivotError where options contradict each other."""
        from ..errors import PivotError

        choose_one({"--text": self.text, "--json": self.as_json, "--show-vega": self.vega})
        page = {"--open": self.opens, "--html-template": self.html_template is not None}
        for name, given in page.items():
            choose_one({name: given, "--text": self.text})
            choose_one({name: given, "--json": self.as_json})
            choose_one({name: given, "--show-vega": self.vega})
        if self.split and not self.as_json:
            raise PivotError("--split goes with --json", hint="add --json")
        if self.vega and len(targets) != 1:
            raise PivotError("--show-vega takes one target", hint="name the plot to print")

    @property
    def wants_page(self) -> bool:
        """Whether a file was asked for, so that nothing else will do."""
        return self.opens or self.out is not None or self.html_template is not None


def _run(
    revisions: list[str] | None,
    targets: list[str],
    options: dict[str, Any],
    view: _View,
    *,
    fetch: bool,
    folder: str | None = None,
) -> None:
    """Show the plots of the working tree (`revisions` None), or of several versions."""
    from ..commands import plots as use_case
    from ..commands.session import Request
    from ..commands.versions import WORKSPACE, opened_versions
    from ..errors import raise_all
    from ..plots.definitions import Wanted

    wanted = Wanted(tuple(targets), options)
    first = next(iter(revisions), None) if revisions is not None else WORKSPACE
    with opened_versions(Request(os.getcwd()), first, folder) as versions:
        project, cwd = versions.project, versions.cwd
        chosen = (WORKSPACE,) if revisions is None else use_case.compared(versions, revisions)
        if "template" in options:
            use_case.check_template(project, cwd, options["template"])
        wanted = use_case.by_out_names(versions, chosen, wanted)
        found = use_case.load(versions, chosen, wanted, fetch=fetch)
        for remark in found.notes:
            note(remark)
        _say(versions, found, wanted, view)
    raise_all(found.lacks)  # what could be read is shown; the exit code tells


def _say(versions: Versions, found: Plots, wanted: Wanted, view: _View) -> None:
    from ..commands import plots as use_case
    from ..errors import PivotError

    project, cwd = versions.project, versions.cwd
    if view.as_json:
        place = view.out or _folder(versions)
        say_json(use_case.as_data(project, cwd, found, place, split=view.split))
        return
    found, specified = use_case.with_specifications(project, cwd, found)
    for failure in found.warnings:
        note(f"warning: at {failure.revision}: {failure.message}")
    if not _has_any(versions, found, wanted):
        return
    for plot in found.plots:
        for failure in plot.failures:
            note(f"warning: '{plot.name}' at {failure.revision}: {failure.message}")
    if view.vega:
        for plot in found.plots:
            if plot.name in specified:
                say_json(specified[plot.name].content)
                return
        message = f"'{wanted.targets[0]}' is no chart"
        raise PivotError(message, hint="pictures have no specification")
    if view.text or not (view.wants_page or use_case.has_scripts()):
        if not view.text:
            note("drawn as text; pages need the extra: pip install 'pivot-repro[plots]'")
        _say_text(found)
        return
    _say_page(versions, found, specified, view)


def _has_any(versions: Versions, found: Plots, wanted: Wanted) -> bool:
    """Whether there is anything to draw. Raises PivotError for what was asked for by name."""
    from ..commands.plots import plot_names, unknown_targets
    from ..errors import PivotError, did_you_mean

    if not found.revisions:
        note("Nothing to compare: there is no commit yet.")
        return False
    unknown = unknown_targets(found, wanted)
    if unknown:
        known = plot_names(versions, found.revisions)
        listed = ", ".join(known[:_FEW]) + (", ..." if len(known) > _FEW else "")
        raise PivotError(
            f"'{unknown[0]}' is neither a plot nor a file that can be plotted",
            hint=did_you_mean(unknown[0], known)
            or (f"the plots are {listed}" if known else "no plots are defined"),
        )
    if any(plot.series or plot.pictures for plot in found.plots):
        return True
    failures = [failure for plot in found.plots for failure in plot.failures]
    if failures and (wanted.targets or wanted.options):
        raise PivotError(f"'{failures[0].plot}': {failures[0].message}")
    for failure in failures:
        note(f"warning: '{failure.plot}' at {failure.revision}: {failure.message}")
    if found.lacks:
        pass  # whether there are more is not known
    elif not found.plots:
        note("No plots: list files under `plots:` in a stage, or at the top of the pipeline file.")
    elif wanted.targets:
        raise PivotError(f"{', '.join(wanted.targets)}: there are no rows to plot")
    else:
        note("No plot has any data.")
    return False


def _folder(versions: Versions) -> str:
    """Where plots are written without -o."""
    from ..commands.plots import FOLDERS

    return FOLDERS[versions.project.mode]


def _say_page(versions: Versions, found: Plots, specified: dict[str, Filled], view: _View) -> None:
    from pathlib import Path

    from ..commands import plots as use_case

    place = view.out or _folder(versions)
    if not place.endswith((".html", ".htm")):
        place = os.path.join(place, "index.html")
    written = use_case.write_page(versions.project, found, specified, place, view.html_template)
    uri = Path(written).as_uri()
    say(uri)
    if view.opens:
        import webbrowser

        if not webbrowser.open(uri):
            note("no browser could be started; open the file yourself")


def _say_text(found: Plots) -> None:
    blocks = []
    for plot in found.plots:
        if plot.series is not None:
            axes = f"{plot.series.y_label} over {plot.series.x_label}"
            blocks.append("\n".join([f"{plot.series.title}: {axes}", *_drawn(plot.series)]))
        elif plot.pictures:
            facts = [[picture.revision, _size(picture.data)] for picture in plot.pictures]
            blocks.append("\n".join([f"{plot.name}: a picture", _aligned(facts)]))
    say("\n\n".join(blocks))


def _drawn(series: Series) -> list[str]:
    """A chart as tables of text: lines of numbers, bars of names, or how often pairs occur."""
    from ..plots.text import bars_of, counts_of, has_numbers, lines_of

    if not has_numbers(series):
        tables = [bars_of(series) or []]
        if not tables[0]:
            tables = [counts_of(series, label) or [] for label in series.revisions]
        if all(tables):
            return [_aligned(table) for table in tables]
    several = len(series.sources) > 1
    head = ["", *(["source"] if several else []), "", "rows", "first", "last", "least", "most"]
    rows = [
        [
            line.revision,
            *([line.source] if several else []),
            line.shape,
            line.count,
            *map(_cell, (line.first, line.last, line.least, line.most)),
        ]
        for line in lines_of(series)
    ]
    return [_aligned([head, *rows])]


def _aligned(rows: list[list[Any]]) -> str:
    from tabulate import tabulate

    return str(tabulate(rows, tablefmt="plain", disable_numparse=True))


def _size(data: bytes) -> str:
    from ..tables.pictures import dimensions_of

    dimensions = dimensions_of(data)
    return f"{f'{dimensions}, ' if dimensions else ''}{len(data)} bytes"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):  # of a table, whose numbers are text
        from ..plots.text import number_of

        number = number_of(value)
        value = value if number is None or len(value) <= _DIGITS else number
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
